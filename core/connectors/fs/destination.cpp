#include "core/connectors/fs/destination.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/beneath.h"
#include "core/connectors/fs/internal/deep_path.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {
namespace {

using kloset::ContentWriter;
using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;

constexpr std::uint32_t private_directory_mode = 0700;
constexpr std::uint32_t private_file_mode = 0600;
// Without permissions of their own.
constexpr std::uint32_t plain_directory_mode = 0750;
constexpr std::uint32_t plain_file_mode = 0640;
constexpr std::uint32_t set_id_bits = 06000;
constexpr std::uint32_t group_bits = 070;
// The largest number that is not the kernel's word for "leave it".
constexpr std::uint64_t owner_id_max = UINT32_MAX - 1;
// What direct writes have to be multiples of, on every device there is.
constexpr std::uint64_t direct_unit = 4096;
// Less is worth no descriptor of its own.
constexpr std::size_t direct_size_min = 1u << 20;
// Metadata that could not be set, to be reported at the end. Where nothing can be set, as on some
// network file systems, there may be as many as entries.
constexpr std::size_t complaint_count_max = 100'000;

constexpr std::string_view access_list_prefix = "system.posix_acl_";
constexpr std::string_view access_list_name = "system.posix_acl_access";

std::string temporary_name(Random& random) {
  std::array<std::byte, 8> digits{};
  random.fill(digits);
  return ".plakar-" + to_hex(digits);
}

// What has a name and no descriptor: links, fifos, sockets. As File, for set_metadata().
class NamedFile {
 public:
  NamedFile(const FileSystem& files, At at) : files_(files), at_(at) {}

  Result<FileStat> stat() const { return files_.stat(at_); }
  Status set_mode(std::uint32_t mode) const { return files_.set_mode(at_, mode); }
  Status set_owner(FileOwner owner) const { return files_.set_owner(at_, owner); }
  Status set_times(const FileTimes& times) const { return files_.set_times(at_, times); }
  Status write_xattr(std::string_view name, BytesView value) const {
    return files_.write_xattr(at_, name, value);
  }

 private:
  const FileSystem& files_;
  At at_;
};

class FsDestination final : public kloset::Destination {
 public:
  FsDestination(Env env, FsDestinationOptions options, flow::CancelToken cancel)
      : random_(env.random),
        files_(env.files),
        options_(std::move(options)),
        cancel_(std::move(cancel)),
        privileged_(::geteuid() == 0) {}

  kloset::DestinationTraits traits() const override {
    return {.concurrency = 4,
            .hardlinks = true,
            .xattrs = true,
            .random_access = true,
            .skips = options_.existing != Existing::replace};
  }
  std::string location() const override { return "fs://" + options_.root; }

  // The nearest directory that exists is where the rest would be made.
  Status ping() override {
    for (std::string path = options_.root;; path = kloset::parent_of(path)) {
      PLK_TRY(cancel_.check());
      const auto found = PLK_TRY(files_.find(path, Follow::yes));
      if (!found) continue;
      if (found->type == FileType::directory) return {};
      return Error(Errc::invalid_argument, escape(path) + " is not a directory");
    }
  }

  Result<std::unique_ptr<ContentWriter>> put(const Record& record) override {
    PLK_TRY(cancel_.check());
    PLK_TRY(ensure_root());
    if (!kloset::is_clean_path(record.path)) {
      return Error(Errc::invalid_argument, escape(record.path) + " leads out of the destination");
    }
    if (record.path == "/") return put_root(record);
    const SharedDirectory parent = PLK_TRY(beneath_->open(kloset::parent_of(record.path)));
    const At at{*parent, kloset::name_of(record.path)};
    if (record.kind == RecordKind::directory) {
      PLK_TRY(put_directory(record, at));
      return nothing_to_write();
    }
    if (PLK_TRY(is_skipped(record, at))) return nothing_to_write();
    switch (record.kind) {
      case RecordKind::regular:
        return start_file(record, parent);
      case RecordKind::symlink:
        PLK_TRY(put_named(record, at, [&](At temporary) {
          return files_.make_symlink(record.target, temporary);
        }));
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
        return Error(Errc::unsupported, escape(record.path) + " is nothing that can be restored");
    }
    return nothing_to_write();
  }

  Status finish(
      const std::function<void(const std::string& path, const Error& error)>& report) override {
    // Each was put after those above it.
    for (auto at = directories_.rbegin(); at != directories_.rend(); ++at) {
      PLK_TRY(cancel_.check());
      finish_directory(*at);
    }
    directories_.clear();
    for (const auto& [path, error] : complaints_) report(path, error);
    if (complaints_left_out_ > 0) {
      report("/", Error(Errc::io, "the metadata of " + std::to_string(complaints_left_out_) +
                                      " more entries could not be set"));
    }
    complaints_.clear();
    complaints_left_out_ = 0;
    return {};
  }

 private:
  struct Directory {
    Record record;
    bool is_new = false;
    std::uint32_t mode_before = 0;  // of one that is not
  };

  // A regular file under way.
  class Writer final : public ContentWriter {
   public:
    Writer(FsDestination& destination, Record record, SharedDirectory parent, std::string temporary,
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
      if (failed_) return earlier_failure();
      PLK_TRY(destination_.cancel_.check());
      const Status written = file_.write_at(size_, bytes);
      failed_ = !written;
      size_ += bytes.size();
      ends_in_hole_ = ends_in_hole_ && bytes.empty();
      return written;
    }

    Status write_zeros(std::uint64_t size) override {
      if (failed_) return earlier_failure();
      PLK_TRY(destination_.cancel_.check());
      size_ += size;
      ends_in_hole_ = ends_in_hole_ || size > 0;
      return {};
    }

    // Pages that are whole go past the page cache, where fresh pages cost more than everything else
    // together; those at the ends, which a neighbour shares, go through it.
    Status write_at(std::uint64_t offset, BytesView bytes) override {
      PLK_TRY(destination_.cancel_.check());
      // Writes behind the end of a file take turns.
      std::call_once(sized_once_, [this] {
        in_any_order_ = true;
        sized_ = file_.truncate(static_cast<std::uint64_t>(record_.size));
      });
      PLK_TRY(sized_);
      const std::uint64_t head =
          std::min<std::uint64_t>((direct_unit - offset % direct_unit) % direct_unit, bytes.size());
      const std::uint64_t whole = (bytes.size() - head) / direct_unit * direct_unit;
      const bool is_aligned =
          reinterpret_cast<std::uintptr_t>(bytes.data() + head) % direct_unit == 0;
      const File* direct = whole >= direct_size_min && is_aligned ? open_direct() : nullptr;
      if (direct == nullptr) return file_.write_at(offset, bytes);
      PLK_TRY(file_.write_at(offset, bytes.first(head)));
      const Status written = direct->write_at(offset + head, bytes.subspan(head, whole));
      if (!written && written.error().code() != Errc::invalid_argument) return written;
      const std::uint64_t done = written ? head + whole : head;
      return file_.write_at(offset + done, bytes.subspan(done));
    }

    Status commit() override {
      if (failed_) return earlier_failure();
      failed_ = true;  // Whatever happens, there is no second time.
      if (ends_in_hole_ && !in_any_order_) PLK_TRY(file_.truncate(size_));
      if (direct_) PLK_TRY(direct_.close());
      destination_.set_metadata(file_, record_);
      PLK_TRY(file_.close());
      PLK_TRY(destination_.publish(*parent_, temporary_, kloset::name_of(record_.path)));
      temporary_.clear();
      if (record_.nlink > 1) destination_.make_linkable(record_.path);
      return {};
    }

   private:
    Error earlier_failure() const {
      return Error(Errc::io, "write " + escape(record_.path) + ": it failed or ended before");
    }

    // Null where the file system cannot.
    const File* open_direct() {
      std::call_once(direct_once_, [this] {
        auto opened = destination_.files_.open(
            {*parent_, temporary_}, {.access = Access::write, .follow = false, .direct = true});
        if (opened) direct_ = *std::move(opened);
      });
      return direct_ ? &direct_ : nullptr;
    }

    FsDestination& destination_;
    const Record record_;
    const SharedDirectory parent_;
    std::string temporary_;  // empty once there is nothing to remove
    File file_;
    std::uint64_t size_ = 0;
    bool ends_in_hole_ = false;
    bool failed_ = false;
    // Of write_at():
    bool in_any_order_ = false;
    std::once_flag sized_once_;
    Status sized_;
    std::once_flag direct_once_;
    File direct_;  // the same file again, once it is needed
  };

  static Result<std::unique_ptr<ContentWriter>> nothing_to_write() {
    return std::unique_ptr<ContentWriter>();
  }

  Status ensure_root() {
    const std::lock_guard guard(mutex_);
    if (beneath_) return {};
    if (!PLK_TRY(files_.find(options_.root, Follow::yes))) {
      PLK_TRY(make_directories(files_, std::string(kloset::parent_of(options_.root)), 0777));
      PLK_TRY(files_.make_directory(options_.root, private_directory_mode));
      root_is_new_ = true;
    }
    beneath_.emplace(files_, PLK_TRY(open_directory(files_, options_.root, true)));
    return {};
  }

  Result<std::unique_ptr<ContentWriter>> put_root(const Record& record) {
    if (record.kind != RecordKind::directory) {
      return Error(Errc::invalid_argument, "the destination itself can only be a directory");
    }
    if (root_is_new_) keep_directory({.record = record, .is_new = true});
    return nothing_to_write();
  }

  bool replaces() const noexcept {
    return options_.existing == Existing::replace || options_.existing == Existing::resume;
  }

  Result<bool> is_skipped(const Record& record, At at) {
    switch (options_.existing) {
      case Existing::replace:
        return false;
      case Existing::resume: {
        if (record.kind != RecordKind::regular) return false;
        const auto found = PLK_TRY(files_.find(at));
        if (!found || !is_restored(record, *found)) return false;
        if (record.nlink > 1) make_linkable(record.path);
        return true;
      }
      case Existing::skip:
      case Existing::fail:
        break;
    }
    if (!PLK_TRY(files_.find(at))) return false;
    if (options_.existing == Existing::skip) return true;
    return Error(Errc::already_exists, escape(at.describe()) + " exists already");
  }

  // Whether this is what an earlier restore has left. The time is set last, before the name.
  bool is_restored(const Record& record, const FileStat& stat) const {
    return stat.type == FileType::regular && stat.size == static_cast<std::uint64_t>(record.size) &&
           record.mod_time != UnixTime() && stat.modified == record.mod_time &&
           stat.mode == (options_.permissions ? kloset::permissions(record.mode) : plain_file_mode);
  }

  void make_linkable(const std::string& path) {
    const std::lock_guard guard(mutex_);
    linkable_.insert(path);
  }

  Status put_directory(const Record& record, At at) {
    Status made = files_.make_directory(at, private_directory_mode);
    if (made) {
      keep_directory({.record = record, .is_new = true});
      return {};
    }
    if (made.error().code() != Errc::already_exists) return made;
    const FileStat stat = PLK_TRY(files_.stat(at));
    // A link in its place may be somebody's way to have the directory on another disk: neither
    // followed nor replaced.
    if (stat.type != FileType::directory) {
      return Error(Errc::already_exists, escape(at.describe()) + " exists and is no directory");
    }
    if (!replaces()) return {};
    // Made read-only by whoever restored it last, perhaps.
    const std::uint32_t usable = stat.mode | private_directory_mode;
    if (usable != stat.mode) PLK_TRY(files_.set_mode(at, usable));
    keep_directory({.record = record, .is_new = false, .mode_before = stat.mode});
    return {};
  }

  void keep_directory(Directory directory) {
    const std::lock_guard guard(mutex_);
    directories_.push_back(std::move(directory));
  }

  void finish_directory(const Directory& directory) {
    const auto opened = beneath_->open(directory.record.path);
    if (!opened) return complain(directory.record.path, opened.error());
    set_metadata(**opened, directory.record,
                 directory.is_new ? std::nullopt : std::optional(directory.mode_before));
  }

  Result<std::unique_ptr<ContentWriter>> start_file(const Record& record,
                                                    const SharedDirectory& parent) {
    std::string temporary = temporary_name(random_);
    File file = PLK_TRY(files_.open({*parent, temporary}, {.access = Access::write,
                                                           .create = Create::always_new,
                                                           .mode = private_file_mode,
                                                           .follow = false}));
    return std::unique_ptr<ContentWriter>(
        std::make_unique<Writer>(*this, record, parent, std::move(temporary), std::move(file)));
  }

  Status put_special(const Record& record, At at) {
    const FileType type = kloset::file_type(record.mode);
    if (type != FileType::fifo && type != FileType::socket) {
      return Error(Errc::unsupported, escape(record.path) +
                                          ": a device cannot be restored, because the format does "
                                          "not hold device numbers");
    }
    return put_named(record, at, [&](At temporary) {
      return files_.make_special(temporary, type, private_file_mode);
    });
  }

  Status put_hardlink(const Record& record, At at) {
    {
      const std::lock_guard guard(mutex_);
      if (!linkable_.contains(record.target)) {
        return Error(Errc::not_found, escape(record.path) +
                                          ": the file that it is another name of, " +
                                          escape(record.target) + ", was not restored");
      }
    }
    const SharedDirectory parent = PLK_TRY(beneath_->open(kloset::parent_of(record.target)));
    const At first{*parent, kloset::name_of(record.target)};
    const std::string temporary = temporary_name(random_);
    PLK_TRY(files_.link(first, {*at.directory(), temporary}));
    const Status published = publish(*at.directory(), temporary, at.path());
    // Also after a success: renaming one name of a file to another of its names does nothing.
    static_cast<void>(files_.remove_file({*at.directory(), temporary}));
    return published;
  }

  // Something without content, made by `make` under a temporary name.
  template <class Make>
  Status put_named(const Record& record, At at, Make make) {
    const std::string name = temporary_name(random_);
    const At temporary{*at.directory(), name};
    PLK_TRY(make(temporary));
    set_metadata(NamedFile(files_, temporary), record);
    return publish(*at.directory(), name, at.path());
  }

  // Gives what is finished its name, or removes it. With Existing::skip, something that has
  // appeared meanwhile is kept.
  Status publish(const File& directory, const std::string& temporary, std::string_view name) {
    const At from{directory, temporary};
    const At to{directory, name};
    Status moved = replaces() ? files_.rename(from, to) : rename_to_new(from, to);
    if (moved) return {};
    static_cast<void>(files_.remove_file(from));
    if (options_.existing == Existing::skip && moved.error().code() == Errc::already_exists) {
      return {};
    }
    return moved;
  }

  Status rename_to_new(At from, At to) {
    Status moved = files_.rename(from, to, Replace::no);
    if (moved || moved.error().code() != Errc::unsupported) return moved;
    // Where no rename refuses to replace, a link does.
    PLK_TRY(files_.link(from, to));
    return files_.remove_file(from);
  }

  bool sets_owners() const noexcept { return options_.owners && privileged_; }

  static Result<FileOwner> owner_of(const Record& record) {
    if (record.uid > owner_id_max || record.gid > owner_id_max) {
      return Error(Errc::unsupported, "owner " + std::to_string(record.uid) + ":" +
                                          std::to_string(record.gid) + " is none on this machine");
    }
    return FileOwner{.user = static_cast<std::uint32_t>(record.uid),
                     .group = static_cast<std::uint32_t>(record.gid)};
  }

  // Owner first, because changing it takes set-id bits and capabilities away; then attributes; then
  // the mode, which is to be what was recorded whatever an access list has made of it; times last.
  // `mode_before` is that of a directory that was there.
  template <class Target>
  void set_metadata(const Target& target, const Record& record,
                    std::optional<std::uint32_t> mode_before = {}) {
    bool has_owner = false;
    if (sets_owners()) {
      const auto owner = owner_of(record);
      has_owner = accept(record, owner ? target.set_owner(*owner) : Status(owner.error()));
    }
    const bool has_access_list = set_attributes(target, record);
    if (record.kind != RecordKind::symlink) {
      accept(record, set_mode(target, record, has_owner, has_access_list, mode_before));
    }
    // A time that the source did not know stays what it is: now.
    if (record.mod_time != UnixTime()) {
      accept(record, target.set_times({.accessed = {}, .modified = record.mod_time}));
    }
  }

  // False: the mode counts on an access list that is not there.
  template <class Target>
  bool set_attributes(const Target& target, const Record& record) {
    bool has_access_list = true;
    for (const auto& [name, value] : record.attributes) {
      const bool is_access_list = name.starts_with(access_list_prefix);
      if (is_access_list && !options_.permissions) continue;
      if (!privileged_ && !is_access_list && !name.starts_with("user.")) continue;
      const bool is_set = accept(record, target.write_xattr(name, value));
      if (!is_set && name == access_list_name) has_access_list = false;
    }
    return has_access_list;
  }

  template <class Target>
  Status set_mode(const Target& target, const Record& record, bool has_owner, bool has_access_list,
                  std::optional<std::uint32_t> mode_before) const {
    const bool is_directory = record.kind == RecordKind::directory;
    if (!options_.permissions) {
      return target.set_mode(
          mode_before.value_or(is_directory ? plain_directory_mode : plain_file_mode));
    }
    std::uint32_t mode = kloset::permissions(record.mode);
    if (!has_access_list) mode &= ~group_bits;
    bool without_set_id = false;
    if (!is_directory && (mode & set_id_bits) != 0 && !has_owner) {
      const FileStat stat = PLK_TRY(target.stat());
      without_set_id = stat.owner.user != record.uid || stat.owner.group != record.gid;
      if (without_set_id) mode &= ~set_id_bits;
    }
    PLK_TRY(target.set_mode(mode));
    if (!without_set_id) return {};
    return Error(Errc::permission_denied,
                 "its set-id bits were left out, because it has another owner now");
  }

  // Whether it succeeded. If not, that is reported at the end.
  bool accept(const Record& record, const Status& status) {
    if (!status) complain(record.path, status.error());
    return status.has_value();
  }

  void complain(const std::string& path, Error error) {
    const std::lock_guard guard(mutex_);
    if (complaints_.size() < complaint_count_max) {
      complaints_.emplace_back(path, std::move(error));
    } else {
      ++complaints_left_out_;
    }
  }

  Random& random_;
  const FileSystem& files_;
  const FsDestinationOptions options_;
  const flow::CancelToken cancel_;
  const bool privileged_;

  std::mutex mutex_;
  // Set by the first put(), and then no more changed.
  std::optional<Beneath> beneath_;
  bool root_is_new_ = false;
  // These guarded by mutex_; finish() is alone.
  std::vector<Directory> directories_;
  std::set<std::string> linkable_;  // committed here, with more names to come
  std::vector<std::pair<std::string, Error>> complaints_;
  std::size_t complaints_left_out_ = 0;
};

}  // namespace

std::unique_ptr<kloset::Destination> make_fs_destination(Env env, FsDestinationOptions options,
                                                         flow::CancelToken cancel) {
  return std::make_unique<FsDestination>(env, std::move(options), std::move(cancel));
}

}  // namespace plakar::connectors
