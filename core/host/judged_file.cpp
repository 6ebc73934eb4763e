#include "core/host/judged_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "core/base/system_error.h"
#include "core/base/text.h"
#include "core/crypto/sha256.h"

namespace plakar::host {

Result<JudgedFile> judge_file(const std::string& path, const Platform& platform,
                              const std::optional<Bytes>& sha256) {
  char* const resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return system_error(errno, "open", path);
  JudgedFile module{.file = {}, .path = resolved, .report = {}};
  std::free(resolved);
  // Not waiting where somebody put a pipe.
  module.file = Fd(::open(module.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!module.file) return system_error(errno, "open", module.path);
  struct stat before{};
  if (::fstat(module.file.get(), &before) != 0) return system_error(errno, "stat", module.path);
  if (!S_ISREG(before.st_mode)) {
    return Error(Errc::unsupported, "expected a shared library, found no regular file");
  }
  if (static_cast<std::uint64_t>(before.st_size) > module_bytes_max) {
    return Error(Errc::unsupported, "it is larger than " + format_size(module_bytes_max));
  }
  Bytes bytes(static_cast<std::size_t>(before.st_size));
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::pread(module.file.get(), bytes.data() + size, bytes.size() - size,
                                static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "read", module.path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  bytes.resize(size);
  if (sha256 && to_bytes(crypto::sha256(bytes)) != *sha256) {
    return Error(Errc::corrupt,
                 "expected the file that was installed, found other bytes; install it again");
  }
  module.report = PLK_TRY(preflight(bytes, platform));

  struct stat after{};
  struct stat named{};
  const auto same = [&](const struct stat& other) {
    return before.st_dev == other.st_dev && before.st_ino == other.st_ino &&
           before.st_size == other.st_size && before.st_mtim.tv_sec == other.st_mtim.tv_sec &&
           before.st_mtim.tv_nsec == other.st_mtim.tv_nsec;
  };
  if (::fstat(module.file.get(), &after) != 0 || ::stat(path.c_str(), &named) != 0 ||
      !same(after) || !same(named)) {
    return Error(Errc::conflict,
                 "expected the file that was checked, found that it was replaced meanwhile; try "
                 "again when nobody is writing it");
  }
  return module;
}

}  // namespace plakar::host
