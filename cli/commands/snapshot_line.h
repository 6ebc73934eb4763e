// A snapshot as `ls`, `rm` and `prune` show it.
#pragma once

#include <string>

#include "core/kloset/snapshot/header.h"

namespace plakar::cli {

struct SnapshotColumns {
  bool full_id = false;
  bool duration = true;
  bool tags = true;
};

// "2026-01-14T06:45:32Z   dd62691d   6.4 KiB        0s /home/user tags=a,b", without a newline.
std::string snapshot_line(const kloset::SnapshotHeader& header, const SnapshotColumns& columns);

}  // namespace plakar::cli
