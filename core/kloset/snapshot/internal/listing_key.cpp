#include "core/kloset/snapshot/internal/listing_key.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view slash("\0\1", 2);
constexpr std::string_view end_of_directory("\0\0", 2);

}  // namespace

std::string directory_key(std::string_view path) {
  std::string key;
  if (path == "/") return key;
  key.reserve(path.size() + 16);
  for (const char c : path) {
    if (c == '/') {
      key += slash;
    } else {
      key += c;
    }
  }
  return key;
}

std::string entry_key(std::string_view directory, std::string_view name) {
  return directory_key(directory).append(end_of_directory).append(name);
}

EntryKeyParts split_entry_key(std::string_view key) noexcept {
  const std::size_t end = key.find(end_of_directory);
  return {.directory = key.substr(0, end), .name = key.substr(end + end_of_directory.size())};
}

std::string directory_path(std::string_view key) {
  if (key.empty()) return "/";
  std::string path;
  path.reserve(key.size());
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] != '\0') {
      path += key[i];
      continue;
    }
    path += '/';
    ++i;
  }
  return path;
}

bool is_key_within(std::string_view key, std::string_view directory) noexcept {
  return key.starts_with(directory) &&
         (key.size() == directory.size() || key[directory.size()] == '\0');
}

}  // namespace plakar::kloset
