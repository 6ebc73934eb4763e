#include "core/config/places_document.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/config/internal/places_reader.h"
#include "core/config/internal/yaml_change.h"
#include "core/config/internal/yaml_edit.h"
#include "core/config/internal/yaml_style.h"
#include "core/config/internal/yaml_tree.h"

namespace plakar::config {
namespace {

using YamlPairs = std::vector<std::pair<std::string, YamlContent>>;

Error missing(PlaceKind kind, std::string_view name) {
  return Error(Errc::not_found,
               std::string(to_string(kind)) + " " + in_quotes(name) + " does not exist");
}

Error existing(PlaceKind kind, std::string_view name) {
  return Error(Errc::already_exists,
               std::string(to_string(kind)) + " " + in_quotes(name) + " already exists");
}

// Pairs in the order of the genuine writer. Sorted by insertion: its order of names is not
// transitive in odd cases, which std::sort does not survive.
YamlContent sorted_content(YamlPairs pairs) {
  std::ranges::sort(pairs, {}, [](const auto& pair) -> std::string_view { return pair.first; });
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    for (std::size_t j = i; j > 0 && natural_less(pairs[j].first, pairs[j - 1].first); --j) {
      std::swap(pairs[j], pairs[j - 1]);
    }
  }
  return YamlContent(std::move(pairs));
}

YamlContent options_content(const Options& options) {
  YamlPairs pairs;
  pairs.reserve(options.size());
  for (const Option& option : options) {
    pairs.emplace_back(option.key, YamlContent(std::string_view(option.value)));
  }
  return sorted_content(std::move(pairs));
}

YamlIndex section_of(const YamlTree& tree, PlaceKind kind) {
  const auto pair = tree.find_pair(YamlTree::root, section_key(kind));
  PLK_ASSERT(pair.has_value());  // with_header() made it
  return tree.value(YamlTree::root, *pair);
}

// A place as a pair of its section, which may be an alias or have odd keys.
struct Slot {
  YamlIndex section;
  std::size_t pair;
};

Result<Slot> slot_of(const YamlTree& tree, PlaceKind kind, std::string_view name) {
  const YamlIndex section = section_of(tree, kind);
  const auto pair = tree.find_pair(section, name);
  if (!pair) {
    return Error(Errc::unsupported, tree.name() + ": " + in_quotes(name) +
                                        " is written in a way that cannot be changed (an alias or "
                                        "!!binary); edit the file by hand");
  }
  return Slot{section, *pair};
}

Error shared_option(const YamlTree& tree, std::string_view name, std::string_view key) {
  return Error(Errc::unsupported, tree.name() + ": option " + in_quotes(key) + " of " +
                                      in_quotes(name) +
                                      " comes from an alias or a merge; edit the file by hand");
}

}  // namespace

// --- reading --------------------------------------------------------------------------

Result<PlacesDocument> PlacesDocument::parse(std::string text, PlaceKind kind,
                                             std::string_view name) {
  return read(std::make_shared<const YamlTree>(PLK_TRY(YamlTree::parse(std::move(text), name))),
              kind);
}

Result<PlacesDocument> PlacesDocument::create(const Places& places, PlaceKind kind,
                                              std::string_view name) {
  YamlPairs pairs;
  for (const Place& place : places.places) {
    pairs.emplace_back(place.name, options_content(place.options));
  }
  std::string text;
  append_yaml_pair(text, "version", YamlContent(config_version), {});
  if (places.default_name) {
    append_yaml_pair(text, "default", YamlContent(std::string_view(*places.default_name)), {});
  }
  append_yaml_pair(text, section_key(kind), sorted_content(std::move(pairs)), {});
  PlacesDocument document = PLK_TRY(parse(std::move(text), kind, name));
  if (!document.places_.same_as(places)) {
    return Error(Errc::internal, std::string(name) + ": would not mean what it should");
  }
  return document;
}

const std::string& PlacesDocument::text() const noexcept { return tree_->text(); }

// --- changing -------------------------------------------------------------------------

Status PlacesDocument::add(const Place& place) {
  PLK_TRY(check_yaml_name(place.name, "name"));
  if (places_.find(place.name) != nullptr) return existing(kind_, place.name);
  Places intended = places_;
  Place& added = intended.places.emplace_back();
  added.name = place.name;
  for (const Option& option : place.options) {
    PLK_TRY(check_yaml_name(option.key, "option"));
    set_option(added.options, option.key, option.value);
  }
  const YamlEdit edit = [&](const YamlTree& tree, bool literal_blocks) {
    return YamlEditor(tree, literal_blocks)
        .insert(section_of(tree, kind_), added.name, options_content(added.options),
                YamlOrder::natural);
  };
  const PlacesDocument document = PLK_TRY(with_current_layout());
  *this = PLK_TRY(document.edited(intended, edit));
  return {};
}

Status PlacesDocument::set(std::string_view name, std::span<const Option> options) {
  if (places_.find(name) == nullptr) return missing(kind_, name);
  PlacesDocument document = PLK_TRY(with_current_layout());
  for (const Option& option : options) document = PLK_TRY(document.with_option(name, option));
  *this = std::move(document);
  return {};
}

Status PlacesDocument::unset(std::string_view name, std::span<const std::string> keys) {
  if (places_.find(name) == nullptr) return missing(kind_, name);
  PlacesDocument document = PLK_TRY(with_current_layout());
  for (const std::string& key : keys) document = PLK_TRY(document.without_option(name, key));
  *this = std::move(document);
  return {};
}

Status PlacesDocument::remove(std::string_view name) {
  if (places_.find(name) == nullptr) return missing(kind_, name);
  Places intended = places_;
  std::erase_if(intended.places, [&](const Place& place) { return place.name == name; });
  const YamlEdit edit = [&](const YamlTree& tree, bool) -> Result<std::string> {
    const Slot slot = PLK_TRY(slot_of(tree, kind_, name));
    return YamlEditor(tree, false).remove(slot.section, slot.pair);
  };
  const PlacesDocument document = PLK_TRY(with_current_layout());
  *this = PLK_TRY(document.edited(intended, edit));
  return {};
}

Status PlacesDocument::rename(std::string_view name, std::string_view new_name) {
  PLK_TRY(check_yaml_name(new_name, "name"));
  if (places_.find(name) == nullptr) return missing(kind_, name);
  if (name == new_name) return {};
  if (places_.find(new_name) != nullptr) return existing(kind_, new_name);
  Places intended = places_;
  std::ranges::find(intended.places, name, &Place::name)->name = new_name;
  const YamlEdit edit = [&](const YamlTree& tree, bool) -> Result<std::string> {
    const Slot slot = PLK_TRY(slot_of(tree, kind_, name));
    return YamlEditor(tree, false).rename(slot.section, slot.pair, new_name);
  };
  PlacesDocument document = PLK_TRY(with_current_layout());
  document = PLK_TRY(document.edited(intended, edit));
  if (places_.default_name == name) {
    document = PLK_TRY(document.with_default(std::string(new_name)));
  }
  *this = std::move(document);
  return {};
}

Status PlacesDocument::set_default(const std::optional<std::string>& name) {
  if (kind_ != PlaceKind::store) {
    return Error(Errc::invalid_argument, "only stores have a default");
  }
  if (name) PLK_TRY(check_yaml_name(*name, "name"));
  const PlacesDocument document = PLK_TRY(with_current_layout());
  *this = PLK_TRY(document.with_default(name));
  return {};
}

// --- one step each --------------------------------------------------------------------

Result<PlacesDocument> PlacesDocument::read(std::shared_ptr<const YamlTree> tree, PlaceKind kind) {
  PlacesDocument document(kind);
  document.tree_ = std::move(tree);
  ReadPlaces read = PLK_TRY(read_places(*document.tree_, kind));
  document.layout_ = read.layout;
  document.places_ = std::move(read.places);
  return document;
}

// Applies an edit and accepts it only if it means `intended`.
Result<PlacesDocument> PlacesDocument::edited(const Places& intended, const YamlEdit& edit) const {
  PlacesDocument changed(kind_);
  const auto check = [&](const std::shared_ptr<const YamlTree>& tree) -> Result<bool> {
    changed = PLK_TRY(read(tree, kind_));
    return changed.places_.same_as(intended) && same_besides_places(changed);
  };
  PLK_TRY(change_yaml(*tree_, edit, check));
  return changed;
}

// Whether everything but version, default and section is the same. In the former layout there
// is nothing else.
bool PlacesDocument::same_besides_places(const PlacesDocument& other) const {
  std::vector<std::string_view> ours = {"version", section_key(kind_)};
  if (kind_ == PlaceKind::store) ours.emplace_back("default");
  const auto tree_of = [](const PlacesDocument& document) {
    return document.layout_ == PlacesLayout::top_level ? nullptr : document.tree_.get();
  };
  return same_besides(tree_of(*this), tree_of(other), ours);
}

Result<PlacesDocument> PlacesDocument::with_current_layout() const {
  if (layout_ != PlacesLayout::top_level) return with_header();
  const YamlEdit nest = [&](const YamlTree& tree, bool) {
    std::string header;
    const YamlLayout layout{.newline = tree.newline()};
    append_yaml_pair(header, "version", YamlContent(config_version), layout);
    header.append(section_key(kind_)).append(":").append(layout.newline);
    return YamlEditor(tree, false).nest(header, layout.step);
  };
  PlacesDocument document = PLK_TRY(without_default_mark());
  document = PLK_TRY(document.edited(document.places_, nest));
  return document.with_default(places_.default_name);
}

// With `version` and the section, so that there is something to add to.
Result<PlacesDocument> PlacesDocument::with_header() const {
  PlacesDocument document = *this;
  while (const auto edit = missing_header(*document.tree_, section_key(kind_))) {
    document = PLK_TRY(document.edited(places_, *edit));
  }
  return document;
}

Result<PlacesDocument> PlacesDocument::without_default_mark() const {
  if (!places_.default_name) return *this;
  Places unmarked = places_;
  unmarked.default_name.reset();
  return edited(unmarked, [&](const YamlTree& tree, bool) -> Result<std::string> {
    const auto place = tree.find_pair(YamlTree::root, *places_.default_name);
    if (!place) return shared_option(tree, *places_.default_name, default_mark);
    const YamlIndex options = tree.value(YamlTree::root, *place);
    const auto mark = tree.find_pair(options, default_mark);
    if (!mark) return shared_option(tree, *places_.default_name, default_mark);
    return YamlEditor(tree, false).remove(options, *mark);
  });
}

Result<PlacesDocument> PlacesDocument::with_option(std::string_view name,
                                                   const Option& option) const {
  PLK_TRY(check_yaml_name(option.key, "option"));
  const std::string* old = find_option(places_.find(name)->options, option.key);
  if (old != nullptr && *old == option.value) return *this;
  Places intended = places_;
  const auto place = std::ranges::find(intended.places, name, &Place::name);
  set_option(place->options, option.key, option.value);
  return edited(intended, [&](const YamlTree& tree, bool literal_blocks) -> Result<std::string> {
    const YamlEditor editor(tree, literal_blocks);
    const Slot slot = PLK_TRY(slot_of(tree, kind_, name));
    const YamlIndex options = tree.value(slot.section, slot.pair);
    if (const auto pair = tree.find_pair(options, option.key)) {
      return editor.set_scalar(options, *pair, YamlContent(std::string_view(option.value)));
    }
    const YamlContent value{std::string_view(option.value)};
    return editor.insert(options, option.key, value, YamlOrder::natural);
  });
}

Result<PlacesDocument> PlacesDocument::without_option(std::string_view name,
                                                      std::string_view key) const {
  if (find_option(places_.find(name)->options, key) == nullptr) return *this;
  Places intended = places_;
  const auto place = std::ranges::find(intended.places, name, &Place::name);
  std::erase_if(place->options, [&](const Option& option) { return option.key == key; });
  return edited(intended, [&](const YamlTree& tree, bool) -> Result<std::string> {
    const Slot slot = PLK_TRY(slot_of(tree, kind_, name));
    const YamlIndex options = tree.value(slot.section, slot.pair);
    const auto pair = tree.find_pair(options, key);
    if (!pair) return shared_option(tree, name, key);
    return YamlEditor(tree, false).remove(options, *pair);
  });
}

Result<PlacesDocument> PlacesDocument::with_default(const std::optional<std::string>& name) const {
  if (places_.default_name == name) return *this;
  Places intended = places_;
  intended.default_name = name;
  return edited(intended, [&](const YamlTree& tree, bool) -> Result<std::string> {
    const YamlEditor editor(tree, false);
    const auto pair = tree.find_pair(YamlTree::root, "default");
    if (!name) return editor.remove(YamlTree::root, *pair);
    if (pair) return editor.set_scalar(YamlTree::root, *pair, YamlContent(std::string_view(*name)));
    const auto version = tree.find_pair(YamlTree::root, "version");
    PLK_ASSERT(version.has_value());  // with_header() made it
    return editor.insert_after(YamlTree::root, *version, "default",
                               YamlContent(std::string_view(*name)));
  });
}

}  // namespace plakar::config
