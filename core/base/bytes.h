// Bytes in memory: owned as `Bytes`, passed as `BytesView`, and fixed-width integers in
// them. Everything on disk outside msgpack is little-endian; msgpack and AES key wrap are
// big-endian.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plakar {

using Bytes = std::vector<std::byte>;
using BytesView = std::span<const std::byte>;

inline BytesView as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// The same bytes as text, without a copy: valid as long as `bytes` is.
inline std::string_view as_text(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(BytesView bytes) { return Bytes(bytes.begin(), bytes.end()); }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
inline std::string to_text(BytesView bytes) { return std::string(as_text(bytes)); }

inline void append(Bytes& out, BytesView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

namespace detail {
template <std::unsigned_integral T>
constexpr T swap_if(T value, std::endian order) noexcept {
  if (order == std::endian::native) return value;
  T swapped = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    swapped = static_cast<T>(swapped << 8 | (value & 0xff));
    value = static_cast<T>(value >> 8);
  }
  return swapped;
}
}  // namespace detail

// Precondition of the four below: `at` has at least sizeof(T) bytes.
template <std::unsigned_integral T>
T load_le(BytesView at) noexcept {
  T value;
  std::memcpy(&value, at.data(), sizeof value);
  return detail::swap_if(value, std::endian::little);
}
template <std::unsigned_integral T>
T load_be(BytesView at) noexcept {
  T value;
  std::memcpy(&value, at.data(), sizeof value);
  return detail::swap_if(value, std::endian::big);
}
template <std::unsigned_integral T>
void store_le(std::span<std::byte> at, T value) noexcept {
  value = detail::swap_if(value, std::endian::little);
  std::memcpy(at.data(), &value, sizeof value);
}
template <std::unsigned_integral T>
void store_be(std::span<std::byte> at, T value) noexcept {
  value = detail::swap_if(value, std::endian::big);
  std::memcpy(at.data(), &value, sizeof value);
}

template <std::unsigned_integral T>
void append_le(Bytes& out, T value) {
  out.resize(out.size() + sizeof value);
  store_le(std::span(out).last(sizeof value), value);
}
template <std::unsigned_integral T>
void append_be(Bytes& out, T value) {
  out.resize(out.size() + sizeof value);
  store_be(std::span(out).last(sizeof value), value);
}

}  // namespace plakar
