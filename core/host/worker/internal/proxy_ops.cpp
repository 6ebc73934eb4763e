// The functions of instances, scans, exports, listings: each packs its arguments, calls, and
// unpacks what came back.
#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/secret.h"
#include "core/host/worker/internal/proxy.h"

namespace plakar::host::worker {
namespace {

// scan_next and its like: `unpack` is one of unpack_records() and so on, `fill` puts what it
// gave into the module's batch.
template <class Unpack, class Fill>
plk_status next_batch(BatchProxy& proxy, Op op, plk_call* call, plk_error* err, Unpack unpack,
                      Fill fill) {
  // The last batch lives until here.
  proxy.unpacker.reset();
  Answer answer = proxy.instance.call(op, proxy.number, call, err, {}, batch_room_bytes);
  if (answer.status != PLK_OK) return answer.status;
  proxy.bytes = std::move(answer.results);
  proxy.unpacker.emplace(proxy.bytes);
  const auto batch = unpack(*proxy.unpacker);
  if (!batch) return proxy.instance.connection->broken(op, err);
  fill(*batch);
  return PLK_OK;
}

plk_status next_records(BatchProxy& proxy, Op op, plk_call* call, plk_record_batch* batch,
                        plk_error* err) {
  return next_batch(proxy, op, call, err, unpack_records, [&](const Records& records) {
    batch->records = records.records;
    batch->count = records.count;
    batch->record_stride = sizeof(plk_record);
  });
}

void close_batches(BatchProxy* proxy, Op op, plk_call* call) {
  const std::unique_ptr<BatchProxy> owned(proxy);
  proxy->instance.call(op, proxy->number, call, nullptr);
}

template <class Handle>
BatchProxy* batches(Handle* handle) {
  return reinterpret_cast<BatchProxy*>(handle);
}

Packer packed(const plk_object& object) {
  Packer packer;
  plk_object copy = object;
  fields(packer, copy);
  return packer;
}

// A function of the instance that gives one number.
template <class T>
plk_status give_number(plk_instance* instance, Op op, plk_call* call, T* number, plk_error* err,
                       const Packer& arguments = {}) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  const Answer answer = proxy.call(op, proxy.number, call, err, arguments);
  T given{};
  const plk_status status = read_results(*proxy.connection, answer, op, err,
                                         [&](Unpacker& unpacker) { unpacker(given); });
  if (status == PLK_OK) *number = given;
  return status;
}

// --- Importers --------------------------------------------------------------------------------

plk_status scan_open(plk_instance* instance, plk_call* call, const plk_scan_args* args,
                     plk_scan** scan, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  plk_scan_args copy = *args;
  fields(packer, copy);
  const Answer answer = proxy.call(Op::scan_open, proxy.number, call, err, packer);
  return take_handle<BatchProxy>(proxy, answer, Op::scan_open, scan, err);
}

plk_status scan_next(plk_scan* scan, plk_call* call, plk_record_batch* batch, plk_error* err) {
  return next_records(*batches(scan), Op::scan_next, call, batch, err);
}

plk_status record_open(plk_scan* scan, plk_call* call, uint64_t id, uint64_t offset,
                       plk_reader** reader, plk_error* err) {
  BatchProxy& proxy = *batches(scan);
  Packer packer;
  packer(id);
  packer(offset);
  const Answer answer = proxy.instance.call(Op::record_open, proxy.number, call, err, packer);
  return take_reader(proxy.instance, answer, Op::record_open, reader, err);
}

plk_status scan_ack(plk_scan* scan, plk_call* call, const uint64_t* ids, const plk_status* statuses,
                    uint64_t count, plk_error* err) {
  BatchProxy& proxy = *batches(scan);
  Packer packer;
  packer(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    packer(ids[i]);
    packer(statuses[i]);
  }
  return proxy.instance.call(Op::scan_ack, proxy.number, call, err, packer).status;
}

void scan_close(plk_scan* scan, plk_call* call) {
  close_batches(batches(scan), Op::scan_close, call);
}

plk_status estimate(plk_instance* instance, plk_call* call, const plk_scan_args* args,
                    uint64_t* items, uint64_t* bytes, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  plk_scan_args copy = *args;
  fields(packer, copy);
  const Answer answer = proxy.call(Op::estimate, proxy.number, call, err, packer);
  return read_results(*proxy.connection, answer, Op::estimate, err, [&](Unpacker& unpacker) {
    unpacker(*items);
    unpacker(*bytes);
  });
}

// --- Exporters --------------------------------------------------------------------------------

plk_status export_open(plk_instance* instance, plk_call* call, const plk_export_args* args,
                       plk_export** exported, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  plk_export_args copy = *args;
  fields(packer, copy);
  const Answer answer = proxy.call(Op::export_open, proxy.number, call, err, packer);
  return take_handle<BatchProxy>(proxy, answer, Op::export_open, exported, err);
}

plk_status put_record(plk_export* exported, plk_call* call, const plk_record* record,
                      uint32_t record_size, plk_writer** writer, plk_error* err) {
  BatchProxy& proxy = *batches(exported);
  Packer packer;
  auto copy = element<plk_record>(record, record_size, 0);
  fields(packer, copy);
  const Answer answer = proxy.instance.call(Op::put_record, proxy.number, call, err, packer);
  return take_writer(proxy.instance, answer, writer, err);
}

plk_status export_finish(plk_export* exported, plk_call* call, plk_record_batch* failures,
                         plk_error* err) {
  return next_records(*batches(exported), Op::export_finish, call, failures, err);
}

void export_close(plk_export* exported, plk_call* call) {
  close_batches(batches(exported), Op::export_close, call);
}

// --- Stores -----------------------------------------------------------------------------------

plk_status create(plk_instance* instance, plk_call* call, plk_bytes config, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  packer(config);
  return proxy.call(Op::create, proxy.number, call, err, packer).status;
}

plk_status load(plk_instance* instance, plk_call* call, plk_sink* config, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  const Answer answer = proxy.call(Op::load_config, proxy.number, call, err, {}, sink_room_bytes);
  return pass_to_sink(*proxy.host, config, answer, err);
}

plk_status mode(plk_instance* instance, plk_call* call, uint32_t* mode, plk_error* err) {
  return give_number(instance, Op::mode, call, mode, err);
}

plk_status used_bytes(plk_instance* instance, plk_call* call, uint64_t* bytes, plk_error* err) {
  return give_number(instance, Op::used_bytes, call, bytes, err);
}

plk_status list_open(plk_instance* instance, plk_call* call, uint32_t ns, plk_bytes after,
                     plk_lister** lister, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  packer(ns);
  packer(after);
  const Answer answer = proxy.call(Op::list_open, proxy.number, call, err, packer);
  return take_handle<BatchProxy>(proxy, answer, Op::list_open, lister, err);
}

plk_status list_next(plk_lister* lister, plk_call* call, plk_name_batch* batch, plk_error* err) {
  return next_batch(*batches(lister), Op::list_next, call, err, unpack_names,
                    [&](const Names& names) {
                      batch->names = names.names;
                      batch->count = names.count;
                      batch->name_stride = sizeof(plk_name);
                    });
}

void list_close(plk_lister* lister, plk_call* call) {
  close_batches(batches(lister), Op::list_close, call);
}

plk_status object_size(plk_instance* instance, plk_call* call, const plk_object* object,
                       uint64_t* bytes, plk_error* err) {
  return give_number(instance, Op::object_size, call, bytes, err, packed(*object));
}

plk_status get(plk_instance* instance, plk_call* call, const plk_object* object, uint64_t offset,
               void* buf, uint64_t cap, uint64_t* got, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer = packed(*object);
  packer(offset);
  const Answer answer = proxy.call(Op::get, proxy.number, call, err, packer, cap);
  std::uint64_t given = 0;
  const plk_status status = read_results(*proxy.connection, answer, Op::get, err,
                                         [&](Unpacker& unpacker) { unpacker(given); });
  if (status != PLK_OK) return status;
  if (answer.room.size() != std::min(given, cap)) {
    return proxy.connection->broken(Op::get, err);
  }
  if (!answer.room.empty()) std::memcpy(buf, answer.room.data(), answer.room.size());
  // More than there is room for is passed on, for the caller to judge.
  *got = given;
  return PLK_OK;
}

plk_status put(plk_instance* instance, plk_call* call, const plk_object* object,
               const plk_bytes* parts, uint64_t count, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  return proxy
      .call(Op::put, proxy.number, call, err, packed(*object), 0,
            {parts, static_cast<std::size_t>(count)})
      .status;
}

plk_status del(plk_instance* instance, plk_call* call, const plk_object* object, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  return proxy.call(Op::del, proxy.number, call, err, packed(*object)).status;
}

plk_status get_open(plk_instance* instance, plk_call* call, const plk_object* object,
                    uint64_t offset, uint64_t size, plk_reader** content, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer = packed(*object);
  packer(offset);
  packer(size);
  const Answer answer = proxy.call(Op::get_open, proxy.number, call, err, packer);
  return take_reader(proxy, answer, Op::get_open, content, err);
}

plk_status finish(plk_instance* instance, plk_call* call, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  return proxy.call(Op::finish, proxy.number, call, err).status;
}

// --- Secrets and inventories ------------------------------------------------------------------

plk_status secret_get(plk_instance* instance, plk_call* call, plk_str path, plk_sink* value,
                      int64_t* ttl_s, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  Packer packer;
  packer(path);
  const Answer answer = proxy.call({.op = Op::secret_get,
                                    .handle = proxy.number,
                                    .arguments = &packer,
                                    .room_bytes = sink_room_bytes,
                                    .secret = true,
                                    .call = call,
                                    .err = err});
  const plk_status status = read_results(*proxy.connection, answer, Op::secret_get, err,
                                         [&](Unpacker& unpacker) { unpacker(*ttl_s); });
  return status == PLK_OK ? pass_to_sink(*proxy.host, value, answer, err) : status;
}

plk_status resources_open(plk_instance* instance, plk_call* call, plk_lister** lister,
                          plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  const Answer answer = proxy.call(Op::resources_open, proxy.number, call, err);
  return take_handle<BatchProxy>(proxy, answer, Op::resources_open, lister, err);
}

plk_status resources_next(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                          plk_error* err) {
  return next_batch(*batches(lister), Op::resources_next, call, err, unpack_resources,
                    [&](const Resources& resources) {
                      batch->resources = resources.resources;
                      batch->count = resources.count;
                      batch->resource_stride = sizeof(plk_resource);
                    });
}

void resources_close(plk_lister* lister, plk_call* call) {
  close_batches(batches(lister), Op::resources_close, call);
}

}  // namespace

// --- Instances --------------------------------------------------------------------------------

Answer InstanceProxy::call(Op op, std::uint64_t handle, plk_call* the_call, plk_error* err,
                           const Packer& arguments, std::uint64_t room_bytes,
                           std::span<const plk_bytes> data) {
  return call({.op = op,
               .handle = handle,
               .arguments = &arguments,
               .data = data,
               .room_bytes = room_bytes,
               .call = the_call,
               .err = err});
}

Answer InstanceProxy::call(const Request& request) {
  settle(nullptr, request.call);
  ++calls;
  Answer answer = connection->call(request);
  --calls;
  return answer;
}

void InstanceProxy::settle(const Overlapped* but, plk_call* the_call) {
  if (!concurrent && under_way != nullptr && under_way != but) under_way->settle(the_call);
}

plk_status pass_to_sink(const plk_host_api& host, plk_sink* sink, const Answer& answer,
                        plk_error* err) {
  if (answer.status != PLK_OK) return answer.status;
  // The host's sink may look at it: it gets what the worker cannot change.
  const Secret copy(answer.room);
  const plk_status status = host.sink_write(sink, copy.reveal().data(), copy.size());
  return status == PLK_OK ? PLK_OK
                          : plk_fail(err, status, "the connector gave more than the host takes");
}

plk_status proxy_location(plk_instance* instance, plk_location* location, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  const std::scoped_lock lock(proxy.location_mutex);
  if (!proxy.location) {
    Answer answer = proxy.call(Op::location, proxy.number, nullptr, err);
    if (answer.status != PLK_OK) return answer.status;
    proxy.location_bytes = std::move(answer.results);
    Unpacker unpacker(proxy.location_bytes);
    plk_location found{};
    fields(unpacker, found);
    if (!unpacker.finish()) return proxy.connection->broken(Op::location, err);
    proxy.location = found;
  }
  const std::uint32_t size = location->struct_size;
  plk_location copy = *proxy.location;
  copy.struct_size = size;
  std::memcpy(location, &copy, std::min<std::size_t>(size, sizeof copy));
  return PLK_OK;
}

plk_status proxy_ping(plk_instance* instance, plk_call* call, plk_error* err) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  return proxy.call(Op::ping, proxy.number, call, err).status;
}

void proxy_interrupt(plk_instance* instance, plk_call* call) {
  InstanceProxy& proxy = InstanceProxy::of(instance);
  proxy.connection->interrupt(proxy.number, call);
}

void proxy_close(plk_instance* instance, plk_call* call) {
  const std::unique_ptr<InstanceProxy> proxy(&InstanceProxy::of(instance));
  proxy->call(Op::close, proxy->number, call, nullptr);
  proxy->connection->reverse().remove_instance(proxy->number);
}

// --- Tables -----------------------------------------------------------------------------------

const plk_importer_ops importer_proxy = {sizeof(plk_importer_ops),
                                         0,
                                         scan_open,
                                         scan_next,
                                         record_open,
                                         scan_ack,
                                         scan_close,
                                         &reader_proxy,
                                         estimate};
const plk_exporter_ops exporter_proxy = {sizeof(plk_exporter_ops),
                                         0,
                                         export_open,
                                         put_record,
                                         export_finish,
                                         export_close,
                                         &writer_proxy};
const plk_storage_ops storage_proxy = {sizeof(plk_storage_ops),
                                       0,
                                       create,
                                       load,
                                       mode,
                                       used_bytes,
                                       list_open,
                                       list_next,
                                       list_close,
                                       object_size,
                                       get,
                                       put,
                                       del,
                                       get_open,
                                       &reader_proxy,
                                       upload_proxy_open,
                                       upload_proxy_write,
                                       upload_proxy_commit,
                                       upload_proxy_abort,
                                       finish};
const plk_secrets_ops secrets_proxy = {sizeof(plk_secrets_ops), 0, secret_get};
const plk_inventory_ops inventory_proxy = {sizeof(plk_inventory_ops), 0, resources_open,
                                           resources_next, resources_close};

}  // namespace plakar::host::worker
