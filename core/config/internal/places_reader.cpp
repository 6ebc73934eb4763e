#include "core/config/internal/places_reader.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/config/internal/yaml_change.h"
#include "core/config/internal/yaml_style.h"

namespace plakar::config {
namespace {

constexpr std::size_t merge_depth_max = 8;

class Reader {
 public:
  explicit Reader(const YamlTree& tree) : tree_(tree) {}

  Result<PlacesLayout> find_layout(PlaceKind kind) const {
    const YamlNode& top = tree_[YamlTree::root];
    if (top.kind == YamlKind::null || (top.kind == YamlKind::mapping && top.children.empty())) {
      return PlacesLayout::empty;
    }
    if (top.kind != YamlKind::mapping) {
      return error(YamlTree::root, "a list of names should be here");
    }
    if (const auto pair = tree_.find_pair(YamlTree::root, "version")) {
      const YamlIndex value = tree_.value(YamlTree::root, *pair);
      const YamlNode& node = tree_[tree_.resolve(value)];
      if (node.kind == YamlKind::scalar && node.text == config_version) {
        return PlacesLayout::current;
      }
      // A store may be called "version" in the former layout.
      if (node.kind == YamlKind::mapping) return PlacesLayout::top_level;
      return tree_.error(
          Errc::unsupported, tree_[value].begin,
          "this program knows version v1.0.0 of this file, not " + in_quotes(node.text));
    }
    return looks_like_section(section_key(kind)) ? PlacesLayout::no_version
                                                 : PlacesLayout::top_level;
  }

  Result<Places> read(YamlIndex index) {
    Places places;
    const YamlIndex section = tree_.resolve(index);
    if (tree_[section].kind == YamlKind::null) return places;
    if (tree_[section].kind != YamlKind::mapping) {
      return error(index, "a list of names should be here");
    }
    if (tree_.pair_count(section) > places_max) return error(index, "more than 10000 names");
    for (std::size_t i = 0; i < tree_.pair_count(section); ++i) {
      const YamlIndex key = tree_.key(section, i);
      if (is_merge(key)) return error(key, "only options can be merged, not names");
      Place place;
      place.name = PLK_TRY(read_key(key));
      // Octets in base64 can spell a name that is there as text, too.
      if (!tree_[key].tag.empty() && places.find(place.name) != nullptr) {
        return error(key, in_quotes(place.name) + " is already defined");
      }
      PLK_TRY(charge(key, place.name.size()));
      PLK_TRY(read_options(tree_.value(section, i), place, 0));
      places.places.push_back(std::move(place));
    }
    return places;
  }

  // Numbers, truth values and dates are the text they were written as.
  Result<std::string> read_value(YamlIndex index, std::string_view key) const {
    const YamlIndex value = tree_.resolve(index);
    if (tree_[value].kind == YamlKind::null) return std::string();
    if (tree_[value].kind != YamlKind::scalar) {
      return error(index, "the value of " + in_quotes(key) + " should be a single text");
    }
    return read_text(value);
  }

  Error error(YamlIndex at, std::string_view message) const {
    return tree_.error(Errc::invalid_argument, tree_[at].begin, message);
  }

 private:
  // A section without a version is told from a place called "stores" by what is in it: the
  // options of a place are single values.
  bool looks_like_section(std::string_view key) const {
    const auto pair = tree_.find_pair(YamlTree::root, key);
    if (!pair) return false;
    const YamlIndex section = tree_.resolve(tree_.value(YamlTree::root, *pair));
    if (tree_[section].kind == YamlKind::null) return true;
    if (tree_[section].kind != YamlKind::mapping) return false;
    for (std::size_t i = 0; i < tree_.pair_count(section); ++i) {
      const YamlIndex value = tree_.resolve(tree_.value(section, i));
      if (tree_[value].kind == YamlKind::scalar) return false;
    }
    return true;
  }

  Status read_options(YamlIndex index, Place& place, std::size_t depth) {
    const YamlIndex mapping = tree_.resolve(index);
    if (tree_[mapping].kind == YamlKind::null) return {};
    if (tree_[mapping].kind != YamlKind::mapping) {
      return error(index, "the options of " + in_quotes(place.name) + " should be here");
    }
    // Its own options first: those merged in do not replace them.
    std::vector<YamlIndex> merges;
    for (std::size_t i = 0; i < tree_.pair_count(mapping); ++i) {
      if (is_merge(tree_.key(mapping, i))) {
        merges.push_back(tree_.value(mapping, i));
      } else {
        PLK_TRY(add_option(place, tree_.key(mapping, i), tree_.value(mapping, i)));
      }
    }
    for (const YamlIndex merge : merges) PLK_TRY(read_merge(merge, place, depth));
    return {};
  }

  Status read_merge(YamlIndex index, Place& place, std::size_t depth) {
    if (depth >= merge_depth_max) return error(index, "too many merges within merges");
    const YamlIndex source = tree_.resolve(index);
    if (tree_[source].kind == YamlKind::mapping) return read_options(source, place, depth + 1);
    if (tree_[source].kind != YamlKind::sequence) {
      return error(index, "only names with options can be merged");
    }
    for (const YamlIndex item : tree_[source].children) {
      if (tree_[tree_.resolve(item)].kind != YamlKind::mapping) {
        return error(item, "only names with options can be merged");
      }
      PLK_TRY(read_options(item, place, depth + 1));
    }
    return {};
  }

  Status add_option(Place& place, YamlIndex key, YamlIndex index) {
    Option option;
    option.key = PLK_TRY(read_key(key));
    // Charged before the search, which makes a bomb of merges expensive even when nothing is
    // added.
    PLK_TRY(charge(key, option.key.size() + 1));
    if (find_option(place.options, option.key) != nullptr) return {};
    option.value = PLK_TRY(read_value(index, option.key));
    PLK_TRY(charge(key, option.value.size()));
    if (place.options.size() == options_max) return error(key, "more than 1000 options");
    place.options.push_back(std::move(option));
    return {};
  }

  bool is_merge(YamlIndex key) const {
    const YamlNode& node = tree_[key];
    return node.kind == YamlKind::scalar && node.plain && node.tag.empty() && node.text == "<<";
  }

  Result<std::string> read_key(YamlIndex key) const {
    if (tree_[key].kind != YamlKind::scalar) return error(key, "a name should be here");
    return read_text(key);
  }

  Result<std::string> read_text(YamlIndex index) const {
    const YamlNode& node = tree_[index];
    if (node.tag != "tag:yaml.org,2002:binary") return node.text;
    std::string octets;
    if (!decode_base64(node.text, octets)) return error(index, "!!binary is not base64");
    return octets;
  }

  Status charge(YamlIndex at, std::size_t bytes) {
    bytes_ += bytes;
    if (bytes_ > places_bytes_max) return error(at, "more than 16 MiB of options");
    return {};
  }

  const YamlTree& tree_;
  std::size_t bytes_ = 0;
};

// A mark in the options becomes the name of the default.
Status take_default_mark(const Reader& reader, Places& places) {
  for (Place& place : places.places) {
    if (std::erase_if(place.options, [](const Option& o) { return o.key == default_mark; }) == 0) {
      continue;
    }
    if (places.default_name) return reader.error(YamlTree::root, "multiple default store");
    places.default_name = place.name;
  }
  return {};
}

}  // namespace

std::string_view section_key(PlaceKind kind) noexcept {
  constexpr std::array<std::string_view, 3> keys = {"stores", "sources", "destinations"};
  return keys[static_cast<std::size_t>(kind)];
}

Result<ReadPlaces> read_places(const YamlTree& tree, PlaceKind kind) {
  Reader reader(tree);
  ReadPlaces result;
  result.layout = PLK_TRY(reader.find_layout(kind));
  switch (result.layout) {
    case PlacesLayout::empty:
      return result;
    case PlacesLayout::top_level:
      result.places = PLK_TRY(reader.read(YamlTree::root));
      if (kind == PlaceKind::store) PLK_TRY(take_default_mark(reader, result.places));
      return result;
    case PlacesLayout::current:
    case PlacesLayout::no_version:
      break;
  }
  result.places = PLK_TRY(read_section(tree, section_key(kind)));
  if (kind == PlaceKind::store) {
    std::string name = PLK_TRY(read_top_level_text(tree, "default"));
    if (!name.empty()) result.places.default_name = std::move(name);
  }
  return result;
}

Result<Places> read_section(const YamlTree& tree, std::string_view key) {
  const auto pair = tree.find_pair(YamlTree::root, key);
  if (!pair) return Places{};
  return Reader(tree).read(tree.value(YamlTree::root, *pair));
}

Result<Places> read_top_level(const YamlTree& tree) { return Reader(tree).read(YamlTree::root); }

Result<std::string> read_top_level_text(const YamlTree& tree, std::string_view key) {
  const auto pair = tree.find_pair(YamlTree::root, key);
  if (!pair) return std::string();
  return Reader(tree).read_value(tree.value(YamlTree::root, *pair), key);
}

}  // namespace plakar::config
