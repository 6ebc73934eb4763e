#include "core/connectors/builtin/builtin.h"

#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/codec/json.h"
#include "core/connectors/builtin/schemas.h"
#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/connectors/ptar/store.h"

namespace plakar::connectors {
namespace {

Result<config::Location> location_of(const config::Options& options, std::string_view directory) {
  const std::string* text = config::find_option(options, "location");
  if (text == nullptr || text->empty()) return Error(Errc::invalid_argument, "missing location");
  config::Location location = config::parse_location(*text);
  // What a scheme that nobody knows means by its rest, nobody knows either.
  if (!config::is_path_scheme(location.scheme)) return location;
  return config::make_absolute(std::move(location), directory);
}

Status check_scheme(const config::Location& location, std::string_view complaint) {
  if (location.scheme == "fs") return {};
  return Error(Errc::unsupported, std::string(complaint) + " '" + location.scheme + "'");
}

using config::PlaceKind;

config::Location normalise(PlaceKind kind, config::Location location) {
  return kind == PlaceKind::store ? config::redirect_archive(std::move(location)) : location;
}

// The options as the connector's schema has them: typed, with defaults. Precondition: there is a
// connector for `location`.
Result<codec::Json> prepare(PlaceKind kind, const config::Location& location,
                            config::Options options) {
  const auto schema = connector_schema(kind, location.scheme);
  PLK_ASSERT(schema);
  config::set_option(options, "location", location.to_string());
  auto prepared = schema->prepare(options);
  if (prepared.errors.empty()) return std::move(prepared.value);
  std::string all;
  for (const config::FieldError& error : prepared.errors) {
    all += (all.empty() ? "" : "; ") + error.message;
  }
  return Error(Errc::invalid_argument,
               location.scheme + " " + std::string(to_string(kind)) + ": " + all);
}

}  // namespace

Result<config::Location> store_location(const config::Options& options,
                                        std::string_view directory) {
  return normalise(PlaceKind::store, PLK_TRY(location_of(options, directory)));
}

Result<config::Location> source_location(const config::Options& options,
                                         std::string_view directory) {
  return location_of(options, directory);
}

std::vector<std::string> unknown_options(PlaceKind kind, const config::Options& options,
                                         std::string_view directory) {
  std::vector<std::string> unknown;
  auto found = location_of(options, directory);
  if (!found) return unknown;
  const config::Location location = normalise(kind, *std::move(found));
  const auto schema = connector_schema(kind, location.scheme);
  if (!schema) return unknown;
  for (const config::Option& option : options) {
    const config::Options one{option};
    for (const config::FieldError& error : schema->prepare(one).errors) {
      if (error.keyword == "additionalProperties") unknown.push_back(option.key);
    }
  }
  return unknown;
}

Result<std::unique_ptr<kloset::Store>> make_store(Env env, const config::Options& options,
                                                  const StoreSettings& settings,
                                                  flow::CancelToken cancel) {
  const config::Location location = PLK_TRY(store_location(options, settings.directory));
  if (location.scheme != "fs" && location.scheme != "ptar") {
    return Error(Errc::unsupported, "backend '" + location.scheme + "' does not exist");
  }
  PLK_TRY(prepare(PlaceKind::store, location, options));
  if (location.scheme == "ptar") {
    return make_archive_store(env, location.rest, {.overwrite = settings.overwrite},
                              std::move(cancel));
  }
  return make_fs_store(env, config::clean_path(location.rest), std::move(cancel));
}

Result<std::unique_ptr<kloset::Source>> make_source(Env env, const config::Options& options,
                                                    SourceSettings settings,
                                                    flow::CancelToken cancel) {
  const config::Location location = PLK_TRY(source_location(options, settings.directory));
  PLK_TRY(check_scheme(location, "unsupported importer protocol"));
  const codec::Json prepared = PLK_TRY(prepare(PlaceKind::source, location, options));
  const codec::Json* stay = prepared.find("dont_traverse_fs");
  return make_fs_source(env,
                        {.root = config::clean_path(location.rest),
                         .origin = std::move(settings.hostname),
                         .stay_on_file_system = stay != nullptr && stay->as_bool().value_or(false),
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
  PLK_TRY(prepare(PlaceKind::destination, location, options));
  return make_fs_destination(env,
                             {.root = config::clean_path(location.rest),
                              .existing = settings.existing,
                              .owners = settings.permissions,
                              .permissions = settings.permissions},
                             std::move(cancel));
}

}  // namespace plakar::connectors
