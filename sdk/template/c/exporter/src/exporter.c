// A destination in a directory of this machine: directories, files and symbolic links. The rest is
// refused, each as an error of its own.
//
// Content goes into a temporary file beside its name and gets the name at the end; directories get
// their mode and time when everything is in them. Nothing here follows a symbolic link that lies in
// the destination.
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <plakar/connector.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const plk_host_api* host;  // in module.c

enum {
  path_size_max = 4096,
  message_size_max = 128,
  failures_max = 64,        // in one answer
  piece_max = 1024 * 1024,  // bytes between two looks at whether the call was cancelled
};

struct plk_instance {
  char* root;
};

// What is to be set when the content is there.
typedef struct metadata {
  uint64_t wanted;  // PLK_V_MODE, PLK_V_MTIME, PLK_V_UID, PLK_V_GID
  mode_t mode;
  uid_t uid;
  gid_t gid;
  struct timespec time;
} metadata;

typedef struct made_directory {
  struct made_directory* before;
  metadata wanted;
  char path[];
} made_directory;

typedef struct failure {
  char* path;
  char message[message_size_max];
} failure;

struct plk_export {
  const char* root;
  uint32_t flags;
  uint32_t existing;
  made_directory* directories;  // the last one first
  uint64_t count;
  plk_record records[failures_max];
  failure failures[failures_max];
};

struct plk_writer {
  int file;
  int replaces;
  int broken;
  uint64_t size;
  metadata wanted;
  char path[path_size_max];
  char temporary[path_size_max];
};

// --- Errors -----------------------------------------------------------------------------------

static plk_status status_of(int code) {
  switch (code) {
    case ENOENT:
      return PLK_E_NOT_FOUND;
    case EEXIST:
    case EISDIR:
    case ENOTDIR:
      return PLK_E_EXISTS;
    case EACCES:
    case EPERM:
      return PLK_E_PERMISSION;
    case ENOSPC:
    case EDQUOT:
      return PLK_E_NO_SPACE;
    case EROFS:
      return PLK_E_READ_ONLY;
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

// Of one record only: the restore goes on.
static plk_status fail_item(plk_error* err, plk_status status, const char* message) {
  plk_fail(err, status, message);
  if (err != NULL) err->flags |= PLK_ERRF_PER_ITEM;
  return status;
}

// What errno says, for `doing`, a constant sentence.
static plk_status fail_errno(plk_error* err, const char* doing) {
  const int code = errno;
  char message[message_size_max];
  say(message, doing, code);
  fail_item(err, status_of(code), message);
  if (err != NULL) err->sys_errno = code;
  return status_of(code);
}

static plk_status fail_cancelled(plk_error* err) {
  return plk_fail(err, PLK_E_CANCELLED, "cancelled");
}

// --- Metadata, names --------------------------------------------------------------------------

static metadata metadata_of(const plk_record* record, uint32_t flags) {
  metadata made;
  memset(&made, 0, sizeof made);
  made.wanted = record->valid & (PLK_V_MODE | PLK_V_MTIME | PLK_V_UID | PLK_V_GID);
  if (flags & PLK_EXPORT_NO_MODE) made.wanted &= ~(uint64_t)PLK_V_MODE;
  if (flags & PLK_EXPORT_NO_TIMES) made.wanted &= ~(uint64_t)PLK_V_MTIME;
  if ((flags & PLK_EXPORT_NO_OWNER) || geteuid() != 0) {
    made.wanted &= ~(uint64_t)(PLK_V_UID | PLK_V_GID);
  }
  made.mode = (mode_t)(record->mode & 07777u);
  made.uid = (made.wanted & PLK_V_UID) ? (uid_t)record->uid : (uid_t)-1;
  made.gid = (made.wanted & PLK_V_GID) ? (gid_t)record->gid : (gid_t)-1;
  made.time.tv_sec = (time_t)record->mtime.seconds;
  made.time.tv_nsec = (long)record->mtime.nanoseconds;
  return made;
}

// NULL, or what could not be done, with errno.
static const char* apply(const metadata* what, const char* path, int is_link) {
  const struct timespec times[2] = {what->time, what->time};
  if ((what->wanted & (PLK_V_UID | PLK_V_GID)) && lchown(path, what->uid, what->gid) != 0) {
    return "cannot set the owner";
  }
  // After the owner, whose change takes set-user-id bits away.
  if ((what->wanted & PLK_V_MODE) && !is_link && chmod(path, what->mode) != 0) {
    return "cannot set the mode";
  }
  if ((what->wanted & PLK_V_MTIME) && utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) != 0) {
    return "cannot set the time";
  }
  return NULL;
}

// A name beside `path` that nobody else uses.
static plk_status name_beside(const char* path, char name[path_size_max], plk_error* err) {
  static atomic_ulong counter;  // of all instances, which may be called at the same time
  const int parent = (int)(strrchr(path, '/') - path);
  const int size = snprintf(name, path_size_max, "%.*s/.plakar-%ld-%lu", parent, path,
                            (long)getpid(), atomic_fetch_add(&counter, 1));
  if (size < 0 || size >= path_size_max) {
    return fail_item(err, PLK_E_UNSUPPORTED, "a path that is too long");
  }
  return PLK_OK;
}

// Where a record goes. The engine gives clean paths; what is not clean must not leave the root.
static plk_status place(const plk_export* restore, plk_bytes name, char path[path_size_max],
                        plk_error* err) {
  size_t size = strcmp(restore->root, "/") == 0 ? 0 : strlen(restore->root);
  if (name.len == 0 || name.ptr[0] != '/' || memchr(name.ptr, '\0', name.len) != NULL) {
    return fail_item(err, PLK_E_UNSUPPORTED, "a path that does not begin with a slash");
  }
  if (name.len >= path_size_max - size) {
    return fail_item(err, PLK_E_UNSUPPORTED, "a path that is too long");
  }
  memcpy(path, restore->root, size);
  if (name.len == 1) {
    memcpy(path, restore->root, strlen(restore->root) + 1);
    return PLK_OK;
  }
  for (uint64_t at = 0; at < name.len;) {
    const uint8_t* part = name.ptr + at + 1;
    const uint64_t left = name.len - at - 1;
    const uint8_t* slash = left == 0 ? NULL : memchr(part, '/', left);
    const uint64_t length = slash == NULL ? left : (uint64_t)(slash - part);
    struct stat info;
    if (length == 0 || (length == 1 && part[0] == '.') ||
        (length == 2 && part[0] == '.' && part[1] == '.')) {
      return fail_item(err, PLK_E_UNSUPPORTED, "a path with an empty or dotted part");
    }
    path[size++] = '/';
    memcpy(path + size, part, length);
    size += length;
    path[size] = '\0';
    at += length + 1;
    if (slash == NULL) break;
    if (lstat(path, &info) != 0) return fail_errno(err, "cannot find a parent");
    if (!S_ISDIR(info.st_mode)) {
      return fail_item(err, PLK_E_EXISTS, "a parent that is not a directory");
    }
  }
  return PLK_OK;
}

// Whether the record is to be made: PLK_OK, or PLK_END if not; or what is in its way.
static plk_status is_wanted(const plk_export* restore, const plk_record* record, const char* path,
                            plk_error* err) {
  const uint64_t needed = PLK_V_SIZE | PLK_V_MTIME | PLK_V_MODE;
  struct stat info;
  if (lstat(path, &info) != 0) {
    return errno == ENOENT ? PLK_OK : fail_errno(err, "cannot look at it");
  }
  if (S_ISDIR(info.st_mode)) return fail_item(err, PLK_E_EXISTS, "a directory is in the way");
  switch (restore->existing) {
    case PLK_EXISTING_SKIP:
      return PLK_END;
    case PLK_EXISTING_REPLACE:
      return PLK_OK;
    case PLK_EXISTING_RESUME:
      return record->type == PLK_R_FILE && S_ISREG(info.st_mode) &&
                     (record->valid & needed) == needed && (uint64_t)info.st_size == record->size &&
                     info.st_mtim.tv_sec == record->mtime.seconds &&
                     info.st_mtim.tv_nsec == (long)record->mtime.nanoseconds &&
                     (info.st_mode & 07777u) == record->mode
                 ? PLK_END
                 : PLK_OK;
    default:
      return fail_item(err, PLK_E_EXISTS, "there is such a file already");
  }
}

// --- The connector ----------------------------------------------------------------------------

static plk_status destination_open(const plk_open_args* args, plk_instance** out, plk_error* err) {
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
  if (size == 0 || size >= path_size_max || path[0] != '/' || memchr(path, '\0', size) != NULL) {
    return plk_fail(err, PLK_E_CONFIG, "the location must be an absolute path");
  }
  plk_instance* destination = calloc(1, sizeof *destination);
  if (destination != NULL) destination->root = strndup(path, size);
  if (destination == NULL || destination->root == NULL) {
    free(destination);
    return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  }
  *out = destination;
  return PLK_OK;
}

static void destination_close(plk_instance* destination, plk_call* call) {
  (void)call;
  free(destination->root);
  free(destination);
}

static plk_status destination_location(plk_instance* destination, plk_location* out,
                                       plk_error* err) {
  (void)err;
  out->flags = PLK_LOC_LOCALFS;
  out->origin = (plk_str)PLK_STR("localhost");
  out->type = (plk_str)PLK_STR("my-template");
  out->root = (plk_bytes){(const uint8_t*)destination->root, strlen(destination->root)};
  return PLK_OK;
}

static plk_status destination_ping(plk_instance* destination, plk_call* call, plk_error* err) {
  struct stat info;
  if (host->call_cancelled(call)) return fail_cancelled(err);
  if (stat(destination->root, &info) != 0) {
    // It is made when a restore begins.
    return errno == ENOENT ? PLK_OK : fail_errno(err, "cannot look at the destination");
  }
  if (!S_ISDIR(info.st_mode)) {
    return plk_fail(err, PLK_E_CONFIG, "the location is not a directory");
  }
  return PLK_OK;
}

// With what is missing above it; private until its record, if there is one, says more.
static int make_root(const char* root) {
  char path[path_size_max];
  for (size_t i = 1; i <= strlen(root); i++) {
    if (root[i] != '/' && root[i] != '\0') continue;
    memcpy(path, root, i);
    path[i] = '\0';
    if (mkdir(path, 0700) != 0 && errno != EEXIST) return -1;
  }
  return 0;
}

// --- A restore --------------------------------------------------------------------------------

static plk_status export_open(plk_instance* destination, plk_call* call,
                              const plk_export_args* args, plk_export** out, plk_error* err) {
  if (host->call_cancelled(call)) return fail_cancelled(err);
  if (args->existing > PLK_EXISTING_RESUME) {
    return plk_fail(err, PLK_E_UNSUPPORTED, "not known here: what to do about existing files");
  }
  if (make_root(destination->root) != 0) {
    const plk_status status = fail_errno(err, "cannot make the directory of the destination");
    if (err != NULL) err->flags = 0;  // about all of the restore
    return status;
  }
  plk_export* restore = calloc(1, sizeof *restore);
  if (restore == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  restore->root = destination->root;
  restore->flags = args->flags;
  restore->existing = args->existing;
  *out = restore;
  return PLK_OK;
}

static plk_status put_directory(plk_export* restore, const char* path, const metadata* wanted,
                                plk_error* err) {
  struct stat info;
  made_directory* made = NULL;
  // Open for us until export_finish() sets the real mode.
  if (mkdir(path, 0700) != 0) {
    if (errno != EEXIST || lstat(path, &info) != 0) {
      return fail_errno(err, "cannot make the directory");
    }
    if (!S_ISDIR(info.st_mode)) {
      return fail_item(err, PLK_E_EXISTS, "something else is where a directory is to be");
    }
  }
  made = malloc(sizeof *made + strlen(path) + 1);
  if (made == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  made->before = restore->directories;
  made->wanted = *wanted;
  memcpy(made->path, path, strlen(path) + 1);
  restore->directories = made;
  return PLK_OK;
}

static plk_status put_link(const plk_record* record, const char* path, const metadata* wanted,
                           plk_error* err) {
  char temporary[path_size_max];
  char target[path_size_max];
  const char* wrong = NULL;
  plk_status status = name_beside(path, temporary, err);
  if (status != PLK_OK) return status;
  if (record->target.len == 0 || record->target.len >= path_size_max) {
    return fail_item(err, PLK_E_UNSUPPORTED, "the target of the link is too long, or empty");
  }
  memcpy(target, record->target.ptr, record->target.len);
  target[record->target.len] = '\0';
  if (symlink(target, temporary) != 0) return fail_errno(err, "cannot make the link");
  wrong = apply(wanted, temporary, 1);
  if (wrong == NULL && rename(temporary, path) != 0) wrong = "cannot give the link its name";
  if (wrong == NULL) return PLK_OK;
  status = fail_errno(err, wrong);
  unlink(temporary);
  return status;
}

static plk_status start_file(const plk_export* restore, const char* path, const metadata* wanted,
                             plk_writer** out, plk_error* err) {
  plk_writer* writer = calloc(1, sizeof *writer);
  if (writer == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  plk_status status = name_beside(path, writer->temporary, err);
  if (status == PLK_OK) {
    writer->file =
        open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->file < 0) status = fail_errno(err, "cannot make a file");
  }
  if (status != PLK_OK) {
    free(writer);
    return status;
  }
  writer->replaces =
      restore->existing == PLK_EXISTING_REPLACE || restore->existing == PLK_EXISTING_RESUME;
  writer->wanted = *wanted;
  memcpy(writer->path, path, strlen(path) + 1);
  *out = writer;
  return PLK_OK;
}

static plk_status put(plk_export* restore, plk_call* call, const plk_record* record,
                      uint32_t record_size, plk_writer** out, plk_error* err) {
  char path[path_size_max];
  if (host->call_cancelled(call)) return fail_cancelled(err);
  if (!PLK_REACHES(plk_record, record_size, error_message)) {
    return plk_fail(err, PLK_E_ABI, "a record that is too short");
  }
  plk_status status = place(restore, record->path, path, err);
  if (status != PLK_OK) return status;
  const metadata wanted = metadata_of(record, restore->flags);
  plk_writer* writer = NULL;
  if (record->type == PLK_R_DIR) {
    status = put_directory(restore, path, &wanted, err);
  } else if (record->type == PLK_R_FILE || record->type == PLK_R_SYMLINK) {
    status = is_wanted(restore, record, path, err);
    if (status == PLK_OK) {
      status = record->type == PLK_R_FILE ? start_file(restore, path, &wanted, &writer, err)
                                          : put_link(record, path, &wanted, err);
    }
  } else {
    return fail_item(err, PLK_E_UNSUPPORTED, "only files, directories and symbolic links go here");
  }
  if (status < 0) return status;
  *out = writer;  // NULL for what is skipped
  return PLK_OK;
}

static void forget_failures(plk_export* restore) {
  for (uint64_t i = 0; i < restore->count; i++) free(restore->failures[i].path);
  restore->count = 0;
}

// A directory whose metadata could not be set, as a record.
static plk_status report(plk_export* restore, const char* path, const char* wrong, plk_error* err) {
  const int code = errno;
  plk_record* record = &restore->records[restore->count];
  failure* failed = &restore->failures[restore->count];
  const char* below = path + (strcmp(restore->root, "/") == 0 ? 0 : strlen(restore->root));
  failed->path = strdup(*below == '\0' ? "/" : below);
  if (failed->path == NULL) return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  restore->count++;
  say(failed->message, wrong, code);
  memset(record, 0, sizeof *record);
  record->type = PLK_R_ERROR;
  record->path = (plk_bytes){(const uint8_t*)failed->path, strlen(failed->path)};
  record->error_code = status_of(code);
  record->error_message = (plk_str){failed->message, strlen(failed->message)};
  return PLK_OK;
}

static plk_status export_finish(plk_export* restore, plk_call* call, plk_record_batch* batch,
                                plk_error* err) {
  plk_status status = PLK_OK;
  forget_failures(restore);
  // Children come after their parents: backwards, a directory's time is set last.
  while (restore->directories != NULL && restore->count < failures_max && status == PLK_OK) {
    made_directory* last = restore->directories;
    if (host->call_cancelled(call)) return fail_cancelled(err);
    const char* wrong = apply(&last->wanted, last->path, 0);
    if (wrong != NULL) status = report(restore, last->path, wrong, err);
    restore->directories = last->before;
    free(last);
  }
  if (status != PLK_OK) return status;
  if (restore->count == 0) return PLK_END;
  batch->record_stride = sizeof restore->records[0];
  batch->records = restore->records;
  batch->count = restore->count;
  return PLK_OK;
}

static void export_close(plk_export* restore, plk_call* call) {
  (void)call;
  forget_failures(restore);
  while (restore->directories != NULL) {
    made_directory* last = restore->directories;
    restore->directories = last->before;
    free(last);
  }
  free(restore);
}

// --- Content ----------------------------------------------------------------------------------

static plk_status writer_write(plk_writer* writer, plk_call* call, const void* data, uint64_t size,
                               plk_error* err) {
  const char* from = data;
  if (writer->broken) return fail_item(err, PLK_E_IO, "an earlier write failed");
  writer->broken = 1;
  while (size > 0) {
    if (host->call_cancelled(call)) return fail_cancelled(err);
    const ssize_t done = write(writer->file, from, size < piece_max ? size : piece_max);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return fail_errno(err, "cannot write the file");
    from += done;
    size -= (uint64_t)done;
    writer->size += (uint64_t)done;
  }
  writer->broken = 0;
  return PLK_OK;
}

static void writer_abort(plk_writer* writer, plk_call* call) {
  (void)call;
  close(writer->file);
  if (writer->temporary[0] != '\0') unlink(writer->temporary);
  free(writer);
}

static plk_status writer_commit(plk_writer* writer, plk_call* call, uint64_t* bytes,
                                plk_error* err) {
  plk_status status = PLK_OK;
  if (host->call_cancelled(call)) {
    status = fail_cancelled(err);
  } else if (writer->broken) {
    status = fail_item(err, PLK_E_IO, "an earlier write failed");
  } else {
    const char* wrong = apply(&writer->wanted, writer->temporary, 0);
    if (wrong == NULL) {
      // link() fails when somebody was quicker; rename() would not.
      const int named = writer->replaces ? rename(writer->temporary, writer->path)
                                         : link(writer->temporary, writer->path);
      if (named != 0) wrong = "cannot give the file its name";
    }
    if (wrong != NULL) status = fail_errno(err, wrong);
  }
  if (status == PLK_OK) {
    *bytes = writer->size;
    if (writer->replaces) writer->temporary[0] = '\0';
  }
  writer_abort(writer, call);
  return status;
}

// --- Tables -----------------------------------------------------------------------------------

static const plk_writer_ops writer_ops = {
    .struct_size = sizeof writer_ops,
    .write = writer_write,
    .commit = writer_commit,
    .abort = writer_abort,
};

static const plk_exporter_ops destination_ops = {
    .struct_size = sizeof destination_ops,
    .export_open = export_open,
    .put = put,
    .export_finish = export_finish,
    .export_close = export_close,
    .writer = &writer_ops,
};

// Listed in module.c. The capabilities are also in manifest.yaml.
extern const plk_connector exporter_connector;
const plk_connector exporter_connector = {
    .struct_size = sizeof exporter_connector,
    .kind = PLK_KIND_EXPORTER,
    .id = "my-template-exporter",
    .caps = 0,
    .config_schema_version = 1,
    .open = destination_open,
    .location = destination_location,
    .ping = destination_ping,
    .close = destination_close,
    .ops = &destination_ops,
};
