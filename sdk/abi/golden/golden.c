// A module with a connector of each kind, all in memory: the source of golden modules, in C. What
// it does is only what tests/sdk/drive.c asks for, but through every function of the ABI that C
// authors write. Binaries of it are kept for ever; see sdk/LEDGER.md.
#include <plakar/connector.h>
#include <stdlib.h>
#include <string.h>

static const plk_host_api* host;

// --- Named bytes, for the store and the destination -------------------------------------------

typedef struct item {
  struct item* next;
  uint32_t ns;
  uint64_t key_size;
  uint8_t key[64];
  uint64_t size;
  uint8_t* data;
} item;

struct plk_instance {
  item* items;
  item* config;
};

static item* make_item(uint32_t ns, plk_bytes key) {
  item* made = calloc(1, sizeof *made);
  if (made == NULL || key.len > sizeof made->key) {
    free(made);
    return NULL;
  }
  made->ns = ns;
  made->key_size = key.len;
  memcpy(made->key, key.ptr, key.len);
  return made;
}

static void free_item(item* freed) {
  if (freed != NULL) free(freed->data);
  free(freed);
}

static plk_status append(item* to, const void* data, uint64_t size, plk_error* err) {
  uint8_t* grown = NULL;
  if (size == 0) return PLK_OK;
  grown = realloc(to->data, to->size + size);
  if (grown == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  to->data = grown;
  if (data != NULL) {
    memcpy(grown + to->size, data, size);
  } else {
    memset(grown + to->size, 0, size);
  }
  to->size += size;
  return PLK_OK;
}

static item** find(plk_instance* in, uint32_t ns, plk_bytes key) {
  item** at = &in->items;
  for (; *at != NULL; at = &(*at)->next) {
    if ((*at)->ns == ns && (*at)->key_size == key.len &&
        memcmp((*at)->key, key.ptr, key.len) == 0) {
      break;
    }
  }
  return at;
}

static void forget(item** at) {
  item* gone = *at;
  if (gone == NULL) return;
  *at = gone->next;
  free_item(gone);
}

static void insert(plk_instance* in, item* made) {
  plk_bytes key;
  key.ptr = made->key;
  key.len = made->key_size;
  forget(find(in, made->ns, key));
  made->next = in->items;
  in->items = made;
}

// --- What all have ----------------------------------------------------------------------------

static plk_status memory_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
  plk_instance* made = NULL;
  if (args->location.len == 0) return plk_fail(err, PLK_E_CONFIG, "there is no location");
  if (args->config->count == 0) return plk_fail(err, PLK_E_CONFIG, "there is no configuration");
  made = calloc(1, sizeof *made);
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  *out = made;
  return PLK_OK;
}

static plk_status memory_location(plk_instance* in, plk_location* out, plk_error* err) {
  static const plk_str origin = PLK_STR("memory");
  (void)in, (void)err;
  out->flags = 0;
  out->origin = origin;
  out->type = origin;
  out->root.ptr = (const uint8_t*)"/";
  out->root.len = 1;
  return PLK_OK;
}

static plk_status memory_ping(plk_instance* in, plk_call* call, plk_error* err) {
  (void)in, (void)err;
  return host->call_cancelled(call) ? plk_fail(err, PLK_E_CANCELLED, "cancelled") : PLK_OK;
}

static void memory_close(plk_instance* in, plk_call* call) {
  (void)call;
  while (in->items != NULL) forget(&in->items);
  free_item(in->config);
  free(in);
}

static plk_status check_config(plk_ctx* ctx, const plk_config* config, plk_error* err) {
  const plk_cfg_entry* first = PLK_AT(plk_cfg_entry, config->entries, config->entry_stride, 0);
  (void)ctx;
  if (config->count == 0 || first->key.len == 0) return plk_fail(err, PLK_E_CONFIG, "empty");
  return PLK_OK;
}

// --- The store --------------------------------------------------------------------------------

static plk_status store_create(plk_instance* in, plk_call* call, plk_bytes config, plk_error* err) {
  const plk_bytes none = {(const uint8_t*)"", 0};
  (void)call;
  if (in->config != NULL) return plk_fail(err, PLK_E_EXISTS, "there is a store already");
  in->config = make_item(0, none);
  if (in->config == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  return append(in->config, config.ptr, config.len, err);
}

static plk_status store_load(plk_instance* in, plk_call* call, plk_sink* config, plk_error* err) {
  (void)call;
  if (in->config == NULL) return plk_fail(err, PLK_E_NOT_FOUND, "there is no store");
  return host->sink_write(config, in->config->data, in->config->size);
}

static plk_status store_mode(plk_instance* in, plk_call* call, uint32_t* mode, plk_error* err) {
  (void)in, (void)call, (void)err;
  *mode = PLK_MODE_READ | PLK_MODE_WRITE;
  return PLK_OK;
}

static plk_status store_used(plk_instance* in, plk_call* call, uint64_t* bytes, plk_error* err) {
  const item* one = in->items;
  (void)call, (void)err;
  for (*bytes = 0; one != NULL; one = one->next) *bytes += one->size;
  return PLK_OK;
}

struct plk_lister {
  plk_instance* in;
  const item* at;
  uint32_t ns;
  int done;
  plk_name name;
};

static plk_status store_list_open(plk_instance* in, plk_call* call, uint32_t ns, plk_bytes after,
                                  plk_lister** out, plk_error* err) {
  plk_lister* made = calloc(1, sizeof *made);
  (void)call, (void)after;
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  made->in = in;
  made->at = in->items;
  made->ns = ns;
  *out = made;
  return PLK_OK;
}

static plk_status store_list_next(plk_lister* lister, plk_call* call, plk_name_batch* batch,
                                  plk_error* err) {
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  while (lister->at != NULL && lister->at->ns != lister->ns) lister->at = lister->at->next;
  if (lister->at == NULL) return PLK_END;
  lister->name.key.ptr = lister->at->key;
  lister->name.key.len = lister->at->key_size;
  lister->name.valid = PLK_N_SIZE;
  lister->name.size = lister->at->size;
  lister->at = lister->at->next;
  batch->name_stride = sizeof(plk_name);
  batch->names = &lister->name;
  batch->count = 1;
  return PLK_OK;
}

static void list_close(plk_lister* lister, plk_call* call) {
  (void)call;
  free(lister);
}

static plk_status store_size(plk_instance* in, plk_call* call, const plk_object* object,
                             uint64_t* bytes, plk_error* err) {
  const item* one = *find(in, object->ns, object->key);
  (void)call;
  if (one == NULL) return plk_fail(err, PLK_E_NOT_FOUND, "no such object");
  *bytes = one->size;
  return PLK_OK;
}

static plk_status store_get(plk_instance* in, plk_call* call, const plk_object* object,
                            uint64_t offset, void* buf, uint64_t cap, uint64_t* got,
                            plk_error* err) {
  const item* one = *find(in, object->ns, object->key);
  (void)call;
  if (one == NULL) return plk_fail(err, PLK_E_NOT_FOUND, "no such object");
  if (offset > one->size) offset = one->size;
  *got = one->size - offset < cap ? one->size - offset : cap;
  if (*got > 0) memcpy(buf, one->data + offset, *got);
  return PLK_OK;
}

struct plk_upload {
  plk_instance* in;
  item* made;
};

static plk_status commit_object(plk_instance* in, item* made, const plk_object* object,
                                plk_error* err) {
  if ((object->flags & PLK_PUT_IF_ABSENT) != 0 && *find(in, object->ns, object->key) != NULL) {
    free_item(made);
    return plk_fail(err, PLK_E_EXISTS, "there is such an object already");
  }
  made->ns = object->ns;
  made->key_size = object->key.len;
  memcpy(made->key, object->key.ptr, object->key.len);
  insert(in, made);
  return PLK_OK;
}

static plk_status store_put(plk_instance* in, plk_call* call, const plk_object* object,
                            const plk_bytes* parts, uint64_t count, plk_error* err) {
  uint64_t i = 0;
  item* made = make_item(object->ns, object->key);
  if (made == NULL) return plk_fail(err, PLK_E_UNSUPPORTED, "a key that is too long");
  for (i = 0; i < count; i++) {
    plk_status status = append(made, parts[i].ptr, parts[i].len, err);
    if (status == PLK_OK && host->call_cancelled(call)) {
      status = plk_fail(err, PLK_E_CANCELLED, "cancelled");
    }
    if (status != PLK_OK) {
      free_item(made);
      return status;
    }
  }
  return commit_object(in, made, object, err);
}

static plk_status store_del(plk_instance* in, plk_call* call, const plk_object* object,
                            plk_error* err) {
  (void)call, (void)err;
  forget(find(in, object->ns, object->key));
  return PLK_OK;
}

static plk_status upload_open(plk_instance* in, plk_call* call, uint32_t ns, uint32_t flags,
                              uint64_t size_hint, plk_upload** out, plk_error* err) {
  const plk_bytes none = {(const uint8_t*)"", 0};
  plk_upload* made = calloc(1, sizeof *made);
  (void)call, (void)flags, (void)size_hint;
  if (made != NULL) made->made = make_item(ns, none);
  if (made == NULL || made->made == NULL) {
    free(made);
    return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  }
  made->in = in;
  *out = made;
  return PLK_OK;
}

static plk_status upload_write(plk_upload* upload, plk_call* call, const void* data, uint64_t size,
                               plk_error* err) {
  (void)call;
  return append(upload->made, data, size, err);
}

static plk_status upload_commit(plk_upload* upload, plk_call* call, const plk_object* object,
                                plk_error* err) {
  const plk_status status = commit_object(upload->in, upload->made, object, err);
  (void)call;
  free(upload);
  return status;
}

static void upload_abort(plk_upload* upload, plk_call* call) {
  (void)call;
  free_item(upload->made);
  free(upload);
}

static plk_status store_finish(plk_instance* in, plk_call* call, plk_error* err) {
  (void)in, (void)call, (void)err;
  return PLK_OK;
}

// --- Content ----------------------------------------------------------------------------------

struct plk_reader {
  uint64_t at;
  uint64_t size;
  uint8_t lent;
};

// Byte `i` of every content is `i % 251`.
static plk_status reader_read(plk_reader* reader, plk_call* call, void* buf, uint64_t cap,
                              uint64_t* got, plk_error* err) {
  uint8_t* to = buf;
  (void)call, (void)err;
  for (*got = 0; *got < cap && reader->at < reader->size; reader->at++) {
    to[(*got)++] = (uint8_t)(reader->at % 251);
  }
  return *got == 0 ? PLK_END : PLK_OK;
}

static plk_status reader_lend(plk_reader* reader, plk_call* call, plk_bytes* out, plk_error* err) {
  (void)call, (void)err;
  if (reader->at == reader->size) return PLK_END;
  reader->lent = (uint8_t)(reader->at++ % 251);
  out->ptr = &reader->lent;
  out->len = 1;
  return PLK_OK;
}

static void reader_close(plk_reader* reader, plk_call* call) {
  (void)call;
  free(reader);
}

static const plk_reader_ops reader_ops = {sizeof reader_ops, 0, reader_read, reader_lend,
                                          reader_close};

static plk_status store_get_open(plk_instance* in, plk_call* call, const plk_object* object,
                                 uint64_t offset, uint64_t size, plk_reader** out, plk_error* err) {
  (void)in, (void)call, (void)object, (void)offset, (void)size, (void)out;
  return plk_fail(err, PLK_E_UNSUPPORTED, "objects are small here");
}

static const plk_storage_ops store_ops = {sizeof store_ops, 0,
                                          store_create,     store_load,
                                          store_mode,       store_used,
                                          store_list_open,  store_list_next,
                                          list_close,       store_size,
                                          store_get,        store_put,
                                          store_del,        store_get_open,
                                          &reader_ops,      upload_open,
                                          upload_write,     upload_commit,
                                          upload_abort,     store_finish};

// --- The source: a directory, five files, an error --------------------------------------------

struct plk_scan {
  uint64_t next;
  uint64_t room;
  plk_xattr xattr;
  plk_record records[8];
};

static plk_status scan_open(plk_instance* in, plk_call* call, const plk_scan_args* args,
                            plk_scan** out, plk_error* err) {
  plk_scan* made = calloc(1, sizeof *made);
  (void)in, (void)call;
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  made->room = args->max_batch < 8 ? args->max_batch : 8;
  *out = made;
  return PLK_OK;
}

static plk_bytes octets(const char* text) {
  plk_bytes made;
  made.ptr = (const uint8_t*)text;
  made.len = strlen(text);
  return made;
}

static plk_status scan_next(plk_scan* scan, plk_call* call, plk_record_batch* batch,
                            plk_error* err) {
  static const char* const paths[] = {"/", "/a", "/b", "/c", "/d", "/e", "/unreadable"};
  static const plk_str reason = PLK_STR("permission denied");
  uint64_t count = 0;
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  for (; count < scan->room && scan->next < 7; count++, scan->next++) {
    plk_record* record = &scan->records[count];
    memset(record, 0, sizeof *record);
    record->id = scan->next + 1;
    record->path = octets(paths[scan->next]);
    record->type = scan->next == 0 ? PLK_R_DIR : PLK_R_FILE;
    if (scan->next == 6) {
      record->type = PLK_R_ERROR;
      record->error_code = PLK_E_PERMISSION;
      record->error_message = reason;
    } else if (scan->next > 0) {
      record->flags = PLK_RF_HAS_DATA;
      record->valid = PLK_V_SIZE | PLK_V_CHANGE_TOKEN;
      record->size = scan->next * 700;
      record->change_token = octets("token");
      scan->xattr.name = octets("user.note");
      scan->xattr.value = octets("value");
      scan->xattr.kind = PLK_XATTR_EXTENDED;
      record->xattrs = &scan->xattr;
      record->xattr_count = 1;
      record->xattr_stride = sizeof scan->xattr;
    }
  }
  if (count == 0) return PLK_END;
  batch->record_stride = sizeof(plk_record);
  batch->records = scan->records;
  batch->count = count;
  return PLK_OK;
}

static plk_status record_open(plk_scan* scan, plk_call* call, uint64_t id, uint64_t offset,
                              plk_reader** out, plk_error* err) {
  plk_reader* made = NULL;
  (void)scan, (void)call;
  if (id < 2 || id > 6) return plk_fail(err, PLK_E_INVALID_ARG, "no such record");
  made = calloc(1, sizeof *made);
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  made->size = (id - 1) * 700;
  made->at = offset < made->size ? offset : made->size;
  *out = made;
  return PLK_OK;
}

static plk_status scan_ack(plk_scan* scan, plk_call* call, const uint64_t* ids,
                           const plk_status* statuses, uint64_t count, plk_error* err) {
  (void)scan, (void)call, (void)ids, (void)statuses, (void)count, (void)err;
  return PLK_OK;
}

static void scan_close(plk_scan* scan, plk_call* call) {
  (void)call;
  free(scan);
}

static plk_status estimate(plk_instance* in, plk_call* call, const plk_scan_args* args,
                           uint64_t* items, uint64_t* bytes, plk_error* err) {
  (void)in, (void)call, (void)args, (void)err;
  *items = 7;
  *bytes = 700 * (1 + 2 + 3 + 4 + 5);
  return PLK_OK;
}

static const plk_importer_ops importer_ops = {sizeof importer_ops, 0,           scan_open,
                                              scan_next,           record_open, scan_ack,
                                              scan_close,          &reader_ops, estimate};

// --- The destination --------------------------------------------------------------------------

struct plk_export {
  plk_instance* in;
  uint32_t existing;
};
struct plk_writer {
  plk_instance* in;
  item* made;
};

static plk_status export_open(plk_instance* in, plk_call* call, const plk_export_args* args,
                              plk_export** out, plk_error* err) {
  plk_export* made = NULL;
  (void)call;
  if (args->existing > PLK_EXISTING_RESUME) {
    return plk_fail(err, PLK_E_UNSUPPORTED, "unknown: what to do about existing files");
  }
  made = calloc(1, sizeof *made);
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  made->in = in;
  made->existing = args->existing;
  *out = made;
  return PLK_OK;
}

static plk_status export_put(plk_export* exported, plk_call* call, const plk_record* record,
                             uint32_t record_size, plk_writer** out, plk_error* err) {
  plk_writer* made = NULL;
  (void)call;
  *out = NULL;
  if (!PLK_REACHES(plk_record, record_size, error_message)) {
    return plk_fail(err, PLK_E_ABI, "a record that is too short");
  }
  if (record->path.len >= 3 && memcmp(record->path.ptr, "/..", 3) == 0) {
    return plk_fail(err, PLK_E_UNSUPPORTED, "a path that leaves the destination");
  }
  if (record->type == PLK_R_FILE && *find(exported->in, PLK_R_FILE, record->path) != NULL) {
    if (exported->existing == PLK_EXISTING_SKIP) return PLK_OK;
    if (exported->existing == PLK_EXISTING_FAIL) {
      return plk_fail(err, PLK_E_EXISTS, "there is such a file already");
    }
  }
  made = calloc(1, sizeof *made);
  if (made != NULL) made->made = make_item(record->type, record->path);
  if (made == NULL || made->made == NULL) {
    free(made);
    return plk_fail(err, PLK_E_UNSUPPORTED, "a path that is too long");
  }
  made->in = exported->in;
  if ((record->flags & PLK_RF_HAS_DATA) != 0) {
    *out = made;
  } else {
    insert(made->in, made->made);
    free(made);
  }
  return PLK_OK;
}

static plk_status export_finish(plk_export* exported, plk_call* call, plk_record_batch* failures,
                                plk_error* err) {
  (void)exported, (void)call, (void)failures, (void)err;
  return PLK_END;
}

static void export_close(plk_export* exported, plk_call* call) {
  (void)call;
  free(exported);
}

static plk_status writer_write(plk_writer* writer, plk_call* call, const void* data, uint64_t size,
                               plk_error* err) {
  (void)call;
  return append(writer->made, data, size, err);
}

static plk_status writer_commit(plk_writer* writer, plk_call* call, uint64_t* bytes,
                                plk_error* err) {
  (void)call, (void)err;
  *bytes = writer->made->size;
  insert(writer->in, writer->made);
  free(writer);
  return PLK_OK;
}

static void writer_abort(plk_writer* writer, plk_call* call) {
  (void)call;
  free_item(writer->made);
  free(writer);
}

static plk_status writer_zeros(plk_writer* writer, plk_call* call, uint64_t size, plk_error* err) {
  (void)call;
  return append(writer->made, NULL, size, err);
}

static const plk_writer_ops writer_ops = {
    sizeof writer_ops, 0, writer_write, writer_commit, writer_abort, writer_zeros};
static const plk_exporter_ops exporter_ops = {
    sizeof exporter_ops, 0, export_open, export_put, export_finish, export_close, &writer_ops};

// --- Secrets, inventory -----------------------------------------------------------------------

static plk_status secrets_get(plk_instance* in, plk_call* call, plk_str path, plk_sink* value,
                              int64_t* ttl_s, plk_error* err) {
  (void)in, (void)call;
  if (path.len != 5 || memcmp(path.ptr, "known", 5) != 0) {
    return plk_fail(err, PLK_E_NOT_FOUND, "no such secret");
  }
  *ttl_s = 60;
  return host->sink_write(value, "sesame", 6);
}

static const plk_secrets_ops secrets_ops = {sizeof secrets_ops, 0, secrets_get};

static plk_status inventory_open(plk_instance* in, plk_call* call, plk_lister** out,
                                 plk_error* err) {
  const plk_bytes none = {NULL, 0};
  return store_list_open(in, call, 0, none, out, err);
}

static plk_status inventory_next(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                                 plk_error* err) {
  static const plk_str pairs[] = {PLK_STR("owner"), PLK_STR("nobody")};
  static const plk_str endpoints[] = {PLK_STR("host"), PLK_STR("db.example.org")};
  static plk_resource one;
  (void)call, (void)err;
  if (lister->done) return PLK_END;
  lister->done = 1;
  one.urn.ptr = "urn:golden:1";
  one.urn.len = 12;
  one.tags = pairs;
  one.tag_count = 2;
  one.endpoints = endpoints;
  one.endpoint_count = 2;
  batch->resource_stride = sizeof one;
  batch->resources = &one;
  batch->count = 1;
  return PLK_OK;
}

static const plk_inventory_ops inventory_ops = {sizeof inventory_ops, 0, inventory_open,
                                                inventory_next, list_close};

// --- The module -------------------------------------------------------------------------------

#define CONNECTOR(name, kind, caps, ops)              \
  static const plk_connector name = {sizeof name,     \
                                     kind,            \
                                     "golden-" #name, \
                                     caps,            \
                                     1,               \
                                     1,               \
                                     check_config,    \
                                     NULL,            \
                                     NULL,            \
                                     memory_open,     \
                                     memory_location, \
                                     memory_ping,     \
                                     NULL,            \
                                     memory_close,    \
                                     &(ops)}
CONNECTOR(store, PLK_KIND_STORAGE, PLK_CAP_PUT_IF_ABSENT | PLK_CAP_STRONG_LIST, store_ops);
CONNECTOR(source, PLK_KIND_IMPORTER, PLK_CAP_RANGE | PLK_CAP_CHANGE_TOKEN, importer_ops);
CONNECTOR(destination, PLK_KIND_EXPORTER, 0, exporter_ops);
CONNECTOR(secrets, PLK_KIND_SECRETS, 0, secrets_ops);
CONNECTOR(inventory, PLK_KIND_INVENTORY, 0, inventory_ops);

static const plk_connector* const connectors[] = {&store, &source, &destination, &secrets,
                                                  &inventory};

static void stop(void) { host = NULL; }
static const void* no_extension(const char* id) {
  (void)id;
  return NULL;
}

PLK_NOTE("golden", "1.0.0", 0);

static const plk_plugin plugin = {PLK_MAGIC, sizeof plugin, PLK_TARGET_MINOR, 0,
                                  "golden",  "1.0.0",       connectors,       5,
                                  0,         stop,          no_extension};

plk_status PLK_CALL PLK_ENTRY(const plk_entry_args* args, const plk_plugin** out, plk_error* err) {
  if (args->abi_major != PLK_ABI_MAJOR) return plk_fail(err, PLK_E_ABI, "another major version");
  host = args->host;
  *out = &plugin;
  return PLK_OK;
}
