#include "core/base/file_system.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "core/base/limits.h"
#include "core/base/system_error.h"
#include "core/base/text.h"

namespace plakar {
namespace {

// One call may be asked for at most this much: the kernel's own limit.
constexpr std::uint64_t call_bytes_max = 0x7ffff000;
constexpr std::size_t gather_parts_max = 64;
// What the kernel allows for a list of names, and for a value.
constexpr std::size_t xattr_bytes_max = 64 * 1024;

template <class Call>
CallResult repeat_interrupted(Call call) {
  CallResult result = call();
  while (result == -EINTR) result = call();
  return result;
}

Error failed(CallResult result, std::string_view operation, std::string_view name) {
  return system_error(static_cast<int>(-result), operation, name);
}

Status checked(CallResult result, std::string_view operation, const At& at) {
  if (result < 0) return failed(result, operation, at.describe());
  return {};
}

Result<std::size_t> counted(CallResult result, std::string_view operation, std::string_view name) {
  if (result < 0) return failed(result, operation, name);
  return static_cast<std::size_t>(result);
}

// The kernel would see only what is before the NUL: another file than the one that was meant.
Status check_path(const At& at) {
  if (at.path().find('\0') != std::string_view::npos) {
    return system_error(EINVAL, "use the name", at.describe());
  }
  return {};
}

// Calls `ask(buffer)` with a small buffer, then with one that holds whatever the kernel has.
template <class Ask>
Result<Bytes> read_xattr_bytes(Ask ask, std::string_view operation, std::string_view name) {
  std::array<std::byte, 512> small;
  CallResult result = repeat_interrupted([&] { return ask(std::span<std::byte>(small)); });
  if (result >= 0) {
    return to_bytes(BytesView(small).first(static_cast<std::size_t>(result)));
  }
  if (result != -ERANGE) return failed(result, operation, name);
  Bytes large(xattr_bytes_max);
  result = repeat_interrupted([&] { return ask(std::span<std::byte>(large)); });
  if (result < 0) return failed(result, operation, name);
  large.resize(static_cast<std::size_t>(result));
  return large;
}

Result<std::vector<std::string>> list_xattrs_at(FileCalls& calls, CallPath at,
                                                const std::string& name) {
  const Bytes list =
      PLK_TRY(read_xattr_bytes([&](std::span<std::byte> out) { return calls.list_xattrs(at, out); },
                               "list the extended attributes of", name));
  std::vector<std::string> names;
  std::string_view rest = as_text(list);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

Result<Bytes> read_xattr_at(FileCalls& calls, CallPath at, std::string_view attribute,
                            const std::string& name) {
  return read_xattr_bytes(
      [&](std::span<std::byte> out) { return calls.read_xattr(at, attribute, out); },
      "read an extended attribute of", name);
}

}  // namespace

CallPath At::call_path() const noexcept {
  return {directory_ == nullptr ? working_directory : directory_->handle(), path_};
}

std::string At::describe() const {
  if (directory_ == nullptr || path_.starts_with('/')) return std::string(path_);
  std::string out = directory_->name();
  if (!path_.empty()) {
    if (!out.ends_with('/')) out += '/';
    out += path_;
  }
  return out;
}

Mapping::Mapping(Mapping&& other) noexcept
    : calls_(std::exchange(other.calls_, nullptr)), bytes_(std::exchange(other.bytes_, {})) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(calls_, other.calls_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Mapping::~Mapping() {
  if (calls_ != nullptr) calls_->unmap(bytes_);
}

File::File(File&& other) noexcept
    : calls_(other.calls_),
      handle_(std::exchange(other.handle_, -1)),
      name_(std::move(other.name_)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(calls_, other.calls_);
  std::swap(handle_, other.handle_);
  std::swap(name_, other.name_);
  return *this;
}

File::~File() {
  if (handle_ >= 0) calls_->close(handle_);
}

Status File::close() {
  const CallResult result = calls_->close(std::exchange(handle_, -1));
  // Linux has closed it then, too; repeating would close a stranger's.
  if (result == -EINTR) return {};
  return checked(result, "close", name_);
}

Result<std::size_t> File::read(std::span<std::byte> out) const {
  return counted(repeat_interrupted([&] { return calls_->read(handle_, out); }), "read", name_);
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  return counted(repeat_interrupted([&] { return calls_->read_at(handle_, offset, out); }), "read",
                 name_);
}

Result<std::size_t> File::read_up_to(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::size_t got = PLK_TRY(read_at(offset + done, out.subspan(done)));
    if (got == 0) break;
    done += got;
  }
  return done;
}

Status File::read_exactly(std::uint64_t offset, std::span<std::byte> out) const {
  const std::size_t got = PLK_TRY(read_up_to(offset, out));
  if (got < out.size()) {
    return Error(Errc::corrupt, "read " + escape(name_) + ": the file ends at " +
                                    std::to_string(offset + got) + ", before the " +
                                    std::to_string(out.size()) + " bytes at " +
                                    std::to_string(offset));
  }
  return {};
}

Status File::write(BytesView bytes) const {
  while (!bytes.empty()) {
    const std::size_t done = PLK_TRY(
        counted(repeat_interrupted([&] { return calls_->write(handle_, bytes); }), "write", name_));
    // Would be repeated for ever.
    if (done == 0) return system_error(EIO, "write", name_);
    bytes = bytes.subspan(done);
  }
  return {};
}

Status File::write_at(std::uint64_t offset, BytesView bytes) const {
  return write_at(offset, std::span(&bytes, 1));
}

Status File::write_at(std::uint64_t offset, std::span<const BytesView> parts) const {
  std::size_t begun = 0;  // How much of parts.front() is already written.
  while (!parts.empty()) {
    if (parts.front().size() == begun) {
      parts = parts.subspan(1);
      begun = 0;
      continue;
    }
    CallResult result;
    if (begun == 0) {
      result = repeat_interrupted([&] {
        return calls_->write_at(handle_, offset,
                                parts.first(std::min(parts.size(), gather_parts_max)));
      });
    } else {
      const BytesView rest = parts.front().subspan(begun);
      result = repeat_interrupted(
          [&] { return calls_->write_at(handle_, offset, std::span(&rest, 1)); });
    }
    std::size_t done = PLK_TRY(counted(result, "write", name_));
    if (done == 0) return system_error(EIO, "write", name_);
    offset += done;
    while (done > 0) {
      const std::size_t left = parts.front().size() - begun;
      if (done < left) {
        begun += done;
        break;
      }
      done -= left;
      parts = parts.subspan(1);
      begun = 0;
    }
  }
  return {};
}

Status File::truncate(std::uint64_t size) const {
  return checked(repeat_interrupted([&] { return calls_->truncate(handle_, size); }), "truncate",
                 name_);
}

Status File::allocate(Allocate how, Extent range) const {
  return checked(repeat_interrupted(
                     [&] { return calls_->allocate(handle_, how, range.offset, range.length); }),
                 "allocate space for", name_);
}

Result<std::uint64_t> File::copy_range(std::uint64_t to_offset, const File& from,
                                       Extent range) const {
  std::uint64_t done = 0;
  while (done < range.length) {
    const std::uint64_t length = std::min(range.length - done, call_bytes_max);
    const CallResult result = repeat_interrupted([&] {
      return calls_->copy_range(from.handle_, range.offset + done, handle_, to_offset + done,
                                length);
    });
    // Before anything is copied, -EINVAL is a file system's way to say that it cannot.
    if (result == -EINVAL && done == 0)
      return failed(-EOPNOTSUPP, "copy within the kernel to", name_);
    if (result < 0) return failed(result, "copy within the kernel to", name_);
    if (result == 0) break;
    done += static_cast<std::uint64_t>(result);
  }
  return done;
}

Result<std::optional<Extent>> File::find_data(std::uint64_t from) const {
  const CallResult begin = calls_->find_data(handle_, from);
  if (begin == -ENXIO) return std::optional<Extent>();
  if (begin < 0) return failed(begin, "find data in", name_);
  const auto offset = static_cast<std::uint64_t>(begin);
  const CallResult end = calls_->find_hole(handle_, offset);
  if (end < 0) return failed(end, "find a hole in", name_);
  return std::optional(Extent{offset, static_cast<std::uint64_t>(end) - offset});
}

Status File::sync(SyncScope scope) const {
  // Not repeated when interrupted: whether the first attempt lost something is unknown.
  return checked(calls_->sync(handle_, scope), "sync", name_);
}

void File::write_back(Writeback what, Extent range) const noexcept {
  calls_->write_back(handle_, what, range.offset, range.length);
}

void File::advise(Advice advice, Extent range) const noexcept {
  calls_->advise(handle_, advice, range.offset, range.length);
}

Result<FileStat> File::stat() const {
  FileStat out;
  const CallResult result =
      repeat_interrupted([&] { return calls_->stat({handle_, {}}, Follow::no, out); });
  if (result < 0) return failed(result, "examine", name_);
  return out;
}

Status File::set_mode(std::uint32_t mode) const {
  return checked(calls_->set_mode({handle_, {}}, mode), "change the mode of", name_);
}

Status File::set_owner(FileOwner owner) const {
  return checked(calls_->set_owner({handle_, {}}, owner), "change the owner of", name_);
}

Status File::set_times(const FileTimes& times) const {
  return checked(calls_->set_times({handle_, {}}, times), "change the times of", name_);
}

Result<std::vector<std::string>> File::list_xattrs() const {
  return list_xattrs_at(*calls_, {handle_, {}}, name_);
}

Result<Bytes> File::read_xattr(std::string_view name) const {
  return read_xattr_at(*calls_, {handle_, {}}, name, name_);
}

Status File::write_xattr(std::string_view name, BytesView value) const {
  return checked(calls_->write_xattr({handle_, {}}, name, value), "write an extended attribute of",
                 name_);
}

Result<bool> File::read_directory(DirectoryBatch& batch) const {
  batch.set_used(0);
  const CallResult result =
      repeat_interrupted([&] { return calls_->read_directory(handle_, batch); });
  if (result < 0) return failed(result, "list", name_);
  batch.set_used(static_cast<std::size_t>(result));
  return result > 0;
}

Status File::lock(LockMode mode, Wait wait) const {
  const CallResult result = repeat_interrupted([&] { return calls_->lock(handle_, mode, wait); });
  if (result == -EWOULDBLOCK) {
    return Error(Errc::conflict, "lock " + escape(name_) + ": somebody else holds the lock");
  }
  return checked(result, "lock", name_);
}

Result<FileSystemSpace> File::space() const {
  FileSystemSpace out;
  const CallResult result = repeat_interrupted([&] { return calls_->space(handle_, out); });
  if (result < 0) return failed(result, "examine the file system of", name_);
  return out;
}

Result<Mapping> File::map(Extent range) const {
  if (range.length > std::numeric_limits<std::size_t>::max()) {
    return failed(-ENOMEM, "map", name_);
  }
  BytesView out;
  const CallResult result =
      calls_->map(handle_, range.offset, static_cast<std::size_t>(range.length), out);
  if (result < 0) return failed(result, "map", name_);
  return Mapping(*calls_, out);
}

Result<int> File::descriptor() const {
  const CallResult result = calls_->descriptor(handle_);
  if (result < 0) return failed(result, "use the descriptor of", name_);
  return static_cast<int>(result);
}

Result<File> FileSystem::open(At at, const OpenOptions& options) const {
  PLK_TRY(check_path(at));
  const CallResult result =
      repeat_interrupted([&] { return calls_->open(at.call_path(), options); });
  if (result == -EINVAL && options.direct) return failed(-EOPNOTSUPP, "open", at.describe());
  if (result < 0) return failed(result, "open", at.describe());
  return File(*calls_, static_cast<FileHandle>(result), at.describe());
}

Result<FileStat> FileSystem::stat(At at, Follow follow) const {
  PLK_TRY(check_path(at));
  FileStat out;
  const CallResult result =
      repeat_interrupted([&] { return calls_->stat(at.call_path(), follow, out); });
  if (result < 0) return failed(result, "examine", at.describe());
  return out;
}

Result<std::optional<FileStat>> FileSystem::find(At at, Follow follow) const {
  PLK_TRY(check_path(at));
  FileStat out;
  const CallResult result =
      repeat_interrupted([&] { return calls_->stat(at.call_path(), follow, out); });
  if (result == -ENOENT) return std::optional<FileStat>();
  if (result < 0) return failed(result, "examine", at.describe());
  return std::optional(out);
}

Status FileSystem::set_mode(At at, std::uint32_t mode) const {
  PLK_TRY(check_path(at));
  return checked(calls_->set_mode(at.call_path(), mode), "change the mode of", at);
}

Status FileSystem::set_owner(At at, FileOwner owner) const {
  PLK_TRY(check_path(at));
  return checked(calls_->set_owner(at.call_path(), owner), "change the owner of", at);
}

Status FileSystem::set_times(At at, const FileTimes& times) const {
  PLK_TRY(check_path(at));
  return checked(calls_->set_times(at.call_path(), times), "change the times of", at);
}

Result<std::vector<std::string>> FileSystem::list_xattrs(At at) const {
  PLK_TRY(check_path(at));
  return list_xattrs_at(*calls_, at.call_path(), at.describe());
}

Result<Bytes> FileSystem::read_xattr(At at, std::string_view name) const {
  PLK_TRY(check_path(at));
  return read_xattr_at(*calls_, at.call_path(), name, at.describe());
}

Status FileSystem::write_xattr(At at, std::string_view name, BytesView value) const {
  PLK_TRY(check_path(at));
  return checked(calls_->write_xattr(at.call_path(), name, value), "write an extended attribute of",
                 at);
}

Status FileSystem::remove_xattr(At at, std::string_view name) const {
  PLK_TRY(check_path(at));
  return checked(calls_->remove_xattr(at.call_path(), name), "remove an extended attribute of", at);
}

Status FileSystem::rename(At from, At to, Replace replace) const {
  PLK_TRY(check_path(from));
  PLK_TRY(check_path(to));
  const CallResult result = calls_->rename(from.call_path(), to.call_path(), replace);
  // How a file system says that it cannot keep from replacing.
  if (result == -EINVAL && replace == Replace::no) return checked(-EOPNOTSUPP, "rename", from);
  return checked(result, "rename", from);
}

Status FileSystem::link(At existing, At name) const {
  PLK_TRY(check_path(existing));
  PLK_TRY(check_path(name));
  return checked(calls_->link(existing.call_path(), name.call_path()), "link", name);
}

Status FileSystem::remove_file(At at) const {
  PLK_TRY(check_path(at));
  return checked(calls_->remove_file(at.call_path()), "remove", at);
}

Status FileSystem::remove_directory(At at) const {
  PLK_TRY(check_path(at));
  return checked(calls_->remove_directory(at.call_path()), "remove the directory", at);
}

Status FileSystem::make_directory(At at, std::uint32_t mode) const {
  PLK_TRY(check_path(at));
  return checked(calls_->make_directory(at.call_path(), mode), "make the directory", at);
}

Status FileSystem::make_symlink(std::string_view target, At at) const {
  PLK_TRY(check_path(at));
  PLK_TRY(check_path(target));
  return checked(calls_->make_symlink(target, at.call_path()), "make the symbolic link", at);
}

Status FileSystem::make_special(At at, FileType type, std::uint32_t mode,
                                DeviceNumber device) const {
  PLK_TRY(check_path(at));
  return checked(calls_->make_special(at.call_path(), type, mode, device), "make the special file",
                 at);
}

Result<std::string> FileSystem::read_link(At at) const {
  PLK_TRY(check_path(at));
  // Targets are paths: none is longer.
  std::array<std::byte, path_bytes_max> buffer;
  const CallResult result =
      repeat_interrupted([&] { return calls_->read_link(at.call_path(), buffer); });
  if (result < 0) return failed(result, "read the symbolic link", at.describe());
  return to_text(BytesView(buffer).first(static_cast<std::size_t>(result)));
}

Result<std::string> FileSystem::current_directory() const {
  std::string out;
  const CallResult result = calls_->current_directory(out);
  if (result < 0) return failed(result, "find the current directory", {});
  return out;
}

FileSystem& system_files() noexcept {
  static FileSystem instance(system_file_calls());
  return instance;
}

}  // namespace plakar
