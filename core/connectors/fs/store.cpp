#include "core/connectors/fs/store.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/files.h"
#include "core/base/text.h"
#include "core/connectors/fs/internal/open_files.h"
#include "core/connectors/fs/internal/store_layout.h"
#include "core/connectors/fs/staged_file.h"
#include "core/flow/thread_pool.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;

constexpr auto all_kinds = {ItemKind::packfile, ItemKind::state, ItemKind::lock};
// Threads that write: more would take turns at the same disk.
constexpr std::size_t writer_threads = 2;

class FsStore final : public kloset::Store {
 public:
  FsStore(Env env, std::string path, flow::CancelToken cancel)
      : env_(env), files_(env.files), layout_(std::move(path)), cancel_(std::move(cancel)) {}

  kloset::StoreTraits traits() const override { return {.local_paths = {layout_.root()}}; }
  std::string location() const override { return "fs://" + layout_.root(); }

  Status create(BytesView config) override {
    PLK_TRY(cancel_.check());
    if (config.empty() || config.size() > kloset::config_size_max) {
      return Error(Errc::invalid_argument,
                   "a CONFIG of " + std::to_string(config.size()) + " bytes");
    }
    PLK_TRY(make_store_directories(files_, layout_));
    PLK_TRY(cancel_.check());
    StagedFile file = PLK_TRY(StagedFile::create(env_, {.directory = layout_.root()}));
    PLK_TRY(file.write(config));
    PLK_TRY(file.seal());
    return file.publish(layout_.root(), "CONFIG", Replace::no);
  }

  Result<Bytes> load_config() override {
    PLK_TRY(cancel_.check());
    const std::string path = layout_.config_path();
    const FileStat stat = PLK_TRY(files_.stat(path, Follow::yes));
    if (stat.size > kloset::config_size_max) {
      return Error(Errc::corrupt, escape(path) + " has " + std::to_string(stat.size) + " bytes");
    }
    return read_file(files_, path, kloset::config_size_max);
  }

  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    PLK_TRY(cancel_.check());
    const std::string directory = layout_.kind_directory(kind);
    // Genuine stores have it from the start; one that lost an empty one has no items.
    for (const OwnedDirectoryEntry& entry : PLK_TRY(entries_of(directory))) {
      PLK_TRY(cancel_.check());
      const std::string path = directory + "/" + entry.name;
      const FileType type = PLK_TRY(type_of(entry, path));
      if (type == FileType::directory && kind != ItemKind::lock) {
        PLK_TRY(list_bucket(path, visit));
      } else if (type == FileType::regular && is_item_file_name(entry.name)) {
        PLK_TRY(visit_item(entry.name, visit));
      }
    }
    return {};
  }

  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override {
    PLK_TRY(cancel_.check());
    const FileStat stat = PLK_TRY(files_.stat(layout_.item_path(kind, name), Follow::yes));
    return stat.size;
  }

  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override {
    PLK_TRY(cancel_.check());
    const auto open = [&] { return files_.open(layout_.item_path(kind, name)); };
    // Locks change, and states are read once, whole.
    const std::shared_ptr<const File> file = kind == ItemKind::packfile
                                                 ? PLK_TRY(packfiles_.find_or_open(name, open))
                                                 : std::make_shared<const File>(PLK_TRY(open()));
    return file->read_up_to(offset, out);
  }

  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override {
    PLK_TRY(cancel_.check());
    StagedFile file = PLK_TRY(stage(kind, bytes.size()));
    PLK_TRY(file.write(bytes));
    return publish(file, kind, name, mode);
  }

  Result<std::unique_ptr<kloset::ItemWriter>> start(ItemKind kind,
                                                    std::uint64_t size_hint) override {
    PLK_TRY(cancel_.check());
    StagedFile file = PLK_TRY(stage(kind, size_hint));
    return std::unique_ptr<kloset::ItemWriter>(
        std::make_unique<Writer>(*this, kind, std::move(file)));
  }

  Status remove(ItemKind kind, const ItemName& name) override {
    Status removed = files_.remove_file(layout_.item_path(kind, name));
    if (kind == ItemKind::packfile) packfiles_.forget(name);
    if (!removed && removed.error().code() == Errc::not_found) return {};
    return removed;
  }

  Status ping() override {
    PLK_TRY(cancel_.check());
    const std::string existing = PLK_TRY(find_existing_ancestor(files_, layout_.root()));
    if (existing != layout_.root()) return {};
    // Whether it can be written to is known only after trying.
    return StagedFile::create(env_, {.directory = existing}).map([](const StagedFile&) {});
  }

  Result<std::optional<std::uint64_t>> used_bytes() override {
    std::uint64_t sum = 0;
    for (const ItemKind kind : all_kinds) {
      PLK_TRY(list(kind, [&](const ItemInfo& item) -> Status {
        const auto found = files_.find(layout_.item_path(kind, item.name), Follow::yes);
        if (found && *found) sum += (*found)->size;
        return {};
      }));
    }
    return std::optional(sum);
  }

 private:
  class Writer final : public kloset::ItemWriter {
   public:
    Writer(FsStore& store, ItemKind kind, StagedFile file)
        : store_(store), kind_(kind), file_(std::move(file)) {}

    Status write(BytesView bytes) override {
      PLK_TRY(store_.cancel_.check());
      return file_.write(bytes);
    }
    Status commit(const ItemName& name) override {
      PLK_TRY(store_.cancel_.check());
      return store_.publish(file_, kind_, name, PutMode::replace);
    }

   private:
    FsStore& store_;
    const ItemKind kind_;
    StagedFile file_;
  };

  Result<StagedFile> stage(ItemKind kind, std::uint64_t size_hint) {
    std::call_once(first_write_, [this] { prepare_to_write(); });
    const std::string directory = layout_.temporary_directory(kind);
    const StagedFile::Options options{.directory = directory,
                                      .prefix = temporary_prefix,
                                      .size_hint = size_hint,
                                      .writers = writers_.get()};
    auto file = StagedFile::create(env_, options);
    if (file || file.error().code() != Errc::not_found) return file;
    PLK_TRY(restore_directory(directory, layout_.root()));
    return StagedFile::create(env_, options);
  }

  Status publish(StagedFile& file, ItemKind kind, const ItemName& name, PutMode mode) {
    const std::string directory = layout_.bucket(kind, name);
    const std::string name_in_directory = name.hex();
    const Replace replace = mode == PutMode::if_absent ? Replace::no : Replace::yes;
    PLK_TRY(file.seal());
    Status published = file.publish(directory, name_in_directory, replace);
    if (!published && published.error().code() == Errc::not_found) {
      PLK_TRY(restore_directory(directory, layout_.temporary_directory(kind)));
      published = file.publish(directory, name_in_directory, replace);
    }
    if (kind == ItemKind::packfile) packfiles_.forget(name);
    return published;
  }

  // Makes a directory of ours that somebody removed, in a store that is still there: not on
  // whatever lies below the place where its disk was mounted.
  Status restore_directory(const std::string& directory, const std::string& parent) {
    PLK_TRY(files_.stat(layout_.config_path()));
    Status made = files_.make_directory(directory, store_directory_mode);
    if (!made && made.error().code() != Errc::already_exists) return made;
    return sync_directory(files_, parent);
  }

  // Nothing of it has to succeed.
  void prepare_to_write() {
    for (const ItemKind kind : all_kinds) {
      StagedFile::remove_leftovers(env_, layout_.temporary_directory(kind), temporary_prefix);
    }
    auto pool = flow::ThreadPool::start({.name = "fs-write", .threads = writer_threads});
    if (pool) writers_ = *std::move(pool);
  }

  // None, when there is no such directory. Without a CONFIG it is the store that is not there, as
  // when its disk went away: that is no empty listing.
  Result<std::vector<OwnedDirectoryEntry>> entries_of(const std::string& directory) const {
    auto entries = list_directory(files_, directory);
    if (entries || entries.error().code() != Errc::not_found) return entries;
    PLK_TRY(files_.stat(layout_.config_path()));
    return std::vector<OwnedDirectoryEntry>();
  }

  Result<FileType> type_of(const OwnedDirectoryEntry& entry, const std::string& path) const {
    if (entry.type != FileType::unknown) return entry.type;
    const auto stat = PLK_TRY(files_.find(path));
    return stat ? stat->type : FileType::unknown;
  }

  // In the wrong bucket, an item still is one: genuine Plakar lists it, too.
  Status list_bucket(const std::string& path,
                     const std::function<Status(const ItemInfo&)>& visit) const {
    for (const OwnedDirectoryEntry& entry : PLK_TRY(entries_of(path))) {
      PLK_TRY(cancel_.check());
      if (!is_item_file_name(entry.name)) continue;
      const FileType type = PLK_TRY(type_of(entry, path + "/" + entry.name));
      if (type == FileType::regular) PLK_TRY(visit_item(entry.name, visit));
    }
    return {};
  }

  static Status visit_item(std::string_view file_name,
                           const std::function<Status(const ItemInfo&)>& visit) {
    return visit({.name = PLK_TRY(ItemName::parse(file_name)), .size = std::nullopt});
  }

  const Env env_;
  const FileSystem& files_;
  const StoreLayout layout_;
  const flow::CancelToken cancel_;
  OpenFiles packfiles_;
  std::once_flag first_write_;
  std::unique_ptr<flow::ThreadPool> writers_;  // null: without; set once, under first_write_
};

}  // namespace

std::unique_ptr<kloset::Store> make_fs_store(Env env, std::string path, flow::CancelToken cancel) {
  return std::make_unique<FsStore>(env, std::move(path), std::move(cancel));
}

}  // namespace plakar::connectors
