// A source that reads a directory tree of this machine: directories, files, links, and everything
// else as what it is. It does not follow links, and does not read extended attributes.
//
// Records are pulled: a scan remembers which directories are still to be read, and reads as many
// entries as it is asked for. Content is opened by the number of the record; which path that was,
// is remembered until the record is acknowledged, so that a tree of any size takes little memory.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <plakar/connector.hpp>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

class file_reader : public plk::reader {
 public:
  file_reader(const std::string& path, std::uint64_t offset)
      : path_(path), file_(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) {
    if (file_.number() < 0) throw failed("open ");
    if (lseek(file_.number(), static_cast<off_t>(offset), SEEK_SET) < 0) throw failed("seek in ");
  }

  std::size_t read(plk::call& during, plk::buffer out) override {
    during.check();
    for (;;) {
      const ssize_t got = ::read(file_.number(), out.data(), out.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) throw failed("read ");
    }
  }

 private:
  // One file that cannot be read is no reason to give up the others.
  plk::failure failed(const char* doing) const {
    plk::failure made = plk::system_failure(errno, doing + path_);
    made.per_item();
    return made;
  }

  std::string path_;
  descriptor file_;
};

struct close_directory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using directory_handle = std::unique_ptr<DIR, close_directory>;

class tree_scan : public plk::scan {
 public:
  explicit tree_scan(const std::string& root) : root_(root) {}

  bool next(plk::call& during, plk::records& out) override {
    while (out.room() > 0) {
      during.check();
      if (!started_) {
        started_ = true;
        add(root_, out);  // a directory, or a single file
      } else if (current_ != nullptr) {
        read_entry(out);
      } else if (!waiting_.empty()) {
        enter(out);
      } else {
        break;
      }
    }
    return out.size() > 0;
  }

  std::unique_ptr<plk::reader> open(plk::call&, std::uint64_t id, std::uint64_t offset) override {
    std::string path;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = paths_.find(id);
      if (found == paths_.end()) throw plk::failure(PLK_E_INVALID_ARG, "no such record");
      path = found->second;
    }
    return std::unique_ptr<plk::reader>(new file_reader(path, offset));
  }

  void acknowledge(plk::call&, std::uint64_t id, plk_status) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    paths_.erase(id);
  }

 private:
  void enter(plk::records& out) {
    current_path_ = std::move(waiting_.back());
    waiting_.pop_back();
    current_.reset(opendir(current_path_.c_str()));
    if (current_ == nullptr) fail(current_path_, "list", out);
  }

  void read_entry(plk::records& out) {
    errno = 0;  // The only way to tell an error from the end.
    const dirent* entry = readdir(current_.get());
    if (entry == nullptr) {
      if (errno != 0) fail(current_path_, "list", out);
      current_.reset();
      return;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      add(current_path_ == "/" ? "/" + name : current_path_ + "/" + name, out);
    }
  }

  void add(const std::string& path, plk::records& out) {
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) {
      if (errno != ENOENT || path == root_) fail(path, "look at", out);
      return;  // It went while the directory was read: that is no error.
    }
    plk::record& record = out.add();
    record.id = next_id_++;
    record.path = path;
    record.mode(info.st_mode & 07777u)
        .mtime(plk::time_of(info.st_mtim.tv_sec, static_cast<std::uint32_t>(info.st_mtim.tv_nsec)))
        .ctime(plk::time_of(info.st_ctim.tv_sec, static_cast<std::uint32_t>(info.st_ctim.tv_nsec)))
        .uid(info.st_uid)
        .gid(info.st_gid)
        .dev(info.st_dev)
        .ino(info.st_ino)
        .nlink(info.st_nlink);
    switch (info.st_mode & S_IFMT) {
      case S_IFREG:
        record.type = PLK_R_FILE;
        record.flags = PLK_RF_HAS_DATA;
        record.size(static_cast<std::uint64_t>(info.st_size));
        {
          const std::lock_guard<std::mutex> lock(mutex_);
          paths_.emplace(record.id, path);
        }
        break;
      case S_IFDIR:
        record.type = PLK_R_DIR;
        waiting_.push_back(path);
        break;
      case S_IFLNK:
        record.type = PLK_R_SYMLINK;
        if (!read_link(path, record.target)) {
          record.error(PLK_E_IO, plk::system_failure(errno, "read the link " + path).what());
        }
        break;
      case S_IFIFO:
        record.type = PLK_R_FIFO;
        break;
      case S_IFSOCK:
        record.type = PLK_R_SOCKET;
        break;
      case S_IFCHR:
        record.type = PLK_R_CHAR;
        record.rdev(info.st_rdev);
        break;
      case S_IFBLK:
        record.type = PLK_R_BLOCK;
        record.rdev(info.st_rdev);
        break;
      default:
        record.error(PLK_E_UNSUPPORTED, "an entry of a kind that is not known");
        break;
    }
  }

  static bool read_link(const std::string& path, std::string& target) {
    char buffer[4096];
    const ssize_t size = readlink(path.c_str(), buffer, sizeof buffer);
    if (size < 0) return false;
    target.assign(buffer, static_cast<std::size_t>(size));
    return true;
  }

  void fail(const std::string& path, const char* doing, plk::records& out) {
    const plk::failure why = plk::system_failure(errno, std::string(doing) + " " + path);
    plk::record& record = out.add();
    record.id = next_id_++;
    record.path = path;
    record.error(why.status(), why.what());
  }

  std::string root_;
  bool started_ = false;
  std::vector<std::string> waiting_;  // directories that are still to be read
  std::string current_path_;
  directory_handle current_;
  std::uint64_t next_id_ = 1;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::string> paths_;  // of files, until they are acknowledged
};

class tree_source : public plk::source {
 public:
  explicit tree_source(const plk::opening& how)
      : hostname_(how.hostname().str()), root_(clean(how.rest(), how.cwd().str())) {}

  plk::place where() const override {
    return plk::place(hostname_, "my-template", root_, PLK_LOC_LOCALFS | PLK_LOC_NEEDACK);
  }

  void ping(plk::call&) override {
    if (access(root_.c_str(), R_OK) != 0) throw plk::system_failure(errno, "read " + root_);
  }

  std::unique_ptr<plk::scan> start(plk::call& during, const plk_scan_args&) override {
    ping(during);
    return std::unique_ptr<plk::scan>(new tree_scan(root_));
  }

 private:
  // Absolute, without empty, "." and ".." parts.
  static std::string clean(std::string path, const std::string& cwd) {
    if (path.empty()) throw plk::failure(PLK_E_CONFIG, "the location has no path");
    if (path.find('\0') != std::string::npos) {
      throw plk::failure(PLK_E_CONFIG, "the location has a NUL in its path");
    }
    if (path[0] != '/') path = cwd + "/" + path;
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string part = path.substr(at, end - at);
      if (part == "..") {
        if (!parts.empty()) parts.pop_back();
      } else if (!part.empty() && part != ".") {
        parts.push_back(part);
      }
      at = end + 1;
    }
    std::string cleaned;
    for (const std::string& part : parts) cleaned += "/" + part;
    return cleaned.empty() ? "/" : cleaned;
  }

  std::string hostname_;
  std::string root_;
};

}  // namespace

// Listed in module.cpp. The capabilities are also in manifest.yaml.
extern const plk_connector importer_connector;
constexpr plk_connector importer_connector = plk::source_connector<tree_source>(
    "my-template-importer", PLK_CAP_CONCURRENT | PLK_CAP_RANGE, 1);
