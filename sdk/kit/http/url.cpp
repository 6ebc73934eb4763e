#include "sdk/kit/http/url.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include <plakar/connector.hpp>

namespace plk::kit {
namespace {

constexpr std::size_t url_size_max = 64 * 1024;

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

// What may go into a request line or a header as it is.
bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; });
}

bool take_prefix(std::string_view& text, std::string_view prefix) noexcept {
  if (text.size() < prefix.size()) return false;
  const bool same = std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
  });
  if (same) text.remove_prefix(prefix.size());
  return same;
}

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    throw failure(PLK_E_CONFIG, "the port of a URL is a number from 1 to 65535");
  }
  return port;
}

}  // namespace

url url::parse(std::string_view text) {
  url made;
  if (text.size() > url_size_max || !is_printable(text)) {
    throw failure(PLK_E_CONFIG, "a URL has printable characters only, and no blanks");
  }
  if (take_prefix(text, "https://")) {
    made.tls = true;
  } else if (!take_prefix(text, "http://")) {
    throw failure(PLK_E_CONFIG, "a URL begins with http:// or https://");
  }
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  std::string_view target = text.substr(end);
  target = target.substr(0, target.find('#'));
  if (target.empty() || target.front() != '/') made.target = "/";
  if (!target.empty() && target.front() == '/') made.target.clear();
  made.target += target;

  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    made.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) {
      throw failure(PLK_E_CONFIG, "an IPv6 address in a URL ends with ]");
    }
    made.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') {
      throw failure(PLK_E_CONFIG, "behind the ] of a URL comes a port, or nothing");
    }
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    made.host = authority.substr(0, colon);
    port = authority.substr(colon);
  }
  if (made.host.empty()) throw failure(PLK_E_CONFIG, "a URL names a host");
  const std::uint16_t usual = made.tls ? 443 : 80;
  made.port = port.size() > 1 ? parse_port(port.substr(1)) : usual;
  return made;
}

std::string url::authority() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  std::string made = is_ipv6 ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) made += ":" + std::to_string(port);
  return made;
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string made;
  made.reserve(text.size());
  for (const char c : text) {
    if (is_unreserved(c) || kept.find(c) != std::string_view::npos) {
      made += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    made += '%';
    made += digits[octet >> 4];
    made += digits[octet & 15];
  }
  return made;
}

std::string percent_decode(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped =
        text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0;
    made += escaped ? static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])) : text[i];
    if (escaped) i += 2;
  }
  return made;
}

}  // namespace plk::kit
