#include "core/connectors/fs/destination.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;

constexpr std::string_view temporary_prefix = ".plakar-";

std::string temporary_name(Random& random) {
  std::array<std::byte, 8> digits{};
  random.fill(digits);
  return std::string(temporary_prefix) + to_hex(digits);
}

class FsDestination final : public kloset::Destination {
 public:
  FsDestination(Env env, FsDestinationOptions options, flow::CancelToken cancel)
      : env_(env),
        files_(env.files),
        options_(std::move(options)),
        cancel_(std::move(cancel)),
        privileged_(::geteuid() == 0) {}

  kloset::DestinationTraits traits() const override {
    return {.concurrency = 4, .hardlinks = true, .xattrs = true};
  }
  std::string location() const override { return "fs://" + options_.root; }

  Status ping() override {
    // The nearest directory that exists is where the rest would be made.
    std::string path = options_.root;
    for (;;) {
      const auto found = PLK_TRY(files_.find(path, Follow::yes));
      if (found && found->type == FileType::directory) return {};
      if (found) return Error(Errc::invalid_argument, escape(path) + " is not a directory");
      path = kloset::parent_of(path);
    }
  }

  Result<std::unique_ptr<kloset::ContentWriter>> put(const Record& record) override {
    PLK_TRY(cancel_.check());
    PLK_TRY(ensure_root());
    if (record.path == "/") return put_root(record);
    const std::string name(kloset::name_of(record.path));
    const auto parent = PLK_TRY(open_parent(record.path));
    const At at{*parent, name};
    if (record.kind == RecordKind::directory) return put_directory(record, at);
    if (PLK_TRY(is_skipped(at))) return std::unique_ptr<kloset::ContentWriter>();
    switch (record.kind) {
      case RecordKind::regular:
        return start_file(record, parent, name);
      case RecordKind::symlink:
        PLK_TRY(put_symlink(record, at));
        break;
      case RecordKind::special:
        PLK_TRY(put_special(record, at));
        break;
      case RecordKind::hardlink:
        PLK_TRY(put_hardlink(record, at));
        break;
      case RecordKind::directory:
      case RecordKind::error:
      case RecordKind::xattr:
        return Error(Errc::unsupported, escape(record.path) + ": not something to restore");
    }
    return std::unique_ptr<kloset::ContentWriter>();
  }

  Status finish(
      const std::function<void(const std::string& path, const Error& error)>& report) override {
    for (const auto& [path, error] : warnings_) report(path, error);
    // Deepest first: a directory that has lost its write permission takes no more children.
    std::stable_sort(directories_.begin(), directories_.end(), [](const auto& a, const auto& b) {
      return std::count(a.path.begin(), a.path.end(), '/') >
             std::count(b.path.begin(), b.path.end(), '/');
    });
    for (const Record& record : directories_) {
      const auto set = [&]() -> Status {
        const File directory = PLK_TRY(open_beneath(record.path));
        return set_metadata(directory, record);
      };
      if (const Status done = set(); !done) report(record.path, done.error());
    }
    directories_.clear();
    warnings_.clear();
    return {};
  }

 private:
  using Directory = std::shared_ptr<const File>;  // of the cache and who works in it

  // A regular file under way.
  class Writer final : public kloset::ContentWriter {
   public:
    Writer(FsDestination& destination, Record record, Directory parent, std::string temporary,
           File file)
        : destination_(destination),
          record_(std::move(record)),
          parent_(std::move(parent)),
          temporary_(std::move(temporary)),
          file_(std::move(file)) {}
    ~Writer() override {
      if (temporary_.empty()) return;
      static_cast<void>(file_.close());
      static_cast<void>(destination_.files_.remove_file({*parent_, temporary_}));
    }

    Status write(BytesView bytes) override {
      PLK_TRY(destination_.cancel_.check());
      PLK_TRY(file_.write_at(size_, bytes));
      size_ += bytes.size();
      return {};
    }
    Status write_zeros(std::uint64_t size) override {
      size_ += size;
      return {};
    }
    Status commit() override {
      // Also makes a hole at the end part of the file.
      PLK_TRY(file_.truncate(size_));
      PLK_TRY(destination_.set_metadata(file_, record_));
      PLK_TRY(file_.close());
      const std::string name(kloset::name_of(record_.path));
      const bool only_new = destination_.options_.existing == Existing::fail;
      PLK_TRY(destination_.files_.rename({*parent_, temporary_}, {*parent_, name},
                                         only_new ? Replace::no : Replace::yes));
      temporary_.clear();
      return {};
    }

   private:
    FsDestination& destination_;
    Record record_;
    Directory parent_;
    std::string temporary_;  // empty once there is nothing to remove
    File file_;
    std::uint64_t size_ = 0;
  };

  Status ensure_root() {
    const std::lock_guard guard(mutex_);
    if (root_) return {};
    const auto found = PLK_TRY(files_.find(options_.root, Follow::yes));
    if (!found) {
      PLK_TRY(make_directories(files_, options_.root));
      root_is_new_ = true;
    }
    root_ = PLK_TRY(open_directory(files_, options_.root, true));
    return {};
  }

  Result<std::unique_ptr<kloset::ContentWriter>> put_root(const Record& record) {
    const std::lock_guard guard(mutex_);
    if (root_is_new_) directories_.push_back(record);
    return std::unique_ptr<kloset::ContentWriter>();
  }

  // Name by name from the root, following nothing.
  Result<File> open_beneath(std::string_view path) const {
    constexpr OpenOptions options{.follow = false, .directory = true};
    File directory = PLK_TRY(files_.open({root_, "."}, options));
    path.remove_prefix(1);
    while (!path.empty()) {
      const std::string_view name = path.substr(0, path.find('/'));
      path.remove_prefix(std::min(name.size() + 1, path.size()));
      if (!kloset::is_name(name)) {
        return Error(Errc::invalid_argument, "a path that leads out of the destination");
      }
      directory = PLK_TRY(files_.open({directory, name}, options));
    }
    return directory;
  }

  // The children of a directory come together.
  Result<Directory> open_parent(std::string_view path) {
    if (!kloset::is_clean_path(path)) {
      return Error(Errc::invalid_argument, escape(path) + " leads out of the destination");
    }
    const std::string parent(kloset::parent_of(path));
    {
      const std::lock_guard guard(mutex_);
      if (parent_ != nullptr && parent_path_ == parent) return parent_;
    }
    auto opened = std::make_shared<const File>(PLK_TRY(open_beneath(parent)));
    const std::lock_guard guard(mutex_);
    parent_path_ = parent;
    parent_ = opened;
    return opened;
  }

  Result<bool> is_skipped(At at) const {
    if (options_.existing == Existing::replace) return false;
    const auto found = PLK_TRY(files_.find(at));
    if (!found) return false;
    if (options_.existing == Existing::skip) return true;
    return Error(Errc::already_exists, escape(at.describe()) + " exists already");
  }

  Result<std::unique_ptr<kloset::ContentWriter>> put_directory(const Record& record, At at) {
    const Status made = files_.make_directory(at, 0700);
    if (!made) {
      if (made.error().code() != Errc::already_exists) return made.error();
      const FileStat stat = PLK_TRY(files_.stat(at));
      if (stat.type != FileType::directory) {
        return Error(Errc::already_exists, escape(record.path) + " exists and is no directory");
      }
    }
    const std::lock_guard guard(mutex_);
    directories_.push_back(record);
    return std::unique_ptr<kloset::ContentWriter>();
  }

  Result<std::unique_ptr<kloset::ContentWriter>> start_file(const Record& record,
                                                            const Directory& parent,
                                                            const std::string& name) {
    const auto found = PLK_TRY(files_.find({*parent, name}));
    if (found && found->type == FileType::directory) {
      return Error(Errc::already_exists, escape(record.path) + " exists and is a directory");
    }
    std::string temporary = temporary_name(env_.random);
    File file = PLK_TRY(files_.open(
        {*parent, temporary},
        {.access = Access::write, .create = Create::always_new, .mode = 0600, .follow = false}));
    return std::unique_ptr<kloset::ContentWriter>(
        std::make_unique<Writer>(*this, record, parent, std::move(temporary), std::move(file)));
  }

  // What is in the way and may be replaced: anything but a directory.
  Status make_way(At at) {
    const auto found = PLK_TRY(files_.find(at));
    if (!found) return {};
    if (found->type == FileType::directory) {
      return Error(Errc::already_exists, escape(at.describe()) + " exists and is a directory");
    }
    return files_.remove_file(at);
  }

  Status put_symlink(const Record& record, At at) {
    PLK_TRY(make_way(at));
    PLK_TRY(files_.make_symlink(record.target, at));
    return set_metadata_by_name(record, at);
  }

  Status put_special(const Record& record, At at) {
    const FileType type = kloset::file_type(record.mode);
    if (type != FileType::fifo && type != FileType::socket) {
      return Error(Errc::unsupported, escape(record.path) +
                                          ": a device cannot be restored, because stores do not "
                                          "hold device numbers");
    }
    PLK_TRY(make_way(at));
    PLK_TRY(files_.make_special(at, type, kloset::permissions(record.mode) & 0777));
    PLK_TRY(set_metadata_by_name(record, at));
    return {};
  }

  Status put_hardlink(const Record& record, At at) {
    PLK_TRY(make_way(at));
    const auto parent = PLK_TRY(open_beneath(kloset::parent_of(record.target)));
    return files_.link({parent, kloset::name_of(record.target)}, at);
  }

  bool sets_owners() const noexcept { return options_.owners && privileged_; }

  // Of what has no descriptor of its own: links, fifos, sockets. Owner first, because changing
  // it takes special bits away; times last.
  Status set_metadata_by_name(const Record& record, At at) {
    if (sets_owners()) {
      PLK_TRY(files_.set_owner(at, {.user = static_cast<std::uint32_t>(record.uid),
                                    .group = static_cast<std::uint32_t>(record.gid)}));
    }
    if (options_.permissions && record.kind != RecordKind::symlink) {
      PLK_TRY(files_.set_mode(at, kloset::permissions(record.mode)));
    }
    return files_.set_times(at, {.accessed = {}, .modified = record.mod_time});
  }

  Status set_metadata(const File& file, const Record& record) {
    if (sets_owners()) {
      PLK_TRY(file.set_owner({.user = static_cast<std::uint32_t>(record.uid),
                              .group = static_cast<std::uint32_t>(record.gid)}));
    }
    for (const auto& attribute : record.attributes) {
      if (!privileged_ && !attribute.name.starts_with("user.")) continue;
      const Status set = file.write_xattr(attribute.name, attribute.value);
      if (!set) {
        const std::lock_guard guard(mutex_);
        warnings_.emplace_back(record.path, set.error());
      }
    }
    PLK_TRY(file.set_mode(options_.permissions                   ? kloset::permissions(record.mode)
                          : record.kind == RecordKind::directory ? 0755u
                                                                 : 0644u));
    return file.set_times({.accessed = {}, .modified = record.mod_time});
  }

  Env env_;
  const FileSystem& files_;
  FsDestinationOptions options_;
  flow::CancelToken cancel_;
  bool privileged_;

  std::mutex mutex_;
  File root_;  // these guarded by mutex_; the root is not changed once it is open
  bool root_is_new_ = false;
  std::string parent_path_;
  Directory parent_;
  std::vector<Record> directories_;
  std::vector<std::pair<std::string, Error>> warnings_;
};

}  // namespace

std::unique_ptr<kloset::Destination> make_fs_destination(Env env, FsDestinationOptions options,
                                                         flow::CancelToken cancel) {
  return std::make_unique<FsDestination>(env, std::move(options), std::move(cancel));
}

}  // namespace plakar::connectors
