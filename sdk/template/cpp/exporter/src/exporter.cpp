// A destination in a directory of this machine: directories, files and symbolic links. The rest is
// refused, each as an error of its own.
//
// Content goes into a temporary file beside its name and gets the name at the end; directories get
// their mode and time when everything is in them. Nothing here follows a symbolic link that lies in
// the destination.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <plakar/connector.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t piece_max = 1024 * 1024;  // bytes between two looks at the call

// Of one record only: the restore goes on.
plk::failure item_failure(plk_status status, const std::string& message) {
  plk::failure made(status, message);
  made.per_item();
  return made;
}
[[noreturn]] void fail_item(const std::string& doing) {
  plk::failure made = plk::system_failure(errno, doing);
  made.per_item();
  throw made;
}

// What is to be set when the content is there.
struct metadata {
  bool has_mode = false;
  mode_t mode = 0;
  bool has_time = false;
  timespec time = timespec();
  bool has_owner = false;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);

  metadata() = default;
  metadata(const plk::given_record& record, std::uint32_t flags) {
    if (record.knows(PLK_V_MODE) && (flags & PLK_EXPORT_NO_MODE) == 0) {
      has_mode = true;
      mode = static_cast<mode_t>(record->mode & 07777u);
    }
    if (record.knows(PLK_V_MTIME) && (flags & PLK_EXPORT_NO_TIMES) == 0) {
      has_time = true;
      time.tv_sec = static_cast<time_t>(record->mtime.seconds);
      time.tv_nsec = static_cast<long>(record->mtime.nanoseconds);
    }
    if (geteuid() != 0 || (flags & PLK_EXPORT_NO_OWNER) != 0) return;
    if (record.knows(PLK_V_UID)) uid = static_cast<uid_t>(record->uid);
    if (record.knows(PLK_V_GID)) gid = static_cast<gid_t>(record->gid);
    has_owner = record.knows(PLK_V_UID) || record.knows(PLK_V_GID);
  }

  void apply(const std::string& path, bool is_link) const {
    if (has_owner && lchown(path.c_str(), uid, gid) != 0) fail_item("set the owner of " + path);
    // After the owner, whose change takes set-user-id bits away.
    if (has_mode && !is_link && chmod(path.c_str(), mode) != 0)
      fail_item("set the mode of " + path);
    const timespec times[2] = {time, time};
    if (has_time && utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
      fail_item("set the time of " + path);
    }
  }
};

// A name beside `path` that nobody else uses.
std::string beside(const std::string& path) {
  static std::atomic<unsigned long> counter{0};
  return path.substr(0, path.rfind('/') + 1) + ".plakar-" + std::to_string(getpid()) + "-" +
         std::to_string(counter++);
}

class file_writer : public plk::writer {
 public:
  file_writer(std::string path, bool replace, metadata wanted)
      : path_(std::move(path)),
        temporary_(beside(path_)),
        replace_(replace),
        wanted_(wanted),
        file_(
            open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    if (file_ < 0) fail_item("make a file beside " + path_);
  }
  ~file_writer() override {
    close(file_);
    if (!temporary_.empty()) unlink(temporary_.c_str());
  }

  void write(plk::call& during, plk::octets bytes) override {
    if (broken_) throw item_failure(PLK_E_IO, "an earlier write failed");
    broken_ = true;
    const std::uint8_t* from = bytes.data();
    std::size_t left = bytes.size();
    while (left > 0) {
      during.check();
      const ssize_t done = ::write(file_, from, std::min(left, piece_max));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_item("write " + path_);
      from += done;
      left -= static_cast<std::size_t>(done);
      size_ += static_cast<std::uint64_t>(done);
    }
    broken_ = false;
  }

  std::uint64_t commit(plk::call& during) override {
    during.check();
    if (broken_) throw item_failure(PLK_E_IO, "an earlier write failed");
    wanted_.apply(temporary_, false);
    if (replace_) {
      if (rename(temporary_.c_str(), path_.c_str()) != 0) fail_item("name " + path_);
      temporary_.clear();
    } else if (link(temporary_.c_str(), path_.c_str()) != 0) {
      fail_item("name " + path_);  // Somebody was quicker; rename() would not notice.
    }
    return size_;
  }

 private:
  std::string path_;
  std::string temporary_;
  bool replace_;
  metadata wanted_;
  int file_;
  std::uint64_t size_ = 0;
  bool broken_ = false;
};

class directory_restore : public plk::restore {
 public:
  directory_restore(const std::string& root, const plk_export_args& how)
      : root_(root), flags_(how.flags), existing_(how.existing) {}

  std::unique_ptr<plk::writer> put(plk::call& during, const plk::given_record& record) override {
    during.check();
    const std::string path = place(record.path().str());
    const metadata wanted(record, flags_);
    switch (record.type()) {
      case PLK_R_DIR:
        put_directory(path, record.path().str(), wanted);
        return nullptr;
      case PLK_R_SYMLINK:
        if (is_wanted(path, record)) put_link(path, record.target().str(), wanted);
        return nullptr;
      case PLK_R_FILE:
        if (!is_wanted(path, record)) return nullptr;
        return std::unique_ptr<plk::writer>(new file_writer(path, replaces(), wanted));
      default:
        throw item_failure(PLK_E_UNSUPPORTED, "only files, directories and symbolic links go here");
    }
  }

  void finish(plk::call& during, std::vector<plk::record>& failures) override {
    // Children come after their parents: backwards, a directory's time is set last.
    for (; !directories_.empty(); directories_.pop_back()) {
      during.check();
      const made_directory& last = directories_.back();
      try {
        last.wanted.apply(last.path, false);
      } catch (const plk::failure& why) {
        plk::record failed;
        failed.path = last.name;
        failed.error(why.status(), why.what());
        failures.push_back(std::move(failed));
      }
    }
  }

 private:
  struct made_directory {
    std::string path;
    std::string name;  // in the restore
    metadata wanted;
  };

  bool replaces() const {
    return existing_ == PLK_EXISTING_REPLACE || existing_ == PLK_EXISTING_RESUME;
  }

  // Where a record goes. The engine gives clean paths; what is not clean must not leave the root.
  std::string place(const std::string& name) const {
    if (name.empty() || name[0] != '/' || name.find('\0') != std::string::npos) {
      throw item_failure(PLK_E_UNSUPPORTED, "a path that does not begin with a slash");
    }
    if (name == "/") return root_;
    std::string path = root_ == "/" ? "" : root_;
    for (std::size_t at = 1; at <= name.size();) {
      const std::size_t end = std::min(name.find('/', at), name.size());
      const std::string part = name.substr(at, end - at);
      if (part.empty() || part == "." || part == "..") {
        throw item_failure(PLK_E_UNSUPPORTED, "a path with an empty or dotted part");
      }
      path += "/" + part;
      at = end + 1;
      if (at > name.size()) break;
      struct stat info;
      if (lstat(path.c_str(), &info) != 0) fail_item("find the directory " + path);
      if (!S_ISDIR(info.st_mode)) {
        throw item_failure(PLK_E_EXISTS, "a parent that is not a directory");
      }
    }
    return path;
  }

  // Whether the record is to be made; throws when something is in its way.
  bool is_wanted(const std::string& path, const plk::given_record& record) const {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) {
      if (errno == ENOENT) return true;
      fail_item("look at " + path);
    }
    if (S_ISDIR(info.st_mode)) throw item_failure(PLK_E_EXISTS, "a directory is in the way");
    if (existing_ == PLK_EXISTING_SKIP) return false;
    if (existing_ == PLK_EXISTING_REPLACE) return true;
    if (existing_ == PLK_EXISTING_RESUME) {
      const bool same = record.type() == PLK_R_FILE && S_ISREG(info.st_mode) &&
                        record.knows(PLK_V_SIZE) && record.knows(PLK_V_MTIME) &&
                        record.knows(PLK_V_MODE) &&
                        static_cast<std::uint64_t>(info.st_size) == record->size &&
                        info.st_mtim.tv_sec == record->mtime.seconds &&
                        info.st_mtim.tv_nsec == static_cast<long>(record->mtime.nanoseconds) &&
                        (info.st_mode & 07777u) == record->mode;
      return !same;
    }
    throw item_failure(PLK_E_EXISTS, "there is such a file already");
  }

  void put_directory(const std::string& path, const std::string& name, const metadata& wanted) {
    // Open for us until finish() sets the real mode.
    if (mkdir(path.c_str(), 0700) != 0) {
      if (errno != EEXIST) fail_item("make the directory " + path);
      struct stat info;
      if (lstat(path.c_str(), &info) != 0) fail_item("look at " + path);
      if (!S_ISDIR(info.st_mode)) {
        throw item_failure(PLK_E_EXISTS, "something else is where a directory is to be");
      }
    }
    directories_.push_back(made_directory{path, name, wanted});
  }

  void put_link(const std::string& path, const std::string& target, const metadata& wanted) const {
    const std::string temporary = beside(path);
    if (symlink(target.c_str(), temporary.c_str()) != 0) fail_item("make the link " + path);
    try {
      wanted.apply(temporary, true);
      if (rename(temporary.c_str(), path.c_str()) != 0) fail_item("name " + path);
    } catch (...) {
      unlink(temporary.c_str());
      throw;
    }
  }

  std::string root_;
  std::uint32_t flags_;
  std::uint32_t existing_;
  std::vector<made_directory> directories_;
};

class directory_destination : public plk::destination {
 public:
  explicit directory_destination(const plk::opening& how) : root_(how.rest()) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
    if (root_.empty() || root_[0] != '/' || root_.find('\0') != std::string::npos) {
      throw plk::failure(PLK_E_CONFIG, "the location must be an absolute path");
    }
  }

  plk::place where() const override {
    return plk::place("localhost", "my-template", root_, PLK_LOC_LOCALFS);
  }

  void ping(plk::call& during) override {
    during.check();
    struct stat info;
    if (stat(root_.c_str(), &info) != 0) {
      if (errno == ENOENT) return;  // It is made when a restore begins.
      throw plk::system_failure(errno, "look at " + root_);
    }
    if (!S_ISDIR(info.st_mode)) {
      throw plk::failure(PLK_E_CONFIG, "the location is not a directory");
    }
  }

  std::unique_ptr<plk::restore> start(plk::call& during, const plk_export_args& how) override {
    during.check();
    if (how.existing > PLK_EXISTING_RESUME) {
      throw plk::failure(PLK_E_UNSUPPORTED, "not known here: what to do about existing files");
    }
    make_root();
    return std::unique_ptr<plk::restore>(new directory_restore(root_, how));
  }

 private:
  // With what is missing above it; private until its record, if there is one, says more.
  void make_root() const {
    for (std::size_t at = 1; at <= root_.size();) {
      const std::size_t end = std::min(root_.find('/', at), root_.size());
      const std::string path = root_.substr(0, end);
      if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
        throw plk::system_failure(errno, "make the directory " + path);
      }
      at = end + 1;
    }
  }

  std::string root_;
};

}  // namespace

// Listed in module.cpp. The capabilities are also in manifest.yaml.
extern const plk_connector exporter_connector;
constexpr plk_connector exporter_connector =
    plk::destination_connector<directory_destination>("my-template-exporter", 0, 1);
