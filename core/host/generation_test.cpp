#include "core/host/generation.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "core/host/places.h"
#include "core/host/testing/test_host.h"
#include "tests/support/temp_dir.h"

namespace plakar::host {
namespace {

constexpr std::string_view memory_manifest = R"(name: memory
version: 1.0.0
connectors:
- {id: store, type: storage, protocols: [mem, mem2], library: lib/memory.so, validator: ./store.json,
   location_flags: [exportxattr], caps: [concurrent, interrupt, put_if_absent]}
- {id: importer, type: importer, protocols: [mem], library: lib/memory.so,
   location_flags: [exportxattr], caps: [concurrent, interrupt]}
- {id: exporter, type: exporter, protocols: [mem], library: lib/memory.so,
   location_flags: [exportxattr], caps: [concurrent, interrupt, hardlinks]}
- {id: secrets, type: secret_provider, library: lib/memory.so, caps: [concurrent, interrupt]}
- {id: inventory, type: inventory, library: lib/memory.so, caps: [concurrent, interrupt]}
)";

constexpr std::string_view store_schema = R"({
  "type": "object", "additionalProperties": false, "required": ["location"],
  "properties": {
    "location": {"type": "string"},
    "trouble": {"type": "string", "default": "none"},
    "trouble.call": {"type": "string"},
    "port": {"type": "integer", "maximum": 65535},
    "token": {"type": "string", "writeOnly": true}
  }
})";

// The package of the module `memory`, as it would be installed.
class Installed {
 public:
  explicit Installed(std::string_view manifest = memory_manifest) {
    std::filesystem::create_directory(directory_.path() / "lib");
    std::filesystem::copy_file(PLK_HOST_MODULES "/memory.so", library());
    std::ofstream(directory_ / "manifest.yaml") << manifest;
    std::ofstream(directory_ / "store.json") << store_schema;
  }
  std::string library() const { return directory_ / "lib/memory.so"; }
  std::string directory() const { return directory_.path().string(); }

 private:
  const plakar::testing::TempDir directory_;
};

ModuleLoader in_process() {
  return [](const std::string& path, const Manifest&) {
    return load_in_process(testing::test_services(), path);
  };
}

Generation generation_of(const Installed& installed, std::uint64_t number = 1) {
  const auto package = read_package(system_files(), installed.directory());
  REQUIRE(package);
  GenerationBuilder builder(system_files(), in_process());
  REQUIRE(builder.add(*package));
  return builder.build(number);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

config::Options at(std::string location) {
  return {{.key = "location", .value = std::move(location)}};
}

PlaceContext place_context() { return {.services = testing::test_services()}; }

TEST_SUITE("generations") {
  TEST_CASE("each protocol leads to one connector of one package, by kind") {
    const Installed installed;
    const Generation generation = generation_of(installed, 7);
    CHECK(generation.number() == 7);
    const Route* store = generation.find(PLK_KIND_STORAGE, "mem2");
    REQUIRE(store != nullptr);
    CHECK(store->package == "memory");
    CHECK(store->version == "1.0.0");
    CHECK(store->connector.id == "store");
    CHECK(store->schema != nullptr);
    CHECK(generation.find(PLK_KIND_IMPORTER, "mem")->schema == nullptr);
    CHECK(generation.find(PLK_KIND_IMPORTER, "mem2") == nullptr);
    CHECK(generation.find(PLK_KIND_STORAGE, "fs") == nullptr);
  }

  TEST_CASE("two packages for one protocol are refused") {
    const Installed installed;
    const auto package = read_package(system_files(), installed.directory());
    REQUIRE(package);
    GenerationBuilder builder(system_files(), in_process());
    REQUIRE(builder.add(*package));
    CHECK(builder.add(*package).error().message() ==
          "protocol mem of package memory is served by memory already");
  }

  TEST_CASE("a module that is not installed is found with its manifest, beside it or above") {
    const Installed installed;
    REQUIRE(find_package(system_files(), installed.library()));
    const auto package = find_package(system_files(), installed.directory() + "/memory.so");
    REQUIRE(package);
    GenerationBuilder builder(system_files(), in_process());
    CHECK(builder.add_library(*package, installed.library()));
    CHECK(builder.build(0).routes().size() == 4);
    CHECK(builder.add_library(*package, "/x/other.so").error().code() == Errc::not_found);
    const auto none = find_package(system_files(), "/proc/self/x.so");
    REQUIRE_FALSE(none);
    CHECK(none.error().message() ==
          "there is neither /proc/self/manifest.yaml nor /proc/manifest.yaml");
  }

  TEST_CASE("a module that is not what its manifest says is not used, and what differs is said") {
    const auto error_with = [](std::string_view from, std::string_view to) {
      const Installed installed(replaced(std::string(memory_manifest), from, to));
      const Generation generation = generation_of(installed);
      const auto module = load_module(*generation.find(PLK_KIND_IMPORTER, "mem"));
      REQUIRE_FALSE(module);
      // Nor is it loaded again and again.
      CHECK_FALSE(load_module(*generation.find(PLK_KIND_STORAGE, "mem")));
      return module.error().message();
    };
    const auto contains = [](const std::string& text, std::string_view part) {
      return text.find(part) != std::string::npos;
    };
    CHECK(
        contains(error_with("name: memory", "name: mem"), "the name as the manifest has it, mem"));
    CHECK(contains(error_with("version: 1.0.0", "version: 1.0.1"), "1.0.1, found 1.0.0"));
    CHECK(contains(error_with("put_if_absent]", "range]"), "the capabilities of connector store"));
    CHECK(contains(error_with("id: exporter", "id: other"), "expected a connector other"));
    CHECK(contains(
        error_with("- {id: inventory, type: inventory, library: lib/memory.so, caps: [concurrent, "
                   "interrupt]}\n",
                   ""),
        "the number of connectors"));
    CHECK(contains(error_with("validator: ./store.json", "config_schema_version: 2"),
                   "the schema version"));
  }

  TEST_CASE("options go by the schema, and a connector gets types, defaults and no surprise") {
    const Installed installed;
    const Generation generation = generation_of(installed);
    const Route& route = *generation.find(PLK_KIND_STORAGE, "mem");
    config::Options options = at("mem://place");
    options.push_back({.key = "port", .value = "99999"});
    options.push_back({.key = "tokn", .value = "x"});
    const auto refused = make_store(route, options, place_context());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::invalid_argument);
    CHECK(refused.error().message() ==
          "mem store: port: must be at most 65535; tokn: is not known, did you mean token?");
    CHECK(unknown_options(route, options, "/") == std::vector<std::string>{"tokn"});

    const auto store = make_store(route, at("mem://user:secret@place"), place_context());
    REQUIRE(store);
    CHECK((*store)->location() == "mem://place");
    CHECK((*store)->create(as_bytes("config")));
    CHECK((*store)->close());
  }

  TEST_CASE("a reference to a secret is resolved, or an error, and never given on") {
    const Installed installed;
    const Generation generation = generation_of(installed);
    const Route& route = *generation.find(PLK_KIND_STORAGE, "mem");
    config::Options options = at("mem://place");
    options.push_back({.key = "token", .value = R"({"$secret": "vault:a#b"})"});
    std::string asked;
    Services services{.env = system_env()};
    services.resolve_secret = [&](std::string_view reference,
                                  const flow::CancelToken&) -> Result<Secret> {
      asked = reference;
      if (reference != "vault:a#b") return Error(Errc::not_found, "no such secret");
      return Secret("s3same");
    };
    PlaceContext context = place_context();
    const auto without = make_store(route, options, context);
    REQUIRE_FALSE(without);
    CHECK(without.error().message() == "token: nothing here resolves secrets");
    context.services = std::make_shared<const Services>(services);
    CHECK(make_store(route, options, context));
    CHECK(asked == "vault:a#b");
  }

  TEST_CASE("a job keeps its generation, and its modules, when another one becomes current") {
    CurrentGeneration current;
    CHECK(current.take()->routes().empty());
    const Installed first;
    const Installed second;
    current.switch_to(generation_of(first, 1));
    const auto job = current.take();
    const auto module = load_module(*job->find(PLK_KIND_STORAGE, "mem"));
    REQUIRE(module);
    const std::weak_ptr<Module> watched = *module;
    current.switch_to(generation_of(second, 2));
    CHECK(current.take()->number() == 2);
    CHECK(job->number() == 1);
    CHECK(watched.lock()->state() == ModuleState::active);
    // Two versions side by side: one name, different places.
    const auto other = load_module(*current.take()->find(PLK_KIND_STORAGE, "mem"));
    REQUIRE(other);
    CHECK(&(*other)->plugin() != &(*module)->plugin());
  }

  TEST_CASE("modules stop with the last owner of their generation") {
    std::weak_ptr<Module> watched;
    const Installed installed;
    CurrentGeneration current;
    {
      current.switch_to(generation_of(installed, 1));
      const auto job = current.take();
      watched = load_module(*job->find(PLK_KIND_STORAGE, "mem")).value();
      current.switch_to(Generation(2, {}));
      CHECK_FALSE(watched.expired());
    }
    CHECK(watched.expired());
  }
}

}  // namespace
}  // namespace plakar::host
