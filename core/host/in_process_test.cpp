#include "core/host/in_process.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>

#include "core/base/testing/captured_log.h"
#include "core/base/testing/stepped_clock.h"
#include "core/crypto/sha256.h"
#include "core/flow/testing/watchdog.h"
#include "core/host/destination_adapter.h"
#include "core/host/source_adapter.h"
#include "core/host/store_adapter.h"
#include "core/host/testing/module_file.h"
#include "core/host/testing/test_host.h"
#include "tests/support/temp_dir.h"

namespace plakar::host {
namespace {

using flow::testing::eventually;
using flow::testing::Watchdog;
using testing::load_module;
using testing::open_memory;
using testing::Trouble;

std::string module_path(const std::string& name) { return PLK_HOST_MODULES "/" + name + ".so"; }

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::string load_error(const std::string& path, const LoadOptions& options = {}) {
  const auto module = load_in_process(testing::test_services(), path, options);
  REQUIRE_FALSE(module);
  return module.error().message();
}

// Times short enough for a test; only what hangs uses them up.
LoadOptions impatient() {
  LoadOptions options;
  options.limits = {.quick = std::chrono::milliseconds(30),
                    .transfer = std::chrono::milliseconds(30),
                    .cleanup = std::chrono::milliseconds(30),
                    .grace = std::chrono::milliseconds(30)};
  return options;
}

std::unique_ptr<kloset::Store> troubled_store(const std::shared_ptr<Module>& module,
                                              const Trouble& trouble,
                                              flow::CancelToken cancel = {}) {
  auto instance = open_memory(module, PLK_KIND_STORAGE, "store", "memory://trouble",
                              std::move(cancel), trouble);
  REQUIRE(instance);
  return adapt_store(*std::move(instance), "memory://trouble");
}

kloset::ItemName some_item() {
  kloset::ItemName name;
  name.bytes.fill(std::byte{7});
  return name;
}

std::size_t loaded_as(const std::string& name, ModuleState state) {
  const auto modules = loaded_modules();
  return static_cast<std::size_t>(std::ranges::count_if(modules, [&](const LoadedModule& module) {
    return module.name == name && module.state == state;
  }));
}

TEST_SUITE("modules in this process") {
  TEST_CASE("a module is loaded, says what it has, and is retired when nobody shares it") {
    const std::size_t retired = loaded_as("memory", ModuleState::retired);
    {
      const auto module = load_module(module_path("memory"));
      CHECK(module->name() == "memory");
      CHECK(module->version() == "1.0.0");
      CHECK(module->state() == ModuleState::active);
      CHECK(module->find(PLK_KIND_STORAGE, "store") != nullptr);
      CHECK(module->find(PLK_KIND_STORAGE, "importer") == nullptr);
      CHECK(loaded_as("memory", ModuleState::active) == 1);
    }
    CHECK(loaded_as("memory", ModuleState::active) == 0);
    CHECK(loaded_as("memory", ModuleState::retired) == retired + 1);
  }

  TEST_CASE("the same file twice is two modules that share no data") {
    const auto first = load_module(module_path("memory"));
    const auto second = load_module(module_path("memory"));
    CHECK(&first->plugin() != &second->plugin());
    auto one = open_memory(first, PLK_KIND_STORAGE, "store", "memory://same");
    auto other = open_memory(second, PLK_KIND_STORAGE, "store", "memory://same");
    REQUIRE(one);
    REQUIRE(other);
    REQUIRE(adapt_store(*one, "")->create(as_bytes("config")));
    CHECK(adapt_store(*other, "")->load_config().error().code() == Errc::not_found);
  }

  TEST_CASE("a module can be taken out, thousands of times without a trace") {
    LoadOptions options;
    options.unload = Unload::unmap;
    const auto descriptors = [] {
      return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
    };
    const std::size_t before = loaded_modules().size();
    load_module(module_path("minimal"), options);
    const auto open = descriptors();
    for (int i = 0; i < 200; ++i) load_module(module_path("minimal"), options);
    CHECK(descriptors() == open);
    CHECK(loaded_modules().size() == before);
    // What is linked to stay, stays, and is known to.
    const std::size_t kept = loaded_as("minimal", ModuleState::retired);
    load_module(module_path("minimal-kept"), options);
    CHECK(loaded_as("minimal", ModuleState::retired) == kept + 1);
  }

  TEST_CASE("what is refused is named, with what was expected") {
    CHECK(contains(load_error("/nowhere/x.so"), "No such file"));
    CHECK(contains(load_error("/tmp"), "no regular file"));
    CHECK(
        contains(load_error(module_path("minimal-stray")), "minimal-stray.so: expected no export"));
    CHECK(contains(load_error(module_path("entry-magic")), "the magic of a plk_plugin"));
    CHECK(contains(load_error(module_path("entry-name")), "found \"somebody\""));
    CHECK(contains(load_error(module_path("entry-version")), "found \"9.9.9\""));
    CHECK(contains(load_error(module_path("entry-minor")), "one that needs 1.9"));
    CHECK(contains(load_error(module_path("entry-null")), "found none"));
    CHECK(contains(load_error(module_path("entry-size")), "bytes or more, found 8"));
    CHECK(contains(load_error(module_path("entry-error")), "plk_entry_v1: not today"));
    CHECK(contains(load_error(module_path("entry-functions")), "open, location, ping and close"));
    CHECK(contains(load_error(module_path("entry-twice")), "found two"));
    CHECK(contains(load_error(module_path("entry-ops")), "every function that its kind must have"));
  }

  TEST_CASE("a file with other bytes than were installed is refused") {
    const Bytes file = testing::module_bytes(module_path("minimal"));
    LoadOptions options;
    options.sha256 = to_bytes(crypto::sha256(file));
    CHECK(load_in_process(testing::test_services(), module_path("minimal"), options));
    options.sha256->front() ^= std::byte{1};
    CHECK(contains(load_error(module_path("minimal"), options), "install it again"));
  }

  TEST_CASE("a link that is swapped all the time leads to what was judged, or to nothing") {
    const plakar::testing::TempDir directory;
    namespace fs = std::filesystem;
    const fs::path link = directory / "module.so";
    fs::create_symlink(module_path("minimal"), link);
    std::atomic<bool> stop = false;
    std::jthread swapper([&] {
      for (int i = 0; !stop; ++i) {
        const fs::path next = directory / "next";
        // One that tells by its constructor that it has run.
        fs::create_symlink(module_path(i % 2 == 0 ? "minimal-without-note" : "minimal"), next);
        fs::rename(next, link);
      }
    });
    LoadOptions options;
    options.unload = Unload::unmap;
    int accepted = 0;
    for (int i = 0; i < 200; ++i) {
      const auto module = load_in_process(testing::test_services(), link, options);
      if (module) ++accepted;
    }
    stop = true;
    swapper.join();
    MESSAGE(accepted, " of 200 were loaded");
    CHECK(std::getenv("PLK_TEST_MODULE_RAN") == nullptr);
  }

  TEST_CASE("an error names module, version and call, and the other side's code") {
    const auto module = load_module(module_path("memory"));
    const auto store = troubled_store(module, {.kind = "fail", .call = "get"});
    Bytes out(10);
    const auto read = store->read(kloset::ItemKind::state, some_item(), 0, out);
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == Errc::io);
    CHECK(read.error().message() == "memory 1.0.0: get: the disk is on fire (OnFire)");
  }

  TEST_CASE("what is refused for a while is asked again") {
    const auto module = load_module(module_path("memory"));
    REQUIRE(troubled_store(module, {})->create(as_bytes("config")));
    for (const char* call : {"load", "put", "object_size", "list_open", "del"}) {
      CAPTURE(call);
      const auto store = troubled_store(module, {.kind = "throttle", .call = call});
      CHECK(store->load_config());
      CHECK(store->put(kloset::ItemKind::state, some_item(), as_bytes("x"),
                       kloset::PutMode::replace));
      CHECK(store->size(kloset::ItemKind::state, some_item()));
      CHECK(store->list(kloset::ItemKind::state, [](const kloset::ItemInfo&) { return Status(); }));
      CHECK(store->remove(kloset::ItemKind::state, some_item()));
    }
  }

  TEST_CASE("a cancel reaches a call that waits, by descriptor and by interrupt()") {
    const Watchdog watchdog("cancelling a call of a module");
    const auto module = load_module(module_path("memory"));
    for (const char* how : {"wait", "interrupt"}) {
      CAPTURE(how);
      const flow::CancelSource cancel;
      const auto store = troubled_store(module, {.kind = how, .call = "ping"}, cancel.token());
      std::jthread canceller([&] { cancel.cancel("enough"); });
      const Status pinged = store->ping();
      REQUIRE_FALSE(pinged);
      CHECK(pinged.error().code() == Errc::cancelled);
      CHECK(contains(pinged.error().message(), "enough"));
    }
    CHECK(module->state() == ModuleState::active);
  }

  TEST_CASE("a call that does not return is given up, and the module with it") {
    const Watchdog watchdog("giving up a call of a module");
    static std::vector<std::atomic<int>*>& released = *new std::vector<std::atomic<int>*>;
    const plakar::testing::CapturedLog log;
    for (const char* call : {"get", "ping", "close", "upload_write"}) {
      CAPTURE(call);
      // Never freed: threads that are left behind look at it until they are let go.
      std::atomic<int>& until = *released.emplace_back(new std::atomic<int>(0));
      static_assert(sizeof until == sizeof(int));
      const auto module = load_module(module_path("memory"), impatient());
      {
        const Trouble trouble{
            .kind = "hang", .call = call, .until = reinterpret_cast<const int*>(&until)};
        const auto store = troubled_store(module, trouble);
        Bytes out(100);
        const auto read = store->read(kloset::ItemKind::state, some_item(), 0, out);
        if (std::string_view(call) == "get") {
          REQUIRE_FALSE(read);
          CHECK(read.error().code() == Errc::io);
          CHECK(contains(read.error().message(), "memory 1.0.0: get: it did not return in time"));
        }
        const Status pinged = store->ping();
        if (std::string_view(call) == "ping") CHECK_FALSE(pinged);
        if (std::string_view(call) == "upload_write") {
          const auto writer = store->start(kloset::ItemKind::packfile, 0);
          REQUIRE(writer);
          CHECK((*writer)->write(Bytes(100)));
          CHECK_FALSE((*writer)->commit(some_item()));
        }
      }
      CHECK(module->state() == ModuleState::wedged);
      // Nothing of it is called any more.
      const auto instance = open_memory(module, PLK_KIND_STORAGE, "store", "memory://x");
      REQUIRE_FALSE(instance);
      CHECK(contains(instance.error().message(), "an earlier call did not return"));
      CHECK(contains(log.text(), "given up"));
      // The thread that was left behind comes back, to memory that is still there.
      until = 1;
    }
    CHECK(loaded_as("memory", ModuleState::wedged) >= 4);
  }

  TEST_CASE("nonsense that a store gives is an error, and no more") {
    const auto module = load_module(module_path("memory"));
    const auto with = [&](const char* kind, const char* call) {
      return troubled_store(module, {.kind = kind, .call = call});
    };
    const auto list = [](kloset::Store& store) {
      return store.list(kloset::ItemKind::state, [](const kloset::ItemInfo&) { return Status(); });
    };
    REQUIRE(with("", "")->put(kloset::ItemKind::state, some_item(), as_bytes("x"),
                              kloset::PutMode::replace));
    CHECK(with("lie", "load")->load_config().error().code() == Errc::corrupt);
    CHECK(contains(list(*with("empty", "list_next")).error().message(), "no names, and no end"));
    CHECK(contains(list(*with("lie", "list_next")).error().message(), "too many names"));
    Bytes out(10);
    const auto read = with("lie", "get")->read(kloset::ItemKind::state, some_item(), 0, out);
    REQUIRE_FALSE(read);
    CHECK(contains(read.error().message(), "more bytes than there is room for"));
    for (const auto& [kind, call] : {std::pair("empty", "open"), std::pair("lie", "location")}) {
      CHECK_FALSE(open_memory(module, PLK_KIND_STORAGE, "store", "memory://x", {},
                              {.kind = kind, .call = call}));
    }
  }

  TEST_CASE("nonsense that an importer gives ends its scan, and no more") {
    const auto module = load_module(module_path("memory"));
    const auto scan_error = [&](const std::string& kind, const std::string& call) -> std::string {
      auto instance = open_memory(module, PLK_KIND_IMPORTER, "importer", "memory://lies", {},
                                  {.kind = kind, .call = call});
      REQUIRE(instance);
      const auto source = adapt_source(*std::move(instance));
      std::vector<kloset::Record> batch;
      const auto more = source->next(batch);
      if (more) return "";
      CHECK(source->next(batch).value_or(false) == false);
      return more.error().message();
    };
    CHECK(contains(scan_error("empty", "scan_next"), "no records, and no end"));
    for (int path = 0; path < 5; ++path) {
      CAPTURE(path);
      const std::string text = scan_error("lie", "scan_next.path" + std::to_string(path));
      CHECK(contains(text, path == 2 ? "NUL" : "not absolute and clean"));
    }
    CHECK(contains(scan_error("lie", "scan_next.size"), "a size that no file has"));
    CHECK(contains(scan_error("lie", "scan_next.time"), "nanoseconds"));
    CHECK(contains(scan_error("lie", "scan_next.hardlink"), "a hard link"));
    CHECK(contains(scan_error("lie", "scan_next.content"), "without content"));
    CHECK(contains(scan_error("lie", "scan_next.count"), "more records than asked"));
    CHECK(contains(scan_error("lie", "scan_next.stride"), "not there"));
    CHECK(contains(scan_error("lie", "scan_next.none"), "not there"));
    CHECK(contains(scan_error("fail", "scan_open"), "on fire"));
  }

  TEST_CASE("nonsense that an exporter and readers give is the failure of one file") {
    const auto module = load_module(module_path("memory"));
    const auto destination = [&](const char* kind, const char* call) {
      auto instance = open_memory(module, PLK_KIND_EXPORTER, "exporter", "memory://out", {},
                                  {.kind = kind, .call = call});
      REQUIRE(instance);
      return adapt_destination(*std::move(instance), "memory://out");
    };
    kloset::Record file;
    file.path = "/f";
    file.mode = kloset::make_file_mode(FileType::regular, 0644);
    kloset::Record directory;
    directory.kind = kloset::RecordKind::directory;
    directory.path = "/d";
    directory.mode = kloset::make_file_mode(FileType::directory, 0755);

    CHECK(contains(destination("lie", "put")->put(directory).error().message(), "no content"));
    {
      const auto to = destination("lie", "commit");
      const auto writer = to->put(file);
      REQUIRE(writer);
      REQUIRE((*writer)->write(as_bytes("x")));
      CHECK(contains((*writer)->commit().error().message(), "2 bytes, and was given 1"));
    }
    std::string reported;
    const auto report = [&](const std::string& path, const Error& error) {
      reported += path + ": " + error.message();
    };
    CHECK(destination("lie", "export_finish")->finish(report));
    CHECK(reported == "/d: memory 1.0.0: export_finish: not allowed");
    CHECK_FALSE(destination("empty", "export_finish")->finish(report));

    for (const auto& [kind, call] :
         {std::pair("empty", "read"), std::pair("lie", "read"), std::pair("empty", "record_open"),
          std::pair("fail", "read")}) {
      CAPTURE(kind);
      auto instance = open_memory(module, PLK_KIND_IMPORTER, "importer", "memory://out", {},
                                  {.kind = kind, .call = call});
      REQUIRE(instance);
      const auto source = adapt_source(*std::move(instance));
      std::vector<kloset::Record> batch;
      REQUIRE(source->next(batch).value());
      bool failed = false;
      for (const kloset::Record& record : batch) {
        if (record.kind != kloset::RecordKind::regular) continue;
        failed = failed || !source->open(record);
      }
      CHECK(failed);
    }
  }
}

}  // namespace
}  // namespace plakar::host
