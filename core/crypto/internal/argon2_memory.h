// The memory that Argon2 fills: a private anonymous mapping, in huge pages where the kernel
// has them, returned to the kernel as soon as the object goes.
//
// It is not overwritten before that: the kernel clears pages before anybody else sees them,
// and clearing 256 MiB first would add a tenth to a derivation. Until then it is kept out of
// core dumps and out of the children that other threads fork meanwhile.
//
// Not thread-safe; the blocks are plain memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/result.h"
#include "core/crypto/internal/argon2_block.h"

namespace plakar::crypto::argon2 {

class Memory {
 public:
  // Precondition: blocks > 0. Memory that the system refuses is Errc::unavailable.
  static Result<Memory> map(std::uint64_t blocks);

  Memory(Memory&& other) noexcept;
  Memory& operator=(Memory&&) = delete;
  ~Memory();

  Block* blocks() const noexcept { return blocks_; }  // all zero at first

 private:
  Memory(void* mapping, std::size_t mapped_bytes, Block* blocks) noexcept
      : mapping_(mapping), mapped_bytes_(mapped_bytes), blocks_(blocks) {}

  void* mapping_;
  std::size_t mapped_bytes_;
  Block* blocks_;
};

}  // namespace plakar::crypto::argon2
