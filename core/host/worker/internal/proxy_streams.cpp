// Readers, writers and uploads: what moves contents, and so what runs ahead or behind.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/host/worker/internal/proxy.h"

namespace plakar::host::worker {
namespace {

class ReaderProxy : public Overlapped {
 public:
  using Overlapped::Overlapped;

  static ReaderProxy* of(plk_reader* reader) { return reinterpret_cast<ReaderProxy*>(reader); }

  plk_status read(plk_call* call, std::span<std::byte> into, std::uint64_t* got, plk_error* err) {
    if (rest_.empty()) {
      const plk_status status = next(call, into.size(), got, err);
      if (status != PLK_OK || rest_.empty()) return status;
    }
    const std::size_t size = std::min(rest_.size(), into.size());
    std::memcpy(into.data(), rest_.data(), size);
    rest_ = rest_.subspan(size);
    *got = size;
    if (rest_.empty()) {
      answer_ = {};
    }
    return PLK_OK;
  }

 private:
  static constexpr unsigned reads_before_ahead = 2;

  // Gets more. What the connector says is passed on where it makes no sense: the caller judges
  // it as it would judge the connector itself.
  plk_status next(plk_call* call, std::uint64_t cap, std::uint64_t* got, plk_error* err) {
    std::uint64_t asked = asked_;
    if (under_way()) {
      answer_ = finish(call, err);
    } else {
      asked = std::min(cap, block_bytes_max);
      answer_ = instance().call(Op::read, number(), call, err, {}, asked);
    }
    const plk_status status = answer_.status;
    if (status != PLK_OK && status != PLK_END) return status;
    Unpacker unpacker(answer_.results);
    const auto given = unpacker.value<std::uint64_t>();
    if (!unpacker.finish() || answer_.room.size() != std::min(given, asked)) {
      return instance().connection->broken(Op::read, err);
    }
    if (status == PLK_END || given == 0 || given > asked) {
      *got = given <= asked ? given : cap + 1;
      return status;
    }
    ++reads_;
    full_ = given == asked;
    rest_ = answer_.room;
    // Before this block is copied: the connector is at work meanwhile.
    read_ahead(cap, call);
    return PLK_OK;
  }

  void read_ahead(std::uint64_t cap, plk_call* call) {
    // Small contents are read in one go: the first read may be the only one.
    if (reads_ < reads_before_ahead && !(full_ && cap >= overlap_bytes_min)) return;
    if (cap < overlap_bytes_min || !may_start()) return;
    asked_ = std::min(cap, block_bytes_max);
    start({.op = Op::read, .handle = number(), .room_bytes = asked_, .call = call});
  }

  Answer answer_;
  BytesView rest_;  // Of the answer's room, not yet given.
  std::uint64_t asked_ = 0;
  unsigned reads_ = 0;
  bool full_ = false;
};

plk_status reader_read(plk_reader* reader, plk_call* call, void* buf, uint64_t cap, uint64_t* got,
                       plk_error* err) {
  return ReaderProxy::of(reader)->read(
      call, std::span(static_cast<std::byte*>(buf), static_cast<std::size_t>(cap)), got, err);
}

void reader_close(plk_reader* reader, plk_call* call) {
  const std::unique_ptr<ReaderProxy> proxy(ReaderProxy::of(reader));
  proxy->abandon();
  proxy->instance().call(Op::reader_close, proxy->number(), call, nullptr);
}

// A writer or an upload: one write may be under way behind the caller.
class WriterProxy : public Overlapped {
 public:
  using Overlapped::Overlapped;

  template <class Handle>
  static WriterProxy* of(Handle* handle) {
    return reinterpret_cast<WriterProxy*>(handle);
  }

  plk_status write(Op op, plk_call* call, const void* data, std::uint64_t size, plk_error* err) {
    const auto* at = static_cast<const std::uint8_t*>(data);
    do {
      const plk_bytes piece{at, std::min(size, block_bytes_max)};
      // Copied while the connector is still at work on the piece before.
      Arena::Slot filled;
      if (under_way()) filled = instance().connection->fill(piece);
      if (const plk_status status = catch_up(call, err); status != PLK_OK) return status;
      const Request request{.op = op,
                            .handle = number(),
                            .data = {&piece, 1},
                            .filled = &filled,
                            .call = call,
                            .err = err};
      if (piece.len >= overlap_bytes_min && may_start()) {
        start(request);
      } else if (const Answer answer = instance().call(request); answer.status != PLK_OK) {
        return answer.status;
      }
      at += piece.len;
      size -= piece.len;
    } while (size != 0);
    return PLK_OK;
  }

  // The status of what is under way.
  plk_status catch_up(plk_call* call, plk_error* err) {
    return under_way() ? finish(call, err).status : PLK_OK;
  }
};

plk_status writer_write(plk_writer* writer, plk_call* call, const void* data, uint64_t size,
                        plk_error* err) {
  return WriterProxy::of(writer)->write(Op::write, call, data, size, err);
}

plk_status writer_write_zeros(plk_writer* writer, plk_call* call, uint64_t size, plk_error* err) {
  WriterProxy& proxy = *WriterProxy::of(writer);
  if (const plk_status status = proxy.catch_up(call, err); status != PLK_OK) return status;
  Packer packer;
  packer(size);
  return proxy.instance().call(Op::write_zeros, proxy.number(), call, err, packer).status;
}

plk_status writer_commit(plk_writer* writer, plk_call* call, uint64_t* bytes, plk_error* err) {
  const std::unique_ptr<WriterProxy> proxy(WriterProxy::of(writer));
  if (const plk_status status = proxy->catch_up(call, err); status != PLK_OK) {
    proxy->instance().call(Op::abort, proxy->number(), nullptr, nullptr);
    return status;
  }
  const Answer answer = proxy->instance().call(Op::commit, proxy->number(), call, err);
  return read_results(*proxy->instance().connection, answer, Op::commit, err,
                      [&](Unpacker& unpacker) { unpacker(*bytes); });
}

void writer_abort(plk_writer* writer, plk_call* call) {
  const std::unique_ptr<WriterProxy> proxy(WriterProxy::of(writer));
  proxy->abandon();
  proxy->instance().call(Op::abort, proxy->number(), call, nullptr);
}

}  // namespace

// --- Overlapped -------------------------------------------------------------------------------

KeptError::KeptError() {
  err.struct_size = sizeof err;
  err.message = message.data();
  err.message_cap = static_cast<std::uint32_t>(message.size());
}

void KeptError::copy_to(plk_error* other) const {
  if (other == nullptr) return;
  const std::string text(err.message, std::min(err.message_len, err.message_cap));
  plk_fail(other, err.code, text.c_str());
  other->flags = err.flags;
  other->sys_errno = err.sys_errno;
  other->retry_after_ms = err.retry_after_ms;
  std::memcpy(other->vendor, err.vendor, sizeof err.vendor);
}

bool Overlapped::may_start() {
  if (!instance_.connection->alive()) return false;
  if (!instance_.concurrent) return instance_.under_way == nullptr;
  return instance_.calls < instance_.calls_max;
}

void Overlapped::start(const Request& request) {
  ++instance_.calls;
  if (!instance_.concurrent) instance_.under_way = this;
  pending_ = instance_.connection->begin(request);
}

void Overlapped::done() {
  --instance_.calls;
  if (instance_.under_way == this) instance_.under_way = nullptr;
}

Answer Overlapped::finish(plk_call* call, plk_error* err) {
  if (kept_) {
    Answer answer = std::move(*kept_);
    kept_.reset();
    if (answer.status < 0) kept_error_->copy_to(err);
    return answer;
  }
  Answer answer = instance_.connection->finish(std::move(pending_), call, err);
  pending_ = nullptr;
  done();
  return answer;
}

void Overlapped::settle(plk_call* call) {
  if (pending_ == nullptr) return;
  kept_error_ = std::make_unique<KeptError>();
  kept_ = finish(call, &kept_error_->err);
}

void Overlapped::abandon() {
  kept_.reset();
  if (pending_ == nullptr) return;
  instance_.connection->abandon(std::move(pending_));
  pending_ = nullptr;
  done();
}

// --- Tables -----------------------------------------------------------------------------------

const plk_reader_ops reader_proxy = {sizeof(plk_reader_ops), 0, reader_read, nullptr, reader_close};
const plk_writer_ops writer_proxy = {
    sizeof(plk_writer_ops), 0, writer_write, writer_commit, writer_abort, writer_write_zeros};

plk_status take_reader(InstanceProxy& instance, const Answer& answer, Op op, plk_reader** reader,
                       plk_error* err) {
  return take_handle<ReaderProxy>(instance, answer, op, reader, err);
}

plk_status take_writer(InstanceProxy& instance, const Answer& answer, plk_writer** writer,
                       plk_error* err) {
  return take_handle<WriterProxy>(instance, answer, Op::put_record, writer, err);
}

plk_status upload_proxy_open(plk_instance* instance, plk_call* call, uint32_t ns, uint32_t flags,
                             uint64_t size_hint, plk_upload** upload, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  packer(ns);
  packer(flags);
  packer(size_hint);
  const Answer answer = proxy.call(Op::upload_open, proxy.number, call, err, packer);
  return take_handle<WriterProxy>(proxy, answer, Op::upload_open, upload, err);
}

plk_status upload_proxy_write(plk_upload* upload, plk_call* call, const void* data, uint64_t size,
                              plk_error* err) {
  return WriterProxy::of(upload)->write(Op::upload_write, call, data, size, err);
}

plk_status upload_proxy_commit(plk_upload* upload, plk_call* call, const plk_object* object,
                               plk_error* err) {
  const std::unique_ptr<WriterProxy> proxy(WriterProxy::of(upload));
  if (const plk_status status = proxy->catch_up(call, err); status != PLK_OK) {
    proxy->instance().call(Op::upload_abort, proxy->number(), nullptr, nullptr);
    return status;
  }
  Packer packer;
  plk_object copy = *object;
  fields(packer, copy);
  return proxy->instance().call(Op::upload_commit, proxy->number(), call, err, packer).status;
}

void upload_proxy_abort(plk_upload* upload, plk_call* call) {
  const std::unique_ptr<WriterProxy> proxy(WriterProxy::of(upload));
  proxy->abandon();
  proxy->instance().call(Op::upload_abort, proxy->number(), call, nullptr);
}

}  // namespace plakar::host::worker
