#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "core/base/file_calls.h"
#include "core/base/limits.h"

namespace plakar {
namespace {

static_assert(working_directory == AT_FDCWD);
static_assert(sizeof(off_t) == 8);

CallResult result_of(auto value) noexcept {
  return value < 0 ? -static_cast<CallResult>(errno) : static_cast<CallResult>(value);
}

// A path as the kernel wants it, ending in NUL, without an allocation.
class CString {
 public:
  explicit CString(std::string_view text) noexcept : fits_(text.size() < path_bytes_max) {
    if (!fits_) text = {};
    std::copy(text.begin(), text.end(), text_.begin());
    text_[text.size()] = '\0';
  }

  bool fits() const noexcept { return fits_; }
  const char* get() const noexcept { return text_.data(); }

 private:
  std::array<char, path_bytes_max> text_;
  bool fits_;
};

// Calls `call(handle, path)` with the path ending in NUL.
template <class Call>
CallResult with_path(CallPath at, Call call) noexcept {
  const CString path(at.path);
  if (!path.fits()) return -ENAMETOOLONG;
  return result_of(call(at.directory, path.get()));
}

// listxattrat(), since Linux 6.13. A backup asks for the list of each of its entries, and this way
// costs half. The number is the same on all architectures; headers are older than kernels.
constexpr long list_xattrs_at_number = 465;

// The kernel's calls on extended attributes know no directory handles before Linux 6.13; its
// own view of our descriptors is one. `l` variants do not follow the last component.
template <class Call>
CallResult with_xattr_path(CallPath at, Call call) noexcept {
  if (at.directory == working_directory || at.path.starts_with('/')) {
    return with_path(at, [&](int, const char* path) { return call(path); });
  }
  std::array<char, path_bytes_max> path;
  const int prefix = std::snprintf(path.data(), path.size(), "/proc/self/fd/%d/", at.directory);
  const auto used = static_cast<std::size_t>(prefix);
  if (at.path.size() >= path.size() - used) return -ENAMETOOLONG;
  std::copy(at.path.begin(), at.path.end(), path.begin() + prefix);
  path[used + at.path.size()] = '\0';
  return result_of(call(path.data()));
}

int flags_of(const OpenOptions& options) noexcept {
  int flags = O_CLOEXEC | O_NOCTTY;
  switch (options.access) {
    case Access::read:
      flags |= O_RDONLY;
      break;
    case Access::write:
      flags |= O_WRONLY;
      break;
    case Access::read_write:
      flags |= O_RDWR;
      break;
    case Access::append:
      flags |= O_WRONLY | O_APPEND;
      break;
    case Access::path:
      flags |= O_PATH;
      break;
  }
  switch (options.create) {
    case Create::never:
      break;
    case Create::if_missing:
      flags |= O_CREAT;
      break;
    case Create::always_new:
      flags |= O_CREAT | O_EXCL;
      break;
    case Create::truncate:
      flags |= O_CREAT | O_TRUNC;
      break;
  }
  if (!options.follow) flags |= O_NOFOLLOW;
  if (options.directory) flags |= O_DIRECTORY;
  if (options.direct) flags |= O_DIRECT;
  if (options.nonblocking) flags |= O_NONBLOCK;
  return flags;
}

FileType type_of(unsigned mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::regular;
    case S_IFDIR:
      return FileType::directory;
    case S_IFLNK:
      return FileType::symlink;
    case S_IFIFO:
      return FileType::fifo;
    case S_IFSOCK:
      return FileType::socket;
    case S_IFCHR:
      return FileType::character_device;
    case S_IFBLK:
      return FileType::block_device;
    default:
      return FileType::unknown;
  }
}

UnixTime time_of(const struct statx_timestamp& time) noexcept {
  return {time.tv_sec, time.tv_nsec};
}

timespec timespec_of(const std::optional<UnixTime>& time) noexcept {
  timespec out{};
  if (time) {
    out.tv_sec = time->seconds;
    out.tv_nsec = time->nanoseconds;
  } else {
    out.tv_nsec = UTIME_OMIT;
  }
  return out;
}

class SystemFileCalls final : public FileCalls {
 public:
  CallResult open(CallPath at, const OpenOptions& options) override {
    const int flags = flags_of(options);
    return with_path(at, [&](int directory, const char* path) {
      if (options.keep_access_time) {
        const int fd = ::openat(directory, path, flags | O_NOATIME, options.mode);
        if (fd >= 0 || errno != EPERM) return fd;  // Only an owner may ask for it.
      }
      return ::openat(directory, path, flags, options.mode);
    });
  }

  CallResult close(FileHandle file) override { return result_of(::close(file)); }

  CallResult read(FileHandle file, std::span<std::byte> out) override {
    return result_of(::read(file, out.data(), out.size()));
  }

  CallResult write(FileHandle file, BytesView bytes) override {
    return result_of(::write(file, bytes.data(), bytes.size()));
  }

  CallResult read_at(FileHandle file, std::uint64_t offset, std::span<std::byte> out) override {
    return result_of(::pread(file, out.data(), out.size(), static_cast<off_t>(offset)));
  }

  CallResult write_at(FileHandle file, std::uint64_t offset,
                      std::span<const BytesView> parts) override {
    const auto at = static_cast<off_t>(offset);
    if (parts.size() == 1) {
      return result_of(::pwrite(file, parts[0].data(), parts[0].size(), at));
    }
    std::array<iovec, 64> vectors;
    const std::size_t count = std::min(parts.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) {
      // The kernel only reads from it.
      vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    return result_of(::pwritev(file, vectors.data(), static_cast<int>(count), at));
  }

  CallResult truncate(FileHandle file, std::uint64_t size) override {
    return result_of(::ftruncate(file, static_cast<off_t>(size)));
  }

  CallResult allocate(FileHandle file, Allocate how, std::uint64_t offset,
                      std::uint64_t length) override {
    int mode = 0;
    switch (how) {
      case Allocate::extend:
        break;
      case Allocate::keep_size:
        mode = FALLOC_FL_KEEP_SIZE;
        break;
      case Allocate::punch_hole:
        mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        break;
    }
    // Not posix_fallocate(): where the file system cannot, that one writes zeros.
    return result_of(
        ::fallocate(file, mode, static_cast<off_t>(offset), static_cast<off_t>(length)));
  }

  CallResult copy_range(FileHandle from, std::uint64_t from_offset, FileHandle to,
                        std::uint64_t to_offset, std::uint64_t length) override {
    auto read_from = static_cast<off_t>(from_offset);
    auto write_to = static_cast<off_t>(to_offset);
    return result_of(::copy_file_range(from, &read_from, to, &write_to, length, 0));
  }

  CallResult find_data(FileHandle file, std::uint64_t from) override {
    return result_of(::lseek(file, static_cast<off_t>(from), SEEK_DATA));
  }

  CallResult find_hole(FileHandle file, std::uint64_t from) override {
    return result_of(::lseek(file, static_cast<off_t>(from), SEEK_HOLE));
  }

  CallResult sync(FileHandle file, SyncScope scope) override {
    switch (scope) {
      case SyncScope::data:
        return result_of(::fdatasync(file));
      case SyncScope::file:
        return result_of(::fsync(file));
      case SyncScope::file_system:
        return result_of(::syncfs(file));
    }
    return -EINVAL;
  }

  CallResult write_back(FileHandle file, Writeback what, std::uint64_t offset,
                        std::uint64_t length) override {
    const unsigned flags =
        what == Writeback::start
            ? SYNC_FILE_RANGE_WRITE
            : SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    return result_of(
        ::sync_file_range(file, static_cast<off_t>(offset), static_cast<off_t>(length), flags));
  }

  CallResult advise(FileHandle file, Advice advice, std::uint64_t offset,
                    std::uint64_t length) override {
    int how = POSIX_FADV_NORMAL;
    switch (advice) {
      case Advice::sequential:
        how = POSIX_FADV_SEQUENTIAL;
        break;
      case Advice::random:
        how = POSIX_FADV_RANDOM;
        break;
      case Advice::will_need:
        how = POSIX_FADV_WILLNEED;
        break;
      case Advice::dont_need:
        how = POSIX_FADV_DONTNEED;
        break;
    }
    return -::posix_fadvise(file, static_cast<off_t>(offset), static_cast<off_t>(length), how);
  }

  CallResult stat(CallPath at, Follow follow, FileStat& out) override {
    struct statx got;
    const int flags = AT_NO_AUTOMOUNT | (at.path.empty() ? AT_EMPTY_PATH : 0) |
                      (follow == Follow::no ? AT_SYMLINK_NOFOLLOW : 0);
    const CallResult result = with_path(at, [&](int directory, const char* path) {
      return ::statx(directory, path, flags, STATX_BASIC_STATS, &got);
    });
    if (result < 0) return result;
    out = {.type = type_of(got.stx_mode),
           .mode = got.stx_mode & 07777u,
           .owner = {got.stx_uid, got.stx_gid},
           .size = got.stx_size,
           .allocated_bytes = got.stx_blocks * 512,
           .inode = got.stx_ino,
           .link_count = got.stx_nlink,
           .device = {got.stx_dev_major, got.stx_dev_minor},
           .special = {got.stx_rdev_major, got.stx_rdev_minor},
           .modified = time_of(got.stx_mtime),
           .changed = time_of(got.stx_ctime),
           .accessed = time_of(got.stx_atime)};
    return 0;
  }

  CallResult set_mode(CallPath at, std::uint32_t mode) override {
    if (at.path.empty()) return result_of(::fchmod(at.directory, mode));
    return with_path(at, [&](int directory, const char* path) {
      return ::fchmodat(directory, path, mode, AT_SYMLINK_NOFOLLOW);
    });
  }

  CallResult set_owner(CallPath at, FileOwner owner) override {
    return with_path(at, [&](int directory, const char* path) {
      return ::fchownat(directory, path, owner.user, owner.group,
                        AT_SYMLINK_NOFOLLOW | (at.path.empty() ? AT_EMPTY_PATH : 0));
    });
  }

  CallResult set_times(CallPath at, const FileTimes& times) override {
    const timespec both[2] = {timespec_of(times.accessed), timespec_of(times.modified)};
    if (at.path.empty()) return result_of(::futimens(at.directory, both));
    return with_path(at, [&](int directory, const char* path) {
      return ::utimensat(directory, path, both, AT_SYMLINK_NOFOLLOW);
    });
  }

  CallResult list_xattrs(CallPath at, std::span<std::byte> out) override {
    const auto text = reinterpret_cast<char*>(out.data());
    if (at.path.empty()) return result_of(::flistxattr(at.directory, text, out.size()));
    if (has_list_xattrs_at_.load(std::memory_order_relaxed)) {
      const CallResult result = with_path(at, [&](int directory, const char* path) {
        return ::syscall(list_xattrs_at_number, directory, path, AT_SYMLINK_NOFOLLOW, text,
                         out.size());
      });
      // A sandbox that does not know the call may say EPERM.
      if (result != -ENOSYS && result != -EPERM) return result;
      has_list_xattrs_at_.store(false, std::memory_order_relaxed);
    }
    return with_xattr_path(at,
                           [&](const char* path) { return ::llistxattr(path, text, out.size()); });
  }

  CallResult read_xattr(CallPath at, std::string_view name, std::span<std::byte> out) override {
    const CString key(name);
    if (!key.fits()) return -ERANGE;
    if (at.path.empty()) {
      return result_of(::fgetxattr(at.directory, key.get(), out.data(), out.size()));
    }
    return with_xattr_path(
        at, [&](const char* path) { return ::lgetxattr(path, key.get(), out.data(), out.size()); });
  }

  CallResult write_xattr(CallPath at, std::string_view name, BytesView value) override {
    const CString key(name);
    if (!key.fits()) return -ERANGE;
    if (at.path.empty()) {
      return result_of(::fsetxattr(at.directory, key.get(), value.data(), value.size(), 0));
    }
    return with_xattr_path(at, [&](const char* path) {
      return ::lsetxattr(path, key.get(), value.data(), value.size(), 0);
    });
  }

  CallResult remove_xattr(CallPath at, std::string_view name) override {
    const CString key(name);
    if (!key.fits()) return -ERANGE;
    if (at.path.empty()) return result_of(::fremovexattr(at.directory, key.get()));
    return with_xattr_path(at, [&](const char* path) { return ::lremovexattr(path, key.get()); });
  }

  CallResult rename(CallPath from, CallPath to, Replace replace) override {
    const CString target(to.path);
    if (!target.fits()) return -ENAMETOOLONG;
    return with_path(from, [&](int directory, const char* path) {
      if (replace == Replace::yes) {
        return ::renameat(directory, path, to.directory, target.get());
      }
      return ::renameat2(directory, path, to.directory, target.get(), RENAME_NOREPLACE);
    });
  }

  CallResult link(CallPath existing, CallPath name) override {
    const CString target(name.path);
    if (!target.fits()) return -ENAMETOOLONG;
    return with_path(existing, [&](int directory, const char* path) {
      return ::linkat(directory, path, name.directory, target.get(), 0);
    });
  }

  CallResult remove_file(CallPath at) override {
    return with_path(
        at, [&](int directory, const char* path) { return ::unlinkat(directory, path, 0); });
  }

  CallResult remove_directory(CallPath at) override {
    return with_path(at, [&](int directory, const char* path) {
      return ::unlinkat(directory, path, AT_REMOVEDIR);
    });
  }

  CallResult make_directory(CallPath at, std::uint32_t mode) override {
    return with_path(
        at, [&](int directory, const char* path) { return ::mkdirat(directory, path, mode); });
  }

  CallResult make_symlink(std::string_view target, CallPath at) override {
    const CString content(target);
    if (!content.fits()) return -ENAMETOOLONG;
    return with_path(at, [&](int directory, const char* path) {
      return ::symlinkat(content.get(), directory, path);
    });
  }

  CallResult make_special(CallPath at, FileType type, std::uint32_t mode,
                          DeviceNumber device) override {
    mode_t kind = 0;
    switch (type) {
      case FileType::fifo:
        kind = S_IFIFO;
        break;
      case FileType::socket:
        kind = S_IFSOCK;
        break;
      case FileType::character_device:
        kind = S_IFCHR;
        break;
      case FileType::block_device:
        kind = S_IFBLK;
        break;
      case FileType::regular:
      case FileType::directory:
      case FileType::symlink:
      case FileType::unknown:
        return -EINVAL;
    }
    return with_path(at, [&](int directory, const char* path) {
      return ::mknodat(directory, path, kind | mode, makedev(device.major, device.minor));
    });
  }

  CallResult read_link(CallPath at, std::span<std::byte> out) override {
    return with_path(at, [&](int directory, const char* path) {
      return ::readlinkat(directory, path, reinterpret_cast<char*>(out.data()), out.size());
    });
  }

  CallResult read_directory(FileHandle directory, DirectoryBatch& batch) override {
    const auto buffer = batch.buffer();
    return result_of(::syscall(SYS_getdents64, directory, buffer.data(), buffer.size()));
  }

  CallResult lock(FileHandle file, LockMode mode, Wait wait) override {
    int operation = wait == Wait::no ? LOCK_NB : 0;
    switch (mode) {
      case LockMode::shared:
        operation |= LOCK_SH;
        break;
      case LockMode::exclusive:
        operation |= LOCK_EX;
        break;
      case LockMode::unlock:
        operation |= LOCK_UN;
        break;
    }
    return result_of(::flock(file, operation));
  }

  CallResult space(FileHandle file, FileSystemSpace& out) override {
    struct statfs got;
    const CallResult result = result_of(::fstatfs(file, &got));
    if (result < 0) return result;
    const auto block = static_cast<std::uint64_t>(got.f_bsize);
    out = {.total_bytes = got.f_blocks * block,
           .available_bytes = got.f_bavail * block,
           .block_bytes = block,
           .type = static_cast<std::uint64_t>(got.f_type)};
    return 0;
  }

  CallResult map(FileHandle file, std::uint64_t offset, std::size_t length,
                 BytesView& out) override {
    const std::uint64_t before = offset % page_bytes_;
    void* const at = ::mmap(nullptr, length + before, PROT_READ, MAP_SHARED, file,
                            static_cast<off_t>(offset - before));
    if (at == MAP_FAILED) return -errno;
    out = BytesView(static_cast<const std::byte*>(at) + before, length);
    return 0;
  }

  CallResult unmap(BytesView mapped) override {
    const std::uint64_t before = reinterpret_cast<std::uintptr_t>(mapped.data()) % page_bytes_;
    return result_of(
        ::munmap(const_cast<std::byte*>(mapped.data()) - before, mapped.size() + before));
  }

  CallResult current_directory(std::string& out) override {
    std::array<char, path_bytes_max> buffer;
    if (::getcwd(buffer.data(), buffer.size()) == nullptr) return -errno;
    out = buffer.data();
    return 0;
  }

  CallResult descriptor(FileHandle file) override { return file; }

 private:
  std::atomic<bool> has_list_xattrs_at_ = true;  // until the kernel says otherwise
  const std::uint64_t page_bytes_ = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
};

}  // namespace

FileCalls& system_file_calls() noexcept {
  static SystemFileCalls instance;
  return instance;
}

}  // namespace plakar
