// Connectors in C++: classes instead of tables. C++11 and later; header only. It has no binary
// interface of its own: what a module built with it and its host exchange is <plakar/connector.h>,
// which says what every function must do. Read that first.
//
// An author derives from plk::store, plk::source or plk::destination (or plk::secret_provider,
// plk::inventory), and names the class in a table:
//
//   class my_store : public plk::store { ... explicit my_store(const plk::opening& how); ... };
//   static constexpr plk_connector my_connector =
//       plk::store_connector<my_store>("my-store", PLK_CAP_CONCURRENT, 1);
//   PLK_PLUGIN("my", "1.0.0", &my_connector)
//
// Errors are exceptions: throw plk::failure(PLK_E_NOT_FOUND, "no such object"). What leaves a
// function is turned into a status there, whatever its type; nothing is thrown into the host.
// Functions of the tables that are optional exist in them when the class overrides them.
//
// Views (plk::text, plk::octets, plk::buffer) point to what the caller owns: copy what you keep.
// Threads are those of connector.h: without PLK_CAP_CONCURRENT an object and all that came from it
// is called by one thread at a time.
#ifndef PLAKAR_CONNECTOR_HPP
#define PLAKAR_CONNECTOR_HPP

#include <plakar/connector.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 201703L
#include <cstddef>
#include <string_view>
#endif
#if __cplusplus >= 202002L
#include <span>
#endif

namespace plk {

// --- Views ------------------------------------------------------------------------------------

// Text in UTF-8. Converts from and, with C++17, to std::string_view.
class text {
 public:
  text() : data_(""), size_(0) {}
  text(const char* data, std::size_t size) : data_(data), size_(size) {}
  text(const char* terminated) : data_(terminated), size_(std::strlen(terminated)) {}
  text(const std::string& owner) : data_(owner.data()), size_(owner.size()) {}
  text(const plk_str& raw)
      : data_(raw.ptr == nullptr ? "" : raw.ptr), size_(static_cast<std::size_t>(raw.len)) {}

  const char* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string str() const { return std::string(data_, size_); }
  plk_str raw() const { return plk_str{data_, size_}; }

#if __cplusplus >= 201703L
  text(std::string_view view) : data_(view.data()), size_(view.size()) {}
  operator std::string_view() const { return std::string_view(data_, size_); }
#endif

  friend bool operator==(const text& a, const text& b) {
    return a.size_ == b.size_ && std::memcmp(a.data_, b.data_, a.size_) == 0;
  }
  friend bool operator!=(const text& a, const text& b) { return !(a == b); }

 private:
  const char* data_;
  std::size_t size_;
};

// Content, paths, keys. Converts from and, with C++20, to std::span.
class octets {
 public:
  octets() : data_(nullptr), size_(0) {}
  octets(const void* data, std::size_t size)
      : data_(static_cast<const std::uint8_t*>(data)), size_(size) {}
  octets(const std::string& owner) : octets(owner.data(), owner.size()) {}
  octets(const std::vector<std::uint8_t>& owner) : octets(owner.data(), owner.size()) {}
  octets(const plk_bytes& raw) : data_(raw.ptr), size_(static_cast<std::size_t>(raw.len)) {}

  const std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::uint8_t* begin() const { return data_; }
  const std::uint8_t* end() const { return size_ == 0 ? data_ : data_ + size_; }
  std::string str() const {
    return size_ == 0 ? std::string() : std::string(reinterpret_cast<const char*>(data_), size_);
  }
  plk_bytes raw() const { return plk_bytes{data_, size_}; }

#if __cplusplus >= 202002L
  octets(std::span<const std::uint8_t> view) : data_(view.data()), size_(view.size()) {}
  octets(std::span<const std::byte> view) : octets(view.data(), view.size()) {}
  operator std::span<const std::uint8_t>() const { return {data_, size_}; }
#endif

  friend bool operator==(const octets& a, const octets& b) {
    return a.size_ == b.size_ && (a.size_ == 0 || std::memcmp(a.data_, b.data_, a.size_) == 0);
  }
  friend bool operator!=(const octets& a, const octets& b) { return !(a == b); }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

// Memory to fill.
class buffer {
 public:
  buffer(void* data, std::size_t size) : data_(static_cast<std::uint8_t*>(data)), size_(size) {}

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }
#if __cplusplus >= 202002L
  operator std::span<std::uint8_t>() const { return {data_, size_}; }
#endif

 private:
  std::uint8_t* data_;
  std::size_t size_;
};

// --- Errors -----------------------------------------------------------------------------------

// What plk_error holds, to be thrown. The message is one sentence for a person, without secrets.
class failure : public std::runtime_error {
 public:
  failure(plk_status status, const std::string& message)
      : std::runtime_error(message), status_(status < 0 ? status : PLK_E_INTERNAL) {}

  failure& retryable() { return flag(PLK_ERRF_RETRYABLE); }
  failure& auth_expired() { return flag(PLK_ERRF_AUTH_EXPIRED); }
  failure& per_item() { return flag(PLK_ERRF_PER_ITEM); }
  failure& retry_after_ms(std::uint64_t delay) {
    retry_after_ms_ = delay;
    return flag(PLK_ERRF_RETRYABLE);
  }
  failure& sys_errno(int code) {
    sys_errno_ = code;
    return *this;
  }
  failure& vendor(const std::string& code) {
    vendor_ = code;
    return *this;
  }

  plk_status status() const { return status_; }

  plk_status fill(plk_error* err) const noexcept {
    plk_fail(err, status_, what());
    if (err == nullptr) return status_;
    err->flags = flags_;
    err->sys_errno = sys_errno_;
    err->retry_after_ms = retry_after_ms_;
    const std::size_t size =
        vendor_.size() < sizeof err->vendor ? vendor_.size() : sizeof err->vendor;
    std::memcpy(err->vendor, vendor_.data(), size);
    return status_;
  }

 private:
  failure& flag(std::uint32_t bit) {
    flags_ |= bit;
    return *this;
  }

  plk_status status_;
  std::uint32_t flags_ = 0;
  int sys_errno_ = 0;
  std::uint64_t retry_after_ms_ = 0;
  std::string vendor_;
};

// The failure of a system call: `doing` and the system's words for it.
inline failure system_failure(int code, const std::string& doing) {
  plk_status status = PLK_E_IO;
  const std::errc known = static_cast<std::errc>(code);
  if (known == std::errc::no_such_file_or_directory || known == std::errc::not_a_directory) {
    status = PLK_E_NOT_FOUND;
  } else if (known == std::errc::file_exists || known == std::errc::directory_not_empty ||
             known == std::errc::is_a_directory) {
    status = PLK_E_EXISTS;
  } else if (known == std::errc::permission_denied || known == std::errc::operation_not_permitted) {
    status = PLK_E_PERMISSION;
  } else if (known == std::errc::no_space_on_device) {
    status = PLK_E_NO_SPACE;
  } else if (known == std::errc::read_only_file_system) {
    status = PLK_E_READ_ONLY;
  } else if (known == std::errc::not_enough_memory) {
    status = PLK_E_NO_MEMORY;
  } else if (known == std::errc::timed_out) {
    status = PLK_E_TIMEOUT;
  } else if (known == std::errc::filename_too_long || known == std::errc::invalid_argument) {
    status = PLK_E_UNSUPPORTED;
  }
  failure made(status, doing + ": " + std::generic_category().message(code));
  made.sys_errno(code);
  return made;
}

namespace detail {

// PLK_AT(), for who warns about casts in the manner of C.
template <class T>
const T& element(const void* base, std::size_t stride, std::size_t index) {
  return *static_cast<const T*>(
      static_cast<const void*>(static_cast<const char*>(base) + stride * index));
}

// The one way out of every function of the tables. `body` returns a status.
template <class Body>
plk_status guarded(plk_error* err, Body&& body) noexcept {
  try {
    return body();
  } catch (const failure& f) {
    return f.fill(err);
  } catch (const std::bad_alloc&) {
    return plk_fail(err, PLK_E_NO_MEMORY, "out of memory");
  } catch (const std::exception& e) {
    return plk_fail(err, PLK_E_INTERNAL, e.what());
  } catch (...) {
    return plk_fail(err, PLK_E_INTERNAL, "the connector threw something that is not an exception");
  }
}

// For functions that cannot fail: what goes wrong in a clean-up has nowhere to go.
template <class Body>
void guarded(Body&& body) noexcept {
  try {
    body();
  } catch (...) {
  }
}

// Set once by the entry, before anything else of the module runs.
inline const plk_host_api*& host() {
  static const plk_host_api* table = nullptr;
  return table;
}
inline plk_ctx*& module_ctx() {
  static plk_ctx* ctx = nullptr;
  return ctx;
}

// Of a call of the host: throws what it reports.
class outcome {
 public:
  outcome() {
    err_.struct_size = sizeof err_;
    err_.message = message_;
    err_.message_cap = sizeof message_;
  }
  plk_error* err() { return &err_; }
  void check(plk_status status) const {
    if (status >= 0) return;
    const std::size_t size =
        err_.message_len < sizeof message_ ? err_.message_len : sizeof message_;
    failure made(status, size == 0 ? "the host refused" : std::string(message_, size));
    made.sys_errno(err_.sys_errno);
    throw made;
  }

 private:
  plk_error err_ = plk_error();
  char message_[512];
};

}  // namespace detail

// --- What the host offers ---------------------------------------------------------------------

// One operation: the argument of nearly every function, valid until that returns.
class call {
 public:
  explicit call(plk_call* raw) : raw_(raw) {}

  bool cancelled() const { return detail::host()->call_cancelled(raw_) != 0; }
  // Throws when the operation was cancelled. For loops: every 100 ms or 1 MiB.
  void check() const {
    if (cancelled()) throw failure(PLK_E_CANCELLED, "cancelled");
  }
  int cancel_fd() const { return detail::host()->call_cancel_fd(raw_); }
  std::int64_t remaining_ms() const { return detail::host()->call_remaining_ms(raw_); }
  void progress(text phase, std::uint64_t items_done, std::uint64_t items_total,
                std::uint64_t bytes_done, std::uint64_t bytes_total) const {
    plk_progress made = plk_progress();
    made.struct_size = sizeof made;
    made.items_done = items_done;
    made.items_total = items_total;
    made.bytes_done = bytes_done;
    made.bytes_total = bytes_total;
    made.phase = phase.raw();
    detail::host()->progress(raw_, &made);
  }
  plk_call* raw() const { return raw_; }

 private:
  plk_call* raw_;
};

// Takes bytes, in any number of pieces.
class sink {
 public:
  explicit sink(plk_sink* raw) : raw_(raw) {}

  void write(octets bytes) const {
    const plk_status status = detail::host()->sink_write(raw_, bytes.data(), bytes.size());
    if (status < 0) throw failure(status, "the host takes no more bytes");
  }
  void write(text words) const { write(octets(words.data(), words.size())); }
  void write(const std::string& bytes) const { write(octets(bytes)); }

 private:
  plk_sink* raw_;
};

struct log_field {
  text key;
  text value;
};

// A function on a thread of the host. Destroying it waits for the function to return.
class task {
 public:
  task() {}
  task(plk_ctx* ctx, plk_task* raw) : ctx_(ctx), raw_(raw) {}
  task(task&& other) noexcept : ctx_(other.ctx_), raw_(other.raw_) { other.raw_ = nullptr; }
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      join();
      ctx_ = other.ctx_;
      raw_ = other.raw_;
      other.raw_ = nullptr;
    }
    return *this;
  }
  ~task() { join(); }

  void join() noexcept {
    if (raw_ == nullptr) return;
    detail::host()->join(ctx_, raw_);
    raw_ = nullptr;
  }
  explicit operator bool() const { return raw_ != nullptr; }

 private:
  plk_ctx* ctx_ = nullptr;
  plk_task* raw_ = nullptr;
};

// The host's functions for an instance, usable until it is destroyed.
class context {
 public:
  explicit context(plk_ctx* raw) : raw_(raw) {}

  bool logs(int level) const { return detail::host()->log_enabled(raw_, level) != 0; }
  // A constant message, and the data as fields. No secrets in either.
  void log(int level, text message, std::initializer_list<log_field> fields = {}) const {
    if (!logs(level)) return;
    std::vector<plk_str> kv;
    kv.reserve(2 * fields.size());
    for (const log_field& field : fields) {
      kv.push_back(field.key.raw());
      kv.push_back(field.value.raw());
    }
    plk_log_record record = plk_log_record();
    record.struct_size = sizeof record;
    record.level = level;
    record.message = message.raw();
    record.kv = kv.data();
    record.kv_count = kv.size();
    detail::host()->log(raw_, &record);
  }

  std::uint32_t define_metric(std::uint32_t kind, text name, text unit) const {
    std::uint32_t id = 0;
    detail::outcome outcome;
    outcome.check(detail::host()->metric_define(raw_, kind, name.raw(), unit.raw(), &id));
    return id;
  }
  void record_metric(std::uint32_t id, double value) const {
    detail::host()->metric_record(raw_, id, value);
  }

  // The secret of a configuration key, resolved again. The caller wipes it.
  std::string refresh_secret(const call& during, text key) const {
    std::string value(256, '\0');
    for (;;) {
      std::uint64_t size = 0;
      detail::outcome outcome;
      const plk_status status = detail::host()->secret_refresh(
          raw_, during.raw(), key.raw(), &value[0], value.size(), &size, outcome.err());
      if (status == PLK_E_INVALID_ARG && size > value.size()) {
        value.assign(static_cast<std::size_t>(size), '\0');
        continue;
      }
      outcome.check(status);
      value.resize(static_cast<std::size_t>(size));
      return value;
    }
  }

  // Runs `function(argument)`, which must not throw, on a thread of the host. `argument` outlives
  // the task.
  task run(void(PLK_CALL* function)(void* argument), void* argument) const {
    plk_task* made = nullptr;
    const plk_status status = detail::host()->run(raw_, function, argument, &made);
    if (status < 0) throw failure(status, "the host has no thread left");
    return task(raw_, made);
  }

  // A table of PLK_EXT_*; null when the host has none.
  template <class Table>
  const Table* extension(const char* id) const {
    return static_cast<const Table*>(detail::host()->extension(raw_, id));
  }

  plk_ctx* raw() const { return raw_; }

 private:
  plk_ctx* raw_;
};

// A child process and the module's ends of its pipes. Destroying it kills what still runs.
class process {
 public:
  process(const context& where, const call& during, const plk_spawn_args& args)
      : ops_(where.extension<plk_process_ops>(PLK_EXT_PROCESS)) {
    if (ops_ == nullptr) throw failure(PLK_E_UNSUPPORTED, "the host starts no programs");
    pipes_.struct_size = sizeof pipes_;
    pipes_.stdin_fd = pipes_.stdout_fd = pipes_.stderr_fd = -1;
    detail::outcome outcome;
    outcome.check(ops_->spawn(where.raw(), during.raw(), &args, &pipes_, &raw_, outcome.err()));
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process() {
    if (raw_ != nullptr) ops_->kill(raw_);
  }

  // The descriptors are the caller's to close.
  const plk_pipes& pipes() const { return pipes_; }
  plk_exit wait(const call& during) {
    plk_exit ended = plk_exit();
    ended.struct_size = sizeof ended;
    detail::outcome outcome;
    outcome.check(ops_->wait(raw_, during.raw(), &ended, outcome.err()));
    raw_ = nullptr;
    return ended;
  }

 private:
  const plk_process_ops* ops_;
  plk_process* raw_ = nullptr;
  plk_pipes pipes_ = plk_pipes();
};

// --- Configuration ----------------------------------------------------------------------------

// What the user configured, found valid by the schema, with defaults.
class config {
 public:
  explicit config(const plk_config* raw) : raw_(raw) {}

  std::size_t size() const { return raw_ == nullptr ? 0 : static_cast<std::size_t>(raw_->count); }
  const plk_cfg_entry& at(std::size_t index) const {
    return detail::element<plk_cfg_entry>(raw_->entries, raw_->entry_stride, index);
  }
  // Null when there is no such key.
  const plk_cfg_entry* find(text key) const {
    for (std::size_t i = 0; i < size(); i++) {
      if (text(at(i).key) == key) return &at(i);
    }
    return nullptr;
  }
  bool has(text key) const { return find(key) != nullptr; }

  std::string string(text key, const std::string& otherwise = std::string()) const {
    const plk_cfg_entry* entry = find(key);
    return entry == nullptr ? otherwise : text(entry->value).str();
  }
  std::int64_t integer(text key, std::int64_t otherwise) const {
    const plk_cfg_entry* entry = find(key);
    if (entry == nullptr) return otherwise;
    if (entry->type != PLK_T_INT) throw failure(PLK_E_CONFIG, key.str() + " must be an integer");
    return entry->i;
  }
  bool boolean(text key, bool otherwise) const {
    const plk_cfg_entry* entry = find(key);
    if (entry == nullptr) return otherwise;
    if (entry->type != PLK_T_BOOL)
      throw failure(PLK_E_CONFIG, key.str() + " must be true or false");
    return entry->i != 0;
  }
  double number(text key, double otherwise) const {
    const plk_cfg_entry* entry = find(key);
    if (entry == nullptr) return otherwise;
    if (entry->type != PLK_T_INT && entry->type != PLK_T_DOUBLE) {
      throw failure(PLK_E_CONFIG, key.str() + " must be a number");
    }
    return entry->d;
  }
  std::string required(text key) const {
    const plk_cfg_entry* entry = find(key);
    if (entry == nullptr) throw failure(PLK_E_CONFIG, key.str() + " is not set");
    return text(entry->value).str();
  }
  std::uint32_t schema_version() const { return raw_ == nullptr ? 0 : raw_->schema_version; }

 private:
  const plk_config* raw_;
};

// What a connector's constructor is given. Check it there, and touch no network.
class opening {
 public:
  explicit opening(const plk_open_args& raw) : raw_(&raw) {}

  text protocol() const { return raw_->protocol; }
  text location() const { return raw_->location; }
  // The location behind "scheme:" or "scheme://".
  std::string rest() const {
    std::string whole = text(raw_->location).str();
    const std::string scheme = text(raw_->protocol).str() + ":";
    if (whole.compare(0, scheme.size(), scheme) == 0) whole.erase(0, scheme.size());
    if (whole.compare(0, 2, "//") == 0) whole.erase(0, 2);
    return whole;
  }
  plk::config config() const { return plk::config(raw_->config); }
  plk::call call() const { return plk::call(raw_->call); }
  plk::context context() const { return plk::context(raw_->ctx); }
  text hostname() const { return raw_->hostname; }
  octets cwd() const { return raw_->cwd; }
  bool wants_xattrs() const { return (raw_->flags & PLK_OPEN_NO_XATTR) == 0; }
  std::uint32_t concurrency() const { return raw_->concurrency; }
  std::size_t exclude_count() const { return static_cast<std::size_t>(raw_->exclude_count); }
  octets exclude(std::size_t index) const { return raw_->excludes[index]; }
  const plk_open_args& raw() const { return *raw_; }

 private:
  const plk_open_args* raw_;
};

// What a connector is about; see plk_location.
struct place {
  std::string origin;
  std::string type;
  std::string root;
  std::uint32_t flags;

  place(std::string origin_, std::string type_, std::string root_, std::uint32_t flags_ = 0)
      : origin(std::move(origin_)), type(std::move(type_)), root(std::move(root_)), flags(flags_) {}
};

// What all connectors have. The classes of the kinds derive from it.
class connector {
 public:
  virtual ~connector() {}

  // Without I/O; asked once, after the constructor.
  virtual place where() const = 0;
  virtual void ping(call& during) = 0;
  // With PLK_CAP_INTERRUPT: from any thread, while others are in the object. Must not throw.
  virtual void interrupt(call& blocked) { static_cast<void>(blocked); }

  // Optional, by declaring a function of this name in the class: see connector.h.
  static void config_check(const config& checked) { static_cast<void>(checked); }
  static void config_choices(call& during, const config& known, text field, sink& json) {
    static_cast<void>(during), static_cast<void>(known), static_cast<void>(field);
    static_cast<void>(json);
  }
  static void config_migrate(std::uint32_t from, std::uint32_t to, octets json, sink& out) {
    static_cast<void>(from), static_cast<void>(to), static_cast<void>(json);
    static_cast<void>(out);
  }

 protected:
  connector() {}
  connector(const connector&) = delete;
  connector& operator=(const connector&) = delete;
};

// --- Records ----------------------------------------------------------------------------------

inline plk_time time_of(std::int64_t seconds, std::uint32_t nanoseconds) {
  return plk_time{seconds, nanoseconds, 0};
}

struct xattr {
  std::string name;
  std::string value;
  std::uint32_t kind;
};

// A record that owns what it says. What is not set is not known.
class record {
 public:
  std::uint64_t id = 0;
  std::uint32_t type = PLK_R_FILE;
  std::uint32_t flags = 0;
  std::string path;
  std::string target;
  std::vector<xattr> xattrs;  // sorted by name
  std::string xattr_name;
  std::uint32_t xattr_kind = 0;

  record& size(std::uint64_t value) { return raw_.size = value, know(PLK_V_SIZE); }
  record& mode(std::uint32_t value) { return raw_.mode = value & 07777u, know(PLK_V_MODE); }
  record& mtime(plk_time value) { return raw_.mtime = value, know(PLK_V_MTIME); }
  record& ctime(plk_time value) { return raw_.ctime = value, know(PLK_V_CTIME); }
  record& btime(plk_time value) { return raw_.btime = value, know(PLK_V_BTIME); }
  record& uid(std::uint64_t value) { return raw_.uid = value, know(PLK_V_UID); }
  record& gid(std::uint64_t value) { return raw_.gid = value, know(PLK_V_GID); }
  record& dev(std::uint64_t value) { return raw_.dev = value, know(PLK_V_DEV); }
  record& ino(std::uint64_t value) { return raw_.ino = value, know(PLK_V_INO); }
  record& nlink(std::uint64_t value) { return raw_.nlink = value, know(PLK_V_NLINK); }
  record& rdev(std::uint64_t value) { return raw_.rdev = value, know(PLK_V_RDEV); }
  record& user(std::string value) { return user_ = std::move(value), know(PLK_V_USER); }
  record& group(std::string value) { return group_ = std::move(value), know(PLK_V_GROUP); }
  record& change_token(std::string value) {
    return change_token_ = std::move(value), know(PLK_V_CHANGE_TOKEN);
  }
  // Makes it the report that `path` could not be read.
  record& error(plk_status code, std::string message) {
    type = PLK_R_ERROR;
    flags = 0;
    raw_.error_code = code;
    error_message_ = std::move(message);
    return *this;
  }

  void clear() {
    id = 0;
    type = PLK_R_FILE;
    flags = 0;
    path.clear();
    target.clear();
    xattrs.clear();
    xattr_name.clear();
    xattr_kind = 0;
    raw_ = plk_record();
    user_.clear();
    group_.clear();
    change_token_.clear();
    error_message_.clear();
  }

  // Fills `made`, whose pointers are good until the record changes or moves. The xattrs go to the
  // end of `store`, which must not be moved by that.
  void describe(plk_record& made, std::vector<plk_xattr>& store) const {
    made = raw_;
    made.id = id;
    made.type = type;
    made.flags = flags;
    made.path = octets(path).raw();
    made.target = octets(target).raw();
    made.xattr_count = xattrs.size();
    made.xattr_stride = sizeof(plk_xattr);
    made.xattrs = store.data() + store.size();
    for (const xattr& attribute : xattrs) {
      store.push_back(plk_xattr{octets(attribute.name).raw(), octets(attribute.value).raw(),
                                attribute.kind, 0});
    }
    made.xattr_kind = xattr_kind;
    made.xattr_name = octets(xattr_name).raw();
    made.user = octets(user_).raw();
    made.group = octets(group_).raw();
    made.change_token = octets(change_token_).raw();
    made.error_message = text(error_message_).raw();
  }

 private:
  record& know(std::uint64_t bit) {
    raw_.valid |= bit;
    return *this;
  }

  plk_record raw_ = plk_record();
  std::string user_;
  std::string group_;
  std::string change_token_;
  std::string error_message_;
};

// Records for the host. Keeps their memory from one batch to the next.
class records {
 public:
  explicit records(std::size_t room) : room_(room) {}

  // How many more there may be. Further ones are for the next time.
  std::size_t room() const { return room_ - used_; }
  std::size_t size() const { return used_; }
  // An empty record to be filled; valid until the next add().
  record& add() {
    if (used_ == room_) throw failure(PLK_E_INTERNAL, "the scan gives more records than asked for");
    if (used_ == owned_.size()) owned_.emplace_back();
    owned_[used_].clear();
    return owned_[used_++];
  }
  void add(record&& made) { add() = std::move(made); }

  void start(std::size_t room) {
    room_ = room;
    used_ = 0;
  }
  void describe(plk_record_batch& batch) {
    std::size_t xattrs = 0;
    for (std::size_t i = 0; i < used_; i++) xattrs += owned_[i].xattrs.size();
    xattrs_.clear();
    xattrs_.reserve(xattrs);
    raw_.resize(used_);
    for (std::size_t i = 0; i < used_; i++) owned_[i].describe(raw_[i], xattrs_);
    batch.record_stride = sizeof(plk_record);
    batch.records = raw_.data();
    batch.count = used_;
  }

 private:
  std::size_t room_;
  std::size_t used_ = 0;
  std::vector<record> owned_;
  std::vector<plk_record> raw_;
  std::vector<plk_xattr> xattrs_;
};

// --- Sources ----------------------------------------------------------------------------------

class reader {
 public:
  virtual ~reader() {}
  // Fills at least one byte and at most all of `out`, and says how many; 0 is the end.
  virtual std::size_t read(call& during, buffer out) = 0;
};

// One walk. Destroyed when the host is done with it.
class scan {
 public:
  virtual ~scan() {}
  // Adds up to `out.room()` records. False at the end, when nothing was added and nothing will be.
  virtual bool next(call& during, records& out) = 0;
  // The content of a record that next() has given.
  virtual std::unique_ptr<reader> open(call& during, std::uint64_t id, std::uint64_t offset) = 0;
  // With PLK_LOC_NEEDACK, for each record.
  virtual void acknowledge(call& during, std::uint64_t id, plk_status outcome) {
    static_cast<void>(during), static_cast<void>(id), static_cast<void>(outcome);
  }
};

struct amount {
  std::uint64_t items;
  std::uint64_t bytes;
};

class source : public connector {
 public:
  virtual std::unique_ptr<scan> start(call& during, const plk_scan_args& how) = 0;
  // Optional: where it is cheap to tell.
  virtual amount estimate(call& during) {
    static_cast<void>(during);
    throw failure(PLK_E_UNSUPPORTED, "this source cannot tell how much there is");
  }
};

// A scan for authors who would rather give than be asked: emit() runs on a thread of the host, and
// waits when it is too far ahead. Only with PLK_CAP_CONCURRENT, as open() runs next to it. A class
// that derives from it calls stop() in its destructor, as emit() uses its members.
class emitting_scan : public scan {
 public:
  bool next(call& during, records& out) override {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!task_ && !finished_) task_ = context_.run(&emitting_scan::run, this);
    while (queue_.size() == taken_ && !finished_) {
      // The emitter does not see the host's call: this thread looks for it.
      changed_.wait_for(lock, std::chrono::milliseconds(50));
      if (during.cancelled()) {
        stopping_ = true;
        changed_.notify_all();
        throw failure(PLK_E_CANCELLED, "cancelled");
      }
    }
    if (queue_.size() == taken_) {
      if (error_ != nullptr) std::rethrow_exception(error_);
      return false;
    }
    while (taken_ < queue_.size() && out.room() > 0) out.add(std::move(queue_[taken_++]));
    if (taken_ == queue_.size()) {
      queue_.clear();
      taken_ = 0;
      changed_.notify_all();
    }
    return true;
  }

 protected:
  explicit emitting_scan(const context& where, std::size_t ahead_max = 1024)
      : context_(where), ahead_max_(ahead_max) {}
  ~emitting_scan() override { stop(); }

  // Calls give() for each record.
  virtual void emit() = 0;

  void give(record&& made) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (queue_.size() >= ahead_max_ && !stopping_) changed_.wait(lock);
    if (stopping_) throw failure(PLK_E_CANCELLED, "cancelled");
    queue_.push_back(std::move(made));
    changed_.notify_all();
  }
  // For long pauses between records: throws when nobody waits for them any more.
  void check() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) throw failure(PLK_E_CANCELLED, "cancelled");
  }
  void stop() noexcept {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    task_.join();
  }

 private:
  static void PLK_CALL run(void* argument) {
    emitting_scan* self = static_cast<emitting_scan*>(argument);
    std::exception_ptr error;
    try {
      self->emit();
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard<std::mutex> lock(self->mutex_);
    self->error_ = error;
    self->finished_ = true;
    self->changed_.notify_all();
  }

  context context_;
  std::size_t ahead_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<record> queue_;  // those from `taken_` on are waiting
  std::size_t taken_ = 0;
  bool stopping_ = false;
  bool finished_ = false;
  std::exception_ptr error_;
  task task_;
};

// --- Destinations -----------------------------------------------------------------------------

// Content of a record. Destroyed without a successful commit() it leaves nothing.
class writer {
 public:
  virtual ~writer() {}
  virtual void write(call& during, octets bytes) = 0;
  virtual void write_zeros(call& during, std::uint64_t size) {
    static const std::uint8_t zeros[16384] = {0};
    while (size > 0) {
      const std::size_t part = size < sizeof zeros ? static_cast<std::size_t>(size) : sizeof zeros;
      during.check();
      write(during, octets(zeros, part));
      size -= part;
    }
  }
  // How many bytes there are.
  virtual std::uint64_t commit(call& during) = 0;
  // Before it is destroyed without commit(), where that takes a call.
  virtual void abort(call& during) { static_cast<void>(during); }
};

// A record that the host gives.
class given_record {
 public:
  given_record(const plk_record* record, std::uint32_t size) {
    std::memcpy(&raw_, record, size < sizeof raw_ ? size : sizeof raw_);
  }

  std::uint32_t type() const { return raw_.type; }
  octets path() const { return raw_.path; }
  octets target() const { return raw_.target; }
  bool has_data() const { return (raw_.flags & PLK_RF_HAS_DATA) != 0; }
  bool knows(std::uint64_t bit) const { return (raw_.valid & bit) != 0; }
  std::size_t xattr_count() const { return static_cast<std::size_t>(raw_.xattr_count); }
  const plk_xattr& xattr(std::size_t index) const {
    return detail::element<plk_xattr>(raw_.xattrs, raw_.xattr_stride, index);
  }
  const plk_record* operator->() const { return &raw_; }

 private:
  plk_record raw_ = plk_record();
};

// One restore. Destroyed when the host is done with it.
class restore {
 public:
  virtual ~restore() {}
  // Null for what has no content, and for what is skipped.
  virtual std::unique_ptr<writer> put(call& during, const given_record& record) = 0;
  // What can only be done at the end. Adds an error record for each path that failed; throws when
  // the whole did.
  virtual void finish(call& during, std::vector<record>& failures) = 0;
};

class destination : public connector {
 public:
  virtual std::unique_ptr<restore> start(call& during, const plk_export_args& how) = 0;
};

// --- Stores -----------------------------------------------------------------------------------

struct object {
  std::uint32_t ns;
  octets key;
  std::uint32_t flags;

  bool if_absent() const { return (flags & PLK_PUT_IF_ABSENT) != 0; }
};

struct name {
  std::string key;
  bool has_size;
  std::uint64_t size;

  explicit name(std::string key_) : key(std::move(key_)), has_size(false), size(0) {}
  name(std::string key_, std::uint64_t size_) : key(std::move(key_)), has_size(true), size(size_) {}
};

class lister {
 public:
  virtual ~lister() {}
  // Replaces `out` by at least one name, better by some thousand. False at the end of all of them.
  virtual bool next(call& during, std::vector<name>& out) = 0;
};

// A lister of names that are all known, for small stores.
class known_names : public lister {
 public:
  explicit known_names(std::vector<name> names) : names_(std::move(names)) {}
  bool next(call&, std::vector<name>& out) override {
    out = std::move(names_);
    names_.clear();
    return !out.empty();
  }

 private:
  std::vector<name> names_;
};

// An object under way. Destroyed without a successful commit() it leaves nothing.
class upload {
 public:
  virtual ~upload() {}
  virtual void write(call& during, octets bytes) = 0;
  virtual void commit(call& during, const object& as) = 0;
  // Before it is destroyed without commit(), where that takes a call.
  virtual void abort(call& during) { static_cast<void>(during); }
};

// The parts of an object, to be written one behind the other.
class parts {
 public:
  parts(const plk_bytes* raw, std::uint64_t count) : raw_(raw), count_(count) {}
  std::size_t size() const { return static_cast<std::size_t>(count_); }
  octets operator[](std::size_t index) const { return raw_[index]; }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < size(); i++) sum += raw_[i].len;
    return sum;
  }

 private:
  const plk_bytes* raw_;
  std::uint64_t count_;
};

class store : public connector {
 public:
  virtual void create(call& during, octets config) = 0;
  virtual void load(call& during, sink& config) = 0;
  virtual std::uint32_t mode(call& during) = 0;
  virtual std::uint64_t used_bytes(call& during) {
    static_cast<void>(during);
    throw failure(PLK_E_UNSUPPORTED, "this store cannot tell how much it holds");
  }
  virtual std::unique_ptr<lister> list(call& during, std::uint32_t ns, octets after) = 0;
  virtual std::uint64_t object_size(call& during, const object& which) = 0;
  // How many bytes: fewer than asked only where the object ends.
  virtual std::size_t get(call& during, const object& which, std::uint64_t offset, buffer out) = 0;
  virtual void put(call& during, const object& as, const parts& content) = 0;
  virtual void remove(call& during, const object& which) = 0;
  // Optional. Without it the host collects the pieces and calls put().
  virtual std::unique_ptr<upload> start(call& during, std::uint32_t ns, std::uint32_t flags,
                                        std::uint64_t size_hint) {
    static_cast<void>(during), static_cast<void>(ns), static_cast<void>(flags);
    static_cast<void>(size_hint);
    throw failure(PLK_E_UNSUPPORTED, "this store takes no objects in pieces");
  }
  // Optional. The last call, for what can only be written at the end.
  virtual void finish(call& during) { static_cast<void>(during); }
};

// --- Secrets and inventories ------------------------------------------------------------------

class secret_provider : public connector {
 public:
  // Returns for how many seconds the value may be kept: 0 not at all, -1 for ever.
  virtual std::int64_t find(call& during, text path, sink& value) = 0;
};

struct resource {
  std::string urn;
  std::string name;
  std::string region;
  std::string service;
  std::string type;
  std::string category;
  std::string subcategory;
  std::vector<std::string> tags;       // key, value, key, value
  std::vector<std::string> endpoints;  // type, address, type, address
  std::string details;
  plk_status error = PLK_OK;
};

class resource_lister {
 public:
  virtual ~resource_lister() {}
  // Replaces `out` by at least one resource. False at the end of all of them.
  virtual bool next(call& during, std::vector<resource>& out) = 0;
};

class inventory : public connector {
 public:
  virtual std::unique_ptr<resource_lister> list(call& during) = 0;
};

// --- From classes to tables -------------------------------------------------------------------

namespace detail {

// `struct_size` bytes of the caller's are written, and never more.
template <class T>
void give(T* to, const T& made) {
  const std::uint32_t room = to->struct_size;
  std::memcpy(to, &made, room < sizeof made ? room : sizeof made);
  to->struct_size = room;
}

template <class Handle, class T>
Handle* handle(T* object) {
  return reinterpret_cast<Handle*>(object);
}
template <class T, class Handle>
T& object_of(Handle* raw) {
  return *reinterpret_cast<T*>(raw);
}

template <class T>
T* must(std::unique_ptr<T>&& made) {
  if (made == nullptr) throw failure(PLK_E_INTERNAL, "the connector returned nothing");
  return made.release();
}

template <class T>
struct instance {
  T connector;
  place where;

  explicit instance(const opening& how) : connector(how), where(connector.where()) {}
};

template <class T>
T& connector_of(plk_instance* raw) {
  return object_of<instance<T>>(raw).connector;
}

inline plk::object view(const plk_object* raw) {
  return plk::object{raw->ns, octets(raw->key), raw->flags};
}

// What every connector has, whatever its kind.
template <class T>
struct common {
  static plk_status PLK_CALL config_check(plk_ctx*, const plk_config* raw, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      T::config_check(config(raw));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL config_choices(plk_ctx*, plk_call* during, const plk_config* raw,
                                            plk_str field, plk_sink* json, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      sink out(json);
      T::config_choices(c, config(raw), field, out);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL config_migrate(plk_ctx*, uint32_t from, uint32_t to, plk_bytes json,
                                            plk_sink* out, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      sink migrated(out);
      T::config_migrate(from, to, json, migrated);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL open(const plk_open_args* args, plk_instance** made, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      *made = handle<plk_instance>(new instance<T>(opening(*args)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL location(plk_instance* raw, plk_location* out, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      const place& where = object_of<instance<T>>(raw).where;
      plk_location made = plk_location();
      made.flags = where.flags;
      made.origin = text(where.origin).raw();
      made.type = text(where.type).raw();
      made.root = octets(where.root).raw();
      give(out, made);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL ping(plk_instance* raw, plk_call* during, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      connector_of<T>(raw).ping(c);
      return PLK_OK;
    });
  }
  static void PLK_CALL interrupt(plk_instance* raw, plk_call* blocked) {
    guarded([&] {
      call c(blocked);
      connector_of<T>(raw).interrupt(c);
    });
  }
  static void PLK_CALL close(plk_instance* raw, plk_call*) {
    guarded([&] { delete &object_of<instance<T>>(raw); });
  }

  // An inherited member has the type of the class that declares it.
  static constexpr bool interrupts() {
    return !std::is_same<decltype(&T::interrupt), decltype(&connector::interrupt)>::value;
  }

  static constexpr plk_connector make(uint32_t kind, const char* id, uint64_t caps, uint32_t schema,
                                      uint32_t max_concurrency, const void* ops) {
    return plk_connector{
        sizeof(plk_connector),
        kind,
        id,
        caps,
        schema,
        max_concurrency,
        &T::config_check == &connector::config_check ? nullptr : &config_check,
        &T::config_choices == &connector::config_choices ? nullptr : &config_choices,
        &T::config_migrate == &connector::config_migrate ? nullptr : &config_migrate,
        &open,
        &location,
        &ping,
        interrupts() ? &interrupt : nullptr,
        &close,
        ops};
  }
};

struct readers {
  static plk_status PLK_CALL read(plk_reader* raw, plk_call* during, void* buf, uint64_t cap,
                                  uint64_t* got, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *got = object_of<reader>(raw).read(c, buffer(buf, static_cast<std::size_t>(cap)));
      return *got == 0 ? PLK_END : PLK_OK;
    });
  }
  static void PLK_CALL close(plk_reader* raw, plk_call*) {
    guarded([&] { delete &object_of<reader>(raw); });
  }
};

template <class Unused>
struct reader_table {
  static const plk_reader_ops ops;
};
template <class Unused>
const plk_reader_ops reader_table<Unused>::ops = {sizeof(plk_reader_ops), 0, &readers::read,
                                                  nullptr, &readers::close};

struct open_scan {
  std::unique_ptr<scan> author;
  records batch;
  std::size_t room;

  open_scan(std::unique_ptr<scan> author_, std::size_t room_)
      : author(std::move(author_)), batch(room_), room(room_) {}
};

template <class T>
struct source_table {
  static plk_status PLK_CALL scan_open(plk_instance* raw, plk_call* during,
                                       const plk_scan_args* args, plk_scan** made, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      std::unique_ptr<scan> author(must(connector_of<T>(raw).start(c, *args)));
      const std::size_t room = args->max_batch == 0 ? 1 : args->max_batch;
      *made = handle<plk_scan>(new open_scan(std::move(author), room));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL scan_next(plk_scan* raw, plk_call* during, plk_record_batch* batch,
                                       plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      open_scan& opened = object_of<open_scan>(raw);
      opened.batch.start(opened.room);
      while (opened.batch.size() == 0) {
        if (!opened.author->next(c, opened.batch)) break;
        c.check();
      }
      if (opened.batch.size() == 0) return PLK_END;
      plk_record_batch made = plk_record_batch();
      opened.batch.describe(made);
      give(batch, made);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL record_open(plk_scan* raw, plk_call* during, uint64_t id,
                                         uint64_t offset, plk_reader** made, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *made = handle<plk_reader>(must(object_of<open_scan>(raw).author->open(c, id, offset)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL scan_ack(plk_scan* raw, plk_call* during, const uint64_t* ids,
                                      const plk_status* statuses, uint64_t count, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      scan& author = *object_of<open_scan>(raw).author;
      for (uint64_t i = 0; i < count; i++) author.acknowledge(c, ids[i], statuses[i]);
      return PLK_OK;
    });
  }
  static void PLK_CALL scan_close(plk_scan* raw, plk_call*) {
    guarded([&] { delete &object_of<open_scan>(raw); });
  }
  static plk_status PLK_CALL estimate(plk_instance* raw, plk_call* during, const plk_scan_args*,
                                      uint64_t* items, uint64_t* bytes, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      const amount there = connector_of<T>(raw).estimate(c);
      *items = there.items;
      *bytes = there.bytes;
      return PLK_OK;
    });
  }
  static constexpr bool estimates() {
    return !std::is_same<decltype(&T::estimate), decltype(&source::estimate)>::value;
  }
  static const plk_importer_ops ops;
};
template <class T>
const plk_importer_ops source_table<T>::ops = {sizeof(plk_importer_ops),
                                               0,
                                               &source_table::scan_open,
                                               &source_table::scan_next,
                                               &source_table::record_open,
                                               &source_table::scan_ack,
                                               &source_table::scan_close,
                                               &reader_table<void>::ops,
                                               estimates() ? &source_table::estimate : nullptr};

struct writers {
  static plk_status PLK_CALL write(plk_writer* raw, plk_call* during, const void* data,
                                   uint64_t size, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      object_of<writer>(raw).write(c, octets(data, static_cast<std::size_t>(size)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL commit(plk_writer* raw, plk_call* during, uint64_t* bytes,
                                    plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      const std::unique_ptr<writer> owned(&object_of<writer>(raw));
      *bytes = owned->commit(c);
      return PLK_OK;
    });
  }
  static void PLK_CALL abort(plk_writer* raw, plk_call* during) {
    guarded([&] {
      call c(during);
      const std::unique_ptr<writer> owned(&object_of<writer>(raw));
      owned->abort(c);
    });
  }
  static plk_status PLK_CALL write_zeros(plk_writer* raw, plk_call* during, uint64_t size,
                                         plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      object_of<writer>(raw).write_zeros(c, size);
      return PLK_OK;
    });
  }
};

template <class Unused>
struct writer_table {
  static const plk_writer_ops ops;
};
template <class Unused>
const plk_writer_ops writer_table<Unused>::ops = {sizeof(plk_writer_ops), 0,
                                                  &writers::write,        &writers::commit,
                                                  &writers::abort,        &writers::write_zeros};

struct open_restore {
  std::unique_ptr<restore> author;
  records failures{0};
  bool finished = false;

  explicit open_restore(std::unique_ptr<restore> author_) : author(std::move(author_)) {}
};

template <class T>
struct destination_table {
  static plk_status PLK_CALL export_open(plk_instance* raw, plk_call* during,
                                         const plk_export_args* args, plk_export** made,
                                         plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      std::unique_ptr<restore> author(must(connector_of<T>(raw).start(c, *args)));
      *made = handle<plk_export>(new open_restore(std::move(author)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL put(plk_export* raw, plk_call* during, const plk_record* given,
                                 uint32_t size, plk_writer** made, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      restore& author = *object_of<open_restore>(raw).author;
      *made = handle<plk_writer>(author.put(c, given_record(given, size)).release());
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL export_finish(plk_export* raw, plk_call* during,
                                           plk_record_batch* failures, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      open_restore& opened = object_of<open_restore>(raw);
      if (opened.finished) return PLK_END;
      std::vector<record> failed;
      opened.author->finish(c, failed);
      opened.finished = true;
      if (failed.empty()) return PLK_END;
      opened.failures.start(failed.size());
      for (record& one : failed) opened.failures.add(std::move(one));
      plk_record_batch made = plk_record_batch();
      opened.failures.describe(made);
      give(failures, made);
      return PLK_OK;
    });
  }
  static void PLK_CALL export_close(plk_export* raw, plk_call*) {
    guarded([&] { delete &object_of<open_restore>(raw); });
  }
  static const plk_exporter_ops ops;
};
template <class T>
const plk_exporter_ops destination_table<T>::ops = {
    sizeof(plk_exporter_ops),          0,
    &destination_table::export_open,   &destination_table::put,
    &destination_table::export_finish, &destination_table::export_close,
    &writer_table<void>::ops};

struct open_lister {
  std::unique_ptr<lister> author;
  std::vector<name> names;
  std::vector<plk_name> raw;

  explicit open_lister(std::unique_ptr<lister> author_) : author(std::move(author_)) {}
};

template <class T>
struct store_table {
  static plk_status PLK_CALL create(plk_instance* raw, plk_call* during, plk_bytes config,
                                    plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      connector_of<T>(raw).create(c, config);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL load(plk_instance* raw, plk_call* during, plk_sink* config,
                                  plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      sink out(config);
      connector_of<T>(raw).load(c, out);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL mode(plk_instance* raw, plk_call* during, uint32_t* mode,
                                  plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *mode = connector_of<T>(raw).mode(c);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL used_bytes(plk_instance* raw, plk_call* during, uint64_t* bytes,
                                        plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *bytes = connector_of<T>(raw).used_bytes(c);
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL list_open(plk_instance* raw, plk_call* during, uint32_t ns,
                                       plk_bytes after, plk_lister** made, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      std::unique_ptr<lister> author(must(connector_of<T>(raw).list(c, ns, after)));
      *made = handle<plk_lister>(new open_lister(std::move(author)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL list_next(plk_lister* raw, plk_call* during, plk_name_batch* batch,
                                       plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      open_lister& opened = object_of<open_lister>(raw);
      opened.names.clear();
      while (opened.names.empty()) {
        if (!opened.author->next(c, opened.names)) break;
        c.check();
      }
      if (opened.names.empty()) return PLK_END;
      opened.raw.clear();
      opened.raw.reserve(opened.names.size());
      for (const name& one : opened.names) {
        plk_name made = plk_name();
        made.key = octets(one.key).raw();
        if (one.has_size) made.valid = PLK_N_SIZE;
        made.size = one.size;
        opened.raw.push_back(made);
      }
      plk_name_batch made = plk_name_batch();
      made.name_stride = sizeof(plk_name);
      made.names = opened.raw.data();
      made.count = opened.raw.size();
      give(batch, made);
      return PLK_OK;
    });
  }
  static void PLK_CALL list_close(plk_lister* raw, plk_call*) {
    guarded([&] { delete &object_of<open_lister>(raw); });
  }
  static plk_status PLK_CALL object_size(plk_instance* raw, plk_call* during,
                                         const plk_object* which, uint64_t* bytes, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *bytes = connector_of<T>(raw).object_size(c, view(which));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL get(plk_instance* raw, plk_call* during, const plk_object* which,
                                 uint64_t offset, void* buf, uint64_t cap, uint64_t* got,
                                 plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *got = connector_of<T>(raw).get(c, view(which), offset,
                                      buffer(buf, static_cast<std::size_t>(cap)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL put(plk_instance* raw, plk_call* during, const plk_object* as,
                                 const plk_bytes* content, uint64_t count, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      connector_of<T>(raw).put(c, view(as), parts(content, count));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL del(plk_instance* raw, plk_call* during, const plk_object* which,
                                 plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      connector_of<T>(raw).remove(c, view(which));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL upload_open(plk_instance* raw, plk_call* during, uint32_t ns,
                                         uint32_t flags, uint64_t size_hint, plk_upload** made,
                                         plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      *made = handle<plk_upload>(must(connector_of<T>(raw).start(c, ns, flags, size_hint)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL upload_write(plk_upload* raw, plk_call* during, const void* data,
                                          uint64_t size, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      object_of<upload>(raw).write(c, octets(data, static_cast<std::size_t>(size)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL upload_commit(plk_upload* raw, plk_call* during, const plk_object* as,
                                           plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      const std::unique_ptr<upload> owned(&object_of<upload>(raw));
      owned->commit(c, view(as));
      return PLK_OK;
    });
  }
  static void PLK_CALL upload_abort(plk_upload* raw, plk_call* during) {
    guarded([&] {
      call c(during);
      const std::unique_ptr<upload> owned(&object_of<upload>(raw));
      owned->abort(c);
    });
  }
  static plk_status PLK_CALL finish(plk_instance* raw, plk_call* during, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      connector_of<T>(raw).finish(c);
      return PLK_OK;
    });
  }
  static constexpr bool uploads() {
    return !std::is_same<decltype(&T::start), decltype(&store::start)>::value;
  }
  static constexpr bool finishes() {
    return !std::is_same<decltype(&T::finish), decltype(&store::finish)>::value;
  }
  static const plk_storage_ops ops;
};
template <class T>
const plk_storage_ops store_table<T>::ops = {sizeof(plk_storage_ops),
                                             0,
                                             &store_table::create,
                                             &store_table::load,
                                             &store_table::mode,
                                             &store_table::used_bytes,
                                             &store_table::list_open,
                                             &store_table::list_next,
                                             &store_table::list_close,
                                             &store_table::object_size,
                                             &store_table::get,
                                             &store_table::put,
                                             &store_table::del,
                                             nullptr,
                                             nullptr,
                                             uploads() ? &store_table::upload_open : nullptr,
                                             uploads() ? &store_table::upload_write : nullptr,
                                             uploads() ? &store_table::upload_commit : nullptr,
                                             uploads() ? &store_table::upload_abort : nullptr,
                                             finishes() ? &store_table::finish : nullptr};

template <class T>
struct secrets_table {
  static plk_status PLK_CALL get(plk_instance* raw, plk_call* during, plk_str path, plk_sink* value,
                                 int64_t* ttl_s, plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      sink out(value);
      *ttl_s = connector_of<T>(raw).find(c, path, out);
      return PLK_OK;
    });
  }
  static const plk_secrets_ops ops;
};
template <class T>
const plk_secrets_ops secrets_table<T>::ops = {sizeof(plk_secrets_ops), 0, &secrets_table::get};

struct open_resources {
  std::unique_ptr<resource_lister> author;
  std::vector<resource> owned;
  std::vector<plk_str> pairs;
  std::vector<plk_resource> raw;

  explicit open_resources(std::unique_ptr<resource_lister> author_) : author(std::move(author_)) {}

  void describe() {
    std::size_t count = 0;
    for (const resource& one : owned) count += one.tags.size() + one.endpoints.size();
    pairs.clear();
    pairs.reserve(count);  // Pointers into it stay good.
    raw.clear();
    for (const resource& one : owned) {
      plk_resource made = plk_resource();
      made.urn = text(one.urn).raw();
      made.name = text(one.name).raw();
      made.region = text(one.region).raw();
      made.service = text(one.service).raw();
      made.resource = text(one.type).raw();
      made.category = text(one.category).raw();
      made.subcategory = text(one.subcategory).raw();
      made.tags = pairs.data() + pairs.size();
      made.tag_count = one.tags.size();
      for (const std::string& tag : one.tags) pairs.push_back(text(tag).raw());
      made.endpoints = pairs.data() + pairs.size();
      made.endpoint_count = one.endpoints.size();
      for (const std::string& endpoint : one.endpoints) pairs.push_back(text(endpoint).raw());
      made.details = octets(one.details).raw();
      made.error_code = one.error;
      raw.push_back(made);
    }
  }
};

template <class T>
struct inventory_table {
  static plk_status PLK_CALL list_open(plk_instance* raw, plk_call* during, plk_lister** made,
                                       plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      std::unique_ptr<resource_lister> author(must(connector_of<T>(raw).list(c)));
      *made = handle<plk_lister>(new open_resources(std::move(author)));
      return PLK_OK;
    });
  }
  static plk_status PLK_CALL list_next(plk_lister* raw, plk_call* during, plk_resource_batch* batch,
                                       plk_error* err) {
    return guarded(err, [&]() -> plk_status {
      call c(during);
      open_resources& opened = object_of<open_resources>(raw);
      opened.owned.clear();
      while (opened.owned.empty()) {
        if (!opened.author->next(c, opened.owned)) break;
        c.check();
      }
      if (opened.owned.empty()) return PLK_END;
      opened.describe();
      plk_resource_batch made = plk_resource_batch();
      made.resource_stride = sizeof(plk_resource);
      made.resources = opened.raw.data();
      made.count = opened.raw.size();
      give(batch, made);
      return PLK_OK;
    });
  }
  static void PLK_CALL list_close(plk_lister* raw, plk_call*) {
    guarded([&] { delete &object_of<open_resources>(raw); });
  }
  static const plk_inventory_ops ops;
};
template <class T>
const plk_inventory_ops inventory_table<T>::ops = {
    sizeof(plk_inventory_ops), 0, &inventory_table::list_open, &inventory_table::list_next,
    &inventory_table::list_close};

inline void PLK_CALL shut_down() {}

inline plk_status enter(const plk_entry_args* args, const plk_plugin* ours, const plk_plugin** out,
                        plk_error* err) {
  if (args->abi_major != PLK_ABI_MAJOR) {
    return plk_fail(err, PLK_E_ABI, "this module is built for version 1 of the connector ABI");
  }
  host() = args->host;
  module_ctx() = args->ctx;
  *out = ours;
  return PLK_OK;
}

}  // namespace detail

// The module's own context, for what belongs to no instance.
inline context module_context() { return context(detail::module_ctx()); }

// One connector: `id` as in the manifest, PLK_CAP_*, the version of its configuration's schema, and
// how many calls at once are worth it (0: the host's choice). T has a constructor that takes
// `const plk::opening&`.
template <class T>
constexpr plk_connector source_connector(const char* id, std::uint64_t caps, std::uint32_t schema,
                                         std::uint32_t max_concurrency = 0) {
  static_assert(std::is_base_of<source, T>::value, "T is a plk::source");
  return detail::common<T>::make(PLK_KIND_IMPORTER, id, caps, schema, max_concurrency,
                                 &detail::source_table<T>::ops);
}
template <class T>
constexpr plk_connector destination_connector(const char* id, std::uint64_t caps,
                                              std::uint32_t schema,
                                              std::uint32_t max_concurrency = 0) {
  static_assert(std::is_base_of<destination, T>::value, "T is a plk::destination");
  return detail::common<T>::make(PLK_KIND_EXPORTER, id, caps, schema, max_concurrency,
                                 &detail::destination_table<T>::ops);
}
template <class T>
constexpr plk_connector store_connector(const char* id, std::uint64_t caps, std::uint32_t schema,
                                        std::uint32_t max_concurrency = 0) {
  static_assert(std::is_base_of<store, T>::value, "T is a plk::store");
  return detail::common<T>::make(PLK_KIND_STORAGE, id, caps, schema, max_concurrency,
                                 &detail::store_table<T>::ops);
}
template <class T>
constexpr plk_connector secrets_connector(const char* id, std::uint64_t caps, std::uint32_t schema,
                                          std::uint32_t max_concurrency = 0) {
  static_assert(std::is_base_of<secret_provider, T>::value, "T is a plk::secret_provider");
  return detail::common<T>::make(PLK_KIND_SECRETS, id, caps, schema, max_concurrency,
                                 &detail::secrets_table<T>::ops);
}
template <class T>
constexpr plk_connector inventory_connector(const char* id, std::uint64_t caps,
                                            std::uint32_t schema,
                                            std::uint32_t max_concurrency = 0) {
  static_assert(std::is_base_of<inventory, T>::value, "T is a plk::inventory");
  return detail::common<T>::make(PLK_KIND_INVENTORY, id, caps, schema, max_concurrency,
                                 &detail::inventory_table<T>::ops);
}

}  // namespace plk

// The entry of a module: its name and version, as in the manifest, and pointers to its connectors.
// Once, at file scope, without a semicolon.
#define PLK_PLUGIN(NAME, VERSION, ...)                                                             \
  PLK_NOTE(NAME, VERSION, 0);                                                                      \
  static const plk_connector* const plk_connectors_[] = {__VA_ARGS__};                             \
  static const plk_plugin plk_plugin_ = {PLK_MAGIC,                                                \
                                         sizeof(plk_plugin),                                       \
                                         PLK_TARGET_MINOR,                                         \
                                         0,                                                        \
                                         NAME,                                                     \
                                         VERSION,                                                  \
                                         plk_connectors_,                                          \
                                         sizeof(plk_connectors_) / sizeof(plk_connectors_[0]),     \
                                         0,                                                        \
                                         &::plk::detail::shut_down,                                \
                                         nullptr};                                                 \
  extern "C" PLK_EXPORT plk_status PLK_CALL PLK_ENTRY(const plk_entry_args* args,                  \
                                                      const plk_plugin** plugin, plk_error* err) { \
    return ::plk::detail::enter(args, &plk_plugin_, plugin, err);                                  \
  }

#endif  // PLAKAR_CONNECTOR_HPP
