#include "core/base/redactor.h"

#include <doctest/doctest.h>

#include "core/base/testing/seeded_random.h"
#include "core/base/text.h"

namespace plakar {
namespace {

std::string redact(std::string_view secret, std::string_view text) {
  Redactor redactor;
  const auto registration = redactor.add(secret);
  return redactor.redact(text);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x80 && std::isalnum(value) != 0) {
      out += c;
    } else {
      out += '%';
      out += digits[value >> 4];
      out += digits[value & 15];
    }
  }
  return out;
}

}  // namespace

TEST_SUITE("redactor") {
  TEST_CASE("a secret disappears everywhere, and nothing else does") {
    CHECK(redact("hunter22", "a hunter22 b hunter22hunter22") ==
          "a [redacted] b [redacted][redacted]");
    CHECK(redact("hunter22", "hunter2 unter22") == "hunter2 unter22");
    CHECK(redact("aaaab", "aaaaab") == "a[redacted]");
    CHECK(redact("hunter22", "") == "");
  }

  TEST_CASE("encodings do not hide a secret") {
    const std::string secret = "p@ss \"w\\rd/\n\xc3\xbc+";
    CHECK(redact(secret, secret) == "[redacted]");
    CHECK(redact(secret, escape(secret)) == "[redacted]");
    CHECK(redact(secret, escape_json(secret)) == "[redacted]");
    CHECK(redact(secret, percent_encode(secret)) == "[redacted]");
    CHECK(redact(secret, "p%40ss+%22w%5Crd%2f%0A%c3%bc%2b.") == "[redacted].");
    CHECK(redact(secret, R"(p\u0040ss \"w\\rd\/\n\u00fc+.)") == "[redacted].");
    CHECK(redact("\U0001F600pass", R"(\ud83d\ude00pass)") == "[redacted]");
    CHECK(redact("a\\\\\\b", "a\\\\\\b a\\\\\\\\\\\\b") == "[redacted] [redacted]");
  }

  TEST_CASE("random secrets are found in every form, between other text") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    const std::string_view alphabet = "ab\\%+\"/ nu0@\n\x01\xff";
    for (int i = 0; i < 2000; ++i) {
      std::string secret;
      for (std::uint64_t length = 4 + random.below(8); length > 0; --length) {
        secret += alphabet[random.below(alphabet.size())];
      }
      CAPTURE(secret);
      for (const std::string& form :
           {secret, escape(secret), escape_json(secret), percent_encode(secret),
            escape_json(escape_json(secret)), escape_json(escape(secret)),
            percent_encode(percent_encode(secret)), escape(percent_encode(secret))}) {
        REQUIRE(redact(secret, "<" + form + ">") == "<[redacted]>");
      }
    }
  }

  TEST_CASE("a value is looked for while it is registered, by each who did") {
    Redactor redactor;
    auto first = redactor.add("hunter22");
    {
      const auto second = redactor.add("hunter22");
      CHECK(redactor.redact("hunter22") == "[redacted]");
    }
    CHECK(redactor.redact("hunter22") == "[redacted]");
    auto moved = std::move(first);
    CHECK(redactor.redact("hunter22") == "[redacted]");
    moved = {};
    CHECK(redactor.redact("hunter22") == "hunter22");
  }

  TEST_CASE("the longest of overlapping secrets goes") {
    Redactor redactor;
    const auto a = redactor.add("pass");
    const auto b = redactor.add("password");
    CHECK(redactor.redact("password passport") == "[redacted] [redacted]port");
  }

  TEST_CASE("very short values are not looked for, single lines of long ones are") {
    CHECK(redact("abc", "abc") == "abc");
    CHECK(redact("", "abc") == "abc");
    const std::string key = "-----BEGIN KEY-----\r\nMIIEvQIBADAN\nshort\nlast-line";
    CHECK(redact(key, "line 2 is MIIEvQIBADAN!") == "line 2 is [redacted]!");
    CHECK(redact(key, "last-line short") == "[redacted] short");
    CHECK(redact(key, key) == "[redacted]");
  }

  TEST_CASE("URLs lose their user information") {
    CHECK(strip_user_info("scheme://user:pass@host") == "scheme://host");
    CHECK(strip_user_info("get https://u:p@a/x?y=z@q and s3+tls://k@b:1/c.") ==
          "get https://a/x?y=z@q and s3+tls://b:1/c.");
    CHECK(strip_user_info("https://host/@handle") == "https://host/@handle");
    CHECK(strip_user_info("https://host:8080/@handle") == "https://host:8080/@handle");
    CHECK(strip_user_info("https://[::1]:80/@handle") == "https://[::1]:80/@handle");
    CHECK(strip_user_info("https://u:p@[::1]:80/") == "https://[::1]:80/");
    CHECK(strip_user_info("postgres://u:pa/ss@word#@host/db") == "postgres://host/db");
    CHECK(strip_user_info("(\"https://u:p@host\")") == "(\"https://host\")");
    CHECK(strip_user_info("a://b://u:p@c") == "a://b://c");
    CHECK(strip_user_info("://u@h") == "://u@h");
    CHECK(strip_user_info("x://") == "x://");
    CHECK(redact("hunter22", "sftp://hunter22@host") == "sftp://host");
  }

  TEST_CASE("a text made to be slow is not") {
    const std::string secret(1000, '\\');
    CHECK(redact(secret, std::string(3000, '\\')).find('\\') == std::string::npos);
  }
}

}  // namespace plakar
