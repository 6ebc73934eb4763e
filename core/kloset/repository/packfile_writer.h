// Fills one packfile, front to back, into a store. Blobs are appended in encoded form; the name
// of the packfile is known when it is sealed. Nothing of it is visible before.
//
// Ends with a padding blob: genuine Plakar reads up to 64 KiB past what it wants, and fails
// where the file ends sooner; the random length also hides how much was stored.
//
// Not thread-safe. Destroyed without seal() it leaves nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/kloset/packfile/layout.h"
#include "core/kloset/repository/blob_codec.h"
#include "core/kloset/repository/keys.h"
#include "core/kloset/store.h"

namespace plakar::kloset {

struct SealedPackfile {
  PackfileMac mac;
  std::int64_t timestamp_ns = 0;
  std::uint64_t size = 0;  // of the item
  std::vector<PackfileRecord> records;
};

class PackfileWriter {
 public:
  // At least what genuine Plakar may read past the end of a blob, whatever the blob's length.
  static constexpr std::size_t padding_size_min = 64 * 1024;
  static constexpr std::size_t padding_size_max = 96 * 1024;

  // `keys` and `random` outlive the writer. `size_hint` is for the store.
  static Result<PackfileWriter> start(Store& store, const StoreKeys& keys, Random& random,
                                      WallTime now, std::uint64_t size_hint);

  // Errc::invalid_argument for a blob of 4 GiB and more, which the format cannot hold. After any
  // failure the packfile is lost.
  Status append(ResourceType type, const Mac& mac, BytesView encoded);

  // Of the blobs so far.
  std::uint64_t blob_bytes() const noexcept { return offset_; }
  std::size_t blob_count() const noexcept { return records_.size(); }

  // Writes padding, index and footer, and makes the packfile visible. Called once, last.
  Result<SealedPackfile> seal(BlobCodec& codec) &&;

 private:
  PackfileWriter(std::unique_ptr<ItemWriter> item, const StoreKeys& keys, Random& random,
                 std::int64_t timestamp_ns);

  Status write_body(BytesView bytes);
  Status write_tile(BytesView tile);

  std::unique_ptr<ItemWriter> item_;
  const StoreKeys* keys_;
  Random* random_;
  crypto::MacHasher body_mac_;
  crypto::MacHasher envelope_mac_;
  Bytes tile_;  // what was appended and not hashed yet
  std::int64_t timestamp_ns_;
  std::uint64_t offset_ = 0;
  std::vector<PackfileRecord> records_;
};

}  // namespace plakar::kloset
