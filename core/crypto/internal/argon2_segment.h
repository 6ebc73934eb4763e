// A segment: a quarter of one lane in one pass, what one thread fills without looking at
// what others write meanwhile. This says which earlier block a new one refers to
// (RFC 9106, sections 3.4.1.2 and 3.4.2).
#pragma once

#include <cstdint>

#include "core/crypto/internal/argon2_block.h"

namespace plakar::crypto::argon2 {

inline constexpr std::uint32_t slices = 4;  // vertical quarters of the memory
inline constexpr std::uint32_t type_argon2id = 2;

struct Segment {
  Block* memory;
  std::uint32_t lanes;
  std::uint32_t lane_length;  // blocks, a multiple of `slices`
  std::uint32_t pass;
  std::uint32_t slice;
  std::uint32_t lane;

  std::uint32_t length() const noexcept { return lane_length / slices; }
  Block* lane_start(std::uint32_t of) const noexcept {
    return memory + std::size_t{of} * lane_length;
  }
  Block& block(std::uint32_t index) const noexcept {
    return lane_start(lane)[slice * length() + index];
  }

  // In the first half of the first pass the addresses do not depend on the passphrase.
  bool is_independent() const noexcept { return pass == 0 && slice < slices / 2; }

  // The block that the one at `index` of this segment refers to, given a pseudo-random word.
  // The candidates are a window of some lane, which may wrap around its end and in which
  // later blocks are likelier.
  const Block& reference(std::uint32_t index, std::uint64_t word) const noexcept {
    const bool first_segment = pass == 0 && slice == 0;
    std::uint32_t from = lane;
    if (lanes > 1 && !first_segment) from = static_cast<std::uint32_t>(word >> 32) % lanes;

    // Whole segments that are complete in every lane; of its own lane also what it has
    // written itself. Never the block just before, which is the other input.
    std::uint32_t size = pass == 0 ? slice * length() : lane_length - length();
    if (from == lane) {
      size += index - 1;
    } else if (index == 0) {
      --size;
    }
    const std::uint64_t j1 = word & 0xffffffff;
    const std::uint64_t back = size * (j1 * j1 >> 32) >> 32;
    const std::uint32_t start = pass == 0 ? 0 : (slice + 1) % slices * length();
    std::uint64_t at = start + (size - 1 - back);
    if (at >= lane_length) at -= lane_length;
    return lane_start(from)[at];
  }
};

inline void prefetch_to_read(const Block& block) noexcept {
  const auto* const bytes = reinterpret_cast<const char*>(&block);
  for (std::size_t line = 0; line < block_size; line += 64) __builtin_prefetch(bytes + line, 0);
}
inline void prefetch_to_write(const Block* block) noexcept {
  const auto* const bytes = reinterpret_cast<const char*>(block);
  for (std::size_t line = 0; line < block_size; line += 64) __builtin_prefetch(bytes + line, 1);
}

// Where a data-dependent block refers to follows from the first word of the block before it.
// The compression functions report that word as soon as they know it, while they still
// compute the rest: fetching blocks from memory is most of the time that Argon2 takes, and
// this much of it is hidden.
class Lookahead {
 public:
  Lookahead() = default;  // For addresses that do not depend on data.
  Lookahead(const Segment& segment, std::uint32_t index) noexcept
      : segment_(&segment), index_(index) {}

  void first_word(std::uint64_t word) noexcept {
    if (segment_ == nullptr) return;
    next_ = &segment_->reference(index_, word);
    prefetch_to_read(*next_);
  }

  // The reference block of the block at `index`; null before first_word().
  const Block* next() const noexcept { return next_; }

 private:
  const Segment* segment_ = nullptr;
  const Block* next_ = nullptr;
  std::uint32_t index_ = 0;
};

}  // namespace plakar::crypto::argon2
