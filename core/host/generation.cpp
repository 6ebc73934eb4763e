#include "core/host/generation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/files.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/config/location.h"

namespace plakar::host {

class LazyModule {
 public:
  LazyModule(ModuleLoader loader, std::string path, std::string library, Manifest manifest)
      : loader_(std::move(loader)),
        path_(std::move(path)),
        library_(std::move(library)),
        manifest_(std::move(manifest)) {}

  const std::string& path() const noexcept { return path_; }

  Result<std::shared_ptr<Module>> load() {
    const std::lock_guard lock(mutex_);
    if (!result_) result_ = load_now();
    return *result_;
  }

 private:
  Result<std::shared_ptr<Module>> load_now() const {
    auto module = PLK_TRY(loader_(path_, manifest_));
    PLK_TRY_CONTEXT(check_manifest(manifest_, library_, *module), "module " + escape(path_));
    return module;
  }

  const ModuleLoader loader_;
  const std::string path_;
  const std::string library_;
  const Manifest manifest_;
  std::mutex mutex_;
  std::optional<Result<std::shared_ptr<Module>>> result_;  // guarded by mutex_
};

namespace {

constexpr std::string_view manifest_name = "manifest.yaml";

std::string_view last_part(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
}

Error differ(std::string_view what, std::string_view manifest, std::string_view module) {
  return Error(Errc::unsupported, "expected " + std::string(what) + " as the manifest has it, " +
                                      std::string(manifest) + ", found " + std::string(module) +
                                      "; one of the two is to be corrected");
}

std::string hex_bits(std::uint64_t bits) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), digits[bits & 15]);
    bits >>= 4;
  } while (bits != 0);
  return "0x" + text;
}

}  // namespace

Result<Package> read_package(const FileSystem& files, const std::string& directory) {
  const std::string path = config::join_path(directory, manifest_name);
  const Bytes text = PLK_TRY(read_file(files, path, manifest_bytes_max));
  return Package{.manifest = PLK_TRY(parse_manifest(as_text(text), path)), .directory = directory};
}

Result<Package> find_package(const FileSystem& files, const std::string& path) {
  const std::string beside(parent(path));
  const std::string above = config::join_path(beside, "..");
  for (const std::string& directory : {beside, above}) {
    auto package = read_package(files, directory);
    if (package || package.error().code() != Errc::not_found) return package;
  }
  return Error(Errc::not_found, "there is neither " +
                                    escape(config::join_path(beside, manifest_name)) + " nor " +
                                    escape(config::join_path(above, manifest_name)));
}

Result<std::shared_ptr<Module>> load_module(const Route& route) {
  return route.lazy_module->load();
}

const Route* Generation::find(std::uint32_t kind, std::string_view protocol) const noexcept {
  for (const Route& route : routes_) {
    if (route.kind == kind && route.protocol == protocol) return &route;
  }
  return nullptr;
}

Result<std::shared_ptr<const config::Schema>> GenerationBuilder::read_schema(
    const Package& package, const std::string& path) const {
  if (path.empty()) return std::shared_ptr<const config::Schema>();
  const std::string file = config::join_path(package.directory, path);
  const Bytes text = PLK_TRY(read_file(files_, file, schema_bytes_max));
  const codec::Json json = PLK_TRY_CONTEXT(codec::parse_json(as_text(text)), escape(file));
  auto schema = PLK_TRY_CONTEXT(config::Schema::compile(json), escape(file));
  return std::make_shared<const config::Schema>(std::move(schema));
}

Status GenerationBuilder::add_connector(const Package& package, const ManifestConnector& connector,
                                        const std::shared_ptr<LazyModule>& module) {
  for (const std::string& protocol : connector.protocols) {
    for (const Route& route : routes_) {
      if (route.kind == connector.kind && route.protocol == protocol) {
        return Error(Errc::already_exists, "protocol " + protocol + " of package " +
                                               package.manifest.name + " is served by " +
                                               route.package + " already");
      }
    }
    const auto own = connector.validators.find(protocol);
    const std::string& validator =
        own == connector.validators.end() ? connector.validator : own->second;
    routes_.push_back({.kind = connector.kind,
                       .protocol = protocol,
                       .package = package.manifest.name,
                       .version = package.manifest.version,
                       .connector = connector,
                       .schema = PLK_TRY(read_schema(package, validator)),
                       .lazy_module = module});
  }
  return {};
}

Status GenerationBuilder::add(const Package& package) {
  std::vector<std::pair<std::string, std::shared_ptr<LazyModule>>> modules;
  for (const ManifestConnector& connector : package.manifest.connectors) {
    // Genuine Plakar's processes are run by an adapter that is a package of its own.
    if (connector.library.empty()) continue;
    auto known =
        std::ranges::find(modules, connector.library, &decltype(modules)::value_type::first);
    if (known == modules.end()) {
      modules.emplace_back(connector.library,
                           std::make_shared<LazyModule>(
                               loader_, config::join_path(package.directory, connector.library),
                               connector.library, package.manifest));
      known = modules.end() - 1;
    }
    PLK_TRY(add_connector(package, connector, known->second));
  }
  return {};
}

Status GenerationBuilder::add_library(const Package& package, const std::string& path) {
  const std::string_view name = last_part(path);
  std::shared_ptr<LazyModule> module;
  for (const ManifestConnector& connector : package.manifest.connectors) {
    if (last_part(connector.library) != name) continue;
    if (module == nullptr) {
      module = std::make_shared<LazyModule>(loader_, path, connector.library, package.manifest);
    }
    PLK_TRY(add_connector(package, connector, module));
  }
  if (module != nullptr) return {};
  return Error(Errc::not_found, escape(config::join_path(package.directory, manifest_name)) +
                                    " has no connector whose library is called " + escape(name));
}

std::shared_ptr<const Generation> CurrentGeneration::take() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void CurrentGeneration::switch_to(Generation next) {
  auto made = std::make_shared<const Generation>(std::move(next));
  {
    const std::lock_guard lock(mutex_);
    current_.swap(made);
  }
  // The former one, which may stop its modules, goes without the lock.
}

Status check_manifest(const Manifest& manifest, std::string_view library, const Module& module) {
  if (module.name() != manifest.name) return differ("the name", manifest.name, module.name());
  if (module.version() != manifest.version) {
    return differ("the version", manifest.version, module.version());
  }
  std::size_t declared = 0;
  for (const ManifestConnector& connector : manifest.connectors) {
    if (connector.library != library) continue;
    ++declared;
    const std::string who = " of connector " + connector.id;
    const plk_connector* found = module.find(connector.kind, connector.id);
    if (found == nullptr) {
      return Error(Errc::unsupported, "expected a connector " + connector.id + " of type " +
                                          std::string(manifest_type(connector.kind)) +
                                          ", as the manifest has it, found none in the module");
    }
    if (found->caps != connector.caps) {
      return differ("the capabilities" + who, hex_bits(connector.caps), hex_bits(found->caps));
    }
    if (found->config_schema_version != connector.config_schema_version) {
      return differ("the schema version" + who, std::to_string(connector.config_schema_version),
                    std::to_string(found->config_schema_version));
    }
  }
  if (declared != module.plugin().connector_count) {
    return differ("the number of connectors", std::to_string(declared),
                  std::to_string(module.plugin().connector_count));
  }
  return {};
}

}  // namespace plakar::host
