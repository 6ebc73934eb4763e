// A fixed number of bytes, shared by everything that wants much memory at once: data blocks,
// packfile buffers, caches. Who wants more than is left waits until others give back, so the
// process stays within one number whatever the size of the backup.
//
//   MemoryBudget budget(48 << 20);
//   Block block = PLK_TRY(budget.acquire(1 << 20, cancel));        // page-aligned memory
//   Reservation cache = PLK_TRY(budget.reserve(8 << 20, cancel));  // bytes allocated elsewhere
//
// Requests are granted in the order of their coming, so a large one is not overtaken for
// ever. What is given back is kept for the next block of the same size, whose pages are
// then already there (a fresh page costs about as much as copying it); blocks kept count
// against the budget and are unmapped when something else needs their bytes.
//
// The deadlock to avoid: holding a block while waiting for another, when others do the same.
// Acquire all that an operation needs in one request and split it, or use try_acquire for
// what it can do without.
//
// Thread rule: every function of the budget may be called from any thread. A block or
// reservation belongs to one thread at a time and may be given back by any. The budget
// outlives them all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/internal/wait_line.h"

namespace plakar::flow {

class MemoryBudget;

// Bytes of a budget, without memory; given back by the destructor.
class [[nodiscard]] Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Reservation& operator=(Reservation&& other) noexcept {
    Reservation taken(std::move(other));
    std::swap(budget_, taken.budget_);
    std::swap(size_, taken.size_);
    return *this;  // what was held before is given back here
  }
  ~Reservation() { shrink(0); }

  std::size_t size() const noexcept { return size_; }
  // Gives back all but `size`. Precondition: size <= this->size().
  void shrink(std::size_t size);

 private:
  friend class MemoryBudget;
  Reservation(MemoryBudget& budget, std::size_t size) : budget_(&budget), size_(size) {}

  MemoryBudget* budget_ = nullptr;
  std::size_t size_ = 0;
};

// Memory of a budget: whole pages, aligned to a page, as O_DIRECT wants it. Its first content
// is whatever an earlier user left, or zeros; it is not wiped when given back, so secrets
// do not belong here. Given back by the destructor.
class [[nodiscard]] Block {
 public:
  static constexpr std::size_t alignment = 4096;

  Block() = default;
  Block(Block&& other) noexcept { swap(other); }
  Block& operator=(Block&& other) noexcept {
    Block taken(std::move(other));
    swap(taken);
    return *this;  // what was held before is given back here
  }
  ~Block();

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<std::byte> bytes() const noexcept { return {data_, size_}; }

  // What `size` bytes cost: whole pages.
  static constexpr std::size_t rounded_up(std::size_t size) noexcept {
    return (size + alignment - 1) / alignment * alignment;
  }

  // Gives back the whole pages after the first `size` bytes. Precondition: size <= size().
  void shrink(std::size_t size);

  // Keeps the first `at` bytes and returns the rest as a block of its own. Precondition: `at`
  // is a multiple of the alignment and not larger than size().
  Block split(std::size_t at);

 private:
  friend class MemoryBudget;
  Block(MemoryBudget& budget, std::byte* data, std::size_t size)
      : budget_(&budget), data_(data), size_(size) {}
  void swap(Block& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(whole_, other.whole_);
  }

  MemoryBudget* budget_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool whole_ = true;  // as acquired, so worth keeping for the next
};

struct MemoryGauge {
  std::size_t total = 0;
  std::size_t used = 0;  // blocks and reservations
  std::size_t used_peak = 0;
  std::size_t kept = 0;     // mapped, for the next block of that size; used + kept <= total
  std::size_t waiting = 0;  // requests
};

class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t bytes);
  // Precondition: everything has been given back.
  ~MemoryBudget();
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // A block of `size` bytes, waiting until there are so many. More than the whole budget is
  // Errc::invalid_argument at once; otherwise the errors of the token, and
  // Errc::unavailable if the system has no memory to map. Nothing is held after an error.
  Result<Block> acquire(std::size_t size, const CancelToken& cancel);
  Result<Reservation> reserve(std::size_t size, const CancelToken& cancel);

  // Without waiting; nothing if the bytes are not there or others are in line for them.
  std::optional<Block> try_acquire(std::size_t size);
  std::optional<Reservation> try_reserve(std::size_t size);

  MemoryGauge gauge() const;

 private:
  friend class Block;
  friend class Reservation;
  // What one request got: its bytes are counted as used, and if there was a kept block of
  // that size, this is it. `evicted` is to be unmapped once the mutex is released.
  struct Grant {
    std::byte* kept = nullptr;
    std::vector<std::span<std::byte>> evicted;
  };

  Error too_large(std::size_t bytes) const;
  Result<Grant> wait_for(std::size_t bytes, bool block, const CancelToken& cancel);
  std::optional<Grant> try_for(std::size_t bytes, bool block);
  Result<Block> make_block(std::size_t size, Grant grant);
  void give_back(std::size_t bytes);
  void return_block(std::span<std::byte> pages, bool keep);
  // With the mutex held.
  bool fits(std::size_t bytes) const noexcept { return bytes <= total_ - used_; }
  Grant grant(std::size_t bytes, bool block);
  std::byte* take_kept(std::size_t size);

  const std::size_t total_;
  mutable std::mutex mutex_;  // guards everything below
  std::size_t used_ = 0;
  std::size_t used_peak_ = 0;
  std::size_t kept_bytes_ = 0;
  std::map<std::size_t, std::vector<std::byte*>> kept_;  // by size
  detail::WaitLine line_;
};

}  // namespace plakar::flow
