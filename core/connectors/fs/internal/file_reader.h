// The content of a file, front to back. Holes are not read: the kernel would fill a page of its
// cache for each of theirs, and drop something else for it.
#pragma once

#include <memory>

#include "core/base/file_system.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/source.h"

namespace plakar::connectors {

// `stat` is that of `file`. A file that grows or shrinks meanwhile is read to where it ends then.
std::unique_ptr<kloset::ContentReader> make_file_reader(File file, const FileStat& stat,
                                                        flow::CancelToken cancel);

}  // namespace plakar::connectors
