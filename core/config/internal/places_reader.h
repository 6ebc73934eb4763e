// What a YAML file says about places.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/config/internal/yaml_tree.h"
#include "core/config/places_document.h"

namespace plakar::config {

inline constexpr std::string_view default_mark = ".isDefault";  // in the former layout

// "stores", "sources" or "destinations".
std::string_view section_key(PlaceKind kind) noexcept;

struct ReadPlaces {
  PlacesLayout layout = PlacesLayout::empty;
  Places places;
};

// Aliases and merges are followed here, within limits. Errors as PlacesDocument::parse.
Result<ReadPlaces> read_places(const YamlTree& tree, PlaceKind kind);

// The places below one key of a file of another kind, such as `remotes` of a plakar.yml.
Result<Places> read_section(const YamlTree& tree, std::string_view key);

// The names at the top level, whatever they are called.
Result<Places> read_top_level(const YamlTree& tree);

// The text of a top-level key; empty where there is none.
Result<std::string> read_top_level_text(const YamlTree& tree, std::string_view key);

}  // namespace plakar::config
