#include "core/connectors/fs/internal/tree_walk.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

// These stay open, so that the way back to any level is not longer than that to the next open one.
constexpr std::size_t top_levels_open = TreeWalk::descriptor_count_max / 2;
constexpr std::size_t last_levels_open = TreeWalk::descriptor_count_max / 2;

}  // namespace

void TreeWalk::start(std::string path, FileIdentity identity) {
  path_ = path == "/" ? "" : path;
  names_.clear();
  next_name_ = 0;
  levels_.clear();
  Level above;  // of nothing but the directory to begin with
  above.path_size = path_.size();
  above.below.push_back({.name = std::move(path), .identity = identity});
  levels_.push_back(std::move(above));
}

bool TreeWalk::next(Item& item) {
  while (!levels_.empty()) {
    if (next_name_ < names_.size()) {
      if (take_entry(item)) return true;
      continue;
    }
    Level& level = levels_.back();
    if (level.next_below == level.below.size()) {
      levels_.pop_back();
      if (!levels_.empty()) path_.resize(levels_.back().path_size);
      continue;
    }
    Directory directory = std::move(level.below[level.next_below++]);
    std::string path = levels_.size() == 1
                           ? directory.name
                           : kloset::join(path_.empty() ? "/" : path_, directory.name);
    Status entered = enter(std::move(directory));
    if (entered) entered = list();
    // What was listed before it failed is still returned.
    if (!entered) {
      fail(item, std::move(path), std::move(entered).error());
      return true;
    }
  }
  return false;
}

// False if nobody wants it.
bool TreeWalk::take_entry(Item& item) {
  name_ = std::move(names_[next_name_++]);
  Level& level = levels_.back();
  std::string path;
  path.reserve(path_.size() + 1 + name_.size());
  path.append(path_).append("/").append(name_);
  item.stat = files_.stat({level.handle, name_});
  if (!wanted_(path, item.stat ? *item.stat : FileStat())) return false;
  if (item.stat && item.stat->type == FileType::directory && entered_(*item.stat)) {
    level.below.push_back({.name = name_, .identity = identity_of(*item.stat)});
  }
  item.path = std::move(path);
  item.directory = &level.handle;
  item.name = name_;
  return true;
}

void TreeWalk::fail(Item& item, std::string path, Error error) {
  item.path = std::move(path);
  item.stat = std::move(error);
  item.directory = nullptr;
}

Result<File> TreeWalk::open_child(const File* parent, const Directory& directory) const {
  File opened =
      parent == nullptr
          ? PLK_TRY(open_directory(files_, directory.name, false))
          : PLK_TRY(files_.open({*parent, directory.name}, {.follow = false, .directory = true}));
  const FileStat stat = PLK_TRY(opened.stat());
  if (identity_of(stat) != directory.identity) {
    return Error(Errc::conflict, "open " + escape(opened.name()) +
                                     ": it was replaced by another directory meanwhile");
  }
  return opened;
}

Status TreeWalk::enter(Directory directory) {
  names_.clear();
  next_name_ = 0;
  const std::size_t above = levels_.size() - 1;
  if (above > 0 && path_.size() + 1 + directory.name.size() > path_size_max) {
    return Error(Errc::invalid_argument,
                 "a path of more than " + std::to_string(path_size_max) + " bytes is not walked");
  }
  PLK_TRY(reopen(above));
  Level level;
  level.handle = PLK_TRY(open_child(above == 0 ? nullptr : &levels_[above].handle, directory));
  if (above > 0) path_.append("/").append(directory.name);
  level.path_size = path_.size();
  level.self = std::move(directory);
  levels_.push_back(std::move(level));
  if (levels_.size() > descriptor_count_max) {
    levels_[std::max(top_levels_open, levels_.size() - 1 - last_levels_open)].handle = File();
  }
  return {};
}

Status TreeWalk::reopen(std::size_t level) {
  if (level == 0 || levels_[level].handle) return {};
  std::size_t open = level;
  while (open > 0 && !levels_[open].handle) --open;
  File handle;
  for (std::size_t at = open + 1; at <= level; ++at) {
    const File* parent = at == 1 ? nullptr : handle ? &handle : &levels_[open].handle;
    handle = PLK_TRY(open_child(parent, levels_[at].self));
  }
  levels_[level].handle = std::move(handle);
  return {};
}

// As far as it can be read.
Status TreeWalk::list() {
  const File& directory = levels_.back().handle;
  auto more = directory.read_directory(batch_);
  for (; more && *more; more = directory.read_directory(batch_)) {
    for (const DirectoryEntry entry : batch_) names_.emplace_back(entry.name);
  }
  std::sort(names_.begin(), names_.end());
  if (!more) return std::move(more).error();
  return {};
}

}  // namespace plakar::connectors
