// LZ4 frames piece by piece. Slower than lz4_decompress, and without the legacy format,
// which is Errc::unsupported here: for data too large to be held whole.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/stream_decoder.h"

struct LZ4F_dctx_s;

namespace plakar::codec {

// Works in up to 9 MiB: two blocks of the largest size. No input at all is the empty
// plaintext, as it is for lz4_decompress.
class Lz4Decoder final : public StreamDecoder {
 public:
  Lz4Decoder();

  Result<Progress> decode(BytesView in, std::span<std::byte> out) override;
  Status finish() override;
  void reset() override;

 private:
  struct FreeContext {
    void operator()(LZ4F_dctx_s* context) const noexcept;
  };

  std::unique_ptr<LZ4F_dctx_s, FreeContext> context_;
  bool between_frames_ = true;  // also before the first and after the last one
};

}  // namespace plakar::codec
