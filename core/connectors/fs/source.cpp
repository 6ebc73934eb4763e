#include "core/connectors/fs/source.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/connectors/fs/internal/file_reader.h"
#include "core/connectors/fs/internal/tree_walk.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

using kloset::Record;
using kloset::RecordKind;

constexpr std::size_t batch_size_max = 256;

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

// What of a walk is wanted.
class Selection {
 public:
  Selection(const FsSourceOptions& options, std::set<FileIdentity> left_out, DeviceNumber device)
      : options_(options), left_out_(std::move(left_out)), device_(device) {}

  bool wants(const std::string& path, const FileStat& stat) const {
    return !options_.excluded || !options_.excluded(path, stat.type == FileType::directory);
  }
  // A mount point is recorded; what is mounted there is another file system.
  bool enters(const FileStat& stat) const {
    return stat.type == FileType::directory &&
           (!options_.stay_on_file_system || stat.device == device_);
  }
  bool is_left_out(const FileStat& stat) const {
    return !left_out_.empty() && left_out_.contains(identity_of(stat));
  }
  void tell_left_out(const std::string& path) const {
    if (options_.on_left_out) options_.on_left_out(path);
  }

 private:
  const FsSourceOptions& options_;
  const std::set<FileIdentity> left_out_;
  const DeviceNumber device_;
};

// Makes records, without the names of owners.
class Recorder {
 public:
  Recorder(const FileSystem& files, bool xattrs) : files_(files), xattrs_(xattrs) {}

  // With what takes a call or two more for each entry. An attribute that cannot be read is an error
  // beside the record, a target in its place.
  void record(std::string path, const FileStat& stat, At at, std::vector<Record>& records) const {
    Record record = record_of(std::move(path), stat);
    if (record.kind == RecordKind::symlink) {
      auto target = files_.read_link(at);
      if (!target) {
        records.push_back(error_record(std::move(record.path), target.error()));
        return;
      }
      record.target = *std::move(target);
    }
    const std::size_t place = records.size();
    records.push_back(std::move(record));
    if (xattrs_) read_xattrs(place, at, records);
  }

 private:
  void read_xattrs(std::size_t place, At at, std::vector<Record>& records) const {
    auto names = files_.list_xattrs(at);
    if (!names) {
      if (names.error().code() != Errc::unsupported) {
        records.push_back(error_record(records[place].path, names.error()));
      }
      return;
    }
    std::sort(names->begin(), names->end());
    for (std::string& name : *names) {
      auto value = files_.read_xattr(at, name);
      if (value) {
        records[place].attributes.push_back({.name = std::move(name), .value = *std::move(value)});
      } else if (value.error().code() != Errc::not_found) {  // It may have been removed since.
        records.push_back(error_record(records[place].path, value.error()));
      }
    }
  }

  const FileSystem& files_;
  const bool xattrs_;
};

class RecordingVisitor final : public TreeVisitor {
 public:
  // `known`: the paths that were recorded before.
  RecordingVisitor(const Recorder& recorder, Selection selection, std::set<std::string> known)
      : recorder_(recorder), selection_(std::move(selection)), known_(std::move(known)) {}

  bool visit(std::string path, const Result<FileStat>& stat, At at,
             std::vector<Record>& records) override {
    if (!selection_.wants(path, stat ? *stat : FileStat())) return false;
    if (stat && selection_.is_left_out(*stat)) {
      selection_.tell_left_out(path);
      return false;
    }
    if (!stat) {
      records.push_back(error_record(std::move(path), stat.error()));
      return false;
    }
    // A link's target may have been recorded as one of its ancestors, or be one itself.
    if (!known_.contains(path)) recorder_.record(std::move(path), *stat, at, records);
    return selection_.enters(*stat);
  }
  void fail(std::string path, const Error& error, std::vector<Record>& records) override {
    records.push_back(error_record(std::move(path), error));
  }

 private:
  const Recorder& recorder_;
  const Selection selection_;
  const std::set<std::string> known_;
};

class CountingVisitor final : public TreeVisitor {
 public:
  explicit CountingVisitor(Selection selection) : selection_(std::move(selection)) {}

  bool visit(std::string path, const Result<FileStat>& stat, At, std::vector<Record>&) override {
    if (!selection_.wants(path, stat ? *stat : FileStat())) return false;
    if (stat && selection_.is_left_out(*stat)) return false;
    ++items;
    if (!stat) return false;
    if (stat->type == FileType::regular) bytes += stat->size;
    return selection_.enters(*stat);
  }
  void fail(std::string, const Error&, std::vector<Record>&) override { ++items; }

  std::atomic<std::uint64_t> items = 0;
  std::atomic<std::uint64_t> bytes = 0;

 private:
  const Selection selection_;
};

class FsSource final : public kloset::Source {
 public:
  FsSource(Env env, FsSourceOptions options, std::unique_ptr<OwnerNames> names,
           flow::CancelToken cancel)
      : files_(env.files),
        options_(std::move(options)),
        names_(std::move(names)),
        cancel_(std::move(cancel)),
        recorder_(files_, options_.xattrs) {}

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
    Selection selection = PLK_TRY(make_selection(roots.back()));
    const bool is_walked = is_entered(selection, roots.back());
    CountingVisitor counter(std::move(selection));
    if (is_walked) {
      TreeWalk walk(files_, counter, roots.back().path, identity_of(roots.back().stat), cancel_);
      std::vector<Record> none;
      PLK_TRY(walk.next(none, batch_size_max));  // To its end: it finds no records.
    }
    sum.items += counter.items;
    sum.bytes += counter.bytes;
    return std::optional(sum);
  }

  Result<bool> next(std::vector<Record>& batch) override {
    batch.clear();
    PLK_TRY(cancel_.check());
    if (visitor_ == nullptr) PLK_TRY(start());
    if (!top_records_.empty()) {
      batch = std::exchange(top_records_, {});
    } else if (walk_ == nullptr || !PLK_TRY(walk_->next(batch, batch_size_max))) {
      return false;
    } else {
      for (Record& record : batch) add_names(record);
    }
    for (Record& record : batch) record.id = ++last_id_;
    return true;
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
    // Since it was recorded: its entry is to say when the content was that.
    const FileVersion recorded{.size = static_cast<std::uint64_t>(record.size),
                               .modified = record.mod_time,
                               .changed = stat.changed};
    return make_file_reader(std::move(file), stat, recorded, cancel_);
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

  Result<Selection> make_selection(const Root& root) const {
    std::set<FileIdentity> left_out;
    for (const std::string& path : options_.left_out) {
      const auto found = PLK_TRY(files_.find(path, Follow::yes));
      if (found) left_out.insert(identity_of(*found));
    }
    return Selection(options_, std::move(left_out), root.stat.device);
  }

  static bool is_entered(const Selection& selection, const Root& root) {
    return root.stat.type == FileType::directory && !selection.is_left_out(root.stat);
  }

  Status start() {
    const auto roots = PLK_TRY(find_roots());
    std::set<std::string> known;
    for (const Root& root : roots) {
      add_ancestors(root.path, known);
      // "/" is the ancestor of any link's target, so it may have been recorded.
      if (known.insert(root.path).second) add_root(root);
    }
    Selection selection = PLK_TRY(make_selection(roots.back()));
    const bool is_walked = is_entered(selection, roots.back());
    if (selection.is_left_out(roots.back().stat)) selection.tell_left_out(roots.back().path);
    visitor_ =
        std::make_unique<RecordingVisitor>(recorder_, std::move(selection), std::move(known));
    if (is_walked) {
      walk_ = std::make_unique<TreeWalk>(files_, *visitor_, roots.back().path,
                                         identity_of(roots.back().stat), cancel_);
    }
    return {};
  }

  void add_root(const Root& root) {
    const std::string parent(kloset::parent_of(root.path));
    const std::string name = root.path == "/" ? "." : std::string(kloset::name_of(root.path));
    const std::size_t place = top_records_.size();
    const auto directory = open_directory(files_, parent, true);
    if (directory) {
      recorder_.record(root.path, root.stat, {*directory, name}, top_records_);
    } else {
      top_records_.push_back(record_of(root.path, root.stat));
      top_records_.push_back(error_record(root.path, directory.error()));
    }
    add_names(top_records_[place]);
  }

  // The directories above, as they are found through links.
  void add_ancestors(const std::string& path, std::set<std::string>& known) {
    std::vector<std::string> ancestors;
    for (std::string at = path; at != "/";) {
      at = kloset::parent_of(at);
      ancestors.push_back(at);
    }
    std::reverse(ancestors.begin(), ancestors.end());
    for (std::string& ancestor : ancestors) {
      if (!known.insert(ancestor).second) continue;
      const auto stat = files_.stat(ancestor, Follow::yes);
      if (!stat) top_records_.push_back(error_record(ancestor, stat.error()));
      FileStat unknown;
      unknown.type = FileType::directory;
      unknown.mode = 0755;
      unknown.modified = {.seconds = 0, .nanoseconds = 0};
      top_records_.push_back(record_of(std::move(ancestor), stat ? *stat : unknown));
    }
  }

  void add_names(Record& record) {
    if (record.kind == RecordKind::error) return;
    record.username = names_->user(record.uid);
    record.groupname = names_->group(record.gid);
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

  const Recorder recorder_;
  std::vector<Record> top_records_;            // the root's and those above, until handed out
  std::unique_ptr<RecordingVisitor> visitor_;  // once the scan has begun
  std::unique_ptr<TreeWalk> walk_;             // null if there is nothing to enter
  std::uint64_t last_id_ = 0;
};

}  // namespace

std::unique_ptr<kloset::Source> make_fs_source(Env env, FsSourceOptions options,
                                               std::unique_ptr<OwnerNames> names,
                                               flow::CancelToken cancel) {
  return std::make_unique<FsSource>(env, std::move(options), std::move(names), std::move(cancel));
}

}  // namespace plakar::connectors
