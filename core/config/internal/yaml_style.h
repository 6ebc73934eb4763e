// How genuine Plakar's YAML writer spells strings and orders keys, octet for octet.
//
// The rules follow from one: a string must come back as that string from every YAML reader,
// so what an old or a new reader could take for a number, a truth value, nothing or a date is
// quoted. Where the genuine writer itself loses data (line separators U+0085, U+2028, U+2029;
// a literal block that starts with a space or a newline; a key `<<`) double quotes are used.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace plakar::config {

enum class YamlPlace : unsigned char { block_value, block_key, flow };

struct YamlStyle {
  YamlPlace place = YamlPlace::block_value;
  std::size_t indent = 4;  // of the lines of a literal block
  std::string_view newline = "\n";
  bool literal_blocks = true;  // false: double quotes for several lines as well
};

// `value` as a YAML scalar without a newline after it. Any octets: what is not UTF-8 becomes
// !!binary.
std::string yaml_scalar(std::string_view value, const YamlStyle& style = {});

// Whether a plain `text` would mean something else than that string to some reader.
bool looks_typed(std::string_view text);

// The order of keys: numbers inside names count as numbers ("a2" before "a10"), letters come
// after everything else.
bool natural_less(std::string_view a, std::string_view b);

// Base64 of !!binary; nothing for text that is not base64. White space is ignored.
std::string encode_base64(std::string_view octets);
bool decode_base64(std::string_view text, std::string& octets);

// Decodes one character of valid UTF-8 at `at`, and moves `at` behind it.
char32_t next_character(std::string_view text, std::size_t& at);

}  // namespace plakar::config
