// Modules that end, hang, or write nonsense, in each function in turn: the host lives, the call
// fails and says what happened where, and nothing is left over.
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "core/base/testing/stepped_clock.h"
#include "core/host/worker/module.h"
#include "core/host/worker/testing/trial_host.h"
#include "core/host/worker/testing/trial_subject.h"

namespace plakar::host::worker {
namespace {

using namespace std::chrono_literals;
using namespace testing;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

// Everything there is between two tests must be there again.
struct Leftovers {
  static int count(const char* directory) {
    int entries = 0;
    DIR* opened = ::opendir(directory);
    REQUIRE(opened != nullptr);
    while (::readdir(opened) != nullptr) ++entries;
    ::closedir(opened);
    return entries;
  }
  int descriptors = count("/proc/self/fd");
  int threads = count("/proc/self/task");

  void check() const {
    CHECK(count("/proc/self/fd") == descriptors);
    // A joined thread takes a moment to leave /proc.
    for (int i = 0; i < 1000 && count("/proc/self/task") > threads; ++i) {
      std::this_thread::yield();
    }
    CHECK(count("/proc/self/task") == threads);
    // No child is left, not even one to be waited for.
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
  }
};

struct Fixture {
  explicit Fixture(WorkerModuleSettings settings = impatient()) {
    auto made = Supervisor::create();
    REQUIRE(made);
    supervisor = std::move(*made);
    auto created = WorkerModule::create(*supervisor, clock, std::move(settings), host.entry_args());
    REQUIRE_MESSAGE(created, (created ? "" : created.error().message()));
    module = std::move(*created);
  }
  static WorkerModuleSettings impatient() {
    WorkerModuleSettings settings = trial_settings();
    settings.worker.grace = 200ms;
    settings.worker.clean_up_time = 200ms;
    return settings;
  }
  Subject subject() { return {host, module->plugin()}; }

  TrialHost host;
  plakar::testing::SteppedClock clock;
  std::unique_ptr<Supervisor> supervisor;
  std::unique_ptr<WorkerModule> module;
};

constexpr std::int64_t deadline_ms = 300;
// Where the fault is not to be slow: but a sanitizer takes its time to report one.
constexpr std::int64_t patience_ms = 60'000;

// Calls every function of the kind until one fails, and gives its status. Everything that was
// opened is closed.
struct Journey {
  TrialCall& call;
  TrialError& error;
  std::string buffer = std::string(std::size_t{1} << 20, 'b');

  plk_call* c() { return call.handle(); }
  plk_error* e() { return &error.err; }

  plk_status of_instance(const plk_connector& connector, plk_instance* instance) {
    plk_location location{};
    location.struct_size = sizeof location;
    if (plk_status s = connector.location(instance, &location, e()); s != PLK_OK) return s;
    return connector.ping(instance, c(), e());
  }

  plk_status read_all(const plk_reader_ops& ops, plk_reader* reader) {
    plk_status status = PLK_OK;
    std::uint64_t got = 0;
    while (status == PLK_OK) {
      status = ops.read(reader, c(), buffer.data(), buffer.size(), &got, e());
    }
    ops.close(reader, nullptr);
    return status == PLK_END ? PLK_OK : status;
  }

  plk_status import(const plk_importer_ops& ops, plk_instance* instance) {
    plk_scan_args args{};
    args.struct_size = sizeof args;
    args.max_batch = 2;
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    if (plk_status s = ops.estimate(instance, c(), &args, &items, &bytes, e()); s != PLK_OK) {
      return s;
    }
    plk_scan* scan = nullptr;
    if (plk_status s = ops.scan_open(instance, c(), &args, &scan, e()); s != PLK_OK) return s;
    plk_status status = scan_all(ops, scan);
    ops.scan_close(scan, nullptr);
    return status;
  }
  plk_status scan_all(const plk_importer_ops& ops, plk_scan* scan) {
    plk_record_batch batch{};
    batch.struct_size = sizeof batch;
    if (plk_status s = ops.scan_next(scan, c(), &batch, e()); s != PLK_OK) return s;
    plk_reader* reader = nullptr;
    if (plk_status s = ops.record_open(scan, c(), 0, 0, &reader, e()); s != PLK_OK) return s;
    if (plk_status s = read_all(*ops.reader, reader); s != PLK_OK) return s;
    const std::uint64_t id = 0;
    const plk_status fine = PLK_OK;
    return ops.scan_ack(scan, c(), &id, &fine, 1, e());
  }

  plk_status write_one(const plk_exporter_ops& ops, plk_export* exported, bool commit) {
    plk_record record{};
    record.type = PLK_R_FILE;
    record.flags = PLK_RF_HAS_DATA;
    record.path = octets("/file");
    plk_writer* writer = nullptr;
    if (plk_status s = ops.put(exported, c(), &record, sizeof record, &writer, e()); s != PLK_OK) {
      return s;
    }
    plk_status status = PLK_OK;
    for (int i = 0; i < 3 && status == PLK_OK; ++i) {
      status = ops.writer->write(writer, c(), buffer.data(), buffer.size(), e());
    }
    if (status == PLK_OK) status = ops.writer->write_zeros(writer, c(), 10, e());
    std::uint64_t bytes = 0;
    if (status == PLK_OK && commit) return ops.writer->commit(writer, c(), &bytes, e());
    ops.writer->abort(writer, nullptr);
    return status;
  }
  plk_status restore(const plk_exporter_ops& ops, plk_instance* instance) {
    plk_export_args args{};
    args.struct_size = sizeof args;
    plk_export* exported = nullptr;
    if (plk_status s = ops.export_open(instance, c(), &args, &exported, e()); s != PLK_OK) {
      return s;
    }
    plk_status status = write_one(ops, exported, true);
    if (status == PLK_OK) status = write_one(ops, exported, false);
    plk_record_batch batch{};
    batch.struct_size = sizeof batch;
    if (status == PLK_OK) status = ops.export_finish(exported, c(), &batch, e());
    ops.export_close(exported, nullptr);
    return status;
  }

  plk_status store(const plk_storage_ops& ops, plk_instance* instance) {
    plk_object object{};
    object.struct_size = sizeof object;
    object.key = octets("key");
    const plk_bytes content = octets(buffer);
    std::uint32_t mode = 0;
    std::uint64_t number = 0;
    TrialSink sink;
    plk_status s = PLK_OK;
    const auto ok = [&](plk_status status) { return (s = status) == PLK_OK; };
    static_cast<void>(
        ok(ops.create(instance, c(), octets("configuration"), e())) &&
        ok(ops.load(instance, c(), sink.handle(), e())) &&
        ok(ops.mode(instance, c(), &mode, e())) &&
        ok(ops.put(instance, c(), &object, &content, 1, e())) &&
        ok(ops.used_bytes(instance, c(), &number, e())) &&
        ok(ops.object_size(instance, c(), &object, &number, e())) &&
        ok(ops.get(instance, c(), &object, 0, buffer.data(), buffer.size(), &number, e())) &&
        ok(list(ops, instance)) && ok(stream(ops, instance, object)) &&
        ok(upload(ops, instance, object, true)) && ok(upload(ops, instance, object, false)) &&
        ok(ops.del(instance, c(), &object, e())) && ok(ops.finish(instance, c(), e())));
    return s;
  }
  plk_status list(const plk_storage_ops& ops, plk_instance* instance) {
    plk_lister* lister = nullptr;
    if (plk_status s = ops.list_open(instance, c(), 1, octets(""), &lister, e()); s != PLK_OK) {
      return s;
    }
    plk_name_batch batch{};
    batch.struct_size = sizeof batch;
    const plk_status status = ops.list_next(lister, c(), &batch, e());
    ops.list_close(lister, nullptr);
    return status;
  }
  plk_status stream(const plk_storage_ops& ops, plk_instance* instance, const plk_object& object) {
    plk_reader* reader = nullptr;
    if (plk_status s = ops.get_open(instance, c(), &object, 0, 1 << 20, &reader, e());
        s != PLK_OK) {
      return s;
    }
    return read_all(*ops.reader, reader);
  }
  plk_status upload(const plk_storage_ops& ops, plk_instance* instance, const plk_object& object,
                    bool commit) {
    plk_upload* upload = nullptr;
    if (plk_status s = ops.upload_open(instance, c(), 1, 0, 0, &upload, e()); s != PLK_OK) {
      return s;
    }
    plk_status status = ops.upload_write(upload, c(), buffer.data(), buffer.size(), e());
    if (status == PLK_OK && commit) return ops.upload_commit(upload, c(), &object, e());
    ops.upload_abort(upload, nullptr);
    return status;
  }

  plk_status ask(const plk_secrets_ops& ops, plk_instance* instance) {
    TrialSink sink;
    std::int64_t ttl = 0;
    return ops.get(instance, c(), str("path"), sink.handle(), &ttl, e());
  }
  plk_status look(const plk_inventory_ops& ops, plk_instance* instance) {
    plk_lister* lister = nullptr;
    if (plk_status s = ops.list_open(instance, c(), &lister, e()); s != PLK_OK) return s;
    plk_resource_batch batch{};
    batch.struct_size = sizeof batch;
    const plk_status status = ops.list_next(lister, c(), &batch, e());
    ops.list_close(lister, nullptr);
    return status;
  }

  plk_status all(const Opened& opened) {
    const plk_connector& connector = opened.connector;
    if (plk_status s = of_instance(connector, opened.instance); s != PLK_OK) return s;
    switch (connector.kind) {
      case PLK_KIND_IMPORTER:
        return import(opened.ops<plk_importer_ops>(), opened.instance);
      case PLK_KIND_EXPORTER:
        return restore(opened.ops<plk_exporter_ops>(), opened.instance);
      case PLK_KIND_STORAGE:
        return store(opened.ops<plk_storage_ops>(), opened.instance);
      case PLK_KIND_SECRETS:
        return ask(opened.ops<plk_secrets_ops>(), opened.instance);
      default:
        return look(opened.ops<plk_inventory_ops>(), opened.instance);
    }
  }
};

struct Place {
  const char* connector;
  std::vector<const char*> functions;
};
const std::vector<Place>& places() {
  static const std::vector<Place> all = {
      {"trial-importer",
       {"open", "location", "ping", "scan_open", "scan_next", "record_open", "reader.read",
        "scan_ack", "estimate"}},
      {"trial-exporter",
       {"export_open", "exporter.put", "writer.write", "writer.write_zeros", "writer.commit",
        "export_finish"}},
      {"trial-storage",
       {"create", "load", "mode", "used_bytes", "list_open", "list_next", "object_size", "get",
        "put", "del", "get_open", "reader.read", "upload_open", "upload_write", "upload_commit",
        "finish"}},
      {"trial-secrets", {"secrets.get"}},
      {"trial-inventory", {"inventory.list_open", "inventory.list_next"}},
  };
  return all;
}
// What cannot fail, but can be where it ends.
const std::vector<Place>& clean_ups() {
  static const std::vector<Place> all = {
      {"trial-importer", {"reader.close", "scan_close", "close"}},
      {"trial-exporter", {"writer.abort", "export_close"}},
      {"trial-storage", {"list_close", "upload_abort", "reader.close"}},
      {"trial-inventory", {"inventory.list_close"}},
  };
  return all;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The fault in each function in turn. A worker is started for each: the module lives on.
void in_each_call(const std::string& fault, plk_status expected, std::string_view said) {
  WorkerModuleSettings settings = Fixture::impatient();
  settings.crashes.crashes = 1000;
  settings.worker.clean_up_time = std::chrono::milliseconds(patience_ms);
  Fixture fixture(std::move(settings));
  for (const Place& place : places()) {
    for (const std::string function : place.functions) {
      CAPTURE(fault);
      CAPTURE(function);
      Opened opened(fixture.subject(), place.connector,
                    TrialConfig().set("at", function).set("fault", fault).set("size", 3 << 20));
      plk_status status = opened.status;
      TrialCall call(patience_ms);
      TrialError error;
      if (status == PLK_OK) {
        status = Journey{.call = call, .error = error}.all(opened);
      } else {
        REQUIRE(function == "open");
      }
      const std::string text = function == "open" ? opened.error.text() : error.text();
      CHECK(status == expected);
      CHECK_MESSAGE(contains(text, "trial 1.2.3: " + function), text);
      CHECK_MESSAGE(contains(text, said), text);
      // Its handles are dead, at once.
      if (opened.instance != nullptr) {
        CHECK(opened.connector.ping(opened.instance, nullptr, &error.err) == PLK_E_CRASHED);
      }
    }
  }
  for (const Place& place : clean_ups()) {
    for (const std::string function : place.functions) {
      CAPTURE(fault);
      CAPTURE(function);
      Opened opened(fixture.subject(), place.connector,
                    TrialConfig().set("at", function).set("fault", fault).set("size", 3 << 20));
      TrialCall call(patience_ms);
      TrialError error;
      Journey{.call = call, .error = error}.all(opened);
      if (function != "close") {
        CHECK(opened.connector.ping(opened.instance, nullptr, &error.err) == PLK_E_CRASHED);
      }
    }
  }
}

TEST_CASE("a segmentation fault in any call is an error of that call") {
  const Leftovers before;
  in_each_call("segv", PLK_E_CRASHED, sanitized ? "the worker" : "signal 11 (Segmentation fault)");
  before.check();
}

TEST_CASE("its last words are told") {
  if (sanitized) return;  // They are the sanitizer's.
  Fixture fixture;
  Opened opened(fixture.subject(), "trial-storage",
                TrialConfig().set("at", "mode").set("fault", "segv"));
  std::uint32_t mode = 0;
  TrialError error;
  CHECK(opened.ops<plk_storage_ops>().mode(opened.instance, nullptr, &mode, &error.err) ==
        PLK_E_CRASHED);
  CHECK(error.text() ==
        "trial 1.2.3: mode: the worker was killed by signal 11 (Segmentation fault); its last "
        "words: trial: about to go");
}

TEST_CASE("abort() in any call is an error of that call") {
  in_each_call("abort", PLK_E_CRASHED, "signal 6 (Aborted)");
}

TEST_CASE("exit() in any call is an error of that call") {
  in_each_call("exit", PLK_E_CRASHED, "ended with exit code");
}

TEST_CASE("a stack overflow in any call is an error of that call") {
  in_each_call("stack", PLK_E_CRASHED, "the worker");
}

TEST_CASE("garbage on every socket in any call is an error of that call") {
  in_each_call("garbage", PLK_E_CRASHED, "was stopped: it");
}

TEST_CASE("a loop without end is killed at its deadline") {
  const Leftovers before;
  // Not in each call: each takes its deadline.
  Fixture fixture;
  Opened opened(fixture.subject(), "trial-storage",
                TrialConfig().set("at", "get").set("fault", "loop"));
  TrialCall call(deadline_ms);
  TrialError error;
  CHECK(Journey{.call = call, .error = error}.all(opened) == PLK_E_TIMEOUT);
  CHECK(error.text() ==
        "trial 1.2.3: get did not return by its deadline, so that its worker was killed");

  Opened reopened(fixture.subject(), "trial-importer",
                  TrialConfig().set("at", "scan_close").set("fault", "loop"));
  TrialCall no_deadline;
  CHECK(Journey{.call = no_deadline, .error = error}.all(reopened) == PLK_OK);
  CHECK(reopened.connector.ping(reopened.instance, nullptr, &error.err) == PLK_E_CRASHED);
}

TEST_CASE("a loop that does not notice that it is cancelled is killed") {
  Fixture fixture;
  Opened opened(fixture.subject(), "trial-storage",
                TrialConfig().set("at", "get").set("fault", "loop"));
  TrialCall call;
  TrialError error;
  std::thread canceller([&] { call.cancel(); });
  CHECK(Journey{.call = call, .error = error}.all(opened) == PLK_E_CANCELLED);
  canceller.join();
}

TEST_CASE("ten gigabytes are refused, or end the worker") {
  if (sanitized) return;  // No limit of memory then: see confine_linux.cpp.
  Fixture fixture;
  for (const char* function : {"get", "put"}) {
    Opened opened(fixture.subject(), "trial-storage",
                  TrialConfig().set("at", function).set("fault", "memory"));
    TrialCall call;
    TrialError error;
    CHECK(Journey{.call = call, .error = error}.all(opened) == PLK_E_NO_MEMORY);
  }
}

TEST_CASE("a worker without descriptors left still answers, and is no worse for others") {
  Fixture fixture;
  Fixture other;
  for (const char* function : {"get", "list_next"}) {
    Opened opened(fixture.subject(), "trial-storage",
                  TrialConfig().set("at", function).set("fault", "descriptors"));
    TrialCall call;
    TrialError error;
    const plk_status status = Journey{.call = call, .error = error}.all(opened);
    CHECK((status == PLK_E_IO || status == PLK_E_CRASHED));
  }
  Opened fine(other.subject(), "trial-storage");
  TrialCall call;
  TrialError error;
  CHECK(Journey{.call = call, .error = error}.all(fine) == PLK_OK);
}

TEST_CASE("every call in flight ends with the worker, and other workers go on") {
  const Leftovers before;
  {
    Fixture fixture;
    Fixture other;
    Opened waiting(fixture.subject(), "trial-storage",
                   TrialConfig().set("at", "mode").set("fault", "wait"));
    Opened others(other.subject(), "trial-storage");
    std::vector<std::thread> threads;
    std::array<plk_status, 8> statuses{};
    for (plk_status& status : statuses) {
      threads.emplace_back([&] {
        std::uint32_t mode = 0;
        TrialCall call;
        status =
            waiting.ops<plk_storage_ops>().mode(waiting.instance, call.handle(), &mode, nullptr);
      });
    }
    ::kill(fixture.module->process_id(), SIGKILL);
    for (std::thread& thread : threads) thread.join();
    CHECK(std::ranges::all_of(statuses, [](plk_status status) { return status == PLK_E_CRASHED; }));
    TrialCall call;
    TrialError error;
    CHECK(Journey{.call = call, .error = error}.all(others) == PLK_OK);
  }
  before.check();
}

plk_status crash_once(Fixture& fixture, std::string* error = nullptr) {
  Opened opened(fixture.subject(), "trial-storage",
                TrialConfig().set("at", "mode").set("fault", "abort"));
  if (opened.status != PLK_OK) {
    if (error != nullptr) *error = opened.error.text();
    return opened.status;
  }
  std::uint32_t mode = 0;
  CHECK(opened.ops<plk_storage_ops>().mode(opened.instance, nullptr, &mode, nullptr) ==
        PLK_E_CRASHED);
  return PLK_OK;
}

TEST_CASE("three crashes in ten minutes are quarantine") {
  const Leftovers before;
  {
    Fixture fixture;
    CHECK(fixture.module->last_crash().empty());
    CHECK(crash_once(fixture) == PLK_OK);
    CHECK(crash_once(fixture) == PLK_OK);
    CHECK_FALSE(fixture.module->quarantined());
    CHECK(crash_once(fixture) == PLK_OK);
    CHECK(fixture.module->quarantined());
    std::string error;
    CHECK(crash_once(fixture, &error) == PLK_E_CRASHED);
    CHECK(error ==
          "trial 1.2.3: open: quarantined after crashing 3 times; at last the worker was killed "
          "by signal 6 (Aborted)");
    fixture.module->clear_quarantine();
    CHECK(crash_once(fixture) == PLK_OK);
  }
  before.check();
}

TEST_CASE("crashes that are far apart are no quarantine") {
  Fixture fixture;
  for (int i = 0; i < 5; ++i) {
    CHECK(crash_once(fixture) == PLK_OK);
    fixture.clock.advance(6min);
  }
  CHECK_FALSE(fixture.module->quarantined());
}

TEST_CASE("a module that dies in its entry, or is none, is refused") {
  const Leftovers before;
  {
    TrialHost host;
    auto supervisor = Supervisor::create();
    REQUIRE(supervisor);
    WorkerModuleSettings settings = trial_settings();
    const auto refused = [&] {
      const auto module =
          WorkerModule::create(**supervisor, system_clock(), settings, host.entry_args());
      REQUIRE_FALSE(module);
      return module.error().message();
    };
    settings.worker.module_path = TRIAL_BAD_ENTRY;
    CHECK(contains(refused(), "trial: plk_entry_v1: the worker was killed by signal 6"));
    settings.worker.module_path = "/dev/null";
    CHECK(contains(refused(), "/dev/null"));
    settings.worker.module_path = "/nowhere.so";
    CHECK(contains(refused(), "/nowhere.so"));
    settings.worker.module_path = TRIAL_MODULE;
    settings.worker.program = "/nowhere/plakar-worker";
    CHECK(contains(refused(), "/nowhere/plakar-worker"));
    settings.worker.program = "/bin/true";
    CHECK(contains(refused(), "ended with exit code 0"));
    settings.worker.program = "/bin/cat";  // Of descriptor 3 it knows nothing.
    CHECK(contains(refused(), "the worker for trial"));
  }
  before.check();
}

TEST_CASE("what is loaded is the file that was looked at, whatever its name has become") {
  WorkerModuleSettings settings = Fixture::impatient();
  settings.worker.module_path = TRIAL_BAD_ENTRY;
  settings.worker.permissions.all_files = false;
  settings.worker.module_file =
      std::make_shared<const Fd>(::open(TRIAL_MODULE, O_RDONLY | O_CLOEXEC));
  Fixture fixture(std::move(settings));
  CHECK(Opened(fixture.subject(), "trial-storage").status == PLK_OK);
}

TEST_CASE("a module that goes without its instances leaves nothing") {
  const Leftovers before;
  {
    Fixture fixture;
    for (int i = 0; i < 20; ++i) {
      Opened opened(fixture.subject(), "trial-storage");
      TrialCall call;
      TrialError error;
      CHECK(Journey{.call = call, .error = error}.all(opened) == PLK_OK);
    }
  }
  before.check();
}

}  // namespace
}  // namespace plakar::host::worker
