// Where the parts of a check say what they found.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/ops/check.h"

namespace plakar::ops {

// All functions may be called from any thread; the observer hears of one thing at a time.
class CheckLog {
 public:
  explicit CheckLog(CheckObserver& observer) : observer_(observer) {}

  void damage(Damage damage) {
    const std::lock_guard guard(mutex_);
    ++report_.damages;
    if (damage.snapshot) ++snapshot_damages_;
    observer_.damaged(damage);
  }
  void checked(const SnapshotId& snapshot, std::string_view path) {
    const std::lock_guard guard(mutex_);
    observer_.checked(snapshot, path);
  }
  void expect_bytes(std::uint64_t bytes) { bytes_total_ = bytes; }
  void add_bytes(std::uint64_t bytes) {
    const std::lock_guard guard(mutex_);
    report_.bytes += bytes;
    observer_.progress(report_.bytes, std::max(report_.bytes, bytes_total_));
  }
  void add_state() { ++report_.states; }
  void add_packfile() { ++report_.packfiles; }
  // Counts what was said of the snapshot since the last call.
  void finish_snapshot(const SnapshotId& snapshot) {
    const std::lock_guard guard(mutex_);
    ++report_.snapshots;
    report_.snapshots_damaged += snapshot_damages_ > 0 ? 1 : 0;
    observer_.finished(snapshot, snapshot_damages_);
    snapshot_damages_ = 0;
  }

  // Once nothing else runs.
  const CheckReport& report() const noexcept { return report_; }

 private:
  CheckObserver& observer_;
  std::mutex mutex_;
  CheckReport report_;  // these guarded by mutex_
  std::uint64_t snapshot_damages_ = 0;
  std::uint64_t bytes_total_ = 0;  // set before anything runs
};

}  // namespace plakar::ops
