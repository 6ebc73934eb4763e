#include "core/config/config_directory.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/random.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "tests/support/temp_dir.h"

namespace plakar::config {
namespace {

using testing::FaultyFileCalls;
using testing::MemoryDisk;
using testing::SeededRandom;

// A directory on a disk of its own.
struct Fixture {
  MemoryDisk disk;
  FileSystem files{disk};
  SeededRandom random{1};
  ConfigDirectory config{files, random, "/cfg"};

  Fixture() { REQUIRE(make_directories(files, "/cfg")); }

  void write(const char* name, std::string_view text) {
    REQUIRE(write_file_atomically(files, random, std::string("/cfg/") + name, as_bytes(text)));
  }
  std::string read(const char* name) const { return read(files, name); }
  static std::string read(const FileSystem& files, const char* name) {
    const auto content = read_file(files, std::string("/cfg/") + name, 1 << 20);
    return content ? to_text(*content) : "(" + content.error().message() + ")";
  }
  bool has(const char* name) const { return files.find(std::string("/cfg/") + name)->has_value(); }
};

Status add(const ConfigDirectory& config, PlaceKind kind, const std::string& name) {
  return config.change(kind, [&](PlacesDocument& document) {
    return document.add({name, {{"location", "/" + name}}});
  });
}

const std::string three = "version: v1.0.0\nstores:\n  a: {location: /a}  # mine\n";

}  // namespace

TEST_SUITE("config directory") {
  TEST_CASE("a first run makes the directory and three empty files, readable by nobody else") {
    MemoryDisk disk;
    FileSystem files(disk);
    SeededRandom random(1);
    const ConfigDirectory config(files, random, "/home/u/.config/plakar");
    CHECK(config.load_all()->stores.places.empty());
    CHECK_FALSE(files.find("/home")->has_value());
    REQUIRE(config.initialise());
    for (const auto& [name, content] : std::vector<std::pair<std::string, std::string>>{
             {"stores", "version: v1.0.0\nstores: {}\n"},
             {"sources", "version: v1.0.0\nsources: {}\n"},
             {"destinations", "version: v1.0.0\ndestinations: {}\n"}}) {
      const std::string path = "/home/u/.config/plakar/" + name + ".yml";
      CHECK(to_text(*read_file(files, path, 1000)) == content);
      CHECK(files.stat(path)->mode == 0600);
    }
    CHECK(files.stat("/home/u/.config/plakar")->mode == 0700);
  }

  TEST_CASE("a missing file is an empty list, and the others stay as they are") {
    Fixture f;
    f.write("stores.yml", three);
    f.write("sources.yml", "version: v1.0.0\nsources: {}\n");
    f.write("plakar.yml", "repositories: {old: {location: /old}}\nremotes: {r: {location: /r}}\n");
    REQUIRE(f.config.initialise());
    const auto all = f.config.load_all();
    REQUIRE(all);
    CHECK(all->stores.places.size() == 1);
    CHECK(all->destinations.places.empty());
    CHECK(f.read("stores.yml") == three);
    CHECK_FALSE(f.has("destinations.yml"));

    REQUIRE(add(f.config, PlaceKind::destination, "d"));
    CHECK(f.read("destinations.yml") ==
          "version: v1.0.0\ndestinations:\n    d:\n        location: /d\n");
    CHECK(f.read("stores.yml") == three);
  }

  TEST_CASE("a file that is not understood is an error with its place, and is never written") {
    for (const char* broken : {"version: v1.0.0\nstores:\n  a: {location: /a\n", "\xff\n",
                               "version: v9.0.0\nstores: {}\n", "- a\n"}) {
      Fixture f;
      f.write("stores.yml", broken);
      const auto loaded = f.config.load(PlaceKind::store);
      REQUIRE_FALSE(loaded);
      CHECK(loaded.error().message().starts_with("failed to parse config file: /cfg/stores.yml:"));
      CHECK_FALSE(f.config.load_all());
      CHECK_FALSE(add(f.config, PlaceKind::store, "b"));
      REQUIRE(f.config.initialise());
      CHECK(f.read("stores.yml") == broken);
      // It does not keep anybody from changing another one.
      CHECK(add(f.config, PlaceKind::source, "s"));
    }
  }

  TEST_CASE("klosets.yml is read where stores.yml is missing, and never written") {
    Fixture f;
    const std::string former = "# old name\na:\n  location: /a\n  .isDefault: yes\n";
    f.write("klosets.yml", former);
    REQUIRE(f.config.initialise());
    CHECK_FALSE(f.has("stores.yml"));
    CHECK(f.config.load(PlaceKind::store)->places().default_name == "a");
    REQUIRE(add(f.config, PlaceKind::store, "b"));
    CHECK(f.read("klosets.yml") == former);
    CHECK(f.read("stores.yml") ==
          "# old name\nversion: v1.0.0\ndefault: a\nstores:\n    a:\n      location: /a\n    b:\n"
          "      location: /b\n");
  }

  TEST_CASE("the file of v1.0 is carried over once, and never written") {
    Fixture f;
    const std::string combined =
        "default-repo: \"@nas\"\nrepositories:\n  nas: {location: sftp://nas/, port: 22}\n"
        "remotes:\n  www: {location: /var/www}\nother: 1\n";
    f.write("plakar.yml", combined);
    CHECK(f.config.load(PlaceKind::store)->places().default_name == "nas");
    REQUIRE(f.config.initialise());
    CHECK(f.read("plakar.yml") == combined);
    CHECK(f.read("stores.yml") ==
          "version: v1.0.0\ndefault: nas\nstores:\n    nas:\n        location: sftp://nas/\n"
          "        port: \"22\"\n");
    CHECK(f.read("sources.yml") ==
          "version: v1.0.0\nsources:\n    www:\n        location: /var/www\n");
    CHECK(f.read("destinations.yml") ==
          "version: v1.0.0\ndestinations:\n    www:\n        location: /var/www\n");
    // From here on it is history.
    f.write("plakar.yml", "broken: [");
    CHECK(f.config.load_all());
    CHECK(f.config.initialise());
  }

  TEST_CASE("a change before the first run carries the file of v1.0 over first") {
    Fixture f;
    f.write("plakar.yml", "repositories: {nas: {location: /nas}}\nremotes: {r: {location: /r}}\n");
    REQUIRE(add(f.config, PlaceKind::store, "b"));
    CHECK(f.config.load_all()->stores.places.size() == 2);
    CHECK(f.config.load_all()->sources.places.size() == 1);
  }

  TEST_CASE("a broken file of v1.0 is said, and nothing is made in its place") {
    Fixture f;
    f.write("plakar.yml", "repositories:\n  a: 5\n");
    const auto loaded = f.config.load(PlaceKind::store);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message() ==
          "failed to parse config file: /cfg/plakar.yml:2:6: the options of \"a\" should be here");
    CHECK_FALSE(f.config.initialise());
    CHECK_FALSE(f.has("stores.yml"));
  }

  TEST_CASE("a change that fails, or changes nothing, does not touch the file") {
    Fixture f;
    f.write("stores.yml", three);
    const auto inode = f.files.stat("/cfg/stores.yml")->inode;
    CHECK_FALSE(add(f.config, PlaceKind::store, "a"));
    REQUIRE(f.config.change(PlaceKind::store, [](PlacesDocument& document) {
      const std::vector<Option> same = {{"location", "/a"}};
      return document.set("a", same);
    }));
    CHECK(f.files.stat("/cfg/stores.yml")->inode == inode);
    CHECK(f.read("stores.yml") == three);
  }

  TEST_CASE("policies have a file of their own, made by the first change of it") {
    Fixture at;
    REQUIRE(at.config.initialise());
    CHECK(at.config.load_policies()->policies().empty());
    CHECK_FALSE(at.has("policies.yml"));
    const auto add_policy = [](PoliciesDocument& document) {
      return document.add({.name = "p", .settings = {.name = "nightly"}});
    };
    REQUIRE(at.config.change_policies(add_policy));
    CHECK(at.read("policies.yml") ==
          "version: v1.0.0\npolicies:\n    p:\n        filters:\n            name: nightly\n");
    CHECK(at.files.find("/cfg/policies.yml").value()->mode == 0600);
    CHECK(at.config.change_policies(add_policy).error().code() == Errc::already_exists);
    CHECK(at.config.load_policies()->find("p").value().settings.name == "nightly");
    at.write("policies.yml", "policies: 1\n");
    CHECK(at.config.load_policies().error().message() ==
          "failed to parse config file: /cfg/policies.yml:1:11: policies should be here");
    CHECK_FALSE(at.config.change_policies(add_policy));
    CHECK(at.read("policies.yml") == "policies: 1\n");
    at.write("policies.yml", "");
    CHECK(at.config.change_policies(add_policy));
  }

  TEST_CASE("a symlink is followed, and the group's rights stay, but not everybody's") {
    Fixture f;
    REQUIRE(make_directories(f.files, "/dotfiles"));
    REQUIRE(write_file_atomically(f.files, f.random, "/dotfiles/s.yml", as_bytes(three)));
    REQUIRE(f.files.set_mode("/dotfiles/s.yml", 0664));
    REQUIRE(f.files.make_symlink("../dotfiles/link", "/cfg/stores.yml"));
    REQUIRE(f.files.make_symlink("/dotfiles/s.yml", "/dotfiles/link"));
    REQUIRE(add(f.config, PlaceKind::store, "b"));
    CHECK(f.files.stat("/cfg/stores.yml")->type == FileType::symlink);
    CHECK(f.files.stat("/dotfiles/s.yml")->type == FileType::regular);
    CHECK(f.files.stat("/dotfiles/s.yml")->mode == 0660);
    CHECK(f.config.load(PlaceKind::store)->places().places.size() == 2);
    REQUIRE(f.files.make_symlink("loop", "/cfg/sources.yml"));
    REQUIRE(f.files.make_symlink("sources.yml", "/cfg/loop"));
    CHECK_FALSE(add(f.config, PlaceKind::source, "s"));
  }

  TEST_CASE("whatever call fails, the file is the old one or the new one") {
    int failures = 0;
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      Fixture f;
      f.write("stores.yml", three);
      FaultyFileCalls faulty(f.disk, {.nth = nth, .error = EIO});
      const FileSystem files(faulty);
      const ConfigDirectory config(files, f.random, "/cfg");
      const Status changed = add(config, PlaceKind::store, "b");
      if (!faulty.fired()) {
        REQUIRE(changed);
        break;
      }
      const std::string now = f.read("stores.yml");
      const std::string with_b = three + "  b:\n    location: /b\n";
      if (changed) {
        CHECK(now != three);
      } else {
        ++failures;
        CHECK((now == three || now.find("  b:") != std::string::npos));
      }
      // And it can be tried again.
      const auto loaded = f.config.load(PlaceKind::store);
      REQUIRE(loaded);
      if (loaded->places().places.size() == 1) CHECK(add(f.config, PlaceKind::store, "b"));
      CHECK(f.disk.open_handles() == 0);
    }
    CHECK(failures > 5);
  }

  TEST_CASE("a full disk leaves the old file") {
    Fixture f;
    f.write("stores.yml", three);
    f.disk.set_capacity(0);
    const Status changed = add(f.config, PlaceKind::store, "b");
    REQUIRE_FALSE(changed);
    CHECK(changed.error().code() == Errc::out_of_space);
    CHECK(f.read("stores.yml") == three);
  }

  TEST_CASE("a crash in the first run is made good by the next one") {
    const std::string combined =
        "repositories: {nas: {location: /nas}}\nremotes: {r: {location: /r}}\n";
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      Fixture f;
      f.write("plakar.yml", combined);
      FaultyFileCalls faulty(f.disk, {.nth = nth, .error = EIO, .repeats = true});
      const FileSystem files(faulty);
      const Status done = ConfigDirectory(files, f.random, "/cfg").initialise();
      if (!faulty.fired()) {
        REQUIRE(done);
        break;
      }
      REQUIRE(f.config.initialise());
      const auto all = f.config.load_all();
      REQUIRE(all);
      CHECK(all->stores.places.size() == 1);
      CHECK(all->sources.places.size() == 1);
      CHECK(all->destinations.places.size() == 1);
    }
  }

  TEST_CASE("processes that change one file at once lose nothing") {
    testing::TempDir directory;
    const std::string path = directory / "cfg";
    constexpr int writers = 4;
    constexpr int changes = 10;
    std::vector<Status> results(writers);
    {
      std::vector<std::jthread> threads;
      for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
          // An object and a lock file handle of its own, as in a process of its own.
          const ConfigDirectory config(system_files(), system_random(), path);
          for (int i = 0; i < changes; ++i) {
            const Status added = add(config, PlaceKind::store,
                                     "w" + std::to_string(writer) + "-" + std::to_string(i));
            if (!added) results[static_cast<std::size_t>(writer)] = added;
          }
        });
      }
    }
    for (const Status& result : results) {
      if (!result) FAIL(result.error().message());
    }
    const ConfigDirectory config(system_files(), system_random(), path);
    CHECK(config.load(PlaceKind::store)->places().places.size() == writers * changes);
    CHECK((std::filesystem::status(path + "/stores.yml").permissions() &
           std::filesystem::perms::mask) == static_cast<std::filesystem::perms>(0600));
  }
}

}  // namespace plakar::config
