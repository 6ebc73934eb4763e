#include "core/connectors/builtin/builtin.h"

#include <string>
#include <utility>

#include "core/base/text.h"
#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/connectors/ptar/store.h"

namespace plakar::connectors {
namespace {

Result<config::Location> location_of(const config::Options& options, std::string_view directory) {
  const std::string* text = config::find_option(options, "location");
  if (text == nullptr || text->empty()) return Error(Errc::invalid_argument, "missing location");
  return config::make_absolute(config::parse_location(*text), directory);
}

Status check_scheme(const config::Location& location, std::string_view complaint) {
  if (location.scheme == "fs") return {};
  return Error(Errc::unsupported, std::string(complaint) + " '" + location.scheme + "'");
}

// Empty, or not there, is false.
Result<bool> boolean_option(const config::Options& options, std::string_view key) {
  const std::string* text = config::find_option(options, key);
  if (text == nullptr || text->empty()) return false;
  for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (*text == yes) return true;
  }
  for (const char* no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (*text == no) return false;
  }
  return Error(Errc::invalid_argument,
               std::string(key) + ": '" + escape(*text) + "' is neither true nor false");
}

}  // namespace

Result<config::Location> store_location(const config::Options& options,
                                        std::string_view directory) {
  return config::redirect_archive(PLK_TRY(location_of(options, directory)));
}

Result<config::Location> source_location(const config::Options& options,
                                         std::string_view directory) {
  return location_of(options, directory);
}

Result<std::unique_ptr<kloset::Store>> make_store(Env env, const config::Options& options,
                                                  const StoreSettings& settings,
                                                  flow::CancelToken cancel) {
  const config::Location location = PLK_TRY(store_location(options, settings.directory));
  if (location.scheme == "ptar") {
    return make_archive_store(env, location.rest, {.overwrite = settings.overwrite},
                              std::move(cancel));
  }
  if (location.scheme != "fs") {
    return Error(Errc::unsupported, "backend '" + location.scheme + "' does not exist");
  }
  return make_fs_store(env, config::clean_path(location.rest), std::move(cancel));
}

Result<std::unique_ptr<kloset::Source>> make_source(Env env, const config::Options& options,
                                                    SourceSettings settings,
                                                    flow::CancelToken cancel) {
  const config::Location location = PLK_TRY(source_location(options, settings.directory));
  PLK_TRY(check_scheme(location, "unsupported importer protocol"));
  const bool stay = PLK_TRY(boolean_option(options, "dont_traverse_fs"));
  return make_fs_source(env,
                        {.root = config::clean_path(location.rest),
                         .origin = std::move(settings.hostname),
                         .stay_on_file_system = stay,
                         .xattrs = settings.xattrs,
                         .excluded = std::move(settings.excluded),
                         .left_out = std::move(settings.left_out),
                         .on_left_out = std::move(settings.on_left_out)},
                        system_owner_names(), std::move(cancel));
}

Result<std::unique_ptr<kloset::Destination>> make_destination(Env env,
                                                              const config::Options& options,
                                                              const DestinationSettings& settings,
                                                              flow::CancelToken cancel) {
  const config::Location location = PLK_TRY(location_of(options, settings.directory));
  PLK_TRY(check_scheme(location, "unsupported exporter protocol"));
  return make_fs_destination(env,
                             {.root = config::clean_path(location.rest),
                              .existing = settings.existing,
                              .owners = settings.permissions,
                              .permissions = settings.permissions},
                             std::move(cancel));
}

}  // namespace plakar::connectors
