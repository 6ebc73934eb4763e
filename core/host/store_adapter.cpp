#include "core/host/store_adapter.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/host/internal/block_writer.h"

namespace plakar::host {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::ItemWriter;
using kloset::PutMode;

// What a connector without uploads makes the host collect.
constexpr std::size_t collected_bytes_max = std::size_t{512} << 20;
// What one batch of a listing may hold.
constexpr std::uint64_t names_max = 1'000'000;
// Calls at once that are worth it.
constexpr std::uint32_t concurrency_local = 2;
constexpr std::uint32_t concurrency_remote = 8;

std::uint32_t namespace_of(ItemKind kind) noexcept {
  switch (kind) {
    case ItemKind::packfile:
      return PLK_NS_PACKFILE;
    case ItemKind::state:
      return PLK_NS_STATE;
    case ItemKind::lock:
      return PLK_NS_LOCK;
  }
  return PLK_NS_PACKFILE;
}

// An object, as a body owns it.
struct Object {
  Object(ItemKind kind, const ItemName& item, std::uint32_t flags)
      : name(item),
        raw{.struct_size = sizeof raw,
            .ns = namespace_of(kind),
            .key = {},
            .flags = flags,
            .reserved0 = 0} {
    raw.key = to_plk_bytes(name.view());
  }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  ItemName name;
  plk_object raw;
};

std::shared_ptr<Object> make_object(ItemKind kind, const ItemName& name, std::uint32_t flags = 0) {
  return std::make_shared<Object>(kind, name, flags);
}

class AdaptedStore;

class UploadWriter final : public ItemWriter {
 public:
  UploadWriter(std::shared_ptr<Instance> instance, const plk_storage_ops& ops, plk_upload* upload,
               ItemKind kind, std::atomic<bool>& changed)
      : ops_(ops),
        upload_(upload),
        kind_(kind),
        changed_(changed),
        blocks_(std::move(instance),
                {.write_name = "upload_write",
                 .commit_name = "upload_commit",
                 .abort_name = "upload_abort",
                 .write = [upload, write = ops.upload_write](
                              plk_call* call, const void* data, std::uint64_t size,
                              plk_error* err) { return write(upload, call, data, size, err); },
                 .zeros = {},
                 .abort = [upload,
                           abort = ops.upload_abort](plk_call* call) { abort(upload, call); }}) {}

  Status write(BytesView bytes) override { return blocks_.write(bytes); }

  Status commit(const ItemName& name) override {
    changed_ = true;
    return blocks_.commit(
        [upload = upload_, commit = ops_.upload_commit, object = make_object(kind_, name)](
            plk_call* call, plk_error* err) { return commit(upload, call, &object->raw, err); });
  }

 private:
  const plk_storage_ops& ops_;
  plk_upload* const upload_;
  const ItemKind kind_;
  std::atomic<bool>& changed_;
  BlockWriter blocks_;
};

// For connectors that take an object in one go only.
class CollectingWriter final : public ItemWriter {
 public:
  CollectingWriter(kloset::Store& store, flow::CancelToken cancel, ItemKind kind)
      : store_(store), cancel_(std::move(cancel)), kind_(kind) {}

  Status write(BytesView bytes) override {
    PLK_TRY(cancel_.check());
    if (ended_) return Error(Errc::io, "the item has been committed already");
    if (bytes.size() > collected_bytes_max - content_.size()) {
      ended_ = true;
      return Error(Errc::unsupported, "an item of more than " + format_size(collected_bytes_max) +
                                          " for a connector that takes it in one piece");
    }
    append(content_, bytes);
    return {};
  }
  Status commit(const ItemName& name) override {
    PLK_TRY(cancel_.check());
    if (std::exchange(ended_, true)) {
      return Error(Errc::io, "the item has been committed already");
    }
    return store_.put(kind_, name, content_, PutMode::replace);
  }

 private:
  kloset::Store& store_;
  const flow::CancelToken cancel_;
  const ItemKind kind_;
  Bytes content_;
  bool ended_ = false;
};

class AdaptedStore final : public kloset::Store {
 public:
  AdaptedStore(std::shared_ptr<Instance> instance, std::string location)
      : instance_(std::move(instance)),
        ops_(*static_cast<const plk_storage_ops*>(instance_->connector().ops)),
        location_(std::move(location)) {}

  kloset::StoreTraits traits() const override {
    const InstanceLocation& where = instance_->location();
    const bool local = (where.flags & PLK_LOC_LOCALFS) != 0;
    const std::uint32_t mode = find_mode();
    kloset::StoreTraits traits{
        .readable = (mode & PLK_MODE_READ) != 0,
        .writable = (mode & PLK_MODE_WRITE) != 0,
        .archive = (where.flags & PLK_LOC_FILE) != 0,
        .concurrency =
            std::min(instance_->concurrency(), local ? concurrency_local : concurrency_remote)};
    if (local) traits.local_paths.push_back(where.root);
    return traits;
  }
  std::string location() const override { return location_; }

  Status create(BytesView config) override {
    if (config.empty() || config.size() > kloset::config_size_max) {
      return Error(Errc::invalid_argument, "a store's CONFIG has 1 to 32768 bytes");
    }
    return instance_->attempt("create", CallKind::transfer,
                              [raw = raw(), create = ops_.create, config = to_bytes(config)](
                                  plk_call* call, plk_error* err) {
                                return create(raw, call, to_plk_bytes(config), err);
                              });
  }

  Result<Bytes> load_config() override {
    auto sink = std::make_shared<Sink>(kloset::config_size_max);
    const CallOutcome outcome =
        instance_->persist("load", CallKind::transfer, [&]() -> Module::Body {
          sink = std::make_shared<Sink>(kloset::config_size_max);
          return [raw = raw(), load = ops_.load, sink](plk_call* call, plk_error* err) {
            return load(raw, call, sink->handle(), err);
          };
        });
    if (outcome.status != PLK_E_CRASHED && sink->overflowed()) {
      return Error(Errc::corrupt, "the store's CONFIG is too large");
    }
    if (!outcome.ok()) return instance_->error("load", outcome);
    return sink->bytes;
  }

  Status list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) override {
    Lister lister(instance_, ops_);
    PLK_TRY(lister.open(kind));
    std::vector<ItemInfo> names;
    while (PLK_TRY(lister.next(names))) {
      for (const ItemInfo& name : names) {
        PLK_TRY(instance_->cancel().check());
        PLK_TRY(visit(name));
      }
    }
    return {};
  }

  Result<std::uint64_t> size(ItemKind kind, const ItemName& name) override {
    auto bytes = std::make_shared<std::uint64_t>(0);
    const CallOutcome outcome =
        instance_->persist("object_size", CallKind::transfer, [&]() -> Module::Body {
          return [raw = raw(), size = ops_.object_size, object = make_object(kind, name), bytes](
                     plk_call* call, plk_error* err) {
            return size(raw, call, &object->raw, bytes.get(), err);
          };
        });
    if (!outcome.ok()) return instance_->error("object_size", outcome);
    return *bytes;
  }

  Result<std::size_t> read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                           std::span<std::byte> out) override {
    if (out.empty()) {
      PLK_TRY(size(kind, name));
      return std::size_t{0};
    }
    struct State {
      std::unique_ptr<std::byte[]> buffer;
      std::uint64_t got = 0;
    };
    std::shared_ptr<State> state;
    const CallOutcome outcome =
        instance_->persist("get", CallKind::transfer, [&]() -> Module::Body {
          state = std::make_shared<State>();
          state->buffer = std::make_unique_for_overwrite<std::byte[]>(out.size());
          return [raw = raw(), get = ops_.get, object = make_object(kind, name), offset, state,
                  size = out.size()](plk_call* call, plk_error* err) {
            return get(raw, call, &object->raw, offset, state->buffer.get(), size, &state->got,
                       err);
          };
        });
    if (!outcome.ok()) return instance_->error("get", outcome);
    if (state->got > out.size()) {
      return instance_->broken("get", "it gives more bytes than there is room for");
    }
    std::memcpy(out.data(), state->buffer.get(), static_cast<std::size_t>(state->got));
    return static_cast<std::size_t>(state->got);
  }

  Status put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) override {
    std::uint32_t flags = 0;
    if (mode == PutMode::if_absent) {
      if (instance_->has(PLK_CAP_PUT_IF_ABSENT)) {
        flags = PLK_PUT_IF_ABSENT;
      } else if (const auto there = size(kind, name); there) {
        return Error(Errc::already_exists, "there is such an item already");
      } else if (there.error().code() != Errc::not_found) {
        return there.error();
      }
    }
    changed_ = true;
    const auto content = std::make_shared<const Bytes>(to_bytes(bytes));
    const auto make_body = [&]() -> Module::Body {
      return [raw = raw(), put = ops_.put, object = make_object(kind, name, flags), content](
                 plk_call* call, plk_error* err) {
        const plk_bytes part = to_plk_bytes(*content);
        return put(raw, call, &object->raw, &part, 1, err);
      };
    };
    // What a first try did without being able to tell, a second one would take for somebody else's.
    const CallOutcome outcome = flags != 0
                                    ? instance_->call("put", CallKind::transfer, make_body())
                                    : instance_->persist("put", CallKind::transfer, make_body);
    if (!outcome.ok()) return instance_->error("put", outcome);
    return {};
  }

  Result<std::unique_ptr<ItemWriter>> start(ItemKind kind, std::uint64_t size_hint) override {
    PLK_TRY(instance_->cancel().check());
    if (ops_.upload_open == nullptr) {
      return std::make_unique<CollectingWriter>(*this, instance_->cancel(), kind);
    }
    auto upload = std::make_shared<plk_upload*>(nullptr);
    PLK_TRY(instance_->attempt("upload_open", CallKind::transfer,
                               [raw = raw(), open = ops_.upload_open, kind, size_hint, upload](
                                   plk_call* call, plk_error* err) {
                                 return open(raw, call, namespace_of(kind), 0, size_hint,
                                             upload.get(), err);
                               }));
    if (*upload == nullptr) {
      return instance_->broken("upload_open", "it succeeded and gave no upload");
    }
    return std::make_unique<UploadWriter>(instance_, ops_, *upload, kind, changed_);
  }

  Status remove(ItemKind kind, const ItemName& name) override {
    changed_ = true;
    const CallOutcome outcome = instance_->persist(
        "del", CallKind::transfer,
        [&]() -> Module::Body {
          return [raw = raw(), del = ops_.del, object = make_object(kind, name)](
                     plk_call* call, plk_error* err) { return del(raw, call, &object->raw, err); };
        },
        Instance::Cancelling::ignored);
    if (!outcome.ok() && outcome.status != PLK_E_NOT_FOUND) return instance_->error("del", outcome);
    return {};
  }

  Status ping() override { return instance_->ping(); }

  Result<std::optional<std::uint64_t>> used_bytes() override {
    auto bytes = std::make_shared<std::uint64_t>(0);
    const CallOutcome outcome = instance_->call(
        "used_bytes", CallKind::transfer,
        [raw = raw(), used = ops_.used_bytes, bytes](plk_call* call, plk_error* err) {
          return used(raw, call, bytes.get(), err);
        });
    if (outcome.status == PLK_E_UNSUPPORTED) return std::optional<std::uint64_t>();
    if (!outcome.ok()) return instance_->error("used_bytes", outcome);
    return std::optional(*bytes);
  }

  Status close() override {
    if (ops_.finish == nullptr || !changed_) return {};
    return instance_->attempt("finish", CallKind::transfer,
                              [raw = raw(), finish = ops_.finish](plk_call* call, plk_error* err) {
                                return finish(raw, call, err);
                              });
  }

 private:
  class Lister {
   public:
    Lister(std::shared_ptr<Instance> instance, const plk_storage_ops& ops)
        : instance_(std::move(instance)), ops_(ops) {}
    ~Lister() {
      if (raw_ == nullptr) return;
      static_cast<void>(
          instance_->call("list_close", CallKind::cleanup,
                          [close = ops_.list_close, raw = raw_](plk_call* call, plk_error*) {
                            close(raw, call);
                            return PLK_OK;
                          }));
    }
    Lister(const Lister&) = delete;
    Lister& operator=(const Lister&) = delete;

    Status open(ItemKind kind) {
      auto lister = std::make_shared<plk_lister*>(nullptr);
      const CallOutcome outcome =
          instance_->persist("list_open", CallKind::transfer, [&]() -> Module::Body {
            return [raw = instance_->raw(), open = ops_.list_open, kind, lister](plk_call* call,
                                                                                 plk_error* err) {
              return open(raw, call, namespace_of(kind), {}, lister.get(), err);
            };
          });
      if (!outcome.ok()) return instance_->error("list_open", outcome);
      if (*lister == nullptr) {
        return instance_->broken("list_open", "it succeeded and gave no lister");
      }
      raw_ = *lister;
      return {};
    }

    Result<bool> next(std::vector<ItemInfo>& names) {
      struct State {
        std::vector<ItemInfo> names;
        const char* broken = nullptr;
      };
      auto state = std::make_shared<State>();
      const CallOutcome outcome = instance_->call(
          "list_next", CallKind::transfer,
          [raw = raw_, next = ops_.list_next, state](plk_call* call, plk_error* err) {
            plk_name_batch batch{};
            batch.struct_size = sizeof batch;
            const plk_status status = next(raw, call, &batch, err);
            if (status >= 0) state->broken = take(status, batch, state->names);
            return status;
          });
      if (!outcome.ok()) return instance_->error("list_next", outcome);
      if (state->broken != nullptr) return instance_->broken("list_next", state->broken);
      names = std::move(state->names);
      return outcome.status != PLK_END;
    }

   private:
    static const char* take(plk_status status, const plk_name_batch& batch,
                            std::vector<ItemInfo>& names) {
      if (status == PLK_END) return batch.count == 0 ? nullptr : "it ends with names";
      if (batch.count == 0) return "it gives no names, and no end";
      if (batch.count > names_max) return "it gives too many names at once";
      if (batch.names == nullptr || batch.name_stride < sizeof(plk_name)) {
        return "it gives names that are not there";
      }
      names.reserve(static_cast<std::size_t>(batch.count));
      for (std::uint64_t i = 0; i < batch.count; ++i) {
        const plk_name& name = *PLK_AT(plk_name, batch.names, batch.name_stride, i);
        ItemInfo item;
        // Something else than an item of ours.
        if (name.key.ptr == nullptr || name.key.len != item.name.bytes.size()) continue;
        std::memcpy(item.name.bytes.data(), name.key.ptr, item.name.bytes.size());
        if ((name.valid & PLK_N_SIZE) != 0) item.size = name.size;
        names.push_back(item);
      }
      return nullptr;
    }

    const std::shared_ptr<Instance> instance_;
    const plk_storage_ops& ops_;
    plk_lister* raw_ = nullptr;
  };

  plk_instance* raw() const noexcept { return instance_->raw(); }

  // Asked once, when somebody wants to know. A connector that cannot tell is tried: what cannot be
  // done then fails by itself.
  std::uint32_t find_mode() const {
    const std::lock_guard lock(mode_mutex_);
    if (mode_) return *mode_;
    auto mode = std::make_shared<std::uint32_t>(0);
    const CallOutcome outcome =
        instance_->call("mode", CallKind::transfer,
                        [raw = raw(), ask = ops_.mode, mode](plk_call* call, plk_error* err) {
                          return ask(raw, call, mode.get(), err);
                        });
    if (!outcome.ok()) return PLK_MODE_READ | PLK_MODE_WRITE;
    mode_ = *mode;
    return *mode_;
  }

  const std::shared_ptr<Instance> instance_;
  const plk_storage_ops& ops_;
  const std::string location_;
  std::atomic<bool> changed_ = false;
  mutable std::mutex mode_mutex_;
  mutable std::optional<std::uint32_t> mode_;  // guarded by mode_mutex_
};

}  // namespace

std::unique_ptr<kloset::Store> adapt_store(std::shared_ptr<Instance> instance,
                                           std::string location) {
  PLK_ASSERT(instance->connector().kind == PLK_KIND_STORAGE);
  return std::make_unique<AdaptedStore>(std::move(instance), std::move(location));
}

}  // namespace plakar::host
