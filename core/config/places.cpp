#include "core/config/places.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/base/text.h"

namespace plakar::config {
namespace {

bool same_options(const Options& a, const Options& b) {
  if (a.size() != b.size()) return false;
  return std::ranges::all_of(a, [&](const Option& option) {
    const std::string* value = find_option(b, option.key);
    return value != nullptr && *value == option.value;
  });
}

}  // namespace

std::string_view to_string(PlaceKind kind) noexcept {
  constexpr std::array<std::string_view, 3> names = {"store", "source", "destination"};
  return names[static_cast<std::size_t>(kind)];
}

const std::string* find_option(const Options& options, std::string_view key) noexcept {
  const auto found = std::ranges::find(options, key, &Option::key);
  return found == options.end() ? nullptr : &found->value;
}

void set_option(Options& options, std::string_view key, std::string_view value) {
  const auto found = std::ranges::find(options, key, &Option::key);
  if (found != options.end()) {
    found->value = value;
  } else {
    options.push_back({std::string(key), std::string(value)});
  }
}

const Place* Places::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(places, name, &Place::name);
  return found == places.end() ? nullptr : &*found;
}

bool Places::same_as(const Places& other) const {
  if (default_name != other.default_name || places.size() != other.places.size()) return false;
  std::map<std::string_view, const Options*> others;
  for (const Place& place : other.places) others.emplace(place.name, &place.options);
  return std::ranges::all_of(places, [&](const Place& place) {
    const auto found = others.find(place.name);
    return found != others.end() && same_options(place.options, *found->second);
  });
}

CoreOptions take_core_options(Options& options) {
  CoreOptions core;
  for (const auto& [key, value] : {std::pair("passphrase", &core.passphrase),
                                   std::pair("passphrase_cmd", &core.passphrase_cmd)}) {
    const auto found = std::ranges::find(options, key, &Option::key);
    if (found == options.end()) continue;
    *value = std::move(found->value);
    options.erase(found);
  }
  return core;
}

Result<Options> resolve_place(const Places& places, PlaceKind kind, const Reference& reference) {
  constexpr std::array<std::string_view, 3> nouns = {"repository", "importer", "exporter"};
  const std::string noun(nouns[static_cast<std::size_t>(kind)]);
  const std::string name = "@" + escape(reference.name);
  const Place* place = places.find(reference.name);
  if (place == nullptr) return Error(Errc::not_found, "could not resolve " + noun + ": " + name);
  Options options = place->options;
  const std::string* location = find_option(options, "location");
  if (location == nullptr) {
    return Error(Errc::invalid_argument, kind == PlaceKind::store
                                             ? noun + " " + name + " has no location"
                                             : "could not resolve " + noun + " location: " + name);
  }
  set_option(options, "location", override_root(*location, reference.path));
  return options;
}

}  // namespace plakar::config
