#include "cli/commands/connectors.h"

#include <utility>

#include "core/base/text.h"
#include "core/config/location.h"
#include "core/host/in_process.h"
#include "core/host/in_worker.h"
#include "core/host/places.h"
#include "core/host/worker/supervisor.h"

namespace plakar::cli {
namespace {

using config::PlaceKind;

std::uint32_t kind_of(PlaceKind kind) noexcept {
  switch (kind) {
    case PlaceKind::store:
      return PLK_KIND_STORAGE;
    case PlaceKind::source:
      return PLK_KIND_IMPORTER;
    case PlaceKind::destination:
      return PLK_KIND_EXPORTER;
  }
  return 0;
}

// The connector of a module that the options mean; null if there is none.
const host::Route* find_route(const Context& context, PlaceKind kind,
                              const config::Options& options) {
  const std::string* location = config::find_option(options, "location");
  if (context.plugins == nullptr || location == nullptr) return nullptr;
  const config::Location parsed = config::parse_location(*location);
  if (config::is_path_scheme(parsed.scheme)) return nullptr;
  return context.plugins->generation.find(kind_of(kind), parsed.scheme);
}

host::PlaceContext place_context(const Context& context, std::string hostname = {}) {
  return {.services = context.plugins->services,
          .directory = context.working_directory,
          .hostname = std::move(hostname),
          .cancel = context.cancel};
}

}  // namespace

Result<std::unique_ptr<Plugins>> find_plugins(Context& context,
                                              const std::vector<std::string>& files,
                                              Isolation isolation) {
  auto plugins = std::make_unique<Plugins>();
  if (isolation == Isolation::worker) {
    plugins->supervisor = PLK_TRY(host::worker::Supervisor::create());
  }
  plugins->services = std::make_shared<const host::Services>(host::Services{.env = context.env});
  host::GenerationBuilder builder(
      context.env.files, [services = plugins->services, supervisor = plugins->supervisor](
                             const std::string& path, const host::Manifest& manifest) {
        return supervisor == nullptr
                   ? host::load_in_process(services, path,
                                           {.programs = manifest.permissions.process})
                   : host::load_in_worker(services, *supervisor, path,
                                          {.permissions = manifest.permissions});
      });
  for (const std::string& file : files) {
    const std::string path =
        file.starts_with('/') ? file : config::join_path(context.working_directory, file);
    const std::string what = "plugin " + escape(file);
    const auto package = PLK_TRY_CONTEXT(host::find_package(context.env.files, path), what);
    for (const std::string& key : package.manifest.unknown_keys) {
      context.err << context.program << ": " << what << ": its manifest has the unknown key "
                  << escape(key) << '\n';
    }
    PLK_TRY_CONTEXT(builder.add_library(package, path), what);
  }
  plugins->generation = builder.build(0);
  return plugins;
}

Result<config::Location> store_location(const Context& context, const config::Options& options) {
  if (const host::Route* route = find_route(context, PlaceKind::store, options)) {
    return host::route_location(*route, options, context.working_directory);
  }
  return connectors::store_location(options, context.working_directory);
}

std::vector<std::string> unknown_options(const Context& context, PlaceKind kind,
                                         const config::Options& options) {
  if (const host::Route* route = find_route(context, kind, options)) {
    return host::unknown_options(*route, options, context.working_directory);
  }
  return connectors::unknown_options(kind, options, context.working_directory);
}

Result<std::unique_ptr<kloset::Store>> make_store(const Context& context,
                                                  const config::Options& options, bool overwrite) {
  if (const host::Route* route = find_route(context, PlaceKind::store, options)) {
    return host::make_store(*route, options, place_context(context));
  }
  return connectors::make_store(context.env, options,
                                {.directory = context.working_directory, .overwrite = overwrite},
                                context.cancel);
}

Result<std::unique_ptr<kloset::Source>> make_source(const Context& context,
                                                    const config::Options& options,
                                                    connectors::SourceSettings settings) {
  settings.directory = context.working_directory;
  if (const host::Route* route = find_route(context, PlaceKind::source, options)) {
    return host::make_source(*route, options, place_context(context, settings.hostname),
                             {.xattrs = settings.xattrs,
                              .excluded = std::move(settings.excluded),
                              .left_out = std::move(settings.left_out),
                              .on_left_out = std::move(settings.on_left_out)});
  }
  return connectors::make_source(context.env, options, std::move(settings), context.cancel);
}

Result<std::unique_ptr<kloset::Destination>> make_destination(
    const Context& context, const config::Options& options,
    connectors::DestinationSettings settings) {
  settings.directory = context.working_directory;
  if (const host::Route* route = find_route(context, PlaceKind::destination, options)) {
    return host::make_destination(*route, options, place_context(context),
                                  {.existing = settings.existing,
                                   .owners = settings.permissions,
                                   .permissions = settings.permissions});
  }
  return connectors::make_destination(context.env, options, settings, context.cancel);
}

}  // namespace plakar::cli
