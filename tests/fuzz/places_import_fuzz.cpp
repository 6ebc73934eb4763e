// Text to import: YAML, JSON or INI from anybody. What was read is shown in each format and
// read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/config/exchange.h"

using namespace plakar;
using namespace plakar::config;

namespace {

// JSON cannot say what is not UTF-8, and a key of a line cannot be longer than a line's key.
bool is_sayable(const Place& place) {
  constexpr std::size_t key_bytes_max = 128;
  const auto sayable = [&](const std::string& key) {
    return is_utf8(key) && key.size() <= key_bytes_max && !key.empty() &&
           std::ranges::none_of(key, [](char c) { return c == '\n' || c == '\r'; });
  };
  return sayable(place.name) && std::ranges::all_of(place.options, [&](const Option& option) {
           return sayable(option.key) && is_utf8(option.value);
         });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto places = parse_places(text);
  if (!places) {
    PLK_ASSERT(places.error().code() == Errc::invalid_argument);
    return 0;
  }
  for (const Place& place : places->places) {
    (void)render_yaml(place, ShownSecrets::masked);
    (void)render_json(place, ShownSecrets::masked);
    (void)render_ini(place, ShownSecrets::plain);
    if (!is_sayable(place)) continue;
    const Places expected{.places = {place}, .default_name = {}};
    const auto yaml = parse_places(render_yaml(place, ShownSecrets::plain));
    PLK_ASSERT(yaml && yaml->same_as(expected));
    const auto json = parse_places(render_json(place, ShownSecrets::plain));
    PLK_ASSERT(json && json->same_as(expected));
  }
  return 0;
}
