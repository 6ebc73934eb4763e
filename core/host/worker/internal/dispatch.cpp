#include "core/host/worker/internal/dispatch.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "core/host/worker/messages.h"

namespace plakar::host::worker {

// A batch of the module that has not been passed on as a whole: what the host has room for at
// once is not what the module gives at once. The module's memory lives until its next batch.
template <class Batch>
struct Pending {
  Batch batch{};
  std::uint64_t next = 0;
};

struct Dispatcher::Handle {
  Kind kind;
  void* raw;
  const plk_connector* connector;
  plk_instance* instance;
  std::unique_ptr<Context> context;  // Of an instance.
  Pending<plk_record_batch> records;
  Pending<plk_name_batch> names;
  Pending<plk_resource_batch> resources;

  template <class T>
  T* as() const noexcept {
    return static_cast<T*>(raw);
  }
  template <class Ops>
  const Ops& ops() const noexcept {
    return *static_cast<const Ops*>(connector->ops);
  }
};

namespace {

plk_status bad_message(Exchange& exchange) {
  return plk_fail(exchange.err, PLK_E_INVALID_ARG, "the host's arguments cannot be read");
}

plk_status absent(Exchange& exchange) {
  return plk_fail(exchange.err, PLK_E_UNSUPPORTED, "the connector does not have this function");
}

bool unpacked(const Exchange& exchange) { return exchange.in.finish().has_value(); }

template <class T>
T value(Exchange& exchange) {
  return exchange.in.value<T>();
}

template <class T>
T structure(Exchange& exchange) {
  T result{};
  fields(exchange.in, result);
  return result;
}

// Packs as much of the pending batch as there is room for. `stride` and so on are the names
// that the three kinds of batches give to the same thing.
template <class Element, class Batch>
plk_status pass_on(Exchange& exchange, Pending<Batch>& pending, const void* base,
                   std::uint32_t stride, std::uint64_t count) {
  Packer& out = exchange.out;
  const std::size_t at = out.size();
  out(std::uint64_t{0});
  std::uint64_t passed = 0;
  while (pending.next < count && passed < batch_count_max) {
    Element copy = element<Element>(base, stride, pending.next);
    const std::size_t before = out.size();
    fields(out, copy);
    if (out.size() > exchange.room.size()) {
      out.truncate(before);
      if (passed == 0) {
        return plk_fail(exchange.err, PLK_E_NO_SPACE,
                        "one element is larger than what fits between host and worker");
      }
      break;
    }
    ++pending.next;
    ++passed;
  }
  out.patch(at, passed);
  return PLK_OK;
}

// scan_next, list_next and their like: what is left of the last batch, or the next one.
template <class Element, class Batch, class Next, class Members>
plk_status next_batch(Exchange& exchange, Pending<Batch>& pending, Next next, Members members) {
  auto [base, stride, count] = members(pending.batch);
  if (pending.next >= count) {
    pending = {};
    pending.batch.struct_size = sizeof(Batch);
    const plk_status status = next(&pending.batch);
    if (status != PLK_OK) {
      pending = {};
      return status;
    }
    std::tie(base, stride, count) = members(pending.batch);
    // A batch of nothing is passed on, for the host to judge; so is one without a base.
    if (count != 0 && (base == nullptr || stride == 0)) {
      pending = {};
      return plk_fail(exchange.err, PLK_E_INTERNAL,
                      "the connector gave a batch without its elements");
    }
  }
  return pass_on<Element>(exchange, pending, base, stride, count);
}

auto record_members(const plk_record_batch& batch) {
  return std::tuple(batch.records, batch.record_stride, batch.count);
}
auto name_members(const plk_name_batch& batch) {
  return std::tuple(batch.names, batch.name_stride, batch.count);
}
auto resource_members(const plk_resource_batch& batch) {
  return std::tuple(batch.resources, batch.resource_stride, batch.count);
}

std::uint32_t functions_of(const plk_connector& connector) {
  std::uint32_t functions = 0;
  const auto add = [&](bool there, std::uint32_t which) {
    if (there) functions |= which;
  };
  add(connector.config_check != nullptr, has::config_check);
  add(connector.config_choices != nullptr, has::config_choices);
  add(connector.config_migrate != nullptr, has::config_migrate);
  add(connector.interrupt != nullptr, has::interrupt);
  if (connector.ops == nullptr) return functions;
  if (connector.kind == PLK_KIND_IMPORTER) {
    const auto& ops = *static_cast<const plk_importer_ops*>(connector.ops);
    add(ops.scan_ack != nullptr, has::scan_ack);
    add(ops.estimate != nullptr, has::estimate);
  } else if (connector.kind == PLK_KIND_EXPORTER) {
    const auto& ops = *static_cast<const plk_exporter_ops*>(connector.ops);
    add(ops.writer != nullptr && ops.writer->write_zeros != nullptr, has::write_zeros);
  } else if (connector.kind == PLK_KIND_STORAGE) {
    const auto& ops = *static_cast<const plk_storage_ops*>(connector.ops);
    add(ops.get_open != nullptr && ops.reader != nullptr, has::get_open);
    add(ops.upload_open != nullptr && ops.upload_write != nullptr && ops.upload_commit != nullptr &&
            ops.upload_abort != nullptr,
        has::uploads);
    add(ops.finish != nullptr, has::finish);
  }
  return functions;
}

// Whether every function that is not optional is there: the proxy on the other side has all.
bool complete(const plk_connector& connector) {
  if (connector.open == nullptr || connector.location == nullptr || connector.ping == nullptr ||
      connector.close == nullptr || connector.ops == nullptr || connector.id == nullptr) {
    return false;
  }
  const auto reads = [](const plk_reader_ops* reader) {
    return reader != nullptr && reader->read != nullptr && reader->close != nullptr;
  };
  switch (connector.kind) {
    case PLK_KIND_IMPORTER: {
      const auto& ops = *static_cast<const plk_importer_ops*>(connector.ops);
      return ops.scan_open != nullptr && ops.scan_next != nullptr && ops.record_open != nullptr &&
             ops.scan_close != nullptr && reads(ops.reader);
    }
    case PLK_KIND_EXPORTER: {
      const auto& ops = *static_cast<const plk_exporter_ops*>(connector.ops);
      return ops.export_open != nullptr && ops.put != nullptr && ops.export_finish != nullptr &&
             ops.export_close != nullptr && ops.writer != nullptr && ops.writer->write != nullptr &&
             ops.writer->commit != nullptr && ops.writer->abort != nullptr;
    }
    case PLK_KIND_STORAGE: {
      const auto& ops = *static_cast<const plk_storage_ops*>(connector.ops);
      return ops.create != nullptr && ops.load != nullptr && ops.mode != nullptr &&
             ops.used_bytes != nullptr && ops.list_open != nullptr && ops.list_next != nullptr &&
             ops.list_close != nullptr && ops.object_size != nullptr && ops.get != nullptr &&
             ops.put != nullptr && ops.del != nullptr &&
             (ops.get_open == nullptr || reads(ops.reader));
    }
    case PLK_KIND_SECRETS:
      return static_cast<const plk_secrets_ops*>(connector.ops)->get != nullptr;
    case PLK_KIND_INVENTORY: {
      const auto& ops = *static_cast<const plk_inventory_ops*>(connector.ops);
      return ops.list_open != nullptr && ops.list_next != nullptr && ops.list_close != nullptr;
    }
    default:
      return false;
  }
}

}  // namespace

Dispatcher::Dispatcher(Services& services, Lanes& lanes, Loader loader, Start start, Fd module_file)
    : services_(services),
      lanes_(lanes),
      loader_(std::move(loader)),
      start_(std::move(start)),
      module_file_(std::move(module_file)) {}

Dispatcher::~Dispatcher() = default;

Dispatcher::Handle* Dispatcher::find(Exchange& exchange, Kind kind) {
  const std::scoped_lock lock(mutex_);
  const auto found = handles_.find(exchange.handle);
  if (found != handles_.end() && found->second->kind == kind) return found->second.get();
  plk_fail(exchange.err, PLK_E_INVALID_ARG, "the host named a handle that there is not");
  return nullptr;
}

std::uint64_t Dispatcher::add(Kind kind, void* raw, const Handle& parent) {
  // The host judges an OK without a handle.
  if (raw == nullptr) return 0;
  auto handle = std::make_unique<Handle>(Handle{.kind = kind,
                                                .raw = raw,
                                                .connector = parent.connector,
                                                .instance = parent.instance,
                                                .context = nullptr,
                                                .records = {},
                                                .names = {},
                                                .resources = {}});
  const std::scoped_lock lock(mutex_);
  const std::uint64_t number = next_handle_++;
  handles_.emplace(number, std::move(handle));
  return number;
}

void Dispatcher::forget(std::uint64_t number) {
  const std::scoped_lock lock(mutex_);
  handles_.erase(number);
}

plk_status Dispatcher::run(Exchange& exchange) {
  if (exchange.op != Op::load && plugin_ == nullptr) {
    return plk_fail(exchange.err, PLK_E_INVALID_ARG, "no module is loaded");
  }
  switch (exchange.op) {
    case Op::load:
      return load(exchange);
    case Op::shutdown:
      return shutdown(exchange);
    case Op::config_check:
    case Op::config_choices:
    case Op::config_migrate:
      return run_connector(exchange);
    case Op::open:
      return open(exchange);
    case Op::location:
    case Op::ping:
    case Op::interrupt:
    case Op::close:
      return run_instance(exchange);
    case Op::scan_open:
    case Op::scan_next:
    case Op::record_open:
    case Op::scan_ack:
    case Op::scan_close:
    case Op::estimate:
      return run_importer(exchange);
    case Op::read:
    case Op::reader_close:
      return run_reader(exchange);
    case Op::export_open:
    case Op::put_record:
    case Op::export_finish:
    case Op::export_close:
      return run_exporter(exchange);
    case Op::write:
    case Op::write_zeros:
    case Op::commit:
    case Op::abort:
      return run_writer(exchange);
    case Op::create:
    case Op::load_config:
    case Op::mode:
    case Op::used_bytes:
    case Op::list_open:
    case Op::list_next:
    case Op::list_close:
    case Op::finish:
      return run_storage(exchange);
    case Op::object_size:
    case Op::get:
    case Op::put:
    case Op::del:
    case Op::get_open:
      return run_object(exchange);
    case Op::upload_open:
    case Op::upload_write:
    case Op::upload_commit:
    case Op::upload_abort:
      return run_upload(exchange);
    case Op::secret_get:
    case Op::resources_open:
    case Op::resources_next:
    case Op::resources_close:
      return run_others(exchange);
    case Op::none:
    case Op::log:
    case Op::metric_define:
    case Op::metric_record:
    case Op::progress:
    case Op::secret_refresh:
    case Op::process_spawn:
    case Op::process_wait:
    case Op::process_kill:
    case Op::tempdir_path:
    case Op::tempdir_remove:
      break;
  }
  return plk_fail(exchange.err, PLK_E_INVALID_ARG, "the host asked for what is no function");
}

plk_status Dispatcher::load(Exchange& exchange) {
  if (!unpacked(exchange)) return bad_message(exchange);
  if (plugin_ != nullptr) {
    return plk_fail(exchange.err, PLK_E_INVALID_ARG, "the module is loaded already");
  }
  auto entry = loader_(start_.module_path, module_file_);
  module_file_ = Fd();
  if (!entry) return plk_fail(exchange.err, PLK_E_ABI, entry.error().message().c_str());

  plk_entry_args args{};
  args.struct_size = sizeof args;
  args.abi_major = PLK_ABI_MAJOR;
  args.abi_minor = start_.abi_minor;
  args.host = &services_.api();
  args.ctx = services_.module_context().handle();
  const plk_plugin* plugin = nullptr;
  if (const plk_status status = (*entry)(&args, &plugin, exchange.err); status != PLK_OK) {
    return status;
  }
  if (plugin == nullptr || plugin->magic != PLK_MAGIC || plugin->name == nullptr ||
      plugin->version == nullptr || plugin->connector_count > connectors_max) {
    return plk_fail(exchange.err, PLK_E_ABI, "the entry did not give the description of a module");
  }
  ModuleInfo info;
  info.name = plugin->name;
  info.version = plugin->version;
  info.abi_minor_built = plugin->abi_minor_built;
  info.abi_minor_required = plugin->abi_minor_required;
  for (std::uint32_t i = 0; i < plugin->connector_count; ++i) {
    const plk_connector* connector = plugin->connectors[i];
    if (connector == nullptr || !complete(*connector)) {
      return plk_fail(exchange.err, PLK_E_ABI, "a connector lacks a function that it must have");
    }
    info.connectors.push_back({connector->kind, connector->id, connector->caps,
                               connector->config_schema_version, connector->max_concurrency,
                               functions_of(*connector)});
  }
  pack(exchange.out, info);
  plugin_ = plugin;
  return PLK_OK;
}

plk_status Dispatcher::shutdown(Exchange& exchange) {
  if (!unpacked(exchange)) return bad_message(exchange);
  if (plugin_->shutdown != nullptr) plugin_->shutdown();
  return PLK_OK;
}

const plk_connector* Dispatcher::connector(Exchange& exchange, std::uint32_t index) {
  if (index < plugin_->connector_count) return plugin_->connectors[index];
  plk_fail(exchange.err, PLK_E_INVALID_ARG, "the host named a connector that there is not");
  return nullptr;
}

// The three that need no instance. `handle` is the index of the connector.
plk_status Dispatcher::run_connector(Exchange& exchange) {
  const plk_connector* with = connector(exchange, static_cast<std::uint32_t>(exchange.handle));
  if (with == nullptr) return PLK_E_INVALID_ARG;
  plk_ctx* ctx = services_.module_context().handle();
  Sink sink{exchange.room};
  plk_status status = PLK_E_UNKNOWN;
  if (exchange.op == Op::config_migrate) {
    const auto from = value<std::uint32_t>(exchange);
    const auto to = value<std::uint32_t>(exchange);
    const auto json = value<plk_bytes>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    if (with->config_migrate == nullptr) return absent(exchange);
    status = with->config_migrate(ctx, from, to, json, sink.handle(), exchange.err);
  } else {
    const auto config = structure<plk_config>(exchange);
    if (exchange.op == Op::config_check) {
      if (!unpacked(exchange)) return bad_message(exchange);
      if (with->config_check == nullptr) return absent(exchange);
      return with->config_check(ctx, &config, exchange.err);
    }
    const auto field = value<plk_str>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    if (with->config_choices == nullptr) return absent(exchange);
    status = with->config_choices(ctx, exchange.call, &config, field, sink.handle(), exchange.err);
  }
  exchange.room_bytes = sink.used;
  return status;
}

// `handle` is the number that the host gives to the instance.
plk_status Dispatcher::open(Exchange& exchange) {
  const auto index = value<std::uint32_t>(exchange);
  auto args = structure<plk_open_args>(exchange);
  const auto config = structure<plk_config>(exchange);
  if (!unpacked(exchange)) return bad_message(exchange);
  const plk_connector* with = connector(exchange, index);
  if (with == nullptr) return PLK_E_INVALID_ARG;

  auto handle = std::make_unique<Handle>(
      Handle{.kind = Kind::instance,
             .raw = nullptr,
             .connector = with,
             .instance = nullptr,
             .context = std::make_unique<Context>(Context{&services_, exchange.handle}),
             .records = {},
             .names = {},
             .resources = {}});
  args.ctx = handle->context->handle();
  args.call = exchange.call;
  args.config = &config;
  plk_instance* instance = nullptr;
  const plk_status status = with->open(&args, &instance, exchange.err);
  if (status != PLK_OK) return status;
  exchange.out(std::uint8_t{instance != nullptr});
  if (instance == nullptr) return PLK_OK;
  handle->raw = instance;
  handle->instance = instance;
  const std::scoped_lock lock(mutex_);
  handles_.emplace(exchange.handle, std::move(handle));
  return PLK_OK;
}

plk_status Dispatcher::run_instance(Exchange& exchange) {
  Handle* handle = find(exchange, Kind::instance);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const plk_connector& connector = *handle->connector;
  if (exchange.op == Op::interrupt) {
    const auto number = value<std::uint64_t>(exchange);
    const auto call = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    Lane* lane = lanes_.at(number);
    if (connector.interrupt == nullptr || lane == nullptr) return absent(exchange);
    // One that has ended meanwhile needs no interrupting.
    lane->interrupt(call,
                    [&](plk_call* waiting) { connector.interrupt(handle->instance, waiting); });
    return PLK_OK;
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  if (exchange.op == Op::ping) return connector.ping(handle->instance, exchange.call, exchange.err);
  if (exchange.op == Op::close) {
    connector.close(handle->instance, exchange.call);
    forget(exchange.handle);
    return PLK_OK;
  }
  plk_location location{};
  location.struct_size = sizeof location;
  const plk_status status = connector.location(handle->instance, &location, exchange.err);
  if (status == PLK_OK) fields(exchange.out, location);
  return status;
}

plk_status Dispatcher::run_importer(Exchange& exchange) {
  if (exchange.op == Op::scan_open || exchange.op == Op::estimate) {
    Handle* handle = find(exchange, Kind::instance);
    if (handle == nullptr) return PLK_E_INVALID_ARG;
    const auto args = structure<plk_scan_args>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    const auto& ops = handle->ops<plk_importer_ops>();
    if (exchange.op == Op::estimate) {
      if (ops.estimate == nullptr) return absent(exchange);
      std::uint64_t items = 0;
      std::uint64_t bytes = 0;
      const plk_status status =
          ops.estimate(handle->instance, exchange.call, &args, &items, &bytes, exchange.err);
      exchange.out(items);
      exchange.out(bytes);
      return status;
    }
    plk_scan* scan = nullptr;
    const plk_status status =
        ops.scan_open(handle->instance, exchange.call, &args, &scan, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::scan, scan, *handle));
    return status;
  }

  Handle* handle = find(exchange, Kind::scan);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const auto& ops = handle->ops<plk_importer_ops>();
  auto* scan = handle->as<plk_scan>();
  if (exchange.op == Op::scan_next) {
    if (!unpacked(exchange)) return bad_message(exchange);
    return next_batch<plk_record>(
        exchange, handle->records,
        [&](plk_record_batch* batch) {
          return ops.scan_next(scan, exchange.call, batch, exchange.err);
        },
        record_members);
  }
  if (exchange.op == Op::record_open) {
    const auto id = value<std::uint64_t>(exchange);
    const auto offset = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    plk_reader* reader = nullptr;
    const plk_status status =
        ops.record_open(scan, exchange.call, id, offset, &reader, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::reader, reader, *handle));
    return status;
  }
  if (exchange.op == Op::scan_ack) {
    const auto count = value<std::uint64_t>(exchange);
    auto* ids = exchange.in.array<std::uint64_t>(count, 12);
    auto* statuses = exchange.in.array<plk_status>(count, 12);
    for (std::uint64_t i = 0; !exchange.in.failed() && i < count; ++i) {
      exchange.in(ids[i]);
      exchange.in(statuses[i]);
    }
    if (!unpacked(exchange)) return bad_message(exchange);
    if (ops.scan_ack == nullptr) return absent(exchange);
    return ops.scan_ack(scan, exchange.call, ids, statuses, count, exchange.err);
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  ops.scan_close(scan, exchange.call);
  forget(exchange.handle);
  return PLK_OK;
}

plk_status Dispatcher::run_reader(Exchange& exchange) {
  Handle* handle = find(exchange, Kind::reader);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  if (!unpacked(exchange)) return bad_message(exchange);
  const plk_reader_ops& ops = handle->connector->kind == PLK_KIND_IMPORTER
                                  ? *handle->ops<plk_importer_ops>().reader
                                  : *handle->ops<plk_storage_ops>().reader;
  auto* reader = handle->as<plk_reader>();
  if (exchange.op == Op::reader_close) {
    ops.close(reader, exchange.call);
    forget(exchange.handle);
    return PLK_OK;
  }
  std::uint64_t got = 0;
  const plk_status status = ops.read(reader, exchange.call, exchange.room.data(),
                                     exchange.room.size(), &got, exchange.err);
  // As the connector says it, for the host to judge: it knows how much it asked for.
  exchange.out(got);
  exchange.room_bytes = std::min<std::uint64_t>(got, exchange.room.size());
  return status;
}

plk_status Dispatcher::run_exporter(Exchange& exchange) {
  if (exchange.op == Op::export_open) {
    Handle* handle = find(exchange, Kind::instance);
    if (handle == nullptr) return PLK_E_INVALID_ARG;
    const auto args = structure<plk_export_args>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    plk_export* exported = nullptr;
    const plk_status status = handle->ops<plk_exporter_ops>().export_open(
        handle->instance, exchange.call, &args, &exported, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::exported, exported, *handle));
    return status;
  }

  Handle* handle = find(exchange, Kind::exported);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const auto& ops = handle->ops<plk_exporter_ops>();
  auto* exported = handle->as<plk_export>();
  if (exchange.op == Op::put_record) {
    const auto record = structure<plk_record>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    plk_writer* writer = nullptr;
    const plk_status status =
        ops.put(exported, exchange.call, &record, sizeof record, &writer, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::writer, writer, *handle));
    return status;
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  if (exchange.op == Op::export_finish) {
    return next_batch<plk_record>(
        exchange, handle->records,
        [&](plk_record_batch* batch) {
          return ops.export_finish(exported, exchange.call, batch, exchange.err);
        },
        record_members);
  }
  ops.export_close(exported, exchange.call);
  forget(exchange.handle);
  return PLK_OK;
}

plk_status Dispatcher::run_writer(Exchange& exchange) {
  Handle* handle = find(exchange, Kind::writer);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const plk_writer_ops& ops = *handle->ops<plk_exporter_ops>().writer;
  auto* writer = handle->as<plk_writer>();
  if (exchange.op == Op::write_zeros) {
    const auto size = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    if (ops.write_zeros == nullptr) return absent(exchange);
    return ops.write_zeros(writer, exchange.call, size, exchange.err);
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  if (exchange.op == Op::write) {
    return ops.write(writer, exchange.call, exchange.data.data(), exchange.data.size(),
                     exchange.err);
  }
  plk_status status = PLK_OK;
  if (exchange.op == Op::commit) {
    std::uint64_t bytes = 0;
    status = ops.commit(writer, exchange.call, &bytes, exchange.err);
    if (status == PLK_OK) exchange.out(bytes);
  } else {
    ops.abort(writer, exchange.call);
  }
  forget(exchange.handle);
  return status;
}

plk_status Dispatcher::run_storage(Exchange& exchange) {
  if (exchange.op == Op::list_next || exchange.op == Op::list_close) {
    Handle* handle = find(exchange, Kind::lister);
    if (handle == nullptr) return PLK_E_INVALID_ARG;
    if (!unpacked(exchange)) return bad_message(exchange);
    const auto& ops = handle->ops<plk_storage_ops>();
    auto* lister = handle->as<plk_lister>();
    if (exchange.op == Op::list_next) {
      return next_batch<plk_name>(
          exchange, handle->names,
          [&](plk_name_batch* batch) {
            return ops.list_next(lister, exchange.call, batch, exchange.err);
          },
          name_members);
    }
    ops.list_close(lister, exchange.call);
    forget(exchange.handle);
    return PLK_OK;
  }

  Handle* handle = find(exchange, Kind::instance);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const auto& ops = handle->ops<plk_storage_ops>();
  if (exchange.op == Op::list_open) {
    const auto ns = value<std::uint32_t>(exchange);
    const auto after = value<plk_bytes>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    plk_lister* lister = nullptr;
    const plk_status status =
        ops.list_open(handle->instance, exchange.call, ns, after, &lister, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::lister, lister, *handle));
    return status;
  }
  if (exchange.op == Op::create) {
    const auto config = value<plk_bytes>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    return ops.create(handle->instance, exchange.call, config, exchange.err);
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  if (exchange.op == Op::load_config) {
    Sink sink{exchange.room};
    const plk_status status =
        ops.load(handle->instance, exchange.call, sink.handle(), exchange.err);
    exchange.room_bytes = sink.used;
    return status;
  }
  if (exchange.op == Op::mode) {
    std::uint32_t mode = 0;
    const plk_status status = ops.mode(handle->instance, exchange.call, &mode, exchange.err);
    exchange.out(mode);
    return status;
  }
  if (exchange.op == Op::used_bytes) {
    std::uint64_t bytes = 0;
    const plk_status status = ops.used_bytes(handle->instance, exchange.call, &bytes, exchange.err);
    exchange.out(bytes);
    return status;
  }
  if (ops.finish == nullptr) return absent(exchange);
  return ops.finish(handle->instance, exchange.call, exchange.err);
}

plk_status Dispatcher::run_object(Exchange& exchange) {
  Handle* handle = find(exchange, Kind::instance);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const auto& ops = handle->ops<plk_storage_ops>();
  const auto object = structure<plk_object>(exchange);
  if (exchange.op == Op::get_open) {
    const auto offset = value<std::uint64_t>(exchange);
    const auto size = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    if (ops.get_open == nullptr) return absent(exchange);
    plk_reader* reader = nullptr;
    const plk_status status =
        ops.get_open(handle->instance, exchange.call, &object, offset, size, &reader, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::reader, reader, *handle));
    return status;
  }
  if (exchange.op == Op::get) {
    const auto offset = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    std::uint64_t got = 0;
    const plk_status status =
        ops.get(handle->instance, exchange.call, &object, offset, exchange.room.data(),
                exchange.room.size(), &got, exchange.err);
    exchange.out(got);
    exchange.room_bytes = std::min<std::uint64_t>(got, exchange.room.size());
    return status;
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  if (exchange.op == Op::put) {
    // The parts lie one behind the other.
    const plk_bytes whole{reinterpret_cast<const std::uint8_t*>(exchange.data.data()),
                          exchange.data.size()};
    return ops.put(handle->instance, exchange.call, &object, &whole, 1, exchange.err);
  }
  if (exchange.op == Op::object_size) {
    std::uint64_t bytes = 0;
    const plk_status status =
        ops.object_size(handle->instance, exchange.call, &object, &bytes, exchange.err);
    exchange.out(bytes);
    return status;
  }
  return ops.del(handle->instance, exchange.call, &object, exchange.err);
}

plk_status Dispatcher::run_upload(Exchange& exchange) {
  if (exchange.op == Op::upload_open) {
    Handle* handle = find(exchange, Kind::instance);
    if (handle == nullptr) return PLK_E_INVALID_ARG;
    const auto ns = value<std::uint32_t>(exchange);
    const auto flags = value<std::uint32_t>(exchange);
    const auto size_hint = value<std::uint64_t>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    const auto& ops = handle->ops<plk_storage_ops>();
    if ((functions_of(*handle->connector) & has::uploads) == 0) return absent(exchange);
    plk_upload* upload = nullptr;
    const plk_status status = ops.upload_open(handle->instance, exchange.call, ns, flags, size_hint,
                                              &upload, exchange.err);
    if (status == PLK_OK) exchange.out(add(Kind::upload, upload, *handle));
    return status;
  }

  Handle* handle = find(exchange, Kind::upload);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  const auto& ops = handle->ops<plk_storage_ops>();
  auto* upload = handle->as<plk_upload>();
  plk_status status = PLK_OK;
  if (exchange.op == Op::upload_commit) {
    const auto object = structure<plk_object>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    status = ops.upload_commit(upload, exchange.call, &object, exchange.err);
  } else {
    if (!unpacked(exchange)) return bad_message(exchange);
    if (exchange.op == Op::upload_write) {
      return ops.upload_write(upload, exchange.call, exchange.data.data(), exchange.data.size(),
                              exchange.err);
    }
    ops.upload_abort(upload, exchange.call);
  }
  forget(exchange.handle);
  return status;
}

plk_status Dispatcher::run_others(Exchange& exchange) {
  if (exchange.op == Op::resources_next || exchange.op == Op::resources_close) {
    Handle* handle = find(exchange, Kind::lister);
    if (handle == nullptr) return PLK_E_INVALID_ARG;
    if (!unpacked(exchange)) return bad_message(exchange);
    const auto& ops = handle->ops<plk_inventory_ops>();
    auto* lister = handle->as<plk_lister>();
    if (exchange.op == Op::resources_next) {
      return next_batch<plk_resource>(
          exchange, handle->resources,
          [&](plk_resource_batch* batch) {
            return ops.list_next(lister, exchange.call, batch, exchange.err);
          },
          resource_members);
    }
    ops.list_close(lister, exchange.call);
    forget(exchange.handle);
    return PLK_OK;
  }

  Handle* handle = find(exchange, Kind::instance);
  if (handle == nullptr) return PLK_E_INVALID_ARG;
  if (exchange.op == Op::secret_get) {
    const auto path = value<plk_str>(exchange);
    if (!unpacked(exchange)) return bad_message(exchange);
    Sink sink{exchange.room};
    std::int64_t ttl_s = 0;
    const plk_status status = handle->ops<plk_secrets_ops>().get(
        handle->instance, exchange.call, path, sink.handle(), &ttl_s, exchange.err);
    exchange.room_bytes = sink.used;
    exchange.out(ttl_s);
    return status;
  }
  if (!unpacked(exchange)) return bad_message(exchange);
  plk_lister* lister = nullptr;
  const plk_status status = handle->ops<plk_inventory_ops>().list_open(
      handle->instance, exchange.call, &lister, exchange.err);
  if (status == PLK_OK) exchange.out(add(Kind::lister, lister, *handle));
  return status;
}

}  // namespace plakar::host::worker
