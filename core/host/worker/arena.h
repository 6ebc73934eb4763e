// Memory that host and worker both see: a memfd whose size is sealed, for what is too large for
// frames: contents, batches, configurations.
//
// The host alone decides who uses what: it takes a Slot for a call, writes into it, names it in
// the request, and gives it back when the call has returned. The worker only checks that what it
// is told to use lies within. Pages appear as they are touched, so that a large arena that is
// not used costs nothing.
//
// Whatever the host reads here the worker may change at the same time. So the host copies first
// and looks afterwards: nothing is parsed, hashed or compared where it lies.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/frame.h"

namespace plakar::host::worker {

// The memory itself. Not to be copied: it is unmapped by who mapped it.
class Mapping {
 public:
  Mapping() = default;
  Mapping(std::byte* base, std::uint64_t size) noexcept : base_(base), size_(size) {}
  Mapping(Mapping&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Mapping();

  std::uint64_t size() const noexcept { return size_; }
  // Nothing, if `extent` is not within; an extent of no bytes always is.
  std::optional<std::span<std::byte>> at(const Extent& extent) const noexcept;

 private:
  std::byte* base_ = nullptr;
  std::uint64_t size_ = 0;
};

// The worker's side: maps what the host sent. Errc::corrupt for what is no sealed arena.
Result<Mapping> map_arena(const Fd& descriptor);

// The host's side. Any thread may call.
class Arena {
 public:
  // What is allocated is a multiple of it.
  static constexpr std::uint64_t unit_bytes = 4096;

  class Slot;

  static Result<std::unique_ptr<Arena>> create(std::uint64_t size);

  const Fd& descriptor() const noexcept { return descriptor_; }
  std::uint64_t size() const noexcept { return mapping_.size(); }
  std::uint64_t used_bytes() const;

  // Waits until there is room, at most as long as said. Errc::out_of_space for more than the
  // arena has in all, Errc::unavailable when nothing became free.
  Result<Slot> take(std::uint64_t size, std::chrono::milliseconds wait_max);

 private:
  Arena(Fd descriptor, Mapping mapping);
  void give_back(const Extent& extent, bool wipe_first) noexcept;
  std::optional<Extent> find_room(std::uint64_t size);

  Fd descriptor_;
  Mapping mapping_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  std::map<std::uint64_t, std::uint64_t> free_;  // Offset to size; neighbours are joined.
  std::uint64_t used_bytes_ = 0;
};

// Part of an arena for one call: given back when it goes. The arena lives longer.
class Arena::Slot {
 public:
  Slot() = default;
  Slot(Arena& arena, Extent extent, std::uint64_t size) noexcept
      : arena_(&arena), extent_(extent), size_(size) {}
  Slot(Slot&& other) noexcept
      : arena_(std::exchange(other.arena_, nullptr)),
        extent_(other.extent_),
        size_(other.size_),
        secret_(other.secret_) {}
  Slot& operator=(Slot&& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(extent_, other.extent_);
    std::swap(size_, other.size_);
    std::swap(secret_, other.secret_);
    return *this;
  }
  ~Slot() {
    if (arena_ != nullptr) arena_->give_back(extent_, secret_);
  }

  explicit operator bool() const noexcept { return arena_ != nullptr; }
  std::uint64_t offset() const noexcept { return extent_.offset; }
  std::uint64_t size() const noexcept { return size_; }
  std::span<std::byte> memory() const noexcept;
  // What is in it is overwritten before anybody else gets the room.
  void holds_secrets() noexcept { secret_ = true; }

 private:
  Arena* arena_ = nullptr;
  Extent extent_;
  std::uint64_t size_ = 0;
  bool secret_ = false;
};

}  // namespace plakar::host::worker
