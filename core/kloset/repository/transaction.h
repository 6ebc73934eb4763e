// Adds blobs to a store. Blobs are deduplicated against the index and against each other, encoded
// and verified in the calling thread, and packed into packfiles: one under way for each thread
// that stores file data, so that the chunks of a file lie together, and one for all metadata.
//
// Nothing that was put is visible to others before a state is published that says where it is.
// A checkpoint publishes what is in sealed packfiles so far, so that a run that is cut off need
// not start from nothing; commit() seals everything and publishes the rest, with the snapshot last.
// Destroyed without commit() a transaction leaves only what was checkpointed.
//
// Memory: of the blobs not published yet, 16 octets to recognise them by and 56 for their place.
//
// put() may be called from many threads; checkpoints happen inside of it, when it is time. After
// one failure everything fails: with a packfile the blobs in it are lost, old ones too.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "core/base/result.h"
#include "core/kloset/blob_source.h"
#include "core/kloset/repository/packfile_writer.h"
#include "core/kloset/repository/repository.h"

namespace plakar::kloset {

struct TransactionStats {
  std::uint64_t blobs_new = 0;
  std::uint64_t blobs_known = 0;
  std::uint64_t plain_bytes_new = 0;
  std::uint64_t packfiles = 0;
  std::uint64_t written_bytes = 0;  // of packfiles and states
};

class Transaction : public BlobSink {
 public:
  struct Options {
    // How many packfiles of file data may be under way: as many as threads that store it.
    std::size_t data_packfiles = 2;
    // A state is published when so many locations wait for one, and when so much time passed;
    // in a long run, an eighth of what has passed of it.
    std::size_t checkpoint_locations = 50'000;
    std::chrono::nanoseconds checkpoint_interval = std::chrono::minutes(1);
  };

  // `repository` outlives the transaction. The caller holds the lock.
  static std::unique_ptr<Transaction> begin(Repository& repository, const Options& options);

  // Stores a blob unless the store has it, and returns its MAC.
  Result<Mac> put(ResourceType type, BytesView plain) override = 0;
  // The same with the MAC computed already, as where many were at once.
  virtual Status put_known(ResourceType type, const Mac& mac, BytesView plain) = 0;
  // Whether the blob is in the store, or was put in this run.
  virtual bool has(ResourceType type, const Mac& mac) const = 0;

  // Stores the snapshot's header, seals every packfile, and publishes the last state. When it
  // returns success the snapshot is there, durably; on failure it is not. The identifier of one
  // that was removed from the store is Errc::conflict: what takes back a removal would have to be
  // merged after it, and programs do not agree on such an order.
  virtual Status commit(const SnapshotId& id, BytesView header) = 0;
  // The same for a run that stores several snapshots, or none at all.
  virtual Status put_snapshot(const SnapshotId& id, BytesView header) = 0;
  virtual Status commit(const StateId& id) = 0;

  virtual TransactionStats stats() const = 0;
};

}  // namespace plakar::kloset
