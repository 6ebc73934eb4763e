#include "core/codec/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

#include "core/base/assert.h"
#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr int window_bits = 15 + 16;  // 32 KiB, with the header and trailer of gzip
constexpr int memory_level = 8;       // zlib's own default
constexpr std::size_t wrapper_size = 18;
constexpr int os_unknown = 255;

// zlib counts in 32 bits: longer spans take several calls.
uInt as_count(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

Bytef* as_output(std::byte* data) { return reinterpret_cast<Bytef*>(data); }

// zlib promises not to write to its input, but only in prose.
Bytef* as_input(BytesView bytes) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
}

}  // namespace

std::size_t gzip_compress_bound(std::size_t plain_size) noexcept {
  return compressBound(plain_size) + wrapper_size;
}

struct GzipCompressor::State {
  z_stream stream{};
  gz_header header{};
};

void GzipCompressor::FreeState::operator()(State* state) const noexcept {
  deflateEnd(&state->stream);
  delete state;
}

GzipCompressor::GzipCompressor(int level) : state_(new State) {
  PLK_ASSERT(level >= 1 && level <= 9);
  state_->header.os = os_unknown;
  const int result = deflateInit2(&state_->stream, level, Z_DEFLATED, window_bits, memory_level,
                                  Z_DEFAULT_STRATEGY);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  PLK_ASSERT(result == Z_OK);
}

std::size_t GzipCompressor::compress(BytesView plain, std::span<std::byte> out) {
  PLK_ASSERT(out.size() >= gzip_compress_bound(plain.size()));
  z_stream& stream = state_->stream;
  PLK_ASSERT(deflateReset(&stream) == Z_OK);
  PLK_ASSERT(deflateSetHeader(&stream, &state_->header) == Z_OK);

  std::size_t produced = 0;
  for (int result = Z_OK; result != Z_STREAM_END;) {
    stream.next_in = as_input(plain);
    stream.avail_in = as_count(plain.size());
    stream.next_out = as_output(out.data() + produced);
    stream.avail_out = as_count(out.size() - produced);
    const uInt offered = stream.avail_in;
    result = deflate(&stream, offered == plain.size() ? Z_FINISH : Z_NO_FLUSH);
    PLK_ASSERT(result == Z_OK || result == Z_STREAM_END);
    plain = plain.subspan(offered - stream.avail_in);
    produced = static_cast<std::size_t>(stream.next_out - as_output(out.data()));
  }
  return produced;
}

struct GzipDecoder::State {
  z_stream stream{};
};

void GzipDecoder::FreeState::operator()(State* state) const noexcept {
  inflateEnd(&state->stream);
  delete state;
}

GzipDecoder::GzipDecoder() : state_(new State) {
  const int result = inflateInit2(&state_->stream, window_bits);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  PLK_ASSERT(result == Z_OK);
}

Result<StreamDecoder::Progress> GzipDecoder::decode(BytesView in, std::span<std::byte> out) {
  PLK_ASSERT(!out.empty());
  z_stream& stream = state_->stream;
  Progress progress;
  // Even without input: zlib may hold back what did not fit into the last output.
  do {
    if (between_members_) {
      if (progress.consumed == in.size()) break;
      PLK_ASSERT(inflateReset(&stream) == Z_OK);
      between_members_ = false;
    }
    const BytesView rest = in.subspan(progress.consumed);
    const std::span<std::byte> room = out.subspan(progress.produced);
    stream.next_in = as_input(rest);
    stream.avail_in = as_count(rest.size());
    stream.next_out = as_output(room.data());
    stream.avail_out = as_count(room.size());
    const uInt offered = stream.avail_in;
    const uInt offered_room = stream.avail_out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    progress.consumed += offered - stream.avail_in;
    progress.produced += offered_room - stream.avail_out;

    if (result == Z_STREAM_END) {
      between_members_ = true;
    } else if (result == Z_BUF_ERROR) {
      break;  // Nothing left to do without more of either.
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK) {
      const char* reason = stream.msg != nullptr ? stream.msg : "malformed stream";
      return Error(Errc::corrupt, "gzip: " + std::string(reason));
    }
  } while (progress.consumed < in.size() && progress.produced < out.size());
  return progress;
}

Status GzipDecoder::finish() {
  if (between_members_) return {};
  return Error(Errc::corrupt, "gzip: unexpected end");
}

void GzipDecoder::reset() {
  PLK_ASSERT(inflateReset(&state_->stream) == Z_OK);
  between_members_ = false;
}

Result<Bytes> gzip_decompress(BytesView stream, std::size_t plain_size_max) {
  GzipDecoder decoder;
  return decode_all(decoder, stream, plain_size_max);
}

}  // namespace plakar::codec
