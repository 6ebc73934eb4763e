// The content of a file, front to back. Holes are not read: the kernel would fill a page of its
// cache for each of theirs, and drop something else for it.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/file_system.h"
#include "core/base/unix_time.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/source.h"

namespace plakar::connectors {

// What tells a file from itself after somebody has written to it. The time of a change is there for
// those who put back the time of modification. The kernel's clock ticks every few milliseconds: of
// two writes within a tick the second one cannot be told.
struct FileVersion {
  std::uint64_t size = 0;
  UnixTime modified;
  UnixTime changed;
};

// `stat` is that of `file`, and `expected` what confirm() wants to find at the end. A file that
// grows or shrinks meanwhile is read to where it ends then.
std::unique_ptr<kloset::ContentReader> make_file_reader(File file, const FileStat& stat,
                                                        const FileVersion& expected,
                                                        flow::CancelToken cancel);

}  // namespace plakar::connectors
