#include "core/flow/memory_budget.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string>

#include "core/base/assert.h"
#include "core/base/system_error.h"

namespace plakar::flow {
namespace {

// Mapped one by one and not allocated: the tail of a mapping can be given back to the
// system, and what is given back leaves the process, which malloc does not promise.
Result<std::byte*> map_pages(std::size_t bytes) {
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) {
    return system_error(errno, "map " + std::to_string(bytes) + " bytes of memory");
  }
  return static_cast<std::byte*>(mapped);
}

void unmap_pages(std::span<std::byte> pages) noexcept {
  if (!pages.empty()) PLK_ASSERT(::munmap(pages.data(), pages.size()) == 0);
}

}  // namespace

void Reservation::shrink(std::size_t size) {
  PLK_ASSERT(size <= size_);
  if (size == size_) return;
  budget_->give_back(size_ - size);
  size_ = size;
}

Block::~Block() {
  if (data_ != nullptr) budget_->return_block({data_, rounded_up(size_)}, whole_);
}

void Block::shrink(std::size_t size) {
  PLK_ASSERT(size <= size_);
  const std::size_t had = rounded_up(size_);
  const std::size_t keeps = rounded_up(size);
  size_ = size;
  if (keeps == had) return;
  whole_ = false;
  budget_->return_block({data_ + keeps, had - keeps}, false);
  if (size == 0) data_ = nullptr;
}

Block Block::split(std::size_t at) {
  PLK_ASSERT(at <= size_ && at % alignment == 0);
  if (at == size_) return {};
  if (at == 0) return std::move(*this);
  Block rest(*budget_, data_ + at, size_ - at);
  size_ = at;
  whole_ = rest.whole_ = false;
  return rest;
}

MemoryBudget::MemoryBudget(std::size_t bytes) : total_(bytes) {
  // So that rounding up a size that passed the check against the total cannot wrap.
  PLK_ASSERT(bytes <= std::numeric_limits<std::size_t>::max() - Block::alignment);
}

MemoryBudget::~MemoryBudget() {
  PLK_ASSERT(used_ == 0 && line_.empty());
  for (const auto& [size, blocks] : kept_) {
    for (std::byte* block : blocks) unmap_pages({block, size});
  }
}

Result<Block> MemoryBudget::acquire(std::size_t size, const CancelToken& cancel) {
  if (size > total_) return too_large(size);
  return make_block(size, PLK_TRY(wait_for(Block::rounded_up(size), true, cancel)));
}

Result<Reservation> MemoryBudget::reserve(std::size_t size, const CancelToken& cancel) {
  if (size > total_) return too_large(size);
  const Grant granted = PLK_TRY(wait_for(size, false, cancel));
  for (const auto& pages : granted.evicted) unmap_pages(pages);
  return Reservation(*this, size);
}

std::optional<Block> MemoryBudget::try_acquire(std::size_t size) {
  if (size > total_) return std::nullopt;
  auto granted = try_for(Block::rounded_up(size), true);
  if (!granted) return std::nullopt;
  Result<Block> block = make_block(size, *std::move(granted));
  if (!block) return std::nullopt;
  return std::move(block).take();
}

std::optional<Reservation> MemoryBudget::try_reserve(std::size_t size) {
  if (size > total_) return std::nullopt;
  const auto granted = try_for(size, false);
  if (!granted) return std::nullopt;
  for (const auto& pages : granted->evicted) unmap_pages(pages);
  return Reservation(*this, size);
}

MemoryGauge MemoryBudget::gauge() const {
  const std::lock_guard lock(mutex_);
  return {.total = total_,
          .used = used_,
          .used_peak = used_peak_,
          .kept = kept_bytes_,
          .waiting = line_.size()};
}

Error MemoryBudget::too_large(std::size_t bytes) const {
  return Error(Errc::invalid_argument,
               std::to_string(bytes) + " bytes wanted of a budget of " + std::to_string(total_));
}

Result<MemoryBudget::Grant> MemoryBudget::wait_for(std::size_t bytes, bool block,
                                                   const CancelToken& cancel) {
  if (bytes > total_) return too_large(bytes);
  PLK_TRY(cancel.check());
  Grant granted;
  std::unique_lock lock(mutex_);
  const bool got =
      line_.wait(lock, cancel, [&] { return fits(bytes); }, [&] { granted = grant(bytes, block); });
  if (!got) return cancel.error();
  return granted;
}

std::optional<MemoryBudget::Grant> MemoryBudget::try_for(std::size_t bytes, bool block) {
  if (bytes > total_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!line_.empty() || !fits(bytes)) return std::nullopt;
  return grant(bytes, block);
}

MemoryBudget::Grant MemoryBudget::grant(std::size_t bytes, bool block) {
  Grant granted;
  used_ += bytes;
  used_peak_ = std::max(used_peak_, used_);
  if (block) granted.kept = take_kept(bytes);
  // The largest first: the fewest calls to the system.
  while (kept_bytes_ > total_ - used_) {
    const std::size_t size = std::prev(kept_.end())->first;
    granted.evicted.push_back({take_kept(size), size});
  }
  return granted;
}

std::byte* MemoryBudget::take_kept(std::size_t size) {
  const auto found = kept_.find(size);
  if (found == kept_.end()) return nullptr;
  std::byte* block = found->second.back();
  found->second.pop_back();
  if (found->second.empty()) kept_.erase(found);
  kept_bytes_ -= size;
  return block;
}

Result<Block> MemoryBudget::make_block(std::size_t size, Grant granted) {
  // Before anything new is mapped, or the process would exceed the budget for a moment.
  for (const auto& pages : granted.evicted) unmap_pages(pages);
  if (size == 0) return Block();
  if (granted.kept != nullptr) return Block(*this, granted.kept, size);
  Result<std::byte*> mapped = map_pages(Block::rounded_up(size));
  if (mapped) return Block(*this, *mapped, size);
  give_back(Block::rounded_up(size));
  return std::move(mapped).error();
}

void MemoryBudget::give_back(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  used_ -= bytes;
  line_.wake();
}

void MemoryBudget::return_block(std::span<std::byte> pages, bool keep) {
  if (!keep) unmap_pages(pages);
  const std::lock_guard lock(mutex_);
  used_ -= pages.size();
  if (keep) {
    kept_[pages.size()].push_back(pages.data());
    kept_bytes_ += pages.size();
  }
  line_.wake();
}

}  // namespace plakar::flow
