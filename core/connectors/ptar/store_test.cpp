#include "core/connectors/ptar/store.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/ptar/layout.h"
#include "tests/suites/store_suite.h"
#include "tests/support/temp_dir.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;
using testing::TempDir;

Status write_archive(Store& store, BytesView packfile = as_bytes("the packfile")) {
  PLK_TRY(store.create(as_bytes("config")));
  auto writer = PLK_TRY(store.start(ItemKind::packfile, packfile.size()));
  PLK_TRY(writer->write(packfile));
  PLK_TRY(writer->commit(ItemName()));
  writer.reset();
  PLK_TRY(store.put(ItemKind::state, ItemName(), as_bytes("the state"), PutMode::if_absent));
  return store.close();
}

std::size_t entries(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

// An archive in memory.
class MemoryReader final : public RangeReader {
 public:
  explicit MemoryReader(Bytes bytes) : bytes_(std::move(bytes)) {}

  Result<std::uint64_t> size() override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const BytesView rest = BytesView(bytes_).subspan(static_cast<std::size_t>(offset));
    const std::size_t got = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), got, out.begin());
    return got;
  }

 private:
  const Bytes bytes_;
};

Bytes read_archive(const std::string& path) {
  return read_file(system_files(), path, 64u << 20).value();
}

}  // namespace

TEST_SUITE("archive store") {
  TEST_CASE("it is an archive") {
    const TempDir directory;
    testing::run_archive_suite([&]() -> testing::StorePlace {
      return {[&](flow::CancelToken cancel) {
        return make_archive_store(system_env(), directory / "a.ptar", {}, std::move(cancel));
      }};
    });
  }

  TEST_CASE("its bytes are header, CONFIG, packfile, state, trailer, for its owner alone") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    REQUIRE(write_archive(*make_archive_store(system_env(), path, {}, {})));
    const Bytes bytes = read_archive(path);
    const std::string_view text = as_text(bytes);
    CHECK(text.substr(0, 12) == std::string_view("_PLATAR_\0\0\1\0", 12));
    CHECK(text.substr(12, 27) == "configthe packfilethe state");
    CHECK(bytes.size() == 12 + 27 + 48);
    const auto layout = decode_archive_trailer(BytesView(bytes).last(48), bytes.size());
    REQUIRE(layout);
    CHECK(*layout == ArchiveLayout{.config = {.offset = 12, .length = 6},
                                   .packfile = {.offset = 18, .length = 12},
                                   .state = {.offset = 30, .length = 9}});
    CHECK(system_files().stat(path).value().mode == 0600);
    CHECK(entries(directory.path()) == 1);
  }

  TEST_CASE("listings make up the names that genuine Plakar does, and any name will do") {
    const TempDir directory;
    const auto store = make_archive_store(system_env(), directory / "a.ptar", {}, {});
    REQUIRE(write_archive(*store));
    const auto names = [&](ItemKind kind) {
      std::vector<std::string> found;
      REQUIRE(store->list(kind, [&](const ItemInfo& item) -> Status {
        found.push_back(item.name.hex());
        return {};
      }));
      return found;
    };
    const std::string zeros(32, '0');
    CHECK(names(ItemKind::packfile) ==
          std::vector<std::string>{"000102030405060708090a0b0c0d0e0f" + zeros});
    CHECK(names(ItemKind::state) ==
          std::vector<std::string>{"0f0e0d0c0b0a09080706050403020100" + zeros});
    ItemName other;
    other.bytes.fill(std::byte{0x77});
    CHECK(as_text(kloset::load_item(*store, ItemKind::packfile, other, 100).value()) ==
          "the packfile");
  }

  TEST_CASE("a large packfile is streamed, and another archive of that name replaced if asked") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    const Bytes large = testing::SeededRandom(3).bytes(9'000'001);
    REQUIRE(write_archive(*make_archive_store(system_env(), path, {}, {})));
    CHECK(
        make_archive_store(system_env(), path, {}, {})->create(as_bytes("config")).error().code() ==
        Errc::already_exists);
    const auto store = make_archive_store(system_env(), path, {.overwrite = true}, {});
    REQUIRE(store->create(as_bytes("config")));
    // The old one is there until the new one is complete.
    CHECK(make_archive_store(system_env(), path, {}, {})->load_config());
    const auto traits = store->traits();
    CHECK(traits.archive);
    CHECK(traits.local_paths.size() == 2);
    REQUIRE(store->close().error().code() == Errc::invalid_argument);
    REQUIRE(write_archive(*store, large));
    CHECK(kloset::load_item(*store, ItemKind::packfile, ItemName(), large.size()).value() == large);
    CHECK(entries(directory.path()) == 1);
  }

  TEST_CASE("an archive that appears meanwhile is not replaced unless asked") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    const auto store = make_archive_store(system_env(), path, {}, {});
    REQUIRE(store->create(as_bytes("config")));
    REQUIRE(store->put(ItemKind::packfile, ItemName(), as_bytes("p"), PutMode::replace));
    REQUIRE(store->put(ItemKind::state, ItemName(), as_bytes("s"), PutMode::replace));
    std::ofstream(path) << "somebody's";
    CHECK(store->close().error().code() == Errc::already_exists);
    CHECK(as_text(read_archive(path)) == "somebody's");
    CHECK(entries(directory.path()) == 1);
  }

  TEST_CASE("an archive anywhere is read through ranges, and is for reading") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    REQUIRE(write_archive(*make_archive_store(system_env(), path, {}, {})));
    const auto store = make_archive_reader(std::make_unique<MemoryReader>(read_archive(path)),
                                           "ptar+https://host/a.ptar", {});
    CHECK(store->location() == "ptar+https://host/a.ptar");
    CHECK_FALSE(store->traits().writable);
    CHECK(store->ping());
    CHECK(as_text(store->load_config().value()) == "config");
    CHECK(as_text(kloset::load_item(*store, ItemKind::state, ItemName(), 100).value()) ==
          "the state");
    CHECK(store->used_bytes().value().value() == 87u);
    CHECK(store->create(as_bytes("x")).error().code() == Errc::unsupported);
    CHECK(store->start(ItemKind::packfile, 0).error().code() == Errc::unsupported);
    CHECK(store->put(ItemKind::lock, ItemName(), as_bytes("x"), PutMode::replace));
  }

  TEST_CASE("what is not an archive, or is cut off, is corrupt") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    REQUIRE(write_archive(*make_archive_store(system_env(), path, {}, {})));
    const Bytes whole = read_archive(path);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const auto store = make_archive_reader(
          std::make_unique<MemoryReader>(to_bytes(BytesView(whole).first(size))), "x", {});
      CHECK(store->load_config().error().code() == Errc::corrupt);
    }
    std::filesystem::create_directory(directory / "d.ptar");
    CHECK_FALSE(make_archive_store(system_env(), directory / "d.ptar", {}, {})->load_config());
    CHECK(make_archive_store(system_env(), directory / "d.ptar", {.overwrite = true}, {})
              ->create(as_bytes("x"))
              .error()
              .code() == Errc::already_exists);
  }

  TEST_CASE("an archive that becomes shorter while it is read is an error") {
    const TempDir directory;
    const std::string path = directory / "a.ptar";
    const auto store = make_archive_store(system_env(), path, {}, {});
    REQUIRE(write_archive(*store));
    REQUIRE(store->load_config());
    std::filesystem::resize_file(path, 20);
    Bytes out(12);
    CHECK(store->read(ItemKind::packfile, ItemName(), 0, out).error().code() == Errc::corrupt);
  }

  TEST_CASE("after any loss of power there is the old archive, the new one, or none") {
    testing::MemoryDisk disk;
    testing::SeededRandom random(7);
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    bool complete = false;
    const Env system = system_env();
    const auto check = [&](testing::MemoryDisk& after, const testing::CrashPoint& point) {
      CAPTURE(point.description);
      FileSystem files(after);
      const auto store = make_archive_store(
          {.clock = system.clock, .random = random, .files = files, .processes = system.processes},
          "/a.ptar", {}, {});
      const auto config = store->load_config();
      if (!complete && !config && config.error().code() == Errc::not_found) return;
      REQUIRE(config);
      REQUIRE(as_text(*config) == "config");
      REQUIRE(store->size(ItemKind::packfile, ItemName()).value() == 3'000'000);
    };
    testing::CrashPoints points(disk, check, {.seed = seed, .random_states = 8});
    FileSystem files(points);
    const auto store = make_archive_store(
        {.clock = system.clock, .random = random, .files = files, .processes = system.processes},
        "/a.ptar", {}, {});
    REQUIRE(write_archive(*store, Bytes(3'000'000, std::byte{5})));
    complete = true;
    REQUIRE(files.make_directory("/after", 0700));
    CHECK(points.states_checked() > 50);
  }

  TEST_CASE("any call that fails leaves no archive, or a whole one, and nothing else") {
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      testing::MemoryDisk disk;
      testing::SeededRandom random(7);
      testing::FaultyFileCalls faulty(disk, testing::Fault{.nth = nth, .error = ENOSPC});
      FileSystem files(faulty);
      const Env system = system_env();
      const Env env{
          .clock = system.clock, .random = random, .files = files, .processes = system.processes};
      Status written;
      {
        const auto store = make_archive_store(env, "/a.ptar", {}, {});
        written = write_archive(*store, Bytes(5'000'000, std::byte{5}));
      }
      CHECK(disk.open_handles() == 0);
      if (!faulty.fired()) {
        REQUIRE(written);
        break;
      }
      const auto after = make_archive_store(env, "/a.ptar", {}, {});
      const auto config = after->load_config();
      CHECK(config.has_value() == written.has_value());
      CHECK(list_directory(files, "/").value().size() <= 1);
      if (config) CHECK(after->size(ItemKind::packfile, ItemName()).value() == 5'000'000);
    }
  }
}

}  // namespace plakar::connectors
