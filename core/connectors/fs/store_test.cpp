#include "core/connectors/fs/store.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/internal/open_files.h"
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
using testing::memory_directory;
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
    const TempDir directory(memory_directory());
    testing::run_store_suite([&]() -> testing::StorePlace {
      return {[&](flow::CancelToken cancel) {
        return make_fs_store(system_env(), directory / "store", std::move(cancel));
      }};
    });
  }

  TEST_CASE("on a disk, too, a large item comes back whole") {
    const TempDir directory;
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    Bytes bytes = testing::SeededRandom(3).bytes(9'000'001);
    for (const std::uint64_t hint : {UINT64_C(0), UINT64_C(64) << 20, UINT64_MAX}) {
      auto writer = store->start(ItemKind::packfile, hint);
      REQUIRE(writer);
      REQUIRE((*writer)->write(bytes));
      REQUIRE((*writer)->commit(name(1)));
      CHECK(kloset::load_item(*store, ItemKind::packfile, name(1), bytes.size()).value() == bytes);
      // What was reserved and not needed is given back.
      const auto stat = system_files().stat(directory / ("s/packfiles/01/" + name(1).hex()));
      CHECK(stat.value().allocated_bytes < bytes.size() + (1u << 20));
      bytes.pop_back();
    }
    CHECK(temporaries(directory.path()) == 0);
  }

  TEST_CASE("it has the layout of genuine Plakar, readable by its owner alone") {
    const TempDir directory(memory_directory());
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
    const TempDir directory(memory_directory());
    touch(directory / "file");
    const auto store = make_fs_store(system_env(), directory.path().string(), {});
    const Status created = store->create(as_bytes("config"));
    REQUIRE_FALSE(created);
    CHECK(created.error().code() == Errc::already_exists);
    CHECK(created.error().message() == "directory " + directory.path().string() + " is not empty");
    CHECK_FALSE(std::filesystem::exists(directory / "packfiles"));
  }

  TEST_CASE("listings pass over what is not an item") {
    const TempDir directory(memory_directory());
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
    const TempDir directory(memory_directory());
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

  TEST_CASE("an old temporary that its writer still holds is left alone") {
    const TempDir directory(memory_directory());
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    for (const auto& entry : std::filesystem::directory_iterator(directory / "s/packfiles")) {
      if (!entry.is_regular_file()) continue;
      std::filesystem::last_write_time(
          entry, std::filesystem::file_time_type::clock::now() - std::chrono::hours(100));
    }
    const auto other = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(other->start(ItemKind::packfile, 0));
    CHECK((*writer)->commit(name(1)));
  }

  TEST_CASE("what a creation that was cut off left does not prevent the next one") {
    const TempDir directory(memory_directory());
    const std::filesystem::path root = directory / "s";
    std::filesystem::create_directories(root / "packfiles/00");
    std::filesystem::create_directories(root / "states");
    touch(root / "tmp.1");
    touch(root / "states/tmp.1");
    CHECK(make_fs_store(system_env(), root.string(), {})->create(as_bytes("config")));
  }

  TEST_CASE("a directory that only looks like a store's is left alone") {
    const auto refused = [](const std::function<void(const std::filesystem::path&)>& prepare) {
      const TempDir directory(memory_directory());
      prepare(directory.path());
      const Status created =
          make_fs_store(system_env(), directory.path().string(), {})->create(as_bytes("config"));
      return !created && created.error().code() == Errc::already_exists;
    };
    namespace fs = std::filesystem;
    CHECK(refused([](const fs::path& root) { touch(root / "packfiles"); }));
    CHECK(refused([](const fs::path& root) { fs::create_directories(root / "packfiles/photos"); }));
    CHECK(refused([](const fs::path& root) { fs::create_directories(root / "states/00/more"); }));
    CHECK(refused([](const fs::path& root) { fs::create_directories(root / "tmp.1"); }));
    CHECK(refused([](const fs::path& root) { fs::create_directories(root / "locks/00"); }));
    CHECK(refused([](const fs::path& root) {
      fs::create_directories(root / "packfiles/07");
      touch(root / "packfiles/07" / name(7).hex());
    }));
    CHECK(refused([](const fs::path& root) { fs::create_symlink("/tmp", root / "packfiles"); }));
  }

  TEST_CASE("a bucket that somebody removed comes back") {
    const TempDir directory(memory_directory());
    const auto store = make_fs_store(system_env(), directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    std::filesystem::remove(directory / "s/packfiles/07");
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->commit(name(7)));
    CHECK(count(*store, ItemKind::packfile) == 1);
  }

  TEST_CASE("a store whose disk went away is an error, neither empty nor written to") {
    const TempDir directory(memory_directory());
    const std::filesystem::path root = directory / "s";
    const auto store = make_fs_store(system_env(), root.string(), {});
    REQUIRE(store->create(as_bytes("config")));
    std::filesystem::remove_all(root);
    std::filesystem::create_directory(root);  // Where it was mounted.
    const auto ignore = [](const ItemInfo&) { return Status(); };
    CHECK(store->list(ItemKind::packfile, ignore).error().code() == Errc::not_found);
    CHECK(store->used_bytes().error().code() == Errc::not_found);
    CHECK(store->start(ItemKind::packfile, 0).error().code() == Errc::not_found);
    CHECK_FALSE(store->put(ItemKind::lock, name(1), as_bytes("x"), PutMode::replace));
    CHECK(temporaries(root) == 0);
    CHECK_FALSE(std::filesystem::exists(root / "packfiles"));
  }

  TEST_CASE("a path with a file on the way can neither be used nor created") {
    const TempDir directory(memory_directory());
    touch(directory / "file");
    const auto store = make_fs_store(system_env(), directory / "file/store", {});
    CHECK_FALSE(store->ping());
    CHECK_FALSE(store->create(as_bytes("config")));
    CHECK_FALSE(make_fs_store(system_env(), directory / "file", {})->ping());
  }

  TEST_CASE("ranges of a few packfiles are read without opening them again") {
    const TempDir directory(memory_directory());
    testing::RecordingFileCalls calls(system_file_calls());
    FileSystem files(calls);
    Env env = system_env();
    const auto store = make_fs_store(
        {.clock = env.clock, .random = env.random, .files = files, .processes = env.processes},
        directory / "s", {});
    REQUIRE(store->create(as_bytes("config")));
    constexpr int many = 3 * OpenFiles::count_max;
    for (int i = 0; i < many; ++i) {
      REQUIRE(store->put(ItemKind::packfile, name(i), as_bytes("0123456789"), PutMode::replace));
    }
    Bytes out(3);
    calls.clear();
    for (int round = 0; round < 10; ++round) {
      for (int i = 0; i < 8; ++i) {
        REQUIRE(store->read(ItemKind::packfile, name(i), 4, out).value() == 3);
      }
    }
    CHECK(calls.calls(testing::CallKind::open).size() == 8);
    for (int i = 0; i < many; ++i) REQUIRE(store->read(ItemKind::packfile, name(i), 4, out));
    CHECK(calls.calls(testing::CallKind::open).size() == many);
    CHECK(calls.calls(testing::CallKind::close).size() == many - OpenFiles::count_max);
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

}  // namespace plakar::connectors
