// Reads packfiles front to back, each byte once, and checks everything in them: the MAC that is
// their name, the MAC of their envelope, and every blob. While the threads of a pool decode and
// hash one piece the next is read, so that one packfile, however large, keeps them all busy.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/thread_pool.h"
#include "core/kloset/repository/blob_verifier.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/repository.h"

namespace plakar::kloset {

// Not thread-safe, but for the pool: one scan at a time.
class PackfileScanner {
 public:
  // How much is read with one request, unless one blob alone is larger.
  static constexpr std::uint64_t piece_size = 8u << 20;

  // Both outlive the scanner.
  PackfileScanner(Repository& repository, flow::ThreadPool& pool);
  ~PackfileScanner();

  struct Events {
    // A blob that decodes to what it is named after, or why not. Called from several threads at
    // once. Paddings are left out, which only the MAC of all guards.
    std::function<Status(const PackfileRecord& record, const Result<BytesView>& plain)> blob;
    // So many more bytes are done with.
    std::function<void(std::uint64_t bytes)> progress;
  };

  // `contents` is what read_packfile() found in it. Errc::corrupt when the packfile as a whole is
  // not what its name or its envelope says, whatever of it is; after the last blob.
  Status scan(const PackfileMac& mac, const PackfileContents& contents, const Events& events,
              const flow::CancelToken& cancel);

 private:
  class Pieces;
  struct Piece;

  Result<std::unique_ptr<BlobVerifier>> take_verifier();
  void give_back(std::unique_ptr<BlobVerifier> verifier);
  Status check_blobs(const Piece& piece, std::size_t first, std::size_t last, const Events& events);

  Repository& repository_;
  flow::ThreadPool& pool_;
  std::unique_ptr<Piece> current_;
  std::unique_ptr<Piece> next_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<BlobVerifier>> idle_;  // guarded by mutex_
};

}  // namespace plakar::kloset
