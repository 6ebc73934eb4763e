#include "core/host/source_adapter.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/host/records.h"

namespace plakar::host {
namespace {

using kloset::ContentReader;
using kloset::Record;
using kloset::RecordKind;

constexpr std::uint32_t batch_records = 1024;
// Content is read ahead in two of these.
constexpr std::size_t read_block_bytes = std::size_t{512} << 10;
constexpr std::size_t read_block_bytes_min = std::size_t{4} << 10;
constexpr std::size_t acks_at_once = 256;
constexpr std::size_t directories_remembered_max = 4096;
constexpr std::uint32_t concurrency_local = 2;
constexpr std::uint32_t concurrency_remote = 8;

// A scan, freed when nothing uses it any more: the source, and readers of its records.
class Scan {
 public:
  Scan(std::shared_ptr<Instance> instance, const plk_importer_ops& ops, plk_scan* raw)
      : instance_(std::move(instance)), ops_(ops), raw_(raw) {}
  ~Scan() {
    static_cast<void>(
        instance_->call("scan_close", CallKind::cleanup,
                        [close = ops_.scan_close, raw = raw_](plk_call* call, plk_error*) {
                          close(raw, call);
                          return PLK_OK;
                        }));
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  static Result<std::shared_ptr<Scan>> open(const std::shared_ptr<Instance>& instance,
                                            const plk_importer_ops& ops) {
    auto scan = std::make_shared<plk_scan*>(nullptr);
    PLK_TRY(instance->attempt(
        "scan_open", CallKind::transfer,
        [raw = instance->raw(), open = ops.scan_open, scan](plk_call* call, plk_error* err) {
          plk_scan_args args{};
          args.struct_size = sizeof args;
          args.max_batch = batch_records;
          return open(raw, call, &args, scan.get(), err);
        }));
    if (*scan == nullptr) return instance->broken("scan_open", "it succeeded and gave no scan");
    return std::make_shared<Scan>(instance, ops, *scan);
  }

  Instance& instance() const noexcept { return *instance_; }
  const plk_importer_ops& ops() const noexcept { return ops_; }
  plk_scan* raw() const noexcept { return raw_; }

 private:
  const std::shared_ptr<Instance> instance_;
  const plk_importer_ops& ops_;
  plk_scan* const raw_;
};

// What became of one scan_next(), made in the module's thread while its batch is there.
struct Batch {
  std::vector<Record> records;
  std::optional<Error> broken;
  bool lost_attributes = false;

  void take(plk_status status, const plk_record_batch& batch) {
    const auto refuse = [this](std::string what) {
      broken = Error(Errc::corrupt, std::move(what));
    };
    if (status == PLK_END) {
      if (batch.count != 0) refuse("it ends with records");
      return;
    }
    if (batch.count == 0) return refuse("it gives no records, and no end");
    if (batch.count > batch_records) return refuse("it gives more records than asked for");
    if (batch.records == nullptr || batch.record_stride < sizeof(plk_record)) {
      return refuse("it gives records that are not there");
    }
    records.reserve(static_cast<std::size_t>(batch.count));
    for (std::uint64_t i = 0; i < batch.count; ++i) {
      auto record = import_record(record_at(batch.records, batch.record_stride, i));
      if (!record) {
        broken = record.error();
        return;
      }
      lost_attributes = lost_attributes || record->lost_attributes;
      // Nobody could put it back as what it was.
      if (record->record.kind == RecordKind::xattr && record->lost_attributes) continue;
      records.push_back(std::move(record->record));
    }
  }
};

// One content. What its blocks and the module's handle are, is shared with the calls under way.
class AdaptedReader final : public ContentReader {
 public:
  AdaptedReader(std::shared_ptr<Scan> scan, std::uint64_t id, std::size_t block_bytes)
      : scan_(std::move(scan)),
        block_bytes_(block_bytes),
        state_(std::make_shared<State>(scan_->ops(), scan_->raw(), id)) {}
  ~AdaptedReader() override {
    if (pending_ != nullptr) {
      if (pending_->wait().status == PLK_E_CRASHED) return;
    }
    if (crashed_ || state_->reader == nullptr) return;
    static_cast<void>(scan_->instance().call("close", CallKind::cleanup,
                                             [state = state_](plk_call* call, plk_error*) {
                                               state->close(call);
                                               return PLK_OK;
                                             }));
  }

  // Opens it, and reads the beginning: most files end there, and have cost one call.
  Status open() {
    ask("record_open");
    return receive("record_open");
  }

  Result<std::size_t> read(std::span<std::byte> out) override {
    if (failed_) return Error(Errc::io, "an earlier read failed");
    if (out.empty()) return std::size_t{0};
    PLK_TRY(scan_->instance().cancel().check());
    while (at_ == block_.size) {
      if (ended_) return std::size_t{0};
      if (pending_ == nullptr) ask("read");
      PLK_TRY(receive("read"));
    }
    const std::size_t size = std::min(out.size(), block_.size - at_);
    std::memcpy(out.data(), block_.bytes.get() + at_, size);
    at_ += size;
    return size;
  }

 private:
  struct Block {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
  };
  struct State {
    State(const plk_importer_ops& importer, plk_scan* raw, std::uint64_t record)
        : ops(importer), scan(raw), id(record) {}

    // Fills the block, opening and closing the reader on the way.
    plk_status fill(plk_call* call, plk_error* err, std::size_t capacity) {
      if (!block.bytes) block.bytes = std::make_unique_for_overwrite<std::byte[]>(capacity);
      block.size = 0;
      if (!opened) {
        const plk_status status = ops.record_open(scan, call, id, 0, &reader, err);
        if (status != PLK_OK) return status < 0 ? status : PLK_E_UNKNOWN;
        if (reader == nullptr) {
          return fill_error(err, PLK_E_INTERNAL, "it succeeded and gave no reader");
        }
        opened = true;
      }
      while (block.size < capacity) {
        std::uint64_t got = 0;
        const std::size_t room = capacity - block.size;
        const plk_status status =
            ops.reader->read(reader, call, block.bytes.get() + block.size, room, &got, err);
        if (status < 0) return status;
        if (status == PLK_END) {
          if (got != 0) return fill_error(err, PLK_E_INTERNAL, "it ends with bytes");
          ended = true;
          close(call);
          break;
        }
        if (got == 0) return fill_error(err, PLK_E_INTERNAL, "it reads nothing, and no end");
        if (got > room) {
          return fill_error(err, PLK_E_INTERNAL, "it gives more bytes than there is room for");
        }
        block.size += static_cast<std::size_t>(got);
      }
      return PLK_OK;
    }
    void close(plk_call* call) {
      ops.reader->close(reader, call);
      reader = nullptr;
    }

    const plk_importer_ops& ops;
    plk_scan* const scan;
    const std::uint64_t id;
    plk_reader* reader = nullptr;
    bool opened = false;
    bool ended = false;
    Block block;
  };

  void ask(const char* name) {
    pending_ = scan_->instance().start(
        name, CallKind::transfer,
        [state = state_, capacity = block_bytes_](plk_call* call, plk_error* err) {
          return state->fill(call, err, capacity);
        });
  }

  // Takes what the call under way has read, and has the next block read meanwhile.
  Status receive(const char* name) {
    const CallOutcome outcome = std::exchange(pending_, nullptr)->wait();
    if (!outcome.ok()) {
      failed_ = true;
      crashed_ = outcome.status == PLK_E_CRASHED;
      return scan_->instance().error(name, outcome);
    }
    std::swap(block_, state_->block);
    at_ = 0;
    ended_ = state_->ended;
    if (!ended_) ask("read");
    return {};
  }

  const std::shared_ptr<Scan> scan_;
  const std::size_t block_bytes_;
  const std::shared_ptr<State> state_;  // with calls under way; theirs while `pending_`
  std::unique_ptr<PendingCall> pending_;
  Block block_;
  std::size_t at_ = 0;
  bool ended_ = false;
  bool failed_ = false;
  bool crashed_ = false;
};

class AdaptedSource final : public kloset::Source {
 public:
  AdaptedSource(std::shared_ptr<Instance> instance, SourceFilter filter)
      : instance_(std::move(instance)),
        ops_(*static_cast<const plk_importer_ops*>(instance_->connector().ops)),
        filter_(std::move(filter)) {}
  ~AdaptedSource() override {
    // What is under way is this object's.
    pending_.reset();
    flush_acks();
  }

  kloset::SourceIdentity identity() const override {
    const InstanceLocation& where = instance_->location();
    return {.type = where.type, .origin = where.origin, .root = where.root};
  }

  kloset::SourceTraits traits() const override {
    const std::uint32_t flags = instance_->location().flags;
    const bool local = (flags & PLK_LOC_LOCALFS) != 0;
    return {.sequential = is_sequential(),
            .local = local,
            .mergeable = (flags & PLK_LOC_NOMERGE) == 0,
            .concurrency =
                std::min(instance_->concurrency(), local ? concurrency_local : concurrency_remote)};
  }

  Status ping() override { return instance_->ping(); }

  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    using Estimate = std::optional<kloset::SourceEstimate>;
    if (!PLK_HAS(plk_importer_ops, &ops_, estimate) || ops_.estimate == nullptr) return Estimate();
    auto found = std::make_shared<kloset::SourceEstimate>();
    const CallOutcome outcome = instance_->call(
        "estimate", CallKind::transfer,
        [raw = instance_->raw(), estimate = ops_.estimate, found](plk_call* call, plk_error* err) {
          plk_scan_args args{};
          args.struct_size = sizeof args;
          args.max_batch = batch_records;
          return estimate(raw, call, &args, &found->items, &found->bytes, err);
        });
    if (outcome.status == PLK_E_UNSUPPORTED) return Estimate();
    if (!outcome.ok()) return instance_->error("estimate", outcome);
    return Estimate(*found);
  }

  Result<bool> next(std::vector<Record>& batch) override {
    batch.clear();
    PLK_TRY(instance_->cancel().check());
    flush_acks();
    while (!ended_) {
      if (pending_ == nullptr) PLK_TRY(ask());
      const CallOutcome outcome = std::exchange(pending_, nullptr)->wait();
      if (!outcome.ok()) {
        ended_ = true;
        return instance_->error("scan_next", outcome);
      }
      const std::unique_ptr<Batch> got = std::move(*coming_);
      if (got->broken) {
        ended_ = true;
        return instance_->broken("scan_next", got->broken->message());
      }
      if (got->lost_attributes && !std::exchange(warned_, true)) {
        log::warn("attributes that only this kind of source has are not kept",
                  {{"module", instance_->module().name()}});
      }
      ended_ = outcome.status == PLK_END;
      batch = std::move(got->records);
      // The next one comes while this one is worked on; in sequence it must wait for the readers.
      if (!ended_ && !is_sequential()) PLK_TRY(ask());
      leave_out(batch);
      if (!batch.empty()) return true;
    }
    return false;
  }

  Result<std::unique_ptr<ContentReader>> open(const Record& record) override {
    PLK_TRY(instance_->cancel().check());
    if (scan_ == nullptr) {
      return Error(Errc::invalid_argument, "a record that this source has not given");
    }
    const auto expected = static_cast<std::size_t>(
        std::clamp<std::int64_t>(record.size, 0, std::int64_t{read_block_bytes}));
    // One byte more than there should be, so that the end is met with the content.
    const std::size_t block = std::clamp(expected + 1, read_block_bytes_min, read_block_bytes);
    auto reader = std::make_unique<AdaptedReader>(scan_, record.id, block);
    PLK_TRY(reader->open());
    return reader;
  }

  void acknowledge(const Record& record, const Status& outcome) override {
    if (!wants_acks()) return;
    bool full = false;
    {
      const std::lock_guard lock(acks_mutex_);
      ack_ids_.push_back(record.id);
      ack_statuses_.push_back(outcome ? PLK_OK : status_of(outcome.error().code()));
      full = ack_ids_.size() >= acks_at_once;
    }
    if (full) flush_acks();
  }

 private:
  bool is_sequential() const noexcept { return instance_->has(PLK_CAP_SEQUENTIAL); }
  bool wants_acks() const noexcept {
    return (instance_->location().flags & PLK_LOC_NEEDACK) != 0 && ops_.scan_ack != nullptr;
  }

  Status ask() {
    if (scan_ == nullptr) scan_ = PLK_TRY(Scan::open(instance_, ops_));
    coming_ = std::make_shared<std::unique_ptr<Batch>>(std::make_unique<Batch>());
    pending_ = instance_->start("scan_next", CallKind::transfer,
                                [raw = scan_->raw(), next = ops_.scan_next, coming = coming_](
                                    plk_call* call, plk_error* err) {
                                  plk_record_batch batch{};
                                  batch.struct_size = sizeof batch;
                                  const plk_status status = next(raw, call, &batch, err);
                                  if (status >= 0) (*coming)->take(status, batch);
                                  return status;
                                });
    return {};
  }

  void leave_out(std::vector<Record>& batch) {
    std::erase_if(batch, [this](const Record& record) {
      const bool out = is_left_out(record) || is_excluded(record) ||
                       (record.kind == RecordKind::xattr && !filter_.xattrs);
      if (out) acknowledge(record, Error(Errc::unsupported, "left out"));
      return out;
    });
    if (filter_.xattrs) return;
    for (Record& record : batch) record.attributes.clear();
  }

  bool is_left_out(const Record& record) {
    if ((instance_->location().flags & PLK_LOC_LOCALFS) == 0) return false;
    for (const std::string& path : filter_.left_out) {
      if (!std::string_view(record.path).starts_with(path)) continue;
      if (record.path.size() == path.size()) {
        if (filter_.on_left_out) filter_.on_left_out(record.path);
        return true;
      }
      if (record.path[path.size()] == '/') return true;
    }
    return false;
  }

  bool is_excluded(const Record& record) {
    if (!filter_.excluded || is_above_root(record.path)) return false;
    const std::size_t slash = record.path.rfind('/');
    if (slash > 0 && is_excluded_directory(record.path.substr(0, slash))) return true;
    return filter_.excluded(record.path, record.kind == RecordKind::directory);
  }

  bool is_excluded_directory(const std::string& path) {
    if (is_above_root(path)) return false;
    const auto known = directories_.find(path);
    if (known != directories_.end()) return known->second;
    const std::size_t slash = path.rfind('/');
    const bool excluded =
        (slash > 0 && is_excluded_directory(path.substr(0, slash))) || filter_.excluded(path, true);
    if (directories_.size() == directories_remembered_max) directories_.clear();
    directories_.emplace(path, excluded);
    return excluded;
  }

  // The user named the root: it is not excluded, nor is what leads to it.
  bool is_above_root(std::string_view path) const {
    const std::string_view root = instance_->location().root;
    return path == "/" || path == root ||
           (root.starts_with(path) && root.size() > path.size() && root[path.size()] == '/');
  }

  void flush_acks() {
    struct Acks {
      std::vector<std::uint64_t> ids;
      std::vector<plk_status> statuses;
    };
    auto acks = std::make_shared<Acks>();
    {
      const std::lock_guard lock(acks_mutex_);
      acks->ids.swap(ack_ids_);
      acks->statuses.swap(ack_statuses_);
    }
    if (acks->ids.empty() || scan_ == nullptr) return;
    // Nobody would know what to do about a failure: the records are in the backup.
    static_cast<void>(instance_->call(
        "scan_ack", CallKind::transfer,
        [raw = scan_->raw(), ack = ops_.scan_ack, acks](plk_call* call, plk_error* err) {
          return ack(raw, call, acks->ids.data(), acks->statuses.data(), acks->ids.size(), err);
        }));
  }

  const std::shared_ptr<Instance> instance_;
  const plk_importer_ops& ops_;
  const SourceFilter filter_;
  std::shared_ptr<Scan> scan_;  // with its readers
  std::unique_ptr<PendingCall> pending_;
  std::shared_ptr<std::unique_ptr<Batch>> coming_;  // with the call under way
  bool ended_ = false;
  bool warned_ = false;
  std::map<std::string, bool> directories_;  // whether they are excluded

  std::mutex acks_mutex_;
  std::vector<std::uint64_t> ack_ids_;  // these guarded by acks_mutex_
  std::vector<plk_status> ack_statuses_;
};

}  // namespace

std::unique_ptr<kloset::Source> adapt_source(std::shared_ptr<Instance> instance,
                                             SourceFilter filter) {
  PLK_ASSERT(instance->connector().kind == PLK_KIND_IMPORTER);
  return std::make_unique<AdaptedSource>(std::move(instance), std::move(filter));
}

}  // namespace plakar::host
