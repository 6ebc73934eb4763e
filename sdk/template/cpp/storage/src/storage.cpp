// A store in a directory: one file for each object.
//
//   ROOT/CONFIG       what create() was given
//   ROOT/KIND/HEX     an object: KIND is its namespace, HEX its key in hexadecimal
//   ROOT/tmp/         what is being written; what a crash left there may be deleted
//
// A file gets its name when it is complete and on the disk, with link() or rename(): so nobody ever
// sees a part of one, and of two that create the same name exactly one succeeds. Everything that
// the store has is constant after its constructor, so calls may come from any number of threads.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <plakar/connector.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t config_size_max = 32 * 1024;
constexpr std::size_t key_size_max = 120;       // so that its hexadecimal digits are a file name
constexpr std::size_t piece_max = 1024 * 1024;  // bytes between two looks at the call
constexpr std::size_t batch_max = 1024;         // names in one answer

[[noreturn]] void fail(const std::string& doing) { throw plk::system_failure(errno, doing); }

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }
  bool good() const { return number_ >= 0; }

 private:
  int number_;
};

struct close_directory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using directory_handle = std::unique_ptr<DIR, close_directory>;

std::string to_hex(plk::octets key) {
  static const char digits[] = "0123456789abcdef";
  if (key.empty() || key.size() > key_size_max) {
    throw plk::failure(PLK_E_UNSUPPORTED, "the key of an object has 1 to 120 bytes here");
  }
  std::string made;
  for (const std::uint8_t byte : key) {
    made += digits[byte >> 4];
    made += digits[byte & 15];
  }
  return made;
}

// The key of a file name; empty when it is not the name of an object.
std::string from_hex(const std::string& name) {
  static const std::string digits = "0123456789abcdef";
  if (name.size() % 2 != 0 || name.size() / 2 > key_size_max) return "";
  std::string key;
  for (std::size_t i = 0; i < name.size(); i += 2) {
    const std::size_t high = digits.find(name[i]);
    const std::size_t low = digits.find(name[i + 1]);
    if (high == std::string::npos || low == std::string::npos) return "";
    key += static_cast<char>(high << 4 | low);
  }
  return key;
}

void make_directory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail("make the directory " + path);
}

// A name is only safe when its directory has been written too.
void sync_directory(const std::string& path) {
  const descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.good() || fsync(directory.number()) != 0) fail("write the directory " + path);
}

// A file that is being written. Without publish() nothing of it is left.
class new_file {
 public:
  explicit new_file(const std::string& root)
      : path_(fresh_name(root)),
        file_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) {
    if (!file_.good()) fail("make the file " + path_);
  }
  ~new_file() {
    if (!path_.empty()) unlink(path_.c_str());
  }

  void write(plk::call& during, plk::octets bytes) {
    const std::uint8_t* from = bytes.data();
    std::size_t left = bytes.size();
    while (left > 0) {
      during.check();
      const ssize_t done = ::write(file_.number(), from, std::min(left, piece_max));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail("write " + path_);
      from += done;
      left -= static_cast<std::size_t>(done);
    }
  }

  // The end of every way to write something.
  void publish(const std::string& directory, const std::string& name, bool if_absent) {
    const std::string to = directory + "/" + name;
    if (fsync(file_.number()) != 0) fail("write " + path_);
    if (if_absent) {
      if (link(path_.c_str(), to.c_str()) != 0) fail("name " + to);
    } else {
      if (rename(path_.c_str(), to.c_str()) != 0) fail("name " + to);
      path_.clear();  // Another one may have that name by now.
    }
    sync_directory(directory);
  }

 private:
  static std::string fresh_name(const std::string& root) {
    static std::atomic<unsigned long> counter{0};
    return root + "/tmp/" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  }

  std::string path_;
  descriptor file_;
};

class object_lister : public plk::lister {
 public:
  explicit object_lister(const std::string& directory) : open_(opendir(directory.c_str())) {
    if (open_ == nullptr && errno != ENOENT) fail("list " + directory);
  }

  bool next(plk::call& during, std::vector<plk::name>& out) override {
    out.clear();
    while (open_ != nullptr && out.size() < batch_max) {
      during.check();
      errno = 0;  // The only way to tell an error from the end.
      const dirent* entry = readdir(open_.get());
      if (entry == nullptr) {
        if (errno != 0) fail("list objects");
        open_.reset();
        break;
      }
      std::string key = from_hex(entry->d_name);
      if (!key.empty()) out.emplace_back(std::move(key));
    }
    return !out.empty();
  }

 private:
  directory_handle open_;
};

class directory_store : public plk::store {
 public:
  explicit directory_store(const plk::opening& how) : root_(how.rest()) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
    if (root_.empty() || root_[0] != '/' || root_.find('\0') != std::string::npos) {
      throw plk::failure(PLK_E_CONFIG, "the location must be an absolute path");
    }
  }

  plk::place where() const override {
    return plk::place("localhost", "my-template", root_, PLK_LOC_LOCALFS);
  }

  void ping(plk::call& during) override {
    if (mode(during) == 0) {
      throw plk::failure(PLK_E_PERMISSION, "the store may not be read and not be written");
    }
  }

  std::uint32_t mode(plk::call& during) override {
    during.check();
    struct stat info;
    if (stat(root_.c_str(), &info) != 0) {
      if (errno == ENOENT) return PLK_MODE_READ | PLK_MODE_WRITE;  // not made yet
      fail("look at " + root_);
    }
    if (!S_ISDIR(info.st_mode)) {
      throw plk::failure(PLK_E_CONFIG, "the location is not a directory");
    }
    std::uint32_t can = 0;
    if (access(root_.c_str(), R_OK | X_OK) == 0) can |= PLK_MODE_READ;
    if (access(root_.c_str(), W_OK | X_OK) == 0) can |= PLK_MODE_WRITE;
    return can;
  }

  void create(plk::call& during, plk::octets config) override {
    if (config.empty() || config.size() > config_size_max) {
      throw plk::failure(PLK_E_INVALID_ARG, "the configuration of a store has 1 to 32768 bytes");
    }
    make_directory(root_);
    check_empty();
    make_directory(root_ + "/tmp");
    new_file file(root_);
    file.write(during, config);
    file.publish(root_, "CONFIG", true);
  }

  void load(plk::call& during, plk::sink& config) override {
    during.check();
    const std::string path = root_ + "/CONFIG";
    std::string bytes(config_size_max + 1, '\0');
    bytes.resize(read_at(during, path, 0, plk::buffer(&bytes[0], bytes.size())));
    if (bytes.size() > config_size_max) {
      throw plk::failure(PLK_E_CORRUPT, "the configuration of the store is too large");
    }
    config.write(bytes);
  }

  std::unique_ptr<plk::lister> list(plk::call&, std::uint32_t ns, plk::octets) override {
    return std::unique_ptr<plk::lister>(new object_lister(directory_of(ns)));
  }

  std::uint64_t object_size(plk::call& during, const plk::object& which) override {
    during.check();
    struct stat info;
    const std::string path = path_of(which);
    if (stat(path.c_str(), &info) != 0) fail("find " + path);
    return static_cast<std::uint64_t>(info.st_size);
  }

  std::size_t get(plk::call& during, const plk::object& which, std::uint64_t offset,
                  plk::buffer out) override {
    return read_at(during, path_of(which), offset, out);
  }

  void put(plk::call& during, const plk::object& as, const plk::parts& content) override {
    during.check();
    const std::string name = to_hex(as.key);
    make_directory(directory_of(as.ns));
    new_file file(root_);
    for (std::size_t i = 0; i < content.size(); i++) file.write(during, content[i]);
    file.publish(directory_of(as.ns), name, as.if_absent());
  }

  void remove(plk::call& during, const plk::object& which) override {
    during.check();
    const std::string path = path_of(which);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) fail("remove " + path);
  }

  std::unique_ptr<plk::upload> start(plk::call& during, std::uint32_t ns, std::uint32_t,
                                     std::uint64_t) override {
    during.check();
    make_directory(directory_of(ns));
    return std::unique_ptr<plk::upload>(new object_upload(*this));
  }

 private:
  class object_upload : public plk::upload {
   public:
    explicit object_upload(const directory_store& store) : store_(store), file_(store.root_) {}
    void write(plk::call& during, plk::octets bytes) override { file_.write(during, bytes); }
    void commit(plk::call& during, const plk::object& as) override {
      during.check();
      file_.publish(store_.directory_of(as.ns), to_hex(as.key), as.if_absent());
    }

   private:
    const directory_store& store_;
    new_file file_;
  };

  std::string directory_of(std::uint32_t ns) const { return root_ + "/" + std::to_string(ns); }
  std::string path_of(const plk::object& which) const {
    return directory_of(which.ns) + "/" + to_hex(which.key);
  }

  // Whether there is anything in the way of a store: anything but what a create() that failed left.
  void check_empty() const {
    const directory_handle open(opendir(root_.c_str()));
    if (open == nullptr) fail("list " + root_);
    while (const dirent* entry = readdir(open.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == ".." || name == "tmp") continue;
      throw plk::failure(PLK_E_EXISTS, name == "CONFIG" ? "there is a store already"
                                                        : "the directory is not empty");
    }
  }

  // Fewer bytes than asked only where the file ends.
  static std::size_t read_at(plk::call& during, const std::string& path, std::uint64_t offset,
                             plk::buffer out) {
    const descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.good()) fail("read " + path);
    struct stat info;
    if (fstat(file.number(), &info) != 0) fail("read " + path);
    const auto there = static_cast<std::uint64_t>(info.st_size);
    if (offset >= there) return 0;
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), there - offset));
    std::size_t size = 0;
    while (size < wanted) {
      during.check();
      const ssize_t got =
          pread(file.number(), out.data() + size, std::min(wanted - size, piece_max),
                static_cast<off_t>(offset + size));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail("read " + path);
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    return size;
  }

  std::string root_;
};

}  // namespace

// Listed in module.cpp. The capabilities are also in manifest.yaml.
extern const plk_connector storage_connector;
constexpr plk_connector storage_connector = plk::store_connector<directory_store>(
    "my-template-storage", PLK_CAP_CONCURRENT | PLK_CAP_PUT_IF_ABSENT | PLK_CAP_STRONG_LIST, 1);
