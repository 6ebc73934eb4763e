// A directory of this machine, as a destination.
//
// Nothing is written outside of it, whatever the records say and whatever links others place in it
// meanwhile: every path is opened name by name from the root, and no link on the way is
// followed. A regular file is written under a temporary name in its directory, gets owner, mode,
// attributes and times through its descriptor, and is renamed. Directories are made with mode 0700
// and get their metadata in finish(), deepest first. What is there already and is a directory is
// used as it is; the root itself keeps its metadata unless it was made here.
//
// Owners are set where the process may, by number. Attributes outside of `user.` are set by
// root alone; one that cannot be set is reported by finish(), and the file is there without it.
#pragma once

#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/destination.h"

namespace plakar::connectors {

struct FsDestinationOptions {
  std::string root{};  // absolute and clean; made if it is missing, with its parents
  kloset::Existing existing = kloset::Existing::replace;
  bool owners = true;
  bool permissions = true;
};

// What `env` refers to outlives the destination.
std::unique_ptr<kloset::Destination> make_fs_destination(Env env, FsDestinationOptions options,
                                                         flow::CancelToken cancel);

}  // namespace plakar::connectors
