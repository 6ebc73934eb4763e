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
// A full check reads every packfile once, front to back, and every blob in it is decoded and
// compared with its MAC as it passes; then the structure of each snapshot is gone through, and
// what of it lies where damage was found is read again. A structural check leaves the content of
// files alone: of that it sees whether it is there. CONFIG was checked when the store was opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

enum class CheckDepth : std::uint8_t { structure, full };

// A snapshot, and how much of it.
struct CheckTarget {
  SnapshotId snapshot;
  std::string path = "/";  // clean and absolute: this and what is below it
};

struct CheckOptions {
  CheckDepth depth = CheckDepth::full;
  // None: all snapshots there are.
  std::vector<CheckTarget> targets{};
  // Also states and packfiles, which belong to all snapshots together.
  bool store = true;
  std::size_t threads = 2;
};

struct Damage {
  std::optional<SnapshotId> snapshot;  // none: of the store itself
  std::string where;                   // a path, or "state 3fa1c2d4", "packfile 0011aabb"
  std::string what;
  // Where the damaged bytes are, when that is known.
  std::optional<PackfileMac> packfile{};
};

// Called from several threads, one at a time.
class CheckObserver {
 public:
  virtual ~CheckObserver() = default;
  // A path with everything that belongs to it is sound.
  virtual void checked(const SnapshotId& snapshot, std::string_view path) = 0;
  virtual void damaged(const Damage& damage) = 0;
  // One snapshot is done with.
  virtual void finished(const SnapshotId& snapshot, std::uint64_t damages) {
    static_cast<void>(snapshot);
    static_cast<void>(damages);
  }
  // How much of the packfiles has been read, of all that will be.
  virtual void progress(std::uint64_t bytes_done, std::uint64_t bytes_total) {
    static_cast<void>(bytes_done);
    static_cast<void>(bytes_total);
  }
};

struct CheckReport {
  std::uint64_t states = 0;
  std::uint64_t packfiles = 0;
  std::uint64_t bytes = 0;  // read of packfiles
  std::uint64_t snapshots = 0;
  std::uint64_t snapshots_damaged = 0;
  std::uint64_t damages = 0;

  bool sound() const noexcept { return damages == 0; }
};

// Damage is reported and counted, and no error; errors are a cancel, or a store that cannot be
// listed. A path that a snapshot does not have is damage of that snapshot. The repository is
// refreshed already.
Result<CheckReport> check(kloset::Repository& repository, const CheckOptions& options,
                          CheckObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
