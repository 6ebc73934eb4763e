#include "core/connectors/fs/store.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "tests/suites/store_suite.h"
#include "tests/support/golden_stores.h"
#include "tests/support/temp_dir.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;
using testing::TempDir;

ItemName name(int value) {
  ItemName made;
  made.bytes.fill(static_cast<std::byte>(value));
  return made;
}

std::size_t count(Store& store, ItemKind kind) {
  std::size_t found = 0;
  REQUIRE(store.list(kind, [&](const ItemInfo&) -> Status {
    ++found;
    return {};
  }));
  return found;
}

std::size_t temporaries(const std::filesystem::path& directory) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    found += entry.path().filename().string().starts_with("tmp.") ? 1 : 0;
  }
  return found;
}

void touch(const std::filesystem::path& file) { std::ofstream(file) << "x"; }

}  // namespace

TEST_SUITE("fs store") {
  TEST_CASE("it is a store") {
    const TempDir directory;
    testing::run_store_suite([&]() -> testing::StorePlace {
      return {[&](flow::CancelToken cancel) {
        return make_fs_store(system_env(), directory / "store", std::move(cancel));
      }};
    });
  }

  TEST_CASE("it has the layout of genuine Plakar, readable by its owner alone") {
    const TempDir directory;
    const auto store = make_fs_store(system_env(), directory / "deep/store", {});
    REQUIRE(store->create(as_bytes("config")));
    REQUIRE(store->put(ItemKind::packfile, name(0xab), as_bytes("x"), PutMode::replace));
    REQUIRE(store->put(ItemKind::lock, name(1), as_bytes("x"), PutMode::replace));
    const std::filesystem::path root = directory / "deep/store";
    const auto mode = [](const std::filesystem::path& path) {
      return static_cast<int>(std::filesystem::status(path).permissions());
    };
    CHECK(mode(root) == 0700);
    CHECK(mode(root / "states/ff") == 0700);
    CHECK(mode(root / "CONFIG") == 0600);
    CHECK(mode(root / "packfiles/ab" / name(0xab).hex()) == 0600);
    CHECK(std::filesystem::exists(root / "locks" / name(1).hex()));
    CHECK(std::distance(std::filesystem::directory_iterator(root / "packfiles"), {}) == 256);
    CHECK(temporaries(root) == 0);
  }

  TEST_CASE("a directory with anything else in it is left alone") {
    const TempDir directory;
    touch(directory / "file");
    const auto store = make_fs_store(system_env(), directory.path().string(), {});
    const Status created = store->create(as_bytes("config"));
    REQUIRE_FALSE(created);
    CHECK(created.error().code() == Errc::already_exists);
    CHECK(created.error().message() == "directory " + directory.path().string() + " is not empty");
    CHECK_FALSE(std::filesystem::exists(directory / "packfiles"));
  }

  TEST_CASE("listings pass over what is not an item") {
    const TempDir directory;
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    const std::filesystem::path root = directory / "s";
    touch(root / "packfiles/tmp.1");
    touch(root / "packfiles/00/short");
    touch(root / "packfiles/00" / (std::string(63, 'a') + "G"));
    std::filesystem::create_directory(root / "packfiles/00" / name(0).hex());
    std::filesystem::create_symlink("/etc/passwd", root / "packfiles/01" / name(1).hex());
    CHECK(count(*store, ItemKind::packfile) == 0);
    // In the wrong bucket it still is one.
    touch(root / "packfiles/02" / name(3).hex());
    CHECK(count(*store, ItemKind::packfile) == 1);
  }

  TEST_CASE("temporaries of yesterday are removed, younger ones may be somebody's") {
    const TempDir directory;
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    const std::filesystem::path packfiles = directory / "s/packfiles";
    touch(packfiles / "tmp.old");
    touch(packfiles / "tmp.new");
    std::filesystem::last_write_time(
        packfiles / "tmp.old",
        std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
    REQUIRE(store->start(ItemKind::packfile, 0));
    CHECK_FALSE(std::filesystem::exists(packfiles / "tmp.old"));
    CHECK(std::filesystem::exists(packfiles / "tmp.new"));
  }

  TEST_CASE("a bucket that somebody removed comes back") {
    const TempDir directory;
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    std::filesystem::remove(directory / "s/packfiles/07");
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->commit(name(7)));
    CHECK(count(*store, ItemKind::packfile) == 1);
  }

  TEST_CASE("the stores of genuine Plakar are read") {
    for (const char* golden : {"plain", "nocomp", "sha256", "enc"}) {
      const auto store =
          make_fs_store(system_env(), (testing::golden_stores() / golden).string(), {});
      CHECK(store->load_config());
      CHECK(count(*store, ItemKind::packfile) == 2);
      CHECK(count(*store, ItemKind::state) == 1);
      CHECK(count(*store, ItemKind::lock) == 0);
    }
  }
}

TEST_SUITE("fs store, when power fails") {
  // A store on a disk that can lose power: what is there after any call is whole, and what
  // was acknowledged is there.
  TEST_CASE("after any loss of power there are whole items, and all that were acknowledged") {
    testing::MemoryDisk disk;
    testing::SeededRandom random(7);
    std::vector<std::pair<ItemKind, ItemName>> acknowledged;
    bool created = false;
    const Bytes large(3u << 20, std::byte{42});

    const auto check = [&](testing::MemoryDisk& after, const testing::CrashPoint& point) {
      CAPTURE(point.description);
      FileSystem files(after);
      Env env = system_env();
      const Env crashed{
          .clock = env.clock, .random = random, .files = files, .processes = env.processes};
      const auto store = make_fs_store(crashed, "/store", {});
      const auto config = store->load_config();
      if (created) REQUIRE(config);
      if (!config) return;  // Never half a store: without CONFIG there is none.
      REQUIRE(as_text(*config) == "config");
      for (const ItemKind kind : {ItemKind::packfile, ItemKind::state}) {
        REQUIRE(store->list(kind, [&](const ItemInfo& item) -> Status {
          const auto size = store->size(kind, item.name);
          REQUIRE(size);
          REQUIRE(*size == (kind == ItemKind::packfile ? large.size() : 5));
          return {};
        }));
      }
      for (const auto& [kind, item] : acknowledged) REQUIRE(store->size(kind, item));
    };
    testing::CrashPoints points(disk, check, {.seed = 1, .random_states = 2});
    FileSystem files(points);
    Env env = system_env();
    const Env own{.clock = env.clock, .random = random, .files = files, .processes = env.processes};
    const auto store = make_fs_store(own, "/store", {});
    REQUIRE(store->create(as_bytes("config")));
    created = true;
    for (int i = 1; i <= 2; ++i) {
      auto writer = store->start(ItemKind::packfile, large.size());
      REQUIRE(writer);
      REQUIRE((*writer)->write(large));
      REQUIRE((*writer)->commit(name(i)));
      acknowledged.emplace_back(ItemKind::packfile, name(i));
      REQUIRE(store->put(ItemKind::state, name(i), as_bytes("state"), PutMode::if_absent));
      acknowledged.emplace_back(ItemKind::state, name(i));
    }
    REQUIRE(store->put(ItemKind::lock, name(9), as_bytes("lock"), PutMode::replace));
    REQUIRE(store->put(ItemKind::lock, name(9), as_bytes("lock"), PutMode::replace));
    acknowledged.clear();  // A removal may be lost, but nothing else.
    REQUIRE(store->remove(ItemKind::packfile, name(1)));
    CHECK(points.states_checked() > 1000);
  }
}

TEST_SUITE("fs store, when calls fail") {
  TEST_CASE("any call that fails makes an error, and no item that is not whole") {
    const Bytes large(3u << 20, std::byte{42});
    for (const int error : {EIO, ENOSPC}) {
      for (std::uint64_t nth = 1;; ++nth) {
        CAPTURE(error);
        CAPTURE(nth);
        testing::MemoryDisk disk;
        testing::SeededRandom random(7);
        Env env = system_env();
        FileSystem sound(disk);
        const Env sound_env{
            .clock = env.clock, .random = random, .files = sound, .processes = env.processes};
        REQUIRE(make_fs_store(sound_env, "/store", {})->create(as_bytes("config")));

        testing::FaultyFileCalls faulty(disk, testing::Fault{.nth = nth, .error = error});
        FileSystem files(faulty);
        const Env faulty_env{
            .clock = env.clock, .random = random, .files = files, .processes = env.processes};
        const auto store = make_fs_store(faulty_env, "/store", {});
        const auto run = [&]() -> Status {
          auto writer = PLK_TRY(store->start(ItemKind::packfile, large.size()));
          PLK_TRY(writer->write(large));
          PLK_TRY(writer->commit(name(1)));
          return store->put(ItemKind::state, name(1), as_bytes("state"), PutMode::if_absent);
        };
        const Status done = run();
        if (!faulty.fired()) {
          REQUIRE(done);
          break;
        }
        const auto after = make_fs_store(sound_env, "/store", {});
        REQUIRE(after->list(ItemKind::packfile, [&](const ItemInfo& item) -> Status {
          CHECK(after->size(ItemKind::packfile, item.name).value() == large.size());
          return {};
        }));
        if (done) CHECK(after->size(ItemKind::state, name(1)).value() == 5u);
      }
    }
  }
}

}  // namespace plakar::connectors
