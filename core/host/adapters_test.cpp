// The suites of all stores, sources and destinations, over a module in this process and over the
// same one in a worker.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>

#include "core/host/destination_adapter.h"
#include "core/host/source_adapter.h"
#include "core/host/store_adapter.h"
#include "core/host/testing/test_host.h"
#include "tests/suites/destination_suite.h"
#include "tests/suites/source_suite.h"
#include "tests/suites/store_suite.h"

namespace plakar::host {
namespace {

using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;

std::string module_path(const std::string& name) { return PLK_HOST_MODULES "/" + name + ".so"; }

// A place of its own for each part of a suite.
std::string new_location() {
  static std::atomic<int> number = 0;
  return "memory://" + std::to_string(++number);
}

std::unique_ptr<kloset::Store> store_at(const std::shared_ptr<Module>& module,
                                        const std::string& location, flow::CancelToken cancel) {
  auto instance =
      testing::open_memory(module, PLK_KIND_STORAGE, "store", location, std::move(cancel));
  REQUIRE(instance);
  return adapt_store(*std::move(instance), location);
}

std::unique_ptr<kloset::Source> source_at(const std::shared_ptr<Module>& module,
                                          const std::string& location, flow::CancelToken cancel,
                                          SourceFilter filter = {}) {
  auto instance =
      testing::open_memory(module, PLK_KIND_IMPORTER, "importer", location, std::move(cancel));
  REQUIRE(instance);
  return adapt_source(*std::move(instance), std::move(filter));
}

std::unique_ptr<kloset::Destination> destination_at(const std::shared_ptr<Module>& module,
                                                    const std::string& location, Existing existing,
                                                    flow::CancelToken cancel) {
  auto instance =
      testing::open_memory(module, PLK_KIND_EXPORTER, "exporter", location, std::move(cancel));
  REQUIRE(instance);
  return adapt_destination(*std::move(instance), location, {.existing = existing});
}

Record record_of(const plakar::testing::SourceEntry& entry) {
  Record record;
  record.path = entry.path;
  record.kind = entry.kind;
  record.mod_time = {.seconds = 1'600'000'000, .nanoseconds = 5};
  record.nlink = 1;
  if (entry.kind == RecordKind::symlink) record.target = entry.content;
  record.mode = kloset::make_file_mode(entry.kind == RecordKind::directory ? FileType::directory
                                       : entry.kind == RecordKind::symlink ? FileType::symlink
                                                                           : FileType::regular,
                                       0644);
  return record;
}

void fill(kloset::Destination& to, const std::vector<plakar::testing::SourceEntry>& tree) {
  for (const auto& entry : tree) {
    const auto writer = to.put(record_of(entry));
    REQUIRE(writer);
    if (*writer == nullptr) continue;
    REQUIRE((*writer)->write(as_bytes(entry.content)));
    REQUIRE((*writer)->commit());
  }
}

class ModulePlace final : public plakar::testing::DestinationPlace {
 public:
  explicit ModulePlace(std::shared_ptr<Module> module) : module_(std::move(module)) {}

  std::unique_ptr<kloset::Destination> open(Existing existing, flow::CancelToken cancel) override {
    return destination_at(module_, location_, existing, std::move(cancel));
  }
  std::map<std::string, plakar::testing::RestoredEntry> look() override {
    std::map<std::string, plakar::testing::RestoredEntry> found;
    const auto source = source_at(module_, location_, {});
    std::vector<Record> batch;
    while (source->next(batch).value()) {
      for (const Record& record : batch) {
        if (record.path == "/") continue;
        auto& entry = found[record.path];
        entry = {.kind = record.kind,
                 .content = record.target,
                 .permissions = kloset::permissions(record.mode),
                 .mod_time = record.mod_time};
        for (const auto& attribute : record.attributes) {
          entry.attributes[attribute.name] = to_text(attribute.value);
        }
        if (record.kind == RecordKind::regular) entry.content = content_of(*source, record);
      }
    }
    return found;
  }

 private:
  static std::string content_of(kloset::Source& source, const Record& record) {
    const auto reader = source.open(record);
    REQUIRE(reader);
    std::string content;
    Bytes buffer(30'000);
    while (const std::size_t got = (*reader)->read(buffer).value()) {
      content += as_text(BytesView(buffer).first(got));
    }
    return content;
  }

  const std::shared_ptr<Module> module_;
  const std::string location_ = new_location();
};

enum class Where : std::uint8_t { here, worker };

std::shared_ptr<Module> load(const std::string& name, Where where) {
  return where == Where::here ? testing::load_module(module_path(name))
                              : testing::load_worker_module(module_path(name));
}

void run_store(const std::string& name, Where where, bool if_absent_is_exact) {
  const auto module = load(name, where);
  plakar::testing::run_store_suite([&]() -> plakar::testing::StorePlace {
    return {.open = [module, location = new_location()](
                        flow::CancelToken cancel) { return store_at(module, location, cancel); },
            .if_absent_is_exact = if_absent_is_exact};
  });
}

void run_source(const std::string& name, Where where) {
  const auto module = load(name, where);
  plakar::testing::run_source_suite(
      [&](const std::vector<plakar::testing::SourceEntry>& tree) -> plakar::testing::SourcePlace {
        const std::string location = new_location();
        fill(*destination_at(module, location, Existing::replace, {}), tree);
        return {.root = "", .open = [module, location](flow::CancelToken cancel) {
                  return source_at(module, location, cancel);
                }};
      });
}

void run_destination(const std::string& name, Where where) {
  const auto module = load(name, where);
  plakar::testing::run_destination_suite([&] { return std::make_unique<ModulePlace>(module); });
}

TEST_SUITE("connectors of a module in a worker") {
  TEST_CASE("one is a store") { run_store("memory", Where::worker, true); }
  TEST_CASE("one without any option is a store") {
    run_store("memory-plain", Where::worker, false);
  }
  TEST_CASE("one is a source") { run_source("memory", Where::worker); }
  TEST_CASE("one that takes a call at a time is a source") {
    run_source("memory-plain", Where::worker);
  }
  TEST_CASE("one is a destination") { run_destination("memory", Where::worker); }
  TEST_CASE("one that takes a call at a time is a destination") {
    run_destination("memory-plain", Where::worker);
  }
}

TEST_SUITE("connectors of a module in this process") {
  TEST_CASE("one is a store") { run_store("memory", Where::here, true); }
  TEST_CASE("one without any option is a store") { run_store("memory-plain", Where::here, false); }
  TEST_CASE("one is a source") { run_source("memory", Where::here); }
  TEST_CASE("one that takes a call at a time is a source") {
    run_source("memory-plain", Where::here);
  }
  TEST_CASE("one is a destination") { run_destination("memory", Where::here); }
  TEST_CASE("one that takes a call at a time is a destination") {
    run_destination("memory-plain", Where::here);
  }

  TEST_CASE("content of any size around the blocks comes through whole") {
    const auto module = testing::load_module(module_path("memory"));
    const std::string location = new_location();
    const auto to = destination_at(module, location, Existing::replace, {});
    std::vector<plakar::testing::SourceEntry> tree;
    for (const std::size_t base : {4096u, 65536u, 512u << 10, 1u << 20, 3u << 20}) {
      for (const std::size_t size : {base - 1, base, base + 1}) {
        std::string content(size, 'x');
        for (std::size_t i = 0; i < size; i += 101) content[i] = static_cast<char>(i);
        tree.push_back({.path = "/" + std::to_string(size), .content = std::move(content)});
      }
    }
    fill(*to, tree);
    const auto source = source_at(module, location, {});
    std::vector<Record> batch;
    std::size_t seen = 0;
    while (source->next(batch).value()) {
      for (const Record& record : batch) {
        const auto reader = source->open(record);
        REQUIRE(reader);
        std::string content;
        Bytes buffer(100'003);
        while (const std::size_t got = (*reader)->read(buffer).value()) {
          content += as_text(BytesView(buffer).first(got));
        }
        const auto wanted =
            std::ranges::find(tree, record.path, &plakar::testing::SourceEntry::path);
        REQUIRE(wanted != tree.end());
        CHECK(content == wanted->content);
        ++seen;
      }
    }
    CHECK(seen == tree.size());
  }

  TEST_CASE("what is excluded is left out with all below it, but not the root") {
    const auto module = testing::load_module(module_path("memory"));
    const std::string location = new_location();
    fill(*destination_at(module, location, Existing::replace, {}),
         {{.path = "/", .kind = RecordKind::directory},
          {.path = "/a", .kind = RecordKind::directory},
          {.path = "/a/b", .kind = RecordKind::directory},
          {.path = "/a/b/f"},
          {.path = "/ab"},
          {.path = "/x"}});
    SourceFilter filter;
    filter.excluded = [](std::string_view path, bool is_directory) {
      return path == "/" || (path == "/a" && is_directory) || path == "/x";
    };
    const auto source = source_at(module, location, {}, std::move(filter));
    std::vector<std::string> paths;
    std::vector<Record> batch;
    while (source->next(batch).value()) {
      for (const Record& record : batch) paths.push_back(record.path);
    }
    CHECK(paths == std::vector<std::string>{"/", "/ab"});
  }
}

}  // namespace
}  // namespace plakar::host
