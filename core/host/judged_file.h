// The file of a module, open and judged: what is to be loaded, here or in a worker, whatever
// becomes of its name meanwhile.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/preflight.h"

namespace plakar::host {

struct JudgedFile {
  Fd file;           // to be loaded through, or given to a worker
  std::string path;  // without links, for messages
  ModuleReport report;
};

// `sha256` is what the file must have, where that is known. Errc::unsupported and Errc::corrupt for
// a module that is refused, with everything that is wrong; Errc::conflict where somebody was
// writing it; other codes where it cannot be read.
Result<JudgedFile> judge_file(const std::string& path, const Platform& platform,
                              const std::optional<Bytes>& sha256 = {});

}  // namespace plakar::host
