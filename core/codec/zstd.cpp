#include "core/codec/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <new>
#include <string>

#include "core/base/assert.h"
#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr int window_log_max = 25;  // 32 MiB: level 19 makes windows of 8

constexpr std::uint32_t frame_magic = 0xfd2fb528;
constexpr std::uint32_t first_old_magic = 0xfd2fb522;  // up to the one before `frame_magic`
constexpr std::uint32_t skippable_magic = 0x184d2a50;  // and the 15 after it
constexpr std::uint32_t skippable_mask = 0xfffffff0;
constexpr std::size_t header_size_max = 18;

Status check_magic(std::uint32_t magic) {
  if (magic == frame_magic || (magic & skippable_mask) == skippable_magic) return {};
  if (magic >= first_old_magic && magic < frame_magic) {
    return Error(Errc::unsupported, "zstd: a frame of an old format");
  }
  return Error(Errc::corrupt, "zstd: not a frame");
}

void check_set(std::size_t result) { PLK_ASSERT(!ZSTD_isError(result)); }

Error decode_error(std::size_t result) {
  const std::string message = std::string("zstd: ") + ZSTD_getErrorName(result);
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
      throw std::bad_alloc();
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_dictionary_wrong:
      return Error(Errc::unsupported, message);
    default:
      return Error(Errc::corrupt, message);
  }
}

}  // namespace

std::size_t zstd_compress_bound(std::size_t plain_size) noexcept {
  return ZSTD_compressBound(plain_size);
}

void ZstdCompressor::FreeContext::operator()(ZSTD_CCtx_s* context) const noexcept {
  ZSTD_freeCCtx(context);
}

ZstdCompressor::ZstdCompressor(int level) : context_(ZSTD_createCCtx()) {
  PLK_ASSERT(level >= 1 && level <= 19);
  if (context_ == nullptr) throw std::bad_alloc();
  check_set(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
  check_set(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
}

std::size_t ZstdCompressor::compress(BytesView plain, std::span<std::byte> out) {
  PLK_ASSERT(out.size() >= zstd_compress_bound(plain.size()));
  const std::size_t size =
      ZSTD_compress2(context_.get(), out.data(), out.size(), plain.data(), plain.size());
  if (ZSTD_getErrorCode(size) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  PLK_ASSERT(!ZSTD_isError(size));
  return size;
}

void ZstdDecoder::FreeContext::operator()(ZSTD_DCtx_s* context) const noexcept {
  ZSTD_freeDCtx(context);
}

ZstdDecoder::ZstdDecoder() : context_(ZSTD_createDCtx()) {
  if (context_ == nullptr) throw std::bad_alloc();
  check_set(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log_max));
}

// The library looks for the magic number of an old format at the start of whatever piece it is
// given when a header turns out bad. So it gets a header whole, or in pieces too short for
// that, and no magic number that we have not seen.
Result<BytesView> ZstdDecoder::next_offer(BytesView rest) {
  if (header_size_ >= header_size_max || rest.empty()) return rest;
  if (header_size_ == 0 && rest.size() >= header_size_max) {
    PLK_TRY(check_magic(load_le<std::uint32_t>(rest)));
    header_size_ = header_size_max;
    return rest;
  }
  if (header_size_ < sizeof magic_) {
    if (header_size_ == 0) magic_ = 0;
    magic_ |= static_cast<std::uint32_t>(rest[0]) << (8 * header_size_);
    if (header_size_ + 1 == sizeof magic_) PLK_TRY(check_magic(magic_));
  }
  ++header_size_;
  return rest.first(1);
}

Result<StreamDecoder::Progress> ZstdDecoder::decode(BytesView in, std::span<std::byte> out) {
  PLK_ASSERT(!out.empty());
  Progress progress;
  // Even without input: the library may hold back what did not fit into the last output.
  do {
    const BytesView offer = PLK_TRY(next_offer(in.subspan(progress.consumed)));
    if (header_size_ == 0) break;
    ZSTD_inBuffer source{offer.data(), offer.size(), 0};
    ZSTD_outBuffer target{out.data(), out.size(), progress.produced};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &target, &source);
    if (ZSTD_isError(result)) return decode_error(result);
    const bool is_stuck = source.pos == 0 && target.pos == progress.produced;
    progress.consumed += source.pos;
    progress.produced = target.pos;
    if (result == 0) {
      header_size_ = 0;
      has_frame_ = true;
    }
    if (is_stuck) break;
  } while (progress.consumed < in.size() && progress.produced < out.size());
  return progress;
}

Status ZstdDecoder::finish() {
  if (has_frame_ && header_size_ == 0) return {};
  return Error(Errc::corrupt, "zstd: unexpected end");
}

void ZstdDecoder::reset() {
  check_set(ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only));
  header_size_ = 0;
  has_frame_ = false;
}

Result<Bytes> zstd_decompress(BytesView stream, std::size_t plain_size_max) {
  ZstdDecoder decoder;
  return decode_all(decoder, stream, plain_size_max);
}

}  // namespace plakar::codec
