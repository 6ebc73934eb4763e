// Where an HTTP server is, and what is asked of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace plk::kit {

struct url {
  bool tls = false;
  std::string host;  // a name or an address; of IPv6 without brackets
  std::uint16_t port = 0;
  std::string user_info;     // as written, before the `@`; may be empty
  std::string target = "/";  // path and query, as they are sent

  // http:// and https:// only. Throws PLK_E_CONFIG for anything else, without the text: there may
  // be a password in it.
  static url parse(std::string_view text);

  // "example.org", "[::1]:8080": what the Host header says.
  std::string authority() const;
};

// Everything but letters, digits, `-._~` and what `kept` has becomes %XX.
std::string percent_encode(std::string_view text, std::string_view kept = "");

// The opposite. A `%` without two digits stays what it is.
std::string percent_decode(std::string_view text);

}  // namespace plk::kit
