#include "sdk/kit/http/url.h"

#include <doctest/doctest.h>

#include <plakar/connector.hpp>

namespace plk::kit {

TEST_SUITE("url") {
  TEST_CASE("a URL has its parts") {
    const url plain = url::parse("http://example.org");
    CHECK_FALSE(plain.tls);
    CHECK(plain.host == "example.org");
    CHECK(plain.port == 80);
    CHECK(plain.target == "/");
    CHECK(plain.authority() == "example.org");

    const url all = url::parse("HTTPS://u:p%40@example.org:8443/a/b?c=d#e");
    CHECK(all.tls);
    CHECK(all.user_info == "u:p%40");
    CHECK(all.port == 8443);
    CHECK(all.target == "/a/b?c=d");
    CHECK(all.authority() == "example.org:8443");

    const url ipv6 = url::parse("https://[::1]?q");
    CHECK(ipv6.host == "::1");
    CHECK(ipv6.port == 443);
    CHECK(ipv6.target == "/?q");
    CHECK(ipv6.authority() == "[::1]");
    CHECK(url::parse("http://[::1]:8080/").authority() == "[::1]:8080");
    CHECK(url::parse("http://h:/x").port == 80);
  }

  TEST_CASE("what is no URL is refused, and not repeated in the message") {
    for (const std::string_view text :
         {"", "example.org", "ftp://h/", "http://", "http:///x", "http://h:0/", "http://h:65536/",
          "http://h:x/", "http://[::1", "http://[::1]x/", "http://secret word@h/",
          "http://h/a\r\nb", "http://u@/"}) {
      CAPTURE(text);
      try {
        static_cast<void>(url::parse(text));
        FAIL("it was taken");
      } catch (const failure& error) {
        CHECK(error.status() == PLK_E_CONFIG);
        CHECK(std::string_view(error.what()).find("secret") == std::string_view::npos);
      }
    }
  }

  TEST_CASE("what may not stand in a URL is escaped") {
    CHECK(percent_encode("a-b._~/ ?\xff") == "a-b._~%2F%20%3F%FF");
    CHECK(percent_encode("a/b c", "/") == "a/b%20c");
    CHECK(percent_decode("a%2Fb%20%fF%4") == "a/b \xff%4");
    CHECK(percent_decode(percent_encode("\x01 %?")) == "\x01 %?");
  }
}

}  // namespace plk::kit
