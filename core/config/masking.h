// Which options hold secrets, judged by their names alone: the fallback where no schema
// says `writeOnly`, and what `store show` masks.
#pragma once

#include <string>
#include <string_view>

namespace plakar::config {

inline constexpr std::string_view mask = "********";

// The names genuine Plakar masks: one of a list, or ending in `_` and one of the list,
// in any case. `client_id` is among them although it is harmless: outputs are compared.
bool is_secret_name(std::string_view key);

// The same question about a field of a schema that marks no secrets: more names, because
// nothing is compared here and a form that shows a password is worse than one that hides a
// name.
bool is_secret_field(std::string_view key);

// What may be shown of `key: value`: the mask for a secret name, otherwise the value with
// passwords inside URLs masked.
std::string masked_value(std::string_view key, std::string_view value);

}  // namespace plakar::config
