#include "core/connectors/fs/source.h"

#include <grp.h>
#include <pwd.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

using kloset::Record;
using kloset::RecordKind;

constexpr std::size_t batch_size_max = 256;
constexpr std::size_t read_ahead_bytes_min = 256 * 1024;

class SystemOwnerNames final : public OwnerNames {
 public:
  std::string user(std::uint64_t id) override {
    return cached(users_, id, [this](std::uint64_t wanted) -> const char* {
      passwd entry{};
      passwd* found = nullptr;
      ::getpwuid_r(static_cast<uid_t>(wanted), &entry, buffer_.data(), buffer_.size(), &found);
      return found == nullptr ? nullptr : found->pw_name;
    });
  }
  std::string group(std::uint64_t id) override {
    return cached(groups_, id, [this](std::uint64_t wanted) -> const char* {
      ::group entry{};
      ::group* found = nullptr;
      ::getgrgid_r(static_cast<gid_t>(wanted), &entry, buffer_.data(), buffer_.size(), &found);
      return found == nullptr ? nullptr : found->gr_name;
    });
  }

 private:
  using Names = std::map<std::uint64_t, std::string>;

  template <class Ask>
  static std::string cached(Names& names, std::uint64_t id, Ask ask) {
    const auto [at, is_new] = names.try_emplace(id);
    if (is_new) {
      if (const char* name = ask(id)) at->second = name;
    }
    return at->second;
  }

  Names users_;
  Names groups_;
  std::array<char, 64 * 1024> buffer_;  // groups may have many members
};

RecordKind kind_of(FileType type) {
  switch (type) {
    case FileType::regular:
      return RecordKind::regular;
    case FileType::directory:
      return RecordKind::directory;
    case FileType::symlink:
      return RecordKind::symlink;
    case FileType::unknown:
    case FileType::fifo:
    case FileType::socket:
    case FileType::character_device:
    case FileType::block_device:
      return RecordKind::special;
  }
  return RecordKind::special;
}

std::uint64_t device_number(DeviceNumber device) {
  return static_cast<std::uint64_t>(::makedev(device.major, device.minor));
}

void fill(Record& record, const FileStat& stat) {
  record.kind = kind_of(stat.type);
  record.mode = kloset::make_file_mode(stat.type, stat.mode);
  record.size = static_cast<std::int64_t>(stat.size);
  record.mod_time = stat.modified;
  record.dev = device_number(stat.device);
  record.ino = stat.inode;
  record.uid = stat.owner.user;
  record.gid = stat.owner.group;
  record.nlink = static_cast<std::uint16_t>(stat.link_count);
}

Record error_record(std::string path, const Error& error) {
  Record record;
  record.kind = RecordKind::error;
  record.path = std::move(path);
  record.error = error.message();
  return record;
}

class FileReader final : public kloset::ContentReader {
 public:
  FileReader(File file, flow::CancelToken cancel)
      : file_(std::move(file)), cancel_(std::move(cancel)) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    PLK_TRY(cancel_.check());
    const std::size_t got = PLK_TRY(file_.read_at(offset_, out));
    offset_ += got;
    return got;
  }

 private:
  File file_;
  flow::CancelToken cancel_;
  std::uint64_t offset_ = 0;
};

class FsSource final : public kloset::Source {
 public:
  FsSource(Env env, FsSourceOptions options, std::unique_ptr<OwnerNames> names,
           flow::CancelToken cancel)
      : files_(env.files),
        options_(std::move(options)),
        names_(std::move(names)),
        cancel_(std::move(cancel)) {}

  kloset::SourceIdentity identity() const override {
    return {.type = "fs", .origin = options_.origin, .root = options_.root};
  }
  kloset::SourceTraits traits() const override {
    return {.sequential = false, .local = true, .mergeable = true, .concurrency = 4};
  }

  Status ping() override {
    PLK_TRY(files_.stat(options_.root));
    return {};
  }

  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    kloset::SourceEstimate sum;
    std::deque<std::string> directories;
    const auto count = [&](const FileStat& stat, std::string path) {
      ++sum.items;
      if (stat.type == FileType::regular) sum.bytes += stat.size;
      if (stat.type == FileType::directory) directories.push_back(std::move(path));
    };
    std::string root = options_.root;
    const FileStat top = PLK_TRY(files_.stat(root, Follow::yes));
    const DeviceNumber device = top.device;
    count(top, root);
    while (!directories.empty()) {
      PLK_TRY(cancel_.check());
      const std::string path = std::move(directories.back());
      directories.pop_back();
      const auto directory = open_directory(files_, path, path == root);
      if (!directory) continue;  // The scan reports it.
      DirectoryBatch batch;
      for (auto more = directory->read_directory(batch); more && *more;
           more = directory->read_directory(batch)) {
        for (const DirectoryEntry entry : batch) {
          const auto stat = files_.stat({*directory, entry.name});
          if (!stat) continue;
          std::string child = kloset::join(path, entry.name);
          const bool is_directory = stat->type == FileType::directory;
          if (is_excluded(child, is_directory)) continue;
          if (is_directory && options_.stay_on_file_system && stat->device != device) {
            ++sum.items;
            continue;
          }
          count(*stat, std::move(child));
        }
      }
    }
    return std::optional(sum);
  }

  Result<bool> next(std::vector<Record>& batch) override {
    batch.clear();
    PLK_TRY(cancel_.check());
    if (!started_) {
      started_ = true;
      PLK_TRY(start());
    }
    while (ready_.empty() && !directories_.empty()) {
      PLK_TRY(cancel_.check());
      std::string path = std::move(directories_.back());
      directories_.pop_back();
      scan_directory(path);
    }
    while (!ready_.empty() && batch.size() < batch_size_max) {
      Record& record = batch.emplace_back(std::move(ready_.front()));
      ready_.pop_front();
      record.id = ++last_id_;
      // Read here and not when the directory is listed: one batch's worth in memory at a time.
      complete(record);
      std::move(late_.begin(), late_.end(), std::back_inserter(batch));
      late_.clear();
    }
    return !batch.empty();
  }

  Result<std::unique_ptr<kloset::ContentReader>> open(const Record& record) override {
    PLK_TRY(cancel_.check());
    const PlaceInDirectory place = PLK_TRY(locate(files_, record.path));
    // Not waiting, in case a fifo has taken the file's place, and not following a link that has.
    File file = PLK_TRY(
        files_.open(place.at(), {.follow = false, .keep_access_time = true, .nonblocking = true}));
    const FileStat stat = PLK_TRY(file.stat());
    if (stat.type != FileType::regular || stat.inode != record.ino ||
        device_number(stat.device) != record.dev) {
      return Error(Errc::conflict,
                   "open " + escape(record.path) + ": it was replaced by something else meanwhile");
    }
    if (stat.size >= read_ahead_bytes_min) {
      file.advise(Advice::sequential, {.offset = 0, .length = stat.size});
    }
    return std::unique_ptr<kloset::ContentReader>(
        std::make_unique<FileReader>(std::move(file), cancel_));
  }

 private:
  bool is_excluded(std::string_view path, bool is_directory) const {
    return options_.excluded && options_.excluded(path, is_directory);
  }

  // The ancestors and the root itself. A root that does not exist is the end of the backup.
  Status start() {
    const FileStat root = PLK_TRY(files_.stat(options_.root));
    add_ancestors(options_.root);
    add_root(options_.root, root);
    if (root.type != FileType::symlink) return {};
    // One level: what it points to is walked, unless that is another link.
    const std::string target = PLK_TRY(files_.read_link(options_.root));
    const std::string resolved = clean(
        target.starts_with("/") ? target
                                : std::string(kloset::parent_of(options_.root)) + "/" + target);
    const auto found = files_.find(resolved);
    if (!found || !*found) return {};  // It dangles, and is recorded as it is.
    add_ancestors(resolved);
    add_root(resolved, **found);
    return {};
  }

  void add_ancestors(const std::string& path) {
    std::vector<std::string> ancestors;
    for (std::string at = path; at != "/";) {
      at = kloset::parent_of(at);
      ancestors.push_back(at);
    }
    std::reverse(ancestors.begin(), ancestors.end());
    for (std::string& ancestor : ancestors) {
      if (!seen_ancestors_.insert(ancestor).second) continue;
      Record record;
      record.path = ancestor;
      const auto stat = files_.stat(ancestor, Follow::yes);
      if (stat) {
        fill(record, *stat);
      } else {
        ready_.push_back(error_record(ancestor, stat.error()));
        record.kind = RecordKind::directory;
        record.mode = kloset::make_file_mode(FileType::directory, 0755);
      }
      ready_.push_back(std::move(record));
    }
  }

  void add_root(const std::string& path, const FileStat& stat) {
    device_ = stat.device;
    Record record;
    record.path = path;
    fill(record, stat);
    record.username = names_->user(record.uid);
    record.groupname = names_->group(record.gid);
    if (record.kind == RecordKind::directory) directories_.push_back(path);
    if (path == "/") seen_ancestors_.insert(path);
    ready_.push_back(std::move(record));
  }

  static std::string clean(std::string_view path) {
    std::vector<std::string_view> names;
    while (!path.empty()) {
      const std::string_view name = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(name.size() + 1, path.size()));
      if (name.empty() || name == ".") continue;
      if (name != "..") {
        names.push_back(name);
      } else if (!names.empty()) {
        names.pop_back();
      }
    }
    std::string out;
    for (const std::string_view name : names) out.append("/").append(name);
    return out.empty() ? "/" : out;
  }

  void scan_directory(const std::string& path) {
    auto directory = open_directory(files_, path, false);
    if (!directory) {
      ready_.push_back(error_record(path, directory.error()));
      return;
    }
    auto entries = list_directory(files_, {*directory, "."});
    if (!entries) {
      ready_.push_back(error_record(path, entries.error()));
      return;
    }
    std::vector<std::string> below;
    for (const OwnedDirectoryEntry& entry : *entries) {
      std::string child = kloset::join(path, entry.name);
      const auto stat = files_.stat({*directory, entry.name});
      if (!stat) {
        if (!is_excluded(child, false)) ready_.push_back(error_record(child, stat.error()));
        continue;
      }
      const bool is_directory = stat->type == FileType::directory;
      if (is_excluded(child, is_directory)) continue;
      Record& record = ready_.emplace_back();
      fill(record, *stat);
      record.username = names_->user(record.uid);
      record.groupname = names_->group(record.gid);
      // A mount point is recorded, what is mounted there is another file system.
      if (is_directory && !(options_.stay_on_file_system && stat->device != device_)) {
        below.push_back(child);
      }
      record.path = std::move(child);
    }
    // The first one is taken next.
    std::move(below.rbegin(), below.rend(), std::back_inserter(directories_));
  }

  // What takes a call or two more for each entry. Failures become records behind it.
  void complete(Record& record) {
    if (record.kind == RecordKind::error || record.path == "/") return;
    if (seen_ancestors_.contains(record.path)) return;
    if (record.kind != RecordKind::symlink && !options_.xattrs) return;
    const auto directory = parent_directory(record.path);
    if (!directory) {
      late_.push_back(error_record(record.path, directory.error()));
      return;
    }
    const At at{**directory, kloset::name_of(record.path)};
    if (record.kind == RecordKind::symlink) {
      auto target = files_.read_link(at);
      if (!target) {
        record = error_record(record.path, target.error());
        return;
      }
      record.target = *std::move(target);
    }
    if (options_.xattrs) read_xattrs(record, at);
  }

  // Opened once for all the entries of a directory, which come one after the other.
  Result<const File*> parent_directory(std::string_view path) {
    const std::string_view parent = kloset::parent_of(path);
    if (!parent_ || parent_path_ != parent) {
      parent_ = PLK_TRY(open_directory(files_, parent, true));
      parent_path_ = parent;
    }
    return &parent_;
  }

  void read_xattrs(Record& record, At at) {
    auto names = files_.list_xattrs(at);
    if (!names) {
      if (names.error().code() != Errc::unsupported) {
        late_.push_back(error_record(record.path, names.error()));
      }
      return;
    }
    std::sort(names->begin(), names->end());
    for (std::string& name : *names) {
      auto value = files_.read_xattr(at, name);
      if (!value) {
        late_.push_back(error_record(record.path, value.error()));
        continue;
      }
      record.attributes.push_back({.name = std::move(name), .value = *std::move(value)});
    }
  }

  const FileSystem& files_;
  FsSourceOptions options_;
  std::unique_ptr<OwnerNames> names_;
  flow::CancelToken cancel_;
  bool started_ = false;
  std::uint64_t last_id_ = 0;
  DeviceNumber device_;
  std::set<std::string> seen_ancestors_;
  std::string parent_path_;
  File parent_;                           // at parent_path_, if it is open
  std::vector<std::string> directories_;  // to be scanned, the next one last
  std::deque<Record> ready_;
  std::vector<Record> late_;
};

}  // namespace

std::unique_ptr<OwnerNames> system_owner_names() { return std::make_unique<SystemOwnerNames>(); }

std::unique_ptr<kloset::Source> make_fs_source(Env env, FsSourceOptions options,
                                               std::unique_ptr<OwnerNames> names,
                                               flow::CancelToken cancel) {
  return std::make_unique<FsSource>(env, std::move(options), std::move(names), std::move(cancel));
}

}  // namespace plakar::connectors
