#include "core/connectors/fs/store.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/text.h"
#include "core/base/unix_time.h"
#include "core/connectors/fs/internal/item_file.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;

constexpr std::size_t config_size_max = 32 * 1024;
constexpr std::uint32_t directory_mode = 0700;
constexpr std::string_view temporary_prefix = "tmp.";
constexpr std::chrono::hours temporary_age_max{24};

bool is_item_name(std::string_view name) {
  return name.size() == 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// Packfiles that were read from lately stay open: a restore comes back to the same ones.
class OpenFiles {
 public:
  using Handle = std::shared_ptr<File>;  // also owned by who is reading from it just now

  Handle find(const ItemName& name) {
    const std::lock_guard guard(mutex_);
    const auto found = std::find_if(recent_.begin(), recent_.end(),
                                    [&](const auto& entry) { return entry.first == name; });
    if (found == recent_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found);
    return found->second;
  }
  void keep(const ItemName& name, Handle file) {
    const std::lock_guard guard(mutex_);
    recent_.emplace_front(name, std::move(file));
    if (recent_.size() > count_max) recent_.pop_back();
  }
  void forget(const ItemName& name) {
    const std::lock_guard guard(mutex_);
    recent_.remove_if([&](const auto& entry) { return entry.first == name; });
  }

 private:
  static constexpr std::size_t count_max = 32;

  std::mutex mutex_;
  std::list<std::pair<ItemName, Handle>> recent_;  // guarded by mutex_
};

class FsStore final : public kloset::Store {
 public:
  FsStore(Env env, std::string path, flow::CancelToken cancel)
      : env_(env), files_(env.files), path_(std::move(path)), cancel_(std::move(cancel)) {}

  kloset::StoreTraits traits() const override { return {.local_path = path_}; }
  std::string location() const override { return "fs://" + path_; }

  Status create(BytesView config) override {
    PLK_TRY(cancel_.check());
    PLK_TRY(check_creatable());
    PLK_TRY(make_directories(files_, path_, directory_mode));
    for (const char* name : {"packfiles", "states"}) {
      const std::string directory = path_ + "/" + name;
      PLK_TRY(make_directory(directory));
      for (int bucket = 0; bucket < 256; ++bucket) {
        const std::array byte{static_cast<std::byte>(bucket)};
        PLK_TRY(make_directory(directory + "/" + to_hex(byte)));
      }
      PLK_TRY(sync_directory(files_, directory));
    }
    PLK_TRY(make_directory(path_ + "/locks"));
    auto file = PLK_TRY(ItemFile::create(env_, path_, config.size()));
    PLK_TRY(file->write(config));
    PLK_TRY(file->publish(path_, path_ + "/CONFIG", PutMode::if_absent));
    return sync_directory(files_, parent_directory());
  }

  Result<Bytes> load_config() override {
    PLK_TRY(cancel_.check());
    return read_file(files_, path_ + "/CONFIG", config_size_max);
  }

  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    const std::string root = kind_directory(kind);
    auto entries = list_directory(files_, root);
    // Genuine stores have the directory from the start; one that lost an empty one has no items.
    if (!entries && entries.error().code() == Errc::not_found) return {};
    if (!entries) return std::move(entries).error();
    for (const OwnedDirectoryEntry& entry : *entries) {
      PLK_TRY(cancel_.check());
      const std::string path = root + "/" + entry.name;
      const FileType type = PLK_TRY(type_of(entry, path));
      if (type == FileType::regular && is_item_name(entry.name)) {
        PLK_TRY(visit_item(entry.name, visit));
      } else if (type == FileType::directory && kind != ItemKind::lock) {
        PLK_TRY(list_bucket(path, visit));
      }
    }
    return {};
  }

  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override {
    PLK_TRY(cancel_.check());
    const FileStat stat = PLK_TRY(files_.stat(item_path(kind, name)));
    return stat.size;
  }

  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override {
    PLK_TRY(cancel_.check());
    if (kind != ItemKind::packfile) {
      const File file = PLK_TRY(files_.open(item_path(kind, name)));
      return file.read_up_to(offset, out);
    }
    OpenFiles::Handle file = open_files_.find(name);
    if (file == nullptr) {
      file = std::make_shared<File>(PLK_TRY(files_.open(item_path(kind, name))));
      open_files_.keep(name, file);
    }
    return file->read_up_to(offset, out);
  }

  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override {
    PLK_TRY(cancel_.check());
    auto file = PLK_TRY(ItemFile::create(env_, temporary_directory(kind), bytes.size()));
    PLK_TRY(file->write(bytes));
    return publish(*file, kind, name, mode);
  }

  Result<std::unique_ptr<kloset::ItemWriter>> start(ItemKind kind,
                                                    std::uint64_t size_hint) override {
    PLK_TRY(cancel_.check());
    remove_old_temporaries(kind);
    auto file = PLK_TRY(ItemFile::create(env_, temporary_directory(kind), size_hint));
    return std::unique_ptr<kloset::ItemWriter>(
        std::make_unique<Writer>(*this, kind, std::move(file)));
  }

  Status remove(ItemKind kind, const ItemName& name) override {
    // Not refused after a cancel: taking one's own lock away is part of stopping.
    if (kind == ItemKind::packfile) open_files_.forget(name);
    Status removed = files_.remove_file(item_path(kind, name));
    if (!removed && removed.error().code() == Errc::not_found) return {};
    return removed;
  }

  Status ping() override {
    const FileStat stat = PLK_TRY(files_.stat(path_, Follow::yes));
    if (stat.type == FileType::directory) return {};
    return Error(Errc::invalid_argument, escape(path_) + " is not a directory");
  }

  Result<std::optional<std::uint64_t>> used_bytes() override {
    std::uint64_t sum = 0;
    for (const ItemKind kind : {ItemKind::packfile, ItemKind::state}) {
      PLK_TRY(list(kind, [&](const ItemInfo& item) -> Status {
        const auto found = size(kind, item.name);
        if (found) sum += *found;  // It may have been removed meanwhile.
        return {};
      }));
    }
    return std::optional(sum);
  }

 private:
  class Writer final : public kloset::ItemWriter {
   public:
    Writer(FsStore& store, ItemKind kind, std::unique_ptr<ItemFile> file)
        : store_(store), kind_(kind), file_(std::move(file)) {}

    Status write(BytesView bytes) override {
      PLK_TRY(store_.cancel_.check());
      return file_->write(bytes);
    }
    Status commit(const ItemName& name) override {
      PLK_TRY(store_.cancel_.check());
      return store_.publish(*file_, kind_, name, PutMode::replace);
    }

   private:
    FsStore& store_;
    ItemKind kind_;
    std::unique_ptr<ItemFile> file_;
  };

  std::string kind_directory(ItemKind kind) const {
    switch (kind) {
      case ItemKind::packfile:
        return path_ + "/packfiles";
      case ItemKind::state:
        return path_ + "/states";
      case ItemKind::lock:
        return path_ + "/locks";
    }
    return path_;
  }

  std::string temporary_directory(ItemKind kind) const {
    return kind == ItemKind::lock ? path_ : kind_directory(kind);
  }

  std::string item_path(ItemKind kind, const ItemName& name) const {
    const std::string hex = name.hex();
    if (kind == ItemKind::lock) return kind_directory(kind) + "/" + hex;
    return kind_directory(kind) + "/" + hex.substr(0, 2) + "/" + hex;
  }

  std::string parent_directory() const {
    const std::size_t slash = path_.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path_.substr(0, slash);
  }

  // Absent, empty, or what a creation that was cut off left: our directories without items.
  Status check_creatable() {
    const auto entries = list_directory(files_, path_);
    if (!entries && entries.error().code() == Errc::not_found) return {};
    if (!entries) return Error(entries.error());
    const Error not_empty(Errc::already_exists, "directory " + escape(path_) + " is not empty");
    for (const OwnedDirectoryEntry& entry : *entries) {
      const bool ours = entry.name == "packfiles" || entry.name == "states" ||
                        entry.name == "locks" || entry.name.starts_with(temporary_prefix);
      if (!ours) return not_empty;
    }
    for (const ItemKind kind : {ItemKind::packfile, ItemKind::state, ItemKind::lock}) {
      PLK_TRY(list(kind, [&](const ItemInfo&) -> Status { return not_empty; }));
    }
    return {};
  }

  Status make_directory(const std::string& path) {
    Status made = files_.make_directory(path, directory_mode);
    if (!made && made.error().code() == Errc::already_exists) return {};
    return made;
  }

  // A bucket that is missing is made: somebody may have tidied up empty directories.
  Status publish(ItemFile& file, ItemKind kind, const ItemName& name, PutMode mode) {
    const std::string path = item_path(kind, name);
    const std::string directory = path.substr(0, path.rfind('/'));
    PLK_TRY(make_directory(directory));
    if (kind == ItemKind::packfile) open_files_.forget(name);
    return file.publish(directory, path, mode);
  }

  Result<FileType> type_of(const OwnedDirectoryEntry& entry, const std::string& path) {
    if (entry.type != FileType::unknown) return entry.type;
    const auto stat = PLK_TRY(files_.find(path));
    return stat ? stat->type : FileType::unknown;
  }

  Status list_bucket(const std::string& path, const std::function<Status(const ItemInfo&)>& visit) {
    for (const OwnedDirectoryEntry& entry : PLK_TRY(list_directory(files_, path))) {
      if (!is_item_name(entry.name)) continue;
      const FileType type = PLK_TRY(type_of(entry, path + "/" + entry.name));
      if (type == FileType::regular) PLK_TRY(visit_item(entry.name, visit));
    }
    return {};
  }

  static Status visit_item(std::string_view hex,
                           const std::function<Status(const ItemInfo&)>& visit) {
    return visit({.name = PLK_TRY(ItemName::parse(hex)), .size = std::nullopt});
  }

  // Once, best effort: what is this old belongs to a writer that is no more.
  void remove_old_temporaries(ItemKind kind) {
    {
      const std::lock_guard guard(tidied_mutex_);
      if (std::exchange(tidied_[static_cast<std::size_t>(kind)], true)) return;
    }
    const std::string directory = temporary_directory(kind);
    const auto entries = list_directory(files_, directory);
    if (!entries) return;
    const WallTime oldest = env_.clock.wall() - temporary_age_max;
    for (const OwnedDirectoryEntry& entry : *entries) {
      if (!entry.name.starts_with(temporary_prefix)) continue;
      const std::string path = directory + "/" + entry.name;
      const auto stat = files_.stat(path);
      if (stat && stat->type == FileType::regular && to_wall_time(stat->modified) < oldest) {
        static_cast<void>(files_.remove_file(path));
      }
    }
  }

  Env env_;
  FileSystem& files_;
  std::string path_;
  flow::CancelToken cancel_;
  OpenFiles open_files_;
  std::mutex tidied_mutex_;
  std::array<bool, 3> tidied_{};  // by kind; guarded by tidied_mutex_
};

}  // namespace

std::unique_ptr<kloset::Store> make_fs_store(Env env, std::string path, flow::CancelToken cancel) {
  return std::make_unique<FsStore>(env, std::move(path), std::move(cancel));
}

}  // namespace plakar::connectors
