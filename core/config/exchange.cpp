#include "core/config/exchange.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/config/internal/ini.h"
#include "core/config/internal/places_reader.h"
#include "core/config/internal/yaml_edit.h"
#include "core/config/internal/yaml_style.h"
#include "core/config/internal/yaml_tree.h"
#include "core/config/masking.h"
#include "core/config/places_document.h"

namespace plakar::config {
namespace {

using codec::Json;
using codec::JsonMember;
using codec::JsonType;

constexpr std::string_view failed = "failed to parse config data";
constexpr std::string_view rclone_prefix = "rclone_";

Options shown(const Place& place, ShownSecrets secrets) {
  Options options = place.options;
  if (secrets == ShownSecrets::masked) {
    for (Option& option : options) option.value = masked_value(option.key, option.value);
  }
  std::ranges::sort(options, {}, &Option::key);
  return options;
}

// As Go's encoder writes it, which also escapes what HTML could take for markup.
std::string json_string(std::string_view text) {
  std::string out = codec::to_json(Json(text));
  std::string escaped;
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (out[at] == '<') {
      escaped += "\\u003c";
    } else if (out[at] == '>') {
      escaped += "\\u003e";
    } else if (out[at] == '&') {
      escaped += "\\u0026";
    } else {
      escaped += out[at];
    }
  }
  return escaped;
}

void drop_empty_values(Places& places) {
  for (Place& place : places.places) {
    std::erase_if(place.options, [](const Option& option) { return option.value.empty(); });
  }
}

// Whether a tree is meant to be names with options. Names with texts alone are also what INI with
// colons looks like.
bool is_about_names(const YamlTree& tree) {
  if (tree[YamlTree::root].kind != YamlKind::mapping || tree.documents() > 1) return false;
  for (std::size_t i = 0; i < tree.pair_count(YamlTree::root); ++i) {
    const YamlKind kind = tree[tree.resolve(tree.value(YamlTree::root, i))].kind;
    if (kind == YamlKind::mapping || kind == YamlKind::sequence) return true;
  }
  return tree.pair_count(YamlTree::root) == 0;
}

// Names at the top level, or in the section of a whole configuration file.
Result<Places> read_names(const YamlTree& tree) {
  if (tree.find_pair(YamlTree::root, "version")) {
    for (const PlaceKind kind : {PlaceKind::store, PlaceKind::source, PlaceKind::destination}) {
      if (tree.find_pair(YamlTree::root, section_key(kind))) {
        return read_section(tree, section_key(kind));
      }
    }
  }
  return read_top_level(tree);
}

Status add_json(const Json& object, Places& places) {
  const Error wrong(Errc::invalid_argument, "JSON has to be names with options");
  if (!object.is_object()) return wrong;
  for (const JsonMember& section : object.members()) {
    if (!section.value.is_object() || places.places.size() == places_max ||
        section.value.size() > options_max) {
      return wrong;
    }
    Place place{.name = section.name, .options = {}};
    for (const JsonMember& option : section.value.members()) {
      if (option.value.is_object() || option.value.is_array()) return wrong;
      const auto value = option.value.as_string();
      const bool none = option.value.is_null();
      place.options.push_back({option.name, value  ? std::string(*value)
                                            : none ? std::string()
                                                   : codec::to_json(option.value)});
    }
    const auto same = std::ranges::find(places.places, place.name, &Place::name);
    if (same == places.places.end()) {
      places.places.push_back(std::move(place));
    } else {
      *same = std::move(place);
    }
  }
  return {};
}

Result<Places> parse_json_places(std::string_view text) {
  Places places;
  if (const auto whole = codec::parse_json(text)) {
    PLK_TRY(add_json(*whole, places));
    return places;
  }
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(std::min(size + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const Json object = PLK_TRY(codec::parse_json(line));
    PLK_TRY(add_json(object, places));
  }
  return places;
}

}  // namespace

std::string render_yaml(const Place& place, ShownSecrets secrets) {
  std::vector<std::pair<std::string, YamlContent>> pairs;
  for (const Option& option : shown(place, secrets)) {
    const auto after = std::ranges::find_if(
        pairs, [&](const auto& pair) { return natural_less(option.key, pair.first); });
    pairs.emplace(after, option.key, YamlContent(std::string_view(option.value)));
  }
  std::string text;
  append_yaml_pair(text, place.name, YamlContent(std::move(pairs)), {});
  return text;
}

std::string render_json(const Place& place, ShownSecrets secrets) {
  std::string text = "{" + json_string(place.name) + ":{";
  bool first = true;
  for (const Option& option : shown(place, secrets)) {
    if (!std::exchange(first, false)) text += ',';
    text += json_string(option.key) + ":" + json_string(option.value);
  }
  return text + "}}\n";
}

std::string render_ini(const Place& place, ShownSecrets secrets) {
  return write_ini({.name = place.name, .options = shown(place, secrets)});
}

Result<Places> parse_places(std::string_view text) {
  if (text.size() > yaml_bytes_max) {
    return Error(Errc::invalid_argument, "larger than 4 MiB").context(failed);
  }
  const auto tree = YamlTree::parse(std::string(text), "config");
  Result<Places> places;
  if (tree && is_about_names(*tree)) {
    places = PLK_TRY_CONTEXT(read_names(*tree), failed);
  } else {
    places = parse_json_places(text);
    // The message of the last attempt is the one that genuine Plakar gives, too.
    if (!places) places = parse_ini(text);
    // Anything with colons is INI of a kind; without sections it was rather meant to be YAML.
    if (places && places->places.empty() && !tree) return Error(tree.error()).context(failed);
  }
  if (places) drop_empty_values(*places);
  return places;
}

Options as_rclone(const Options& options) {
  Options prefixed;
  for (const Option& option : options) {
    prefixed.push_back({std::string(rclone_prefix) + option.key, option.value});
  }
  set_option(prefixed, "location", "rclone://");
  return prefixed;
}

}  // namespace plakar::config
