// A source that reads a directory tree of this machine: directories, files, links, and everything
// else as what it is. It does not follow links, and does not read extended attributes.
//
// Records are pulled: a scan remembers which directories are still to be read, and reads as many
// entries as it is asked for. Content is opened by the number of the record; which path that was is
// remembered until the record is acknowledged.
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <plakar/connector.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const plk_host_api* host;  // in module.c

enum {
  batch_max = 256,         // records in one answer
  target_size_max = 4096,  // of a symbolic link
  message_size_max = 128,  // of what went wrong with one record
};

struct plk_instance {
  char* hostname;
  char* root;
};

// A list of strings that it owns; NULL for those that are gone.
typedef struct strings {
  char** items;
  size_t count;
  size_t room;
} strings;

// What the pointers of a record point to.
typedef struct owned {
  char* path;
  char* target;
  char message[message_size_max];
} owned;

struct plk_scan {
  const plk_instance* source;
  int started;
  strings waiting;  // directories that are still to be read
  DIR* current;
  char* current_path;
  strings paths;  // by the number of the record, from 1 on: of files, until they are acknowledged
  uint32_t count;
  uint32_t room;
  plk_record records[batch_max];
  owned owners[batch_max];
};

struct plk_reader {
  int file;
};

// --- Errors, strings --------------------------------------------------------------------------

static plk_status status_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      return PLK_E_NOT_FOUND;
    case EACCES:
    case EPERM:
      return PLK_E_PERMISSION;
    case ENOMEM:
      return PLK_E_NO_MEMORY;
    default:
      return PLK_E_IO;
  }
}

static void say(char message[message_size_max], const char* doing, int code) {
  char reason[64];
  if (strerror_r(code, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "%d", code);
  snprintf(message, message_size_max, "%s: %s", doing, reason);
}

// What errno says, for `doing`, a constant sentence.
static plk_status fail_errno(plk_error* err, const char* doing) {
  const int code = errno;
  char message[message_size_max];
  say(message, doing, code);
  plk_fail(err, status_of(code), message);
  if (err != NULL) err->sys_errno = code;
  return status_of(code);
}

static plk_status fail_memory(plk_error* err) {
  return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
}

// One file that cannot be read is no reason to give up the others.
static plk_status per_item(plk_error* err, plk_status status) {
  if (err != NULL) err->flags |= PLK_ERRF_PER_ITEM;
  return status;
}

// Takes `item`, which may be NULL; 0 without memory.
static int push(strings* to, char* item) {
  if (to->count == to->room) {
    const size_t room = to->room == 0 ? 64 : 2 * to->room;
    char** grown = realloc(to->items, room * sizeof *grown);
    if (grown == NULL) {
      free(item);
      return 0;
    }
    to->items = grown;
    to->room = room;
  }
  to->items[to->count++] = item;
  return 1;
}

static void clear(strings* all) {
  for (size_t i = 0; i < all->count; i++) free(all->items[i]);
  free(all->items);
}

static char* join(const char* directory, const char* name) {
  const size_t size = strlen(directory) + 1 + strlen(name) + 1;
  char* path = malloc(size);
  if (path != NULL) {
    snprintf(path, size, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name);
  }
  return path;
}

// --- The connector ----------------------------------------------------------------------------

// Absolute, without empty, "." and ".." parts; in place.
static void clean(char* path) {
  size_t to = 0;
  for (const char* from = path; *from != '\0';) {
    while (*from == '/') from++;
    const size_t size = strcspn(from, "/");
    if (size == 2 && from[0] == '.' && from[1] == '.') {
      while (to > 0 && path[--to] != '/') {
      }
    } else if (size > 0 && !(size == 1 && from[0] == '.')) {
      path[to] = '/';
      memmove(path + to + 1, from, size);
      to += size + 1;
    }
    from += size;
  }
  if (to == 0) path[to++] = '/';
  path[to] = '\0';
}

static plk_status source_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
  // "scheme:/path" or "scheme:///path".
  const char* path = args->location.ptr;
  uint64_t size = args->location.len;
  if (size > args->protocol.len && path[args->protocol.len] == ':') {
    path += args->protocol.len + 1;
    size -= args->protocol.len + 1;
  }
  if (size == 0 || path[0] != '/' || memchr(path, '\0', size) != NULL) {
    return plk_fail(err, PLK_E_CONFIG, "the location must be an absolute path");
  }
  plk_instance* source = calloc(1, sizeof *source);
  if (source == NULL) return fail_memory(err);
  source->root = strndup(path, size);
  source->hostname = strndup(args->hostname.len > 0 ? args->hostname.ptr : "", args->hostname.len);
  if (source->root == NULL || source->hostname == NULL) {
    free(source->root);
    free(source->hostname);
    free(source);
    return fail_memory(err);
  }
  clean(source->root);
  *out = source;
  return PLK_OK;
}

static void source_close(plk_instance* source, plk_call* call) {
  (void)call;
  free(source->root);
  free(source->hostname);
  free(source);
}

static plk_status source_location(plk_instance* source, plk_location* out, plk_error* err) {
  (void)err;
  out->flags = PLK_LOC_LOCALFS | PLK_LOC_NEEDACK;
  out->origin = (plk_str){source->hostname, strlen(source->hostname)};
  out->type = (plk_str)PLK_STR("my-template");
  out->root = (plk_bytes){(const uint8_t*)source->root, strlen(source->root)};
  return PLK_OK;
}

static plk_status source_ping(plk_instance* source, plk_call* call, plk_error* err) {
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  if (access(source->root, R_OK) != 0) return fail_errno(err, "cannot read the source");
  return PLK_OK;
}

// --- A scan -----------------------------------------------------------------------------------

static void forget_batch(plk_scan* scan) {
  for (uint32_t i = 0; i < scan->count; i++) {
    free(scan->owners[i].path);
    free(scan->owners[i].target);
  }
  scan->count = 0;
}

static plk_status scan_open(plk_instance* source, plk_call* call, const plk_scan_args* args,
                            plk_scan** out, plk_error* err) {
  const plk_status reachable = source_ping(source, call, err);
  if (reachable != PLK_OK) return reachable;
  plk_scan* scan = calloc(1, sizeof *scan);
  if (scan == NULL) return fail_memory(err);
  scan->source = source;
  scan->room = args->max_batch < batch_max ? args->max_batch : batch_max;
  *out = scan;
  return PLK_OK;
}

static void scan_close(plk_scan* scan, plk_call* call) {
  (void)call;
  forget_batch(scan);
  clear(&scan->waiting);
  clear(&scan->paths);
  if (scan->current != NULL) closedir(scan->current);
  free(scan->current_path);
  free(scan);
}

// The next record, with its path, which it takes; NULL without memory.
static plk_record* add_record(plk_scan* scan, char* path) {
  if (path == NULL || !push(&scan->paths, NULL)) {
    free(path);
    return NULL;
  }
  plk_record* record = &scan->records[scan->count];
  owned* owner = &scan->owners[scan->count++];
  memset(record, 0, sizeof *record);
  memset(owner, 0, sizeof *owner);
  owner->path = path;
  record->id = scan->paths.count;
  record->path = (plk_bytes){(const uint8_t*)path, strlen(path)};
  return record;
}

// Makes the last record the report that its path could not be read.
static void report(plk_scan* scan, const char* doing, int code) {
  plk_record* record = &scan->records[scan->count - 1];
  owned* owner = &scan->owners[scan->count - 1];
  say(owner->message, doing, code);
  record->type = PLK_R_ERROR;
  record->flags = 0;
  record->error_code = status_of(code);
  record->error_message = (plk_str){owner->message, strlen(owner->message)};
}

static plk_time time_of(struct timespec time) {
  return (plk_time){time.tv_sec, (uint32_t)time.tv_nsec, 0};
}

static plk_status add_link(plk_scan* scan, plk_error* err) {
  plk_record* record = &scan->records[scan->count - 1];
  owned* owner = &scan->owners[scan->count - 1];
  owner->target = malloc(target_size_max);
  if (owner->target == NULL) return fail_memory(err);
  const ssize_t size = readlink(owner->path, owner->target, target_size_max);
  if (size < 0) {
    report(scan, "cannot read the link", errno);
    return PLK_OK;
  }
  record->type = PLK_R_SYMLINK;
  record->target = (plk_bytes){(const uint8_t*)owner->target, (uint64_t)size};
  return PLK_OK;
}

// Takes `path`, which is NULL without memory.
static plk_status add_entry(plk_scan* scan, char* path, plk_error* err) {
  struct stat info;
  const int found = path == NULL ? 0 : lstat(path, &info);
  const int code = errno;
  if (found != 0 && code == ENOENT && strcmp(path, scan->source->root) != 0) {
    free(path);  // It went while the directory was read: that is no error.
    return PLK_OK;
  }
  plk_record* record = add_record(scan, path);
  if (record == NULL) return fail_memory(err);
  if (found != 0) {
    report(scan, "cannot look at it", code);
    return PLK_OK;
  }
  record->valid = PLK_V_MODE | PLK_V_MTIME | PLK_V_CTIME | PLK_V_UID | PLK_V_GID | PLK_V_DEV |
                  PLK_V_INO | PLK_V_NLINK;
  record->mode = info.st_mode & 07777u;
  record->mtime = time_of(info.st_mtim);
  record->ctime = time_of(info.st_ctim);
  record->uid = info.st_uid;
  record->gid = info.st_gid;
  record->dev = info.st_dev;
  record->ino = info.st_ino;
  record->nlink = info.st_nlink;
  switch (info.st_mode & S_IFMT) {
    case S_IFREG:
      record->type = PLK_R_FILE;
      record->flags = PLK_RF_HAS_DATA;
      record->valid |= PLK_V_SIZE;
      record->size = (uint64_t)info.st_size;
      scan->paths.items[record->id - 1] = strdup(path);
      return scan->paths.items[record->id - 1] == NULL ? fail_memory(err) : PLK_OK;
    case S_IFDIR:
      record->type = PLK_R_DIR;
      path = strdup(path);
      return path == NULL || !push(&scan->waiting, path) ? fail_memory(err) : PLK_OK;
    case S_IFLNK:
      return add_link(scan, err);
    case S_IFIFO:
      record->type = PLK_R_FIFO;
      return PLK_OK;
    case S_IFSOCK:
      record->type = PLK_R_SOCKET;
      return PLK_OK;
    default:
      record->type = S_ISCHR(info.st_mode) ? PLK_R_CHAR : PLK_R_BLOCK;
      record->valid |= PLK_V_RDEV;
      record->rdev = info.st_rdev;
      return PLK_OK;
  }
}

static plk_status report_directory(plk_scan* scan, int code, plk_error* err) {
  if (add_record(scan, strdup(scan->current_path)) == NULL) return fail_memory(err);
  report(scan, "cannot list the directory", code);
  return PLK_OK;
}

static plk_status enter_directory(plk_scan* scan, plk_error* err) {
  free(scan->current_path);
  scan->current_path = scan->waiting.items[--scan->waiting.count];
  scan->current = opendir(scan->current_path);
  return scan->current == NULL ? report_directory(scan, errno, err) : PLK_OK;
}

static plk_status read_entry(plk_scan* scan, plk_error* err) {
  errno = 0;  // The only way to tell an error from the end.
  const struct dirent* entry = readdir(scan->current);
  const int code = errno;
  if (entry == NULL) {
    closedir(scan->current);
    scan->current = NULL;
    return code != 0 ? report_directory(scan, code, err) : PLK_OK;
  }
  if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) return PLK_OK;
  return add_entry(scan, join(scan->current_path, entry->d_name), err);
}

static plk_status scan_next(plk_scan* scan, plk_call* call, plk_record_batch* batch,
                            plk_error* err) {
  forget_batch(scan);
  while (scan->count < scan->room) {
    plk_status status = PLK_OK;
    if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
    if (!scan->started) {
      scan->started = 1;
      status = add_entry(scan, strdup(scan->source->root), err);  // a directory, or a single file
    } else if (scan->current != NULL) {
      status = read_entry(scan, err);
    } else if (scan->waiting.count > 0) {
      status = enter_directory(scan, err);
    } else {
      break;
    }
    if (status != PLK_OK) return status;
  }
  if (scan->count == 0) return PLK_END;
  batch->record_stride = sizeof scan->records[0];
  batch->records = scan->records;
  batch->count = scan->count;
  return PLK_OK;
}

static plk_status scan_ack(plk_scan* scan, plk_call* call, const uint64_t* ids,
                           const plk_status* statuses, uint64_t count, plk_error* err) {
  (void)call, (void)statuses;
  for (uint64_t i = 0; i < count; i++) {
    if (ids[i] == 0 || ids[i] > scan->paths.count) {
      return plk_fail(err, PLK_E_INVALID_ARG, "no such record");
    }
    free(scan->paths.items[ids[i] - 1]);
    scan->paths.items[ids[i] - 1] = NULL;
  }
  return PLK_OK;
}

// --- Content ----------------------------------------------------------------------------------

static plk_status record_open(plk_scan* scan, plk_call* call, uint64_t id, uint64_t offset,
                              plk_reader** out, plk_error* err) {
  (void)call;
  const char* path = id == 0 || id > scan->paths.count ? NULL : scan->paths.items[id - 1];
  if (path == NULL) return plk_fail(err, PLK_E_INVALID_ARG, "no such record");
  plk_reader* reader = calloc(1, sizeof *reader);
  if (reader == NULL) return fail_memory(err);
  reader->file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (reader->file < 0 || lseek(reader->file, (off_t)offset, SEEK_SET) < 0) {
    const plk_status status = fail_errno(err, "cannot open the file");
    if (reader->file >= 0) close(reader->file);
    free(reader);
    return per_item(err, status);
  }
  *out = reader;
  return PLK_OK;
}

static plk_status reader_read(plk_reader* reader, plk_call* call, void* buf, uint64_t cap,
                              uint64_t* got, plk_error* err) {
  if (host->call_cancelled(call)) return plk_fail(err, PLK_E_CANCELLED, "cancelled");
  for (;;) {
    const ssize_t size = read(reader->file, buf, cap);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return per_item(err, fail_errno(err, "cannot read the file"));
    *got = (uint64_t)size;
    return size == 0 ? PLK_END : PLK_OK;
  }
}

static void reader_close(plk_reader* reader, plk_call* call) {
  (void)call;
  close(reader->file);
  free(reader);
}

// --- Tables -----------------------------------------------------------------------------------

static const plk_reader_ops reader_ops = {
    .struct_size = sizeof reader_ops,
    .read = reader_read,
    .close = reader_close,
};

static const plk_importer_ops source_ops = {
    .struct_size = sizeof source_ops,
    .scan_open = scan_open,
    .scan_next = scan_next,
    .record_open = record_open,
    .scan_ack = scan_ack,
    .scan_close = scan_close,
    .reader = &reader_ops,
};

// Listed in module.c. The capabilities are also in manifest.yaml.
extern const plk_connector importer_connector;
const plk_connector importer_connector = {
    .struct_size = sizeof importer_connector,
    .kind = PLK_KIND_IMPORTER,
    .id = "my-template-importer",
    .caps = PLK_CAP_RANGE,
    .config_schema_version = 1,
    .open = source_open,
    .location = source_location,
    .ping = source_ping,
    .close = source_close,
    .ops = &source_ops,
};
