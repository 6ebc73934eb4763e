// A store in a directory: one file for each object.
//
//   ROOT/CONFIG       what create() was given
//   ROOT/KIND/HEX     an object: KIND is its namespace, HEX its key in hexadecimal
//   ROOT/tmp/         what is being written; what a crash left there may be deleted
//
// A file gets its name when it is complete and on the disk, with link() or rename(): so nobody ever
// sees a part of one, and of two that create the same name exactly one succeeds. Everything that an
// instance has is constant after open(), so calls may come from any number of threads.
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <plakar/connector.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  config_size_max = 32 * 1024,
  key_size_max = 120,       // so that its hexadecimal digits are a file name
  name_size = 260,          // "KIND/HEX"
  batch_max = 512,          // names in one answer
  piece_max = 1024 * 1024,  // bytes between two looks at whether the call was cancelled
};

extern const plk_host_api* host;  // in module.c

struct plk_instance {
  char* root;
  size_t root_size;
};

struct plk_upload {
  plk_instance* store;
  uint32_t ns;
  int file;
  char temporary[name_size];
};

struct plk_lister {
  DIR* directory;  // NULL when there are no objects of this kind
  plk_name names[batch_max];
  uint8_t keys[batch_max][key_size_max];
};

// --- Errors -----------------------------------------------------------------------------------

// What errno says, for `doing`, a constant sentence.
static plk_status fail_errno(plk_error* err, const char* doing) {
  const int code = errno;
  char reason[128];
  char message[256];
  plk_status status = PLK_E_IO;
  switch (code) {
    case ENOENT:
      status = PLK_E_NOT_FOUND;
      break;
    case EEXIST:
      status = PLK_E_EXISTS;
      break;
    case EACCES:
    case EPERM:
      status = PLK_E_PERMISSION;
      break;
    case ENOSPC:
    case EDQUOT:
      status = PLK_E_NO_SPACE;
      break;
    case EROFS:
      status = PLK_E_READ_ONLY;
      break;
    case ENOMEM:
      status = PLK_E_NO_MEMORY;
      break;
    case ENOTDIR:
      status = PLK_E_CONFIG;
      break;
    default:
      break;
  }
  if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "%d", code);
  snprintf(message, sizeof message, "%s: %s", doing, reason);
  plk_fail(err, status, message);
  if (err != NULL) err->sys_errno = code;
  return status;
}

static int cancelled(plk_call* call) { return host->call_cancelled(call); }

static plk_status fail_cancelled(plk_error* err) {
  return plk_fail(err, PLK_E_CANCELLED, "cancelled");
}

// --- Files ------------------------------------------------------------------------------------

// The path of a name below the root; NULL without memory. Freed by the caller.
static char* below(const plk_instance* store, const char* name) {
  const size_t size = store->root_size + 1 + strlen(name) + 1;
  char* path = malloc(size);
  if (path != NULL) snprintf(path, size, "%s/%s", store->root, name);
  return path;
}

static int open_below(const plk_instance* store, const char* name, int flags) {
  char* path = below(store, name);
  if (path == NULL) return -1;
  const int file = open(path, flags | O_CLOEXEC, 0600);
  free(path);
  return file;
}

static int make_directory(const plk_instance* store, const char* name) {
  char* path = below(store, name);
  if (path == NULL) return -1;
  const int made = mkdir(path, 0700);
  free(path);
  return made == 0 || errno == EEXIST ? 0 : -1;
}

// Nothing to do when publish() has renamed the file: another one may have that name by now.
static void remove_temporary(const plk_instance* store, const char* name) {
  if (name[0] == '\0') return;
  char* path = below(store, name);
  if (path != NULL) unlink(path);
  free(path);
}

// A name is only safe when its directory has been written too.
static int sync_directory(const plk_instance* store, const char* name) {
  const int directory = open_below(store, name, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return -1;
  const int synced = fsync(directory);
  close(directory);
  return synced;
}

static int create_temporary(const plk_instance* store, char name[name_size]) {
  static atomic_uint_fast64_t counter;
  int file = -1;
  do {
    snprintf(name, name_size, "tmp/%ld-%llu", (long)getpid(),
             (unsigned long long)atomic_fetch_add(&counter, 1));
    file = open_below(store, name, O_WRONLY | O_CREAT | O_EXCL);
  } while (file < 0 && errno == EEXIST);
  return file;
}

// PLK_OK, or what went wrong; cancelling is looked for between the pieces.
static plk_status write_all(int file, plk_call* call, const void* data, uint64_t size,
                            plk_error* err) {
  const char* from = data;
  while (size > 0) {
    if (cancelled(call)) return fail_cancelled(err);
    const ssize_t done = write(file, from, size < piece_max ? size : piece_max);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail_errno(err, "cannot write an object");
    from += done;
    size -= (uint64_t)done;
  }
  return PLK_OK;
}

// Gives the complete file `temporary` its name: the end of every way to write something.
static plk_status publish(plk_instance* store, int file, char* temporary, const char* directory,
                          const char* name, int if_absent, plk_error* err) {
  plk_status status = PLK_OK;
  char* from = below(store, temporary);
  char* to = below(store, name);
  if (from == NULL || to == NULL) {
    status = plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  } else if (fsync(file) != 0) {
    status = fail_errno(err, "cannot write an object to the disk");
  } else if ((if_absent ? link(from, to) : rename(from, to)) != 0) {
    status = fail_errno(err, "cannot give an object its name");
  } else {
    if (!if_absent) temporary[0] = '\0';
    if (sync_directory(store, directory) != 0) {
      status = fail_errno(err, "cannot write a directory to the disk");
    }
  }
  free(from);
  free(to);
  return status;
}

// --- Names ------------------------------------------------------------------------------------

static void kind_name(uint32_t ns, char name[name_size]) {
  snprintf(name, name_size, "%u", (unsigned)ns);
}

static plk_status object_name(const plk_object* object, char name[name_size], plk_error* err) {
  static const char digits[] = "0123456789abcdef";
  if (object->key.len == 0 || object->key.len > key_size_max) {
    return plk_fail(err, PLK_E_UNSUPPORTED, "the key of an object has 1 to 120 bytes here");
  }
  kind_name(object->ns, name);
  size_t size = strlen(name);
  name[size++] = '/';
  for (uint64_t i = 0; i < object->key.len; i++) {
    name[size++] = digits[object->key.ptr[i] >> 4];
    name[size++] = digits[object->key.ptr[i] & 15];
  }
  name[size] = '\0';
  return PLK_OK;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// How many bytes the key of a file name has; 0 when it is not the name of an object.
static uint64_t parse_key(const char* name, uint8_t key[key_size_max]) {
  const size_t size = strlen(name);
  if (size % 2 != 0 || size / 2 > key_size_max) return 0;
  for (size_t i = 0; i < size / 2; i++) {
    const int high = digit(name[2 * i]);
    const int low = digit(name[2 * i + 1]);
    if (high < 0 || low < 0) return 0;
    key[i] = (uint8_t)(high << 4 | low);
  }
  return size / 2;
}

// --- The connector ----------------------------------------------------------------------------

static plk_status store_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
  // "scheme:/path" or "scheme:///path".
  const char* path = args->location.ptr;
  uint64_t size = args->location.len;
  if (size > args->protocol.len && path[args->protocol.len] == ':') {
    path += args->protocol.len + 1;
    size -= args->protocol.len + 1;
  }
  if (size >= 2 && path[0] == '/' && path[1] == '/') {
    path += 2;
    size -= 2;
  }
  while (size > 1 && path[size - 1] == '/') size--;
  if (size == 0 || path[0] != '/' || memchr(path, '\0', size) != NULL) {
    return plk_fail(err, PLK_E_CONFIG, "the location must be an absolute path");
  }
  plk_instance* store = calloc(1, sizeof *store);
  if (store != NULL) store->root = strndup(path, size);
  if (store == NULL || store->root == NULL) {
    free(store);
    return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  }
  store->root_size = size;
  *out = store;
  return PLK_OK;
}

static void store_close(plk_instance* store, plk_call* call) {
  (void)call;
  free(store->root);
  free(store);
}

static plk_status store_location(plk_instance* store, plk_location* out, plk_error* err) {
  (void)err;
  out->flags = PLK_LOC_LOCALFS;
  out->origin = (plk_str)PLK_STR("localhost");
  out->type = (plk_str)PLK_STR("my-template");
  out->root = (plk_bytes){(const uint8_t*)store->root, store->root_size};
  return PLK_OK;
}

static plk_status store_mode(plk_instance* store, plk_call* call, uint32_t* mode, plk_error* err) {
  struct stat info;
  if (cancelled(call)) return fail_cancelled(err);
  if (stat(store->root, &info) != 0) {
    if (errno != ENOENT) return fail_errno(err, "cannot look at the store");
    *mode = PLK_MODE_READ | PLK_MODE_WRITE;  // not made yet
    return PLK_OK;
  }
  if (!S_ISDIR(info.st_mode)) {
    return plk_fail(err, PLK_E_CONFIG, "the location is not a directory");
  }
  *mode = 0;
  if (access(store->root, R_OK | X_OK) == 0) *mode |= PLK_MODE_READ;
  if (access(store->root, W_OK | X_OK) == 0) *mode |= PLK_MODE_WRITE;
  return PLK_OK;
}

static plk_status store_ping(plk_instance* store, plk_call* call, plk_error* err) {
  uint32_t mode = 0;
  const plk_status status = store_mode(store, call, &mode, err);
  if (status != PLK_OK || mode != 0) return status;
  return plk_fail(err, PLK_E_PERMISSION, "the store may not be read and not be written");
}

// Whether there is anything in the way of a store: anything but what a create() that failed left.
static plk_status check_empty(plk_instance* store, plk_error* err) {
  plk_status status = PLK_OK;
  DIR* directory = opendir(store->root);
  if (directory == NULL) return fail_errno(err, "cannot look at the store");
  for (struct dirent* entry = NULL; (entry = readdir(directory)) != NULL;) {
    const char* name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "tmp") == 0) continue;
    if (strspn(name, "0123456789") == strlen(name)) continue;
    status = plk_fail(
        err, PLK_E_EXISTS,
        strcmp(name, "CONFIG") == 0 ? "there is a store already" : "the directory is not empty");
    break;
  }
  closedir(directory);
  return status;
}

static plk_status store_create(plk_instance* store, plk_call* call, plk_bytes config,
                               plk_error* err) {
  char temporary[name_size];
  if (config.len == 0 || config.len > config_size_max) {
    return plk_fail(err, PLK_E_INVALID_ARG, "the configuration of a store has 1 to 32768 bytes");
  }
  if (mkdir(store->root, 0700) != 0 && errno != EEXIST) {
    return fail_errno(err, "cannot make the directory of the store");
  }
  plk_status status = check_empty(store, err);
  if (status != PLK_OK) return status;
  for (uint32_t ns = PLK_NS_PACKFILE; ns <= PLK_NS_LOCK; ns++) {
    char name[name_size];
    kind_name(ns, name);
    if (make_directory(store, name) != 0) return fail_errno(err, "cannot make a directory");
  }
  if (make_directory(store, "tmp") != 0) return fail_errno(err, "cannot make a directory");

  const int file = create_temporary(store, temporary);
  if (file < 0) return fail_errno(err, "cannot make a file");
  status = write_all(file, call, config.ptr, config.len, err);
  if (status == PLK_OK) status = publish(store, file, temporary, ".", "CONFIG", 1, err);
  close(file);
  remove_temporary(store, temporary);
  return status;
}

static plk_status store_load(plk_instance* store, plk_call* call, plk_sink* config,
                             plk_error* err) {
  static const char doing[] = "cannot read the configuration of the store";
  char bytes[config_size_max + 1];
  size_t size = 0;
  if (cancelled(call)) return fail_cancelled(err);
  const int file = open_below(store, "CONFIG", O_RDONLY);
  if (file < 0) return fail_errno(err, doing);
  while (size < sizeof bytes) {
    const ssize_t got = read(file, bytes + size, sizeof bytes - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const plk_status status = fail_errno(err, doing);
      close(file);
      return status;
    }
    if (got == 0) break;
    size += (size_t)got;
  }
  close(file);
  if (size > config_size_max) {
    return plk_fail(err, PLK_E_CORRUPT, "the configuration of the store is too large");
  }
  return host->sink_write(config, bytes, size);
}

static plk_status store_used_bytes(plk_instance* store, plk_call* call, uint64_t* bytes,
                                   plk_error* err) {
  (void)store, (void)call, (void)bytes;
  return plk_fail(err, PLK_E_UNSUPPORTED, "this store does not count its bytes");
}

// --- Listing ----------------------------------------------------------------------------------

static plk_status store_list_open(plk_instance* store, plk_call* call, uint32_t ns, plk_bytes after,
                                  plk_lister** out, plk_error* err) {
  (void)call, (void)after;
  char name[name_size];
  kind_name(ns, name);
  plk_lister* lister = malloc(sizeof *lister);
  char* path = below(store, name);
  if (lister == NULL || path == NULL) {
    free(lister);
    free(path);
    return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  }
  lister->directory = opendir(path);
  free(path);
  if (lister->directory == NULL && errno != ENOENT) {
    free(lister);
    return fail_errno(err, "cannot list objects");
  }
  *out = lister;
  return PLK_OK;
}

static plk_status store_list_next(plk_lister* lister, plk_call* call, plk_name_batch* batch,
                                  plk_error* err) {
  uint64_t count = 0;
  while (lister->directory != NULL && count < batch_max) {
    if (cancelled(call)) return fail_cancelled(err);
    errno = 0;  // The only way to tell an error from the end.
    const struct dirent* entry = readdir(lister->directory);
    if (entry == NULL) {
      if (errno != 0) return fail_errno(err, "cannot list objects");
      closedir(lister->directory);
      lister->directory = NULL;
      break;
    }
    plk_name* name = &lister->names[count];
    memset(name, 0, sizeof *name);
    name->key.ptr = lister->keys[count];
    name->key.len = parse_key(entry->d_name, lister->keys[count]);
    if (name->key.len != 0) count++;
  }
  if (count == 0) return PLK_END;
  batch->name_stride = sizeof(plk_name);
  batch->names = lister->names;
  batch->count = count;
  return PLK_OK;
}

static void store_list_close(plk_lister* lister, plk_call* call) {
  (void)call;
  if (lister->directory != NULL) closedir(lister->directory);
  free(lister);
}

// --- Objects ----------------------------------------------------------------------------------

static plk_status store_object_size(plk_instance* store, plk_call* call, const plk_object* object,
                                    uint64_t* bytes, plk_error* err) {
  char name[name_size];
  struct stat info;
  if (cancelled(call)) return fail_cancelled(err);
  const plk_status status = object_name(object, name, err);
  if (status != PLK_OK) return status;
  char* path = below(store, name);
  if (path == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  const int found = stat(path, &info);
  free(path);
  if (found != 0) return fail_errno(err, "cannot find an object");
  *bytes = (uint64_t)info.st_size;
  return PLK_OK;
}

static plk_status store_get(plk_instance* store, plk_call* call, const plk_object* object,
                            uint64_t offset, void* buf, uint64_t cap, uint64_t* got,
                            plk_error* err) {
  char name[name_size];
  char* to = buf;
  uint64_t size = 0;
  plk_status status = object_name(object, name, err);
  if (status != PLK_OK) return status;
  const int file = open_below(store, name, O_RDONLY);
  if (file < 0) return fail_errno(err, "cannot read an object");
  struct stat info;
  if (fstat(file, &info) != 0) {
    status = fail_errno(err, "cannot read an object");
    close(file);
    return status;
  }
  const uint64_t there = (uint64_t)info.st_size;
  if (offset > there) offset = there;
  if (cap > there - offset) cap = there - offset;
  while (size < cap) {
    if (cancelled(call)) {
      status = fail_cancelled(err);
      break;
    }
    const uint64_t wanted = cap - size < piece_max ? cap - size : piece_max;
    const ssize_t done = pread(file, to + size, wanted, (off_t)(offset + size));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) status = fail_errno(err, "cannot read an object");
    if (done <= 0) break;
    size += (uint64_t)done;
  }
  close(file);
  *got = size;
  return status;
}

static plk_status start(plk_instance* store, plk_call* call, uint32_t ns, plk_upload* upload,
                        plk_error* err) {
  char kind[name_size];
  if (cancelled(call)) return fail_cancelled(err);
  kind_name(ns, kind);
  upload->store = store;
  upload->ns = ns;
  if (make_directory(store, kind) != 0) return fail_errno(err, "cannot make a directory");
  upload->file = create_temporary(store, upload->temporary);
  if (upload->file < 0) return fail_errno(err, "cannot make a file");
  return PLK_OK;
}

static plk_status finish(plk_upload* upload, plk_call* call, const plk_object* object,
                         plk_error* err) {
  char name[name_size];
  char kind[name_size];
  if (cancelled(call)) return fail_cancelled(err);
  const plk_status status = object_name(object, name, err);
  if (status != PLK_OK) return status;
  kind_name(object->ns, kind);
  return publish(upload->store, upload->file, upload->temporary, kind, name,
                 (object->flags & PLK_PUT_IF_ABSENT) != 0, err);
}

// Also after finish(): a file that link() or rename() has named keeps that name.
static void discard(plk_upload* upload) {
  close(upload->file);
  remove_temporary(upload->store, upload->temporary);
}

static plk_status store_put(plk_instance* store, plk_call* call, const plk_object* object,
                            const plk_bytes* parts, uint64_t count, plk_error* err) {
  plk_upload upload;
  plk_status status = start(store, call, object->ns, &upload, err);
  if (status != PLK_OK) return status;
  for (uint64_t i = 0; i < count && status == PLK_OK; i++) {
    status = write_all(upload.file, call, parts[i].ptr, parts[i].len, err);
  }
  if (status == PLK_OK) status = finish(&upload, call, object, err);
  discard(&upload);
  return status;
}

static plk_status store_del(plk_instance* store, plk_call* call, const plk_object* object,
                            plk_error* err) {
  (void)call;
  char name[name_size];
  plk_status status = object_name(object, name, err);
  if (status != PLK_OK) return status;
  char* path = below(store, name);
  if (path == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  if (unlink(path) != 0 && errno != ENOENT) status = fail_errno(err, "cannot remove an object");
  free(path);
  return status;
}

static plk_status store_upload_open(plk_instance* store, plk_call* call, uint32_t ns,
                                    uint32_t flags, uint64_t size_hint, plk_upload** out,
                                    plk_error* err) {
  (void)call, (void)flags, (void)size_hint;
  plk_upload* upload = malloc(sizeof *upload);
  if (upload == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  const plk_status status = start(store, call, ns, upload, err);
  if (status != PLK_OK) {
    free(upload);
    return status;
  }
  *out = upload;
  return PLK_OK;
}

static plk_status store_upload_write(plk_upload* upload, plk_call* call, const void* data,
                                     uint64_t size, plk_error* err) {
  return write_all(upload->file, call, data, size, err);
}

static void store_upload_abort(plk_upload* upload, plk_call* call) {
  (void)call;
  discard(upload);
  free(upload);
}

static plk_status store_upload_commit(plk_upload* upload, plk_call* call, const plk_object* object,
                                      plk_error* err) {
  plk_status status = PLK_OK;
  if (object->ns != upload->ns) {
    status = plk_fail(err, PLK_E_INVALID_ARG, "an object was uploaded as one of another kind");
  } else {
    status = finish(upload, call, object, err);
  }
  store_upload_abort(upload, call);
  return status;
}

// --- Tables -----------------------------------------------------------------------------------

static const plk_storage_ops store_ops = {
    .struct_size = sizeof store_ops,
    .create = store_create,
    .load = store_load,
    .mode = store_mode,
    .used_bytes = store_used_bytes,
    .list_open = store_list_open,
    .list_next = store_list_next,
    .list_close = store_list_close,
    .object_size = store_object_size,
    .get = store_get,
    .put = store_put,
    .del = store_del,
    .upload_open = store_upload_open,
    .upload_write = store_upload_write,
    .upload_commit = store_upload_commit,
    .upload_abort = store_upload_abort,
};

// Declared in module.c, which lists it.
extern const plk_connector storage_connector;
const plk_connector storage_connector = {
    .struct_size = sizeof storage_connector,
    .kind = PLK_KIND_STORAGE,
    .id = "my-template-storage",
    .caps =
        PLK_CAP_CONCURRENT | PLK_CAP_PUT_IF_ABSENT | PLK_CAP_STRONG_LIST,  // as in manifest.yaml
    .config_schema_version = 1,
    .open = store_open,
    .location = store_location,
    .ping = store_ping,
    .close = store_close,
    .ops = &store_ops,
};
