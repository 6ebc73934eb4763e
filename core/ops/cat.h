// The content of single files of a snapshot, front to back.
//
//   const auto file = PLK_TRY(ops::find_file(snapshot, "/etc/hosts"));
//   PLK_TRY(ops::stream_file(repository, *file, write, cancel));
#pragma once

#include <functional>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/snapshot_reader.h"

namespace plakar::ops {

// The regular file at a clean absolute path, links on the way and at its end followed.
// Errc::not_found: there is no such file, or a link leads nowhere. Errc::invalid_argument: it is no
// regular file, or links go in a circle. Damage on the way to it is Errc::corrupt.
Result<kloset::FoundEntry> find_file(kloset::SnapshotReader& snapshot, std::string_view path);

// Gives the content to `write`, in order and checked, some megabytes at a time. The first error of
// `write` ends it and is returned; damage is Errc::corrupt, with everything before it written.
using WriteBytes = std::function<Status(BytesView)>;
Status stream_file(kloset::Repository& repository, const kloset::VfsEntry& file,
                   const WriteBytes& write, const flow::CancelToken& cancel);

}  // namespace plakar::ops
