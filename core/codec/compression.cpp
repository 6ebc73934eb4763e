#include "core/codec/compression.h"

#include <algorithm>
#include <string>
#include <variant>

#include "core/base/assert.h"
#include "core/base/error.h"
#include "core/codec/gzip.h"
#include "core/codec/lz4_decoder.h"
#include "core/codec/zstd.h"

namespace plakar::codec {
namespace {

// What a store without compression has for a compressor.
class Copier {
 public:
  std::size_t compress(BytesView plain, std::span<std::byte> out) {
    PLK_ASSERT(out.size() >= plain.size());
    std::copy(plain.begin(), plain.end(), out.begin());
    return plain.size();
  }
};

class CopyingDecoder final : public StreamDecoder {
 public:
  Result<Progress> decode(BytesView in, std::span<std::byte> out) override {
    const std::size_t size = std::min(in.size(), out.size());
    std::copy_n(in.begin(), size, out.begin());
    return Progress{size, size};
  }
  Status finish() override { return {}; }
  void reset() override {}
};

using AnyCompressor = std::variant<Copier, Lz4Compressor, GzipCompressor, ZstdCompressor>;

AnyCompressor make_compressor(Compression algorithm, const CompressionOptions& options) {
  const auto level = [&](int standard) { return options.level == 0 ? standard : options.level; };
  switch (algorithm) {
    case Compression::none:
      return Copier();
    case Compression::lz4:
      return Lz4Compressor(options.lz4_checksum);
    case Compression::gzip:
      return GzipCompressor(level(gzip_level_default));
    case Compression::zstd:
      return ZstdCompressor(level(zstd_level_default));
  }
  return Copier();
}

}  // namespace

std::string_view compression_name(Compression compression) noexcept {
  switch (compression) {
    case Compression::none:
      return "";
    case Compression::lz4:
      return "LZ4";
    case Compression::gzip:
      return "GZIP";
    case Compression::zstd:
      return "ZSTD";
  }
  return "";
}

Result<Compression> compression_from_name(std::string_view name) {
  for (Compression known : {Compression::lz4, Compression::gzip, Compression::zstd}) {
    if (name == compression_name(known)) return known;
  }
  return Error(Errc::unsupported, "unknown compression algorithm \"" + std::string(name) + "\"");
}

struct Compressor::State {
  Compression algorithm;
  AnyCompressor compressor;
};

Compressor::Compressor(Compression algorithm, CompressionOptions options)
    : state_(new State{algorithm, make_compressor(algorithm, options)}) {}
Compressor::~Compressor() = default;
Compressor::Compressor(Compressor&&) noexcept = default;
Compressor& Compressor::operator=(Compressor&&) noexcept = default;

std::size_t Compressor::bound(std::size_t plain_size) const noexcept {
  switch (state_->algorithm) {
    case Compression::none:
      return plain_size;
    case Compression::lz4:
      return lz4_compress_bound(plain_size);
    case Compression::gzip:
      return gzip_compress_bound(plain_size);
    case Compression::zstd:
      return zstd_compress_bound(plain_size);
  }
  return 0;
}

std::size_t Compressor::compress(BytesView plain, std::span<std::byte> out) {
  return std::visit([&](auto& compressor) { return compressor.compress(plain, out); },
                    state_->compressor);
}

// LZ4 frames are decoded whole by a function of their own, which is twice as fast.
Decompressor::Decompressor(Compression algorithm, Lz4Checksum lz4_checksum)
    : algorithm_(algorithm),
      lz4_checksum_(lz4_checksum),
      decoder_(algorithm == Compression::lz4 ? nullptr : make_stream_decoder(algorithm)) {}

Result<std::size_t> Decompressor::decompress(BytesView unit, std::span<std::byte> out) {
  if (algorithm_ == Compression::lz4) return lz4_decompress(unit, out, lz4_checksum_);
  decoder_->reset();
  return decode_into(*decoder_, unit, out);
}

Result<Bytes> Decompressor::decompress(BytesView unit, std::size_t plain_size_max) {
  if (algorithm_ == Compression::lz4) return lz4_decompress(unit, plain_size_max, lz4_checksum_);
  decoder_->reset();
  return decode_all(*decoder_, unit, plain_size_max);
}

std::unique_ptr<StreamDecoder> make_stream_decoder(Compression algorithm) {
  switch (algorithm) {
    case Compression::none:
      return std::make_unique<CopyingDecoder>();
    case Compression::lz4:
      return std::make_unique<Lz4Decoder>();
    case Compression::gzip:
      return std::make_unique<GzipDecoder>();
    case Compression::zstd:
      return std::make_unique<ZstdDecoder>();
  }
  return nullptr;
}

}  // namespace plakar::codec
