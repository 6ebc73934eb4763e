// Which built-in connector a location means. The options of a place, as configured or typed, become
// a store, a source or a destination; the scheme of `location` decides which.
//
//   fs      store, source, destination       a path of this machine
//   ptar    store                            a single-file archive; also `fs` with a path so named
//
// Errors: Errc::invalid_argument for options without a location and for those that the connector's
// schema (schemas.h) does not take, Errc::unsupported for a scheme that nothing here serves, worded
// as genuine Plakar words it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/config/location.h"
#include "core/config/places.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/destination.h"
#include "core/kloset/source.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

// Where the options lead to: absolute, archives told from directories. `directory` is what
// relative paths are relative to.
Result<config::Location> store_location(const config::Options& options, std::string_view directory);
Result<config::Location> source_location(const config::Options& options,
                                         std::string_view directory);

// Which of the options the connector of their location does not know: make_store() and the others
// refuse them. A configuration file may have them, as genuine Plakar takes no notice. Empty where
// no connector is built in for the location.
std::vector<std::string> unknown_options(config::PlaceKind kind, const config::Options& options,
                                         std::string_view directory);

struct StoreSettings {
  std::string directory{};  // relative paths begin here
  bool overwrite = false;   // replaces an archive that exists
};
Result<std::unique_ptr<kloset::Store>> make_store(Env env, const config::Options& options,
                                                  const StoreSettings& settings,
                                                  flow::CancelToken cancel);

struct SourceSettings {
  std::string directory{};
  std::string hostname{};
  bool xattrs = true;
  std::function<bool(std::string_view path, bool is_directory)> excluded{};
  std::vector<std::string> left_out{};  // the store that is written to
  // Told what of these is met, by any thread.
  std::function<void(std::string_view path)> on_left_out{};
};
Result<std::unique_ptr<kloset::Source>> make_source(Env env, const config::Options& options,
                                                    SourceSettings settings,
                                                    flow::CancelToken cancel);

struct DestinationSettings {
  std::string directory{};
  kloset::Existing existing = kloset::Existing::replace;
  bool permissions = true;
};
Result<std::unique_ptr<kloset::Destination>> make_destination(Env env,
                                                              const config::Options& options,
                                                              const DestinationSettings& settings,
                                                              flow::CancelToken cancel);

}  // namespace plakar::connectors
