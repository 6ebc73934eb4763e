// What the configuration files say: names with options, such as the store "mybackups" at
// /var/backups. Values without behaviour of their own; where they are kept is
// places_document.h (one file) and config_directory.h (all of them).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/config/location.h"

namespace plakar::config {

enum class PlaceKind : unsigned char { store, source, destination };

// "store", "source", "destination": the word of commands and messages.
std::string_view to_string(PlaceKind kind) noexcept;

struct Option {
  std::string key;
  std::string value;

  friend bool operator==(const Option&, const Option&) = default;
};

using Options = std::vector<Option>;  // each key once

const std::string* find_option(const Options& options, std::string_view key) noexcept;
// Replaces the value or appends the option.
void set_option(Options& options, std::string_view key, std::string_view value);

struct Place {
  std::string name;
  Options options;

  friend bool operator==(const Place&, const Place&) = default;
};

// The places of one kind.
struct Places {
  std::vector<Place> places;                // each name once, in the order of the file
  std::optional<std::string> default_name;  // stores only; may name none

  const Place* find(std::string_view name) const noexcept;
  // Whether the order is the only difference.
  bool same_as(const Places& other) const;
};

// The options of a store that are ours and not the connector's. Takes them out of `options`,
// also when they are not used: no connector gets a passphrase.
struct CoreOptions {
  std::optional<std::string> passphrase;
  std::optional<std::string> passphrase_cmd;
};
CoreOptions take_core_options(Options& options);

// The options that `reference` stands for: those of the place with that name, the location's
// root overridden. Errc::not_found for an unknown name, Errc::invalid_argument for a place
// without location; the messages are genuine Plakar's.
Result<Options> resolve_place(const Places& places, PlaceKind kind, const Reference& reference);

}  // namespace plakar::config
