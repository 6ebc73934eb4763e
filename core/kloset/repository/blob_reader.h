// Reads many blobs at once, in the order in which they lie in packfiles: neighbours with one
// request, what is wanted twice once. A request for each blob costs a round trip where the store
// is far away, and a seek where it is a disk.
//
//   BlobReader reader = PLK_TRY(BlobReader::create(repository));
//   PLK_TRY(reader.read(wanted, [&](std::size_t number, Result<BytesView> plain) -> Status {
//     ...
//   }, cancel));
//
// Not thread-safe; one for each thread, which keeps its buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/blob_verifier.h"
#include "core/kloset/repository/repository.h"

namespace plakar::kloset {

class BlobReader {
 public:
  // How much is read with one request, unless one blob alone is larger.
  static constexpr std::uint64_t range_size_max = 8u << 20;
  // What lies between two blobs is read with them if it is not more than this.
  static constexpr std::uint64_t gap_size_max = 64u << 10;

  // `repository` outlives the reader.
  static Result<BlobReader> create(Repository& repository);

  // Delivers each of the wanted blobs once, by its place among them, in no particular order. One
  // that cannot be read where it was expected is read from where else it lies, as Repository::load
  // does, whose errors these are. The first error of `deliver` ends the reading and is returned.
  Status read(std::span<const WantedBlob> wanted, const DeliverBlob& deliver,
              const flow::CancelToken& cancel);

 private:
  // Where one wanted blob is.
  struct Place {
    std::size_t number;
    PackfileMac packfile;
    std::uint64_t offset;
    std::uint32_t length;
  };

  BlobReader(Repository& repository, BlobVerifier verifier)
      : repository_(&repository), verifier_(std::move(verifier)) {}

  // The places [first, last) lie in one packfile, near each other.
  Status read_range(std::span<const WantedBlob> wanted, std::size_t first, std::size_t last,
                    const DeliverBlob& deliver);
  Status load_alone(const WantedBlob& blob, std::size_t number, const DeliverBlob& deliver);

  Repository* repository_;
  BlobVerifier verifier_;
  std::vector<Place> places_;
  Bytes buffer_;
};

}  // namespace plakar::kloset
