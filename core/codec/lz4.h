// LZ4 frames: how stores compress unless they say otherwise.
//
//   frame := 184d2204:u32  flags:u8  block_size:u8  [content_size:u64]  header_check:u8
//            { size:u32  data  [check:u32] }  0:u32  [content_check:u32]
//
// All integers little-endian; a size with its high bit set is of data stored as it is. Written
// as the reference writes them: independent blocks of 4 MiB, no content size, a checksum
// (xxHash32) of the content. Read in every form that the format allows.
//
// The framing is ours, on the block functions of liblz4, because its own frame functions
// cost what they save: an older, slower xxHash, and a second copy of every output smaller
// than a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::codec {

// The content checksum lets any reader notice rot without a key. It takes a tenth of the
// time of compressing text, a third of decompressing it, and most of it when nothing can be
// compressed, so that whoever checks a MAC of the plaintext may do without.
enum class Lz4Checksum : std::uint8_t { on, off };

// The largest frame that `plain_size` bytes can become: a few bytes more than they are.
std::size_t lz4_compress_bound(std::size_t plain_size) noexcept;

// Owns the 16 KiB that compression works in, to be kept and used again. Each thread has its
// own.
class Lz4Compressor {
 public:
  explicit Lz4Compressor(Lz4Checksum checksum = Lz4Checksum::on);

  // Writes `plain` as one frame to the front of `out` and returns its size. Precondition:
  // `out` has lz4_compress_bound(plain.size()) bytes and does not overlap `plain`.
  std::size_t compress(BytesView plain, std::span<std::byte> out);

 private:
  struct FreeState {
    void operator()(void* state) const noexcept;
  };

  std::unique_ptr<void, FreeState> state_;
  Lz4Checksum checksum_;
};

// Decodes all of `frames` into `out` and returns the size of the plaintext. No input at all
// is the empty plaintext; frames behind each other are one plaintext; skippable frames are
// skipped; frames of the legacy format are read too. Checksums that are present are verified,
// except the one of the content with Lz4Checksum::off.
//
// Errc::corrupt: malformed, truncated, trailing bytes, a wrong checksum, or more plaintext
// than `out` holds; then `out` has undefined content. Errc::unsupported: a frame of a later
// version, or one that needs a dictionary.
Result<std::size_t> lz4_decompress(BytesView frames, std::span<std::byte> out,
                                   Lz4Checksum content = Lz4Checksum::on);

// The same into memory of its own, at most `plain_size_max` bytes. It clears memory before
// decoding into it: where speed matters, keep a buffer and use the function above.
Result<Bytes> lz4_decompress(BytesView frames, std::size_t plain_size_max,
                             Lz4Checksum content = Lz4Checksum::on);

}  // namespace plakar::codec
