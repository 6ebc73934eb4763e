// Places as text for other programs and for people: what `store show` prints and `store
// import` reads. The formats are genuine Plakar's, octet for octet where that loses nothing,
// so that what one program shows the other can import.
//
// Pure functions; safe from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/config/places.h"

namespace plakar::config {

enum class ShownSecrets : unsigned char {
  masked,  // masked_value() of masking.h
  plain,
};

// One place each, ending in a newline; texts of several places make up one document when they
// stand one after the other (of JSON: one object a line). Keys are sorted.
std::string render_yaml(const Place& place, ShownSecrets secrets);
std::string render_json(const Place& place, ShownSecrets secrets);
std::string render_ini(const Place& place, ShownSecrets secrets);

// Reads YAML (names with options, or a whole configuration file of any kind), else JSON (the same;
// also one object a line), else INI (sections with options). Numbers and truth values become texts,
// options with an empty value are left out. Errc::invalid_argument for text that is none of the
// three, and for an option whose value is a list or has options itself; the limits are those of a
// places file.
Result<Places> parse_places(std::string_view text);

// The options of an rclone remote as its connector wants them: each key with `rclone_` before
// it, and the location `rclone://`.
Options as_rclone(const Options& options);

}  // namespace plakar::config
