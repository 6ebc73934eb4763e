// A configuration file from anybody, and a change of it. Input: an octet that chooses the
// change, one that chooses the place and option, one that chooses the value; then the file.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/config/places_document.h"

using namespace plakar;
using namespace plakar::config;

namespace {

constexpr std::array<std::string_view, 8> values = {
    "plain", "", "true", "two\nlines\n", "'q': #x", "\xff", "\xc2\x85 ", "blank lines\n\n\n"};

std::size_t common_prefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// Whether `longer` is `shorter` with one range of octets put in.
bool is_insertion(std::string_view shorter, std::string_view longer) {
  if (longer.size() < shorter.size()) return false;
  const std::size_t prefix = common_prefix(shorter, longer);
  return longer.ends_with(shorter.substr(prefix));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 3), size - 3);
  const PlaceKind kind = static_cast<PlaceKind>((data[0] >> 4) % 3);
  const auto parsed = PlacesDocument::parse(text, kind, "f");
  if (!parsed) {
    PLK_ASSERT(parsed.error().code() == Errc::invalid_argument ||
               parsed.error().code() == Errc::unsupported);
    PLK_ASSERT(parsed.error().message().starts_with("f:"));
    return 0;
  }
  PLK_ASSERT(parsed->text() == text);
  const Places before = parsed->places();
  const std::string value(values[data[2] % values.size()]);

  Place target{.name = "new", .options = {{"location", value}, {"k", "v"}}};
  std::string key = "k";
  if (!before.places.empty()) {
    const Place& place = before.places[data[1] % before.places.size()];
    if (data[0] % 6 != 0) target.name = place.name;
    if (!place.options.empty()) key = place.options[data[2] % place.options.size()].key;
  }
  Places intended = before;
  const auto place = std::ranges::find(intended.places, target.name, &Place::name);
  const bool exists = place != intended.places.end();

  PlacesDocument document = *parsed;
  Status status;
  switch (data[0] % 6) {
    case 0:
      status = document.add(target);
      if (status) {
        PLK_ASSERT(!exists);
        intended.places.push_back(target);
      }
      break;
    case 1: {
      const std::vector<Option> options = {{key, value}};
      status = document.set(target.name, options);
      if (status) set_option(place->options, key, value);
      break;
    }
    case 2: {
      const std::vector<std::string> keys = {key};
      status = document.unset(target.name, keys);
      if (status) std::erase_if(place->options, [&](const Option& o) { return o.key == key; });
      break;
    }
    case 3:
      status = document.remove(target.name);
      if (status) intended.places.erase(place);
      break;
    case 4:
      status = document.rename(target.name, "re named");
      if (status) {
        place->name = "re named";
        if (intended.default_name == target.name) intended.default_name = "re named";
      }
      break;
    default:
      status = document.set_default(target.name);
      if (status) intended.default_name = target.name;
  }
  if (!status) {
    PLK_ASSERT(document.text() == text);
    PLK_ASSERT(document.places().same_as(before));
    // A change that turns out to mean something else is noticed. In block style, as people
    // and programs write it, that never happens; yaml-cpp has odd ideas about brackets.
    PLK_ASSERT(status.error().code() != Errc::internal || text.find_first_of("{[?!&") != text.npos);
    return 0;
  }
  const auto again = PlacesDocument::parse(document.text(), kind, "f");
  PLK_ASSERT(again && again->places().same_as(intended));
  PLK_ASSERT(document.places().same_as(intended));

  // To a file of the current layout with something in it, a place is added by putting it in.
  const bool current = text.starts_with("version: v1.0.0\n");
  if (current && data[0] % 6 == 0 && !before.places.empty()) {
    PLK_ASSERT(is_insertion(text, document.text()));
  }
  // And a removal is one, backwards, unless it leaves `{}`.
  if (current && data[0] % 6 == 3 && before.places.size() > 1 && text.find('{') == text.npos) {
    PLK_ASSERT(is_insertion(document.text(), text));
  }
  return 0;
}
