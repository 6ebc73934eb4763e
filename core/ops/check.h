// Looks for damage, in everything that a store holds.
//
// What is looked at, and how each damage is named:
//
//   states        decoded, MACs checked                                       the state
//   packfiles     there; index and footer read, MACs checked, and compared    the packfile
//                 with what the states say; in full: every byte of them
//   snapshots     header, the six trees node by node, entries, listings,      snapshot and path
//                 summaries, errors, attributes, objects; in full: chunks
//
// A full check reads every byte of every packfile, once more than the blobs in it that snapshots
// use; a structural one reads metadata and leaves file content alone. CONFIG was checked when the
// store was opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

enum class CheckDepth : std::uint8_t { structure, full };

struct CheckOptions {
  CheckDepth depth = CheckDepth::full;
  // Which snapshots; none: all there are.
  std::vector<SnapshotId> snapshots{};
  // Also states and packfiles, which belong to all snapshots together.
  bool store = true;
};

struct Damage {
  std::optional<SnapshotId> snapshot;  // none: of the store itself
  std::string where;                   // a path, or "state 3fa1c2d4", "packfile 0011aabb"
  std::string what;
};

class CheckObserver {
 public:
  virtual ~CheckObserver() = default;
  virtual void checked(const SnapshotId& snapshot, std::string_view path) = 0;
  virtual void damaged(const Damage& damage) = 0;
};

struct CheckReport {
  std::uint64_t states = 0;
  std::uint64_t packfiles = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t snapshots_damaged = 0;
  std::uint64_t damages = 0;

  bool sound() const noexcept { return damages == 0; }
};

// Damage is reported and counted, and no error; errors are a cancel, or a store that cannot be
// listed. The repository is refreshed already.
Result<CheckReport> check(kloset::Repository& repository, const CheckOptions& options,
                          CheckObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
