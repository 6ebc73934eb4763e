// Headers of snapshots in a file of the cache directory.
//
//   file   := "PLKHEADS" version:u32 zero:u32 repository:16  batch*
//   batch  := length:u32 mac:32 body:length
//   body   := the encoding of entry*, as that of any unit of the store
//   entry  := id:32 packfile:32 offset:u64 length:u32 seconds:u64 nanoseconds:u32 importer:u64
//             header_length:u32 header
//
// Integers are little-endian. The MAC is the store's, over the beginning of the file, the place of
// the batch in it and the body: what has no right one, and all that follows, is not there. Batches
// are appended; small ones at the end are written again together with what comes after them, so
// that there are few, and the whole file is when most of it is of no use any more. Who writes holds
// a lock on the file; who does not get it only reads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/file_system.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/kloset/repository/repository.h"

namespace plakar::kloset {

struct CachedHeader {
  SnapshotId id;
  BlobLocation location;  // where the header was read
  UnixTime timestamp;
  std::uint64_t importer = 0;  // for_each_header() and its like choose what it is
  BytesView header;
};

// Not thread-safe. Nothing fails: where the file cannot be used there is nothing in it.
class HeaderCache {
 public:
  // `repository` outlives the cache. Opens the file, or makes it.
  explicit HeaderCache(Repository& repository);

  // Calls `visit` for all, in the order in which they were added. What it returns is whether the
  // entry is still of use. Called once, before anything is added.
  Status for_each(const std::function<Result<bool>(const CachedHeader&)>& visit);

  void add(const CachedHeader& header);
  // Writes what was added. Called once, last.
  void save();

 private:
  struct Batch {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;       // with its length and MAC
    std::size_t first_entry = 0;  // its number
    std::size_t entry_count = 0;
    std::size_t plain_bytes = 0;
    std::size_t used_bytes = 0;  // of these, in entries of use
  };
  using VisitEntry = std::function<Status(const CachedHeader&, BytesView encoded)>;

  Mac mac_of(std::uint64_t offset, BytesView body) const;
  // A batch as it was read. What it decodes to is in the codec, or, in a store that neither
  // compresses nor encrypts, in the body itself.
  struct BatchText {
    Bytes body;
    BytesView plain;
  };
  // The batch at `offset`, and its size in the file. Errc::corrupt when there is none in order.
  Result<std::uint64_t> read_batch(BlobCodec& codec, std::uint64_t offset, BatchText& text) const;
  static Status visit_entries(BytesView plain, const VisitEntry& visit);

  // Writes what was added as one batch at the end.
  Status write_added(const File& file);
  // Adds the entries in use of batches that are there, once more.
  Status add_again(const Batch& batch);
  // Cuts off what is behind `batch_count` batches and not in order.
  Status cut(std::size_t batch_count);
  Status merge_tail();
  Status rewrite();

  Repository* repository_;
  std::string path_;
  Bytes head_;
  File file_;
  bool writable_ = false;
  bool is_cut_ = false;    // nothing is behind end_
  std::uint64_t end_ = 0;  // of what is in order
  std::vector<Batch> batches_;
  std::vector<bool> used_;  // by the number of the entry
  Bytes added_;
  std::size_t added_count_ = 0;
};

}  // namespace plakar::kloset
