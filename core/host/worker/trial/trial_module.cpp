// A module for tests: connectors of every kind over memory, which do as the configuration says.
//
//   at     the name of a function, as frame.cpp spells it
//   fault  what happens there: segv, abort, loop, exit, stack, memory, descriptors, garbage,
//          wait (until cancelled), nap (until interrupted), error
//   count  of records, names, resources
//   size   of each record's content
//   file   where contents are read from and written to, in place of memory
//
// Built as trial.so, and into the tests as a module of their own process.
#include <fcntl.h>
#include <plakar/connector.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

extern char** environ;

namespace {

const plk_host_api* host = nullptr;
plk_ctx* module_ctx = nullptr;

std::string_view text(plk_str value) { return {value.ptr, value.len}; }
std::string_view text(plk_bytes value) {
  return {reinterpret_cast<const char*>(value.ptr), value.len};
}
plk_str str(std::string_view value) { return {value.data(), value.size()}; }
plk_bytes bytes(std::string_view value) {
  return {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()};
}

struct Settings {
  std::string at;
  std::string fault;
  std::string file;
  std::uint64_t count = 3;
  std::uint64_t size = 10;

  Settings() = default;
  explicit Settings(const plk_config* config) {
    for (std::uint64_t i = 0; config != nullptr && i < config->count; ++i) {
      const auto* entry = PLK_AT(plk_cfg_entry, config->entries, config->entry_stride, i);
      if (text(entry->key) == "at") at = text(entry->value);
      if (text(entry->key) == "fault") fault = text(entry->value);
      if (text(entry->key) == "file") file = text(entry->value);
      if (text(entry->key) == "count") count = static_cast<std::uint64_t>(entry->i);
      if (text(entry->key) == "size") size = static_cast<std::uint64_t>(entry->i);
    }
  }
};

// Keeps the optimiser from seeing that it does not end well.
volatile int always = 1;

int recurse(volatile char* above) {
  volatile char here[4096];
  here[0] = above == nullptr ? '\0' : above[0];
  return always != 0 ? recurse(here) + here[0] : 0;
}

void write_garbage() {
  for (int descriptor = 3; descriptor < 64; ++descriptor) {
    const char garbage[100] = "this is no frame";
    ::send(descriptor, garbage, sizeof garbage, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

plk_status exhaust_memory(plk_error* err) {
  constexpr std::size_t size = std::size_t{10} << 30;
  auto* memory = static_cast<volatile char*>(std::malloc(size));
  if (memory == nullptr) return plk_fail(err, PLK_E_NO_MEMORY, "no memory for so much");
  for (std::size_t i = 0; i < size; i += 4096) memory[i] = 1;
  return PLK_OK;
}

plk_status exhaust_descriptors(plk_error* err) {
  while (::open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
  }
  return plk_fail(err, PLK_E_IO, "no descriptor left");
}

std::atomic<bool> interrupted = false;

plk_status wait_for_cancel(plk_call* call, plk_error* err) {
  pollfd polled{host->call_cancel_fd(call), POLLIN, 0};
  ::poll(&polled, 1, -1);
  if (host->call_cancelled(call) == 0) return plk_fail(err, PLK_E_INTERNAL, "woken for nothing");
  return plk_fail(err, PLK_E_CANCELLED, "cancelled");
}

plk_status fault(const std::string& what, plk_call* call, plk_error* err) {
  if (what == "segv") {
    std::fputs("trial: about to go\n", stderr);
    std::raise(SIGSEGV);
  }
  if (what == "abort") std::abort();
  if (what == "loop") {
    while (always != 0) {
    }
  }
  if (what == "exit") std::exit(7);
  if (what == "stack") always = recurse(nullptr);
  if (what == "memory") return exhaust_memory(err);
  if (what == "descriptors") return exhaust_descriptors(err);
  if (what == "garbage") write_garbage();
  if (what == "wait") return wait_for_cancel(call, err);
  if (what == "nap") {
    while (!interrupted.exchange(false)) ::usleep(1000);
    return plk_fail(err, PLK_E_CANCELLED, "interrupted");
  }
  if (what == "error") {
    plk_fail(err, PLK_E_THROTTLED, "too many requests");
    if (err == nullptr) return PLK_E_THROTTLED;
    err->flags = PLK_ERRF_RETRYABLE;
    err->sys_errno = 11;
    err->retry_after_ms = 250;
    std::strcpy(err->vendor, "SlowDown");
    return PLK_E_THROTTLED;
  }
  return PLK_OK;
}

#define REACH(settings, function, call, err)                                                \
  do {                                                                                      \
    if ((settings).at == (function)) {                                                      \
      if (const plk_status reached = fault((settings).fault, call, err); reached != PLK_OK) \
        return reached;                                                                     \
    }                                                                                       \
  } while (false)

struct Instance {
  Settings settings;
  plk_ctx* ctx = nullptr;
  std::string location;
  std::string secret;
  std::mutex mutex;
  std::map<std::string, std::string> objects;
  std::string config;
};

Instance& of(plk_instance* instance) { return *reinterpret_cast<Instance*>(instance); }

// --- Connector --------------------------------------------------------------------------------

plk_status config_check(plk_ctx*, const plk_config* config, plk_error* err) {
  const Settings settings(config);
  REACH(settings, "config_check", nullptr, err);
  if (settings.count > 1'000'000'000) return plk_fail(err, PLK_E_CONFIG, "count: too many");
  return PLK_OK;
}

plk_status config_choices(plk_ctx*, plk_call* call, const plk_config* config, plk_str field,
                          plk_sink* json, plk_error* err) {
  const Settings settings(config);
  REACH(settings, "config_choices", call, err);
  const std::string choices = "[\"" + std::string(text(field)) + "\"]";
  return host->sink_write(json, choices.data(), choices.size());
}

plk_status config_migrate(plk_ctx*, std::uint32_t from, std::uint32_t to, plk_bytes json,
                          plk_sink* out, plk_error* err) {
  Settings settings;
  settings.at = "config_migrate";
  settings.fault = text(json);
  REACH(settings, "config_migrate", nullptr, err);
  const std::string result = std::to_string(from) + std::to_string(to) + std::string(text(json));
  return host->sink_write(out, result.data(), result.size());
}

plk_status open(const plk_open_args* args, plk_instance** instance, plk_error* err) {
  auto made = std::make_unique<Instance>();
  made->settings = Settings(args->config);
  REACH(made->settings, "open", args->call, err);
  made->ctx = args->ctx;
  made->location = text(args->location);
  for (std::uint64_t i = 0; args->config != nullptr && i < args->config->count; ++i) {
    const auto* entry = PLK_AT(plk_cfg_entry, args->config->entries, args->config->entry_stride, i);
    if ((entry->flags & PLK_CFG_SECRET) != 0) made->secret = text(entry->value);
  }
  *instance = reinterpret_cast<plk_instance*>(made.release());
  return PLK_OK;
}

plk_status location(plk_instance* instance, plk_location* out, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "location", nullptr, err);
  out->flags = 0;
  out->origin = str("trial");
  out->type = str("trial");
  out->root = bytes(self.location);
  return PLK_OK;
}

// Leaves what the program wrote, and how it ended, where secrets.get finds it.
plk_status run_program(Instance& self, plk_call* call, plk_error* err) {
  const auto* ops = static_cast<const plk_process_ops*>(host->extension(self.ctx, PLK_EXT_PROCESS));
  if (ops == nullptr) return plk_fail(err, PLK_E_UNSUPPORTED, "no programs");
  const std::string program = self.secret.empty() ? "allowed" : self.secret;
  const plk_bytes argv[] = {bytes(program), bytes("output")};
  plk_spawn_args args{};
  args.struct_size = sizeof args;
  args.flags = PLK_SPAWN_STDOUT;
  args.argv = argv;
  args.argc = 2;
  plk_pipes pipes{};
  pipes.struct_size = sizeof pipes;
  plk_process* process = nullptr;
  if (const plk_status status = ops->spawn(self.ctx, call, &args, &pipes, &process, err);
      status != PLK_OK) {
    return status;
  }
  char output[64];
  const ssize_t size = ::read(pipes.stdout_fd, output, sizeof output);
  ::close(pipes.stdout_fd);
  plk_exit ended{};
  ended.struct_size = sizeof ended;
  if (self.settings.at == "leave") return PLK_OK;
  const plk_status status = ops->wait(process, call, &ended, err);
  self.secret = std::string(output, static_cast<std::size_t>(std::max<ssize_t>(size, 0))) +
                std::to_string(ended.code);
  return status;
}

plk_status use_directory(Instance& self, plk_error* err) {
  const auto* ops = static_cast<const plk_tempdir_ops*>(host->extension(self.ctx, PLK_EXT_TEMPDIR));
  if (ops == nullptr) return plk_fail(err, PLK_E_UNSUPPORTED, "no directories");
  char path[256];
  std::uint64_t size = 0;
  const plk_status status = ops->path(self.ctx, 1, path, sizeof path, &size, err);
  if (status == PLK_OK) self.secret.assign(path, size);
  // Also from a thread that runs no call.
  if (self.settings.at == "leave") return status;
  plk_task* task = nullptr;
  const auto remove = [](void* argument) {
    auto* instance = static_cast<Instance*>(argument);
    static_cast<const plk_tempdir_ops*>(host->extension(instance->ctx, PLK_EXT_TEMPDIR))
        ->remove(instance->ctx);
  };
  host->run(self.ctx, remove, &self, &task);
  host->join(self.ctx, task);
  return status;
}

// What this process can do, in letters: e for an environment, d for descriptors that are nobody's
// here, f for a file of others, w for writing one, n for the network, x for programs, p for
// processes, o for the parent.
plk_status try_everything(Instance& self) {
  std::string& can = self.secret;
  can.clear();
  if (environ != nullptr && *environ != nullptr) can += 'e';
  int descriptors = 0;
  for (int i = 3; i < 64; ++i) descriptors += ::fcntl(i, F_GETFD) >= 0 ? 1 : 0;
  // The control channel, and lanes: as many as have been used at once.
  if (descriptors > 3) can += 'd';
  if (::open(self.settings.file.c_str(), O_RDONLY | O_CLOEXEC) >= 0) can += 'f';
  const std::string other = self.settings.file + ".new";
  if (::open(other.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0) can += 'w';
  if (::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0) can += 'n';
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  if (child > 0) can += 'p';
  char* const none[] = {nullptr};
  // Where it may, it is another program from here on.
  if (can.find('p') == std::string::npos) ::execve("/bin/true", none, none);
  if (::kill(::getppid(), 0) == 0) can += 'o';
  char directory[256] = "";
  if (::getcwd(directory, sizeof directory) == nullptr || std::strcmp(directory, "/") != 0) {
    can += 'c';
  }
  if (::umask(077) != 077) can += 'u';
  return PLK_OK;
}

// Uses everything of the host that can be used within a call.
plk_status ping(plk_instance* instance, plk_call* call, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "ping", call, err);
  const plk_str kv[] = {str("key"), str("value")};
  plk_log_record record{sizeof record, PLK_LOG_INFO, str(""), str("pinged"), kv, 2};
  host->log(self.ctx, &record);
  plk_progress progress{sizeof progress, 0, 1, 2, 3, 4, str("pinging")};
  host->progress(call, &progress);
  std::uint32_t metric = 0;
  if (host->metric_define(module_ctx, PLK_METRIC_COUNTER, str("pings"), str(""), &metric) ==
      PLK_OK) {
    host->metric_record(self.ctx, metric, 1);
  }
  if (self.settings.fault == "refresh") {
    char value[64];
    std::uint64_t size = 0;
    const plk_status status =
        host->secret_refresh(self.ctx, call, str("password"), value, sizeof value, &size, err);
    if (status != PLK_OK) return status;
    self.secret.assign(value, size);
  }
  if (self.settings.fault == "everything") return try_everything(self);
  if (self.settings.fault == "program") return run_program(self, call, err);
  if (self.settings.fault == "directory") return use_directory(self, err);
  if (self.settings.fault == "task") {
    plk_task* task = nullptr;
    const auto run = [](void* argument) { *static_cast<std::string*>(argument) = "by a task"; };
    if (const plk_status status = host->run(self.ctx, run, &self.secret, &task); status != PLK_OK) {
      return status;
    }
    host->join(self.ctx, task);
  }
  return PLK_OK;
}

void interrupt(plk_instance*, plk_call*) { interrupted = true; }

void close(plk_instance* instance, plk_call* call) {
  const std::unique_ptr<Instance> self(&of(instance));
  if (self->settings.at == "close") fault(self->settings.fault, call, nullptr);
}

// --- Content ----------------------------------------------------------------------------------

struct Reader {
  Instance* instance = nullptr;
  std::string content;
  std::uint64_t left = 0;  // Of content that repeats.
  std::size_t at = 0;
  int file = -1;

  ~Reader() {
    if (file >= 0) ::close(file);
  }
};

plk_status reader_read(plk_reader* reader, plk_call* call, void* buf, std::uint64_t cap,
                       std::uint64_t* got, plk_error* err) {
  auto& self = *reinterpret_cast<Reader*>(reader);
  REACH(self.instance->settings, "reader.read", call, err);
  const std::uint64_t size = std::min(cap, self.left);
  if (size == 0) {
    *got = 0;
    return PLK_END;
  }
  if (self.file >= 0) {
    if (::pread(self.file, buf, size, static_cast<off_t>(self.at)) != static_cast<ssize_t>(size)) {
      return plk_fail(err, PLK_E_IO, "the file is too short");
    }
  } else if (self.content.empty()) {
    std::memset(buf, 'x', size);
  } else {
    std::memcpy(buf, self.content.data() + self.at, size);
  }
  self.at += size;
  self.left -= size;
  *got = size;
  return PLK_OK;
}

void reader_close(plk_reader* reader, plk_call* call) {
  const std::unique_ptr<Reader> self(reinterpret_cast<Reader*>(reader));
  if (self->instance->settings.at == "reader.close") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

constexpr plk_reader_ops reader_ops = {sizeof reader_ops, 0, reader_read, nullptr, reader_close};

// --- Importer ---------------------------------------------------------------------------------

struct Scan {
  Instance* instance = nullptr;
  std::uint32_t max_batch = 1;
  std::uint64_t next = 0;
  std::vector<std::string> paths;
  std::vector<plk_record> records;
  std::vector<plk_status> acknowledged;
};

Scan& of(plk_scan* scan) { return *reinterpret_cast<Scan*>(scan); }

plk_status scan_open(plk_instance* instance, plk_call* call, const plk_scan_args* args,
                     plk_scan** scan, plk_error* err) {
  REACH(of(instance).settings, "scan_open", call, err);
  auto made = std::make_unique<Scan>();
  made->instance = &of(instance);
  made->max_batch = args->max_batch;
  *scan = reinterpret_cast<plk_scan*>(made.release());
  return PLK_OK;
}

plk_status scan_next(plk_scan* scan, plk_call* call, plk_record_batch* batch, plk_error* err) {
  Scan& self = of(scan);
  REACH(self.instance->settings, "scan_next", call, err);
  const std::uint64_t count =
      std::min<std::uint64_t>(self.max_batch, self.instance->settings.count - self.next);
  if (count == 0) return PLK_END;
  static const plk_xattr xattr = {bytes("user.trial"), bytes("yes"), PLK_XATTR_EXTENDED, 0};
  self.paths.resize(count);
  self.records.assign(count, {});
  for (std::uint64_t i = 0; i < count; ++i) {
    self.paths[i] = "/directory/file-" + std::to_string(self.next);
    plk_record& record = self.records[i];
    record.id = self.next++;
    record.type = PLK_R_FILE;
    record.flags = PLK_RF_HAS_DATA;
    record.valid = PLK_V_SIZE | PLK_V_MODE | PLK_V_MTIME;
    record.path = bytes(self.paths[i]);
    record.xattrs = &xattr;
    record.xattr_count = 1;
    record.xattr_stride = sizeof xattr;
    record.size = self.instance->settings.size;
    record.mode = 0644;
    record.mtime.seconds = 1'700'000'000;
  }
  batch->records = self.records.data();
  batch->record_stride = sizeof(plk_record);
  batch->count = count;
  return PLK_OK;
}

plk_status record_open(plk_scan* scan, plk_call* call, std::uint64_t id, std::uint64_t offset,
                       plk_reader** reader, plk_error* err) {
  Scan& self = of(scan);
  REACH(self.instance->settings, "record_open", call, err);
  if (id >= self.instance->settings.count) return plk_fail(err, PLK_E_NOT_FOUND, "no such id");
  const std::uint64_t size = self.instance->settings.size;
  auto made = std::make_unique<Reader>();
  made->instance = self.instance;
  made->left = size - std::min(offset, size);
  made->at = offset;
  if (!self.instance->settings.file.empty()) {
    made->file = ::open(self.instance->settings.file.c_str(), O_RDONLY | O_CLOEXEC);
  }
  *reader = reinterpret_cast<plk_reader*>(made.release());
  return PLK_OK;
}

plk_status scan_ack(plk_scan* scan, plk_call* call, const std::uint64_t* ids,
                    const plk_status* statuses, std::uint64_t count, plk_error* err) {
  Scan& self = of(scan);
  REACH(self.instance->settings, "scan_ack", call, err);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (ids[i] >= self.next) return plk_fail(err, PLK_E_INVALID_ARG, "not seen yet");
    self.acknowledged.push_back(statuses[i]);
  }
  return PLK_OK;
}

void scan_close(plk_scan* scan, plk_call* call) {
  const std::unique_ptr<Scan> self(&of(scan));
  if (self->instance->settings.at == "scan_close") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

plk_status estimate(plk_instance* instance, plk_call* call, const plk_scan_args*,
                    std::uint64_t* items, std::uint64_t* total, plk_error* err) {
  const Settings& settings = of(instance).settings;
  REACH(settings, "estimate", call, err);
  *items = settings.count;
  *total = settings.count * settings.size;
  return PLK_OK;
}

constexpr plk_importer_ops importer_ops = {sizeof importer_ops, 0,           scan_open,
                                           scan_next,           record_open, scan_ack,
                                           scan_close,          &reader_ops, estimate};

// --- Exporter ---------------------------------------------------------------------------------

struct Export {
  Instance* instance = nullptr;
  std::uint64_t failures = 0;
  plk_record failure{};
};

struct Writer {
  Instance* instance = nullptr;
  std::string path;
  std::string content;
  std::uint64_t written = 0;
  int file = -1;

  ~Writer() {
    if (file >= 0) ::close(file);
  }
};

plk_status export_open(plk_instance* instance, plk_call* call, const plk_export_args*,
                       plk_export** exported, plk_error* err) {
  REACH(of(instance).settings, "export_open", call, err);
  auto made = std::make_unique<Export>();
  made->instance = &of(instance);
  *exported = reinterpret_cast<plk_export*>(made.release());
  return PLK_OK;
}

plk_status export_put(plk_export* exported, plk_call* call, const plk_record* record, std::uint32_t,
                      plk_writer** writer, plk_error* err) {
  auto& self = *reinterpret_cast<Export*>(exported);
  REACH(self.instance->settings, "exporter.put", call, err);
  *writer = nullptr;
  if ((record->flags & PLK_RF_HAS_DATA) == 0) return PLK_OK;
  auto made = std::make_unique<Writer>();
  made->instance = self.instance;
  made->path = text(record->path);
  if (!self.instance->settings.file.empty()) {
    made->file = ::open(self.instance->settings.file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  }
  *writer = reinterpret_cast<plk_writer*>(made.release());
  return PLK_OK;
}

plk_status export_finish(plk_export* exported, plk_call* call, plk_record_batch* failures,
                         plk_error* err) {
  auto& self = *reinterpret_cast<Export*>(exported);
  REACH(self.instance->settings, "export_finish", call, err);
  if (self.failures++ != 0) return PLK_END;
  self.failure.type = PLK_R_ERROR;
  self.failure.path = bytes("/directory");
  self.failure.error_code = PLK_E_PERMISSION;
  self.failure.error_message = str("times cannot be set");
  failures->records = &self.failure;
  failures->record_stride = sizeof self.failure;
  failures->count = 1;
  return PLK_OK;
}

void export_close(plk_export* exported, plk_call* call) {
  const std::unique_ptr<Export> self(reinterpret_cast<Export*>(exported));
  if (self->instance->settings.at == "export_close") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

plk_status writer_write(plk_writer* writer, plk_call* call, const void* data, std::uint64_t size,
                        plk_error* err) {
  auto& self = *reinterpret_cast<Writer*>(writer);
  REACH(self.instance->settings, "writer.write", call, err);
  if (self.file >= 0 && ::pwrite(self.file, data, size, 0) != static_cast<ssize_t>(size)) {
    return plk_fail(err, PLK_E_IO, "the file takes no more");
  }
  // Of much it remembers a little.
  self.written += size;
  if (self.content.size() < 4096) {
    self.content.append(static_cast<const char*>(data), std::min<std::uint64_t>(size, 4096));
  }
  return PLK_OK;
}

plk_status writer_commit(plk_writer* writer, plk_call* call, std::uint64_t* total, plk_error* err) {
  const std::unique_ptr<Writer> self(reinterpret_cast<Writer*>(writer));
  REACH(self->instance->settings, "writer.commit", call, err);
  *total = self->written;
  const std::scoped_lock lock(self->instance->mutex);
  self->instance->objects[self->path] = self->content;
  return PLK_OK;
}

void writer_abort(plk_writer* writer, plk_call* call) {
  const std::unique_ptr<Writer> self(reinterpret_cast<Writer*>(writer));
  if (self->instance->settings.at == "writer.abort") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

plk_status writer_zeros(plk_writer* writer, plk_call* call, std::uint64_t size, plk_error* err) {
  auto& self = *reinterpret_cast<Writer*>(writer);
  REACH(self.instance->settings, "writer.write_zeros", call, err);
  self.written += size;
  return PLK_OK;
}

constexpr plk_writer_ops writer_ops = {sizeof writer_ops, 0,           writer_write, writer_commit,
                                       writer_abort,      writer_zeros};
constexpr plk_exporter_ops exporter_ops = {
    sizeof exporter_ops, 0, export_open, export_put, export_finish, export_close, &writer_ops};

// --- Storage ----------------------------------------------------------------------------------

struct Lister {
  Instance* instance = nullptr;
  std::vector<std::string> keys;
  std::vector<plk_name> names;
  std::vector<plk_resource> resources;
  bool given = false;
};

struct Upload {
  Instance* instance = nullptr;
  std::string content;
};

plk_status create(plk_instance* instance, plk_call* call, plk_bytes config, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "create", call, err);
  if (!self.config.empty()) return plk_fail(err, PLK_E_EXISTS, "there is a store");
  self.config = text(config);
  return PLK_OK;
}

plk_status load(plk_instance* instance, plk_call* call, plk_sink* config, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "load", call, err);
  if (self.config.empty()) return plk_fail(err, PLK_E_NOT_FOUND, "there is no store");
  return host->sink_write(config, self.config.data(), self.config.size());
}

plk_status mode(plk_instance* instance, plk_call* call, std::uint32_t* out, plk_error* err) {
  REACH(of(instance).settings, "mode", call, err);
  *out = PLK_MODE_READ | PLK_MODE_WRITE;
  return PLK_OK;
}

plk_status used_bytes(plk_instance* instance, plk_call* call, std::uint64_t* out, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "used_bytes", call, err);
  const std::scoped_lock lock(self.mutex);
  *out = 0;
  for (const auto& [key, content] : self.objects) *out += content.size();
  return PLK_OK;
}

plk_status list_open(plk_instance* instance, plk_call* call, std::uint32_t, plk_bytes,
                     plk_lister** lister, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "list_open", call, err);
  auto made = std::make_unique<Lister>();
  made->instance = &self;
  const std::scoped_lock lock(self.mutex);
  for (const auto& [key, content] : self.objects) made->keys.push_back(key);
  *lister = reinterpret_cast<plk_lister*>(made.release());
  return PLK_OK;
}

plk_status list_next(plk_lister* lister, plk_call* call, plk_name_batch* batch, plk_error* err) {
  auto& self = *reinterpret_cast<Lister*>(lister);
  REACH(self.instance->settings, "list_next", call, err);
  if (self.given || self.keys.empty()) return PLK_END;
  self.given = true;
  // All at once, however many: what the host takes at once is the worker's to see to.
  for (const std::string& key : self.keys) {
    plk_name& name = self.names.emplace_back();
    name.key = bytes(key);
    name.valid = PLK_N_SIZE;
    name.size = self.instance->objects[key].size();
  }
  batch->names = self.names.data();
  batch->name_stride = sizeof(plk_name);
  batch->count = self.names.size();
  return PLK_OK;
}

void list_close(plk_lister* lister, plk_call* call) {
  const std::unique_ptr<Lister> self(reinterpret_cast<Lister*>(lister));
  if (self->instance->settings.at == "list_close") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

plk_status object_size(plk_instance* instance, plk_call* call, const plk_object* object,
                       std::uint64_t* out, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "object_size", call, err);
  const std::scoped_lock lock(self.mutex);
  const auto found = self.objects.find(std::string(text(object->key)));
  if (found == self.objects.end()) return plk_fail(err, PLK_E_NOT_FOUND, "no such object");
  *out = found->second.size();
  return PLK_OK;
}

plk_status get(plk_instance* instance, plk_call* call, const plk_object* object,
               std::uint64_t offset, void* buf, std::uint64_t cap, std::uint64_t* got,
               plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "get", call, err);
  const std::scoped_lock lock(self.mutex);
  const auto found = self.objects.find(std::string(text(object->key)));
  if (found == self.objects.end()) return plk_fail(err, PLK_E_NOT_FOUND, "no such object");
  const std::string& content = found->second;
  const std::uint64_t at = std::min<std::uint64_t>(offset, content.size());
  *got = std::min<std::uint64_t>(cap, content.size() - at);
  if (*got != 0) std::memcpy(buf, content.data() + at, *got);
  return PLK_OK;
}

plk_status put(plk_instance* instance, plk_call* call, const plk_object* object,
               const plk_bytes* parts, std::uint64_t count, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "put", call, err);
  std::string content;
  for (std::uint64_t i = 0; i < count; ++i) content += text(parts[i]);
  const std::scoped_lock lock(self.mutex);
  self.objects[std::string(text(object->key))] = std::move(content);
  return PLK_OK;
}

plk_status del(plk_instance* instance, plk_call* call, const plk_object* object, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "del", call, err);
  const std::scoped_lock lock(self.mutex);
  self.objects.erase(std::string(text(object->key)));
  return PLK_OK;
}

plk_status get_open(plk_instance* instance, plk_call* call, const plk_object* object,
                    std::uint64_t offset, std::uint64_t size, plk_reader** content,
                    plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "get_open", call, err);
  const std::scoped_lock lock(self.mutex);
  const auto found = self.objects.find(std::string(text(object->key)));
  if (found == self.objects.end()) return plk_fail(err, PLK_E_NOT_FOUND, "no such object");
  auto made = std::make_unique<Reader>();
  made->instance = &self;
  made->content = found->second.substr(std::min<std::uint64_t>(offset, found->second.size()), size);
  made->left = made->content.size();
  *content = reinterpret_cast<plk_reader*>(made.release());
  return PLK_OK;
}

plk_status upload_open(plk_instance* instance, plk_call* call, std::uint32_t, std::uint32_t,
                       std::uint64_t, plk_upload** upload, plk_error* err) {
  REACH(of(instance).settings, "upload_open", call, err);
  auto made = std::make_unique<Upload>();
  made->instance = &of(instance);
  *upload = reinterpret_cast<plk_upload*>(made.release());
  return PLK_OK;
}

plk_status upload_write(plk_upload* upload, plk_call* call, const void* data, std::uint64_t size,
                        plk_error* err) {
  auto& self = *reinterpret_cast<Upload*>(upload);
  REACH(self.instance->settings, "upload_write", call, err);
  self.content.append(static_cast<const char*>(data), size);
  return PLK_OK;
}

plk_status upload_commit(plk_upload* upload, plk_call* call, const plk_object* object,
                         plk_error* err) {
  const std::unique_ptr<Upload> self(reinterpret_cast<Upload*>(upload));
  REACH(self->instance->settings, "upload_commit", call, err);
  const std::scoped_lock lock(self->instance->mutex);
  self->instance->objects[std::string(text(object->key))] = std::move(self->content);
  return PLK_OK;
}

void upload_abort(plk_upload* upload, plk_call* call) {
  const std::unique_ptr<Upload> self(reinterpret_cast<Upload*>(upload));
  if (self->instance->settings.at == "upload_abort") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

plk_status finish(plk_instance* instance, plk_call* call, plk_error* err) {
  REACH(of(instance).settings, "finish", call, err);
  return PLK_OK;
}

constexpr plk_storage_ops storage_ops = {sizeof storage_ops,
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
                                         &reader_ops,
                                         upload_open,
                                         upload_write,
                                         upload_commit,
                                         upload_abort,
                                         finish};

// --- Secrets and inventories ------------------------------------------------------------------

plk_status secret_get(plk_instance* instance, plk_call* call, plk_str path, plk_sink* value,
                      std::int64_t* ttl_s, plk_error* err) {
  Instance& self = of(instance);
  REACH(self.settings, "secrets.get", call, err);
  *ttl_s = 60;
  const std::string secret = path.len == 0 ? self.secret : "secret of " + std::string(text(path));
  return host->sink_write(value, secret.data(), secret.size());
}

constexpr plk_secrets_ops secrets_ops = {sizeof secrets_ops, 0, secret_get};

plk_status resources_open(plk_instance* instance, plk_call* call, plk_lister** lister,
                          plk_error* err) {
  REACH(of(instance).settings, "inventory.list_open", call, err);
  auto made = std::make_unique<Lister>();
  made->instance = &of(instance);
  *lister = reinterpret_cast<plk_lister*>(made.release());
  return PLK_OK;
}

plk_status resources_next(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                          plk_error* err) {
  auto& self = *reinterpret_cast<Lister*>(lister);
  REACH(self.instance->settings, "inventory.list_next", call, err);
  if (self.given) return PLK_END;
  self.given = true;
  static const plk_str tags[] = {str("owner"), str("trial")};
  self.resources.assign(self.instance->settings.count, {});
  for (plk_resource& resource : self.resources) {
    resource.urn = str("urn:trial");
    resource.tags = tags;
    resource.tag_count = 2;
    resource.details = bytes("{}");
  }
  batch->resources = self.resources.data();
  batch->resource_stride = sizeof(plk_resource);
  batch->count = self.resources.size();
  return PLK_OK;
}

void resources_close(plk_lister* lister, plk_call* call) {
  const std::unique_ptr<Lister> self(reinterpret_cast<Lister*>(lister));
  if (self->instance->settings.at == "inventory.list_close") {
    fault(self->instance->settings.fault, call, nullptr);
  }
}

constexpr plk_inventory_ops inventory_ops = {sizeof inventory_ops, 0, resources_open,
                                             resources_next, resources_close};

// --- Module -----------------------------------------------------------------------------------

constexpr plk_connector connector(std::uint32_t kind, const char* id, std::uint64_t caps,
                                  const void* ops) {
  return {
      sizeof(plk_connector), kind, id,       caps, 1,         16,    config_check, config_choices,
      config_migrate,        open, location, ping, interrupt, close, ops};
}

constexpr std::uint64_t caps = PLK_CAP_CONCURRENT | PLK_CAP_INTERRUPT | PLK_CAP_RANGE;
constexpr plk_connector connectors[] = {
    connector(PLK_KIND_IMPORTER, "trial-importer", caps, &importer_ops),
    connector(PLK_KIND_EXPORTER, "trial-exporter", caps, &exporter_ops),
    connector(PLK_KIND_STORAGE, "trial-storage", caps, &storage_ops),
    connector(PLK_KIND_SECRETS, "trial-secrets", caps, &secrets_ops),
    connector(PLK_KIND_INVENTORY, "trial-inventory", caps, &inventory_ops),
    // One call at a time.
    connector(PLK_KIND_IMPORTER, "trial-importer-serial", PLK_CAP_INTERRUPT, &importer_ops),
};
constexpr const plk_connector* all[] = {&connectors[0], &connectors[1], &connectors[2],
                                        &connectors[3], &connectors[4], &connectors[5]};

void shutdown() {}
const void* extension(const char*) { return nullptr; }

constexpr plk_plugin plugin = {
    PLK_MAGIC, sizeof plugin, PLK_TARGET_MINOR, 0, "trial", "1.2.3", all, 6,
    0,         shutdown,      extension};

}  // namespace

PLK_NOTE("trial", "1.2.3", 0);

extern "C" PLK_EXPORT plk_status PLK_CALL PLK_ENTRY(const plk_entry_args* args,
                                                    const plk_plugin** out, plk_error* err) {
  if (args->abi_major != PLK_ABI_MAJOR) return plk_fail(err, PLK_E_ABI, "another ABI");
#ifdef TRIAL_ENTRY_FAULT
  fault(TRIAL_ENTRY_FAULT, nullptr, err);
#endif
  host = args->host;
  module_ctx = args->ctx;
  *out = &plugin;
  return PLK_OK;
}
