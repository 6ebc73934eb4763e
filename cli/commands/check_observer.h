// Tells of a check: a line for each path, and of each snapshot by itself how it is.
#pragma once

#include <cstdint>
#include <string_view>

#include "cli/commands/command.h"
#include "cli/commands/open_store.h"
#include "core/ops/check.h"

namespace plakar::cli {

class CheckObserver final : public ops::CheckObserver {
 public:
  // All outlive the observer; what was read and how long it took counts from here on. The snapshot
  // in `scope` changes.
  CheckObserver(Context& context, OpenStore& store, EventScope& scope);

  void checked(const SnapshotId& snapshot, std::string_view path) override;
  void damaged(const ops::Damage& damage) override;
  void finished(const SnapshotId& snapshot, std::uint64_t damages) override;

  // The result, with what was read and how long it took since the last one.
  void report(std::uint64_t damages);

 private:
  Context& context_;
  OpenStore& store_;
  EventScope& scope_;
  MonotonicTime begin_;
  std::uint64_t read_;
  std::uint64_t written_;
};

}  // namespace plakar::cli
