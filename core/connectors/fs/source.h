// A directory tree of this machine, as a source.
//
// Records are those of genuine Plakar's file-system importer, so that either program goes on
// where the other left off: the ancestors of the root up to "/", without names of owners; then the
// root and everything below. Directories come in the order of their paths, the children of one
// directory one after the other, ascending by name, and no others between them.
//
// A root that is a link is recorded as one, and what it points to is walked, one level: a link to
// a link ends there. Links below are recorded and not followed, and no directory is entered through
// one, whatever others move about meanwhile. A file is read only if it still is the one that was
// recorded.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/source.h"

namespace plakar::connectors {

// Names of users and groups; empty for those that have none.
class OwnerNames {
 public:
  virtual ~OwnerNames() = default;
  virtual std::string user(std::uint64_t id) = 0;
  virtual std::string group(std::uint64_t id) = 0;
};

// The account database, asked once for each id. Not thread-safe.
std::unique_ptr<OwnerNames> system_owner_names();

struct FsSourceOptions {
  std::string root{};    // absolute and clean
  std::string origin{};  // this machine's name
  // Do not enter directories on another file system than the root's.
  bool stay_on_file_system = false;
  bool xattrs = true;
  // Asked for each path but the root's and its ancestors', which the user named; an excluded
  // directory is not entered. Asked by the estimate, too, at the same time.
  std::function<bool(std::string_view path, bool is_directory)> excluded{};
  // Neither recorded nor entered, by whatever path they are met: the store that is written to.
  std::vector<std::string> left_out{};
  // Told the path of each of these that the scan meets, by any thread.
  std::function<void(std::string_view path)> on_left_out{};
};

// What `env` refers to outlives the source.
std::unique_ptr<kloset::Source> make_fs_source(Env env, FsSourceOptions options,
                                               std::unique_ptr<OwnerNames> names,
                                               flow::CancelToken cancel);

}  // namespace plakar::connectors
