// Copies snapshots from one store into another one, whose key, hashing, compression and chunking
// may all be different.
//
// What a store holds is named by MACs under its own key, so nothing can be copied as it is: every
// chunk is decoded, checked, and stored again; objects, entries, attributes, errors, listings,
// trees and summaries are made anew, and the header keeps what it says of the snapshot. The
// snapshot has the same identifier on both sides, and that is how it is known to be there.
//
// Entries become canonical, as SnapshotBuilder writes them: fields that the format reserves and no
// program writes are left behind, and so is a signature, which is one of the old header.
//
// What the target has is not stored again, and much of it is not even read: a file that is in a
// snapshot which both sides have, at the same path with the same content, is known on the other
// side by that.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/repository/transaction.h"

namespace plakar::ops {

// What becomes of a snapshot of which the source cannot read everything.
enum class SourceDamage : std::uint8_t {
  // It is not copied. A later sync, once the source is mended, finds it missing and copies it
  // whole; an incomplete copy of the same identifier would stand in the way of that.
  refuse,
  // It is copied without that, and each path is an error of the copy, for good: when there will be
  // no better source.
  record,
};

struct SyncOptions {
  std::string hostname{};  // for the lock
  bool lock = true;
  std::size_t threads = 2;
  SourceDamage damage = SourceDamage::refuse;
  // Snapshots that were removed from the target are copied too, each under another identifier,
  // which follows from its own. Otherwise a removal holds. The old identifier is spent: states have
  // no order that all programs agree on, so that a removal which is taken back holds for some.
  bool bring_back = false;
  // The first snapshot that cannot be copied ends it all.
  bool strict = false;
  // Where entries go that are too many to be held in memory; files there have no names.
  std::string temporary_directory = "/tmp";
  // How much of them is held.
  std::size_t sort_memory_bytes = std::size_t{8} << 20;
};

// What was copied of one snapshot.
struct SyncedSnapshot {
  SnapshotId id;
  SnapshotId target_id;  // the same, unless that was removed from the target
  std::uint64_t entries = 0;
  std::uint64_t files_known = 0;  // not read: the target has their content
  std::uint64_t bytes_read = 0;   // of content
  std::uint64_t errors = 0;       // paths that the source has no more, and that were recorded
  kloset::TransactionStats stored;
  std::chrono::nanoseconds duration{};
};

// Called from several threads, one at a time.
class SyncObserver {
 public:
  virtual ~SyncObserver() = default;
  virtual void started(const SnapshotId& id) = 0;
  // `known`: not read, because the target has it.
  virtual void stored(const SnapshotId& id, std::string_view path, std::uint64_t bytes,
                      bool known) = 0;
  virtual void failed(const SnapshotId& id, std::string_view path, std::string_view error) = 0;
  // After started(), once: it is there; or it is not, and why.
  virtual void finished(const SyncedSnapshot& snapshot) = 0;
  virtual void given_up(const SnapshotId& id, const Error& error) = 0;
};

struct SyncReport {
  std::uint64_t copied = 0;
  std::uint64_t present = 0;  // there already
  std::uint64_t removed = 0;  // were there, and are not to come back
  std::uint64_t failed = 0;   // not copied, because of what the source has of them
  std::uint64_t errors = 0;   // paths recorded as errors, in those copied
};

// Copies those of `snapshots` that the target does not have, in their order. Both repositories are
// open; the source is refreshed already, the target is refreshed here, under its lock. Each
// snapshot is there when it is finished, whatever becomes of those behind it.
//
// A snapshot that the source cannot read is reported, counted, and passed over; an error is what
// keeps the target from taking any: a failure of it, a cancel, Errc::conflict for a lock in the
// way, or Errc::invalid_argument when both are the same store or copies of one.
Result<SyncReport> sync(kloset::Repository& source, kloset::Repository& target,
                        std::span<const SnapshotId> snapshots, const SyncOptions& options,
                        SyncObserver& observer, const flow::CancelToken& cancel);

}  // namespace plakar::ops
