#include "core/config/config_directory.h"

#include <optional>
#include <utility>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/config/internal/places_reader.h"
#include "core/config/internal/yaml_tree.h"
#include "core/config/location.h"

namespace plakar::config {
namespace {

constexpr std::string_view former_stores_file = "klosets.yml";
constexpr std::string_view combined_file = "plakar.yml";
constexpr std::string_view policies_file = "policies.yml";
constexpr std::string_view lock_file = ".plakar.lock";
constexpr std::uint32_t new_mode = 0600;
// Somebody may share a file with a group, but these files hold secrets.
constexpr std::uint32_t kept_mode = 0770;
constexpr int symlinks_max = 40;

std::string child(const std::string& directory, std::string_view name) {
  return directory + "/" + std::string(name);
}

// The file that a chain of symlinks leads to, which need not exist.
Result<std::string> follow_symlinks(const FileSystem& files, std::string path) {
  for (int i = 0; i < symlinks_max; ++i) {
    const auto found = PLK_TRY(files.find(path));
    if (!found || found->type != FileType::symlink) return path;
    std::string target = PLK_TRY(files.read_link(path));
    if (!target.starts_with('/')) {
      // Not cleaned: `..` after a symlinked directory is not the directory's parent by name.
      target = path.substr(0, path.rfind('/') + 1) + target;
    }
    path = std::move(target);
  }
  return Error(Errc::invalid_argument, path + ": too many symlinks");
}

Error parse_error(Error error) {
  if (error.code() == Errc::internal) return error;
  return std::move(error).context("failed to parse config file");
}

}  // namespace

// Held from construction on. Where locks do not exist, we go on without, as genuine Plakar.
class ConfigDirectory::Lock {
 public:
  static Result<Lock> take(const FileSystem& files, const std::string& directory) {
    PLK_TRY(make_directories(files, directory, 0700));
    Lock lock;
    lock.file_ = PLK_TRY(
        files.open(child(directory, lock_file),
                   {.access = Access::read_write, .create = Create::if_missing, .mode = new_mode}));
    const Status taken = lock.file_.lock(LockMode::exclusive, Wait::yes);
    if (!taken && taken.error().code() != Errc::unsupported) return taken.error();
    return lock;
  }

 private:
  Lock() = default;

  File file_;
};

ConfigDirectory::ConfigDirectory(const FileSystem& files, Random& random, std::string path)
    : files_(files), random_(random), path_(std::move(path)) {}

std::string ConfigDirectory::file_of(PlaceKind kind) const {
  return child(path_, section_key(kind)) + ".yml";
}

Result<bool> ConfigDirectory::exists(const std::string& file) const {
  return PLK_TRY(files_.find(file, Follow::yes)).has_value();
}

Result<bool> ConfigDirectory::is_new() const {
  if (PLK_TRY(exists(file_of(PlaceKind::store)))) return false;
  return !PLK_TRY(exists(child(path_, former_stores_file)));
}

Result<PlacesDocument> ConfigDirectory::read(const std::string& file, PlaceKind kind) const {
  const Bytes content = PLK_TRY(read_file(files_, file, yaml_bytes_max));
  auto document = PlacesDocument::parse(to_text(content), kind, file);
  if (!document) return parse_error(std::move(document).error());
  return document;
}

Result<PlacesDocument> ConfigDirectory::load(PlaceKind kind) const {
  if (PLK_TRY(exists(file_of(kind)))) return read(file_of(kind), kind);
  const std::string former = child(path_, former_stores_file);
  if (kind == PlaceKind::store && PLK_TRY(exists(former))) return read(former, kind);
  if (PLK_TRY(is_new())) return migrated(kind);
  return PlacesDocument::create({}, kind, file_of(kind));
}

Result<Configuration> ConfigDirectory::load_all() const {
  Configuration all;
  all.stores = PLK_TRY(load(PlaceKind::store)).places();
  all.sources = PLK_TRY(load(PlaceKind::source)).places();
  all.destinations = PLK_TRY(load(PlaceKind::destination)).places();
  return all;
}

Result<PoliciesDocument> ConfigDirectory::load_policies() const {
  const std::string file = child(path_, policies_file);
  if (!PLK_TRY(exists(file))) return PoliciesDocument::parse({}, file);
  const Bytes content = PLK_TRY(read_file(files_, file, yaml_bytes_max));
  auto document = PoliciesDocument::parse(to_text(content), file);
  if (!document) return parse_error(std::move(document).error());
  return document;
}

// The places of one kind in the file of v1.0; none where there is no such file.
Result<PlacesDocument> ConfigDirectory::migrated(PlaceKind kind) const {
  const std::string file = child(path_, combined_file);
  if (!PLK_TRY(exists(file))) return PlacesDocument::create({}, kind, file_of(kind));
  const Bytes content = PLK_TRY(read_file(files_, file, yaml_bytes_max));
  const auto read = [&]() -> Result<Places> {
    const YamlTree tree = PLK_TRY(YamlTree::parse(to_text(content), file));
    const bool stores = kind == PlaceKind::store;
    Places places = PLK_TRY(read_section(tree, stores ? "repositories" : "remotes"));
    if (!stores) return places;
    std::string name = PLK_TRY(read_top_level_text(tree, "default-repo"));
    if (name.starts_with('@')) name.erase(0, 1);
    if (!name.empty()) places.default_name = std::move(name);
    return places;
  };
  auto places = read();
  if (!places) return parse_error(std::move(places).error());
  return PlacesDocument::create(*places, kind, file_of(kind));
}

Status ConfigDirectory::initialise() const {
  if (!PLK_TRY(is_new())) return {};
  const Lock lock = PLK_TRY(Lock::take(files_, path_));
  if (!PLK_TRY(is_new())) return {};  // Another process was faster.
  // stores.yml last, because it says that this is done: a crash before it repeats the rest.
  for (const PlaceKind kind : {PlaceKind::destination, PlaceKind::source, PlaceKind::store}) {
    if (PLK_TRY(exists(file_of(kind)))) continue;
    const PlacesDocument document = PLK_TRY(migrated(kind));
    PLK_TRY(write(file_of(kind), document.text()));
  }
  return {};
}

Status ConfigDirectory::change(PlaceKind kind,
                               const std::function<Status(PlacesDocument&)>& edit) const {
  // The first change may come before the first run: what plakar.yml says is not lost by it.
  PLK_TRY(initialise());
  const Lock lock = PLK_TRY(Lock::take(files_, path_));
  PlacesDocument document = PLK_TRY(load(kind));
  const std::string before = document.text();
  PLK_TRY(edit(document));
  if (document.text() == before) return {};
  return write(file_of(kind), document.text());
}

Status ConfigDirectory::change_policies(
    const std::function<Status(PoliciesDocument&)>& edit) const {
  const Lock lock = PLK_TRY(Lock::take(files_, path_));
  PoliciesDocument document = PLK_TRY(load_policies());
  const std::string before = document.text();
  PLK_TRY(edit(document));
  if (document.text() == before) return {};
  return write(child(path_, policies_file), document.text());
}

Status ConfigDirectory::write(const std::string& path, const std::string& text) const {
  const std::string file = PLK_TRY(follow_symlinks(files_, path));
  const auto old = PLK_TRY(files_.find(file));
  const std::uint32_t mode = old ? old->mode & kept_mode : new_mode;
  return write_file_atomically(files_, random_, file, as_bytes(text), mode);
}

}  // namespace plakar::config
