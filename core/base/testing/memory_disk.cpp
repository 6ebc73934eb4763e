#include "core/base/testing/memory_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/limits.h"
#include "core/base/testing/memory_node.h"

namespace plakar::testing {
namespace {

constexpr int symlinks_max = 40;
constexpr std::uint64_t direct_alignment = 512;
constexpr std::uint64_t file_bytes_max = std::uint64_t{1} << 44;  // As on ext4.

bool is_directory(const MemoryNode::Pointer& node) {
  return node != nullptr && node->type == FileType::directory;
}

bool is_aligned(std::uint64_t offset, BytesView memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  return (offset | address | memory.size()) % direct_alignment == 0;
}

bool can_read(const OpenOptions& options) {
  return options.access == Access::read || options.access == Access::read_write;
}

bool can_write(const OpenOptions& options) {
  return options.access == Access::write || options.access == Access::read_write ||
         options.access == Access::append;
}

bool is_within(const MemoryNode& ancestor, MemoryNode::Pointer node) {
  while (node != nullptr) {
    if (node.get() == &ancestor) return true;
    node = node->parent.lock();
  }
  return false;
}

// The components of a path, the first one last.
std::vector<std::string> reversed_components(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) out.emplace_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  std::reverse(out.begin(), out.end());
  return out;
}

CallResult copy_out(BytesView value, std::span<std::byte> out) {
  if (!out.empty()) {
    if (value.size() > out.size()) return -ERANGE;
    std::copy(value.begin(), value.end(), out.begin());
  }
  return static_cast<CallResult>(value.size());
}

// What a Linux file system stores for an ordinary user on a node of this type.
int check_xattr_name(const MemoryNode& node, std::string_view name) {
  if (name.starts_with("user.") && name.size() > 5) {
    const bool allowed = node.type == FileType::regular || node.type == FileType::directory;
    return allowed ? 0 : EPERM;
  }
  return name.starts_with("trusted.") || name.starts_with("security.") ? 0 : EOPNOTSUPP;
}

}  // namespace

MemoryDisk::MemoryDisk() : root_(make_node(FileType::directory, 0755)) {
  root_->durable_attributes = root_->attributes;
}

MemoryDisk::~MemoryDisk() = default;

std::unique_ptr<MemoryDisk> MemoryDisk::crash(const CrashOptions& options) const {
  const std::scoped_lock lock(mutex_);
  auto after = std::make_unique<MemoryDisk>();
  after->root_ = surviving_tree(root_, names_unsynced_, options);
  after->next_inode_ = next_inode_;
  after->ticks_ = ticks_;
  after->capacity_ = capacity_;
  return after;
}

void MemoryDisk::set_capacity(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_ = bytes;
}

void MemoryDisk::lose_unsynced(FileHandle file) {
  const std::scoped_lock lock(mutex_);
  const OpenFile* opened = find_open(file);
  if (opened == nullptr) return;
  opened->node->unsynced.clear();
  std::erase_if(names_unsynced_,
                [&](const NameChange& change) { return change.touches(*opened->node); });
}

std::size_t MemoryDisk::open_handles() const {
  const std::scoped_lock lock(mutex_);
  return open_.size();
}

// Paths.

MemoryDisk::OpenFile* MemoryDisk::find_open(FileHandle file) {
  const auto found = open_.find(file);
  return found == open_.end() ? nullptr : &found->second;
}

MemoryDisk::OpenFile* MemoryDisk::find_writable(FileHandle file) {
  OpenFile* const opened = find_open(file);
  return opened != nullptr && can_write(opened->options) ? opened : nullptr;
}

int MemoryDisk::resolve(CallPath at, Follow follow, Place& out) {
  if (at.path.empty()) return ENOENT;
  if (at.path.size() >= path_bytes_max) return ENAMETOOLONG;
  NodePointer node = root_;
  if (at.directory != working_directory && !at.path.starts_with('/')) {
    const OpenFile* const start = find_open(at.directory);
    if (start == nullptr) return EBADF;
    node = start->node;
  }
  std::vector<std::string> rest = reversed_components(at.path);
  out = {.parent = nullptr, .name = {}, .node = node, .must_be_directory = at.path.ends_with('/')};
  for (int symlinks = 0; !rest.empty();) {
    const std::string name = std::move(rest.back());
    rest.pop_back();
    const NodePointer directory = out.node;
    if (!is_directory(directory)) return directory == nullptr ? ENOENT : ENOTDIR;
    if (name.size() > name_bytes_max) return ENAMETOOLONG;
    if (name == "." || name == "..") {
      const NodePointer parent = directory->parent.lock();
      out.node = name == "." || parent == nullptr ? directory : parent;
      out.parent = nullptr;
      out.name.clear();
      continue;
    }
    const auto entry = directory->entries.find(name);
    out.parent = directory;
    out.name = name;
    out.node = entry == directory->entries.end() ? nullptr : entry->second;
    const bool is_last = rest.empty();
    if (out.node == nullptr || out.node->type != FileType::symlink) continue;
    if (is_last && follow == Follow::no && !out.must_be_directory) continue;
    if (++symlinks > symlinks_max) return ELOOP;
    const std::string& target = out.node->target;
    if (is_last && target.ends_with('/')) out.must_be_directory = true;
    for (std::string& component : reversed_components(target)) rest.push_back(std::move(component));
    out.node = target.starts_with('/') ? root_ : directory;
    out.parent = nullptr;
    out.name.clear();
  }
  if (out.must_be_directory && out.node != nullptr && !is_directory(out.node)) return ENOTDIR;
  return 0;
}

int MemoryDisk::resolve_new(CallPath at, Place& out) {
  if (const int error = resolve(at, Follow::no, out)) return error;
  if (out.node != nullptr) return EEXIST;
  // A removed directory can still be open, but nothing can be made in it.
  if (out.parent->links == 0 && out.parent != root_) return ENOENT;
  return 0;
}

int MemoryDisk::resolve_node(CallPath at, Follow follow, NodePointer& out) {
  if (at.path.empty()) {
    const OpenFile* const opened = find_open(at.directory);
    if (opened == nullptr) return EBADF;
    out = opened->node;
    return 0;
  }
  Place place;
  if (const int error = resolve(at, follow, place)) return error;
  if (place.node == nullptr) return ENOENT;
  out = place.node;
  return 0;
}

MemoryDisk::NodePointer MemoryDisk::make_node(FileType type, std::uint32_t mode) {
  auto node = std::make_shared<MemoryNode>();
  node->type = type;
  node->inode = next_inode_++;
  node->attributes.mode = mode;
  touch(*node);
  node->attributes.accessed = node->attributes.modified;
  // Were a name to survive without its attributes, these are what a new inode starts with.
  node->durable_attributes = node->attributes;
  return node;
}

void MemoryDisk::enter(const Place& place, const NodePointer& node) {
  change_names({.edits = {{place.parent, place.name, node}}});
}

void MemoryDisk::change_names(NameChange change) {
  for (const NameChange::Edit& edit : change.edits) {
    MemoryNode::Entries& entries = edit.directory->entries;
    if (const auto old = entries.find(edit.name); old != entries.end()) {
      --old->second->links;
      old->second->changed = tick();
    }
    apply(edit, entries);
    touch(*edit.directory);
    if (edit.node != nullptr) {
      ++edit.node->links;
      edit.node->changed = tick();
      if (is_directory(edit.node)) edit.node->parent = edit.directory;
    }
  }
  names_unsynced_.push_back(std::move(change));
}

// A time of its own for every change, so that "newer" can be tested.
UnixTime MemoryDisk::tick() {
  ++ticks_;
  return {1'768'373'132 + static_cast<std::int64_t>(ticks_ / 1'000'000'000),
          static_cast<std::uint32_t>(ticks_ % 1'000'000'000)};
}

void MemoryDisk::touch(MemoryNode& node) {
  node.changed = tick();
  node.attributes.modified = node.changed;
}

// Files.

CallResult MemoryDisk::open(CallPath at, const OpenOptions& options) {
  const std::scoped_lock lock(mutex_);
  const bool creates = options.create != Create::never && options.access != Access::path;
  const bool follows = options.follow && options.create != Create::always_new;
  Place place;
  if (const int error = resolve(at, follows ? Follow::yes : Follow::no, place)) return -error;
  if (creates && (place.must_be_directory || options.directory)) return -EISDIR;
  if (place.node == nullptr) {
    if (!creates) return -ENOENT;
    if (place.parent->links == 0 && place.parent != root_) return -ENOENT;
    place.node = make_node(FileType::regular, options.mode);
    enter(place, place.node);
  } else {
    if (creates && options.create == Create::always_new) return -EEXIST;
    const FileType type = place.node->type;
    if (type == FileType::symlink && options.access != Access::path) return -ELOOP;
    if (options.directory && type != FileType::directory) return -ENOTDIR;
    if (type == FileType::directory && (can_write(options) || creates)) return -EISDIR;
    if (type != FileType::regular && type != FileType::directory &&
        options.access != Access::path) {
      return -ENXIO;
    }
    if (options.create == Create::truncate && creates && place.node->content.size() > 0) {
      place.node->change({.kind = ContentChange::Kind::resize});
      touch(*place.node);
    }
  }
  const FileHandle handle = next_handle_++;
  open_.emplace(handle, OpenFile{.node = place.node, .options = options, .listing = {}});
  return handle;
}

CallResult MemoryDisk::close(FileHandle file) {
  const std::scoped_lock lock(mutex_);
  if (open_.erase(file) == 0) return -EBADF;
  unlocked_.notify_all();
  return 0;
}

CallResult MemoryDisk::read(FileHandle file, std::span<std::byte> out) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(file);
  if (opened == nullptr || !can_read(opened->options)) return -EBADF;
  if (is_directory(opened->node)) return -EISDIR;
  const std::size_t got = opened->node->content.read(opened->position, out);
  opened->position += got;
  return static_cast<CallResult>(got);
}

CallResult MemoryDisk::write(FileHandle file, BytesView bytes) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_writable(file);
  if (opened == nullptr) return -EBADF;
  const CallResult done = write_locked(*opened, opened->position, bytes);
  if (done > 0) {
    opened->position = opened->options.access == Access::append
                           ? opened->node->content.size()
                           : opened->position + static_cast<std::uint64_t>(done);
  }
  return done;
}

CallResult MemoryDisk::read_at(FileHandle file, std::uint64_t offset, std::span<std::byte> out) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(file);
  if (opened == nullptr || !can_read(opened->options)) return -EBADF;
  if (is_directory(opened->node)) return -EISDIR;
  if (offset > INT64_MAX) return -EINVAL;
  if (opened->options.direct && !is_aligned(offset, out)) return -EINVAL;
  return static_cast<CallResult>(opened->node->content.read(offset, out));
}

CallResult MemoryDisk::write_at(FileHandle file, std::uint64_t offset,
                                std::span<const BytesView> parts) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_writable(file);
  if (opened == nullptr) return -EBADF;
  Bytes joined;
  for (const BytesView part : parts.first(std::min<std::size_t>(parts.size(), 64))) {
    if (opened->options.direct && !is_aligned(offset, part)) return -EINVAL;
    append(joined, part);
  }
  return write_locked(*opened, offset, joined);
}

CallResult MemoryDisk::write_locked(OpenFile& file, std::uint64_t offset, BytesView bytes) {
  if (file.options.access == Access::append) offset = file.node->content.size();
  if (offset > INT64_MAX) return -EINVAL;
  if (bytes.empty()) return 0;
  if (offset >= file_bytes_max || bytes.size() > file_bytes_max - offset) return -EFBIG;
  const std::uint64_t length = fitting(*file.node, offset, bytes.size());
  if (length == 0) return -ENOSPC;
  file.node->change({.kind = ContentChange::Kind::write,
                     .offset = offset,
                     .bytes = to_bytes(bytes.first(static_cast<std::size_t>(length)))});
  touch(*file.node);
  return static_cast<CallResult>(length);
}

std::uint64_t MemoryDisk::free_bytes() const {
  std::uint64_t used = 0;
  const auto count = [&](const auto& self, const MemoryNode& directory) -> void {
    for (const auto& [name, child] : directory.entries) {
      used += child->content.allocated_bytes();
      self(self, *child);
    }
  };
  count(count, *root_);
  return capacity_ - std::min(capacity_, used);
}

// How much of a write there is room for: the rest is cut off, at the end of a page.
std::uint64_t MemoryDisk::fitting(const MemoryNode& node, std::uint64_t offset,
                                  std::uint64_t length) const {
  if (capacity_ == UINT64_MAX) return length;
  constexpr std::uint64_t page = SparseContent::page_bytes;
  const std::uint64_t free_pages = free_bytes() / page;
  const std::uint64_t missing = node.content.pages_missing(offset, length);
  if (missing <= free_pages) return length;
  std::uint64_t end = offset;
  for (std::uint64_t left = free_pages;; --left) {
    const std::uint64_t page_end = (end / page + 1) * page;
    if (node.content.pages_missing(end, 1) == 0) ++left;
    if (left == 0) return end - offset;
    end = page_end;
  }
}

CallResult MemoryDisk::truncate(FileHandle file, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_writable(file);
  if (opened == nullptr) return find_open(file) == nullptr ? -EBADF : -EINVAL;
  if (size > INT64_MAX) return -EINVAL;
  if (size > file_bytes_max) return -EFBIG;
  opened->node->change({.kind = ContentChange::Kind::resize, .offset = size});
  touch(*opened->node);
  return 0;
}

CallResult MemoryDisk::allocate(FileHandle file, Allocate how, std::uint64_t offset,
                                std::uint64_t length) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_writable(file);
  if (opened == nullptr) return -EBADF;
  if (length == 0 || offset > INT64_MAX || length > INT64_MAX) return -EINVAL;
  if (offset >= file_bytes_max || length > file_bytes_max - offset) return -EFBIG;
  MemoryNode& node = *opened->node;
  if (how != Allocate::punch_hole && fitting(node, offset, length) < length) return -ENOSPC;
  switch (how) {
    case Allocate::extend:
      if (offset + length > node.content.size()) {
        node.change({.kind = ContentChange::Kind::resize, .offset = offset + length});
      }
      break;
    case Allocate::keep_size:
      break;
    case Allocate::punch_hole:
      node.change({.kind = ContentChange::Kind::punch, .offset = offset, .length = length});
      break;
  }
  touch(node);
  return 0;
}

CallResult MemoryDisk::copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                                  std::uint64_t to_offset, std::uint64_t length) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const source = find_open(from);
  OpenFile* const target = find_writable(to);
  if (source == nullptr || target == nullptr || !can_read(source->options)) return -EBADF;
  if (target->options.access == Access::append) return -EBADF;
  if (is_directory(source->node)) return -EISDIR;
  const std::uint64_t size = source->node->content.size();
  length = std::min(length, size - std::min(size, from_offset));
  const bool overlap = source->node == target->node && from_offset < to_offset + length &&
                       to_offset < from_offset + length;
  if (overlap) return -EINVAL;
  Bytes bytes(static_cast<std::size_t>(std::min<std::uint64_t>(length, 1 << 20)));
  source->node->content.read(from_offset, bytes);
  return write_locked(*target, to_offset, bytes);
}

CallResult MemoryDisk::find_data(FileHandle file, std::uint64_t from) {
  const std::scoped_lock lock(mutex_);
  const OpenFile* const opened = find_open(file);
  if (opened == nullptr) return -EBADF;
  const auto found = opened->node->content.find_data(from);
  return found ? static_cast<CallResult>(*found) : -ENXIO;
}

CallResult MemoryDisk::find_hole(FileHandle file, std::uint64_t from) {
  const std::scoped_lock lock(mutex_);
  const OpenFile* const opened = find_open(file);
  if (opened == nullptr) return -EBADF;
  if (from >= opened->node->content.size()) return -ENXIO;
  return static_cast<CallResult>(opened->node->content.find_hole(from));
}

CallResult MemoryDisk::sync(FileHandle file, SyncScope scope) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(file);
  if (opened == nullptr || opened->options.access == Access::path) return -EBADF;
  const auto sync_node = [&](MemoryNode& node) {
    for (const ContentChange& change : node.unsynced) apply(change, node.durable_content);
    node.unsynced.clear();
    if (scope != SyncScope::data) node.durable_attributes = node.attributes;
  };
  const auto sync_names = [&](auto concerns) {
    for (const NameChange& change : names_unsynced_) {
      if (!concerns(change)) continue;
      for (const NameChange::Edit& edit : change.edits)
        apply(edit, edit.directory->durable_entries);
    }
    std::erase_if(names_unsynced_, concerns);
  };
  if (scope == SyncScope::file_system) {
    const auto visit = [&](const auto& self, MemoryNode& node) -> void {
      sync_node(node);
      for (const auto& [name, child] : node.entries) self(self, *child);
    };
    visit(visit, *root_);
    sync_names([](const NameChange&) { return true; });
  } else {
    sync_node(*opened->node);
    sync_names([&](const NameChange& change) { return change.touches(*opened->node); });
  }
  return 0;
}

CallResult MemoryDisk::write_back(FileHandle file, Writeback, std::uint64_t, std::uint64_t) {
  const std::scoped_lock lock(mutex_);
  return find_open(file) == nullptr ? -EBADF : 0;
}

CallResult MemoryDisk::advise(FileHandle file, Advice, std::uint64_t, std::uint64_t) {
  const std::scoped_lock lock(mutex_);
  return find_open(file) == nullptr ? -EBADF : 0;
}

// Metadata.

CallResult MemoryDisk::stat(CallPath at, Follow follow, FileStat& out) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, follow, node)) return -error;
  std::uint64_t links = node->links;
  std::uint64_t size = node->content.size();
  if (is_directory(node)) {
    links = links > 0 || node == root_ ? 2 : 0;
    for (const auto& [name, child] : node->entries) links += is_directory(child) ? 1 : 0;
    size = SparseContent::page_bytes;
  } else if (node->type == FileType::symlink) {
    size = node->target.size();
  }
  out = {.type = node->type,
         .mode = node->attributes.mode,
         .owner = node->attributes.owner,
         .size = size,
         .allocated_bytes = node->content.allocated_bytes(),
         .inode = node->inode,
         .link_count = links,
         .device = {0, 1},
         .special = node->special,
         .modified = node->attributes.modified,
         .changed = node->changed,
         .accessed = node->attributes.accessed};
  return 0;
}

CallResult MemoryDisk::set_mode(CallPath at, std::uint32_t mode) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  if (node->type == FileType::symlink) return -EOPNOTSUPP;
  node->attributes.mode = mode & 07777;
  node->changed = tick();
  return 0;
}

CallResult MemoryDisk::set_owner(CallPath at, FileOwner owner) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  node->attributes.owner = owner;
  // As Linux does: a set-id program given to somebody else is not set-id any more.
  if (node->type == FileType::regular) {
    std::uint32_t& mode = node->attributes.mode;
    mode &= ~04000u;
    if ((mode & 010) != 0) mode &= ~02000u;
  }
  node->changed = tick();
  return 0;
}

CallResult MemoryDisk::set_times(CallPath at, const FileTimes& times) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  if (times.accessed) node->attributes.accessed = *times.accessed;
  if (times.modified) node->attributes.modified = *times.modified;
  node->changed = tick();
  return 0;
}

CallResult MemoryDisk::list_xattrs(CallPath at, std::span<std::byte> out) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  Bytes list;
  for (const auto& [name, value] : node->attributes.xattrs) {
    append(list, as_bytes(name));
    list.push_back(std::byte{0});
  }
  return copy_out(list, out);
}

CallResult MemoryDisk::read_xattr(CallPath at, std::string_view name, std::span<std::byte> out) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  const auto found = node->attributes.xattrs.find(name);
  if (found == node->attributes.xattrs.end()) return -ENODATA;
  return copy_out(found->second, out);
}

CallResult MemoryDisk::write_xattr(CallPath at, std::string_view name, BytesView value) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  if (const int error = check_xattr_name(*node, name)) return -error;
  node->attributes.xattrs[std::string(name)] = to_bytes(value);
  node->changed = tick();
  return 0;
}

CallResult MemoryDisk::remove_xattr(CallPath at, std::string_view name) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  if (node->attributes.xattrs.erase(std::string(name)) == 0) return -ENODATA;
  node->changed = tick();
  return 0;
}

// Names.

CallResult MemoryDisk::rename(CallPath from, CallPath to, Replace replace) {
  const std::scoped_lock lock(mutex_);
  Place source;
  Place target;
  if (const int error = resolve(from, Follow::no, source)) return -error;
  if (const int error = resolve(to, Follow::no, target)) return -error;
  if (source.parent == nullptr || target.parent == nullptr) return -EBUSY;
  if (source.node == nullptr) return -ENOENT;
  if (target.node != nullptr && replace == Replace::no) return -EEXIST;
  if (is_directory(source.node)) {
    if (is_within(*source.node, target.parent)) return -EINVAL;
    if (target.node != nullptr && !is_directory(target.node)) return -ENOTDIR;
  } else {
    if (target.must_be_directory) return -ENOTDIR;
    if (is_directory(target.node)) return -EISDIR;
  }
  if (target.node == source.node) return 0;
  if (is_directory(target.node) && !target.node->entries.empty()) return -ENOTEMPTY;
  if (target.parent->links == 0 && target.parent != root_) return -ENOENT;
  change_names({.edits = {{source.parent, source.name, nullptr},
                          {target.parent, target.name, source.node}}});
  return 0;
}

CallResult MemoryDisk::link(CallPath existing, CallPath name) {
  const std::scoped_lock lock(mutex_);
  Place source;
  Place target;
  if (const int error = resolve(existing, Follow::no, source)) return -error;
  if (source.node == nullptr) return -ENOENT;
  if (const int error = resolve_new(name, target)) return -error;
  if (is_directory(source.node)) return -EPERM;
  if (target.must_be_directory) return -ENOENT;
  enter(target, source.node);
  return 0;
}

CallResult MemoryDisk::remove_file(CallPath at) {
  const std::scoped_lock lock(mutex_);
  Place place;
  if (const int error = resolve(at, Follow::no, place)) return -error;
  if (place.node == nullptr) return -ENOENT;
  if (is_directory(place.node)) return -EISDIR;
  enter(place, nullptr);
  return 0;
}

CallResult MemoryDisk::remove_directory(CallPath at) {
  const std::scoped_lock lock(mutex_);
  Place place;
  if (const int error = resolve(at, Follow::no, place)) return -error;
  if (place.node == nullptr) return -ENOENT;
  if (!is_directory(place.node)) return -ENOTDIR;
  if (place.parent == nullptr) return place.node == root_ ? -EBUSY : -EINVAL;
  if (!place.node->entries.empty()) return -ENOTEMPTY;
  enter(place, nullptr);
  return 0;
}

CallResult MemoryDisk::make_directory(CallPath at, std::uint32_t mode) {
  const std::scoped_lock lock(mutex_);
  Place place;
  if (const int error = resolve_new(at, place)) return -error;
  enter(place, make_node(FileType::directory, mode));
  return 0;
}

CallResult MemoryDisk::make_symlink(std::string_view target, CallPath at) {
  const std::scoped_lock lock(mutex_);
  Place place;
  if (target.empty()) return -ENOENT;
  if (target.size() >= path_bytes_max) return -ENAMETOOLONG;
  if (const int error = resolve_new(at, place)) return -error;
  if (place.must_be_directory) return -ENOENT;
  const NodePointer node = make_node(FileType::symlink, 0777);
  node->target = target;
  enter(place, node);
  return 0;
}

CallResult MemoryDisk::make_special(CallPath at, FileType type, std::uint32_t mode,
                                    DeviceNumber device) {
  const std::scoped_lock lock(mutex_);
  Place place;
  if (type == FileType::regular || type == FileType::directory || type == FileType::symlink ||
      type == FileType::unknown) {
    return -EINVAL;
  }
  if (const int error = resolve_new(at, place)) return -error;
  if (place.must_be_directory) return -ENOENT;
  const NodePointer node = make_node(type, mode);
  node->special = device;
  enter(place, node);
  return 0;
}

CallResult MemoryDisk::read_link(CallPath at, std::span<std::byte> out) {
  const std::scoped_lock lock(mutex_);
  NodePointer node;
  if (const int error = resolve_node(at, Follow::no, node)) return -error;
  if (node->type != FileType::symlink || out.empty()) return -EINVAL;
  const BytesView target = as_bytes(node->target);
  const std::size_t count = std::min(target.size(), out.size());
  std::copy_n(target.begin(), count, out.begin());
  return static_cast<CallResult>(count);
}

CallResult MemoryDisk::read_directory(FileHandle directory, DirectoryBatch& batch) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(directory);
  if (opened == nullptr || opened->options.access == Access::path) return -EBADF;
  if (!is_directory(opened->node)) return -ENOTDIR;
  if (!opened->listing) {
    // In the order of the names read backwards: nobody shall rely on a sorted one.
    opened->listing.emplace(opened->node->entries.begin(), opened->node->entries.end());
  }
  auto& rest = *opened->listing;
  std::size_t used = 0;
  while (!rest.empty()) {
    const auto& [name, node] = rest.back();
    const DirectoryEntry entry{.name = name, .type = node->type, .inode = node->inode};
    if (!append_directory_entry(batch.buffer(), used, entry)) {
      return used == 0 ? -EINVAL : static_cast<CallResult>(used);
    }
    rest.pop_back();
  }
  return static_cast<CallResult>(used);
}

// Locks and the rest.

bool MemoryDisk::lock_is_free(const OpenFile& asking, LockMode mode) const {
  return std::none_of(open_.begin(), open_.end(), [&](const auto& entry) {
    const OpenFile& other = entry.second;
    return &other != &asking && other.node == asking.node && other.lock != LockMode::unlock &&
           (mode == LockMode::exclusive || other.lock == LockMode::exclusive);
  });
}

CallResult MemoryDisk::lock(FileHandle file, LockMode mode, Wait wait) {
  std::unique_lock lock(mutex_);
  OpenFile* opened = find_open(file);
  if (opened == nullptr || opened->options.access == Access::path) return -EBADF;
  if (mode != LockMode::unlock) {
    // A change of mode gives the old lock up first, as flock() does.
    if (opened->lock != mode) {
      opened->lock = LockMode::unlock;
      unlocked_.notify_all();
    }
    while (!lock_is_free(*opened, mode)) {
      if (wait == Wait::no) return -EWOULDBLOCK;
      unlocked_.wait(lock);
      opened = find_open(file);
      if (opened == nullptr) return -EBADF;
    }
  }
  opened->lock = mode;
  unlocked_.notify_all();
  return 0;
}

CallResult MemoryDisk::space(FileHandle file, FileSystemSpace& out) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(file);
  if (opened == nullptr) return -EBADF;
  out = {.total_bytes = std::min(capacity_, file_bytes_max),
         .available_bytes = std::min(free_bytes(), file_bytes_max),
         .block_bytes = SparseContent::page_bytes,
         .type = 0x6d656d64};  // Nobody else's.
  return 0;
}

CallResult MemoryDisk::map(FileHandle file, std::uint64_t offset, std::size_t length,
                           BytesView& out) {
  const std::scoped_lock lock(mutex_);
  OpenFile* const opened = find_open(file);
  if (opened == nullptr) return -EBADF;
  if (!can_read(opened->options)) return -EACCES;
  if (is_directory(opened->node)) return -ENODEV;
  if (length == 0) return -EINVAL;
  // A copy: later writes do not show, which no user of a mapping may rely on.
  Bytes copy(length);
  opened->node->content.read(offset, copy);
  out = copy;
  mapped_.emplace(copy.data(), std::move(copy));
  return 0;
}

CallResult MemoryDisk::unmap(BytesView mapped) {
  const std::scoped_lock lock(mutex_);
  return mapped_.erase(mapped.data()) == 1 ? 0 : -EINVAL;
}

CallResult MemoryDisk::current_directory(std::string& out) {
  out = "/";
  return 0;
}

CallResult MemoryDisk::descriptor(FileHandle) { return -ENOTSUP; }

}  // namespace plakar::testing
