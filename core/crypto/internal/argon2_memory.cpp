#include "core/crypto/internal/argon2_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <limits>
#include <string>
#include <utility>

#include "core/base/system_error.h"

namespace plakar::crypto::argon2 {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

Error refused(std::uint64_t blocks, int number) {
  const Error cause = system_error(number, "map " + std::to_string(blocks) + " KiB of memory");
  // Not out_of_space, which is about stores, and worth another try when others need less.
  return Error(Errc::unavailable, "Argon2id: " + cause.message());
}

}  // namespace

Result<Memory> Memory::map(std::uint64_t blocks) {
  if (blocks > (std::numeric_limits<std::size_t>::max() - huge_page) / block_size) {
    return refused(blocks, ENOMEM);
  }
  const std::size_t bytes = static_cast<std::size_t>(blocks) * block_size;
  // Huge pages start at multiples of their size; the surplus is never touched.
  const std::size_t slack = bytes < huge_page ? 0 : huge_page;
  void* const mapping =
      ::mmap(nullptr, bytes + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return refused(blocks, errno);

  // Advice: a kernel that does not take it is no reason to fail.
  if (slack != 0) ::madvise(mapping, bytes + slack, MADV_HUGEPAGE);
  ::madvise(mapping, bytes + slack, MADV_DONTDUMP);
  ::madvise(mapping, bytes + slack, MADV_DONTFORK);

  auto* start = static_cast<std::byte*>(mapping);
  if (slack != 0) {
    start += (huge_page - reinterpret_cast<std::uintptr_t>(start) % huge_page) % huge_page;
  }
  return Memory(mapping, bytes + slack, reinterpret_cast<Block*>(start));
}

Memory::Memory(Memory&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      blocks_(other.blocks_) {}

Memory::~Memory() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_bytes_);
}

}  // namespace plakar::crypto::argon2
