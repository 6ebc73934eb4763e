// The INI dialect of genuine Plakar's exports and of rclone.
//
//   [name]
//   key = value            # or `key: value`; a comment after # or ;
//   key = `a # in it`      quotes of all kinds; """ and ` over several lines
//   key = one \            a line that ends in a backslash goes on
//         two
//
// A later value replaces an earlier one. Options before any section, and those of the section
// DEFAULT, are read and left out.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/config/places.h"

namespace plakar::config {

Result<Places> parse_ini(std::string_view text);

// One section; keys in the order given, aligned.
std::string write_ini(const Place& place);

}  // namespace plakar::config
