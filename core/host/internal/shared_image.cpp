#include "core/host/internal/shared_image.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

// With the standard library's paths and errors: no library of Boost is linked.
#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include <cerrno>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/system_error.h"

namespace plakar::host {
namespace {

// Files that the dynamic linker knows: it would give the object that it has.
struct Known {
  std::mutex mutex;
  std::set<std::pair<dev_t, ino_t>> files;
};

// Never destroyed: modules outlive static objects.
Known& known() {
  static Known& instance = *new Known;
  return instance;
}

Result<std::pair<dev_t, ino_t>> identity_of(int file) {
  struct stat status{};
  if (::fstat(file, &status) != 0) return system_error(errno, "stat a module");
  return std::pair(status.st_dev, status.st_ino);
}

// Of our own process by its number, not as "self": a debugger can follow that.
std::string path_of(int file) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file);
}

bool is_mapped(const std::string& path) {
  std::pair<std::string_view, bool> search{path, false};
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* data) {
        auto& [wanted, found] = *static_cast<std::pair<std::string_view, bool>*>(data);
        found = found || wanted == object->dlpi_name;
        return found ? 1 : 0;
      },
      &search);
  return search.second;
}

}  // namespace

struct SharedImage::Loaded {
  // Open for as long as the library is there: its number in the path must not be used again.
  Fd file;
  std::string path;
  std::pair<dev_t, ino_t> identity;
  boost::dll::shared_library library;
};

Result<Fd> sealed_copy(int file, const std::string& name) {
  Fd copy(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy) return system_error(errno, "make memory for a module");
  struct stat status{};
  if (::fstat(file, &status) != 0) return system_error(errno, "stat a module");
  off_t offset = 0;
  while (offset < status.st_size) {
    const auto left = static_cast<std::size_t>(status.st_size - offset);
    const ssize_t sent = ::sendfile(copy.get(), file, &offset, left);
    if (sent < 0 && errno != EINTR) return system_error(errno, "copy a module");
    if (sent == 0) return Error(Errc::corrupt, "the module became shorter while it was copied");
  }
  constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
  if (::fcntl(copy.get(), F_ADD_SEALS, seals) != 0) return system_error(errno, "seal a module");
  return copy;
}

Result<std::unique_ptr<SharedImage>> SharedImage::load(Fd file, const std::string& name) {
  auto identity = PLK_TRY(identity_of(file.get()));
  {
    const std::lock_guard lock(known().mutex);
    if (!known().files.insert(identity).second) {
      file = PLK_TRY(sealed_copy(file.get(), name));
      identity = PLK_TRY(identity_of(file.get()));
      known().files.insert(identity);
    }
  }
  auto loaded = std::make_unique<Loaded>();
  loaded->path = path_of(file.get());
  loaded->file = std::move(file);
  loaded->identity = identity;
  std::error_code error;
  loaded->library.load(loaded->path,
                       boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local, error);
  if (error) {
    const std::lock_guard lock(known().mutex);
    known().files.erase(identity);
    // Boost's error says that it failed; why, the linker says when it is asked again.
    void* const again = ::dlopen(loaded->path.c_str(), RTLD_NOW | RTLD_LOCAL);
    const char* why = again == nullptr ? ::dlerror() : nullptr;
    return Error(Errc::unsupported, std::string("the dynamic linker refuses it: ") +
                                        (why == nullptr ? "no reason given" : why));
  }
  return std::unique_ptr<SharedImage>(new SharedImage(std::move(loaded)));
}

SharedImage::SharedImage(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}

SharedImage::~SharedImage() { keep(); }

void* SharedImage::find(const char* symbol) const {
  if (!loaded_->library.has(symbol)) return nullptr;
  return ::dlsym(loaded_->library.native(), symbol);
}

bool SharedImage::unload() {
  loaded_->library.unload();
  if (is_mapped(loaded_->path)) {
    keep();
    return false;
  }
  const std::lock_guard lock(known().mutex);
  known().files.erase(loaded_->identity);
  loaded_.reset();
  return true;
}

void SharedImage::keep() noexcept {
  if (loaded_ == nullptr) return;
  // Reachable for ever, but for no destructor.
  static std::vector<Loaded*>& kept = *new std::vector<Loaded*>;
  const std::lock_guard lock(known().mutex);
  kept.push_back(loaded_.release());
}

}  // namespace plakar::host
