#include "core/host/destination_adapter.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/host/internal/block_writer.h"
#include "core/host/records.h"

namespace plakar::host {
namespace {

using kloset::ContentWriter;
using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;

constexpr std::uint32_t concurrency_local = 2;
constexpr std::uint32_t concurrency_remote = 8;
constexpr std::uint64_t failures_max = 100'000;  // in one batch

std::uint32_t existing_of(Existing existing) noexcept {
  switch (existing) {
    case Existing::replace:
      return PLK_EXISTING_REPLACE;
    case Existing::skip:
      return PLK_EXISTING_SKIP;
    case Existing::fail:
      return PLK_EXISTING_FAIL;
    case Existing::resume:
      return PLK_EXISTING_RESUME;
  }
  return PLK_EXISTING_FAIL;
}

// An export, freed when nothing uses it any more: the destination, and its writers.
class Export {
 public:
  Export(std::shared_ptr<Instance> instance, const plk_exporter_ops& ops, plk_export* raw)
      : instance_(std::move(instance)), ops_(ops), raw_(raw) {}
  ~Export() {
    static_cast<void>(
        instance_->call("export_close", CallKind::cleanup,
                        [close = ops_.export_close, raw = raw_](plk_call* call, plk_error*) {
                          close(raw, call);
                          return PLK_OK;
                        }));
  }
  Export(const Export&) = delete;
  Export& operator=(const Export&) = delete;

  Instance& instance() const noexcept { return *instance_; }
  const std::shared_ptr<Instance>& shared_instance() const noexcept { return instance_; }
  const plk_exporter_ops& ops() const noexcept { return ops_; }
  plk_export* raw() const noexcept { return raw_; }

 private:
  const std::shared_ptr<Instance> instance_;
  const plk_exporter_ops& ops_;
  plk_export* const raw_;
};

BlockWriter::Functions writer_functions(const plk_writer_ops& ops, plk_writer* writer) {
  BlockWriter::Functions functions{
      .write_name = "write",
      .commit_name = "commit",
      .abort_name = "abort",
      .write = [writer, write = ops.write](
                   plk_call* call, const void* data, std::uint64_t size,
                   plk_error* err) { return write(writer, call, data, size, err); },
      .zeros = {},
      .abort = [writer, abort = ops.abort](plk_call* call) { abort(writer, call); }};
  if (PLK_HAS(plk_writer_ops, &ops, write_zeros) && ops.write_zeros != nullptr) {
    functions.zeros = [writer, zeros = ops.write_zeros](plk_call* call, std::uint64_t size,
                                                        plk_error* err) {
      return zeros(writer, call, size, err);
    };
  }
  return functions;
}

class AdaptedWriter final : public ContentWriter {
 public:
  AdaptedWriter(std::shared_ptr<Export> exported, plk_writer* writer)
      : export_(std::move(exported)),
        writer_(writer),
        blocks_(export_->shared_instance(), writer_functions(*export_->ops().writer, writer)) {}

  Status write(BytesView bytes) override { return blocks_.write(bytes); }
  Status write_zeros(std::uint64_t size) override { return blocks_.write_zeros(size); }

  Status commit() override {
    auto bytes = std::make_shared<std::uint64_t>(0);
    PLK_TRY(blocks_.commit(
        [writer = writer_, commit = export_->ops().writer->commit, bytes](
            plk_call* call, plk_error* err) { return commit(writer, call, bytes.get(), err); }));
    if (*bytes == blocks_.written()) return {};
    return export_->instance().broken(
        "commit", "it says that the file has " + std::to_string(*bytes) + " bytes, and was given " +
                      std::to_string(blocks_.written()));
  }

 private:
  const std::shared_ptr<Export> export_;
  plk_writer* const writer_;
  BlockWriter blocks_;
};

class AdaptedDestination final : public kloset::Destination {
 public:
  AdaptedDestination(std::shared_ptr<Instance> instance, std::string location,
                     const DestinationOptions& options)
      : instance_(std::move(instance)),
        ops_(*static_cast<const plk_exporter_ops*>(instance_->connector().ops)),
        location_(std::move(location)),
        options_(options) {}

  kloset::DestinationTraits traits() const override {
    const std::uint32_t flags = instance_->location().flags;
    const bool local = (flags & PLK_LOC_LOCALFS) != 0;
    return {.concurrency =
                std::min(instance_->concurrency(), local ? concurrency_local : concurrency_remote),
            .hardlinks = instance_->has(PLK_CAP_HARDLINKS),
            .xattrs = (flags & PLK_LOC_EXPORTXATTR) != 0,
            .random_access = false,
            .skips = options_.existing == Existing::skip || options_.existing == Existing::resume};
  }
  std::string location() const override { return location_; }
  Status ping() override { return instance_->ping(); }

  Result<std::unique_ptr<ContentWriter>> put(const Record& record) override {
    if (record.kind == RecordKind::error || record.kind == RecordKind::xattr) {
      return Error(Errc::unsupported, "there is nothing to restore of this");
    }
    if (!is_clean_path(record.path)) {
      return Error(Errc::invalid_argument,
                   "not a path within the destination: " + escape(record.path));
    }
    if (record.kind == RecordKind::hardlink && !instance_->has(PLK_CAP_HARDLINKS)) {
      return Error(Errc::unsupported, "the destination has no hard links");
    }
    const std::shared_ptr<Export> exported = PLK_TRY(open_export());

    struct State {
      explicit State(const Record& source) : record(source), raw(record) {}
      const Record record;
      const ExportedRecord raw;
      plk_writer* writer = nullptr;
    };
    auto state = std::make_shared<State>(record);
    const bool has_content = record.kind == RecordKind::regular;
    PLK_TRY(instance_->attempt(
        "put", CallKind::transfer,
        [raw = exported->raw(), put = ops_.put, abort = ops_.writer->abort, state, has_content](
            plk_call* call, plk_error* err) {
          const plk_status status =
              put(raw, call, &state->raw.get(), sizeof(plk_record), &state->writer, err);
          if (status != PLK_OK || has_content || state->writer == nullptr) return status;
          abort(state->writer, call);
          return fill_error(err, PLK_E_INTERNAL, "it gives a writer for what has no content");
        }));
    if (state->writer == nullptr) return std::unique_ptr<ContentWriter>();
    return std::make_unique<AdaptedWriter>(exported, state->writer);
  }

  Status finish(const std::function<void(const std::string& path, const Error&)>& report) override {
    const std::shared_ptr<Export> exported = PLK_TRY(open_export());
    struct Failure {
      std::string path;
      CallOutcome outcome;
    };
    struct State {
      std::vector<Failure> failures;
      const char* broken = nullptr;
    };
    while (true) {
      auto state = std::make_shared<State>();
      const CallOutcome outcome = instance_->call(
          "export_finish", CallKind::transfer,
          [raw = exported->raw(), finish = ops_.export_finish, state](plk_call* call,
                                                                      plk_error* err) {
            plk_record_batch batch{};
            batch.struct_size = sizeof batch;
            const plk_status status = finish(raw, call, &batch, err);
            if (status < 0 || status == PLK_END) return status;
            if (batch.count == 0 || batch.count > failures_max || batch.records == nullptr ||
                batch.record_stride < sizeof(plk_record)) {
              state->broken = "it gives failures that are not there";
              return status;
            }
            for (std::uint64_t i = 0; i < batch.count; ++i) {
              const plk_record record = record_at(batch.records, batch.record_stride, i);
              const std::string_view message = from_plk(record.error_message);
              CallOutcome failed{.status =
                                     record.error_code < 0 ? record.error_code : PLK_E_UNKNOWN};
              failed.message = message.empty() ? std::string(describe(failed.status))
                                               : escape(message.substr(0, call_message_bytes_max));
              state->failures.push_back(
                  {.path = std::string(from_plk(record.path)), .outcome = std::move(failed)});
            }
            return status;
          });
      if (!outcome.ok()) return instance_->error("export_finish", outcome);
      if (outcome.status == PLK_END) return {};
      if (state->broken != nullptr) return instance_->broken("export_finish", state->broken);
      for (const Failure& failure : state->failures) {
        report(failure.path, instance_->error("export_finish", failure.outcome));
      }
    }
  }

 private:
  // Opened when something is put: a destination that was only asked leaves no trace.
  Result<std::shared_ptr<Export>> open_export() {
    PLK_TRY(instance_->cancel().check());
    const std::lock_guard lock(mutex_);
    if (export_ != nullptr) return export_;
    auto exported = std::make_shared<plk_export*>(nullptr);
    PLK_TRY(instance_->attempt("export_open", CallKind::transfer,
                               [raw = instance_->raw(), open = ops_.export_open, options = options_,
                                exported](plk_call* call, plk_error* err) {
                                 plk_export_args args{};
                                 args.struct_size = sizeof args;
                                 args.existing = existing_of(options.existing);
                                 if (!options.owners) args.flags |= PLK_EXPORT_NO_OWNER;
                                 if (!options.permissions) args.flags |= PLK_EXPORT_NO_MODE;
                                 return open(raw, call, &args, exported.get(), err);
                               }));
    if (*exported == nullptr) {
      return instance_->broken("export_open", "it succeeded and gave no export");
    }
    export_ = std::make_shared<Export>(instance_, ops_, *exported);
    return export_;
  }

  const std::shared_ptr<Instance> instance_;
  const plk_exporter_ops& ops_;
  const std::string location_;
  const DestinationOptions options_;
  std::mutex mutex_;
  std::shared_ptr<Export> export_;  // with its writers; guarded by mutex_
};

}  // namespace

std::unique_ptr<kloset::Destination> adapt_destination(std::shared_ptr<Instance> instance,
                                                       std::string location,
                                                       const DestinationOptions& options) {
  PLK_ASSERT(instance->connector().kind == PLK_KIND_EXPORTER);
  return std::make_unique<AdaptedDestination>(std::move(instance), std::move(location), options);
}

}  // namespace plakar::host
