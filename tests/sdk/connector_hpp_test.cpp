// What <plakar/connector.hpp> does between a class and the C tables, tried without loading a
// module.
#include <doctest/doctest.h>
#include <plakar/connector.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

struct plk_call {
  std::atomic<bool> cancelled{false};
};
struct plk_sink {
  std::string bytes;
};
struct plk_task {
  std::thread thread;
};

namespace {

std::int32_t call_cancelled(plk_call* call) { return call->cancelled ? 1 : 0; }
plk_status sink_write(plk_sink* sink, const void* data, std::uint64_t size) {
  if (sink->bytes.size() + size > 100) return PLK_E_NO_SPACE;
  sink->bytes.append(static_cast<const char*>(data), size);
  return PLK_OK;
}
plk_status run(plk_ctx*, void (*function)(void*), void* argument, plk_task** task) {
  *task = new plk_task{std::thread(function, argument)};
  return PLK_OK;
}
void join(plk_ctx*, plk_task* task) {
  task->thread.join();
  delete task;
}
plk_status secret_refresh(plk_ctx*, plk_call*, plk_str, void* value, std::uint64_t cap,
                          std::uint64_t* size, plk_error* err) {
  const std::string secret(1000, 's');
  *size = secret.size();
  if (cap < secret.size()) return plk_fail(err, PLK_E_INVALID_ARG, "too small");
  secret.copy(static_cast<char*>(value), secret.size());
  return PLK_OK;
}

struct Host {
  plk_host_api table{};
  Host() {
    table.struct_size = sizeof table;
    table.call_cancelled = call_cancelled;
    table.sink_write = sink_write;
    table.run = run;
    table.join = join;
    table.secret_refresh = secret_refresh;
    plk::detail::host() = &table;
  }
};
const Host host;

struct Error : plk_error {
  char text[32] = {};
  Error() : plk_error() {
    struct_size = sizeof(plk_error);
    plk_error::message = text;
    message_cap = sizeof text;
  }
  std::string message_text() const {
    return {text, message_len < sizeof text ? message_len : sizeof text};
  }
};

// What the store's mode() throws.
enum class Throws { nothing, failure, bad_alloc, exception, number };
Throws throws = Throws::nothing;

class Store : public plk::store {
 public:
  explicit Store(const plk::opening& how) {
    if (how.config().boolean("refuse", false)) throw plk::failure(PLK_E_CONFIG, "refused");
    port = static_cast<std::size_t>(how.config().integer("port", 443));
  }
  plk::place where() const override { return plk::place("origin", "type", "/root"); }
  void ping(plk::call&) override {}
  void create(plk::call&, plk::octets) override {}
  void load(plk::call&, plk::sink& config) override { config.write(std::string(port, 'x')); }
  std::uint32_t mode(plk::call&) override {
    switch (throws) {
      case Throws::nothing:
        return PLK_MODE_READ;
      case Throws::failure:
        throw plk::failure(PLK_E_THROTTLED, "slow down").retry_after_ms(250).vendor("SlowDown");
      case Throws::bad_alloc:
        throw std::bad_alloc();
      case Throws::exception:
        throw std::out_of_range("out of range");
      case Throws::number:
        throw 42;
    }
    return 0;
  }
  std::unique_ptr<plk::lister> list(plk::call&, std::uint32_t, plk::octets) override {
    return nullptr;
  }
  std::uint64_t object_size(plk::call&, const plk::object&) override { return 0; }
  std::size_t get(plk::call&, const plk::object&, std::uint64_t, plk::buffer) override { return 0; }
  void put(plk::call&, const plk::object&, const plk::parts&) override {}
  void remove(plk::call&, const plk::object&) override {}

  std::size_t port = 0;
};

class UploadingStore : public Store {
 public:
  using Store::Store;
  std::unique_ptr<plk::upload> start(plk::call&, std::uint32_t, std::uint32_t,
                                     std::uint64_t) override {
    return nullptr;
  }
  void finish(plk::call&) override {}
  void interrupt(plk::call&) override {}
  static void config_check(const plk::config& config) { config.required("location"); }
};

constexpr plk_connector plain = plk::store_connector<Store>("plain", 0, 1);
constexpr plk_connector uploading =
    plk::store_connector<UploadingStore>("uploading", PLK_CAP_INTERRUPT, 1);

const plk_storage_ops& ops_of(const plk_connector& connector) {
  return *static_cast<const plk_storage_ops*>(connector.ops);
}

plk_cfg_entry entry(const char* key, const char* value, std::uint32_t type, std::int64_t number) {
  plk_cfg_entry made{};
  made.key = plk::text(key).raw();
  made.value = plk::text(value).raw();
  made.type = type;
  made.i = number;
  made.d = static_cast<double>(number);
  return made;
}

struct Opened {
  plk_instance* raw = nullptr;
  plk_call call;
  plk_status status;
  Error error;

  explicit Opened(std::vector<plk_cfg_entry> entries) {
    plk_config config{};
    config.struct_size = sizeof config;
    config.entry_stride = sizeof(plk_cfg_entry);
    config.entries = entries.data();
    config.count = entries.size();
    plk_open_args args{};
    args.struct_size = sizeof args;
    args.config = &config;
    args.call = &call;
    status = plain.open(&args, &raw, &error);
  }
  ~Opened() {
    if (raw != nullptr) plain.close(raw, &call);
  }
};

template <class Function>
bool there(Function* function) {
  return function != nullptr;
}

TEST_SUITE("the C++ layer of connectors") {
  TEST_CASE("whatever is thrown becomes a status at the seam") {
    Opened opened({});
    REQUIRE(opened.status == PLK_OK);
    const struct {
      Throws what;
      plk_status status;
      const char* message;
    } cases[] = {{Throws::failure, PLK_E_THROTTLED, "slow down"},
                 {Throws::bad_alloc, PLK_E_NO_MEMORY, "out of memory"},
                 {Throws::exception, PLK_E_INTERNAL, "out of range"},
                 {Throws::number, PLK_E_INTERNAL, "the connector threw something th"}};
    for (const auto& one : cases) {
      throws = one.what;
      Error error;
      std::uint32_t mode = 0;
      CHECK(ops_of(plain).mode(opened.raw, &opened.call, &mode, &error) == one.status);
      CHECK(error.code == one.status);
      CHECK(error.message_text() == one.message);
      CHECK(ops_of(plain).mode(opened.raw, &opened.call, &mode, nullptr) == one.status);
      if (one.what == Throws::failure) {
        CHECK(std::string(error.vendor) == "SlowDown");
        CHECK(error.retry_after_ms == 250);
        CHECK((error.flags & PLK_ERRF_RETRYABLE) != 0);
      }
    }
    throws = Throws::nothing;
    std::uint32_t mode = 0;
    CHECK(ops_of(plain).mode(opened.raw, &opened.call, &mode, nullptr) == PLK_OK);
    CHECK(mode == PLK_MODE_READ);
  }

  TEST_CASE("a connector that gives nothing where something is due is an internal error") {
    Opened opened({});
    plk_lister* lister = nullptr;
    Error error;
    CHECK(ops_of(plain).list_open(opened.raw, &opened.call, 1, plk_bytes{}, &lister, &error) ==
          PLK_E_INTERNAL);
    CHECK(lister == nullptr);
  }

  TEST_CASE("optional functions are in the tables of who overrides them") {
    CHECK_FALSE(there(ops_of(plain).upload_open));
    CHECK_FALSE(there(ops_of(plain).upload_commit));
    CHECK_FALSE(there(ops_of(plain).finish));
    CHECK_FALSE(there(plain.interrupt));
    CHECK_FALSE(there(plain.config_check));
    CHECK_FALSE(there(plain.config_choices));
    CHECK(there(ops_of(uploading).upload_open));
    CHECK(there(ops_of(uploading).upload_abort));
    CHECK(there(ops_of(uploading).finish));
    CHECK(there(uploading.interrupt));
    CHECK(there(uploading.config_check));
    CHECK_FALSE(there(uploading.config_migrate));
  }

  TEST_CASE("a constructor that throws opens nothing") {
    Opened opened({entry("refuse", "true", PLK_T_BOOL, 1)});
    CHECK(opened.status == PLK_E_CONFIG);
    CHECK(opened.raw == nullptr);
    CHECK(opened.error.message_text() == "refused");
  }

  TEST_CASE("a key of another type is an error that names it") {
    Opened opened({entry("port", "many", PLK_T_STRING, 0)});
    CHECK(opened.status == PLK_E_CONFIG);
    CHECK(opened.error.message_text() == "port must be an integer");
  }

  TEST_CASE("what a sink refuses is the error of the function") {
    Opened small({entry("port", "10", PLK_T_INT, 10)});
    Opened large({entry("port", "101", PLK_T_INT, 101)});
    plk_sink sink;
    CHECK(ops_of(plain).load(small.raw, &small.call, &sink, nullptr) == PLK_OK);
    CHECK(sink.bytes == std::string(10, 'x'));
    CHECK(ops_of(plain).load(large.raw, &large.call, &sink, nullptr) == PLK_E_NO_SPACE);
  }

  TEST_CASE("a message is never cut within a character") {
    Error error;
    plk_fail(&error, PLK_E_IO, "thirty-one bytes before this: \xC3\xA4\xC3\xA4");
    CHECK(error.message_len == 34);
    CHECK(std::string(error.text, 32) == "thirty-one bytes before this: \xC3\xA4");
    error.message_cap = 31;
    std::memset(error.text, '#', sizeof error.text);
    plk_fail(&error, PLK_E_IO, "thirty-one bytes before this: \xC3\xA4\xC3\xA4");
    CHECK(std::string(error.text, 32) == "thirty-one bytes before this: ##");
  }

  TEST_CASE("a message has one line") {
    Error error;
    plk_fail(&error, PLK_E_IO, "cannot read /a\nb");
    CHECK(error.message_text() == "cannot read /a b");
  }

  TEST_CASE("a secret of any length is resolved again") {
    plk_call call;
    plk::call during(&call);
    CHECK(plk::context(nullptr).refresh_secret(during, "key") == std::string(1000, 's'));
  }

  TEST_CASE("a location loses its scheme, with and without slashes") {
    plk_open_args args{};
    const auto rest = [&](const char* protocol, const char* location) {
      args.protocol = plk::text(protocol).raw();
      args.location = plk::text(location).raw();
      return plk::opening(args).rest();
    };
    CHECK(rest("s3", "s3://host/bucket") == "host/bucket");
    CHECK(rest("s3", "s3:host/bucket") == "host/bucket");
    CHECK(rest("fs", "fs:///root") == "/root");
    CHECK(rest("fs", "fs:/root") == "/root");
  }

  TEST_CASE("give() fills no more than the caller has room for") {
    struct {
      plk_name_batch known;
      std::uint64_t behind;
    } caller{};
    caller.behind = 7;
    caller.known.struct_size = 16;  // of a host that knows only the first two members
    plk_name_batch made{};
    made.name_stride = 8;
    made.names = &made;
    made.count = 3;
    plk::detail::give(&caller.known, made);
    CHECK(caller.known.struct_size == 16);
    CHECK(caller.known.names == &made);
    CHECK(caller.known.count == 0);
    CHECK(caller.behind == 7);
  }
}

// Gives `count` records, then fails if it is to.
class Emitter : public plk::emitting_scan {
 public:
  Emitter(std::size_t count, bool fails)
      : emitting_scan(plk::context(nullptr), 4), count_(count), fails_(fails) {}
  ~Emitter() override { stop(); }
  std::unique_ptr<plk::reader> open(plk::call&, std::uint64_t, std::uint64_t) override {
    return nullptr;
  }
  std::atomic<std::size_t> given{0};

 protected:
  void emit() override {
    for (std::size_t i = 0; i < count_; i++) {
      plk::record made;
      made.id = i;
      give(std::move(made));
      given++;
    }
    if (fails_) throw plk::failure(PLK_E_IO, "the disk went away");
  }

 private:
  std::size_t count_;
  bool fails_;
};

TEST_SUITE("an emitting scan") {
  TEST_CASE("gives every record once, in order, never far ahead") {
    plk_call raw;
    plk::call during(&raw);
    Emitter scan(1000, false);
    plk::records out(7);
    std::size_t seen = 0;
    while (scan.next(during, out)) {
      seen += out.size();
      CHECK(out.size() <= 7);
      CHECK(scan.given <= seen + 2 * 4);
      out.start(7);
    }
    CHECK(seen == 1000);
    CHECK_FALSE(scan.next(during, out));
  }

  TEST_CASE("tells of its failure behind what it gave") {
    plk_call raw;
    plk::call during(&raw);
    Emitter scan(3, true);
    plk::records out(10);
    std::size_t seen = 0;
    CHECK_THROWS_AS(
        while (scan.next(during, out)) {
          seen += out.size();
          out.start(10);
        },
        plk::failure);
    CHECK(seen == 3);
  }

  TEST_CASE("ends when it is destroyed, however far it is") {
    plk_call raw;
    plk::call during(&raw);
    plk::records out(1);
    {
      Emitter scan(1000000, false);
      CHECK(scan.next(during, out));
    }
    {
      Emitter never_started(10, false);
    }
    CHECK(out.size() == 1);
  }

  TEST_CASE("notices that the call was cancelled") {
    plk_call raw;
    raw.cancelled = true;
    plk::call during(&raw);
    class Silent : public Emitter {
     public:
      Silent() : Emitter(0, false) {}
      ~Silent() override { stop(); }

     protected:
      void emit() override {
        for (;;) {
          check();
          std::this_thread::yield();
        }
      }
    } scan;
    plk::records out(1);
    CHECK_THROWS_AS(scan.next(during, out), plk::failure);
  }
}

}  // namespace
