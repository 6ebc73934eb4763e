// Which connector serves which protocol, of which version of which package: an immutable map. A job
// takes one at its start and keeps it to its end, whatever is installed meanwhile. The modules of a
// generation are stopped when its last owner is gone.
//
// A module is loaded when somebody opens one of its connectors, and checked then against what the
// manifest said of it.
//
// Thread rule: a Generation may be used from any thread; a GenerationBuilder by one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/result.h"
#include "core/config/schema.h"
#include "core/host/manifest/manifest.h"
#include "core/host/module.h"

namespace plakar::host {

inline constexpr std::size_t schema_bytes_max = 1024 * 1024;

// A package on disk.
struct Package {
  Manifest manifest{};
  std::string directory{};  // that of manifest.yaml
};

// The package at `directory`. Errors name the file.
Result<Package> read_package(const FileSystem& files, const std::string& directory);
// The package that the module at `path` belongs to: its manifest is beside it, or one directory up.
// Errc::not_found with both places when there is none.
Result<Package> find_package(const FileSystem& files, const std::string& path);

// Makes a module of a library of a package: in this process, in a worker.
using ModuleLoader =
    std::function<Result<std::shared_ptr<Module>>(const std::string& path, const Manifest&)>;

class LazyModule;

struct Route {
  std::uint32_t kind = 0;  // PLK_KIND_*
  std::string protocol{};
  std::string package{};
  std::string version{};
  ManifestConnector connector{};
  std::shared_ptr<const config::Schema> schema{};  // null: the package has none
  std::shared_ptr<LazyModule> lazy_module{};       // of all routes to one library
};

// The module of a route, loaded if need be; once it failed it fails again.
Result<std::shared_ptr<Module>> load_module(const Route& route);

class Generation {
 public:
  Generation() = default;
  Generation(std::uint64_t number, std::vector<Route> routes)
      : number_(number), routes_(std::move(routes)) {}

  std::uint64_t number() const noexcept { return number_; }
  const std::vector<Route>& routes() const noexcept { return routes_; }
  // Null if nothing here serves it. Lives as long as the generation.
  const Route* find(std::uint32_t kind, std::string_view protocol) const noexcept;

 private:
  std::uint64_t number_ = 0;
  std::vector<Route> routes_;
};

class GenerationBuilder {
 public:
  GenerationBuilder(const FileSystem& files, ModuleLoader loader)
      : files_(files), loader_(std::move(loader)) {}

  // Errc::already_exists when another package serves one of its protocols.
  Status add(const Package& package);
  // Of a package that is not installed, one library: for its author. Its connectors are those that
  // the manifest has for a library of that name.
  Status add_library(const Package& package, const std::string& path);

  Generation build(std::uint64_t number) { return Generation(number, std::move(routes_)); }

 private:
  Status add_connector(const Package& package, const ManifestConnector& connector,
                       const std::shared_ptr<LazyModule>& module);
  Result<std::shared_ptr<const config::Schema>> read_schema(const Package& package,
                                                            const std::string& path) const;

  const FileSystem& files_;
  const ModuleLoader loader_;
  std::vector<Route> routes_;
};

// The generation that new jobs take; a switch leaves those that run alone. Any thread.
class CurrentGeneration {
 public:
  std::shared_ptr<const Generation> take() const;
  void switch_to(Generation next);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Generation> current_ = std::make_shared<const Generation>();
};

// Whether a module is what its manifest says: name, version, connectors, kinds, capabilities,
// schema versions. `library` is the manifest's name for it.
Status check_manifest(const Manifest& manifest, std::string_view library, const Module& module);

}  // namespace plakar::host
