// A queue of at most `capacity` values in one block of memory, allocated once.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include "core/base/assert.h"

namespace plakar::flow::detail {

template <class T>
class Ring {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  Ring() = default;
  explicit Ring(std::size_t capacity)
      : slots_(std::allocator<T>().allocate(capacity)), capacity_(capacity) {}
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Ring() {
    while (size_ > 0) std::destroy_at(&front()), drop_front();
    if (slots_ != nullptr) std::allocator<T>().deallocate(slots_, capacity_);
  }

  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return capacity_ - size_; }

  void push(T&& value) noexcept {
    PLK_ASSERT(size_ < capacity_);
    std::size_t end = first_ + size_;
    if (end >= capacity_) end -= capacity_;
    std::construct_at(slots_ + end, std::move(value));
    ++size_;
  }

  // Precondition of both: not empty.
  T& front() noexcept { return slots_[first_]; }
  T pop() noexcept {
    PLK_ASSERT(size_ > 0);
    T value = std::move(front());
    std::destroy_at(&front());
    drop_front();
    return value;
  }

 private:
  void drop_front() noexcept {
    if (++first_ == capacity_) first_ = 0;
    --size_;
  }
  void swap(Ring& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(capacity_, other.capacity_);
    std::swap(first_, other.first_);
    std::swap(size_, other.size_);
  }

  T* slots_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace plakar::flow::detail
