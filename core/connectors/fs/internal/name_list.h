// Names of one directory, packed: a directory may have a million entries, of which nothing but the
// names is in memory until they are sorted.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace plakar::connectors {

// Views of names stay as they are when it is moved; what it was moved from is only assigned to.
class NameList {
 public:
  std::size_t size() const noexcept { return names_.size(); }
  bool empty() const noexcept { return names_.empty(); }
  std::string_view operator[](std::size_t at) const { return names_[at]; }

  // A name has no NUL.
  void add(std::string_view name) {
    const std::size_t size = name.size() + 1;
    if (size > left_) grow(size);
    char* const end = std::copy(name.begin(), name.end(), next_);
    *end = '\0';
    names_.push_back(next_);
    next_ += size;
    left_ -= size;
  }

  void sort() {
    std::sort(names_.begin(), names_.end(),
              [](const char* a, const char* b) { return std::strcmp(a, b) < 0; });
  }

 private:
  static constexpr std::size_t block_bytes_max = 64 * 1024;

  // In blocks that stay where they are: one that grew would be there twice while it does.
  void grow(std::size_t size) {
    block_bytes_ = std::min(block_bytes_max, block_bytes_ * 4);
    left_ = std::max(size, block_bytes_);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(left_));
    next_ = blocks_.back().get();
  }

  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_bytes_ = 128;   // of the last
  std::vector<const char*> names_;  // in the blocks, each with a NUL behind it
  char* next_ = nullptr;            // where the last block is free, and
  std::size_t left_ = 0;            // how much of it
};

}  // namespace plakar::connectors
