#include "core/crypto/internal/argon2_memory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/fd.h"
#include "tests/support/sanitizers.h"

namespace plakar::crypto::argon2 {

namespace {

bool is_mapped(const Block* page) {
  unsigned char resident = 0;
  return ::mincore(const_cast<Block*>(page), 1, &resident) == 0;
}

}  // namespace

TEST_SUITE("argon2 memory") {
  TEST_CASE("it is zero, and there to its last block, small or large") {
    for (const std::uint64_t blocks : std::array<std::uint64_t, 4>{8, 2047, 2048, 5000}) {
      const Memory memory = Memory::map(blocks).value();
      CHECK(reinterpret_cast<std::uintptr_t>(memory.blocks()) % alignof(Block) == 0);
      Block& last = memory.blocks()[blocks - 1];
      CHECK(last.tiles == Block{}.tiles);
      last.tiles.back() = 1;
      CHECK(last.tiles.back() == 1);
    }
  }

  TEST_CASE("it is gone with its owner, and not before") {
    const Block* blocks = nullptr;
    {
      Memory first = Memory::map(4096).value();
      blocks = first.blocks();
      const Memory second = std::move(first);
      CHECK(second.blocks() == blocks);
      CHECK(is_mapped(blocks));
    }
    CHECK_FALSE(is_mapped(blocks));
  }

#if !PLK_TSAN  // Its write() looks at the memory itself, before the kernel does.
  TEST_CASE("a child process does not have it") {
    constexpr std::uint64_t mark = 0x6b6c6f7365742121;
    const Memory memory = Memory::map(4096).value();
    memory.blocks()[0].tiles[0] = mark;
    std::array<int, 2> ends;
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const Fd from(ends[0]);
    Fd to(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      // The kernel looks, and does not mind if nothing is there. Something else may be: the
      // address is free.
      (void)!::write(to.get(), memory.blocks(), sizeof mark);
      ::_exit(0);
    }
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    to = Fd();
    std::uint64_t seen = 0;
    CHECK(::read(from.get(), &seen, sizeof seen) >= 0);
    CHECK(seen != mark);
  }
#endif

  TEST_CASE("more than there can be is an error that says how much") {
    for (const std::uint64_t blocks : {std::uint64_t{1} << 50, ~std::uint64_t{0}}) {
      const auto memory = Memory::map(blocks);
      REQUIRE_FALSE(memory);
      CHECK(memory.error().code() == Errc::unavailable);
      CHECK(memory.error().message() ==
            "Argon2id: map " + std::to_string(blocks) + " KiB of memory: Cannot allocate memory");
    }
  }
}

}  // namespace plakar::crypto::argon2
