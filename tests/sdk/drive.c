// Loads a module and drives its connectors through the C ABI from the entry to the shutdown, as a
// host does, and checks what the header promises. It stands in for the host where there is none:
// for authors' examples, and for golden modules, which must run for ever.
//
//   drive MODULE.so list                     KIND ID of each connector, one a line
//   drive MODULE.so store ID LOCATION        an empty place
//   drive MODULE.so source ID LOCATION [DIRECTORY]       whose tree the records must be
//   drive MODULE.so destination ID LOCATION [DIRECTORY]  where the files must be afterwards
//                                            (both only where the location is local)
//   drive MODULE.so secrets ID               has "known", which is "sesame", and nothing else
//   drive MODULE.so inventory ID
//
// Ends with 0 and one line, or names the line here that found a fault.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <plakar/connector.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static void fault(int line, const char* what, const char* detail) {
  fprintf(stderr, "drive.c:%d: %s%s%s\n", line, what, *detail ? ": " : "", detail);
  exit(1);
}
#define CHECK(condition)                               \
  do {                                                 \
    if (!(condition)) fault(__LINE__, #condition, ""); \
  } while (0)

// --- A host, as small as it can be ------------------------------------------------------------

struct plk_ctx {
  const char* name;
  int open;
};
struct plk_call {
  int cancelled;
  int fd;
};
struct plk_sink {
  uint8_t* data;
  uint64_t size;
};
struct plk_task {
  pthread_t thread;
  void (*function)(void*);
  void* argument;
};

static int32_t host_log_enabled(plk_ctx* ctx, int32_t level) {
  CHECK(ctx->open);
  return level >= PLK_LOG_INFO;
}
static void host_log(plk_ctx* ctx, const plk_log_record* record) {
  CHECK(ctx->open);
  CHECK(record->struct_size >= sizeof *record && record->kv_count % 2 == 0);
}
static plk_status host_metric_define(plk_ctx* ctx, uint32_t kind, plk_str name, plk_str unit,
                                     uint32_t* id) {
  (void)unit;
  CHECK(ctx->open && kind >= PLK_METRIC_COUNTER && name.len > 0);
  *id = 1;
  return PLK_OK;
}
static void host_metric_record(plk_ctx* ctx, uint32_t id, double value) {
  (void)value;
  CHECK(ctx->open && id == 1);
}
static void host_progress(plk_call* call, const plk_progress* progress) {
  CHECK(call != NULL && progress->struct_size >= sizeof *progress);
}
static int32_t host_call_cancelled(plk_call* call) { return call->cancelled; }
static int32_t host_call_cancel_fd(plk_call* call) { return call->fd; }
static int64_t host_call_remaining_ms(plk_call* call) {
  (void)call;
  return 10000;
}
static plk_status host_sink_write(plk_sink* sink, const void* data, uint64_t size) {
  if (size == 0) return PLK_OK;
  sink->data = realloc(sink->data, sink->size + size);
  CHECK(sink->data != NULL);
  memcpy(sink->data + sink->size, data, size);
  sink->size += size;
  return PLK_OK;
}
static plk_status host_secret_refresh(plk_ctx* ctx, plk_call* call, plk_str key, void* value,
                                      uint64_t cap, uint64_t* size, plk_error* err) {
  (void)ctx, (void)call, (void)key, (void)value, (void)cap, (void)size;
  return plk_fail(err, PLK_E_NOT_FOUND, "there are no secrets here");
}
static void* task_main(void* argument) {
  struct plk_task* task = argument;
  task->function(task->argument);
  return NULL;
}
static plk_status host_run(plk_ctx* ctx, void (*function)(void*), void* argument, plk_task** out) {
  CHECK(ctx->open);
  struct plk_task* task = calloc(1, sizeof *task);
  CHECK(task != NULL);
  task->function = function;
  task->argument = argument;
  CHECK(pthread_create(&task->thread, NULL, task_main, task) == 0);
  *out = task;
  return PLK_OK;
}
static void host_join(plk_ctx* ctx, plk_task* task) {
  CHECK(ctx->open);
  pthread_join(task->thread, NULL);
  free(task);
}
static const void* host_extension(plk_ctx* ctx, const char* id) {
  (void)ctx, (void)id;
  return NULL;
}

static const plk_host_api host = {
    .struct_size = sizeof host,
    .abi_minor = PLK_ABI_MINOR,
    .log_enabled = host_log_enabled,
    .log = host_log,
    .metric_define = host_metric_define,
    .metric_record = host_metric_record,
    .progress = host_progress,
    .call_cancelled = host_call_cancelled,
    .call_cancel_fd = host_call_cancel_fd,
    .call_remaining_ms = host_call_remaining_ms,
    .sink_write = host_sink_write,
    .secret_refresh = host_secret_refresh,
    .run = host_run,
    .join = host_join,
    .extension = host_extension,
};

static plk_ctx module_ctx = {"module", 1};
static plk_ctx instance_ctx = {"instance", 0};
static plk_call fine = {0, -1};
static plk_call cancelled = {1, -1};

// A caller's error, smaller than most messages, with a mark behind its buffer.
static char message[41];
static plk_error error;
static plk_error* fresh_error(void) {
  memset(&error, 0, sizeof error);
  memset(message, '#', sizeof message);
  error.struct_size = sizeof error;
  error.message = message;
  error.message_cap = sizeof message - 1;
  return &error;
}
static void expect(int line, plk_status wanted, plk_status got) {
  char detail[160];
  const uint32_t shown = error.message_len < 40 ? error.message_len : 40;
  if (wanted != got) {
    snprintf(detail, sizeof detail, "expected %d, got %d \"%.*s\"", wanted, got, (int)shown,
             message);
    fault(line, "wrong status", got < 0 ? detail : "");
  }
  if (got >= 0) return;
  if (error.code != got) fault(line, "plk_error.code is not what was returned", "");
  if (error.message_len == 0) fault(line, "an error without a message", "");
  if (memchr(message, '\n', shown)) fault(line, "a newline in a message", "");
  if (message[40] != '#') fault(line, "a message behind the end of its buffer", "");
}
#define EXPECT(status, call) expect(__LINE__, status, call)

// --- The module -------------------------------------------------------------------------------

static const plk_plugin* load(const char* path) {
  void* module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (module == NULL) fault(__LINE__, "dlopen", dlerror());
  void* symbol = dlsym(module, "plk_entry_v1");
  CHECK(symbol != NULL);
  plk_status (*entry)(const plk_entry_args*, const plk_plugin**, plk_error*) = NULL;
  memcpy(&entry, &symbol, sizeof entry);

  plk_entry_args args = {sizeof args, 2, 0, 0, &host, &module_ctx};
  const plk_plugin* plugin = NULL;
  EXPECT(PLK_E_ABI, entry(&args, &plugin, fresh_error()));
  CHECK(entry(&args, &plugin, NULL) == PLK_E_ABI);
  args.abi_major = PLK_ABI_MAJOR;
  args.flags = 0x80000000u;  // unknown ones are ignored
  EXPECT(PLK_OK, entry(&args, &plugin, fresh_error()));
  const plk_plugin* again = NULL;
  EXPECT(PLK_OK, entry(&args, &again, fresh_error()));
  CHECK(plugin == again);

  CHECK(plugin->magic == PLK_MAGIC && memcmp(&plugin->magic, "PLK1", 4) == 0);
  CHECK(PLK_HAS(plk_plugin, plugin, extension));
  CHECK(plugin->abi_minor_required <= PLK_ABI_MINOR);
  CHECK(*plugin->name && *plugin->version && plugin->shutdown != NULL);
  CHECK(plugin->connector_count > 0);
  for (uint32_t i = 0; i < plugin->connector_count; i++) {
    const plk_connector* connector = plugin->connectors[i];
    CHECK(PLK_HAS(plk_connector, connector, ops) && connector->ops != NULL && *connector->id);
    CHECK(connector->open && connector->location && connector->ping && connector->close);
    CHECK(((connector->caps & PLK_CAP_INTERRUPT) != 0) == (connector->interrupt != NULL));
  }
  return plugin;
}

static plk_instance* open_instance(const plk_connector* connector, const char* location) {
  const char* colon = strchr(location, ':');
  plk_cfg_entry entry;
  memset(&entry, 0, sizeof entry);
  entry.key = (plk_str){"location", 8};
  entry.value = (plk_str){location, strlen(location)};
  entry.type = PLK_T_STRING;
  const plk_config config = {
      sizeof config, sizeof entry, &entry, 1, connector->config_schema_version, 0};
  plk_open_args args;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.ctx = &instance_ctx;
  args.call = &fine;
  args.protocol = (plk_str){location, colon ? (uint64_t)(colon - location) : 0};
  args.location = entry.value;
  args.config = &config;
  args.hostname = (plk_str)PLK_STR("driver");
  args.os = (plk_str)PLK_STR("linux");
  args.arch = (plk_str)PLK_STR("amd64");
  args.cwd = (plk_bytes){(const uint8_t*)"/", 1};
  args.concurrency = 2;

  instance_ctx.open = 1;
  if (connector->config_check != NULL) {
    EXPECT(PLK_OK, connector->config_check(&module_ctx, &config, fresh_error()));
  }
  plk_instance* instance = NULL;
  EXPECT(PLK_OK, connector->open(&args, &instance, fresh_error()));

  // As a host with a newer header does: its struct is larger.
  struct {
    plk_location known;
    uint8_t newer[16];
  } where;
  memset(&where, 0, sizeof where);
  memset(where.newer, 0xA5, sizeof where.newer);
  where.known.struct_size = sizeof where;
  EXPECT(PLK_OK, connector->location(instance, &where.known, fresh_error()));
  CHECK(where.newer[0] == 0xA5 && where.newer[15] == 0xA5);
  CHECK(where.known.type.len > 0 && where.known.root.len > 0);
  plk_location second;
  memset(&second, 0, sizeof second);
  second.struct_size = sizeof second;
  EXPECT(PLK_OK, connector->location(instance, &second, fresh_error()));
  CHECK(second.origin.len == where.known.origin.len && second.root.len == where.known.root.len);
  EXPECT(PLK_OK, connector->ping(instance, &fine, fresh_error()));
  return instance;
}

// The directory, if the connector is about one of this machine.
static const char* local(const plk_connector* connector, plk_instance* instance,
                         const char* directory) {
  plk_location where;
  memset(&where, 0, sizeof where);
  where.struct_size = sizeof where;
  EXPECT(PLK_OK, connector->location(instance, &where, fresh_error()));
  return (where.flags & PLK_LOC_LOCALFS) ? directory : NULL;
}

static void close_instance(const plk_connector* connector, plk_instance* instance) {
  connector->close(instance, &fine);
  instance_ctx.open = 0;
}

// --- Stores -----------------------------------------------------------------------------------

static plk_object object(uint32_t ns, const char* key) {
  plk_object made;
  memset(&made, 0, sizeof made);
  made.struct_size = sizeof made;
  made.ns = ns;
  made.key = (plk_bytes){(const uint8_t*)key, 32};
  return made;
}

static uint64_t count_names(const plk_storage_ops* ops, plk_instance* store, uint32_t ns,
                            const char* key, uint64_t size) {
  plk_lister* lister = NULL;
  EXPECT(PLK_OK, ops->list_open(store, &fine, ns, (plk_bytes){NULL, 0}, &lister, fresh_error()));
  uint64_t count = 0;
  int found = 0;
  for (;;) {
    plk_name_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    const plk_status status = ops->list_next(lister, &fine, &batch, fresh_error());
    if (status == PLK_END) break;
    EXPECT(PLK_OK, status);
    CHECK(batch.count > 0 && batch.name_stride >= sizeof(plk_name));
    for (uint64_t i = 0; i < batch.count; i++) {
      const plk_name* name = PLK_AT(plk_name, batch.names, batch.name_stride, i);
      count++;
      if (key != NULL && name->key.len == 32 && memcmp(name->key.ptr, key, 32) == 0) {
        found = 1;
        if (name->valid & PLK_N_SIZE) CHECK(name->size == size);
      }
    }
  }
  ops->list_close(lister, &fine);
  CHECK(found == (key != NULL));
  return count;
}

static void drive_store(const plk_connector* connector, const char* location) {
  // A NUL, a slash and what is not UTF-8: keys are octets.
  static const char a[33] = "\0\xff/aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  static const char b[33] = "\0\xff/bbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
  const plk_storage_ops* ops = connector->ops;
  CHECK(ops->create && ops->load && ops->mode && ops->used_bytes && ops->list_open);
  CHECK(ops->list_next && ops->list_close && ops->object_size && ops->get && ops->put && ops->del);
  CHECK((ops->upload_open != NULL) == (ops->upload_commit != NULL));
  CHECK((ops->upload_open != NULL) == (ops->upload_write != NULL));
  CHECK((ops->upload_open != NULL) == (ops->upload_abort != NULL));
  plk_instance* store = open_instance(connector, location);

  plk_sink sink = {NULL, 0};
  EXPECT(PLK_E_NOT_FOUND, ops->load(store, &fine, &sink, fresh_error()));
  CHECK(ops->load(store, &fine, &sink, NULL) == PLK_E_NOT_FOUND);
  CHECK(sink.size == 0);
  EXPECT(PLK_OK,
         ops->create(store, &fine, (plk_bytes){(const uint8_t*)"con\0fig", 7}, fresh_error()));
  EXPECT(PLK_E_EXISTS,
         ops->create(store, &fine, (plk_bytes){(const uint8_t*)"other", 5}, fresh_error()));
  EXPECT(PLK_OK, ops->load(store, &fine, &sink, fresh_error()));
  CHECK(sink.size == 7 && memcmp(sink.data, "con\0fig", 7) == 0);
  free(sink.data);
  uint32_t mode = 0;
  EXPECT(PLK_OK, ops->mode(store, &fine, &mode, fresh_error()));
  CHECK(mode & PLK_MODE_READ);

  // An object of three parts, one of them empty.
  const plk_bytes parts[3] = {
      {(const uint8_t*)"0123", 4}, {NULL, 0}, {(const uint8_t*)"456789", 6}};
  plk_object one = object(PLK_NS_PACKFILE, a);
  one.flags = 0x80000000u;  // unknown ones are ignored
  CHECK(count_names(ops, store, PLK_NS_PACKFILE, NULL, 0) == 0);
  EXPECT(PLK_OK, ops->put(store, &fine, &one, parts, 3, fresh_error()));
  CHECK(count_names(ops, store, PLK_NS_PACKFILE, a, 10) == 1);
  CHECK(count_names(ops, store, PLK_NS_STATE, NULL, 0) == 0);
  uint64_t size = 0;
  EXPECT(PLK_OK, ops->object_size(store, &fine, &one, &size, fresh_error()));
  CHECK(size == 10);

  char buffer[16];
  uint64_t got = 99;
  EXPECT(PLK_OK, ops->get(store, &fine, &one, 3, buffer, 4, &got, fresh_error()));
  CHECK(got == 4 && memcmp(buffer, "3456", 4) == 0);
  EXPECT(PLK_OK, ops->get(store, &fine, &one, 8, buffer, sizeof buffer, &got, fresh_error()));
  CHECK(got == 2 && memcmp(buffer, "89", 2) == 0);
  EXPECT(PLK_OK, ops->get(store, &fine, &one, 10, buffer, sizeof buffer, &got, fresh_error()));
  CHECK(got == 0);
  EXPECT(PLK_OK, ops->get(store, &fine, &one, UINT64_MAX / 2, buffer, 4, &got, fresh_error()));
  CHECK(got == 0);

  plk_object missing = object(PLK_NS_PACKFILE, b);
  EXPECT(PLK_E_NOT_FOUND, ops->get(store, &fine, &missing, 0, buffer, 4, &got, fresh_error()));
  EXPECT(PLK_E_NOT_FOUND, ops->object_size(store, &fine, &missing, &size, fresh_error()));
  EXPECT(PLK_OK, ops->del(store, &fine, &missing, fresh_error()));

  // An empty one, put twice; a kind that nobody knows.
  plk_object lock = object(PLK_NS_LOCK, a);
  EXPECT(PLK_OK, ops->put(store, &fine, &lock, parts, 0, fresh_error()));
  EXPECT(PLK_OK, ops->object_size(store, &fine, &lock, &size, fresh_error()));
  CHECK(size == 0);
  EXPECT(PLK_OK, ops->put(store, &fine, &lock, parts, 1, fresh_error()));
  EXPECT(PLK_OK, ops->object_size(store, &fine, &lock, &size, fresh_error()));
  CHECK(size == 4);
  if (connector->caps & PLK_CAP_PUT_IF_ABSENT) {
    lock.flags = PLK_PUT_IF_ABSENT;
    EXPECT(PLK_E_EXISTS, ops->put(store, &fine, &lock, parts, 3, fresh_error()));
    EXPECT(PLK_OK, ops->object_size(store, &fine, &lock, &size, fresh_error()));
    CHECK(size == 4);
    plk_object fresh = object(PLK_NS_LOCK, b);
    fresh.flags = PLK_PUT_IF_ABSENT;
    EXPECT(PLK_OK, ops->put(store, &fine, &fresh, parts, 3, fresh_error()));
    CHECK(count_names(ops, store, PLK_NS_LOCK, b, 10) == 2);
  }
  plk_object unknown = object(77, b);
  EXPECT(PLK_OK, ops->put(store, &fine, &unknown, parts, 3, fresh_error()));
  CHECK(count_names(ops, store, 77, b, 10) == 1);

  if (ops->upload_open != NULL) {
    plk_upload* upload = NULL;
    EXPECT(PLK_OK,
           ops->upload_open(store, &fine, PLK_NS_PACKFILE, 0, 1 << 20, &upload, fresh_error()));
    for (int i = 0; i < 1000; i++) {
      EXPECT(PLK_OK, ops->upload_write(upload, &fine, "0123456789", 10, fresh_error()));
    }
    CHECK(count_names(ops, store, PLK_NS_PACKFILE, a, 10) == 1);  // nothing to be seen yet
    EXPECT(PLK_OK, ops->upload_commit(upload, &fine, &missing, fresh_error()));
    CHECK(count_names(ops, store, PLK_NS_PACKFILE, b, 10000) == 2);
    EXPECT(PLK_OK, ops->get(store, &fine, &missing, 9998, buffer, 8, &got, fresh_error()));
    CHECK(got == 2 && memcmp(buffer, "89", 2) == 0);
    EXPECT(PLK_OK, ops->upload_open(store, &fine, PLK_NS_PACKFILE, 0, 0, &upload, fresh_error()));
    EXPECT(PLK_OK, ops->upload_write(upload, &fine, "leftover", 8, fresh_error()));
    ops->upload_abort(upload, &fine);
    EXPECT(PLK_OK, ops->del(store, &fine, &missing, fresh_error()));
    CHECK(count_names(ops, store, PLK_NS_PACKFILE, a, 10) == 1);
  }

  // A cancelled call may still succeed, if it was quick; what it says must be right.
  const plk_status late = ops->put(store, &cancelled, &missing, parts, 3, fresh_error());
  CHECK(late == PLK_OK || late == PLK_E_CANCELLED);
  CHECK(count_names(ops, store, PLK_NS_PACKFILE, a, 10) == (late == PLK_OK ? 2u : 1u));
  EXPECT(PLK_OK, ops->del(store, &fine, &missing, fresh_error()));
  EXPECT(PLK_OK, ops->del(store, &fine, &one, fresh_error()));
  CHECK(count_names(ops, store, PLK_NS_PACKFILE, NULL, 0) == 0);
  const plk_status used = ops->used_bytes(store, &fine, &size, fresh_error());
  CHECK(used == PLK_OK || used == PLK_E_UNSUPPORTED);
  if (ops->finish != NULL) EXPECT(PLK_OK, ops->finish(store, &fine, fresh_error()));
  close_instance(connector, store);
}

// --- Sources ----------------------------------------------------------------------------------

static int good_path(plk_bytes path) {
  if (path.len == 0 || path.ptr[0] != '/' || memchr(path.ptr, 0, path.len)) return 0;
  if (path.len == 1) return 1;
  for (uint64_t i = 0; i < path.len;) {
    uint64_t end = ++i;
    while (end < path.len && path.ptr[end] != '/') end++;
    const uint64_t part = end - i;
    if (part == 0 || (part == 1 && path.ptr[i] == '.')) return 0;
    if (part == 2 && path.ptr[i] == '.' && path.ptr[i + 1] == '.') return 0;
    i = end;
  }
  return 1;
}

// What the reader gives, compared with the file of this name, if there is one.
static uint64_t read_content(const plk_reader_ops* ops, plk_reader* reader, const char* file) {
  char got_bytes[1000], expected[1000];
  FILE* original = file == NULL ? NULL : fopen(file, "rb");
  CHECK(file == NULL || original != NULL);
  uint64_t size = 0;
  for (;;) {
    uint64_t got = 77;
    const plk_status status =
        ops->read(reader, &fine, got_bytes, sizeof got_bytes, &got, fresh_error());
    if (status == PLK_END) {
      CHECK(got == 0);
      break;
    }
    EXPECT(PLK_OK, status);
    CHECK(got > 0 && got <= sizeof got_bytes);
    if (original != NULL) {
      CHECK(fread(expected, 1, got, original) == got && memcmp(expected, got_bytes, got) == 0);
    }
    size += got;
  }
  uint64_t got = 77;
  EXPECT(PLK_END, ops->read(reader, &fine, got_bytes, sizeof got_bytes, &got, fresh_error()));
  CHECK(got == 0);
  if (original != NULL) {
    CHECK(fgetc(original) == EOF);
    fclose(original);
  }
  return size;
}

static uint64_t count_entries(const char* directory) {
  uint64_t count = 1;
  DIR* dir = opendir(directory);
  CHECK(dir != NULL);
  for (struct dirent* entry = NULL; (entry = readdir(dir)) != NULL;) {
    char path[4096];
    struct stat info;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    CHECK(lstat(path, &info) == 0);
    count += S_ISDIR(info.st_mode) ? count_entries(path) : 1;
  }
  closedir(dir);
  return count;
}

static void check_record(const plk_record* record, const char* file) {
  struct stat info;
  CHECK(lstat(file, &info) == 0);
  CHECK((record->type == PLK_R_DIR) == S_ISDIR(info.st_mode));
  CHECK((record->type == PLK_R_SYMLINK) == S_ISLNK(info.st_mode));
  if (record->valid & PLK_V_MODE) CHECK(record->mode == (info.st_mode & 07777));
  if (record->valid & PLK_V_MTIME) {
    CHECK(record->mtime.seconds == info.st_mtim.tv_sec);
    CHECK(record->mtime.nanoseconds == (uint32_t)info.st_mtim.tv_nsec);
  }
  if (record->type == PLK_R_FILE && (record->valid & PLK_V_SIZE)) {
    CHECK(record->size == (uint64_t)info.st_size);
  }
  if (record->type == PLK_R_SYMLINK) {
    char target[4096];
    const ssize_t size = readlink(file, target, sizeof target);
    CHECK(size == (ssize_t)record->target.len &&
          memcmp(target, record->target.ptr, (size_t)size) == 0);
  }
}

static void drive_source(const plk_connector* connector, const char* location,
                         const char* directory) {
  const plk_importer_ops* ops = connector->ops;
  CHECK(ops->scan_open && ops->scan_next && ops->record_open && ops->scan_close && ops->reader);
  plk_instance* source = open_instance(connector, location);
  directory = local(connector, source, directory);
  plk_location where;
  memset(&where, 0, sizeof where);
  where.struct_size = sizeof where;
  EXPECT(PLK_OK, connector->location(source, &where, fresh_error()));

  plk_scan_args args;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.max_batch = 3;
  uint64_t records = 0, bytes = 0, last_id = 0;
  if (ops->estimate != NULL) {
    uint64_t items = 0;
    const plk_status status = ops->estimate(source, &fine, &args, &items, &bytes, fresh_error());
    CHECK(status == PLK_OK || status == PLK_E_UNSUPPORTED);
    bytes = 0;
  }
  plk_scan* scan = NULL;
  EXPECT(PLK_OK, ops->scan_open(source, &fine, &args, &scan, fresh_error()));
  for (;;) {
    plk_record_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    const plk_status status = ops->scan_next(scan, &fine, &batch, fresh_error());
    if (status == PLK_END) break;
    EXPECT(PLK_OK, status);
    CHECK(batch.count > 0 && batch.count <= args.max_batch);
    CHECK(batch.record_stride >= sizeof(plk_record));
    uint64_t ids[3];
    plk_status outcomes[3] = {PLK_OK, PLK_OK, PLK_OK};
    for (uint64_t i = 0; i < batch.count; i++) {
      const plk_record* record = PLK_AT(plk_record, batch.records, batch.record_stride, i);
      char file[4096];
      CHECK(good_path(record->path));
      CHECK(records == 0 || record->id != last_id);
      last_id = ids[i] = record->id;
      records++;
      snprintf(file, sizeof file, "%.*s", (int)record->path.len, (const char*)record->path.ptr);
      if (directory != NULL) {
        CHECK(record->type != PLK_R_ERROR);
        CHECK(strncmp(file, directory, strlen(directory)) == 0);
        check_record(record, file);
      }
      if (record->flags & PLK_RF_HAS_DATA) {
        plk_reader* reader = NULL;
        EXPECT(PLK_OK, ops->record_open(scan, &fine, record->id, 0, &reader, fresh_error()));
        const uint64_t size = read_content(ops->reader, reader, directory == NULL ? NULL : file);
        ops->reader->close(reader, &fine);
        bytes += size;
        if ((connector->caps & PLK_CAP_RANGE) && size > 1) {
          EXPECT(PLK_OK,
                 ops->record_open(scan, &fine, record->id, size - 1, &reader, fresh_error()));
          CHECK(read_content(ops->reader, reader, NULL) == 1);
          ops->reader->close(reader, &fine);
        }
        if (ops->reader->lend != NULL && !(connector->caps & PLK_CAP_SEQUENTIAL)) {
          uint64_t lent = 0;
          plk_bytes part;
          EXPECT(PLK_OK, ops->record_open(scan, &fine, record->id, 0, &reader, fresh_error()));
          for (;;) {
            const plk_status got = ops->reader->lend(reader, &fine, &part, fresh_error());
            if (got == PLK_END) break;
            EXPECT(PLK_OK, got);
            CHECK(part.len > 0 && part.ptr != NULL);
            lent += part.len;
          }
          CHECK(lent == size);
          ops->reader->close(reader, &fine);
        }
        // Opened and not read.
        if (!(connector->caps & PLK_CAP_SEQUENTIAL)) {
          EXPECT(PLK_OK, ops->record_open(scan, &fine, record->id, 0, &reader, fresh_error()));
          ops->reader->close(reader, &fine);
        }
      }
    }
    if (where.flags & PLK_LOC_NEEDACK) {
      EXPECT(PLK_OK, ops->scan_ack(scan, &fine, ids, outcomes, batch.count, fresh_error()));
    }
  }
  ops->scan_close(scan, &fine);
  CHECK(records > 0 && bytes > 0);
  if (directory != NULL) CHECK(records == count_entries(directory));

  if (!(where.flags & PLK_LOC_STREAM)) {
    // Cancelled, and closed in the middle; then the instance still works.
    plk_record_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    args.max_batch = 1;
    EXPECT(PLK_OK, ops->scan_open(source, &fine, &args, &scan, fresh_error()));
    EXPECT(PLK_E_CANCELLED, ops->scan_next(scan, &cancelled, &batch, fresh_error()));
    ops->scan_close(scan, &fine);
    EXPECT(PLK_OK, ops->scan_open(source, &fine, &args, &scan, fresh_error()));
    EXPECT(PLK_OK, ops->scan_next(scan, &fine, &batch, fresh_error()));
    CHECK(batch.count == 1);
    ops->scan_close(scan, &fine);
  }
  close_instance(connector, source);
}

// --- Destinations -----------------------------------------------------------------------------

static plk_record entry(uint32_t type, const char* path, uint32_t mode) {
  plk_record made;
  memset(&made, 0, sizeof made);
  made.type = type;
  made.path = (plk_bytes){(const uint8_t*)path, strlen(path)};
  made.valid = PLK_V_MODE | PLK_V_MTIME;
  made.mode = mode;
  made.mtime.seconds = 1000000000;
  made.mtime.nanoseconds = 500000000;
  if (type == PLK_R_FILE) made.flags = PLK_RF_HAS_DATA;
  return made;
}

static plk_status put_file(const plk_exporter_ops* ops, plk_export* restore, const char* path,
                           const char* content, int commit) {
  plk_record file = entry(PLK_R_FILE, path, 0640);
  plk_writer* writer = NULL;
  file.valid |= PLK_V_SIZE;
  file.size = strlen(content);
  const plk_status status = ops->put(restore, &fine, &file, sizeof file, &writer, fresh_error());
  if (status != PLK_OK || writer == NULL) return status;
  EXPECT(PLK_OK, ops->writer->write(writer, &fine, content, strlen(content), fresh_error()));
  EXPECT(PLK_OK, ops->writer->write(writer, &fine, NULL, 0, fresh_error()));
  if (ops->writer->write_zeros != NULL) {
    EXPECT(PLK_OK, ops->writer->write_zeros(writer, &fine, 3, fresh_error()));
  } else {
    EXPECT(PLK_OK, ops->writer->write(writer, &fine, "\0\0\0", 3, fresh_error()));
  }
  if (!commit) {
    ops->writer->abort(writer, &fine);
    return PLK_END;
  }
  uint64_t bytes = 0;
  EXPECT(PLK_OK, ops->writer->commit(writer, &fine, &bytes, fresh_error()));
  CHECK(bytes == strlen(content) + 3);
  return PLK_OK;
}

static void check_file(const char* directory, const char* name, const char* content) {
  char path[4096], found[64];
  struct stat info;
  snprintf(path, sizeof path, "%s%s", directory, name);
  CHECK(stat(path, &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(info.st_mtim.tv_sec == 1000000000 && info.st_mtim.tv_nsec == 500000000);
  FILE* file = fopen(path, "rb");
  CHECK(file != NULL);
  const size_t size = fread(found, 1, sizeof found, file);
  fclose(file);
  CHECK(size == strlen(content) + 3);
  CHECK(memcmp(found, content, size - 3) == 0 && memcmp(found + size - 3, "\0\0\0", 3) == 0);
}

static plk_export* start_restore(const plk_exporter_ops* ops, plk_instance* destination,
                                 uint32_t existing) {
  plk_export_args args;
  plk_export* restore = NULL;
  memset(&args, 0, sizeof args);
  args.struct_size = sizeof args;
  args.existing = existing;
  EXPECT(PLK_OK, ops->export_open(destination, &fine, &args, &restore, fresh_error()));
  if (existing == PLK_EXISTING_FAIL) return restore;  // the root need not be put
  plk_record root = entry(PLK_R_DIR, "/", 0755);
  plk_writer* writer = NULL;
  EXPECT(PLK_OK, ops->put(restore, &fine, &root, sizeof root, &writer, fresh_error()));
  CHECK(writer == NULL);
  return restore;
}

static void finish_restore(const plk_exporter_ops* ops, plk_export* restore) {
  plk_record_batch failures;
  memset(&failures, 0, sizeof failures);
  failures.struct_size = sizeof failures;
  EXPECT(PLK_END, ops->export_finish(restore, &fine, &failures, fresh_error()));
  ops->export_close(restore, &fine);
}

static void drive_destination(const plk_connector* connector, const char* location,
                              const char* directory) {
  const plk_exporter_ops* ops = connector->ops;
  CHECK(ops->export_open && ops->put && ops->export_finish && ops->export_close && ops->writer);
  CHECK(ops->writer->write && ops->writer->commit && ops->writer->abort);
  plk_instance* destination = open_instance(connector, location);
  directory = local(connector, destination, directory);

  plk_export_args unknown;
  memset(&unknown, 0, sizeof unknown);
  unknown.struct_size = sizeof unknown;
  unknown.existing = 99;
  plk_export* restore = NULL;
  EXPECT(PLK_E_UNSUPPORTED,
         ops->export_open(destination, &fine, &unknown, &restore, fresh_error()));

  restore = start_restore(ops, destination, PLK_EXISTING_FAIL);
  plk_record dir = entry(PLK_R_DIR, "/dir", 0711);
  plk_writer* writer = NULL;
  EXPECT(PLK_OK, ops->put(restore, &fine, &dir, sizeof dir, &writer, fresh_error()));
  CHECK(writer == NULL);
  CHECK(put_file(ops, restore, "/dir/file", "content", 1) == PLK_OK);
  CHECK(put_file(ops, restore, "/dir/aborted", "content", 0) == PLK_END);
  CHECK(put_file(ops, restore, "/dir/file", "again", 1) == PLK_E_EXISTS);
  CHECK(put_file(ops, restore, "/dir/\xff name", "other", 1) == PLK_OK);
  plk_record link = entry(PLK_R_SYMLINK, "/link", 0777);
  link.target = (plk_bytes){(const uint8_t*)"dir/file", 8};
  writer = NULL;
  EXPECT(PLK_OK, ops->put(restore, &fine, &link, sizeof link, &writer, fresh_error()));
  CHECK(writer == NULL);
  if (connector->caps & PLK_CAP_HARDLINKS) {
    plk_record hard = entry(PLK_R_HARDLINK, "/hard", 0640);
    hard.target = (plk_bytes){(const uint8_t*)"/dir/file", 9};
    EXPECT(PLK_OK, ops->put(restore, &fine, &hard, sizeof hard, &writer, fresh_error()));
    CHECK(writer == NULL);
  }
  // A path that no engine would give must not leave the destination.
  plk_record outside = entry(PLK_R_FILE, "/../outside", 0644);
  const plk_status refused =
      ops->put(restore, &fine, &outside, sizeof outside, &writer, fresh_error());
  CHECK(refused < 0);
  finish_restore(ops, restore);

  restore = start_restore(ops, destination, PLK_EXISTING_SKIP);
  plk_record again = entry(PLK_R_FILE, "/dir/file", 0640);
  writer = NULL;
  EXPECT(PLK_OK, ops->put(restore, &fine, &again, sizeof again, &writer, fresh_error()));
  CHECK(writer == NULL);
  finish_restore(ops, restore);
  if (directory != NULL) {
    char path[4096], target[64];
    struct stat info;
    check_file(directory, "/dir/file", "content");
    check_file(directory, "/dir/\xff name", "other");
    snprintf(path, sizeof path, "%s/link", directory);
    CHECK(readlink(path, target, sizeof target) == 8 && memcmp(target, "dir/file", 8) == 0);
    snprintf(path, sizeof path, "%s/dir", directory);
    CHECK(stat(path, &info) == 0 && (info.st_mode & 07777) == 0711);
    CHECK(info.st_mtim.tv_sec == 1000000000);
    const uint64_t hard = (connector->caps & PLK_CAP_HARDLINKS) ? 1 : 0;
    CHECK(count_entries(directory) == 5 + hard);  // nothing is left of what was aborted
  }

  restore = start_restore(ops, destination, PLK_EXISTING_REPLACE);
  CHECK(put_file(ops, restore, "/dir/file", "replaced", 1) == PLK_OK);
  ops->export_close(restore, &fine);  // given up: without a finish
  if (directory != NULL) check_file(directory, "/dir/file", "replaced");
  close_instance(connector, destination);
}

// --- Secrets, inventories ---------------------------------------------------------------------

static void drive_secrets(const plk_connector* connector) {
  const plk_secrets_ops* ops = connector->ops;
  plk_instance* provider = open_instance(connector, "secrets:");
  plk_sink value = {NULL, 0};
  int64_t ttl = 0;
  EXPECT(PLK_OK, ops->get(provider, &fine, (plk_str)PLK_STR("known"), &value, &ttl, fresh_error()));
  CHECK(value.size == 6 && memcmp(value.data, "sesame", 6) == 0 && ttl >= -1);
  value.size = 0;
  EXPECT(PLK_E_NOT_FOUND,
         ops->get(provider, &fine, (plk_str)PLK_STR("other"), &value, &ttl, fresh_error()));
  CHECK(value.size == 0);
  free(value.data);
  close_instance(connector, provider);
}

static void drive_inventory(const plk_connector* connector) {
  const plk_inventory_ops* ops = connector->ops;
  plk_instance* inventory = open_instance(connector, "inventory:");
  plk_lister* lister = NULL;
  uint64_t count = 0;
  EXPECT(PLK_OK, ops->list_open(inventory, &fine, &lister, fresh_error()));
  for (;;) {
    plk_resource_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.struct_size = sizeof batch;
    const plk_status status = ops->list_next(lister, &fine, &batch, fresh_error());
    if (status == PLK_END) break;
    EXPECT(PLK_OK, status);
    CHECK(batch.count > 0 && batch.resource_stride >= sizeof(plk_resource));
    for (uint64_t i = 0; i < batch.count; i++) {
      const plk_resource* one = PLK_AT(plk_resource, batch.resources, batch.resource_stride, i);
      CHECK(one->urn.len > 0 && one->tag_count % 2 == 0 && one->endpoint_count % 2 == 0);
      for (uint64_t t = 0; t < one->tag_count; t++) CHECK(one->tags[t].len > 0);
      count++;
    }
  }
  ops->list_close(lister, &fine);
  CHECK(count > 0);
  close_instance(connector, inventory);
}

int main(int argc, char** argv) {
  static const char* const kinds[] = {"", "source", "destination", "store", "secrets", "inventory"};
  if (argc < 3) {
    fprintf(stderr, "usage: drive MODULE.so list|KIND ID [LOCATION [DIRECTORY]]\n");
    return 2;
  }
  cancelled.fd = eventfd(1, EFD_CLOEXEC);
  fine.fd = eventfd(0, EFD_CLOEXEC);
  const plk_plugin* plugin = load(argv[1]);
  int found = strcmp(argv[2], "list") == 0;
  for (uint32_t i = 0; i < plugin->connector_count; i++) {
    const plk_connector* connector = plugin->connectors[i];
    CHECK(connector->kind >= PLK_KIND_IMPORTER && connector->kind <= PLK_KIND_INVENTORY);
    const char* kind = kinds[connector->kind];
    if (strcmp(argv[2], "list") == 0) {
      printf("%s %s\n", kind, connector->id);
    } else if (argc > 3 && strcmp(argv[2], kind) == 0 && strcmp(argv[3], connector->id) == 0) {
      const char* location = argc > 4 ? argv[4] : "";
      const char* directory = argc > 5 ? argv[5] : NULL;
      found = 1;
      if (connector->kind == PLK_KIND_STORAGE) drive_store(connector, location);
      if (connector->kind == PLK_KIND_IMPORTER) drive_source(connector, location, directory);
      if (connector->kind == PLK_KIND_EXPORTER) drive_destination(connector, location, directory);
      if (connector->kind == PLK_KIND_SECRETS) drive_secrets(connector);
      if (connector->kind == PLK_KIND_INVENTORY) drive_inventory(connector);
      printf("ok %s %s of %s %s\n", kind, connector->id, plugin->name, plugin->version);
    }
  }
  if (!found) fault(__LINE__, "no such connector in the module", "");
  plugin->shutdown();
  close(fine.fd);
  close(cancelled.fd);
  return 0;
}
