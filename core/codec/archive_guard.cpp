#include "core/codec/archive_guard.h"

#include <algorithm>

#include "core/base/text.h"

namespace plakar::codec {

namespace {

// What remembering a name takes beside the name.
constexpr std::size_t name_overhead_bytes = 64;

Error refuse(std::string_view path, std::string_view why) {
  return Error(Errc::invalid_argument, "refused entry " + escape(path) + ": " + std::string(why));
}

// Removes the first component of `path`, with the slash behind it, and returns it.
std::string_view pop_component(std::string_view& path) {
  const std::string_view component = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(path.size(), component.size() + 1));
  return component;
}

}  // namespace

Result<std::string> ArchiveGuard::admit(const ArchiveEntry& entry) {
  if (!entry.warning.empty()) return refuse(entry.path, entry.warning);
  if (entries_ == limits_.max_entries) {
    return refuse(entry.path, "more than " + std::to_string(limits_.max_entries) + " entries");
  }
  ++entries_;
  std::string path = PLK_TRY(resolve(entry.path));

  Kind kind = Kind::file;
  switch (entry.type) {
    case ArchiveEntryType::directory:
      if (path.empty()) return path;
      kind = Kind::directory;
      break;
    case ArchiveEntryType::file:
      if (entry.size.value_or(0) > limits_.max_total_bytes - total_bytes_) {
        return refuse(entry.path, "the content of the archive is too large");
      }
      break;
    case ArchiveEntryType::symlink:
      PLK_TRY(check_symlink(path, entry.link_target));
      kind = Kind::symlink;
      break;
    case ArchiveEntryType::hard_link: {
      const auto target = kinds_.find(PLK_TRY(resolve(entry.link_target)));
      if (target == kinds_.end() || target->second != Kind::file) {
        return refuse(entry.path, "a hard link to something that is not an earlier file");
      }
      break;
    }
    case ArchiveEntryType::fifo:
    case ArchiveEntryType::character_device:
    case ArchiveEntryType::block_device:
    case ArchiveEntryType::socket:
      return refuse(entry.path, "a " + std::string(to_string(entry.type)));
  }
  if (path.empty()) return refuse(entry.path, "the name of the directory itself");

  const auto known = kinds_.find(path);
  if (known != kinds_.end()) {
    // Archives may list a directory after what is in it.
    if (kind != Kind::directory || known->second != Kind::implied_directory) {
      return refuse(entry.path, "the name occurs twice");
    }
    known->second = Kind::directory;
    return path;
  }
  PLK_TRY(admit_parents(path));
  PLK_TRY(remember(path, kind));
  return path;
}

Result<std::string> ArchiveGuard::resolve(std::string_view path) const {
  if (path.empty()) return refuse(path, "an empty name");
  if (path.front() == '/') return refuse(path, "an absolute name");
  if (path.size() > limits_.max_path_bytes) {
    return refuse(path.substr(0, 64),
                  "a name longer than " + std::to_string(limits_.max_path_bytes) + " bytes");
  }
  if (path.find('\0') != std::string_view::npos) return refuse(path, "a NUL in the name");

  std::string normal;
  std::size_t depth = 0;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::string_view component = pop_component(rest);
    if (component.empty() || component == ".") continue;
    if (component == "..") return refuse(path, "the name contains ..");
    if (component.size() > limits_.max_name_bytes) return refuse(path, "too long a component");
    if (++depth > limits_.max_path_depth) return refuse(path, "too many components");
    if (!normal.empty()) normal.push_back('/');
    normal.append(component);
  }
  return normal;
}

Status ArchiveGuard::count(std::uint64_t bytes) {
  if (bytes > limits_.max_total_bytes - total_bytes_) {
    return Error(Errc::invalid_argument, "the content of the archive is larger than " +
                                             std::to_string(limits_.max_total_bytes) + " bytes");
  }
  total_bytes_ += bytes;
  return {};
}

Status ArchiveGuard::remember(std::string path, Kind kind) {
  const std::size_t cost = path.size() + name_overhead_bytes;
  if (cost > limits_.max_names_bytes - names_bytes_) {
    return refuse(path, "the names of the archive are too long altogether");
  }
  names_bytes_ += cost;
  kinds_.emplace(std::move(path), kind);
  return {};
}

Status ArchiveGuard::admit_parents(std::string_view path) {
  for (auto slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    std::string parent(path.substr(0, slash));
    const auto known = kinds_.find(parent);
    if (known == kinds_.end()) {
      PLK_TRY(remember(std::move(parent), Kind::implied_directory));
    } else if (known->second == Kind::symlink) {
      return refuse(path, "it lies below a symlink");
    } else if (known->second == Kind::file) {
      return refuse(path, "it lies below a file");
    }
  }
  return {};
}

Status ArchiveGuard::check_symlink(std::string_view path, std::string_view target) const {
  if (target.empty()) return refuse(path, "a symlink to nothing");
  if (target.front() == '/') return refuse(path, "a symlink with an absolute target");
  if (target.size() > limits_.max_path_bytes) return refuse(path, "too long a symlink");
  if (target.find('\0') != std::string_view::npos) return refuse(path, "a NUL in the symlink");

  // The link's own parents are directories, so leading `..` go where they seem to.
  auto ups_left = std::count(path.begin(), path.end(), '/');
  bool named = false;
  while (!target.empty()) {
    const std::string_view component = pop_component(target);
    if (component.empty() || component == ".") continue;
    if (component != "..") {
      named = true;
    } else if (named) {
      return refuse(path, "a symlink with .. after a name");
    } else if (ups_left-- == 0) {
      return refuse(path, "a symlink that leads outside");
    }
  }
  return {};
}

}  // namespace plakar::codec
