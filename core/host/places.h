// Stores, sources and destinations of modules: options, as configured or typed, become one of the
// engine's interfaces by way of a route. The counterpart of core/connectors/builtin/builtin.h.
//
// The options are checked against the schema of the package, get its types and defaults, and go to
// the connector with their secrets resolved.
//
// Errors: Errc::invalid_argument for options that the schema does not take, by name; those of
// loading the module, and of the connector, which begin with its name.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/location.h"
#include "core/config/places.h"
#include "core/flow/cancel_token.h"
#include "core/host/destination_adapter.h"
#include "core/host/generation.h"
#include "core/host/source_adapter.h"
#include "core/kloset/destination.h"
#include "core/kloset/source.h"
#include "core/kloset/store.h"

namespace plakar::host {

struct PlaceContext {
  std::shared_ptr<const Services> services{};
  std::string directory = "/";  // relative paths begin here
  std::string hostname{};
  flow::CancelToken cancel{};
};

// Where the options lead to: of a connector with files of this machine, absolute.
Result<config::Location> route_location(const Route& route, const config::Options& options,
                                        std::string_view directory);
// Which of the options the schema does not know.
std::vector<std::string> unknown_options(const Route& route, const config::Options& options,
                                         std::string_view directory);

Result<std::unique_ptr<kloset::Store>> make_store(const Route& route,
                                                  const config::Options& options,
                                                  const PlaceContext& context);
Result<std::unique_ptr<kloset::Source>> make_source(const Route& route,
                                                    const config::Options& options,
                                                    const PlaceContext& context,
                                                    SourceFilter filter);
Result<std::unique_ptr<kloset::Destination>> make_destination(const Route& route,
                                                              const config::Options& options,
                                                              const PlaceContext& context,
                                                              const DestinationOptions& settings);

}  // namespace plakar::host
