// The store on a disk that loses power, and on one whose calls fail: after each single call.
#include <doctest/doctest.h>

#include <cerrno>
#include <map>
#include <string>
#include <utility>

#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/staged_file.h"
#include "core/connectors/fs/store.h"

namespace plakar::connectors {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;
using testing::CallKind;
using testing::CrashPoint;
using testing::MemoryDisk;

constexpr auto all_kinds = {ItemKind::packfile, ItemKind::state, ItemKind::lock};
const std::string store_path = "/some/where/store";

// A store, as a process of its own would open it.
class Process {
 public:
  Process(FileCalls& calls, std::uint64_t seed) : files_(calls), random_(seed) {
    const Env system = system_env();
    store_ = make_fs_store(
        {.clock = system.clock, .random = random_, .files = files_, .processes = system.processes},
        store_path, {});
  }

  Store& store() { return *store_; }
  const FileSystem& files() const { return files_; }

 private:
  FileSystem files_;
  testing::SeededRandom random_;
  std::unique_ptr<Store> store_;
};

ItemName name(int value) {
  ItemName made;
  made.bytes.fill(static_cast<std::byte>(value));
  return made;
}

// What an item has to contain. Of locks there are several versions.
Bytes content(ItemKind kind, const ItemName& item, int version) {
  const int number = std::to_integer<int>(item.bytes[0]);
  switch (kind) {
    case ItemKind::packfile:
      return Bytes(StagedFile::piece_size + 70'000, static_cast<std::byte>(number));
    case ItemKind::state:
      return to_bytes(as_bytes("state " + std::to_string(number)));
    case ItemKind::lock:
      return to_bytes(as_bytes("lock, version " + std::to_string(version)));
  }
  return {};
}

// What a caller knows to be there: the version that was acknowledged, and perhaps one that is
// under way.
struct Known {
  int acknowledged = -1;  // -1: it may also be absent
  int under_way = -1;
  bool removed = false;
};

// Does things with a store, and keeps book.
class Script {
 public:
  explicit Script(Process& process) : process_(process) {}

  bool created() const { return created_; }
  const std::map<std::pair<ItemKind, ItemName>, Known>& known() const { return known_; }

  Status run() {
    PLK_TRY(store().create(as_bytes("config")));
    created_ = true;
    PLK_TRY(write_packfile(name(1)));
    PLK_TRY(put(ItemKind::lock, name(9), 1, PutMode::if_absent));
    // Somebody tidies up.
    static_cast<void>(process_.files().remove_directory(store_path + "/packfiles/07"));
    PLK_TRY(write_packfile(name(7)));
    PLK_TRY(put(ItemKind::state, name(3), 0, PutMode::if_absent));
    PLK_TRY(put(ItemKind::lock, name(9), 2, PutMode::replace));
    {
      auto given_up = PLK_TRY(store().start(ItemKind::packfile, 0));
      PLK_TRY(given_up->write(as_bytes("never committed")));
    }
    PLK_TRY(remove(ItemKind::packfile, name(1)));
    return remove(ItemKind::lock, name(9));
  }

 private:
  Store& store() { return process_.store(); }

  Status write_packfile(const ItemName& item) {
    Known& known = known_[{ItemKind::packfile, item}];
    known.under_way = 0;
    const Bytes bytes = content(ItemKind::packfile, item, 0);
    auto writer = PLK_TRY(store().start(ItemKind::packfile, bytes.size()));
    PLK_TRY(writer->write(BytesView(bytes).first(1000)));
    PLK_TRY(writer->write(BytesView(bytes).subspan(1000)));
    PLK_TRY(writer->commit(item));
    known = {.acknowledged = 0};
    return {};
  }

  Status put(ItemKind kind, const ItemName& item, int version, PutMode mode) {
    Known& known = known_[{kind, item}];
    known.under_way = version;
    PLK_TRY(store().put(kind, item, content(kind, item, version), mode));
    known = {.acknowledged = version};
    return {};
  }

  // A removal may be undone by a crash: it is not said to be durable.
  Status remove(ItemKind kind, const ItemName& item) {
    Known& known = known_[{kind, item}];
    known = {.acknowledged = -1, .under_way = known.acknowledged, .removed = true};
    return store().remove(kind, item);
  }

  Process& process_;
  bool created_ = false;
  std::map<std::pair<ItemKind, ItemName>, Known> known_;
};

// Every item in the store is one that was written, and whole; everything acknowledged is there.
void check_items(Store& store, const Script& script) {
  std::map<std::pair<ItemKind, ItemName>, Bytes> found;
  for (const ItemKind kind : all_kinds) {
    REQUIRE(store.list(kind, [&](const ItemInfo& item) -> Status {
      found[{kind, item.name}] = PLK_TRY(load_item(store, kind, item.name, 16u << 20));
      return {};
    }));
  }
  for (const auto& [key, bytes] : found) {
    const auto known = script.known().find(key);
    REQUIRE(known != script.known().end());
    const auto is_version = [&, &item = key, &there = bytes](int version) {
      return version >= 0 && there == content(item.first, item.second, version);
    };
    const bool is_whole =
        is_version(known->second.acknowledged) || is_version(known->second.under_way);
    REQUIRE(is_whole);
  }
  for (const auto& [key, known] : script.known()) {
    if (known.acknowledged >= 0) REQUIRE(found.contains(key));
  }
}

std::size_t temporaries(const FileSystem& files) {
  std::size_t found = 0;
  for (const std::string directory : {"", "/packfiles", "/states"}) {
    const auto entries = list_directory(files, store_path + directory);
    if (!entries) continue;
    for (const auto& entry : *entries) found += entry.name.starts_with("tmp.") ? 1 : 0;
  }
  return found;
}

// Whether anything is visible that was neither acknowledged nor about to be replaced or removed.
bool shows_unacknowledged(Store& store, const Script& script) {
  for (const auto& [key, known] : script.known()) {
    const bool was_there_before = known.acknowledged >= 0 || known.removed;
    if (!was_there_before && store.size(key.first, key.second)) return true;
  }
  return false;
}

// The script with one call that goes wrong. False: there was no such call.
bool run_with_fault(const testing::Fault& fault) {
  MemoryDisk disk;
  REQUIRE(FileSystem(disk).make_directory("/some", 0700));
  testing::FaultyFileCalls faulty(disk, fault);
  {
    Process process(faulty, 7);
    Script script(process);
    const Status done = script.run();
    if (!faulty.fired()) {
      REQUIRE(done);
      return false;
    }
    if (script.created()) {
      Process other(disk, 11);
      REQUIRE(as_text(other.store().load_config().value()) == "config");
      check_items(other.store(), script);
      // A call that was done and reported as failed may have made the name.
      if (!fault.happens) CHECK_FALSE(shows_unacknowledged(other.store(), script));
    }
  }
  // An open that succeeded and says that it failed nobody can close.
  if (!fault.happens) CHECK(disk.open_handles() == 0);
  Process after(disk, 12);
  // One may be left if it was its removal that failed.
  CHECK(temporaries(after.files()) <= 1);
  // And it can be gone on with.
  if (!after.store().load_config()) REQUIRE(after.store().create(as_bytes("config")));
  REQUIRE(after.store().put(ItemKind::state, name(200), as_bytes("x"), PutMode::if_absent));
  return true;
}

}  // namespace

TEST_SUITE("fs store, when power fails") {
  TEST_CASE("after any loss of power there are whole items, and all that were acknowledged") {
    MemoryDisk disk;
    REQUIRE(FileSystem(disk).make_directory("/some", 0700));
    REQUIRE(sync_directory(FileSystem(disk), "/"));
    const Script* script = nullptr;
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    const auto check = [&](MemoryDisk& after, const CrashPoint& point) {
      CAPTURE(point.description);
      Process restarted(after, 11);
      const auto config = restarted.store().load_config();
      if (config) {
        REQUIRE(as_text(*config) == "config");
        check_items(restarted.store(), *script);
      } else {
        // Never half a store: what there is of it does not prevent the next one. Tried at some
        // of the 512 directories only.
        REQUIRE_FALSE(script->created());
        if (point.call % 16 != 0 && point.call < 500) return;
        REQUIRE(restarted.store().create(as_bytes("config")));
      }
      REQUIRE(restarted.store().put(ItemKind::lock, name(250), as_bytes("x"), PutMode::if_absent));
    };
    testing::CrashPoints points(disk, check, {.seed = seed, .random_states = 2});
    Process process(points, 7);
    Script running(process);
    script = &running;
    REQUIRE(running.run());
    CHECK(points.states_checked() > 3000);
  }
}

TEST_SUITE("fs store, when calls fail") {
  TEST_CASE("any call that fails makes an error or does no harm") {
    for (const int error : {EIO, ENOSPC}) {
      for (const bool happens : {false, true}) {
        CAPTURE(error);
        CAPTURE(happens);
        std::uint64_t nth = 1;
        while (run_with_fault({.nth = nth, .error = error, .happens = happens})) {
          CAPTURE(nth);
          // Making 512 directories fails in the same way every time.
          nth += nth > 50 && nth < 500 ? 37 : 1;
        }
        CHECK(nth > 550);
      }
    }
  }

  TEST_CASE("calls that are interrupted, and writes that come short, are no errors") {
    const auto runs = [](const testing::Fault& fault) {
      MemoryDisk disk;
      REQUIRE(FileSystem(disk).make_directory("/some", 0700));
      testing::FaultyFileCalls faulty(disk, fault);
      Process process(faulty, 7);
      Script script(process);
      const Status done = script.run();
      CHECK(faulty.fired());
      if (done) check_items(process.store(), script);
      return done.has_value();
    };
    for (const CallKind kind :
         {CallKind::open, CallKind::write_at, CallKind::truncate, CallKind::allocate}) {
      for (const std::uint64_t nth : {1u, 2u}) {
        CAPTURE(name_of(kind));
        CHECK(runs({.nth = nth, .kind = kind, .error = EINTR}));
      }
    }
    for (const std::uint64_t nth : {1u, 2u, 3u, 4u}) {
      CHECK(runs({.nth = nth, .kind = CallKind::write_at, .short_length = UINT64_C(4096)}));
    }
  }

  TEST_CASE("a disk that is full is said to be, and leaves room for removing locks") {
    MemoryDisk disk;
    REQUIRE(FileSystem(disk).make_directory("/some", 0700));
    Process process(disk, 7);
    REQUIRE(process.store().create(as_bytes("config")));
    REQUIRE(process.store().put(ItemKind::lock, name(1), as_bytes("x"), PutMode::replace));
    disk.set_capacity(3u << 20);
    auto writer = process.store().start(ItemKind::packfile, 64u << 20);
    REQUIRE(writer);
    const Bytes megabyte(1u << 20);
    Status last;
    for (int i = 0; i < 16 && last; ++i) last = (*writer)->write(megabyte);
    REQUIRE_FALSE(last);
    CHECK(last.error().code() == Errc::out_of_space);
    CHECK_FALSE((*writer)->commit(name(1)));
    writer->reset();
    CHECK(temporaries(process.files()) == 0);
    CHECK(process.store().remove(ItemKind::lock, name(1)));
  }

  TEST_CASE("a directory that cannot be read is no shorter listing") {
    for (const char* where : {"/packfiles", "/packfiles/07"}) {
      MemoryDisk disk;
      REQUIRE(FileSystem(disk).make_directory("/some", 0700));
      Process sound(disk, 7);
      REQUIRE(sound.store().create(as_bytes("config")));
      testing::FaultyFileCalls faulty(disk, {.nth = 1,
                                             .kind = CallKind::read_directory,
                                             .path_contains = store_path + where,
                                             .error = EIO});
      Process process(faulty, 8);
      const Status listed =
          process.store().list(ItemKind::packfile, [](const ItemInfo&) { return Status(); });
      REQUIRE_FALSE(listed);
      CHECK(listed.error().code() == Errc::io);
    }
  }
}

}  // namespace plakar::connectors
