// Blobs by type and MAC, as trees and snapshots need them: where they are and how they are
// encoded is somebody else's business. The repository is one; tests have one in memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

// May be used from any thread.
class BlobSource {
 public:
  virtual ~BlobSource() = default;

  // The plaintext, its MAC checked where its name is one. Errc::not_found when nothing is known
  // of the blob, Errc::corrupt when it cannot be read, or is larger than `plain_size_max`.
  virtual Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t plain_size_max) = 0;
  virtual bool has(ResourceType type, const Mac& mac) const = 0;
};

// A MAC of bytes that come in pieces.
class MacStream {
 public:
  virtual ~MacStream() = default;
  virtual void update(BytesView bytes) = 0;
  virtual Mac finish() = 0;
};

// One of several blobs that are put together.
struct BlobToPut {
  ResourceType type{};
  BytesView plain;
  Mac mac{};  // set by put_many()
};

// Takes blobs and names them. May be used from any thread.
class BlobSink {
 public:
  virtual ~BlobSink() = default;

  // Stores the blob unless it is there, and returns its MAC.
  virtual Result<Mac> put(ResourceType type, BytesView plain) = 0;
  // The same for many, which is quicker where they are small. On failure any of them may be there.
  virtual Status put_many(std::span<BlobToPut> blobs) {
    for (BlobToPut& blob : blobs) blob.mac = PLK_TRY(put(blob.type, blob.plain));
    return {};
  }
  // What put() would call it.
  virtual Mac mac(BytesView plain) const = 0;
  virtual std::unique_ptr<MacStream> mac_stream() const = 0;
};

// The largest blobs of each kind that are believed in. Chunks have a limit of their own, and a
// length in their object.
inline constexpr std::size_t entry_size_max = 4u << 20;
inline constexpr std::size_t node_size_max = 16u << 20;
inline constexpr std::size_t object_size_max = 256u << 20;  // some three million chunks
inline constexpr std::size_t header_size_max = 16u << 20;

}  // namespace plakar::kloset
