// A store, an importer and an exporter in memory, and on demand misbehaving ones.
//
// Places are named by location and live as long as the module: what is exported to a place can be
// imported from it. A configuration may ask for trouble, in the call `trouble.call`:
//
//   trouble=fail       an error with a vendor's code
//   trouble=throttle   twice PLK_E_THROTTLED, then success
//   trouble=wait       waits for the cancel, and returns PLK_E_CANCELLED
//   trouble=interrupt  the same, but woken by interrupt() alone
//   trouble=hang       does not return until the int at the address `trouble.until` is not 0
//   trouble=empty      success with nothing in the result
//   trouble=lie        a result that cannot be: see where it is made
#define _GNU_SOURCE
#include <fcntl.h>
#include <plakar/connector.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MEMORY_NAME
#define MEMORY_NAME "memory"
#endif
#ifndef MEMORY_CAPS
#define MEMORY_CAPS PLK_CAP_CONCURRENT
#endif

PLK_NOTE(MEMORY_NAME, "1.0.0", 0);

static const plk_host_api* host;

// --- Places -----------------------------------------------------------------------------------

typedef struct octets {
  uint8_t* data;
  uint64_t size;
} octets;

static octets copy_of(const void* data, uint64_t size) {
  octets copy = {malloc(size + 1), size};
  if (size != 0) memcpy(copy.data, data, size);
  copy.data[size] = 0;
  return copy;
}
static octets copy_bytes(plk_bytes bytes) { return copy_of(bytes.ptr, bytes.len); }
static int same(octets a, plk_bytes b) {
  return a.size == b.len && (b.len == 0 || memcmp(a.data, b.ptr, b.len) == 0);
}
static plk_bytes view(octets a) {
  plk_bytes bytes = {a.data, a.size};
  return bytes;
}
static void append(octets* to, const void* data, uint64_t size) {
  to->data = realloc(to->data, to->size + size + 1);
  if (data != NULL && size != 0) memcpy(to->data + to->size, data, size);
  if (data == NULL) memset(to->data + to->size, 0, size);
  to->size += size;
}

typedef struct object {
  struct object* next;
  uint32_t ns;
  octets key, data;
} object;

typedef struct entry {
  struct entry* next;
  plk_record record;  // its pointers are those of what follows
  octets path, target, content;
  plk_xattr xattrs[8];
} entry;

static void free_entry(entry* gone) {
  uint64_t i = 0;
  for (i = 0; i < gone->record.xattr_count; i++) {
    free((void*)(uintptr_t)gone->xattrs[i].name.ptr);
    free((void*)(uintptr_t)gone->xattrs[i].value.ptr);
  }
  free(gone->path.data);
  free(gone->target.data);
  free(gone->content.data);
  free(gone);
}

typedef struct place {
  struct place* next;
  octets location;
  pthread_mutex_t mutex;  // guards what follows
  int has_config;
  octets config;
  object* objects;
  entry* entries;
  entry* replaced;  // kept for those who read them
} place;

static pthread_mutex_t places_mutex = PTHREAD_MUTEX_INITIALIZER;
static place* places;

static place* find_place(plk_str location) {
  plk_bytes name = {(const uint8_t*)location.ptr, location.len};
  place* found = NULL;
  pthread_mutex_lock(&places_mutex);
  for (found = places; found != NULL && !same(found->location, name);) found = found->next;
  if (found == NULL) {
    found = calloc(1, sizeof *found);
    found->location = copy_bytes(name);
    pthread_mutex_init(&found->mutex, NULL);
    found->next = places;
    places = found;
  }
  pthread_mutex_unlock(&places_mutex);
  return found;
}

static object** find_object(place* in, uint32_t ns, plk_bytes key) {
  object** at = &in->objects;
  while (*at != NULL && ((*at)->ns != ns || !same((*at)->key, key))) at = &(*at)->next;
  return at;
}

static entry* find_entry(place* in, plk_bytes path) {
  entry* at = in->entries;
  while (at != NULL && !same(at->path, path)) at = at->next;
  return at;
}

// --- Instances --------------------------------------------------------------------------------

struct plk_instance {
  plk_instance* next;
  place* place;
  plk_ctx* ctx;
  char trouble[16];
  char call[24];
  volatile int* until;
  int tries;
  int wake[2];
};

static void config_text(const plk_config* config, const char* key, char* text, size_t size) {
  uint64_t i = 0;
  text[0] = 0;
  for (i = 0; i < config->count; i++) {
    const plk_cfg_entry* found = PLK_AT(plk_cfg_entry, config->entries, config->entry_stride, i);
    if (found->key.len != strlen(key) || memcmp(found->key.ptr, key, found->key.len) != 0) continue;
    if (found->value.len >= size) continue;
    if (found->value.len != 0) memcpy(text, found->value.ptr, found->value.len);
    text[found->value.len] = 0;
  }
}

// All of them: a host that gave a call up never closes its instance.
static pthread_mutex_t instances_mutex = PTHREAD_MUTEX_INITIALIZER;
static plk_instance* instances;

static int in_trouble(const plk_instance* self, const char* trouble, const char* call) {
  return strcmp(self->trouble, trouble) == 0 && strcmp(self->call, call) == 0;
}

// What each call does first.
static plk_status begin(plk_instance* self, plk_call* call, const char* name, plk_error* err) {
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  if (strcmp(self->call, name) != 0) return PLK_OK;
  if (strcmp(self->trouble, "fail") == 0) {
    plk_fail(err, PLK_E_IO, "the disk is on fire");
    if (err != NULL) memcpy(err->vendor, "OnFire", 7);
    return PLK_E_IO;
  }
  if (strcmp(self->trouble, "throttle") == 0 && self->tries++ < 2) {
    plk_fail(err, PLK_E_THROTTLED, "slow down");
    if (err != NULL) err->retry_after_ms = 1;
    return PLK_E_THROTTLED;
  }
  if (strcmp(self->trouble, "wait") == 0 || strcmp(self->trouble, "interrupt") == 0) {
    struct pollfd waiting = {self->wake[0], POLLIN, 0};
    if (strcmp(self->trouble, "wait") == 0) waiting.fd = host->call_cancel_fd(call);
    poll(&waiting, 1, 60000);
    return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  }
  if (strcmp(self->trouble, "hang") == 0) {
    while (__atomic_load_n(self->until, __ATOMIC_ACQUIRE) == 0) usleep(200);
  }
  return PLK_OK;
}
#define BEGIN(name)                                  \
  do {                                               \
    plk_status begun = begin(self, call, name, err); \
    if (begun != PLK_OK) return begun;               \
  } while (0)

static plk_status open_instance(const plk_open_args* args, plk_instance** instance,
                                plk_error* err) {
  char number[24];
  plk_instance* self = calloc(1, sizeof *self);
  (void)err;
  self->place = find_place(args->location);
  self->ctx = args->ctx;
  config_text(args->config, "trouble", self->trouble, sizeof self->trouble);
  config_text(args->config, "trouble.call", self->call, sizeof self->call);
  config_text(args->config, "trouble.until", number, sizeof number);
  self->until = (volatile int*)(uintptr_t)strtoull(number, NULL, 10);
  if (pipe2(self->wake, O_CLOEXEC) != 0) abort();
  pthread_mutex_lock(&instances_mutex);
  self->next = instances;
  instances = self;
  pthread_mutex_unlock(&instances_mutex);
  *instance = in_trouble(self, "empty", "open") ? NULL : self;
  return PLK_OK;
}

static plk_status locate(plk_instance* self, plk_location* location, plk_error* err) {
  (void)err;
  location->origin = (plk_str)PLK_STR("memory");
  location->type = (plk_str)PLK_STR(MEMORY_NAME);
  location->root.ptr = (const uint8_t*)(in_trouble(self, "lie", "location") ? "root" : "/");
  location->root.len = strlen((const char*)location->root.ptr);
  location->flags = PLK_LOC_EXPORTXATTR;
  return PLK_OK;
}

static plk_status ping(plk_instance* self, plk_call* call, plk_error* err) {
  BEGIN("ping");
  return PLK_OK;
}

static void interrupt(plk_instance* self, plk_call* call) {
  (void)call;
  if (write(self->wake[1], "x", 1) != 1) abort();
}

static void close_instance(plk_instance* self, plk_call* call) {
  plk_instance** at = &instances;
  (void)begin(self, call, "close", NULL);
  pthread_mutex_lock(&instances_mutex);
  while (*at != self) at = &(*at)->next;
  *at = self->next;
  pthread_mutex_unlock(&instances_mutex);
  close(self->wake[0]);
  close(self->wake[1]);
  free(self);
}

// --- Store ------------------------------------------------------------------------------------

static plk_status store_create(plk_instance* self, plk_call* call, plk_bytes config,
                               plk_error* err) {
  plk_status status = PLK_OK;
  BEGIN("create");
  pthread_mutex_lock(&self->place->mutex);
  if (self->place->has_config) {
    status = plk_fail(err, PLK_E_EXISTS, "there is a store");
  } else {
    self->place->has_config = 1;
    self->place->config = copy_bytes(config);
  }
  pthread_mutex_unlock(&self->place->mutex);
  return status;
}

static plk_status store_load(plk_instance* self, plk_call* call, plk_sink* config, plk_error* err) {
  plk_status status = PLK_OK;
  BEGIN("load");
  if (in_trouble(self, "lie", "load")) {
    // More than any CONFIG.
    char block[4096] = {0};
    int i = 0;
    for (i = 0; i < 64; i++) (void)host->sink_write(config, block, sizeof block);
    return PLK_OK;
  }
  pthread_mutex_lock(&self->place->mutex);
  if (!self->place->has_config) {
    status = plk_fail(err, PLK_E_NOT_FOUND, "there is no store");
  } else {
    status = host->sink_write(config, self->place->config.data, self->place->config.size);
  }
  pthread_mutex_unlock(&self->place->mutex);
  return status;
}

static plk_status store_mode(plk_instance* self, plk_call* call, uint32_t* mode, plk_error* err) {
  BEGIN("mode");
  *mode = PLK_MODE_READ | PLK_MODE_WRITE;
  return PLK_OK;
}

static plk_status store_used(plk_instance* self, plk_call* call, uint64_t* bytes, plk_error* err) {
  object* at = NULL;
  BEGIN("used_bytes");
  *bytes = 0;
  pthread_mutex_lock(&self->place->mutex);
  for (at = self->place->objects; at != NULL; at = at->next) *bytes += at->data.size;
  pthread_mutex_unlock(&self->place->mutex);
  return PLK_OK;
}

enum { names_at_once = 100 };

struct plk_lister {
  plk_instance* self;
  plk_name* names;  // all of them, with keys of its own
  uint64_t count, at;
};

static plk_status list_open(plk_instance* self, plk_call* call, uint32_t ns, plk_bytes after,
                            plk_lister** lister, plk_error* err) {
  object* at = NULL;
  plk_lister* made = NULL;
  (void)after;
  BEGIN("list_open");
  made = calloc(1, sizeof *made);
  made->self = self;
  pthread_mutex_lock(&self->place->mutex);
  for (at = self->place->objects; at != NULL; at = at->next) made->count += at->ns == ns;
  made->names = calloc(made->count + 1, sizeof *made->names);
  made->count = 0;
  for (at = self->place->objects; at != NULL; at = at->next) {
    plk_name* name = &made->names[made->count];
    if (at->ns != ns) continue;
    name->key = view(copy_of(at->key.data, at->key.size));
    name->valid = PLK_N_SIZE;
    name->size = at->data.size;
    made->count++;
  }
  pthread_mutex_unlock(&self->place->mutex);
  *lister = made;
  return PLK_OK;
}

static plk_status list_next(plk_lister* lister, plk_call* call, plk_name_batch* batch,
                            plk_error* err) {
  plk_instance* self = lister->self;
  uint64_t left = lister->count - lister->at;
  BEGIN("list_next");
  if (in_trouble(self, "empty", "list_next")) return PLK_OK;
  if (in_trouble(self, "lie", "list_next")) {
    batch->count = UINT64_MAX;
    return PLK_OK;
  }
  if (left == 0) return PLK_END;
  batch->names = lister->names + lister->at;
  batch->name_stride = sizeof *lister->names;
  batch->count = left < names_at_once ? left : names_at_once;
  lister->at += batch->count;
  return PLK_OK;
}

static void list_close(plk_lister* lister, plk_call* call) {
  uint64_t i = 0;
  (void)call;
  for (i = 0; i < lister->count; i++) free((void*)(uintptr_t)lister->names[i].key.ptr);
  free(lister->names);
  free(lister);
}

static plk_status object_size(plk_instance* self, plk_call* call, const plk_object* what,
                              uint64_t* bytes, plk_error* err) {
  object* found = NULL;
  BEGIN("object_size");
  pthread_mutex_lock(&self->place->mutex);
  found = *find_object(self->place, what->ns, what->key);
  if (found != NULL) *bytes = found->data.size;
  pthread_mutex_unlock(&self->place->mutex);
  return found == NULL ? plk_fail(err, PLK_E_NOT_FOUND, "no such object") : PLK_OK;
}

static plk_status store_get(plk_instance* self, plk_call* call, const plk_object* what,
                            uint64_t offset, void* buf, uint64_t cap, uint64_t* got,
                            plk_error* err) {
  object* found = NULL;
  BEGIN("get");
  pthread_mutex_lock(&self->place->mutex);
  found = *find_object(self->place, what->ns, what->key);
  if (found != NULL) {
    uint64_t left = offset < found->data.size ? found->data.size - offset : 0;
    *got = left < cap ? left : cap;
    if (*got != 0) memcpy(buf, found->data.data + offset, *got);
  }
  pthread_mutex_unlock(&self->place->mutex);
  if (in_trouble(self, "lie", "get")) *got = cap + 1;
  return found == NULL ? plk_fail(err, PLK_E_NOT_FOUND, "no such object") : PLK_OK;
}

static plk_status keep_object(plk_instance* self, const plk_object* what, octets data,
                              plk_error* err) {
  plk_status status = PLK_OK;
  object** at = NULL;
  pthread_mutex_lock(&self->place->mutex);
  at = find_object(self->place, what->ns, what->key);
  if (*at != NULL && (what->flags & PLK_PUT_IF_ABSENT) != 0) {
    status = plk_fail(err, PLK_E_EXISTS, "there is such an object");
    free(data.data);
  } else if (*at != NULL) {
    free((*at)->data.data);
    (*at)->data = data;
  } else {
    *at = calloc(1, sizeof **at);
    (*at)->ns = what->ns;
    (*at)->key = copy_bytes(what->key);
    (*at)->data = data;
  }
  pthread_mutex_unlock(&self->place->mutex);
  return status;
}

static plk_status store_put(plk_instance* self, plk_call* call, const plk_object* what,
                            const plk_bytes* parts, uint64_t count, plk_error* err) {
  octets data = {NULL, 0};
  uint64_t i = 0;
  BEGIN("put");
  for (i = 0; i < count; i++) append(&data, parts[i].ptr, parts[i].len);
  return keep_object(self, what, data, err);
}

static plk_status store_del(plk_instance* self, plk_call* call, const plk_object* what,
                            plk_error* err) {
  object** at = NULL;
  BEGIN("del");
  pthread_mutex_lock(&self->place->mutex);
  at = find_object(self->place, what->ns, what->key);
  if (*at != NULL) {
    object* gone = *at;
    *at = gone->next;
    free(gone->key.data);
    free(gone->data.data);
    free(gone);
  }
  pthread_mutex_unlock(&self->place->mutex);
  return PLK_OK;
}

#if !defined(MEMORY_WITHOUT_UPLOADS)
struct plk_upload {
  plk_instance* self;
  octets data;
};

static plk_status upload_open(plk_instance* self, plk_call* call, uint32_t ns, uint32_t flags,
                              uint64_t size_hint, plk_upload** upload, plk_error* err) {
  (void)ns;
  (void)flags;
  (void)size_hint;
  BEGIN("upload_open");
  *upload = calloc(1, sizeof **upload);
  (*upload)->self = self;
  return PLK_OK;
}

static plk_status upload_write(plk_upload* upload, plk_call* call, const void* data, uint64_t size,
                               plk_error* err) {
  plk_instance* self = upload->self;
  BEGIN("upload_write");
  append(&upload->data, data, size);
  return PLK_OK;
}

static plk_status upload_commit(plk_upload* upload, plk_call* call, const plk_object* what,
                                plk_error* err) {
  plk_instance* self = upload->self;
  plk_status status = begin(self, call, "upload_commit", err);
  if (status == PLK_OK) {
    status = keep_object(self, what, upload->data, err);
  } else {
    free(upload->data.data);
  }
  free(upload);
  return status;
}

static void upload_abort(plk_upload* upload, plk_call* call) {
  (void)call;
  free(upload->data.data);
  free(upload);
}
#endif

// --- Importer ---------------------------------------------------------------------------------

struct plk_scan {
  plk_instance* self;
  entry** entries;
  plk_record* records;
  uint64_t count, at;
};
struct plk_reader {
  plk_instance* self;
  entry* from;
  uint64_t at;
};

static plk_status scan_open(plk_instance* self, plk_call* call, const plk_scan_args* args,
                            plk_scan** scan, plk_error* err) {
  plk_scan* made = NULL;
  entry* at = NULL;
  (void)args;
  BEGIN("scan_open");
  made = calloc(1, sizeof *made);
  made->self = self;
  pthread_mutex_lock(&self->place->mutex);
  for (at = self->place->entries; at != NULL; at = at->next) made->count++;
  made->entries = calloc(made->count + 1, sizeof *made->entries);
  made->records = calloc(made->count + 1, sizeof *made->records);
  made->count = 0;
  for (at = self->place->entries; at != NULL; at = at->next) {
    plk_record* record = &made->records[made->count];
    *record = at->record;
    record->path = view(at->path);
    record->target = view(at->target);
    record->size = at->content.size;
    record->valid |= PLK_V_SIZE;
    record->id = made->count;
    made->entries[made->count++] = at;
  }
  pthread_mutex_unlock(&self->place->mutex);
  *scan = made;
  return PLK_OK;
}

// A record, the first of the scan, that no file can have. Which one is for `trouble.call` to say.
static int lies(plk_scan* scan, plk_record_batch* batch) {
  static plk_record record;
  static const plk_str paths[] = {PLK_STR("/a/../b"), PLK_STR("relative"), PLK_STR("/nul\0l"),
                                  PLK_STR("/a//b"), PLK_STR("")};
  const char* call = scan->self->call;
  int which = -1;
  if (strcmp(scan->self->trouble, "lie") != 0 || strncmp(call, "scan_next", 9) != 0) return 0;
  memset(&record, 0, sizeof record);
  record.type = PLK_R_FILE;
  record.flags = PLK_RF_HAS_DATA;
  record.path.ptr = (const uint8_t*)"/f";
  record.path.len = 2;
  batch->records = &record;
  batch->record_stride = sizeof record;
  batch->count = 1;
  if (sscanf(call, "scan_next.path%d", &which) == 1) {
    record.path.ptr = (const uint8_t*)paths[which].ptr;
    record.path.len = paths[which].len;
  } else if (strcmp(call, "scan_next.size") == 0) {
    record.size = UINT64_MAX;
    record.valid = PLK_V_SIZE;
  } else if (strcmp(call, "scan_next.time") == 0) {
    record.mtime.nanoseconds = 4000000000u;
    record.valid = PLK_V_MTIME;
  } else if (strcmp(call, "scan_next.hardlink") == 0) {
    record.type = PLK_R_HARDLINK;
  } else if (strcmp(call, "scan_next.content") == 0) {
    record.flags = 0;
  } else if (strcmp(call, "scan_next.count") == 0) {
    batch->count = 1u << 30;
  } else if (strcmp(call, "scan_next.stride") == 0) {
    batch->record_stride = 8;
  } else if (strcmp(call, "scan_next.none") == 0) {
    batch->records = NULL;
  }
  return 1;
}

static plk_status scan_next(plk_scan* scan, plk_call* call, plk_record_batch* batch,
                            plk_error* err) {
  plk_instance* self = scan->self;
  uint64_t left = scan->count - scan->at;
  BEGIN("scan_next");
  if (in_trouble(self, "empty", "scan_next")) return PLK_OK;
  if (lies(scan, batch)) return PLK_OK;
  if (left == 0) return PLK_END;
  batch->records = scan->records + scan->at;
  batch->record_stride = sizeof *scan->records;
  batch->count = left < 3 ? left : 3;
  scan->at += batch->count;
  return PLK_OK;
}

static plk_status record_open(plk_scan* scan, plk_call* call, uint64_t id, uint64_t offset,
                              plk_reader** reader, plk_error* err) {
  plk_instance* self = scan->self;
  (void)offset;
  BEGIN("record_open");
  if (id >= scan->count) return plk_fail(err, PLK_E_NOT_FOUND, "no such record");
  if (in_trouble(self, "empty", "record_open")) return PLK_OK;
  *reader = calloc(1, sizeof **reader);
  (*reader)->self = self;
  (*reader)->from = scan->entries[id];
  return PLK_OK;
}

static void scan_close(plk_scan* scan, plk_call* call) {
  (void)call;
  free(scan->entries);
  free(scan->records);
  free(scan);
}

static plk_status content_read(plk_reader* reader, plk_call* call, void* buf, uint64_t cap,
                               uint64_t* got, plk_error* err) {
  plk_instance* self = reader->self;
  uint64_t left = reader->from->content.size - reader->at;
  BEGIN("read");
  if (in_trouble(self, "empty", "read")) return PLK_OK;
  if (in_trouble(self, "lie", "read")) {
    *got = cap + 1;
    return PLK_OK;
  }
  if (left == 0) return PLK_END;
  // Short reads, as of a socket.
  if (left > 70000) left = 70000;
  *got = left < cap ? left : cap;
  memcpy(buf, reader->from->content.data + reader->at, *got);
  reader->at += *got;
  return PLK_OK;
}

static void content_close(plk_reader* reader, plk_call* call) {
  (void)call;
  free(reader);
}

static plk_status estimate(plk_instance* self, plk_call* call, const plk_scan_args* args,
                           uint64_t* items, uint64_t* bytes, plk_error* err) {
  entry* at = NULL;
  (void)args;
  BEGIN("estimate");
  *items = 0;
  *bytes = 0;
  pthread_mutex_lock(&self->place->mutex);
  for (at = self->place->entries; at != NULL; at = at->next) {
    ++*items;
    *bytes += at->content.size;
  }
  pthread_mutex_unlock(&self->place->mutex);
  return PLK_OK;
}

// --- Exporter ---------------------------------------------------------------------------------

struct plk_export {
  plk_instance* self;
  uint32_t existing;
  int told;
};
struct plk_writer {
  plk_instance* self;
  entry* made;  // not yet of the place
};

static plk_status export_open(plk_instance* self, plk_call* call, const plk_export_args* args,
                              plk_export** exported, plk_error* err) {
  BEGIN("export_open");
  *exported = calloc(1, sizeof **exported);
  (*exported)->self = self;
  (*exported)->existing = args->existing;
  return PLK_OK;
}

static entry* make_entry(const plk_record* record) {
  entry* made = calloc(1, sizeof *made);
  uint64_t i = 0;
  made->record = *record;
  made->path = copy_bytes(record->path);
  made->target = copy_bytes(record->target);
  made->content = copy_of("", 0);
  for (i = 0; i < record->xattr_count && i < 8; i++) {
    const plk_xattr* from = PLK_AT(plk_xattr, record->xattrs, record->xattr_stride, i);
    made->xattrs[i] = *from;
    made->xattrs[i].name = view(copy_bytes(from->name));
    made->xattrs[i].value = view(copy_bytes(from->value));
  }
  made->record.xattrs = made->xattrs;
  made->record.xattr_stride = sizeof made->xattrs[0];
  made->record.xattr_count = i;
  made->record.user.len = made->record.group.len = 0;
  return made;
}

static void keep_entry(place* in, entry* made) {
  entry** at = &in->entries;
  entry* there = NULL;
  while (*at != NULL && !same((*at)->path, view(made->path))) at = &(*at)->next;
  there = *at;
  made->next = there == NULL ? NULL : there->next;
  *at = made;
  if (there == NULL) return;
  there->next = in->replaced;
  in->replaced = there;
}

static int is_dir(const entry* found) { return found->record.type == PLK_R_DIR; }

// With the mutex of the place held.
static plk_status check_place(plk_export* exported, const plk_record* record, int* skip,
                              plk_error* err) {
  place* in = exported->self->place;
  const entry* there = find_entry(in, record->path);
  plk_bytes parent = record->path;
  while (parent.len > 0 && parent.ptr[parent.len - 1] != '/') parent.len--;
  if (parent.len > 1) {
    const entry* above = NULL;
    parent.len--;
    above = find_entry(in, parent);
    if (above == NULL || !is_dir(above)) return plk_fail(err, PLK_E_NOT_FOUND, "no directory");
  }
  if (there == NULL) return PLK_OK;
  if (is_dir(there) != (record->type == PLK_R_DIR)) {
    return plk_fail(err, PLK_E_EXISTS, "there is something of another kind");
  }
  if (is_dir(there)) return PLK_OK;
  if (exported->existing == PLK_EXISTING_FAIL) return plk_fail(err, PLK_E_EXISTS, "it exists");
  *skip = exported->existing == PLK_EXISTING_SKIP;
  return PLK_OK;
}

static plk_status export_put(plk_export* exported, plk_call* call, const plk_record* record,
                             uint32_t record_size, plk_writer** writer, plk_error* err) {
  plk_instance* self = exported->self;
  plk_status status = PLK_OK;
  int skip = 0;
  (void)record_size;
  BEGIN("put");
  pthread_mutex_lock(&self->place->mutex);
  status = check_place(exported, record, &skip, err);
  if (status == PLK_OK && !skip) {
    entry* made = NULL;
    if (record->type == PLK_R_HARDLINK) {
      const entry* first = find_entry(self->place, record->target);
      if (first == NULL) {
        status = plk_fail(err, PLK_E_NOT_FOUND, "no such file");
      } else {
        made = make_entry(record);
        made->record.type = PLK_R_FILE;
        made->record.flags = PLK_RF_HAS_DATA;
        free(made->content.data);
        made->content = copy_of(first->content.data, first->content.size);
        keep_entry(self->place, made);
      }
    } else if (record->type == PLK_R_FILE) {
      *writer = calloc(1, sizeof **writer);
      (*writer)->self = self;
      (*writer)->made = make_entry(record);
    } else {
      keep_entry(self->place, make_entry(record));
    }
  }
  pthread_mutex_unlock(&self->place->mutex);
  if (in_trouble(self, "lie", "put") && *writer == NULL) {
    *writer = calloc(1, sizeof **writer);
    (*writer)->self = self;
    (*writer)->made = make_entry(record);
  }
  return status;
}

static plk_status export_finish(plk_export* exported, plk_call* call, plk_record_batch* failures,
                                plk_error* err) {
  static plk_record failed;
  plk_instance* self = exported->self;
  BEGIN("export_finish");
  if (in_trouble(self, "empty", "export_finish")) return PLK_OK;
  if (in_trouble(self, "lie", "export_finish") && !exported->told) {
    exported->told = 1;
    failed.type = PLK_R_ERROR;
    failed.path.ptr = (const uint8_t*)"/d";
    failed.path.len = 2;
    failed.error_code = PLK_E_PERMISSION;
    failures->records = &failed;
    failures->record_stride = sizeof failed;
    failures->count = 1;
    return PLK_OK;
  }
  return PLK_END;
}

static void export_close(plk_export* exported, plk_call* call) {
  (void)call;
  free(exported);
}

static plk_status content_write(plk_writer* writer, plk_call* call, const void* data, uint64_t size,
                                plk_error* err) {
  plk_instance* self = writer->self;
  BEGIN("write");
  append(&writer->made->content, data, size);
  return PLK_OK;
}

static void content_abort(plk_writer* writer, plk_call* call) {
  (void)call;
  free_entry(writer->made);
  free(writer);
}

static plk_status content_commit(plk_writer* writer, plk_call* call, uint64_t* bytes,
                                 plk_error* err) {
  plk_instance* self = writer->self;
  plk_status status = begin(self, call, "commit", err);
  if (status != PLK_OK) {
    content_abort(writer, call);
    return status;
  }
  *bytes = writer->made->content.size;
  if (in_trouble(self, "lie", "commit")) ++*bytes;
  pthread_mutex_lock(&self->place->mutex);
  keep_entry(self->place, writer->made);
  pthread_mutex_unlock(&self->place->mutex);
  free(writer);
  return PLK_OK;
}

#if !defined(MEMORY_WITHOUT_UPLOADS)
static plk_status content_zeros(plk_writer* writer, plk_call* call, uint64_t size, plk_error* err) {
  plk_instance* self = writer->self;
  BEGIN("write_zeros");
  append(&writer->made->content, NULL, size);
  return PLK_OK;
}
#endif

// --- Secrets and inventory --------------------------------------------------------------------

static plk_status secret_get(plk_instance* self, plk_call* call, plk_str path, plk_sink* value,
                             int64_t* ttl_s, plk_error* err) {
  BEGIN("secret");
  if (path.len != 5 || memcmp(path.ptr, "known", 5) != 0) {
    return plk_fail(err, PLK_E_NOT_FOUND, "no such secret");
  }
  *ttl_s = 60;
  return host->sink_write(value, "sesame", 6);
}

static plk_status inventory_open(plk_instance* self, plk_call* call, plk_lister** lister,
                                 plk_error* err) {
  BEGIN("list_open");
  *lister = calloc(1, sizeof **lister);
  (*lister)->self = self;
  return PLK_OK;
}

static plk_status inventory_next(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                                 plk_error* err) {
  static const plk_str tags[] = {PLK_STR("team"), PLK_STR("red")};
  static const plk_str endpoints[] = {PLK_STR("host"), PLK_STR("db.example")};
  static plk_resource resource = {.urn = PLK_STR("urn:db:1"),
                                  .name = PLK_STR("orders"),
                                  .category = PLK_STR("database"),
                                  .subcategory = PLK_STR("postgresql"),
                                  .tags = tags,
                                  .tag_count = 2,
                                  .endpoints = endpoints,
                                  .endpoint_count = 2};
  plk_instance* self = lister->self;
  BEGIN("list_next");
  if (lister->at++ != 0) return PLK_END;
  batch->resources = &resource;
  batch->resource_stride = sizeof resource;
  batch->count = in_trouble(self, "lie", "list_next") ? UINT64_MAX : 1;
  return PLK_OK;
}

// --- Tables -----------------------------------------------------------------------------------

static const plk_storage_ops store_ops = {
    .struct_size = sizeof store_ops,
    .create = store_create,
    .load = store_load,
    .mode = store_mode,
    .used_bytes = store_used,
    .list_open = list_open,
    .list_next = list_next,
    .list_close = list_close,
    .object_size = object_size,
    .get = store_get,
    .put = store_put,
    .del = store_del,
#if !defined(MEMORY_WITHOUT_UPLOADS)
    .upload_open = upload_open,
    .upload_write = upload_write,
    .upload_commit = upload_commit,
    .upload_abort = upload_abort,
#endif
};
static const plk_reader_ops reader_ops = {
    .struct_size = sizeof reader_ops, .read = content_read, .close = content_close};
static const plk_importer_ops importer_ops = {
    .struct_size = sizeof importer_ops,
    .scan_open = scan_open,
    .scan_next = scan_next,
    .record_open = record_open,
    .scan_close = scan_close,
    .reader = &reader_ops,
    .estimate = estimate,
};
static const plk_writer_ops writer_ops = {
    .struct_size = sizeof writer_ops,
    .write = content_write,
    .commit = content_commit,
    .abort = content_abort,
#if !defined(MEMORY_WITHOUT_UPLOADS)
    .write_zeros = content_zeros,
#endif
};
static const plk_exporter_ops exporter_ops = {
    .struct_size = sizeof exporter_ops,
    .export_open = export_open,
    .put = export_put,
    .export_finish = export_finish,
    .export_close = export_close,
    .writer = &writer_ops,
};
static const plk_secrets_ops secrets_ops = {.struct_size = sizeof secrets_ops, .get = secret_get};
static const plk_inventory_ops inventory_ops = {
    .struct_size = sizeof inventory_ops,
    .list_open = inventory_open,
    .list_next = inventory_next,
    .list_close = list_close,
};

#define CONNECTOR(KIND, ID, CAPS, OPS)               \
  {.struct_size = sizeof(plk_connector),             \
   .kind = (KIND),                                   \
   .id = (ID),                                       \
   .caps = MEMORY_CAPS | PLK_CAP_INTERRUPT | (CAPS), \
   .config_schema_version = 1,                       \
   .open = open_instance,                            \
   .location = locate,                               \
   .ping = ping,                                     \
   .interrupt = interrupt,                           \
   .close = close_instance,                          \
   .ops = (OPS)}
#if !defined(MEMORY_WITHOUT_UPLOADS)
#define STORE_CAPS PLK_CAP_PUT_IF_ABSENT
#else
#define STORE_CAPS 0
#endif
static const plk_connector store = CONNECTOR(PLK_KIND_STORAGE, "store", STORE_CAPS, &store_ops);
static const plk_connector importer = CONNECTOR(PLK_KIND_IMPORTER, "importer", 0, &importer_ops);
static const plk_connector exporter =
    CONNECTOR(PLK_KIND_EXPORTER, "exporter", PLK_CAP_HARDLINKS, &exporter_ops);
static const plk_connector secrets = CONNECTOR(PLK_KIND_SECRETS, "secrets", 0, &secrets_ops);
static const plk_connector inventory =
    CONNECTOR(PLK_KIND_INVENTORY, "inventory", 0, &inventory_ops);
static const plk_connector* const connectors[] = {&store, &importer, &exporter, &secrets,
                                                  &inventory};

static void free_entries(entry* first) {
  while (first != NULL) {
    entry* gone = first;
    first = first->next;
    free_entry(gone);
  }
}

static void shutdown_module(void) {
  while (places != NULL) {
    place* gone = places;
    places = gone->next;
    while (gone->objects != NULL) {
      object* first = gone->objects;
      gone->objects = first->next;
      free(first->key.data);
      free(first->data.data);
      free(first);
    }
    free_entries(gone->entries);
    free_entries(gone->replaced);
    free(gone->config.data);
    free(gone->location.data);
    free(gone);
  }
}

static const plk_plugin plugin = {
    .magic = PLK_MAGIC,
    .struct_size = sizeof plugin,
    .abi_minor_built = PLK_TARGET_MINOR,
    .name = MEMORY_NAME,
    .version = "1.0.0",
    .connectors = connectors,
    .connector_count = sizeof connectors / sizeof connectors[0],
    .shutdown = shutdown_module,
};

plk_status PLK_ENTRY(const plk_entry_args* args, const plk_plugin** out, plk_error* err) {
  if (args->abi_major != PLK_ABI_MAJOR) return plk_fail(err, PLK_E_ABI, "another ABI");
  host = args->host;
  *out = &plugin;
  return PLK_OK;
}
