// A store in a single file, written once: see layout.h for its bytes.
//
// Writing: create(), one packfile, one state, close(). Everything goes front to back into a
// temporary file beside the archive, which close() completes, makes durable and renames: before
// that there is no archive, and when the store is destroyed without it, nothing is left. Only one
// item can be under way; one that is given up after its first byte spoils the archive. Nothing can
// be read meanwhile but CONFIG.
//
// Reading: load_config() first. There is at most one packfile and one state, and they have no
// names: listings make some up, and every name means the one there is. Nothing may be matched
// against the names that the state mentions.
//
// Locks are taken and forgotten. Removing anything else is Errc::unsupported.
#pragma once

#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/connectors/ptar/range_reader.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

struct ArchiveOptions {
  // An archive that exists is replaced, once the new one is complete. Otherwise create() refuses
  // with Errc::already_exists.
  bool overwrite = false;
};

// A file on this machine; `path` is absolute. Nothing is touched yet. What `env` refers to
// outlives the store.
std::unique_ptr<kloset::Store> make_archive_store(Env env, std::string path,
                                                  const ArchiveOptions& options,
                                                  flow::CancelToken cancel);

// An archive anywhere else, for reading only. `location` is for messages.
std::unique_ptr<kloset::Store> make_archive_reader(std::unique_ptr<RangeReader> bytes,
                                                   std::string location, flow::CancelToken cancel);

}  // namespace plakar::connectors
