#include "core/codec/lz4_decoder.h"

#include <lz4frame.h>

#include <new>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/error.h"

namespace plakar::codec {
namespace {

// The values of the library's errors are not part of its interface; their names are.
Error decode_error(std::size_t result) {
  const std::string_view name = LZ4F_getErrorName(result);
  if (name == "ERROR_allocation_failed") throw std::bad_alloc();
  const bool is_other_format =
      name == "ERROR_frameType_unknown" || name == "ERROR_headerVersion_wrong";
  return Error(is_other_format ? Errc::unsupported : Errc::corrupt, "lz4: " + std::string(name));
}

}  // namespace

void Lz4Decoder::FreeContext::operator()(LZ4F_dctx_s* context) const noexcept {
  LZ4F_freeDecompressionContext(context);
}

Lz4Decoder::Lz4Decoder() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
    throw std::bad_alloc();
  }
  context_.reset(context);
}

Result<StreamDecoder::Progress> Lz4Decoder::decode(BytesView in, std::span<std::byte> out) {
  PLK_ASSERT(!out.empty());
  Progress progress;
  // Even without input: the library may hold back what did not fit into the last output.
  do {
    if (between_frames_ && progress.consumed == in.size()) break;
    const BytesView rest = in.subspan(progress.consumed);
    const std::span<std::byte> room = out.subspan(progress.produced);
    std::size_t consumed = rest.size();
    std::size_t produced = room.size();
    const std::size_t result =
        LZ4F_decompress(context_.get(), room.data(), &produced, rest.data(), &consumed, nullptr);
    if (LZ4F_isError(result)) return decode_error(result);
    between_frames_ = result == 0;
    progress.consumed += consumed;
    progress.produced += produced;
    if (consumed == 0 && produced == 0) break;
  } while (progress.consumed < in.size() && progress.produced < out.size());
  return progress;
}

Status Lz4Decoder::finish() {
  if (between_frames_) return {};
  return Error(Errc::corrupt, "lz4: unexpected end");
}

void Lz4Decoder::reset() {
  LZ4F_resetDecompressionContext(context_.get());
  between_frames_ = true;
}

}  // namespace plakar::codec
