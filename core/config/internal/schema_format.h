// The formats that are checked; the others of JSON Schema are notes.
#pragma once

#include <string>
#include <string_view>

namespace plakar::config {

// Whether `text` is what `format` says; true for a format that is not known.
bool has_format(std::string_view text, std::string_view format);

// "a URI", "an e-mail address", ...: the end of "must be ".
std::string describe_format(std::string_view format);

}  // namespace plakar::config
