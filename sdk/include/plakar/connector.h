// The C ABI between Plakar and a connector: version 1.0. C99, no dependencies, nothing to link.
//
// A connector gives Plakar access to one kind of data: a store (where backups are kept), an
// importer (what is backed up), an exporter (where a restore writes), a provider of secrets, an
// inventory. A module is one shared library with any number of connectors. It exports one function,
// plk_entry_v1, which returns static tables of functions; the host gives a table of its own, and
// neither side links against the other. The same file runs inside Plakar or in a worker process.
//
// A module's life
//
//   dlopen; plk_entry_v1(args, &plugin)                     once
//     connector->open(args, &instance)                      for each configuration
//       functions of the connector's kind; handles opened from the instance
//     connector->close(instance)                            after the instance's handles
//   plugin->shutdown()                                      once; nothing of the module runs after
//   it
//
// Threads: the tag in brackets before each function
//
//   [load]           Once per module, while no other code of the module runs.
//   [instance]       One call at a time on the instance and on what was opened from it; with
//                    PLK_CAP_CONCURRENT, at the same time as other calls on them.
//   [serial: NAME]   Never two calls at once on one such handle, nor two functions that would free
//   it. [serial: NAME, overlaps]  As above; but with PLK_CAP_CONCURRENT may run at the same time as
//   the
//                    other functions with this tag on the same handle, and as itself.
//   [any]            At any time while the handle exists, next to whatever else runs. Returns at
//   once. [pure]           No I/O, no globals; the same arguments give the same result. [host: any]
//   A function of the host: from any thread of the module. Returns soon, and never
//                    calls into the module.
//   [host: blocks]   A function of the host: from any thread of the module, and may wait.
//
//   A handle that is not concurrent is not tied to a thread either: the next call may come on
//   another one. Keep nothing in thread-local variables but caches. Without PLK_CAP_CONCURRENT a
//   [serial] function is also never called while another call on the same instance runs.
//
// Pointers: how long each one lives
//
//   Whatever is passed to a function (strings, structs, buffers, and what those point to) lives
//   until that function returns, and belongs to the caller; who is called copies what it keeps.
//   Where something lives longer or shorter, it says so with the word "lives". Nothing that one
//   side has allocated is ever freed by the other. An output is written only when the function
//   succeeds.
//
// Results
//
//   PLK_OK, PLK_END where a function says so, or PLK_E_*, with details in the plk_error that the
//   last parameter points to, if that is not NULL. A negative value that the host does not know is
//   PLK_E_UNKNOWN. Do not retry, beyond reconnecting once: whether and when is the host's decision,
//   taken after the error's flags.
//
// Cancelling
//
//   Each call has a plk_call. Test call_cancelled() at least every 100 ms of work or 1 MiB of data;
//   poll call_cancel_fd() next to a socket; keep to call_remaining_ms(). A cancelled call returns
//   PLK_E_CANCELLED within one second, and the instance stays usable. Functions that free a handle
//   get a call of their own: not cancelled, with ten seconds.
//
// Versions
//
//   A struct with `struct_size` may grow at its end in a later 1.x, and in no other way. Who fills
//   one sets it to zero, then sets `struct_size` to sizeof. Who reads one asks PLK_HAS() for a
//   member that 1.0 did not have; who writes into one of the caller's never writes behind its
//   `struct_size`. Arrays of structs that may grow carry a stride: use PLK_AT(), not []. Unknown
//   flags and bits are ignored when read, and never set. Reserved members are zero. What needs more
//   than members is an extension, by name: "plakar.NAME/REVISION", or
//   "REVERSE.DOMAIN.NAME/REVISION" of others.
//
// Manners: a module does not change what belongs to the process: signal handlers, locale, umask,
// working directory, environment, limits; no atexit(), no fork() (see PLK_EXT_PROCESS), nothing on
// stdout and stderr. Descriptors are O_CLOEXEC. Threads need PLK_CAP_OWN_THREADS, block all
// signals, and are joined in close() or shutdown().
#ifndef PLAKAR_CONNECTOR_H
#define PLAKAR_CONNECTOR_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX != 0xFFFFFFFFFFFFFFFFu
#error "the connector ABI is defined for 64-bit machines"
#endif

#define PLK_ABI_MAJOR 1u
#define PLK_ABI_MINOR 0u

// A module that is to load in older hosts defines this, as 0, 1, ..., before it includes the
// header: what came later is then not declared. See PLK_NOTE for telling the host.
#ifndef PLK_TARGET_MINOR
#define PLK_TARGET_MINOR PLK_ABI_MINOR
#endif
#if PLK_TARGET_MINOR > 0
#error "PLK_TARGET_MINOR is newer than this header"
#endif

#if defined(_WIN32)
#define PLK_CALL __cdecl
#define PLK_EXPORT __declspec(dllexport)
#else
#define PLK_CALL
#define PLK_EXPORT __attribute__((visibility("default")))
#endif

// Whether a struct of `size` bytes reaches as far as member `m` of type T.
#define PLK_REACHES(T, size, m) ((size) >= offsetof(T, m) + sizeof(((const T*)0)->m))
// The same for what `p` points to, a struct with a `struct_size`.
#define PLK_HAS(T, p, m) PLK_REACHES(T, (p)->struct_size, m)
// Element `i` of an array of T with a stride: `const T*`.
#define PLK_AT(T, base, stride, i) \
  ((const T*)(const void*)((const char*)(base) + (size_t)(stride) * (size_t)(i)))

#ifdef __cplusplus
extern "C" {
#endif

// --- Values -----------------------------------------------------------------------------------

// The three types of this section never grow.

// Text: UTF-8, not terminated. `ptr` lives as long as what holds the plk_str, and may be NULL where
// `len` is 0.
typedef struct plk_str {
  const char* ptr;
  uint64_t len;
} plk_str;

// Octets: contents, and everything that names a file; those need not be UTF-8. `ptr` lives as long
// as what holds the plk_bytes, and may be NULL where `len` is 0.
typedef struct plk_bytes {
  const uint8_t* ptr;
  uint64_t len;
} plk_bytes;

// Seconds since 1970-01-01 UTC, and 0 to 999999999 nanoseconds after these.
typedef struct plk_time {
  int64_t seconds;
  uint32_t nanoseconds;
  uint32_t reserved0;
} plk_time;

// A plk_str of a string literal, as an initialiser: plk_str s = PLK_STR("text").
#define PLK_STR(literal) {(literal), sizeof(literal) - 1}

// --- Handles ----------------------------------------------------------------------------------

// Of the host.
typedef struct plk_ctx plk_ctx;    // a module, or an instance: lives until shutdown() or close()
typedef struct plk_call plk_call;  // one operation: lives until the call it was passed to returns
typedef struct plk_sink plk_sink;  // where to append bytes: lives until that call returns
typedef struct plk_task plk_task;  // a function that runs on a thread of the host; see run()
typedef struct plk_process plk_process;  // a child process; see plk_process_ops

// Of the module. Each lives from the function that gave it to the one that says that it frees it;
// that one is called exactly once, whatever happened before, and before the parent is freed.
typedef struct plk_instance plk_instance;  // a connector with its configuration
typedef struct plk_scan plk_scan;          // one walk of an importer
typedef struct plk_reader plk_reader;      // content, front to back
typedef struct plk_export plk_export;      // one restore
typedef struct plk_writer plk_writer;      // content of one exported record
typedef struct plk_upload plk_upload;      // an object of a store under way
typedef struct plk_lister plk_lister;      // a listing under way

// --- Results ----------------------------------------------------------------------------------

// 0 is success, above is a signal, below is an error.
typedef int32_t plk_status;

enum {
  PLK_OK = 0,
  PLK_END = 1,                 // nothing more: no error
  PLK_E_UNKNOWN = -1,          // none of the others; also any value that is not listed here
  PLK_E_INVALID_ARG = -2,      // the caller's mistake
  PLK_E_CONFIG = -3,           // the configuration cannot work; the message says which key
  PLK_E_NOT_FOUND = -4,        // no such object, file, store
  PLK_E_EXISTS = -5,           // something is there already
  PLK_E_PERMISSION = -6,       // known, but not allowed
  PLK_E_UNAUTHENTICATED = -7,  // credentials missing, wrong or expired
  PLK_E_UNSUPPORTED = -8,      // this connector cannot do it, or cannot hold this
  PLK_E_CANCELLED = -9,        // the call was cancelled
  PLK_E_TIMEOUT = -10,         // the other side did not answer in time
  PLK_E_IO = -11,              // disk or network failed
  PLK_E_THROTTLED = -12,       // the other side asks for fewer requests; see retry_after_ms
  PLK_E_NO_SPACE = -13,        // disk or quota is full
  PLK_E_CORRUPT = -14,         // data is there and wrong
  PLK_E_CONFLICT = -15,        // somebody else changed it meanwhile
  PLK_E_READ_ONLY = -16,       // this place takes no writes
  PLK_E_BUSY = -17,            // in use; may work later
  PLK_E_NO_MEMORY = -18,       // an allocation failed
  PLK_E_ABI = -19,             // the two sides do not fit
  PLK_E_INTERNAL = -20,        // a bug of who returns it
  PLK_E_CRASHED = -21,         // made by the host: the worker process ended during the call
  PLK_E_SHUTDOWN = -22,        // the host is stopping
  PLK_E_CHANGED = -23,         // the content changed while it was read
  PLK_E_PARTIAL = -24          // done in part, and the rest cannot be done
};

enum {
  PLK_ERRF_RETRYABLE = 1u << 0,     // the same call may succeed later
  PLK_ERRF_AUTH_EXPIRED = 1u << 1,  // may succeed with fresh secrets: the host reopens the instance
  PLK_ERRF_PER_ITEM = 1u << 2       // about this record or object only: the job goes on
};

// Details of an error: the caller's, filled by who fails. See plk_fail().
typedef struct plk_error {
  uint32_t struct_size;
  plk_status code;          // what the function returns
  uint32_t flags;           // PLK_ERRF_*
  int32_t sys_errno;        // errno where it tells more, else 0
  uint64_t retry_after_ms;  // how long the other side asks to wait, else 0
  // One sentence for a person: no newline, no secrets. Buffer of the caller, which lives until the
  // call returns; at most `message_cap` bytes are written, never a part of a UTF-8 sequence, no
  // NUL.
  char* message;
  uint32_t message_cap;
  uint32_t message_len;  // set to the whole length, even where that is more than `message_cap`
  char vendor[48];       // the other side's own code, NUL-padded: "SlowDown", "28P01"
} plk_error;

// --- What the host offers ---------------------------------------------------------------------

enum { PLK_LOG_TRACE, PLK_LOG_DEBUG, PLK_LOG_INFO, PLK_LOG_WARN, PLK_LOG_ERROR };

typedef struct plk_log_record {
  uint32_t struct_size;
  int32_t level;      // PLK_LOG_*
  plk_str target;     // part of the module, lives until log() returns; may be empty
  plk_str message;    // constant text without secrets, lives until log() returns
  const plk_str* kv;  // the data: key, value, key, value; lives until log() returns
  uint64_t kv_count;  // of plk_str: even
} plk_log_record;

typedef struct plk_progress {
  uint32_t struct_size;
  uint32_t flags;  // none yet
  uint64_t items_done;
  uint64_t items_total;  // 0: not known
  uint64_t bytes_done;
  uint64_t bytes_total;  // 0: not known
  plk_str phase;         // for people: "taking a snapshot"; lives until progress() returns
} plk_progress;

enum { PLK_METRIC_COUNTER = 1, PLK_METRIC_GAUGE = 2, PLK_METRIC_HISTOGRAM = 3 };

// The host's functions. The table lives until shutdown() returns; every function is there.
typedef struct plk_host_api {
  uint32_t struct_size;
  uint32_t abi_minor;

  // [host: any] Whether log() would do anything: 0 or 1. Ask before building a costly message.
  int32_t(PLK_CALL* log_enabled)(plk_ctx* ctx, int32_t level);
  // [host: any]
  void(PLK_CALL* log)(plk_ctx* ctx, const plk_log_record* record);

  // [host: any] Gives a number for a metric; the same name gives the same number.
  plk_status(PLK_CALL* metric_define)(plk_ctx* ctx, uint32_t kind, plk_str name, plk_str unit,
                                      uint32_t* id);
  // [host: any]
  void(PLK_CALL* metric_record)(plk_ctx* ctx, uint32_t id, double value);

  // [host: any]
  void(PLK_CALL* progress)(plk_call* call, const plk_progress* progress);

  // [host: any] 0 or 1. Waits for nothing: cheap enough for inner loops.
  int32_t(PLK_CALL* call_cancelled)(plk_call* call);
  // [host: any] Becomes readable when the call is cancelled: for poll() only. The host's, lives as
  // long as the call; -1 if there is none.
  int32_t(PLK_CALL* call_cancel_fd)(plk_call* call);
  // [host: any] Until the deadline, 0 behind it; -1 if there is none.
  int64_t(PLK_CALL* call_remaining_ms)(plk_call* call);

  // [host: any] Appends; what a sink takes in all is limited: PLK_E_NO_SPACE.
  plk_status(PLK_CALL* sink_write)(plk_sink* sink, const void* data, uint64_t size);

  // [host: blocks] Resolves the secret of this configuration key again, for credentials that are
  // replaced while an instance is open. Writes up to `cap` bytes of the new value to `value`, which
  // the module wipes when it is done, and all its length to `*size`; PLK_E_INVALID_ARG with `*size`
  // set when it does not fit. PLK_E_NOT_FOUND: this key holds no reference to a secret.
  plk_status(PLK_CALL* secret_refresh)(plk_ctx* ctx, plk_call* call, plk_str key, void* value,
                                       uint64_t cap, uint64_t* size, plk_error* err);

  // [host: any] Runs `function(argument)` on a thread of the module's own pool, where it counts as
  // one of the instance's concurrent calls. `ctx` is that of an instance. `argument` must live
  // until the function has returned. `*task` lives until join(), which must be called once, at the
  // latest in close(). PLK_E_BUSY when there is no thread left.
  plk_status(PLK_CALL* run)(plk_ctx* ctx, void(PLK_CALL* function)(void* argument), void* argument,
                            plk_task** task);
  // [host: blocks] Waits for the function to return, and frees the task. Not from within the task.
  void(PLK_CALL* join)(plk_ctx* ctx, plk_task* task);

  // [host: any] A table of more functions, PLK_EXT_*, or NULL if this host has none of that name.
  // `id` is NUL-terminated. The table lives as long as this one.
  const void*(PLK_CALL* extension)(plk_ctx* ctx, const char* id);
} plk_host_api;

// --- Configuration ----------------------------------------------------------------------------

enum { PLK_T_STRING = 1, PLK_T_INT = 2, PLK_T_BOOL = 3, PLK_T_DOUBLE = 4, PLK_T_JSON = 5 };
enum {
  PLK_CFG_SECRET = 1u << 0,    // keep it out of everything; wipe copies in close()
  PLK_CFG_DEFAULTED = 1u << 1  // not set by the user
};

// One key of the configuration, found valid by the schema of the package. An element of an array
// with a stride.
typedef struct plk_cfg_entry {
  plk_str key;     // lives as long as the plk_config
  plk_str value;   // canonical text, whatever the type; lives as long as the plk_config
  uint32_t type;   // PLK_T_*
  uint32_t flags;  // PLK_CFG_*
  int64_t i;       // of PLK_T_INT; 0 or 1 of PLK_T_BOOL
  double d;        // of PLK_T_DOUBLE and PLK_T_INT
} plk_cfg_entry;

typedef struct plk_config {
  uint32_t struct_size;
  uint32_t entry_stride;
  const void* entries;  // plk_cfg_entry, sorted by key, each once; lives as long as the plk_config
  uint64_t count;
  uint32_t schema_version;  // of the connector's schema
  uint32_t reserved0;
} plk_config;

enum { PLK_OPEN_NO_XATTR = 1u << 0 };  // nobody wants extended attributes: do not look for them

typedef struct plk_open_args {
  uint32_t struct_size;
  uint32_t flags;    // PLK_OPEN_*
  plk_ctx* ctx;      // for functions of the host; lives until close() of the instance returns
  plk_call* call;    // lives until open() returns
  plk_str protocol;  // the scheme, one of the manifest's; lives until open() returns
  plk_str location;  // "scheme://rest" as configured; lives until open() returns
  const plk_config* config;  // lives until open() returns, then its secrets are wiped
  plk_str hostname;          // of the machine that is backed up; lives until open() returns
  plk_str os;                // "linux"; lives until open() returns
  plk_str arch;              // "amd64"; lives until open() returns
  plk_bytes cwd;             // what relative paths are relative to; lives until open() returns
  uint32_t concurrency;      // how many calls at once the host intends
  uint32_t reserved0;
  // Rules for importers, as in .gitignore; the host applies them anyway. Lives until open()
  // returns.
  const plk_bytes* excludes;
  uint64_t exclude_count;
} plk_open_args;

enum {
  PLK_LOC_LOCALFS = 1u << 0,     // `root` is a path of this machine
  PLK_LOC_FILE = 1u << 1,        // a store in a single file, written once: no locks, no removals
  PLK_LOC_STREAM = 1u << 2,      // an importer that can be scanned once only
  PLK_LOC_NEEDACK = 1u << 3,     // scan_ack() wanted, for every record
  PLK_LOC_NOMERGE = 1u << 4,     // cannot share a snapshot with other importers
  PLK_LOC_EXPORTXATTR = 1u << 5  // an exporter that takes extended attributes
};

// What an instance is about. Equal type, origin and root mean the same data. Without secrets.
typedef struct plk_location {
  uint32_t struct_size;
  uint32_t flags;  // PLK_LOC_*, the same ones as in the manifest
  plk_str origin;  // the host, the endpoint; lives until close() of the instance
  plk_str type;    // "fs", "s3": not necessarily the protocol; lives until close() of the instance
  plk_bytes root;  // absolute and clean; lives until close() of the instance
} plk_location;

// --- Records: entries of importers and exporters ----------------------------------------------

enum {
  PLK_R_FILE = 1,
  PLK_R_DIR = 2,
  PLK_R_SYMLINK = 3,
  PLK_R_FIFO = 4,
  PLK_R_CHAR = 5,
  PLK_R_BLOCK = 6,
  PLK_R_SOCKET = 7,
  PLK_R_XATTR = 8,     // its content is the value of an attribute of the entry at `path`
  PLK_R_ERROR = 9,     // `path` could not be read, or not finished: error_code, error_message
  PLK_R_HARDLINK = 10  // to exporters only: one more name of the file put before at `target`
};

enum {
  PLK_RF_HAS_DATA = 1u << 0,  // has content: files, attributes
  PLK_RF_VOLATILE = 1u << 1   // equal metadata says nothing about the content: read it each time
};

// Which of the optional members of a record say something. What is not known is not 0 but absent.
enum {
  PLK_V_SIZE = 1u << 0,
  PLK_V_MODE = 1u << 1,
  PLK_V_MTIME = 1u << 2,
  PLK_V_CTIME = 1u << 3,
  PLK_V_BTIME = 1u << 4,
  PLK_V_UID = 1u << 5,
  PLK_V_GID = 1u << 6,
  PLK_V_USER = 1u << 7,
  PLK_V_GROUP = 1u << 8,
  PLK_V_DEV = 1u << 9,
  PLK_V_INO = 1u << 10,
  PLK_V_NLINK = 1u << 11,
  PLK_V_RDEV = 1u << 12,
  PLK_V_FILE_ATTRS = 1u << 13,
  PLK_V_CHANGE_TOKEN = 1u << 14
};

enum {
  PLK_XATTR_EXTENDED = 1,  // name with its namespace: "user.note"
  PLK_XATTR_CUSTOM = 2,    // metadata of the other side: headers, tags
  PLK_XATTR_STREAM = 3     // alternate data stream
};

// An attribute that travels with its entry. An element of an array with a stride.
typedef struct plk_xattr {
  plk_bytes name;   // lives as long as the record
  plk_bytes value;  // lives as long as the record
  uint32_t kind;    // PLK_XATTR_*
  uint32_t reserved0;
} plk_xattr;

// An element of an array with a stride, and an argument that says its size.
typedef struct plk_record {
  uint64_t id;     // unique in the scan; not used by exporters
  uint64_t valid;  // PLK_V_*
  uint32_t type;   // PLK_R_*
  uint32_t flags;  // PLK_RF_*
  // Octets, separated by '/', beginning with one and without NUL, empty, "." and ".." parts; "/" is
  // the root of an export, and the origin's for an import. Lives as long as the record.
  plk_bytes path;
  // Of symbolic links, unchanged; of hard links, a path. Lives as long as the record.
  plk_bytes target;
  const void* xattrs;  // plk_xattr of small values, sorted by name; lives as long as the record
  uint64_t xattr_count;
  uint32_t xattr_stride;
  uint32_t xattr_kind;   // of PLK_R_XATTR: PLK_XATTR_*
  plk_bytes xattr_name;  // of PLK_R_XATTR; lives as long as the record
  uint64_t size;         // for importers a hint: what is read counts
  plk_time mtime;
  plk_time ctime;
  plk_time btime;
  uint32_t mode;        // the twelve POSIX bits, 07777; what it is stands in `type` alone
  uint32_t file_attrs;  // attribute bits of Windows
  uint64_t uid;
  uint64_t gid;
  uint64_t dev;
  uint64_t ino;
  uint64_t nlink;
  uint64_t rdev;    // of devices
  plk_bytes user;   // names in the encoding of the source; lives as long as the record
  plk_bytes group;  // lives as long as the record
  // Equal tokens mean equal contents: ETag, version, log position. Lives as long as the record.
  plk_bytes change_token;
  plk_status error_code;  // of PLK_R_ERROR
  uint32_t reserved0;
  plk_str error_message;  // of PLK_R_ERROR, as that of plk_error; lives as long as the record
} plk_record;

// Filled by the module: memory of its own, by scan or by export. The host sets `struct_size`, and
// everything else to zero.
typedef struct plk_record_batch {
  uint32_t struct_size;
  uint32_t record_stride;
  const void* records;  // plk_record; lives as the function says that fills the batch
  uint64_t count;
} plk_record_batch;

// --- Content ----------------------------------------------------------------------------------

typedef struct plk_reader_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [serial: reader] Puts between 1 and `cap` bytes into `buf` and says how many: PLK_OK. At the
  // end PLK_END, with `*got` 0, now and whenever it is called again. After an error every call
  // fails.
  plk_status(PLK_CALL* read)(plk_reader* reader, plk_call* call, void* buf, uint64_t cap,
                             uint64_t* got, plk_error* err);
  // [serial: reader] Optional. The same without a copy: `*out` lives until the next call on the
  // reader, and has at least one byte. Calls of read() and lend() may be mixed.
  plk_status(PLK_CALL* lend)(plk_reader* reader, plk_call* call, plk_bytes* out, plk_error* err);
  // [serial: reader] Frees the reader, whether or not it was read to its end.
  void(PLK_CALL* close)(plk_reader* reader, plk_call* call);
} plk_reader_ops;

typedef struct plk_writer_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [serial: writer] Appends all of it. After an error every call but abort() fails.
  plk_status(PLK_CALL* write)(plk_writer* writer, plk_call* call, const void* data, uint64_t size,
                              plk_error* err);
  // [serial: writer] Sets the metadata, makes the content visible under its name, whole, in one
  // step where the destination can, and says how many bytes it has. Frees the writer, even on
  // failure; then nothing of it is left to be seen.
  plk_status(PLK_CALL* commit)(plk_writer* writer, plk_call* call, uint64_t* bytes, plk_error* err);
  // [serial: writer] Frees the writer; nothing of it is left to be seen.
  void(PLK_CALL* abort)(plk_writer* writer, plk_call* call);
  // [serial: writer] Optional. As write() of so many zeros: a hole, where there is such a thing.
  plk_status(PLK_CALL* write_zeros)(plk_writer* writer, plk_call* call, uint64_t size,
                                    plk_error* err);
} plk_writer_ops;

// --- Importers --------------------------------------------------------------------------------

typedef struct plk_scan_args {
  uint32_t struct_size;
  uint32_t max_batch;  // at most so many records at once; at least 1
  // With PLK_LOC_NEEDACK: so many are not acknowledged at most. 0: any number.
  uint64_t max_unacked;
  // With PLK_CAP_RESUME, where a scan that was interrupted ended; else empty. Lives until the
  // function returns.
  plk_bytes resume_token;
} plk_scan_args;

// scan_open(); scan_next() until PLK_END, with record_open() for records seen so far in between,
// and after it; scan_close(). With PLK_CAP_SEQUENTIAL each record with content is opened in its
// order, or passed over, and its reader closed before the next scan_next(). Scanning changes
// nothing.
typedef struct plk_importer_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [instance] `*scan` lives until scan_close(). `args` does not outlive the call.
  plk_status(PLK_CALL* scan_open)(plk_instance* instance, plk_call* call, const plk_scan_args* args,
                                  plk_scan** scan, plk_error* err);
  // [serial: scan, overlaps] The next records, at least one: PLK_OK; in any order, parents not
  // necessarily before children, each entry once. PLK_END, with none, at the end: everything has
  // been seen. What cannot be read is a record of PLK_R_ERROR; an error ends the scan, and with it
  // the backup. The batch lives until the next scan_next() or scan_close() of this scan. Never two
  // at once.
  plk_status(PLK_CALL* scan_next)(plk_scan* scan, plk_call* call, plk_record_batch* batch,
                                  plk_error* err);
  // [serial: scan, overlaps] The content of a record from `offset` on, which is 0 without
  // PLK_CAP_RANGE. A record can be opened until it is acknowledged, without PLK_LOC_NEEDACK until
  // scan_close(). `*reader` lives until its close().
  plk_status(PLK_CALL* record_open)(plk_scan* scan, plk_call* call, uint64_t id, uint64_t offset,
                                    plk_reader** reader, plk_error* err);
  // [serial: scan, overlaps] With PLK_LOC_NEEDACK: what became of records, each once, in any order.
  // `statuses[i]` is PLK_OK only if record `ids[i]` is in the backup, whole. May be NULL without.
  plk_status(PLK_CALL* scan_ack)(plk_scan* scan, plk_call* call, const uint64_t* ids,
                                 const plk_status* statuses, uint64_t count, plk_error* err);
  // [serial: scan] Frees the scan.
  void(PLK_CALL* scan_close)(plk_scan* scan, plk_call* call);
  // Lives until shutdown(): static.
  const plk_reader_ops* reader;
  // [instance] Optional. How much there is, for progress, where that is cheap to say:
  // PLK_E_UNSUPPORTED where it is not.
  plk_status(PLK_CALL* estimate)(plk_instance* instance, plk_call* call, const plk_scan_args* args,
                                 uint64_t* items, uint64_t* bytes, plk_error* err);
} plk_importer_ops;

// --- Exporters --------------------------------------------------------------------------------

// What to do about a file that is there already. A directory is always used as it is; a directory
// in the place of something else, or the other way round, is always PLK_E_EXISTS.
enum {
  PLK_EXISTING_FAIL = 0,  // PLK_E_EXISTS for this record
  PLK_EXISTING_SKIP = 1,  // put() gives no writer
  PLK_EXISTING_REPLACE = 2,
  PLK_EXISTING_RESUME = 3  // replaces, but for files whose size, mtime and mode are the record's
};

enum {
  PLK_EXPORT_NO_OWNER = 1u << 0,  // leave owner and group as they come
  PLK_EXPORT_NO_TIMES = 1u << 1,  // leave times as they come
  PLK_EXPORT_NO_MODE = 1u << 2    // leave permissions as they come
};

typedef struct plk_export_args {
  uint32_t struct_size;
  uint32_t flags;        // PLK_EXPORT_*
  uint64_t items_total;  // 0: not known
  uint64_t bytes_total;  // 0: not known
  uint32_t existing;     // PLK_EXISTING_*; one that is not known is PLK_E_UNSUPPORTED
  uint32_t reserved0;
} plk_export_args;

// export_open(); put() for each record, parents before children, each name once, and for each
// writer write() and commit() or abort(); export_finish(); export_close(). A failure of put() or of
// a writer is that of one record: the restore goes on. The root is there from export_open() on, and
// made if need be: a record for "/" may come, for its metadata, or not.
typedef struct plk_exporter_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [instance] `*exported` lives until export_close(). `args` does not outlive the call.
  plk_status(PLK_CALL* export_open)(plk_instance* instance, plk_call* call,
                                    const plk_export_args* args, plk_export** exported,
                                    plk_error* err);
  // [serial: export, overlaps] `record` is of `record_size` bytes: PLK_REACHES(); it, and all that
  // it points to, live until put() returns. `*writer` lives until its commit() or abort(); NULL for
  // records without content and for what is skipped. PLK_R_HARDLINK comes only with
  // PLK_CAP_HARDLINKS, after the file at `target` was committed. PLK_E_UNSUPPORTED for what the
  // destination cannot hold.
  plk_status(PLK_CALL* put)(plk_export* exported, plk_call* call, const plk_record* record,
                            uint32_t record_size, plk_writer** writer, plk_error* err);
  // [serial: export] What can only be done at the end: times of directories, deepest first, or a
  // transaction. Called until PLK_END, or an error, which is the restore's; PLK_OK with a batch of
  // PLK_R_ERROR records for what failed, which lives until the next call on the export. Not called
  // when the restore was cancelled or failed.
  plk_status(PLK_CALL* export_finish)(plk_export* exported, plk_call* call,
                                      plk_record_batch* failures, plk_error* err);
  // [serial: export] Frees the export.
  void(PLK_CALL* export_close)(plk_export* exported, plk_call* call);
  // Lives until shutdown(): static.
  const plk_writer_ops* writer;
} plk_exporter_ops;

// --- Stores -----------------------------------------------------------------------------------

enum { PLK_MODE_READ = 1u << 0, PLK_MODE_WRITE = 1u << 1 };

// Kinds of objects. One that is not known is kept like the others.
enum {
  PLK_NS_PACKFILE = 1,
  PLK_NS_STATE = 2,
  PLK_NS_LOCK = 3,
  PLK_NS_ECC_PACKFILE = 4,
  PLK_NS_ECC_STATE = 5
};

enum {
  PLK_PUT_IF_ABSENT = 1u << 0,  // PLK_E_EXISTS if there is one, atomically; needs
                                // PLK_CAP_PUT_IF_ABSENT, else it is not set
  PLK_OBJ_HOT = 1u << 1         // needed for browsing: a hint for storage classes
};

typedef struct plk_object {
  uint32_t struct_size;
  uint32_t ns;  // PLK_NS_*
  // 1 to 255 octets, usually the 32 of a MAC: encode them. Lives until the call returns.
  plk_bytes key;
  uint32_t flags;  // PLK_PUT_IF_ABSENT, PLK_OBJ_*
  uint32_t reserved0;
} plk_object;

enum { PLK_N_SIZE = 1u << 0, PLK_N_MTIME = 1u << 1 };

// An element of an array with a stride.
typedef struct plk_name {
  plk_bytes key;   // lives as long as the batch
  uint64_t valid;  // PLK_N_*: what the listing tells anyway
  uint64_t size;
  plk_time mtime;
} plk_name;

// Filled by the module; the host sets `struct_size`, and everything else to zero.
typedef struct plk_name_batch {
  uint32_t struct_size;
  uint32_t name_stride;
  const void* names;  // plk_name; lives until the next list_next() or list_close() of the lister
  uint64_t count;
} plk_name_batch;

// create(), once ever, or load(), first; then the others; finish(), last. Objects are immutable:
// what is put again under its name has the same content, but for locks. What has a name is whole:
// a reader, or a listing, sees all of an object or nothing of it, at any time, also after a crash.
// A place without renaming uploads under a key of the module's own, or sends an object in one
// request.
typedef struct plk_storage_ops {
  uint32_t struct_size;
  uint32_t reserved0;

  // [instance] Makes an empty store that holds these bytes, at most 32 KiB, written last: after a
  // failure it can be called again. PLK_E_EXISTS when there is a store, or something in its way.
  plk_status(PLK_CALL* create)(plk_instance* instance, plk_call* call, plk_bytes config,
                               plk_error* err);
  // [instance] Appends to `config` exactly what create() was given. PLK_E_NOT_FOUND: no store
  // there.
  plk_status(PLK_CALL* load)(plk_instance* instance, plk_call* call, plk_sink* config,
                             plk_error* err);
  // [instance] PLK_MODE_*: what can be done here, without side effects and without a store there.
  plk_status(PLK_CALL* mode)(plk_instance* instance, plk_call* call, uint32_t* mode,
                             plk_error* err);
  // [instance] What the store takes in all; may be slow. PLK_E_UNSUPPORTED where nobody can tell.
  plk_status(PLK_CALL* used_bytes)(plk_instance* instance, plk_call* call, uint64_t* bytes,
                                   plk_error* err);

  // [instance] Starts a listing of one kind of objects. `after`, only with PLK_CAP_SORTED_LIST,
  // else empty: begin behind this key. `*lister` lives until list_close().
  plk_status(PLK_CALL* list_open)(plk_instance* instance, plk_call* call, uint32_t ns,
                                  plk_bytes after, plk_lister** lister, plk_error* err);
  // [serial: lister] More names, at least one: PLK_OK; each once, in any order without
  // PLK_CAP_SORTED_LIST, else of bytes. PLK_END, with none, only when every name has been given:
  // part of a listing is an error. What does not look like an object is passed over. The batch
  // lives until the next list_next() or list_close() of this lister.
  plk_status(PLK_CALL* list_next)(plk_lister* lister, plk_call* call, plk_name_batch* batch,
                                  plk_error* err);
  // [serial: lister] Frees the lister.
  void(PLK_CALL* list_close)(plk_lister* lister, plk_call* call);

  // [instance] How large an object is. PLK_E_NOT_FOUND.
  plk_status(PLK_CALL* object_size)(plk_instance* instance, plk_call* call,
                                    const plk_object* object, uint64_t* bytes, plk_error* err);
  // [instance] Fills `buf` from `offset` of the object on. Fewer bytes than `cap` mean that it ends
  // there; an offset behind the end gives 0. PLK_E_NOT_FOUND.
  plk_status(PLK_CALL* get)(plk_instance* instance, plk_call* call, const plk_object* object,
                            uint64_t offset, void* buf, uint64_t cap, uint64_t* got,
                            plk_error* err);
  // [instance] An object in one go: `parts`, `count` of them, one behind the other. Durable and
  // visible, whole, when it returns PLK_OK; what had the name is replaced, but with
  // PLK_PUT_IF_ABSENT. After an error nothing of it can be seen.
  plk_status(PLK_CALL* put)(plk_instance* instance, plk_call* call, const plk_object* object,
                            const plk_bytes* parts, uint64_t count, plk_error* err);
  // [instance] That there is no such object is no error.
  plk_status(PLK_CALL* del)(plk_instance* instance, plk_call* call, const plk_object* object,
                            plk_error* err);

  // [instance] Optional. Part of an object, front to back, through `reader`: `size` bytes from
  // `offset` on, or what there is of them. `*content` lives until its close().
  plk_status(PLK_CALL* get_open)(plk_instance* instance, plk_call* call, const plk_object* object,
                                 uint64_t offset, uint64_t size, plk_reader** content,
                                 plk_error* err);
  // Lives until shutdown(): static. May be NULL without get_open().
  const plk_reader_ops* reader;

  // The next four: all, or all NULL. An object in pieces, whose name is known only at its end, as a
  // packfile's is. Where they are NULL the host collects the pieces and calls put().
  //
  // [instance] `size_hint` helps to prepare and may be wrong; 0: not known. `flags` are those of
  // plk_object. `*upload` lives until upload_commit() or upload_abort().
  plk_status(PLK_CALL* upload_open)(plk_instance* instance, plk_call* call, uint32_t ns,
                                    uint32_t flags, uint64_t size_hint, plk_upload** upload,
                                    plk_error* err);
  // [serial: upload] Appends all of it. After an error every call but upload_abort() fails.
  plk_status(PLK_CALL* upload_write)(plk_upload* upload, plk_call* call, const void* data,
                                     uint64_t size, plk_error* err);
  // [serial: upload] As put() at its end. Frees the upload, even on failure.
  plk_status(PLK_CALL* upload_commit)(plk_upload* upload, plk_call* call, const plk_object* object,
                                      plk_error* err);
  // [serial: upload] Frees the upload, and leaves nothing.
  void(PLK_CALL* upload_abort)(plk_upload* upload, plk_call* call);

  // [instance] Optional. The last call before close(), when anything was put: writes what can only
  // be written at the end, as an archive's index. Until then PLK_LOC_FILE stores need not be
  // readable.
  plk_status(PLK_CALL* finish)(plk_instance* instance, plk_call* call, plk_error* err);
} plk_storage_ops;

// --- Secrets and inventories ------------------------------------------------------------------

typedef struct plk_secrets_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [instance] Appends the secret to `value`. `*ttl_s` is for how long the host may keep it: 0 not
  // at all, -1 as long as it likes. PLK_E_NOT_FOUND: never an empty value instead.
  plk_status(PLK_CALL* get)(plk_instance* instance, plk_call* call, plk_str path, plk_sink* value,
                            int64_t* ttl_s, plk_error* err);
} plk_secrets_ops;

// An element of an array with a stride.
typedef struct plk_resource {
  plk_str urn;          // names the resource, for good; lives as long as the batch
  plk_str name;         // for people; lives as long as the batch
  plk_str region;       // lives as long as the batch
  plk_str service;      // lives as long as the batch
  plk_str resource;     // the service's word for what this is; lives as long as the batch
  plk_str category;     // of the tree of classes: "database"; lives as long as the batch
  plk_str subcategory;  // "postgresql"; lives as long as the batch
  const plk_str* tags;  // key, value, key, value; lives as long as the batch
  uint64_t tag_count;   // of plk_str: even
  // "host", "inet4" or "inet6", then the address. Lives as long as the batch.
  const plk_str* endpoints;
  uint64_t endpoint_count;  // of plk_str: even
  plk_bytes details;        // JSON, or empty; lives as long as the batch
  plk_status error_code;    // of a resource of which no more could be learned, else PLK_OK
  uint32_t reserved0;
} plk_resource;

// Filled by the module; the host sets `struct_size`, and everything else to zero.
typedef struct plk_resource_batch {
  uint32_t struct_size;
  uint32_t resource_stride;
  const void* resources;  // plk_resource; lives until the next list_next() or list_close()
  uint64_t count;
} plk_resource_batch;

typedef struct plk_inventory_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [instance] `*lister` lives until list_close().
  plk_status(PLK_CALL* list_open)(plk_instance* instance, plk_call* call, plk_lister** lister,
                                  plk_error* err);
  // [serial: lister] More resources, at least one: PLK_OK. PLK_END, with none, only when all have
  // been given. The batch lives until the next list_next() or list_close() of this lister.
  plk_status(PLK_CALL* list_next)(plk_lister* lister, plk_call* call, plk_resource_batch* batch,
                                  plk_error* err);
  // [serial: lister] Frees the lister.
  void(PLK_CALL* list_close)(plk_lister* lister, plk_call* call);
} plk_inventory_ops;

// --- Connector, module, entry -----------------------------------------------------------------

enum {
  PLK_KIND_IMPORTER = 1,
  PLK_KIND_EXPORTER = 2,
  PLK_KIND_STORAGE = 3,
  PLK_KIND_SECRETS = 4,
  PLK_KIND_INVENTORY = 5
};

// What a connector can do; the manifest says the same.
#define PLK_CAP_CONCURRENT (UINT64_C(1) << 0)     // an instance takes calls from several threads
#define PLK_CAP_SEQUENTIAL (UINT64_C(1) << 1)     // an importer that is read in its own order
#define PLK_CAP_RESUME (UINT64_C(1) << 2)         // resume_token
#define PLK_CAP_RANGE (UINT64_C(1) << 3)          // record_open() at an offset
#define PLK_CAP_PUT_IF_ABSENT (UINT64_C(1) << 4)  // exact, not by looking beforehand
#define PLK_CAP_STRONG_LIST (UINT64_C(1) << 5)    // what was put is listed from then on
#define PLK_CAP_SORTED_LIST (UINT64_C(1) << 6)    // listings are in the order of bytes
#define PLK_CAP_INTERRUPT (UINT64_C(1) << 7)      // has interrupt()
#define PLK_CAP_OWN_THREADS (UINT64_C(1) << 8)    // starts threads: the module is never unmapped
#define PLK_CAP_CHANGE_TOKEN (UINT64_C(1) << 9)   // records have a change_token
#define PLK_CAP_SPAWNS (UINT64_C(1) << 10)        // uses PLK_EXT_PROCESS
#define PLK_CAP_HARDLINKS (UINT64_C(1) << 11)     // an exporter that takes PLK_R_HARDLINK

// One connector: static, lives until shutdown().
typedef struct plk_connector {
  uint32_t struct_size;
  uint32_t kind;   // PLK_KIND_*
  const char* id;  // that of the manifest, NUL-terminated; lives until shutdown(): static
  uint64_t caps;   // PLK_CAP_*
  uint32_t config_schema_version;
  uint32_t max_concurrency;  // calls at once on one instance; 0: the host's choice

  // [pure] Optional. Rules that a schema cannot tell: PLK_E_CONFIG. Secrets are placeholders. `ctx`
  // is the module's.
  plk_status(PLK_CALL* config_check)(plk_ctx* ctx, const plk_config* config, plk_error* err);
  // [instance] Optional. Appends a JSON array of what `field` can be, asking the other side:
  // regions, buckets. Without an instance; several may run at once. Secrets are real. `ctx` is the
  // module's.
  plk_status(PLK_CALL* config_choices)(plk_ctx* ctx, plk_call* call, const plk_config* config,
                                       plk_str field, plk_sink* json, plk_error* err);
  // [pure] Optional. Appends to `out` the configuration `json`, valid for schema version `from`, as
  // version `to` has it. Secrets are placeholders, to be carried over. `ctx` is the module's.
  plk_status(PLK_CALL* config_migrate)(plk_ctx* ctx, uint32_t from, uint32_t to, plk_bytes json,
                                       plk_sink* out, plk_error* err);

  // [instance] Several may run at once, as the first call of each instance. Checks the arguments,
  // copies what it needs, and touches no network: that is for the first function that needs it.
  // `*instance` lives until close(). `args` and all that it points to live until open() returns,
  // but for `args->ctx`.
  plk_status(PLK_CALL* open)(const plk_open_args* args, plk_instance** instance, plk_error* err);
  // [instance] What the instance is about; without I/O, always the same. The host sets
  // `struct_size`.
  plk_status(PLK_CALL* location)(plk_instance* instance, plk_location* location, plk_error* err);
  // [instance] Whether the other side can be reached and used. No side effects.
  plk_status(PLK_CALL* ping)(plk_instance* instance, plk_call* call, plk_error* err);
  // [any] Optional; with PLK_CAP_INTERRUPT. Makes the function that waits within `call` return, for
  // libraries that cannot poll. `call` lives until interrupt() returns.
  void(PLK_CALL* interrupt)(plk_instance* instance, plk_call* call);
  // [serial: instance] Frees the instance; wipes its secrets. Everything opened from it is closed.
  void(PLK_CALL* close)(plk_instance* instance, plk_call* call);

  // The table of the kind: plk_importer_ops, plk_exporter_ops, plk_storage_ops, plk_secrets_ops,
  // plk_inventory_ops. Static, lives until shutdown().
  const void* ops;
} plk_connector;

#define PLK_MAGIC 0x314B4C50u  // the bytes "PLK1"

// A module: static, lives until shutdown().
typedef struct plk_plugin {
  uint32_t magic;  // PLK_MAGIC
  uint32_t struct_size;
  uint32_t abi_minor_built;     // PLK_TARGET_MINOR
  uint32_t abi_minor_required;  // of the oldest host that will do
  const char* name;     // that of the manifest, NUL-terminated; lives until shutdown(): static
  const char* version;  // that of the manifest, NUL-terminated; lives until shutdown(): static
  const plk_connector* const* connectors;  // lives until shutdown(): static
  uint32_t connector_count;
  uint32_t flags;  // none yet
  // [load] The last call: joins threads, drops globals.
  void(PLK_CALL* shutdown)(void);
  // [any] Optional. A table of more functions, or NULL; `id` is NUL-terminated. The table lives
  // until shutdown(): static.
  const void*(PLK_CALL* extension)(const char* id);
} plk_plugin;

typedef struct plk_entry_args {
  uint32_t struct_size;
  uint32_t abi_major;        // 1
  uint32_t abi_minor;        // of the host
  uint32_t flags;            // none yet
  const plk_host_api* host;  // lives until shutdown() returns
  plk_ctx* ctx;              // the module's; lives until shutdown() returns
} plk_entry_args;

// Renamed by who links several modules into one program.
#ifndef PLK_ENTRY
#define PLK_ENTRY plk_entry_v1
#endif

// [load] The one function that a module exports. No side effects: no threads, files, sockets; the
// second call gives what the first gave. `*plugin` is static, and lives until shutdown(). PLK_E_ABI
// for an `args->abi_major` that is not PLK_ABI_MAJOR.
PLK_EXPORT plk_status PLK_CALL PLK_ENTRY(const plk_entry_args* args, const plk_plugin** plugin,
                                         plk_error* err);

// --- Extensions of the host -------------------------------------------------------------------

// Children: plk_process_ops. For connectors with PLK_CAP_SPAWNS; the host starts the programs that
// the manifest's `permissions` name, in a process group of their own, and no others.
#define PLK_EXT_PROCESS "plakar.process/1"

enum { PLK_SPAWN_STDIN = 1u << 0, PLK_SPAWN_STDOUT = 1u << 1, PLK_SPAWN_STDERR = 1u << 2 };

typedef struct plk_spawn_args {
  uint32_t struct_size;
  uint32_t flags;         // PLK_SPAWN_*: a pipe for these; the others are /dev/null, stderr the log
  const plk_bytes* argv;  // the program, then its arguments; lives until spawn() returns
  uint64_t argc;
  const plk_bytes* env;  // "NAME=value", all of its environment; lives until spawn() returns
  uint64_t env_count;
  plk_bytes cwd;  // empty: "/"; lives until spawn() returns
} plk_spawn_args;

// Filled by the host. The descriptors are O_CLOEXEC and the module's: it closes them.
typedef struct plk_pipes {
  uint32_t struct_size;
  int32_t stdin_fd;  // to write to; -1 without a pipe
  int32_t stdout_fd;
  int32_t stderr_fd;
} plk_pipes;

// Filled by the host.
typedef struct plk_exit {
  uint32_t struct_size;
  int32_t code;    // of exit()
  int32_t signal;  // that ended it, or 0
  uint32_t reserved0;
} plk_exit;

// The table lives until shutdown() returns.
typedef struct plk_process_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [host: blocks] `*process` lives until wait() has succeeded or kill() returns. PLK_E_PERMISSION:
  // the manifest does not name this program.
  plk_status(PLK_CALL* spawn)(plk_ctx* ctx, plk_call* call, const plk_spawn_args* args,
                              plk_pipes* pipes, plk_process** process, plk_error* err);
  // [host: blocks] Waits for it to end, or for the call to be cancelled. Frees it when it returns
  // PLK_OK, and only then.
  plk_status(PLK_CALL* wait)(plk_process* process, plk_call* call, plk_exit* ended, plk_error* err);
  // [host: any] Kills the process group, and frees the process.
  void(PLK_CALL* kill)(plk_process* process);
} plk_process_ops;

// Room for temporary files: plk_tempdir_ops.
#define PLK_EXT_TEMPDIR "plakar.tempdir/1"

// The table lives until shutdown() returns.
typedef struct plk_tempdir_ops {
  uint32_t struct_size;
  uint32_t reserved0;
  // [host: blocks] Writes the path of the instance's own directory, up to `cap` bytes of it, to
  // `path` and all its length to `*size`; makes the directory at the first call. It is removed,
  // with all that is in it, after close(). PLK_E_INVALID_ARG with `*size` set when it does not fit;
  // PLK_E_NO_SPACE when `bytes_wanted` is more than the host gives.
  plk_status(PLK_CALL* path)(plk_ctx* ctx, uint64_t bytes_wanted, void* path, uint64_t cap,
                             uint64_t* size, plk_error* err);
  // [host: blocks] Removes the directory now.
  void(PLK_CALL* remove)(plk_ctx* ctx);
} plk_tempdir_ops;

// --- Identity ---------------------------------------------------------------------------------

// What a module says of itself to who has not loaded it: an ELF note with owner "PLK" and type 1.
// Once in a module, at file scope; the same as in the plk_plugin and in the manifest. REQUIRED is
// the minor of the oldest host that will do, usually 0.
#if defined(__ELF__)
typedef struct plk_note {
  uint32_t namesz;
  uint32_t descsz;
  uint32_t type;
  char owner[4];
  uint32_t abi_major;
  uint32_t abi_minor_built;
  uint32_t abi_minor_required;
  uint32_t flags;  // none yet
  char name[48];
  char version[32];
} plk_note;

#define PLK_NOTE(NAME, VERSION, REQUIRED)                                                        \
  __attribute__((section(".note.plakar"), used, aligned(4))) static const plk_note plk_note_ = { \
      4, 96, 1, "PLK", PLK_ABI_MAJOR, PLK_TARGET_MINOR, REQUIRED, 0, NAME, VERSION}
#endif

// --- For convenience: not part of the ABI -----------------------------------------------------

// Fills `err`, which may be NULL, as plk_error wants it, and returns `status`. `message` is
// NUL-terminated, and lives until the function returns; a newline in it becomes a space.
static inline plk_status plk_fail(plk_error* err, plk_status status, const char* message) {
  uint32_t size = 0;
  uint32_t copied = 0;
  uint32_t i = 0;
  if (err == NULL) return status;
  err->code = status;
  err->flags = 0;
  err->sys_errno = 0;
  err->retry_after_ms = 0;
  for (i = 0; i < sizeof err->vendor; i++) err->vendor[i] = '\0';
  while (message[size] != '\0') size++;
  err->message_len = size;
  if (err->message == NULL) return status;
  copied = size < err->message_cap ? size : err->message_cap;
  // A sequence whose continuation would be cut off is left out whole.
  if (copied < size) {
    while (copied > 0 && (message[copied] & 0xC0) == 0x80) copied--;
  }
  for (i = 0; i < copied; i++) err->message[i] = message[i] == '\n' ? ' ' : message[i];
  return status;
}

#ifdef __cplusplus
}
#endif

#endif  // PLAKAR_CONNECTOR_H
