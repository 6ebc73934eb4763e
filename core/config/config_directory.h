// The configuration directory, $CFG: stores.yml, sources.yml, destinations.yml and policies.yml,
// read and changed by us, by genuine Plakar and by people with editors.
//
//   stores.yml   sources.yml   destinations.yml     places_document.h
//   policies.yml     policies.h; made by the first change of it
//   klosets.yml      former name of stores.yml, read where that is missing
//   plakar.yml       v1.0: all in one file, read where neither of those exists
//   .plakar.lock     held while one of our processes changes a file
//
// A missing file is an empty list and nothing more: it never touches the other files. A file
// that cannot be read or understood is an error, and is not written. Files are replaced whole
// (rename), new ones have mode 0600; a symlink is followed, and what it names is replaced. The
// two older files are never written.
//
// Several of our processes may change the same file: each reads, changes and writes under a
// lock on a file of its own, because the files themselves are replaced, and because locking
// the directory does not work on NFS. Genuine Plakar takes no lock; a change that it makes in
// the same instant may be lost, as between two of its own.
//
// May be used from any thread.
#pragma once

#include <functional>
#include <string>

#include "core/base/result.h"
#include "core/config/places_document.h"
#include "core/config/policies.h"

namespace plakar {
class FileSystem;
class Random;
}  // namespace plakar

namespace plakar::config {

struct Configuration {
  Places stores;
  Places sources;
  Places destinations;
};

class ConfigDirectory {
 public:
  // Nothing is opened. `files` and `random` outlive this.
  ConfigDirectory(const FileSystem& files, Random& random, std::string path);

  const std::string& path() const noexcept { return path_; }
  std::string file_of(PlaceKind kind) const;

  // Errors of content begin with "failed to parse config file: " and name file, line and
  // column.
  Result<PlacesDocument> load(PlaceKind kind) const;
  Result<Configuration> load_all() const;

  Result<PoliciesDocument> load_policies() const;

  // What a first run does: where neither stores.yml nor klosets.yml exists, makes the
  // directory and those of the three files that are missing, empty or from plakar.yml.
  // Failing is no reason to stop a command: load() gives the same without the files.
  Status initialise() const;

  // Applies `edit` to what the file says now and replaces the file, under the lock. An edit
  // that fails or changes nothing leaves the file alone. On failure the file is the old one,
  // but for what write_file_atomically() says.
  Status change(PlaceKind kind, const std::function<Status(PlacesDocument&)>& edit) const;
  Status change_policies(const std::function<Status(PoliciesDocument&)>& edit) const;

 private:
  class Lock;

  Result<bool> exists(const std::string& file) const;
  Result<bool> is_new() const;
  Result<PlacesDocument> read(const std::string& file, PlaceKind kind) const;
  Result<PlacesDocument> migrated(PlaceKind kind) const;
  Status write(const std::string& file, const std::string& text) const;

  const FileSystem& files_;
  Random& random_;
  std::string path_;
};

}  // namespace plakar::config
