#include "core/connectors/ptar/store.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "core/base/file_system.h"
#include "core/base/text.h"
#include "core/connectors/fs/staged_file.h"
#include "core/connectors/ptar/layout.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;

// Enough for the file to be written past the page cache.
constexpr std::uint64_t archive_size_hint = std::uint64_t{64} << 20;
// Of the archive's own name, in that of the temporary file.
constexpr std::size_t name_part_max = 200;

// What genuine Plakar calls the two items of every archive: half the bytes counting up, or down.
ItemName made_up_name(ItemKind kind) {
  ItemName name;
  for (std::size_t i = 0; i < 16; ++i) {
    name.bytes[i] = static_cast<std::byte>(kind == ItemKind::packfile ? i : 15 - i);
  }
  return name;
}

// A complete archive.
class ArchiveContents {
 public:
  static Result<ArchiveContents> open(std::shared_ptr<RangeReader> bytes) {
    const std::uint64_t size = PLK_TRY(bytes->size());
    std::array<std::byte, archive_header_size> header;
    const std::size_t header_size = PLK_TRY(bytes->read_at(0, header));
    PLK_TRY(check_archive_header(std::span(header).first(header_size)));
    std::array<std::byte, archive_trailer_size> trailer;
    const std::uint64_t trailer_offset = size - std::min<std::uint64_t>(size, trailer.size());
    const std::size_t trailer_size = PLK_TRY(bytes->read_at(trailer_offset, trailer));
    const ArchiveLayout layout =
        PLK_TRY(decode_archive_trailer(std::span(trailer).first(trailer_size), size));
    return ArchiveContents(std::move(bytes), layout);
  }

  // Nothing when there is no such item.
  std::optional<Extent> find(ItemKind kind) const {
    if (kind == ItemKind::lock) return std::nullopt;
    const Extent& extent = kind == ItemKind::packfile ? layout_.packfile : layout_.state;
    return extent.length > 0 ? std::optional(extent) : std::nullopt;
  }

  Result<Bytes> load_config() const {
    Bytes config(static_cast<std::size_t>(layout_.config.length));
    PLK_TRY(read(layout_.config, 0, config));
    return config;
  }

  // Genuine Plakar reads past the packfile, into the state; who asks us gets the item.
  Result<std::size_t> read(const Extent& extent, std::uint64_t offset,
                           std::span<std::byte> out) const {
    if (offset >= extent.length) return std::size_t{0};
    out = out.first(
        static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), extent.length - offset)));
    const std::size_t got = PLK_TRY(bytes_->read_at(extent.offset + offset, out));
    if (got == out.size()) return got;
    return Error(Errc::corrupt, "the archive has become shorter");
  }

 private:
  ArchiveContents(std::shared_ptr<RangeReader> bytes, const ArchiveLayout& layout)
      : bytes_(std::move(bytes)), layout_(layout) {}

  std::shared_ptr<RangeReader> bytes_;  // also the store's, which opens it again if need be
  ArchiveLayout layout_;
};

class LockWriter final : public kloset::ItemWriter {
 public:
  explicit LockWriter(flow::CancelToken cancel) : cancel_(std::move(cancel)) {}

  Status write(BytesView) override { return cancel_.check(); }
  Status commit(const ItemName&) override { return cancel_.check(); }

 private:
  const flow::CancelToken cancel_;
};

// What both kinds of archive stores have in common: reading, and forgetting locks.
class ArchiveStore : public kloset::Store {
 public:
  explicit ArchiveStore(flow::CancelToken cancel) : cancel_(std::move(cancel)) {}

  Result<Bytes> load_config() override {
    PLK_TRY(cancel_.check());
    return PLK_TRY(contents()).load_config();
  }

  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    PLK_TRY(cancel_.check());
    if (kind == ItemKind::lock) return {};
    const auto extent = PLK_TRY(contents()).find(kind);
    if (!extent) return {};
    return visit({.name = made_up_name(kind), .size = extent->length});
  }

  Result<std::uint64_t> size(ItemKind kind, const ItemName&) override {
    PLK_TRY(cancel_.check());
    const auto extent = PLK_TRY(contents()).find(kind);
    if (!extent) return no_such(kind);
    return extent->length;
  }

  Result<std::size_t> read(ItemKind kind, const ItemName&, std::uint64_t offset,
                           std::span<std::byte> out) override {
    PLK_TRY(cancel_.check());
    const ArchiveContents archive = PLK_TRY(contents());
    const auto extent = archive.find(kind);
    if (!extent) return no_such(kind);
    return archive.read(*extent, offset, out);
  }

  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode) override {
    auto writer = PLK_TRY(start(kind, bytes.size()));
    PLK_TRY(writer->write(bytes));
    return writer->commit(name);
  }

  Result<std::unique_ptr<kloset::ItemWriter>> start(ItemKind kind, std::uint64_t) override {
    PLK_TRY(cancel_.check());
    if (kind == ItemKind::lock) {
      return std::unique_ptr<kloset::ItemWriter>(std::make_unique<LockWriter>(cancel_));
    }
    return start_item(kind);
  }

  Status remove(ItemKind kind, const ItemName&) override {
    if (kind == ItemKind::lock) return {};
    return Error(Errc::unsupported, location() + ": nothing can be removed from an archive");
  }

 protected:
  virtual Result<ArchiveContents> contents() = 0;
  virtual Result<std::unique_ptr<kloset::ItemWriter>> start_item(ItemKind kind) = 0;

  Error no_such(ItemKind kind) const {
    return Error(Errc::not_found,
                 location() + ": there is no " + std::string(kloset::to_name(kind)));
  }
  Error read_only() const {
    return Error(Errc::unsupported, location() + ": an archive is written once");
  }

  const flow::CancelToken cancel_;
};

class RemoteArchive final : public ArchiveStore {
 public:
  RemoteArchive(std::unique_ptr<RangeReader> bytes, std::string location, flow::CancelToken cancel)
      : ArchiveStore(std::move(cancel)), bytes_(std::move(bytes)), location_(std::move(location)) {}

  kloset::StoreTraits traits() const override {
    return {.writable = false, .archive = true, .concurrency = 8};
  }
  std::string location() const override { return location_; }

  Status create(BytesView) override { return read_only(); }

  Status ping() override {
    PLK_TRY(cancel_.check());
    return bytes_->size().map([](std::uint64_t) {});
  }
  Result<std::optional<std::uint64_t>> used_bytes() override {
    PLK_TRY(cancel_.check());
    return std::optional(PLK_TRY(bytes_->size()));
  }

 private:
  Result<ArchiveContents> contents() override {
    const std::lock_guard guard(mutex_);
    if (!contents_) contents_ = PLK_TRY(ArchiveContents::open(bytes_));
    return *contents_;
  }
  Result<std::unique_ptr<kloset::ItemWriter>> start_item(ItemKind) override { return read_only(); }

  const std::shared_ptr<RangeReader> bytes_;
  const std::string location_;
  std::mutex mutex_;
  std::optional<ArchiveContents> contents_;  // guarded by mutex_
};

class LocalArchive final : public ArchiveStore {
 public:
  LocalArchive(Env env, std::string path, const ArchiveOptions& options, flow::CancelToken cancel)
      : ArchiveStore(std::move(cancel)), env_(env), path_(std::move(path)), options_(options) {}

  kloset::StoreTraits traits() const override {
    const std::lock_guard guard(mutex_);
    kloset::StoreTraits traits{.writable = !contents_, .archive = true, .local_paths = {path_}};
    if (draft_) traits.local_paths.push_back(draft_->file.temporary_path());
    return traits;
  }
  std::string location() const override { return "ptar://" + path_; }

  Status create(BytesView config) override {
    PLK_TRY(cancel_.check());
    if (config.empty() || config.size() > kloset::config_size_max) {
      return Error(Errc::invalid_argument,
                   "a CONFIG of " + std::to_string(config.size()) + " bytes");
    }
    const std::lock_guard guard(mutex_);
    PLK_TRY(check_creatable());
    const std::string prefix = "." + file_name().substr(0, name_part_max) + ".tmp-";
    StagedFile::remove_leftovers(env_, directory(), prefix);
    if (!writers_) {
      auto pool = flow::ThreadPool::start({.name = "ptar-write", .threads = 1});
      if (pool) writers_ = *std::move(pool);
    }
    StagedFile file = PLK_TRY(StagedFile::create(env_, {.directory = directory(),
                                                        .prefix = prefix,
                                                        .size_hint = archive_size_hint,
                                                        .writers = writers_.get()}));
    PLK_TRY(file.write(encode_archive_header()));
    PLK_TRY(file.write(config));
    draft_ = std::make_shared<Draft>(Draft{.file = std::move(file), .config = to_bytes(config)});
    draft_->layout.config = {.offset = archive_header_size, .length = config.size()};
    contents_.reset();
    return {};
  }

  Result<Bytes> load_config() override {
    PLK_TRY(cancel_.check());
    {
      const std::lock_guard guard(mutex_);
      if (draft_) return draft_->config;
    }
    return ArchiveStore::load_config();
  }

  // Of an archive that is being written nothing is there yet.
  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    PLK_TRY(cancel_.check());
    if (is_writing()) return {};
    return ArchiveStore::list(kind, visit);
  }

  Status ping() override {
    PLK_TRY(cancel_.check());
    const auto found = PLK_TRY(env_.files.find(path_, Follow::yes));
    if (found) return open_file_reader(env_.files, path_).map([](const auto&) {});
    const FileStat parent = PLK_TRY(env_.files.stat(directory(), Follow::yes));
    if (parent.type == FileType::directory) return {};
    return Error(Errc::invalid_argument, escape(directory()) + " is not a directory");
  }

  Result<std::optional<std::uint64_t>> used_bytes() override {
    PLK_TRY(cancel_.check());
    const std::lock_guard guard(mutex_);
    if (draft_) return std::optional(draft_->file.size());
    const auto found = PLK_TRY(env_.files.find(path_, Follow::yes));
    return std::optional(found ? found->size : 0);
  }

  Status close() override {
    const std::lock_guard guard(mutex_);
    if (!draft_) return {};
    Status completed = complete(*draft_);
    draft_.reset();
    return completed;
  }

 private:
  // An archive that is being written.
  struct Draft {
    StagedFile file;
    Bytes config;
    ArchiveLayout layout{};
    bool is_item_open = false;
    bool is_spoiled = false;
  };

  class Writer final : public kloset::ItemWriter {
   public:
    Writer(LocalArchive& store, std::shared_ptr<Draft> draft, Extent& extent)
        : store_(store), draft_(std::move(draft)), extent_(extent), begin_(draft_->file.size()) {}

    ~Writer() override {
      const std::lock_guard guard(store_.mutex_);
      draft_->is_item_open = false;
      if (!committed_ && draft_->file.size() != begin_) draft_->is_spoiled = true;
    }

    Status write(BytesView bytes) override {
      PLK_TRY(store_.cancel_.check());
      return draft_->file.write(bytes);
    }

    Status commit(const ItemName&) override {
      PLK_TRY(store_.cancel_.check());
      const std::uint64_t length = draft_->file.size() - begin_;
      if (length == 0) {
        return Error(Errc::invalid_argument, store_.location() + ": an item without content");
      }
      const std::lock_guard guard(store_.mutex_);
      extent_ = {.offset = begin_, .length = length};
      committed_ = true;
      return {};
    }

   private:
    LocalArchive& store_;
    const std::shared_ptr<Draft> draft_;  // also the store's, until it is closed
    Extent& extent_;                      // in the draft
    const std::uint64_t begin_;
    bool committed_ = false;
  };

  Result<ArchiveContents> contents() override {
    const std::lock_guard guard(mutex_);
    if (draft_) {
      return Error(Errc::not_found, location() + ": nothing is there before it is complete");
    }
    if (!contents_) {
      contents_ = PLK_TRY(ArchiveContents::open(PLK_TRY(open_file_reader(env_.files, path_))));
    }
    return *contents_;
  }

  Result<std::unique_ptr<kloset::ItemWriter>> start_item(ItemKind kind) override {
    const std::lock_guard guard(mutex_);
    if (!draft_) return read_only();
    if (draft_->is_spoiled) return spoiled();
    ArchiveLayout& layout = draft_->layout;
    const bool has_packfile = layout.packfile.length > 0;
    const bool is_next =
        kind == ItemKind::packfile ? !has_packfile : has_packfile && layout.state.length == 0;
    if (draft_->is_item_open || !is_next) {
      return Error(Errc::unsupported,
                   location() + ": an archive has one packfile, and then one state");
    }
    draft_->is_item_open = true;
    return std::unique_ptr<kloset::ItemWriter>(std::make_unique<Writer>(
        *this, draft_, kind == ItemKind::packfile ? layout.packfile : layout.state));
  }

  bool is_writing() const {
    const std::lock_guard guard(mutex_);
    return draft_ != nullptr;
  }

  Error spoiled() const {
    return Error(Errc::io, location() + ": an item was given up, the archive cannot be completed");
  }

  // Precondition, as of complete(): mutex_ is held.
  Status check_creatable() const {
    const auto found = PLK_TRY(env_.files.find(path_, Follow::yes));
    const bool may_go = !found || (options_.overwrite && found->type == FileType::regular);
    if (may_go && !draft_) return {};
    return Error(Errc::already_exists, "the archive " + escape(path_) + " exists already");
  }

  Status complete(Draft& draft) {
    PLK_TRY(cancel_.check());
    if (draft.is_item_open || draft.is_spoiled) return spoiled();
    if (draft.layout.packfile.length == 0 || draft.layout.state.length == 0) {
      return Error(Errc::invalid_argument,
                   location() + ": an archive needs a packfile and a state");
    }
    PLK_TRY(draft.file.write(encode_archive_trailer(draft.layout)));
    PLK_TRY(draft.file.seal());
    return draft.file.publish(directory(), file_name(),
                              options_.overwrite ? Replace::yes : Replace::no);
  }

  std::string directory() const {
    const std::size_t slash = path_.rfind('/');
    return slash == 0 ? "/" : path_.substr(0, slash);
  }
  std::string file_name() const { return path_.substr(path_.rfind('/') + 1); }

  const Env env_;
  const std::string path_;
  const ArchiveOptions options_;
  mutable std::mutex mutex_;
  std::unique_ptr<flow::ThreadPool> writers_;  // before the draft, which uses it
  std::shared_ptr<Draft> draft_;               // these three guarded by mutex_
  std::optional<ArchiveContents> contents_;
};

}  // namespace

std::unique_ptr<kloset::Store> make_archive_store(Env env, std::string path,
                                                  const ArchiveOptions& options,
                                                  flow::CancelToken cancel) {
  return std::make_unique<LocalArchive>(env, std::move(path), options, std::move(cancel));
}

std::unique_ptr<kloset::Store> make_archive_reader(std::unique_ptr<RangeReader> bytes,
                                                   std::string location, flow::CancelToken cancel) {
  return std::make_unique<RemoteArchive>(std::move(bytes), std::move(location), std::move(cancel));
}

}  // namespace plakar::connectors
