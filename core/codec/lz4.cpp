#include "core/codec/lz4.h"

#include <lz4.h>
#include <xxhash.h>

#include <algorithm>
#include <new>
#include <optional>
#include <string>

#include "core/base/assert.h"
#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr std::uint32_t frame_magic = 0x184d2204;
constexpr std::uint32_t legacy_magic = 0x184c2102;
constexpr std::uint32_t skippable_magic = 0x184d2a50;  // and the 15 after it
constexpr std::uint32_t skippable_mask = 0xfffffff0;

constexpr std::uint32_t stored_bit = 0x80000000;
constexpr std::size_t written_block_size = std::size_t{4} << 20;
constexpr std::size_t legacy_block_size = std::size_t{8} << 20;
constexpr std::size_t window_size = std::size_t{64} << 10;  // how far back a match reaches

// The two bytes of a descriptor: what we write, and what their bits mean.
constexpr std::uint8_t flag_version = 0x40;
constexpr std::uint8_t flag_version_mask = 0xc0;
constexpr std::uint8_t flag_independent = 0x20;
constexpr std::uint8_t flag_block_check = 0x10;
constexpr std::uint8_t flag_content_size = 0x08;
constexpr std::uint8_t flag_content_check = 0x04;
constexpr std::uint8_t flag_reserved = 0x02;
constexpr std::uint8_t flag_dictionary = 0x01;
constexpr std::byte written_flags{flag_version | flag_independent};
constexpr std::uint8_t block_size_4_mib = 0x70;
constexpr std::uint8_t block_size_reserved = 0x8f;

constexpr std::size_t header_size = 7;
constexpr std::size_t trailer_size = 4 + 4;  // end mark, content checksum

std::uint8_t header_check(BytesView descriptor) {
  return static_cast<std::uint8_t>(XXH32(descriptor.data(), descriptor.size(), 0) >> 8);
}

Error corrupt(std::string_view what) { return Error(Errc::corrupt, "lz4: " + std::string(what)); }

// Where the plaintext goes: a span that is there, or a vector that grows up to a limit.
class Output {
 public:
  explicit Output(std::span<std::byte> fixed) : data_(fixed), size_max_(fixed.size()) {}
  Output(Bytes& growing, std::size_t size_max) : growing_(&growing), size_max_(size_max) {}

  // Space behind what has been added: `wanted` bytes, or fewer at the limit. Moves what has
  // been added before.
  std::span<std::byte> room(std::size_t wanted) {
    const std::size_t size = std::min(wanted, size_max_ - used_);
    if (growing_ != nullptr && growing_->size() - used_ < size) {
      growing_->resize(used_ + size);
      data_ = *growing_;
    }
    return data_.subspan(used_, size);
  }
  void add(std::size_t size) { used_ += size; }

  std::size_t used() const { return used_; }
  BytesView since(std::size_t start) const { return data_.first(used_).subspan(start); }

 private:
  std::span<std::byte> data_;
  Bytes* growing_ = nullptr;
  std::size_t size_max_;
  std::size_t used_ = 0;
};

// Decodes the frames of an input one after the other.
class Decoder {
 public:
  Decoder(BytesView input, Output& out, Lz4Checksum content)
      : rest_(input), out_(out), verify_content_(content == Lz4Checksum::on) {}

  Status decode_all() {
    while (!rest_.empty()) {
      const std::uint32_t magic = PLK_TRY(take_u32());
      if (magic == frame_magic) {
        PLK_TRY(decode_frame());
      } else if (magic == legacy_magic) {
        PLK_TRY(decode_legacy_frame());
      } else if ((magic & skippable_mask) == skippable_magic) {
        const std::uint32_t size = PLK_TRY(take_u32());
        PLK_TRY(take(size));
      } else {
        return corrupt("not a frame");
      }
    }
    return {};
  }

 private:
  struct Header {
    bool independent = true;
    bool block_check = false;
    bool content_check = false;
    std::size_t block_size_max = 0;
    std::optional<std::uint64_t> content_size;
  };

  Result<BytesView> take(std::size_t size) {
    if (size > rest_.size()) return corrupt("unexpected end");
    const BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  Result<std::uint32_t> take_u32() { return load_le<std::uint32_t>(PLK_TRY(take(4))); }

  Result<Header> take_header() {
    const BytesView descriptor = rest_;
    const auto flags = static_cast<std::uint8_t>(PLK_TRY(take(1))[0]);
    const auto block_size = static_cast<std::uint8_t>(PLK_TRY(take(1))[0]);
    if ((flags & flag_version_mask) != flag_version) {
      return Error(Errc::unsupported, "lz4: a frame of another version");
    }
    if ((flags & flag_reserved) != 0 || (block_size & block_size_reserved) != 0) {
      return Error(Errc::unsupported, "lz4: a frame with unknown features");
    }
    const int block_size_code = block_size >> 4;
    if (block_size_code < 4) return corrupt("block size code below 4");

    Header header;
    header.independent = (flags & flag_independent) != 0;
    header.block_check = (flags & flag_block_check) != 0;
    header.content_check = (flags & flag_content_check) != 0;
    header.block_size_max = std::size_t{1} << (8 + 2 * block_size_code);  // 64 KiB to 4 MiB
    if ((flags & flag_content_size) != 0) {
      header.content_size = load_le<std::uint64_t>(PLK_TRY(take(8)));
    }
    if ((flags & flag_dictionary) != 0) PLK_TRY(take(4));
    const auto check = static_cast<std::uint8_t>(PLK_TRY(take(1))[0]);
    if (check != header_check(descriptor.first(descriptor.size() - rest_.size() - 1))) {
      return corrupt("wrong header checksum");
    }
    if ((flags & flag_dictionary) != 0) {
      return Error(Errc::unsupported, "lz4: a frame that needs a dictionary");
    }
    return header;
  }

  Status decode_frame() {
    const Header header = PLK_TRY(take_header());
    const std::size_t start = out_.used();
    while (const std::uint32_t field = PLK_TRY(take_u32())) {
      const std::size_t size = field & ~stored_bit;
      if (size > header.block_size_max) return corrupt("a block above the maximum of its frame");
      const BytesView block = PLK_TRY(take(size));
      if (header.block_check && PLK_TRY(take_u32()) != XXH32(block.data(), block.size(), 0)) {
        return corrupt("wrong block checksum");
      }
      if ((field & stored_bit) != 0) {
        PLK_TRY(copy_block(block));
      } else {
        // A linked block may refer to the end of what its frame has given so far.
        const std::size_t window =
            header.independent ? 0 : std::min(out_.used() - start, window_size);
        PLK_TRY(decode_block(block, header.block_size_max, window));
      }
    }
    const BytesView content = out_.since(start);
    if (header.content_size && *header.content_size != content.size()) {
      return corrupt("wrong content size");
    }
    if (header.content_check) {
      const std::uint32_t expected = PLK_TRY(take_u32());
      if (verify_content_ && XXH32(content.data(), content.size(), 0) != expected) {
        return corrupt("wrong content checksum");
      }
    }
    return {};
  }

  // Blocks without descriptor, to the end of the input or the magic number of another frame.
  Status decode_legacy_frame() {
    while (!rest_.empty()) {
      if (rest_.size() >= 4 && is_magic(load_le<std::uint32_t>(rest_))) return {};
      const std::uint32_t size = PLK_TRY(take_u32());
      if (size > LZ4_COMPRESSBOUND(legacy_block_size)) return corrupt("a block too large");
      const BytesView block = PLK_TRY(take(size));
      PLK_TRY(decode_block(block, legacy_block_size, 0));
    }
    return {};
  }

  static bool is_magic(std::uint32_t number) {
    return number == frame_magic || number == legacy_magic ||
           (number & skippable_mask) == skippable_magic;
  }

  Status copy_block(BytesView block) {
    const std::span<std::byte> room = out_.room(block.size());
    if (room.size() < block.size()) return corrupt("more plaintext than expected");
    std::copy(block.begin(), block.end(), room.begin());
    out_.add(block.size());
    return {};
  }

  Status decode_block(BytesView block, std::size_t size_max, std::size_t window) {
    // 255 bytes for one is the most that LZ4 can do.
    const std::span<std::byte> room = out_.room(std::min(size_max, 255 * block.size()));
    const auto* source = reinterpret_cast<const char*>(block.data());
    auto* target = reinterpret_cast<char*>(room.data());
    const int size = LZ4_decompress_safe_usingDict(source, target, static_cast<int>(block.size()),
                                                   static_cast<int>(room.size()), target - window,
                                                   static_cast<int>(window));
    if (size < 0) return corrupt("a malformed block, or more plaintext than expected");
    out_.add(static_cast<std::size_t>(size));
    return {};
  }

  BytesView rest_;
  Output& out_;
  bool verify_content_;
};

}  // namespace

std::size_t lz4_compress_bound(std::size_t plain_size) noexcept {
  const std::size_t blocks = (plain_size + written_block_size - 1) / written_block_size;
  return header_size + 4 * blocks + plain_size + trailer_size;
}

void Lz4Compressor::FreeState::operator()(void* state) const noexcept { ::operator delete(state); }

Lz4Compressor::Lz4Compressor(Lz4Checksum checksum)
    : state_(::operator new(static_cast<std::size_t>(LZ4_sizeofState()))), checksum_(checksum) {}

std::size_t Lz4Compressor::compress(BytesView plain, std::span<std::byte> out) {
  PLK_ASSERT(out.size() >= lz4_compress_bound(plain.size()));
  std::byte* at = out.data();
  const auto put_u32 = [&at](std::uint32_t value) {
    store_le(std::span(at, 4), value);
    at += 4;
  };

  const bool with_checksum = checksum_ == Lz4Checksum::on;
  put_u32(frame_magic);
  at[0] = with_checksum ? written_flags | std::byte{flag_content_check} : written_flags;
  at[1] = std::byte{block_size_4_mib};
  at[2] = std::byte{header_check(std::span(at, 2))};
  at += 3;

  for (BytesView rest = plain; !rest.empty();) {
    const BytesView block = rest.first(std::min(rest.size(), written_block_size));
    rest = rest.subspan(block.size());
    // A block that does not get smaller is stored. Less room than the worst case needs also
    // makes liblz4 give up on such data three times sooner.
    const auto size = static_cast<std::uint32_t>(LZ4_compress_fast_extState(
        state_.get(), reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(at + 4),
        static_cast<int>(block.size()), static_cast<int>(block.size() - 1), 1));
    if (size > 0) {
      put_u32(size);
      at += size;
    } else {
      put_u32(static_cast<std::uint32_t>(block.size()) | stored_bit);
      at = std::copy(block.begin(), block.end(), at);
    }
  }
  put_u32(0);
  if (with_checksum) put_u32(XXH32(plain.data(), plain.size(), 0));
  return static_cast<std::size_t>(at - out.data());
}

Result<std::size_t> lz4_decompress(BytesView frames, std::span<std::byte> out,
                                   Lz4Checksum content) {
  Output output(out);
  PLK_TRY(Decoder(frames, output, content).decode_all());
  return output.used();
}

Result<Bytes> lz4_decompress(BytesView frames, std::size_t plain_size_max, Lz4Checksum content) {
  Bytes plain;
  Output output(plain, plain_size_max);
  PLK_TRY(Decoder(frames, output, content).decode_all());
  plain.resize(output.used());
  return plain;
}

}  // namespace plakar::codec
