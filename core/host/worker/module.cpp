#include "core/host/worker/module.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/host/worker/internal/proxy.h"

namespace plakar::host::worker {
namespace {

constexpr std::size_t connector_slots = 256;

Errc errc_of(plk_status status) {
  switch (status) {
    case PLK_E_CONFIG:
    case PLK_E_INVALID_ARG:
      return Errc::invalid_argument;
    case PLK_E_ABI:
    case PLK_E_UNSUPPORTED:
      return Errc::unsupported;
    case PLK_E_CRASHED:
    case PLK_E_TIMEOUT:
    case PLK_E_BUSY:
      return Errc::unavailable;
    default:
      return Errc::io;
  }
}

}  // namespace

// One connector of the module: the tables, and what they were made of.
struct ConnectorProxy {
  WorkerModule::State* module = nullptr;
  std::uint32_t index = 0;
  ConnectorInfo info;
  std::size_t slot = 0;
  plk_connector table{};
  // Where the connector does not have all functions of its kind.
  plk_importer_ops importer{};
  plk_exporter_ops exporter{};
  plk_writer_ops writer{};
  plk_storage_ops storage{};
};

struct WorkerModule::State : std::enable_shared_from_this<State> {
  State(Supervisor& with, Clock& time, WorkerModuleSettings wanted, const plk_entry_args& entry)
      : supervisor(with),
        clock(time),
        settings(std::move(wanted)),
        host(*entry.host),
        ctx(entry.ctx) {}

  Supervisor& supervisor;
  Clock& clock;
  WorkerModuleSettings settings;
  const plk_host_api& host;
  plk_ctx* ctx;
  ModuleInfo info;
  std::deque<ConnectorProxy> connectors;
  std::vector<const plk_connector*> tables;
  std::size_t slot = 0;
  plk_plugin plugin{};

  mutable std::mutex mutex;  // Guards what follows, and is never held while calling.
  std::shared_ptr<Connection> connection;
  CrashBudget budget{settings.crashes};
  std::string last_crash;
  bool shut_down = false;

  std::mutex starting;  // One at a time.

  // A worker that lives: the one there is, or a new one.
  std::shared_ptr<Connection> connect(Op op, plk_error* err);
  Result<std::shared_ptr<Connection>> start();
  std::string subject() const { return info.name + " " + info.version; }
  void stop();
};

Result<std::shared_ptr<Connection>> WorkerModule::State::start() {
  auto started = PLK_TRY(Connection::open(supervisor, settings.worker, host, ctx,
                                          [weak = weak_from_this()](const Ending& ending) {
                                            const auto self = weak.lock();
                                            if (self == nullptr) return;
                                            const std::scoped_lock lock(self->mutex);
                                            self->budget.record(self->clock.monotonic());
                                            self->last_crash = "the worker " + ending.describe();
                                          }));
  KeptError kept;
  const Answer answer = started->call({.op = Op::load, .err = &kept.err});
  if (answer.status != PLK_OK) {
    return Error(
        errc_of(answer.status),
        std::string(kept.err.message, std::min(kept.err.message_len, kept.err.message_cap)));
  }
  ModuleInfo loaded = PLK_TRY(unpack_module_info(answer.results));
  if (info.connectors.empty()) {
    info = std::move(loaded);
  } else if (info != loaded) {
    return Error(Errc::conflict, "the module " + subject() + " is another one than before");
  }
  started->set_module(info.name, info.version);
  return started;
}

std::shared_ptr<Connection> WorkerModule::State::connect(Op op, plk_error* err) {
  const std::scoped_lock one_at_a_time(starting);
  {
    const std::scoped_lock lock(mutex);
    if (shut_down) {
      plk_fail(err, PLK_E_SHUTDOWN, (subject() + " was shut down").c_str());
      return nullptr;
    }
    if (connection != nullptr && connection->alive()) return connection;
    if (budget.spent()) {
      plk_fail(err, PLK_E_CRASHED,
               (subject() + ": " + op_name(op) + ": quarantined after crashing " +
                std::to_string(settings.crashes.crashes) + " times; at last " + last_crash)
                   .c_str());
      return nullptr;
    }
  }
  auto started = start();
  if (!started) {
    plk_fail(err, PLK_E_CRASHED,
             (subject() + ": " + op_name(op) + ": " + started.error().message()).c_str());
    return nullptr;
  }
  const std::scoped_lock lock(mutex);
  connection = *started;
  return connection;
}

void WorkerModule::State::stop() {
  std::shared_ptr<Connection> stopped;
  {
    const std::scoped_lock lock(mutex);
    shut_down = true;
    stopped = std::move(connection);
    connection = nullptr;
  }
  if (stopped != nullptr) stopped->stop();
}

// The functions of plk_connector and plk_plugin that are given no handle. A C function has no
// closure, so that each module and each connector needs functions of its own that know which
// they are: made by the compiler, for as many as there may be at once. Hence the only global
// state of this module, and its limits.
class Proxies {
 public:
  static plk_status open(ConnectorProxy& connector, const plk_open_args* args,
                         plk_instance** instance, plk_error* err);
  static plk_status config_check(ConnectorProxy& connector, const plk_config* config,
                                 plk_error* err);
  static plk_status config_choices(ConnectorProxy& connector, plk_call* call,
                                   const plk_config* config, plk_str field, plk_sink* json,
                                   plk_error* err);
  static plk_status config_migrate(ConnectorProxy& connector, std::uint32_t from, std::uint32_t to,
                                   plk_bytes json, plk_sink* out, plk_error* err);
  static bool make_tables(WorkerModule::State& state);
  static void drop_tables(WorkerModule::State& state);

  struct Functions {
    decltype(plk_connector::open) open;
    decltype(plk_connector::config_check) config_check;
    decltype(plk_connector::config_choices) config_choices;
    decltype(plk_connector::config_migrate) config_migrate;
  };

  static inline std::array<std::atomic<ConnectorProxy*>, connector_slots> connectors{};
  static inline std::array<std::atomic<WorkerModule::State*>, WorkerModule::modules_max> modules{};

 private:
  static void fill(ConnectorProxy& connector);
};

namespace {

ConnectorProxy& connector_in(std::size_t slot) { return *Proxies::connectors[slot].load(); }

template <std::size_t slot>
constexpr Proxies::Functions functions_of_slot = {
    [](const plk_open_args* args, plk_instance** instance, plk_error* err) {
      return Proxies::open(connector_in(slot), args, instance, err);
    },
    [](plk_ctx*, const plk_config* config, plk_error* err) {
      return Proxies::config_check(connector_in(slot), config, err);
    },
    [](plk_ctx*, plk_call* call, const plk_config* config, plk_str field, plk_sink* json,
       plk_error* err) {
      return Proxies::config_choices(connector_in(slot), call, config, field, json, err);
    },
    [](plk_ctx*, std::uint32_t from, std::uint32_t to, plk_bytes json, plk_sink* out,
       plk_error* err) {
      return Proxies::config_migrate(connector_in(slot), from, to, json, out, err);
    }};

template <std::size_t slot>
void shutdown_of_slot() {
  Proxies::modules[slot].load()->stop();
}

template <std::size_t... slots>
constexpr std::array<const Proxies::Functions*, sizeof...(slots)> all_functions(
    std::index_sequence<slots...>) {
  return {&functions_of_slot<slots>...};
}

template <std::size_t... slots>
constexpr std::array<void (*)(), sizeof...(slots)> all_shutdowns(std::index_sequence<slots...>) {
  return {shutdown_of_slot<slots>...};
}

constexpr auto functions = all_functions(std::make_index_sequence<connector_slots>());
constexpr auto shutdowns = all_shutdowns(std::make_index_sequence<WorkerModule::modules_max>());

// A slot that nobody has; false when everybody has one.
template <class T, std::size_t size>
bool claim(std::array<std::atomic<T*>, size>& slots, T* owner, std::size_t& slot) {
  for (slot = 0; slot < size; ++slot) {
    T* nobody = nullptr;
    if (slots[slot].compare_exchange_strong(nobody, owner)) return true;
  }
  return false;
}

const void* no_extension(const char*) { return nullptr; }

}  // namespace

void Proxies::fill(ConnectorProxy& connector) {
  const std::uint32_t there = connector.info.functions;
  plk_connector& table = connector.table;
  table.struct_size = sizeof table;
  table.kind = connector.info.kind;
  table.id = connector.info.id.c_str();
  table.caps = connector.info.caps;
  table.config_schema_version = connector.info.config_schema_version;
  table.max_concurrency = connector.info.max_concurrency;
  const Functions& own = *functions[connector.slot];
  if ((there & has::config_check) != 0) table.config_check = own.config_check;
  if ((there & has::config_choices) != 0) table.config_choices = own.config_choices;
  if ((there & has::config_migrate) != 0) table.config_migrate = own.config_migrate;
  table.open = own.open;
  table.location = proxy_location;
  table.ping = proxy_ping;
  if ((there & has::interrupt) != 0) table.interrupt = proxy_interrupt;
  table.close = proxy_close;

  connector.importer = importer_proxy;
  if ((there & has::scan_ack) == 0) connector.importer.scan_ack = nullptr;
  if ((there & has::estimate) == 0) connector.importer.estimate = nullptr;
  connector.writer = writer_proxy;
  if ((there & has::write_zeros) == 0) connector.writer.write_zeros = nullptr;
  connector.exporter = exporter_proxy;
  connector.exporter.writer = &connector.writer;
  connector.storage = storage_proxy;
  if ((there & has::get_open) == 0) connector.storage.get_open = nullptr;
  if ((there & has::uploads) == 0) {
    connector.storage.upload_open = nullptr;
    connector.storage.upload_write = nullptr;
    connector.storage.upload_commit = nullptr;
    connector.storage.upload_abort = nullptr;
  }
  if ((there & has::finish) == 0) connector.storage.finish = nullptr;
  switch (connector.info.kind) {
    case PLK_KIND_IMPORTER:
      table.ops = &connector.importer;
      break;
    case PLK_KIND_EXPORTER:
      table.ops = &connector.exporter;
      break;
    case PLK_KIND_STORAGE:
      table.ops = &connector.storage;
      break;
    case PLK_KIND_SECRETS:
      table.ops = &secrets_proxy;
      break;
    case PLK_KIND_INVENTORY:
      table.ops = &inventory_proxy;
      break;
    default:
      break;
  }
}

bool Proxies::make_tables(WorkerModule::State& state) {
  if (!claim(modules, &state, state.slot)) return false;
  for (std::size_t i = 0; i < state.info.connectors.size(); ++i) {
    ConnectorProxy& connector = state.connectors.emplace_back();
    connector.module = &state;
    connector.index = static_cast<std::uint32_t>(i);
    connector.info = state.info.connectors[i];
    if (!claim(connectors, &connector, connector.slot)) {
      state.connectors.pop_back();
      drop_tables(state);
      return false;
    }
    fill(connector);
    state.tables.push_back(&connector.table);
  }
  plk_plugin& plugin = state.plugin;
  plugin.magic = PLK_MAGIC;
  plugin.struct_size = sizeof plugin;
  plugin.abi_minor_built = state.info.abi_minor_built;
  plugin.abi_minor_required = state.info.abi_minor_required;
  plugin.name = state.info.name.c_str();
  plugin.version = state.info.version.c_str();
  plugin.connectors = state.tables.data();
  plugin.connector_count = static_cast<std::uint32_t>(state.tables.size());
  plugin.shutdown = shutdowns[state.slot];
  plugin.extension = no_extension;
  return true;
}

void Proxies::drop_tables(WorkerModule::State& state) {
  for (const ConnectorProxy& connector : state.connectors) connectors[connector.slot] = nullptr;
  modules[state.slot] = nullptr;
}

plk_status Proxies::open(ConnectorProxy& connector, const plk_open_args* args,
                         plk_instance** instance, plk_error* err) {
  WorkerModule::State& module = *connector.module;
  const auto connection = module.connect(Op::open, err);
  if (connection == nullptr) return err != nullptr ? err->code : PLK_E_CRASHED;

  auto proxy = std::make_unique<InstanceProxy>();
  proxy->connection = connection;
  proxy->host = &module.host;
  proxy->number = connection->reverse().add_instance(args->ctx);
  proxy->concurrent = (connector.info.caps & PLK_CAP_CONCURRENT) != 0;
  const std::uint32_t wanted = std::max(args->concurrency, 1U);
  proxy->calls_max = connector.info.max_concurrency == 0
                         ? wanted + 1
                         : std::min(connector.info.max_concurrency, wanted + 1);
  Packer packer;
  packer(connector.index);
  plk_open_args copy = *args;
  fields(packer, copy);
  plk_config config = args->config == nullptr ? plk_config{} : *args->config;
  fields(packer, config);
  const Answer answer = connection->call({.op = Op::open,
                                          .handle = proxy->number,
                                          .arguments = &packer,
                                          .secret = true,
                                          .call = args->call,
                                          .err = err});
  packer.wipe();
  std::uint8_t there = 0;
  const plk_status status = read_results(*connection, answer, Op::open, err,
                                         [&](Unpacker& unpacker) { unpacker(there); });
  if (status == PLK_OK && there != 0) {
    *instance = proxy.release()->handle();
    return PLK_OK;
  }
  connection->reverse().remove_instance(proxy->number);
  if (status == PLK_OK) *instance = nullptr;
  return status;
}

plk_status Proxies::config_check(ConnectorProxy& connector, const plk_config* config,
                                 plk_error* err) {
  const auto connection = connector.module->connect(Op::config_check, err);
  if (connection == nullptr) return err != nullptr ? err->code : PLK_E_CRASHED;
  Packer packer;
  plk_config copy = *config;
  fields(packer, copy);
  return connection
      ->call({.op = Op::config_check, .handle = connector.index, .arguments = &packer, .err = err})
      .status;
}

plk_status Proxies::config_choices(ConnectorProxy& connector, plk_call* call,
                                   const plk_config* config, plk_str field, plk_sink* json,
                                   plk_error* err) {
  const auto connection = connector.module->connect(Op::config_choices, err);
  if (connection == nullptr) return err != nullptr ? err->code : PLK_E_CRASHED;
  Packer packer;
  plk_config copy = *config;
  fields(packer, copy);
  packer(field);
  const Answer answer = connection->call({.op = Op::config_choices,
                                          .handle = connector.index,
                                          .arguments = &packer,
                                          .room_bytes = sink_room_bytes,
                                          .secret = true,
                                          .call = call,
                                          .err = err});
  packer.wipe();
  return pass_to_sink(connector.module->host, json, answer, err);
}

plk_status Proxies::config_migrate(ConnectorProxy& connector, std::uint32_t from, std::uint32_t to,
                                   plk_bytes json, plk_sink* out, plk_error* err) {
  const auto connection = connector.module->connect(Op::config_migrate, err);
  if (connection == nullptr) return err != nullptr ? err->code : PLK_E_CRASHED;
  Packer packer;
  packer(from);
  packer(to);
  packer(json);
  const Answer answer = connection->call({.op = Op::config_migrate,
                                          .handle = connector.index,
                                          .arguments = &packer,
                                          .room_bytes = sink_room_bytes,
                                          .err = err});
  return pass_to_sink(connector.module->host, out, answer, err);
}

// --- WorkerModule -----------------------------------------------------------------------------

WorkerModule::WorkerModule(std::shared_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<WorkerModule>> WorkerModule::create(Supervisor& supervisor, Clock& clock,
                                                           WorkerModuleSettings settings,
                                                           const plk_entry_args& entry) {
  auto state = std::make_shared<State>(supervisor, clock, std::move(settings), entry);
  state->connection = PLK_TRY(state->start());
  if (!Proxies::make_tables(*state)) {
    return Error(Errc::unavailable, "too many modules run in workers at once");
  }
  return std::unique_ptr<WorkerModule>(new WorkerModule(std::move(state)));
}

WorkerModule::~WorkerModule() {
  std::shared_ptr<Connection> last;
  {
    const std::scoped_lock lock(state_->mutex);
    state_->shut_down = true;
    last = std::move(state_->connection);
    state_->connection = nullptr;
  }
  last.reset();
  Proxies::drop_tables(*state_);
}

const plk_plugin& WorkerModule::plugin() const noexcept { return state_->plugin; }

Confinement WorkerModule::confinement() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->connection == nullptr ? Confinement{} : state_->connection->confinement();
}

pid_t WorkerModule::process_id() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->connection == nullptr ? 0 : state_->connection->process_id();
}

bool WorkerModule::quarantined() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->budget.spent();
}

std::string WorkerModule::last_crash() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->last_crash;
}

void WorkerModule::clear_quarantine() {
  const std::scoped_lock lock(state_->mutex);
  state_->budget.reset();
}

}  // namespace plakar::host::worker
