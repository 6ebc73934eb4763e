// Makes the index of a store again where states are lost or damaged, from what packfiles say of
// themselves: each has an index of its own, so that nothing but marks is gone with a state.
//
// What comes back: every packfile that no state names, with all its blobs; among them the headers
// of snapshots, so that with all states lost all snapshots are there again. What does not: marks.
// Snapshots whose removal only a lost state knew of are there again, too.
//
// A damaged state keeps everybody from opening the store. It is replaced by one that says nothing,
// once all that it may have named is named elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

struct RebuildOptions {
  std::string hostname{};  // for the lock
  bool lock = true;
  bool apply = false;  // otherwise nothing is changed, nor locked
};

// Hears what was found, before anything is changed.
class RebuildObserver {
 public:
  virtual ~RebuildObserver() = default;
  virtual void state_damaged(const kloset::StateId& state, std::string_view error) = 0;
  virtual void packfile_unnamed(const PackfileMac& packfile, std::uint64_t blobs) = 0;
  // It stays as it is, and what is in it is lost.
  virtual void packfile_unreadable(const PackfileMac& packfile, std::string_view error) = 0;
  virtual void snapshot_returns(const SnapshotId& snapshot) = 0;
};

struct RebuildReport {
  std::uint64_t states = 0;
  std::uint64_t states_damaged = 0;
  std::uint64_t packfiles = 0;
  std::uint64_t packfiles_unnamed = 0;
  std::uint64_t packfiles_unreadable = 0;  // of those that no state names
  std::uint64_t blobs = 0;                 // in the unnamed ones
  std::uint64_t snapshots = 0;             // that return
  std::uint64_t states_written = 0;

  bool is_needed() const noexcept { return states_damaged > 0 || packfiles_unnamed > 0; }
};

// Works from the store alone: what the repository's index has cached of lost states does not count.
// The repository need not be refreshed, which is impossible with a damaged state; when this was
// applied it is. An error leaves the store no worse than it was.
Result<RebuildReport> rebuild_states(kloset::Repository& repository, const RebuildOptions& options,
                                     RebuildObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
