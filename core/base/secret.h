// Keys, passphrases and tokens: moved, never copied; wiped when they go; no way to print
// one by accident. Whoever needs the bytes says `reveal()`, which is easy to search for.
// Not thread-safe, like a vector.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"

namespace plakar {

// Overwrites memory in a way the compiler may not leave out.
void wipe(std::span<std::byte> memory) noexcept;

// Compares without telling by its duration where the first difference is. The lengths
// are not secret.
bool equal_constant_time(BytesView a, BytesView b) noexcept;

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size) : bytes_(size) {}
  explicit Secret(BytesView bytes) : bytes_(bytes.begin(), bytes.end()) {}
  explicit Secret(std::string_view text) : Secret(as_bytes(text)) {}
  Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) { other.bytes_.clear(); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(bytes_); }

  // A second owner is a decision: it is spelled out.
  Secret clone() const { return Secret(reveal()); }

  BytesView reveal() const noexcept { return bytes_; }
  std::string_view reveal_text() const noexcept { return as_text(bytes_); }
  // For the functions that produce a key in place.
  std::span<std::byte> writable() noexcept { return bytes_; }

  std::size_t size() const noexcept { return bytes_.size(); }
  bool empty() const noexcept { return bytes_.empty(); }

 private:
  std::vector<std::byte> bytes_;  // Never grows: a reallocation would leave a copy behind.
};

}  // namespace plakar
