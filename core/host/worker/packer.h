// Values as bytes, for frames and the arena: integers in the machine's order, text and octets
// behind their length, arrays behind their count.
//
// A struct is described once, for both directions, in messages.h:
//
//   template <class Codec> void fields(Codec& codec, Point& p) { codec(p.x); codec(p.y); }
//
// An Unpacker never reads outside its bytes and never allocates more than in proportion to
// them. It does not stop at a mistake: it gives zeros from then on, and `finish()` tells. Until
// then nothing it gave may be acted on. What it gives points into the bytes it was made of and
// into itself, and lives as long as both.
//
// Neither is thread-safe.
#pragma once

#include <plakar/connector.h>

#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::host::worker {

class Packer {
 public:
  static constexpr bool packs = true;

  template <class T>
    requires std::is_arithmetic_v<T>
  void operator()(const T& value) {
    raw(&value, sizeof value);
  }
  void operator()(const plk_str& text) { octets(text.ptr, text.len); }
  void operator()(const plk_bytes& bytes) { octets(bytes.ptr, bytes.len); }
  void operator()(const plk_time& time) {
    (*this)(time.seconds);
    (*this)(time.nanoseconds);
  }
  void text(std::string_view text) { octets(text.data(), text.size()); }
  void raw(const void* data, std::size_t size) {
    // An append without the zeroing of resize(): batches are built here.
    const auto* bytes = static_cast<const std::byte*>(data);
    if (size != 0) out_.insert(out_.end(), bytes, bytes + size);
  }

  std::size_t size() const noexcept { return out_.size(); }
  BytesView view() const noexcept { return out_; }
  // Takes back everything behind the first `size` bytes.
  void truncate(std::size_t size) { out_.resize(size); }
  // Overwrites an integer that was packed at `at`.
  void patch(std::size_t at, std::uint64_t value) {
    std::memcpy(out_.data() + at, &value, sizeof value);
  }
  void clear() noexcept { out_.clear(); }
  // For what held secrets.
  void wipe() noexcept;

 private:
  void octets(const void* data, std::uint64_t size) {
    (*this)(size);
    raw(data, size);
  }

  Bytes out_;
};

class Unpacker {
 public:
  static constexpr bool packs = false;

  explicit Unpacker(BytesView bytes) noexcept : rest_(bytes) {}
  Unpacker(Unpacker&&) = default;

  template <class T>
    requires std::is_arithmetic_v<T>
  void operator()(T& value) {
    const BytesView at = take(sizeof value);
    if (!failed_)
      std::memcpy(&value, at.data(), sizeof value);
    else
      value = T{};
  }
  void operator()(plk_str& text) {
    const BytesView at = octets();
    text = {reinterpret_cast<const char*>(at.data()), at.size()};
  }
  void operator()(plk_bytes& bytes) {
    const BytesView at = octets();
    bytes = {reinterpret_cast<const std::uint8_t*>(at.data()), at.size()};
  }
  void operator()(plk_time& time) {
    (*this)(time.seconds);
    (*this)(time.nanoseconds);
    time.reserved0 = 0;
  }
  template <class T>
  T value() {
    T value{};
    (*this)(value);
    return value;
  }
  std::string_view text() { return as_text(octets()); }

  // Room for `count` values, zeroed, that lives as long as this; null when `count` cannot be
  // true, because the bytes that are left could not hold so many of at least `packed_bytes_min`.
  template <class T>
    requires std::is_trivial_v<T>
  T* array(std::uint64_t count, std::size_t packed_bytes_min) {
    if (failed_ || count > rest_.size() / packed_bytes_min) {
      failed_ = true;
      return nullptr;
    }
    if (count == 0) return nullptr;
    // As 64-bit words, for the alignment.
    static_assert(alignof(T) <= alignof(std::uint64_t));
    const std::size_t words = (count * sizeof(T) + 7) / 8;
    storage_.push_back(std::make_unique<std::uint64_t[]>(words));
    return reinterpret_cast<T*>(storage_.back().get());
  }

  bool failed() const noexcept { return failed_; }
  void fail() noexcept { failed_ = true; }
  BytesView rest() const noexcept { return rest_; }
  // Errc::corrupt, unless everything was there, and nothing else.
  Status finish() const;

 private:
  BytesView take(std::uint64_t size) noexcept {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  BytesView octets() {
    std::uint64_t size = 0;
    (*this)(size);
    return take(size);
  }

  BytesView rest_;
  bool failed_ = false;
  std::vector<std::unique_ptr<std::uint64_t[]>> storage_;
};

}  // namespace plakar::host::worker
