#include "core/config/masking.h"

#include <algorithm>
#include <array>

#include "core/config/location.h"

namespace plakar::config {
namespace {

constexpr std::array<std::string_view, 10> secret_names = {
    "access_key", "secret_access_key", "passphrase",    "password",  "pass", "private_key",
    "token",      "client_id",         "client_secret", "auth_token"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool contains_ignoring_case(std::string_view text, std::string_view lower_case_part) {
  const auto found = std::ranges::search(text, lower_case_part, {}, lower);
  return !found.empty();
}

bool ends_with_ignoring_case(std::string_view text, std::string_view lower_case_end) {
  if (text.size() < lower_case_end.size()) return false;
  return std::ranges::equal(text.substr(text.size() - lower_case_end.size()), lower_case_end, {},
                            lower);
}

}  // namespace

bool is_secret_name(std::string_view key) {
  return std::ranges::any_of(secret_names, [&](std::string_view name) {
    if (!ends_with_ignoring_case(key, name)) return false;
    return key.size() == name.size() || key[key.size() - name.size() - 1] == '_';
  });
}

bool is_secret_field(std::string_view key) {
  constexpr std::array<std::string_view, 12> parts = {
      "password",    "passphrase",        "secret",      "token",
      "private_key", "access_key",        "account_key", "credentials",
      "api_key",     "connection_string", "kubeconfig",  "sse_customer_key"};
  if (is_secret_name(key) || ends_with_ignoring_case(key, "_key") ||
      ends_with_ignoring_case(key, "_key_data")) {
    return true;
  }
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return contains_ignoring_case(key, part); });
}

std::string masked_value(std::string_view key, std::string_view value) {
  if (is_secret_name(key)) return std::string(mask);
  return mask_passwords(value);
}

}  // namespace plakar::config
