// A directory of this machine, as a destination.
//
// Nothing is written outside of it, whatever the records say and whatever links others place in it
// meanwhile: every directory is opened name by name from the root, and no link on the way is
// followed.
//
// Whatever is not a directory is made under a temporary name `.plakar-<16 hex digits>` beside its
// own, gets its metadata there, and is renamed: under its name there is the old one or the new one,
// whole. A failure removes the temporary file; a crash may leave one. Directories are made with
// mode 0700 and get their metadata in finish(), deepest first, when nothing is made in them any
// more. A directory that is there already is used, and gets the metadata, too, when existing things
// are to be replaced. The root keeps what it has unless it was made here; its parents are made as
// mkdir does.
//
// Content comes first: metadata that cannot be set is reported by finish(), and the file is there
// all the same. Whatever that leaves out takes rights away and gives none:
//   - owners are set by root only, by number. Set-id bits of files need their owner.
//   - attributes outside of `user.` and the access lists are set by root only. A file whose access
//     list cannot be set gives no rights to its group, as its mode alone would give too many.
//   - devices are Errc::unsupported: stores do not hold their numbers.
//
// A record of kind hardlink is another name of a file that was put with `nlink` > 1 and committed;
// of any other it is Errc::not_found, and the caller writes a copy.
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
  // False: new directories get 0750, everything else 0640, and no access lists.
  bool permissions = true;
};

// What `env` refers to outlives the destination, as it does the writers.
std::unique_ptr<kloset::Destination> make_fs_destination(Env env, FsDestinationOptions options,
                                                         flow::CancelToken cancel);

}  // namespace plakar::connectors
