#include "core/host/places.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/host/instance.h"
#include "core/host/store_adapter.h"

namespace plakar::host {
namespace {

std::string_view noun(std::uint32_t kind) noexcept {
  switch (kind) {
    case PLK_KIND_STORAGE:
      return "store";
    case PLK_KIND_IMPORTER:
      return "source";
    case PLK_KIND_EXPORTER:
      return "destination";
    default:
      return "connector";
  }
}

std::optional<ConfigEntry> entry_of(const codec::Json& value) {
  ConfigEntry entry;
  switch (value.type()) {
    case codec::JsonType::null:
      return std::nullopt;
    case codec::JsonType::boolean:
      entry.type = PLK_T_BOOL;
      entry.integer = value.as_bool().value_or(false) ? 1 : 0;
      break;
    case codec::JsonType::integer:
      // One beyond the type is told by its text.
      entry.type = value.as_int64() ? PLK_T_INT : PLK_T_STRING;
      entry.integer = value.as_int64().value_or(0);
      entry.number = value.as_double().value_or(0);
      break;
    case codec::JsonType::number:
      entry.type = PLK_T_DOUBLE;
      entry.number = value.as_double().value_or(0);
      break;
    case codec::JsonType::string:
      entry.type = PLK_T_STRING;
      break;
    case codec::JsonType::array:
    case codec::JsonType::object:
      entry.type = PLK_T_JSON;
      entry.value = Secret(codec::to_json(value));
      return entry;
  }
  entry.value = Secret(config::option_text(value));
  return entry;
}

Result<codec::Json> prepare(const Route& route, const config::Location& location,
                            config::Options options) {
  config::set_option(options, "location", location.to_string());
  if (route.schema == nullptr) {
    // Nobody knows better: everything is text.
    codec::Json all = codec::Json::object();
    for (const config::Option& option : options) all.set(option.key, option.value);
    return all;
  }
  auto prepared = route.schema->prepare(options);
  if (prepared.errors.empty()) return std::move(prepared.value);
  std::string all;
  for (const config::FieldError& error : prepared.errors) {
    all += (all.empty() ? "" : "; ") + error.message;
  }
  return Error(Errc::invalid_argument,
               route.protocol + " " + std::string(noun(route.kind)) + ": " + all);
}

Result<std::vector<ConfigEntry>> make_config(const Route& route, const config::Options& given,
                                             const codec::Json& prepared,
                                             const PlaceContext& context) {
  std::vector<ConfigEntry> config;
  for (const codec::JsonMember& member : prepared.members()) {
    std::optional<ConfigEntry> entry;
    if (config::is_secret_reference(member.value)) {
      const std::string reference(member.value.find("$secret")->as_string().value_or(""));
      const auto& resolve = context.services->resolve_secret;
      if (!resolve) {
        return Error(Errc::unsupported, member.name + ": nothing here resolves secrets");
      }
      entry.emplace();
      entry->value = PLK_TRY_CONTEXT(resolve(reference, context.cancel), member.name);
      if (entry->value.empty()) {
        return Error(Errc::not_found, member.name + ": the secret is empty");
      }
      entry->reference = reference;
      entry->flags = PLK_CFG_SECRET;
    } else {
      entry = entry_of(member.value);
    }
    if (!entry) continue;
    entry->key = member.name;
    if (route.schema != nullptr && route.schema->is_secret(member.name)) {
      entry->flags |= PLK_CFG_SECRET;
    }
    if (config::find_option(given, member.name) == nullptr && member.name != "location") {
      entry->flags |= PLK_CFG_DEFAULTED;
    }
    config.push_back(*std::move(entry));
  }
  std::ranges::sort(config, {}, &ConfigEntry::key);
  return config;
}

struct Opened {
  std::shared_ptr<Instance> instance;
  std::string location;  // for people
};

Result<Opened> open(const Route& route, const config::Options& options, const PlaceContext& context,
                    std::uint32_t flags = 0) {
  const config::Location location = PLK_TRY(route_location(route, options, context.directory));
  const codec::Json prepared = PLK_TRY(prepare(route, location, options));
  const std::shared_ptr<Module> module = PLK_TRY(load_module(route));
  const plk_connector* connector = module->find(route.kind, route.connector.id);
  if (connector == nullptr) {
    return Error(Errc::unsupported, route.package + " has no connector " + route.connector.id);
  }
  OpenOptions open_options{.protocol = route.protocol,
                           .location = location.to_string(),
                           .config = PLK_TRY(make_config(route, options, prepared, context)),
                           .schema_version = route.connector.config_schema_version,
                           .flags = flags,
                           .hostname = context.hostname,
                           .directory = context.directory};
  std::vector<Redactor::Registration> hidden;
  if (context.services->redactor != nullptr) {
    for (const ConfigEntry& entry : open_options.config) {
      if ((entry.flags & PLK_CFG_SECRET) == 0) continue;
      hidden.push_back(context.services->redactor->add(entry.value.reveal_text()));
    }
  }
  auto instance =
      PLK_TRY(Instance::open(module, *connector, std::move(open_options), context.cancel));
  if (instance->location().flags != route.connector.location_flags) {
    return Error(Errc::unsupported, route.package + " " + route.version + ": connector " +
                                        route.connector.id +
                                        " says something else of its location than its manifest");
  }
  instance->hide(std::move(hidden));
  return Opened{.instance = std::move(instance),
                .location = config::strip_user_info(location.to_string())};
}

}  // namespace

Result<config::Location> route_location(const Route& route, const config::Options& options,
                                        std::string_view directory) {
  const std::string* text = config::find_option(options, "location");
  if (text == nullptr || text->empty()) return Error(Errc::invalid_argument, "missing location");
  config::Location location = config::parse_location(*text);
  if ((route.connector.location_flags & PLK_LOC_LOCALFS) == 0) return location;
  return config::make_absolute(std::move(location), directory);
}

std::vector<std::string> unknown_options(const Route& route, const config::Options& options,
                                         std::string_view directory) {
  std::vector<std::string> unknown;
  if (route.schema == nullptr || !route_location(route, options, directory)) return unknown;
  for (const config::Option& option : options) {
    const config::Options one{option};
    for (const config::FieldError& error : route.schema->prepare(one).errors) {
      if (error.keyword == "additionalProperties") unknown.push_back(option.key);
    }
  }
  return unknown;
}

Result<std::unique_ptr<kloset::Store>> make_store(const Route& route,
                                                  const config::Options& options,
                                                  const PlaceContext& context) {
  Opened opened = PLK_TRY(open(route, options, context));
  return adapt_store(std::move(opened.instance), std::move(opened.location));
}

Result<std::unique_ptr<kloset::Source>> make_source(const Route& route,
                                                    const config::Options& options,
                                                    const PlaceContext& context,
                                                    SourceFilter filter) {
  Opened opened =
      PLK_TRY(open(route, options, context, filter.xattrs ? 0u : std::uint32_t{PLK_OPEN_NO_XATTR}));
  return adapt_source(std::move(opened.instance), std::move(filter));
}

Result<std::unique_ptr<kloset::Destination>> make_destination(const Route& route,
                                                              const config::Options& options,
                                                              const PlaceContext& context,
                                                              const DestinationOptions& settings) {
  Opened opened = PLK_TRY(open(route, options, context));
  return adapt_destination(std::move(opened.instance), std::move(opened.location), settings);
}

}  // namespace plakar::host
