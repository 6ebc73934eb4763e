#include "core/connectors/fs/source.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/connectors/fs/internal/tree_walk.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

using kloset::Record;
using kloset::RecordKind;

constexpr std::size_t batch_size_max = 256;
// Of less, the kernel reads all ahead by itself.
constexpr std::uint64_t read_ahead_bytes_min = 256 * 1024;
// Between two looks at the token while counting.
constexpr std::uint64_t items_between_checks = 256;

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

Record record_of(std::string path, const FileStat& stat) {
  Record record;
  record.path = std::move(path);
  record.kind = kind_of(stat.type);
  record.mode = kloset::make_file_mode(stat.type, stat.mode);
  record.size = static_cast<std::int64_t>(stat.size);
  record.mod_time = stat.modified;
  record.dev = device_number(stat.device);
  record.ino = stat.inode;
  record.uid = stat.owner.user;
  record.gid = stat.owner.group;
  record.nlink = static_cast<std::uint16_t>(stat.link_count);
  return record;
}

Record error_record(std::string path, const Error& error) {
  Record record;
  record.kind = RecordKind::error;
  record.path = std::move(path);
  record.error = error.message();
  return record;
}

// What a link in `directory` leads to, without looking: absolute and clean.
std::string resolve(std::string_view directory, std::string_view target) {
  const std::string path = target.starts_with('/')
                               ? std::string(target)
                               : std::string(directory) + "/" + std::string(target);
  std::vector<std::string_view> names;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
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

class FileReader final : public kloset::ContentReader {
 public:
  FileReader(File file, flow::CancelToken cancel)
      : file_(std::move(file)), cancel_(std::move(cancel)) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    if (failed_) return Error(Errc::io, "read " + escape(file_.name()) + ": it failed before");
    PLK_TRY(cancel_.check());
    auto got = file_.read_at(offset_, out);
    failed_ = !got;
    if (got) offset_ += *got;
    return got;
  }

 private:
  File file_;
  flow::CancelToken cancel_;
  std::uint64_t offset_ = 0;
  bool failed_ = false;
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

  // That it can be listed, if it is a directory.
  Status ping() override {
    PLK_TRY(cancel_.check());
    const FileStat root = PLK_TRY(files_.stat(options_.root, Follow::yes));
    if (root.type != FileType::directory) return {};
    const File directory = PLK_TRY(open_directory(files_, options_.root, true));
    DirectoryBatch batch(4096);
    PLK_TRY(directory.read_directory(batch));
    return {};
  }

  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    const auto roots = PLK_TRY(find_roots());
    kloset::SourceEstimate sum;
    for (const Root& root : roots) {
      ++sum.items;
      if (root.stat.type == FileType::regular) sum.bytes += root.stat.size;
    }
    const Root& last = roots.back();
    TreeWalk walk = PLK_TRY(make_walk(last));
    for (TreeWalk::Item item; walk.next(item);) {
      if (sum.items % items_between_checks == 0) PLK_TRY(cancel_.check());
      ++sum.items;
      if (item.stat && item.stat->type == FileType::regular) sum.bytes += item.stat->size;
    }
    return std::optional(sum);
  }

  Result<bool> next(std::vector<Record>& batch) override {
    batch.clear();
    PLK_TRY(cancel_.check());
    if (!walk_) PLK_TRY(start());
    TreeWalk::Item item;
    while (batch.size() < batch_size_max) {
      if (ready_.empty()) {
        if (!walk_->next(item)) break;
        add(item);
        continue;
      }
      batch.push_back(std::move(ready_.front()));
      ready_.pop_front();
      batch.back().id = ++last_id_;
    }
    return !batch.empty();
  }

  Result<std::unique_ptr<kloset::ContentReader>> open(const Record& record) override {
    PLK_TRY(cancel_.check());
    File file = PLK_TRY(open_file(record.path));
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
  struct Root {
    std::string path;
    FileStat stat;
  };

  // The root, and what it points to if it is a link that leads somewhere. The last one is walked.
  // A root that does not exist is the end of the backup.
  Result<std::vector<Root>> find_roots() const {
    std::vector<Root> roots;
    const FileStat stat = PLK_TRY(files_.stat(options_.root));
    roots.push_back({.path = options_.root, .stat = stat});
    if (stat.type != FileType::symlink) return roots;
    const std::string target = PLK_TRY(files_.read_link(options_.root));
    std::string resolved = resolve(kloset::parent_of(options_.root), target);
    const auto found = files_.find(resolved);
    if (found && *found) roots.push_back({.path = std::move(resolved), .stat = **found});
    return roots;
  }

  Result<TreeWalk> make_walk(const Root& root) const {
    std::set<FileIdentity> left_out;
    for (const std::string& path : options_.left_out) {
      const auto found = PLK_TRY(files_.find(path, Follow::yes));
      if (found) left_out.insert(identity_of(*found));
    }
    const bool walked =
        root.stat.type == FileType::directory && !left_out.contains(identity_of(root.stat));
    TreeWalk walk(
        files_,
        [this, left_out = std::move(left_out)](const std::string& path, const FileStat& stat) {
          if (!left_out.empty() && left_out.contains(identity_of(stat))) return false;
          return !options_.excluded || !options_.excluded(path, stat.type == FileType::directory);
        },
        // A mount point is recorded; what is mounted there is another file system.
        [this, device = root.stat.device](const FileStat& stat) {
          return !options_.stay_on_file_system || stat.device == device;
        });
    if (walked) walk.start(root.path, identity_of(root.stat));
    return walk;
  }

  Status start() {
    const auto roots = PLK_TRY(find_roots());
    for (const Root& root : roots) {
      add_ancestors(root.path);
      // "/" is the ancestor of any link's target, so it may have been recorded.
      if (!top_.insert(root.path).second) continue;
      const std::string parent(kloset::parent_of(root.path));
      const std::string name = root.path == "/" ? "." : std::string(kloset::name_of(root.path));
      Record record = named(record_of(root.path, root.stat));
      const auto directory = open_directory(files_, parent, true);
      if (directory) {
        complete(std::move(record), {*directory, name});
      } else {
        ready_.push_back(std::move(record));
        ready_.push_back(error_record(root.path, directory.error()));
      }
    }
    walk_.emplace(PLK_TRY(make_walk(roots.back())));
    return {};
  }

  // The directories above, as they are found through links.
  void add_ancestors(const std::string& path) {
    std::vector<std::string> ancestors;
    for (std::string at = path; at != "/";) {
      at = kloset::parent_of(at);
      ancestors.push_back(at);
    }
    std::reverse(ancestors.begin(), ancestors.end());
    for (std::string& ancestor : ancestors) {
      if (!top_.insert(ancestor).second) continue;
      const auto stat = files_.stat(ancestor, Follow::yes);
      if (!stat) ready_.push_back(error_record(ancestor, stat.error()));
      FileStat unknown;
      unknown.type = FileType::directory;
      unknown.mode = 0755;
      unknown.modified = {.seconds = 0, .nanoseconds = 0};
      ready_.push_back(record_of(std::move(ancestor), stat ? *stat : unknown));
    }
  }

  void add(TreeWalk::Item& item) {
    if (!item.stat) {
      ready_.push_back(error_record(std::move(item.path), item.stat.error()));
      return;
    }
    // A link's target may have been recorded as one of its ancestors, or be one itself.
    if (top_.contains(item.path)) return;
    complete(named(record_of(std::move(item.path), *item.stat)), item.at());
  }

  Record named(Record record) {
    record.username = names_->user(record.uid);
    record.groupname = names_->group(record.gid);
    return record;
  }

  // What takes a call or two more for each entry. An attribute that cannot be read is an error
  // beside the record, a target in its place.
  void complete(Record record, At at) {
    if (record.kind == RecordKind::symlink) {
      auto target = files_.read_link(at);
      if (!target) {
        ready_.push_back(error_record(std::move(record.path), target.error()));
        return;
      }
      record.target = *std::move(target);
    }
    const std::size_t place = ready_.size();
    ready_.push_back(std::move(record));
    if (options_.xattrs) read_xattrs(place, at);
  }

  void read_xattrs(std::size_t place, At at) {
    auto names = files_.list_xattrs(at);
    if (!names) {
      if (names.error().code() != Errc::unsupported) {
        ready_.push_back(error_record(ready_[place].path, names.error()));
      }
      return;
    }
    std::sort(names->begin(), names->end());
    for (std::string& name : *names) {
      auto value = files_.read_xattr(at, name);
      if (value) {
        ready_[place].attributes.push_back({.name = std::move(name), .value = *std::move(value)});
      } else if (value.error().code() != Errc::not_found) {  // It may have been removed since.
        ready_.push_back(error_record(ready_[place].path, value.error()));
      }
    }
  }

  // Not waiting, in case a fifo has taken the file's place, and not following a link that has.
  Result<File> open_file(const std::string& path) const {
    constexpr OpenOptions options{.follow = false, .keep_access_time = true, .nonblocking = true};
    if (path.size() < path_bytes_max) return files_.open(path, options);
    const PlaceInDirectory place = PLK_TRY(locate(files_, path));
    return files_.open(place.at(), options);
  }

  const FileSystem& files_;
  const FsSourceOptions options_;
  const std::unique_ptr<OwnerNames> names_;
  const flow::CancelToken cancel_;

  std::optional<TreeWalk> walk_;  // once the scan has begun
  std::set<std::string> top_;     // the paths recorded before the walk
  std::deque<Record> ready_;
  std::uint64_t last_id_ = 0;
};

}  // namespace

std::unique_ptr<kloset::Source> make_fs_source(Env env, FsSourceOptions options,
                                               std::unique_ptr<OwnerNames> names,
                                               flow::CancelToken cancel) {
  return std::make_unique<FsSource>(env, std::move(options), std::move(names), std::move(cancel));
}

}  // namespace plakar::connectors
