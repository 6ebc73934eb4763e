#include "core/kloset/tree/path.h"

#include <algorithm>

namespace plakar::kloset {

std::strong_ordering compare_paths(std::string_view a, std::string_view b) noexcept {
  const auto depth_a = std::count(a.begin(), a.end(), '/');
  const auto depth_b = std::count(b.begin(), b.end(), '/');
  if (depth_a != depth_b) return depth_a <=> depth_b;
  return a.compare(b) <=> 0;
}

bool is_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

bool is_clean_path(std::string_view path) noexcept {
  if (path == "/") return true;
  if (path.empty() || path[0] != '/') return false;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('/'));
    if (!is_name(name)) return false;
    path.remove_prefix(name.size());
  }
  return true;
}

std::string join(std::string_view parent, std::string_view name) {
  if (name == "/") return "/";
  std::string path(parent);
  if (path.empty() || path.back() != '/') path += '/';
  return path += name;
}

std::string_view parent_of(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) noexcept {
  return path == "/" ? path : path.substr(path.rfind('/') + 1);
}

bool is_within(std::string_view path, std::string_view directory) noexcept {
  if (directory == "/") return !path.empty() && path[0] == '/';
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace plakar::kloset
