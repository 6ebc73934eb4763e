// Stores, sources and destinations, from whatever connector serves their location: one built in, or
// one of a module. As core/connectors/builtin/builtin.h has them; what is built in comes first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "core/base/result.h"
#include "core/connectors/builtin/builtin.h"
#include "core/host/generation.h"
#include "core/host/services.h"

namespace plakar::host::worker {
class Supervisor;
}

namespace plakar::cli {

// The modules of this run.
struct Plugins {
  std::shared_ptr<const host::Services> services{};
  std::shared_ptr<host::worker::Supervisor> supervisor{};  // outlives the modules
  host::Generation generation{};
};

enum class Isolation : std::uint8_t { worker, in_process };

// Those of `-plugin FILE`, each a library whose package's manifest is beside it. Nothing of them
// runs before one of their connectors is opened.
Result<std::unique_ptr<Plugins>> find_plugins(Context& context,
                                              const std::vector<std::string>& files,
                                              Isolation isolation);

Result<config::Location> store_location(const Context& context, const config::Options& options);
std::vector<std::string> unknown_options(const Context& context, config::PlaceKind kind,
                                         const config::Options& options);

Result<std::unique_ptr<kloset::Store>> make_store(const Context& context,
                                                  const config::Options& options,
                                                  bool overwrite = false);
// Of the settings, the directory is that of the context.
Result<std::unique_ptr<kloset::Source>> make_source(const Context& context,
                                                    const config::Options& options,
                                                    connectors::SourceSettings settings);
Result<std::unique_ptr<kloset::Destination>> make_destination(
    const Context& context, const config::Options& options,
    connectors::DestinationSettings settings = {});

}  // namespace plakar::cli
