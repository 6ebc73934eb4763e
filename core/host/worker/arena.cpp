#include "core/host/worker/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <iterator>

#include "core/base/secret.h"
#include "core/base/system_error.h"

namespace plakar::host::worker {
namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// Pages of larger slots go back to the system: they are rare, and would stay for good.
constexpr std::uint64_t kept_bytes_max = std::uint64_t{4} * 1024 * 1024;

Result<Mapping> map(const Fd& descriptor, std::uint64_t size) {
  void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (base == MAP_FAILED) return system_error(errno, "map a worker's arena");
  return Mapping(static_cast<std::byte*>(base), size);
}

}  // namespace

Mapping::~Mapping() {
  if (base_ != nullptr) ::munmap(base_, size_);
}

std::optional<std::span<std::byte>> Mapping::at(const Extent& extent) const noexcept {
  if (extent.size == 0) return std::span<std::byte>();
  if (extent.offset > size_ || extent.size > size_ - extent.offset) return std::nullopt;
  return std::span(base_ + extent.offset, extent.size);
}

Result<Mapping> map_arena(const Fd& descriptor) {
  // Only what nobody can shrink: a page that is gone is SIGBUS.
  const int found = ::fcntl(descriptor.get(), F_GET_SEALS);
  if (found < 0 || (found & seals) != seals) {
    return Error(Errc::corrupt, "what came as a worker's arena is not sealed");
  }
  struct stat about{};
  if (::fstat(descriptor.get(), &about) != 0) return system_error(errno, "size of an arena");
  return map(descriptor, static_cast<std::uint64_t>(about.st_size));
}

Arena::Arena(Fd descriptor, Mapping mapping)
    : descriptor_(std::move(descriptor)), mapping_(std::move(mapping)) {
  free_.emplace(0, mapping_.size());
}

Result<std::unique_ptr<Arena>> Arena::create(std::uint64_t size) {
  size = (size + unit_bytes - 1) / unit_bytes * unit_bytes;
  Fd descriptor(::memfd_create("plakar-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!descriptor) return system_error(errno, "make a worker's arena");
  if (::ftruncate(descriptor.get(), static_cast<off_t>(size)) != 0 ||
      ::fcntl(descriptor.get(), F_ADD_SEALS, seals) != 0) {
    return system_error(errno, "make a worker's arena");
  }
  Mapping mapping = PLK_TRY(map(descriptor, size));
  return std::unique_ptr<Arena>(new Arena(std::move(descriptor), std::move(mapping)));
}

std::uint64_t Arena::used_bytes() const {
  const std::scoped_lock lock(mutex_);
  return used_bytes_;
}

std::optional<Extent> Arena::find_room(std::uint64_t size) {
  // The lowest that fits: few pages are then used again and again.
  for (auto at = free_.begin(); at != free_.end(); ++at) {
    if (at->second < size) continue;
    const Extent extent{at->first, size};
    const std::uint64_t left = at->second - size;
    free_.erase(at);
    if (left != 0) free_.emplace(extent.offset + size, left);
    used_bytes_ += size;
    return extent;
  }
  return std::nullopt;
}

Result<Arena::Slot> Arena::take(std::uint64_t size, std::chrono::milliseconds wait_max) {
  if (size > mapping_.size()) {
    return Error(Errc::out_of_space, "more at once than fits between host and worker");
  }
  const std::uint64_t whole = (size + unit_bytes - 1) / unit_bytes * unit_bytes;
  std::unique_lock lock(mutex_);
  std::optional<Extent> extent = find_room(whole);
  const auto deadline = std::chrono::steady_clock::now() + wait_max;
  while (!extent) {
    if (freed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      extent = find_room(whole);
      if (!extent) return Error(Errc::unavailable, "no room between host and worker became free");
      break;
    }
    extent = find_room(whole);
  }
  return Slot(*this, *extent, size);
}

void Arena::give_back(const Extent& extent, bool wipe_first) noexcept {
  if (const auto memory = mapping_.at(extent); wipe_first && memory) plakar::wipe(*memory);
  if (extent.size > kept_bytes_max) {
    ::fallocate(descriptor_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                static_cast<off_t>(extent.offset), static_cast<off_t>(extent.size));
  }
  const std::scoped_lock lock(mutex_);
  used_bytes_ -= extent.size;
  auto here = free_.emplace(extent.offset, extent.size).first;
  if (const auto next = std::next(here);
      next != free_.end() && here->first + here->second == next->first) {
    here->second += next->second;
    free_.erase(next);
  }
  if (here != free_.begin()) {
    const auto previous = std::prev(here);
    if (previous->first + previous->second == here->first) {
      previous->second += here->second;
      free_.erase(here);
    }
  }
  freed_.notify_all();
}

std::span<std::byte> Arena::Slot::memory() const noexcept {
  return arena_->mapping_.at({extent_.offset, size_}).value_or(std::span<std::byte>());
}

}  // namespace plakar::host::worker
