// Decodes blobs and compares each with its name. The MACs of small blobs are computed many at
// once, which takes a third of the time that one after the other does, so that outcomes come a
// little later than the blobs.
//
// Not thread-safe; one for each thread, which keeps its buffers.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/resource.h"
#include "core/kloset/repository/repository.h"

namespace plakar::kloset {

// A blob that somebody wants to have.
struct WantedBlob {
  ResourceType type{};
  Mac mac;
  std::size_t plain_size_max = 0;
  // Where the plaintext is to go; empty: anywhere. Has plain_size_max bytes.
  std::span<std::byte> out{};
};

// Gets a blob by the number that it was asked for with: its plaintext, valid during the call or,
// with `out`, in there; or why it is not to be had. The first error it returns ends everything.
using DeliverBlob = std::function<Status(std::size_t number, Result<BytesView> plain)>;

class BlobVerifier {
 public:
  // `repository` outlives the verifier.
  static Result<BlobVerifier> create(Repository& repository);

  // `deliver` hears of this blob now or in a later call. `encoded` is no longer used afterwards.
  Status add(std::size_t number, const WantedBlob& blob, BytesView encoded,
             const DeliverBlob& deliver);
  // `deliver` hears of everything that was added.
  Status flush(const DeliverBlob& deliver);
  // Forgets what was added, after an error.
  void clear() noexcept;

 private:
  struct Waiting {
    std::size_t number;
    Mac mac;
    BytesView plain;
  };

  // Above this a MAC takes its time anyway.
  static constexpr std::size_t small_size_max = 16 * 1024;
  static constexpr std::size_t arena_size = 256 * 1024;
  static constexpr std::size_t waiting_count_max = 64;

  BlobVerifier(Repository& repository, Repository::CodecLease codec);

  Repository* repository_;
  Repository::CodecLease codec_;
  Bytes arena_;
  std::size_t arena_used_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<BytesView> inputs_;
  std::vector<Mac> macs_;
};

// The longest that a blob can be once it is encoded: nothing grows by much.
std::uint64_t encoded_size_max(std::size_t plain_size_max) noexcept;

}  // namespace plakar::kloset
