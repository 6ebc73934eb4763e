#include "core/kloset/testing/faulty_store.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>

namespace plakar::kloset::testing {
namespace {

std::string_view name_of(StoreCall call) noexcept {
  switch (call) {
    case StoreCall::create:
      return "create";
    case StoreCall::load_config:
      return "load_config";
    case StoreCall::list:
      return "list";
    case StoreCall::size:
      return "size";
    case StoreCall::read:
      return "read";
    case StoreCall::put:
      return "put";
    case StoreCall::start:
      return "start";
    case StoreCall::write:
      return "write";
    case StoreCall::commit:
      return "commit";
    case StoreCall::remove:
      return "remove";
    case StoreCall::ping:
      return "ping";
    case StoreCall::used_bytes:
      return "used_bytes";
    case StoreCall::close:
      return "close";
  }
  return "call";
}

Error error_of(const StoreFault& fault, StoreCall call) {
  return Error(fault.error, "the test makes this " + std::string(name_of(call)) + " fail");
}

}  // namespace

template <class Next>
auto FaultyStore::pass(StoreCall call, std::optional<ItemKind> kind, Next next)
    -> decltype(next()) {
  const auto fault = hit(call, kind);
  if (!fault) return next();
  switch (fault->effect) {
    case StoreFaultEffect::fails:
      return error_of(*fault, call);
    case StoreFaultEffect::is_done:
      static_cast<void>(next());
      return error_of(*fault, call);
    case StoreFaultEffect::is_lost:
      if constexpr (std::is_same_v<decltype(next()), Status>) {
        const bool changes =
            call == StoreCall::put || call == StoreCall::commit || call == StoreCall::remove;
        if (changes) return {};
      }
      break;
    case StoreFaultEffect::comes_short:
      break;  // For who reads.
  }
  return next();
}

class FaultyStore::Writer final : public ItemWriter {
 public:
  Writer(FaultyStore& store, ItemKind kind, std::unique_ptr<ItemWriter> inner)
      : store_(store), kind_(kind), inner_(std::move(inner)) {}

  Status write(BytesView bytes) override {
    if (failed_) return Error(Errc::io, "an earlier write failed");
    Status done = store_.pass(StoreCall::write, kind_, [&] { return inner_->write(bytes); });
    failed_ = !done;
    return done;
  }
  Status commit(const ItemName& name) override {
    if (failed_) return Error(Errc::io, "an earlier write failed");
    failed_ = true;
    return store_.pass(StoreCall::commit, kind_, [&] {
      store_.note_written(kind_, name);
      return inner_->commit(name);
    });
  }

 private:
  FaultyStore& store_;
  ItemKind kind_;
  std::unique_ptr<ItemWriter> inner_;
  bool failed_ = false;
};

bool FaultyStore::fired() const {
  const std::lock_guard guard(mutex_);
  return fired_;
}

std::uint64_t FaultyStore::matched() const {
  const std::lock_guard guard(mutex_);
  return matched_;
}

void FaultyStore::lag_behind() {
  const std::lock_guard guard(mutex_);
  lagging_ = true;
}

void FaultyStore::catch_up() {
  const std::lock_guard guard(mutex_);
  lagging_ = false;
  unlisted_.clear();
}

std::optional<StoreFault> FaultyStore::hit(StoreCall call, std::optional<ItemKind> kind) {
  if (!fault_ || (fault_->call && *fault_->call != call)) return std::nullopt;
  if (fault_->kind && fault_->kind != kind) return std::nullopt;
  const std::lock_guard guard(mutex_);
  ++matched_;
  const bool is_hit = matched_ == fault_->nth || (fault_->repeats && matched_ > fault_->nth);
  if (!is_hit) return std::nullopt;
  fired_ = true;
  return fault_;
}

void FaultyStore::note_written(ItemKind kind, const ItemName& name) {
  const std::lock_guard guard(mutex_);
  if (lagging_) unlisted_.insert({kind, name});
}

Status FaultyStore::create(BytesView config) {
  return pass(StoreCall::create, {}, [&] { return inner_->create(config); });
}

Result<Bytes> FaultyStore::load_config() {
  return pass(StoreCall::load_config, {}, [&] { return inner_->load_config(); });
}

Status FaultyStore::list(ItemKind kind, const std::function<Status(const ItemInfo&)>& visit) {
  return pass(StoreCall::list, kind, [&] {
    return inner_->list(kind, [&](const ItemInfo& item) -> Status {
      {
        const std::lock_guard guard(mutex_);
        if (unlisted_.contains({kind, item.name})) return {};
      }
      return visit(item);
    });
  });
}

Result<std::uint64_t> FaultyStore::size(ItemKind kind, const ItemName& name) {
  return pass(StoreCall::size, kind, [&] { return inner_->size(kind, name); });
}

Result<std::size_t> FaultyStore::read(ItemKind kind, const ItemName& name, std::uint64_t offset,
                                      std::span<std::byte> out) {
  if (fault_ && fault_->effect == StoreFaultEffect::comes_short) {
    if (hit(StoreCall::read, kind)) out = out.first(std::min(out.size(), fault_->short_bytes));
    return inner_->read(kind, name, offset, out);
  }
  return pass(StoreCall::read, kind, [&] { return inner_->read(kind, name, offset, out); });
}

Status FaultyStore::put(ItemKind kind, const ItemName& name, BytesView bytes, PutMode mode) {
  return pass(StoreCall::put, kind, [&] {
    note_written(kind, name);
    return inner_->put(kind, name, bytes, mode);
  });
}

Result<std::unique_ptr<ItemWriter>> FaultyStore::start(ItemKind kind, std::uint64_t size_hint) {
  return pass(StoreCall::start, kind, [&]() -> Result<std::unique_ptr<ItemWriter>> {
    auto inner = PLK_TRY(inner_->start(kind, size_hint));
    return std::unique_ptr<ItemWriter>(std::make_unique<Writer>(*this, kind, std::move(inner)));
  });
}

Status FaultyStore::remove(ItemKind kind, const ItemName& name) {
  return pass(StoreCall::remove, kind, [&] { return inner_->remove(kind, name); });
}

Status FaultyStore::ping() {
  return pass(StoreCall::ping, {}, [&] { return inner_->ping(); });
}

Result<std::optional<std::uint64_t>> FaultyStore::used_bytes() {
  return pass(StoreCall::used_bytes, {}, [&] { return inner_->used_bytes(); });
}

Status FaultyStore::close() {
  return pass(StoreCall::close, {}, [&] { return inner_->close(); });
}

}  // namespace plakar::kloset::testing
