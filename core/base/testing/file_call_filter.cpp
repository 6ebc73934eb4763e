#include "core/base/testing/file_call_filter.h"

#include <algorithm>
#include <array>
#include <vector>

namespace plakar::testing {
namespace {

constexpr std::array<std::string_view, 37> call_names = {
    "open",           "close",
    "read",           "write",
    "read_at",        "write_at",
    "truncate",       "allocate",
    "copy_range",     "find_data",
    "find_hole",      "sync",
    "write_back",     "advise",
    "stat",           "set_mode",
    "set_owner",      "set_times",
    "list_xattrs",    "read_xattr",
    "write_xattr",    "remove_xattr",
    "rename",         "link",
    "remove_file",    "remove_directory",
    "make_directory", "make_symlink",
    "make_special",   "read_link",
    "read_directory", "lock",
    "space",          "map",
    "unmap",          "current_directory",
    "descriptor",
};
static_assert(call_names.size() == static_cast<std::size_t>(CallKind::descriptor) + 1);

std::uint64_t size_of(std::span<const BytesView> parts) {
  std::uint64_t total = 0;
  for (const BytesView part : parts) total += part.size();
  return total;
}

// The parts of the first `length` bytes.
std::vector<BytesView> shortened(std::span<const BytesView> parts, std::uint64_t length) {
  std::vector<BytesView> out;
  for (const BytesView part : parts) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), length));
    if (taken > 0) out.push_back(part.first(taken));
    length -= taken;
  }
  // One empty part is a call, too.
  if (out.empty()) out.emplace_back();
  return out;
}

}  // namespace

std::string_view name_of(CallKind kind) noexcept {
  return call_names[static_cast<std::size_t>(kind)];
}

bool changes_disk(CallKind kind) noexcept {
  switch (kind) {
    case CallKind::open:
    case CallKind::write:
    case CallKind::write_at:
    case CallKind::truncate:
    case CallKind::allocate:
    case CallKind::copy_range:
    case CallKind::sync:
    case CallKind::set_mode:
    case CallKind::set_owner:
    case CallKind::set_times:
    case CallKind::write_xattr:
    case CallKind::remove_xattr:
    case CallKind::rename:
    case CallKind::link:
    case CallKind::remove_file:
    case CallKind::remove_directory:
    case CallKind::make_directory:
    case CallKind::make_symlink:
    case CallKind::make_special:
      return true;
    case CallKind::close:
    case CallKind::read:
    case CallKind::read_at:
    case CallKind::find_data:
    case CallKind::find_hole:
    case CallKind::write_back:
    case CallKind::advise:
    case CallKind::stat:
    case CallKind::list_xattrs:
    case CallKind::read_xattr:
    case CallKind::read_link:
    case CallKind::read_directory:
    case CallKind::lock:
    case CallKind::space:
    case CallKind::map:
    case CallKind::unmap:
    case CallKind::current_directory:
    case CallKind::descriptor:
      return false;
  }
  return true;
}

std::string FileCall::describe() const {
  std::string out(name_of(kind));
  if (!path.empty()) out += " " + path;
  if (!other.empty()) out += " -> " + other;
  if (length > 0 || offset > 0) {
    out += " at " + std::to_string(offset) + ", " + std::to_string(length) + " bytes";
  }
  return out + " = " + std::to_string(result);
}

CallResult FileCallFilter::pass(FileCall call,
                                const std::function<CallResult(const FileCall&)>& next) {
  return around(call, [&] { return next(call); });
}

std::string FileCallFilter::path_of(CallPath at) const {
  if (at.directory == working_directory || at.path.starts_with('/')) return std::string(at.path);
  const std::scoped_lock lock(mutex_);
  const auto found = paths_.find(at.directory);
  std::string out = found == paths_.end() ? "?" : found->second;
  if (!at.path.empty()) {
    if (!out.ends_with('/')) out += '/';
    out += at.path;
  }
  return out;
}

FileCall FileCallFilter::on_file(CallKind kind, FileHandle file) const {
  return {.kind = kind, .path = path_of({file, {}}), .other = {}, .file = file};
}

FileCall FileCallFilter::on_path(CallKind kind, CallPath at) const {
  return {.kind = kind, .path = path_of(at), .other = {}, .file = at.directory};
}

CallResult FileCallFilter::open(CallPath at, const OpenOptions& options) {
  FileCall call = on_path(CallKind::open, at);
  std::string path = call.path;
  const CallResult result =
      pass(std::move(call), [&](const FileCall&) { return inner_->open(at, options); });
  if (result >= 0) {
    const std::scoped_lock lock(mutex_);
    paths_[static_cast<FileHandle>(result)] = std::move(path);
  }
  return result;
}

CallResult FileCallFilter::close(FileHandle file) {
  FileCall call = on_file(CallKind::close, file);
  {
    // Before it is closed: afterwards the number may be another file's.
    const std::scoped_lock lock(mutex_);
    paths_.erase(file);
  }
  return pass(std::move(call), [&](const FileCall&) { return inner_->close(file); });
}

CallResult FileCallFilter::read(FileHandle file, std::span<std::byte> out) {
  FileCall call = on_file(CallKind::read, file);
  call.length = out.size();
  return pass(std::move(call), [&](const FileCall& now) {
    return inner_->read(file, out.first(static_cast<std::size_t>(now.length)));
  });
}

CallResult FileCallFilter::write(FileHandle file, BytesView bytes) {
  FileCall call = on_file(CallKind::write, file);
  call.length = bytes.size();
  return pass(std::move(call), [&](const FileCall& now) {
    return inner_->write(file, bytes.first(static_cast<std::size_t>(now.length)));
  });
}

CallResult FileCallFilter::read_at(FileHandle file, std::uint64_t offset,
                                   std::span<std::byte> out) {
  FileCall call = on_file(CallKind::read_at, file);
  call.offset = offset;
  call.length = out.size();
  return pass(std::move(call), [&](const FileCall& now) {
    return inner_->read_at(file, offset, out.first(static_cast<std::size_t>(now.length)));
  });
}

CallResult FileCallFilter::write_at(FileHandle file, std::uint64_t offset,
                                    std::span<const BytesView> parts) {
  FileCall call = on_file(CallKind::write_at, file);
  call.offset = offset;
  call.length = size_of(parts);
  return pass(std::move(call), [&](const FileCall& now) {
    return inner_->write_at(file, offset, shortened(parts, now.length));
  });
}

CallResult FileCallFilter::truncate(FileHandle file, std::uint64_t size) {
  FileCall call = on_file(CallKind::truncate, file);
  call.offset = size;
  return pass(std::move(call), [&](const FileCall&) { return inner_->truncate(file, size); });
}

CallResult FileCallFilter::allocate(FileHandle file, Allocate how, std::uint64_t offset,
                                    std::uint64_t length) {
  FileCall call = on_file(CallKind::allocate, file);
  call.offset = offset;
  call.length = length;
  return pass(std::move(call),
              [&](const FileCall&) { return inner_->allocate(file, how, offset, length); });
}

CallResult FileCallFilter::copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                                      std::uint64_t to_offset, std::uint64_t length) {
  FileCall call = on_file(CallKind::copy_range, from);
  call.other = path_of({to, {}});
  call.offset = to_offset;
  call.length = length;
  return pass(std::move(call), [&](const FileCall& now) {
    return inner_->copy_range(from, from_offset, to, to_offset, now.length);
  });
}

CallResult FileCallFilter::find_data(FileHandle file, std::uint64_t from) {
  FileCall call = on_file(CallKind::find_data, file);
  call.offset = from;
  return pass(std::move(call), [&](const FileCall&) { return inner_->find_data(file, from); });
}

CallResult FileCallFilter::find_hole(FileHandle file, std::uint64_t from) {
  FileCall call = on_file(CallKind::find_hole, file);
  call.offset = from;
  return pass(std::move(call), [&](const FileCall&) { return inner_->find_hole(file, from); });
}

CallResult FileCallFilter::sync(FileHandle file, SyncScope scope) {
  FileCall call = on_file(CallKind::sync, file);
  call.scope = scope;
  return pass(std::move(call), [&](const FileCall&) { return inner_->sync(file, scope); });
}

CallResult FileCallFilter::write_back(FileHandle file, Writeback what, std::uint64_t offset,
                                      std::uint64_t length) {
  FileCall call = on_file(CallKind::write_back, file);
  call.offset = offset;
  call.length = length;
  return pass(std::move(call),
              [&](const FileCall&) { return inner_->write_back(file, what, offset, length); });
}

CallResult FileCallFilter::advise(FileHandle file, Advice advice, std::uint64_t offset,
                                  std::uint64_t length) {
  FileCall call = on_file(CallKind::advise, file);
  call.offset = offset;
  call.length = length;
  return pass(std::move(call),
              [&](const FileCall&) { return inner_->advise(file, advice, offset, length); });
}

CallResult FileCallFilter::stat(CallPath at, Follow follow, FileStat& out) {
  return pass(on_path(CallKind::stat, at),
              [&](const FileCall&) { return inner_->stat(at, follow, out); });
}

CallResult FileCallFilter::set_mode(CallPath at, std::uint32_t mode) {
  return pass(on_path(CallKind::set_mode, at),
              [&](const FileCall&) { return inner_->set_mode(at, mode); });
}

CallResult FileCallFilter::set_owner(CallPath at, FileOwner owner) {
  return pass(on_path(CallKind::set_owner, at),
              [&](const FileCall&) { return inner_->set_owner(at, owner); });
}

CallResult FileCallFilter::set_times(CallPath at, const FileTimes& times) {
  return pass(on_path(CallKind::set_times, at),
              [&](const FileCall&) { return inner_->set_times(at, times); });
}

CallResult FileCallFilter::list_xattrs(CallPath at, std::span<std::byte> out) {
  return pass(on_path(CallKind::list_xattrs, at),
              [&](const FileCall&) { return inner_->list_xattrs(at, out); });
}

CallResult FileCallFilter::read_xattr(CallPath at, std::string_view name,
                                      std::span<std::byte> out) {
  return pass(on_path(CallKind::read_xattr, at),
              [&](const FileCall&) { return inner_->read_xattr(at, name, out); });
}

CallResult FileCallFilter::write_xattr(CallPath at, std::string_view name, BytesView value) {
  return pass(on_path(CallKind::write_xattr, at),
              [&](const FileCall&) { return inner_->write_xattr(at, name, value); });
}

CallResult FileCallFilter::remove_xattr(CallPath at, std::string_view name) {
  return pass(on_path(CallKind::remove_xattr, at),
              [&](const FileCall&) { return inner_->remove_xattr(at, name); });
}

CallResult FileCallFilter::rename(CallPath from, CallPath to, Replace replace) {
  FileCall call = on_path(CallKind::rename, from);
  call.other = path_of(to);
  return pass(std::move(call), [&](const FileCall&) { return inner_->rename(from, to, replace); });
}

CallResult FileCallFilter::link(CallPath existing, CallPath name) {
  FileCall call = on_path(CallKind::link, existing);
  call.other = path_of(name);
  return pass(std::move(call), [&](const FileCall&) { return inner_->link(existing, name); });
}

CallResult FileCallFilter::remove_file(CallPath at) {
  return pass(on_path(CallKind::remove_file, at),
              [&](const FileCall&) { return inner_->remove_file(at); });
}

CallResult FileCallFilter::remove_directory(CallPath at) {
  return pass(on_path(CallKind::remove_directory, at),
              [&](const FileCall&) { return inner_->remove_directory(at); });
}

CallResult FileCallFilter::make_directory(CallPath at, std::uint32_t mode) {
  return pass(on_path(CallKind::make_directory, at),
              [&](const FileCall&) { return inner_->make_directory(at, mode); });
}

CallResult FileCallFilter::make_symlink(std::string_view target, CallPath at) {
  FileCall call = on_path(CallKind::make_symlink, at);
  call.other = target;
  return pass(std::move(call), [&](const FileCall&) { return inner_->make_symlink(target, at); });
}

CallResult FileCallFilter::make_special(CallPath at, FileType type, std::uint32_t mode,
                                        DeviceNumber device) {
  return pass(on_path(CallKind::make_special, at),
              [&](const FileCall&) { return inner_->make_special(at, type, mode, device); });
}

CallResult FileCallFilter::read_link(CallPath at, std::span<std::byte> out) {
  return pass(on_path(CallKind::read_link, at),
              [&](const FileCall&) { return inner_->read_link(at, out); });
}

CallResult FileCallFilter::read_directory(FileHandle directory, DirectoryBatch& batch) {
  return pass(on_file(CallKind::read_directory, directory),
              [&](const FileCall&) { return inner_->read_directory(directory, batch); });
}

CallResult FileCallFilter::lock(FileHandle file, LockMode mode, Wait wait) {
  return pass(on_file(CallKind::lock, file),
              [&](const FileCall&) { return inner_->lock(file, mode, wait); });
}

CallResult FileCallFilter::space(FileHandle file, FileSystemSpace& out) {
  return pass(on_file(CallKind::space, file),
              [&](const FileCall&) { return inner_->space(file, out); });
}

CallResult FileCallFilter::map(FileHandle file, std::uint64_t offset, std::size_t length,
                               BytesView& out) {
  FileCall call = on_file(CallKind::map, file);
  call.offset = offset;
  call.length = length;
  return pass(std::move(call),
              [&](const FileCall&) { return inner_->map(file, offset, length, out); });
}

CallResult FileCallFilter::unmap(BytesView mapped) {
  return pass({.kind = CallKind::unmap, .path = {}, .other = {}},
              [&](const FileCall&) { return inner_->unmap(mapped); });
}

CallResult FileCallFilter::current_directory(std::string& out) {
  return pass({.kind = CallKind::current_directory, .path = {}, .other = {}},
              [&](const FileCall&) { return inner_->current_directory(out); });
}

CallResult FileCallFilter::descriptor(FileHandle file) {
  return pass(on_file(CallKind::descriptor, file),
              [&](const FileCall&) { return inner_->descriptor(file); });
}

}  // namespace plakar::testing
