// One of the configuration files shared with genuine Plakar: stores.yml, sources.yml or
// destinations.yml. Its text, and what it means.
//
//   version: v1.0.0
//   default: mybackups            # stores only, optional
//   stores:
//       mybackups:
//           location: /var/backups
//
// Changes replace only the octets they are about: comments, order, unknown keys, quoting and
// line ends of everything else stay. Each change is parsed again and compared with what it
// should mean before it counts; what cannot be done like that is refused with
// Errc::unsupported and the place in the file.
//
// Read: any YAML that says the above, with unquoted values, brackets, anchors, merges (`<<`).
// Also the former layout, where the names are at the top level, there is no `version`, and an
// option `.isDefault` marks the default store; the first change turns it into the new one, by
// indenting it. Names and options are octets; what is not UTF-8 is written as !!binary.
//
// New names and options are put in order where the file's are in order, else at the end.
//
// A value; threads may share it unchanged.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/config/places.h"

namespace plakar::config {

// Limits of one file; more is Errc::invalid_argument. Its size is limited to 4 MiB, its
// nesting to 32.
inline constexpr std::size_t places_max = 10'000;
inline constexpr std::size_t options_max = 1'000;         // of one place
inline constexpr std::size_t place_name_bytes_max = 128;  // of a name or key that we write
// Of all names and options together, which aliases can multiply.
inline constexpr std::size_t places_bytes_max = std::size_t{16} << 20;

class YamlTree;

enum class PlacesLayout : unsigned char {
  current,
  no_version,  // the current one but for the version
  top_level,   // the former one: no section, the names are the top-level keys
  empty,       // nothing but comments
};

class PlacesDocument {
 public:
  // `name` is the file, for messages: "name:line:column: why". Nothing but white space and
  // comments is an empty list. Errc::invalid_argument for what is no list of places,
  // Errc::unsupported for a version other than v1.0.0.
  static Result<PlacesDocument> parse(std::string text, PlaceKind kind, std::string_view name);

  // A new file with these places, as genuine Plakar writes one.
  static Result<PlacesDocument> create(const Places& places, PlaceKind kind, std::string_view name);

  PlaceKind kind() const noexcept { return kind_; }
  const std::string& text() const noexcept;
  const Places& places() const noexcept { return places_; }

  // Each of these changes everything it is asked to, or nothing.
  //
  // Errc::already_exists when there is one with this name.
  Status add(const Place& place);
  // Adds options or replaces their values. Errc::not_found without the place.
  Status set(std::string_view name, std::span<const Option> options);
  // Removes options; those that are not there are ignored.
  Status unset(std::string_view name, std::span<const std::string> keys);
  Status remove(std::string_view name);
  // Also where `default` names it.
  Status rename(std::string_view name, std::string_view new_name);
  // Whether the place exists is not checked; removing a place does not remove the default.
  Status set_default(const std::optional<std::string>& name);

 private:
  using YamlEdit = std::function<Result<std::string>(const YamlTree& tree, bool literal_blocks)>;

  explicit PlacesDocument(PlaceKind kind) : kind_(kind) {}

  static Result<PlacesDocument> read(std::shared_ptr<const YamlTree> tree, PlaceKind kind);

  Result<PlacesDocument> edited(const Places& intended, const YamlEdit& edit) const;
  Result<PlacesDocument> with_current_layout() const;
  Result<PlacesDocument> with_header() const;
  Result<PlacesDocument> without_default_mark() const;
  Result<PlacesDocument> with_option(std::string_view name, const Option& option) const;
  Result<PlacesDocument> without_option(std::string_view name, std::string_view key) const;
  Result<PlacesDocument> with_default(const std::optional<std::string>& name) const;
  bool same_besides_places(const PlacesDocument& other) const;

  PlaceKind kind_;
  PlacesLayout layout_ = PlacesLayout::empty;
  Places places_;
  std::shared_ptr<const YamlTree> tree_;  // shared between copies, which never change it
};

}  // namespace plakar::config
