#include <algorithm>
#include <cstdlib>

#include "sdk/kit/http/client.h"

namespace plk::kit {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string either(const char* lower, const char* upper) {
  std::string value = variable(lower);
  return value.empty() ? variable(upper) : value;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// "example.org", ".example.org", "*.example.org": the domain and all below it.
bool covers(std::string_view pattern, const url& place) {
  if (pattern == "*") return true;
  if (!pattern.empty() && pattern.front() == '[') {
    const std::size_t close = std::min(pattern.find(']'), pattern.size());
    return pattern.substr(1, close - 1) == place.host;
  }
  if (std::count(pattern.begin(), pattern.end(), ':') == 1) {
    const std::size_t colon = pattern.find(':');
    if (pattern.substr(colon + 1) != std::to_string(place.port)) return false;
    pattern = pattern.substr(0, colon);
  }
  if (!pattern.empty() && pattern.front() == '*') pattern.remove_prefix(1);
  if (!pattern.empty() && pattern.front() == '.') pattern.remove_prefix(1);
  if (pattern.empty()) return false;
  const std::string host = lower(place.host);
  const std::string domain = lower(pattern);
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.';
}

}  // namespace

proxy_settings proxy_settings::from_environment() {
  const bool is_cgi = std::getenv("REQUEST_METHOD") != nullptr;
  return {.http = is_cgi ? variable("http_proxy") : either("http_proxy", "HTTP_PROXY"),
          .https = either("https_proxy", "HTTPS_PROXY"),
          .none_for = either("no_proxy", "NO_PROXY")};
}

std::string proxy_settings::choose(const url& place) const {
  const std::string& proxy = place.tls ? https : http;
  if (proxy.empty()) return {};
  std::string_view rest = none_for;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    if (covers(trim(rest.substr(0, comma)), place)) return {};
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return proxy;
}

}  // namespace plk::kit
