// What stands behind the handles that the tables of a WorkerModule give.
//
// Thread rule: that of connector.h for the handle.
#pragma once

#include <plakar/connector.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "core/base/bytes.h"
#include "core/host/worker/connection.h"
#include "core/host/worker/messages.h"
#include "core/host/worker/packer.h"

namespace plakar::host::worker {

// What a function takes at most at once of what may be taken in pieces.
inline constexpr std::uint64_t block_bytes_max = std::uint64_t{1} << 20;
// Below, running ahead or behind costs more than it saves.
inline constexpr std::uint64_t overlap_bytes_min = std::uint64_t{32} * 1024;
// Batches, and the largest element of one.
inline constexpr std::uint64_t batch_room_bytes = std::uint64_t{4} << 20;
inline constexpr std::uint64_t sink_room_bytes = std::uint64_t{1} << 20;

class Overlapped;

struct InstanceProxy {
  std::shared_ptr<Connection> connection;
  const plk_host_api* host = nullptr;
  std::uint64_t number = 0;
  bool concurrent = false;
  std::uint32_t calls_max = 1;  // At once, of which running ahead is one.
  std::atomic<std::uint32_t> calls = 0;
  // Of an instance that is not concurrent: what is under way while nobody waits.
  Overlapped* under_way = nullptr;

  std::mutex location_mutex;
  Bytes location_bytes;  // Read once.
  std::optional<plk_location> location;

  static InstanceProxy& of(plk_instance* instance) {
    return *reinterpret_cast<InstanceProxy*>(instance);
  }
  plk_instance* handle() { return reinterpret_cast<plk_instance*>(this); }

  // One call of the instance, or of a handle of it.
  Answer call(Op op, std::uint64_t handle, plk_call* call, plk_error* err,
              const Packer& arguments = {}, std::uint64_t room_bytes = 0,
              std::span<const plk_bytes> data = {});
  Answer call(const Request& request);
  // Nothing runs on an instance that is not concurrent, but for `but`.
  void settle(const Overlapped* but, plk_call* call);
};

// An error that is kept for somebody who will ask later.
struct KeptError {
  KeptError();
  KeptError(const KeptError&) = delete;
  KeptError& operator=(const KeptError&) = delete;
  void copy_to(plk_error* other) const;

  std::array<char, error_message_bytes_max> message;
  plk_error err{};
};

// A handle one of whose calls may be under way while its user does something else.
class Overlapped {
 public:
  Overlapped(InstanceProxy& instance, std::uint64_t number)
      : instance_(instance), number_(number) {}
  // Nothing is under way.
  ~Overlapped() = default;
  Overlapped(const Overlapped&) = delete;
  Overlapped& operator=(const Overlapped&) = delete;

  InstanceProxy& instance() noexcept { return instance_; }
  std::uint64_t number() const noexcept { return number_; }

  bool under_way() const noexcept { return pending_ != nullptr || kept_.has_value(); }
  // Whether the connector can bear one more call at the moment.
  bool may_start();
  void start(const Request& request);
  // What was started has returned so.
  Answer finish(plk_call* call, plk_error* err);
  // For others who want to call: the answer is kept.
  void settle(plk_call* call);
  // Nobody wants the answer.
  void abandon();

 private:
  void done();

  InstanceProxy& instance_;
  std::uint64_t number_;
  std::shared_ptr<Connection::Pending> pending_;
  std::optional<Answer> kept_;
  std::unique_ptr<KeptError> kept_error_;
};

// The batch that was given last.
struct BatchProxy {
  BatchProxy(InstanceProxy& of, std::uint64_t handle) : instance(of), number(handle) {}

  InstanceProxy& instance;
  std::uint64_t number;
  Bytes bytes;
  std::optional<Unpacker> unpacker;
};

// Results of a call that succeeded. PLK_E_CRASHED where they are none, which ends the worker.
template <class Read>
plk_status read_results(Connection& connection, const Answer& answer, Op op, plk_error* err,
                        Read read) {
  if (answer.status != PLK_OK) return answer.status;
  Unpacker unpacker(answer.results);
  read(unpacker);
  return unpacker.finish() ? PLK_OK : connection.broken(op, err);
}

// The handle that a function gave, wrapped; null where it gave none.
template <class Proxy, class Handle>
plk_status take_handle(InstanceProxy& instance, const Answer& answer, Op op, Handle** handle,
                       plk_error* err) {
  std::uint64_t number = 0;
  const plk_status status = read_results(*instance.connection, answer, op, err,
                                         [&](Unpacker& unpacker) { unpacker(number); });
  if (status != PLK_OK) return status;
  *handle = number == 0 ? nullptr : reinterpret_cast<Handle*>(new Proxy(instance, number));
  return PLK_OK;
}

// What a sink collected, passed on to the host's.
plk_status pass_to_sink(const plk_host_api& host, plk_sink* sink, const Answer& answer,
                        plk_error* err);

plk_status take_reader(InstanceProxy& instance, const Answer& answer, Op op, plk_reader** reader,
                       plk_error* err);
plk_status take_writer(InstanceProxy& instance, const Answer& answer, plk_writer** writer,
                       plk_error* err);

plk_status upload_proxy_open(plk_instance* instance, plk_call* call, uint32_t ns, uint32_t flags,
                             uint64_t size_hint, plk_upload** upload, plk_error* err);
plk_status upload_proxy_write(plk_upload* upload, plk_call* call, const void* data, uint64_t size,
                              plk_error* err);
plk_status upload_proxy_commit(plk_upload* upload, plk_call* call, const plk_object* object,
                               plk_error* err);
void upload_proxy_abort(plk_upload* upload, plk_call* call);

// The tables of the kinds, with every function: who presents one leaves out what the connector
// does not have.
extern const plk_importer_ops importer_proxy;
extern const plk_exporter_ops exporter_proxy;
extern const plk_storage_ops storage_proxy;
extern const plk_secrets_ops secrets_proxy;
extern const plk_inventory_ops inventory_proxy;
extern const plk_reader_ops reader_proxy;
extern const plk_writer_ops writer_proxy;

// The functions of plk_connector that an instance has.
plk_status proxy_location(plk_instance* instance, plk_location* location, plk_error* err);
plk_status proxy_ping(plk_instance* instance, plk_call* call, plk_error* err);
void proxy_interrupt(plk_instance* instance, plk_call* call);
void proxy_close(plk_instance* instance, plk_call* call);

}  // namespace plakar::host::worker
