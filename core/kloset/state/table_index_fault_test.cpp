// What becomes of answers when power fails, the disk is full, or the cache is damaged.
#include <doctest/doctest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "core/base/files.h"
#include "core/base/testing/file_filters.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/kloset/state/internal/page_file.h"
#include "core/kloset/state/memory_index.h"
#include "core/kloset/state/table_index.h"
#include "tests/suites/state_index_suite.h"
#include "tests/support/temp_dir.h"

namespace plakar::kloset {
namespace {

using testing::CrashPoint;
using testing::CrashPoints;
using testing::FaultyFileCalls;
using testing::find_difference;
using testing::MemoryDisk;
using testing::random_states;
using testing::RandomState;
using testing::SeededRandom;

using States = std::span<const RandomState>;

constexpr std::string_view table_path = "/cache/table";
constexpr Uuid repository{.bytes = {std::byte{1}, std::byte{2}}};

std::unique_ptr<TableIndex> open_index(const FileSystem& files, Random& random,
                                       std::size_t delta_bytes_max = 1 << 20,
                                       std::size_t log_bytes_max = 1 << 20) {
  return TableIndex::open(files, random,
                          {.directory = "/cache",
                           .repository_id = repository,
                           .delta_bytes_max = delta_bytes_max,
                           .log_bytes_max = log_bytes_max});
}

// What a repository does: the states that an index does not have, in their order.
Status refresh(StateIndex& index, States states) {
  for (const RandomState& state : states) {
    if (!index.has_state(state.id)) PLK_TRY(index.merge(state.text()));
  }
  return {};
}

std::unique_ptr<StateIndex> model_of(States states) {
  auto model = make_memory_index();
  REQUIRE(refresh(*model, states));
  return model;
}

std::size_t states_known(const StateIndex& index, States states) {
  std::size_t known = 0;
  while (known < states.size() && index.has_state(states[known].id)) ++known;
  for (std::size_t i = known; i < states.size(); ++i) REQUIRE_FALSE(index.has_state(states[i].id));
  return known;
}

// A disk with a durable table of states.
struct SavedTable {
  MemoryDisk disk;
  FileSystem files{disk};
  Bytes bytes;

  SavedTable(States states, Random& random) {
    const auto index = open_index(files, random);
    REQUIRE(refresh(*index, states));
    REQUIRE(index->save());
    REQUIRE(sync_directory(files, "/cache"));
    REQUIRE(sync_directory(files, "/"));
    if (states.empty()) return;
    bytes = read_file(files, table_path, 1 << 24).value();
  }

  void put(BytesView content) {
    static_cast<void>(files.remove_file(table_path));
    const File file =
        files.open(table_path, {.access = Access::write, .create = Create::always_new}).value();
    REQUIRE(file.write(content));
  }
};

// Opens what `saved` has now, and holds every answer against the model: as a repository uses it, so
// that damage is healed, and without, so that what is not right is missing and status() says so.
// Returns whether the table was used at least when it was opened.
bool check_answers(SavedTable& saved, States states, const StateIndex& model, Random& random) {
  const Bytes content = read_file(saved.files, table_path, 1 << 24).value();
  int rebuilt = 0;
  const auto index = open_index(saved.files, random);
  const bool used = index->opened().has_value();
  REQUIRE(states_known(*index, states) == (used ? states.size() : 0));
  index->set_rebuild([&](StateIndex& empty) {
    ++rebuilt;
    return refresh(empty, states);
  });
  REQUIRE(refresh(*index, states));
  REQUIRE(find_difference(*index, model) == "");
  REQUIRE(index->status());
  REQUIRE(rebuilt <= 1);

  if (!used) return false;
  saved.put(content);
  const auto alone = open_index(saved.files, random);
  REQUIRE(alone->opened());
  REQUIRE(model.for_each_location([&](const LocationEntry& entry) -> Status {
    const auto right = model.find(entry.type, entry.blob);
    const auto found = alone->find(entry.type, entry.blob);
    REQUIRE((found == right || (!found && !alone->status())));
    const auto all_right = model.find_all(entry.type, entry.blob);
    const auto all = alone->find_all(entry.type, entry.blob);
    REQUIRE((all == all_right || !alone->status()));
    for (const BlobLocation& one : all) {
      REQUIRE(std::count(all_right.begin(), all_right.end(), one) == 1);
    }
    return {};
  }));
  int visited = 0;
  const Status walked = alone->for_each_location([&](const LocationEntry&) -> Status {
    ++visited;
    return {};
  });
  REQUIRE(walked.has_value() == (rebuilt == 0));
  if (!walked) {
    REQUIRE(walked.error().code() == Errc::corrupt);
    REQUIRE(visited == 0);
    REQUIRE(alone->status().error().code() == Errc::corrupt);
    REQUIRE_FALSE(saved.files.find(table_path).value());
  }
  return true;
}

}  // namespace

TEST_SUITE("table index faults") {
  TEST_CASE("power lost at any call of save() leaves the old table, the new one, or none") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 24);
    const auto old_states = States(states).first(12);
    const auto model = model_of(states);
    for (const bool has_old : {true, false}) {
      SavedTable saved(has_old ? old_states : States(), random);
      std::size_t seen[3] = {};
      CrashPoints points(
          saved.disk,
          [&](MemoryDisk& after, const CrashPoint& point) {
            CAPTURE(point.description);
            const FileSystem files(after);
            const auto index = open_index(files, random, 1 << 20, 0);
            const std::size_t known = states_known(*index, states);
            REQUIRE((known == 0 || known == states.size() || (has_old && known == 12)));
            ++seen[known == 0 ? 0 : known == 12 ? 1 : 2];
            index->set_rebuild([&](StateIndex& empty) { return refresh(empty, states); });
            REQUIRE(refresh(*index, states));
            REQUIRE(find_difference(*index, *model) == "");
            REQUIRE(index->save());
            REQUIRE(find_difference(*open_index(files, random, 1 << 20, 0), *model) == "");
          },
          {.seed = seed, .random_states = 20});
      const FileSystem files(points);
      const auto index = open_index(files, random, 1 << 20, 0);
      REQUIRE(refresh(*index, states));
      REQUIRE(index->save());
      CHECK(seen[has_old ? 1 : 0] > 0);
      CHECK(seen[2] > 0);
      // Whatever is durable goes by another name until the new one is.
      if (has_old) CHECK(seen[0] == 0);
    }
  }

  TEST_CASE("power lost while a log is saved leaves the old states or the new") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 62);
    const auto old_states = States(states).first(60);
    const auto model = model_of(states);
    SavedTable saved(old_states, random);
    std::size_t seen[2] = {};
    CrashPoints points(saved.disk,
                       [&](MemoryDisk& after, const CrashPoint& point) {
                         CAPTURE(point.description);
                         const FileSystem files(after);
                         const auto index = open_index(files, random);
                         const std::size_t known = states_known(*index, states);
                         REQUIRE((known == 60 || known == 62));
                         ++seen[known == 62];
                         REQUIRE(refresh(*index, states));
                         REQUIRE(find_difference(*index, *model) == "");
                         REQUIRE(index->save());
                         REQUIRE(find_difference(*open_index(files, random), *model) == "");
                       },
                       {.seed = seed, .random_states = 20});
    const FileSystem files(points);
    const auto index = open_index(files, random);
    REQUIRE(refresh(*index, states));
    REQUIRE(index->save());
    CHECK(saved.files.find("/cache/log").value());
    CHECK(read_file(saved.files, table_path, 1 << 24).value() == saved.bytes);
    CHECK(seen[0] > 0);
    CHECK(seen[1] > 0);
  }

  TEST_CASE("a log that is damaged, or not that of the table, counts as none") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 62);
    const auto model = model_of(states);
    SavedTable saved(States(states).first(60), random);
    {
      const auto index = open_index(saved.files, random);
      REQUIRE(refresh(*index, states));
      REQUIRE(index->save());
    }
    const Bytes log = read_file(saved.files, "/cache/log", 1 << 20).value();
    const auto known_with = [&](BytesView content) {
      REQUIRE(write_file_atomically(saved.files, random, "/cache/log", content));
      const auto index = open_index(saved.files, random);
      const std::size_t known = states_known(*index, states);
      REQUIRE(refresh(*index, states));
      REQUIRE(find_difference(*index, *model) == "");
      return known;
    };
    CHECK(known_with(log) == 62);
    for (std::size_t at = 0; at < log.size(); at += at < 150 ? 1 : 1 + random.below(50)) {
      CAPTURE(at);
      Bytes changed = log;
      changed[at] ^= std::byte{1} << static_cast<int>(random.below(8));
      REQUIRE(known_with(changed) == 60);
      REQUIRE(known_with(BytesView(log).first(at)) == 60);
    }
    // The table was written again in the meantime: its states may be the same, its numbers not.
    REQUIRE(saved.files.remove_file(table_path));
    {
      const auto index = open_index(saved.files, random);
      REQUIRE(refresh(*index, States(states).first(60)));
      REQUIRE(index->save());
    }
    CHECK(known_with(log) == 60);
  }

  TEST_CASE("few states are saved beside a large table, and many within it") {
    SeededRandom random(6);
    const auto states = random_states(6, 90);
    SavedTable saved(States(states).first(60), random);
    auto index = open_index(saved.files, random, 1 << 20, 20'000);
    for (std::size_t count = 61; count <= states.size(); ++count) {
      REQUIRE(refresh(*index, States(states).first(count)));
      REQUIRE(index->save());
      if (count % 2 == 0) index = open_index(saved.files, random, 1 << 20, 20'000);
      REQUIRE(states_known(*index, states) == count);
      REQUIRE(states_known(*open_index(saved.files, random, 1 << 20, 20'000), states) == count);
    }
    CHECK(find_difference(*open_index(saved.files, random, 1 << 20, 20'000), *model_of(states)) ==
          "");
    CHECK(read_file(saved.files, table_path, 1 << 24).value() != saved.bytes);
  }

  TEST_CASE("any call that fails leaves an index that answers, and can be saved later") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 8);
    const auto model = model_of(states);
    for (const int error : {ENOSPC, EIO, EACCES}) {
      for (const std::size_t log_bytes_max : {0u, 1u << 20}) {
        for (const std::size_t delta_bytes_max : {4096u, 1u << 20}) {
          std::uint64_t nth = 1;
          std::uint64_t reported = 0;
          for (;; ++nth) {
            CAPTURE(nth);
            SavedTable saved(States(states).first(4), random);
            FaultyFileCalls faulty(saved.disk, {.nth = nth, .error = error});
            const FileSystem files(faulty);
            {
              const auto index = open_index(files, random, delta_bytes_max, log_bytes_max);
              REQUIRE(refresh(*index, states));
              const Status done = index->save();
              if (!done) ++reported;
              if (!faulty.fired()) break;
              REQUIRE(find_difference(*index, *model) == "");
              REQUIRE(index->status());
              REQUIRE(index->save());
            }
            REQUIRE(saved.disk.open_handles() == 0);
            const auto index = open_index(saved.files, random);
            REQUIRE(refresh(*index, states));
            REQUIRE(find_difference(*index, *model) == "");
          }
          CHECK(nth > (log_bytes_max == 0 ? 20u : 10u));
          CHECK(reported > (log_bytes_max == 0 ? 3u : 1u));
        }
      }
    }
  }

  TEST_CASE("on a disk that stays full, save() says so and everything else works") {
    SeededRandom random(1);
    const auto states = random_states(1, 60);
    const auto model = model_of(states);
    MemoryDisk disk;
    disk.set_capacity(0);
    const FileSystem files(disk);
    const auto index = open_index(files, random, 0);
    REQUIRE(refresh(*index, states));
    CHECK(index->save().error().code() == Errc::out_of_space);
    CHECK(find_difference(*index, *model) == "");
    CHECK_FALSE(files.find("/cache/table.tmp").value());
    disk.set_capacity(UINT64_MAX);
    CHECK(index->save());
    CHECK(find_difference(*open_index(files, random), *model) == "");
  }

  TEST_CASE("without a directory there is an index all the same") {
    SeededRandom random(1);
    const auto states = random_states(1, 20);
    MemoryDisk disk;
    FaultyFileCalls faulty(
        disk, {.kind = testing::CallKind::make_directory, .error = EROFS, .repeats = true});
    const FileSystem files(faulty);
    const auto index = open_index(files, random, 0);
    REQUIRE(refresh(*index, states));
    CHECK(find_difference(*index, *model_of(states)) == "");
    CHECK_FALSE(index->save());
  }

  TEST_CASE("a bit that is flipped anywhere costs time, and no right answer") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 60);
    const auto model = model_of(states);
    SavedTable saved(states, random);
    CHECK(saved.bytes.size() > 12 * page_size);
    int used = 0, rejected = 0;
    const auto flip = [&](std::size_t at) {
      CAPTURE(at);
      Bytes damaged = saved.bytes;
      damaged[at] ^= std::byte{1} << static_cast<int>(random.below(8));
      saved.put(damaged);
      ++(check_answers(saved, states, *model, random) ? used : rejected);
    };
    for (std::size_t at = 0; at < 320; ++at) flip(at);
    for (std::size_t at = 320; at < saved.bytes.size(); at += 1 + random.below(400)) flip(at);
    CHECK(used > 10);
    CHECK(rejected > 320);
  }

  TEST_CASE("a table cut off, grown, mixed up or of somebody else costs time, too") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const auto states = random_states(seed, 60);
    const auto model = model_of(states);
    const auto other_states = random_states(seed + 1, 60);
    const Bytes other = SavedTable(other_states, random).bytes;
    SavedTable saved(states, random);
    const std::size_t pages = saved.bytes.size() / page_size;
    REQUIRE(other.size() / page_size > pages / 2);
    const auto check = [&](BytesView content) {
      saved.put(content);
      return check_answers(saved, states, *model, random);
    };
    const auto page = [](std::span<std::byte> bytes, std::size_t number) {
      return bytes.subspan(number * page_size, page_size);
    };

    for (std::size_t size = 0; size < saved.bytes.size(); size += 1 + random.below(2000)) {
      CAPTURE(size);
      CHECK_FALSE(check(BytesView(saved.bytes).first(size)));
    }
    Bytes changed = saved.bytes;
    changed.resize(changed.size() + page_size);
    CHECK_FALSE(check(changed));
    for (std::size_t i = 0; i < pages; ++i) {
      CAPTURE(i);
      changed = saved.bytes;
      std::ranges::fill(page(changed, i), std::byte{});
      check(changed);
      changed = saved.bytes;
      std::ranges::copy(page(saved.bytes, (i + 1) % pages), page(changed, i).begin());
      check(changed);
      changed = saved.bytes;
      Bytes from = other;
      if (i >= from.size() / page_size || i == 0) continue;
      std::ranges::copy(page(from, i), page(changed, i).begin());
      check(changed);
    }

    // All of it is in order, but it belongs to another repository.
    saved.put(saved.bytes);
    const auto foreign = TableIndex::open(
        saved.files, random, {.directory = "/cache", .repository_id = Uuid::random(random)});
    CHECK(foreign->opened().error().code() == Errc::conflict);
    CHECK(foreign->last_state().is_zero());

    changed = saved.bytes;
    changed[8] = std::byte{2};
    saved.put(changed);
    CHECK(open_index(saved.files, random)->opened().error().code() == Errc::unsupported);
    REQUIRE(saved.files.remove_file(table_path));
    CHECK(open_index(saved.files, random)->opened().error().code() == Errc::not_found);
    REQUIRE(saved.files.make_symlink("/cache/elsewhere", table_path));
    CHECK_FALSE(open_index(saved.files, random)->opened());
  }

  TEST_CASE("damage that is met while saving does not get into the new table") {
    SeededRandom random(3);
    const auto states = random_states(3, 60);
    const auto more = random_states(4, 3);
    SavedTable saved(states, random);
    saved.bytes.back() ^= std::byte{1};
    saved.put(saved.bytes);
    const auto index = open_index(saved.files, random, 1 << 20, 0);
    REQUIRE(index->opened());
    REQUIRE(refresh(*index, more));
    CHECK(index->save().error().code() == Errc::corrupt);
    CHECK_FALSE(index->status());
    CHECK_FALSE(saved.files.find(table_path).value());

    saved.put(saved.bytes);
    const auto healed = open_index(saved.files, random, 1 << 20, 0);
    healed->set_rebuild([&](StateIndex& empty) -> Status {
      PLK_TRY(refresh(empty, states));
      return refresh(empty, more);
    });
    REQUIRE(refresh(*healed, more));
    REQUIRE(healed->save());
    const auto model = model_of(states);
    REQUIRE(refresh(*model, more));
    CHECK(find_difference(*open_index(saved.files, random), *model) == "");
  }

  TEST_CASE("when building again fails, the reason stays") {
    SeededRandom random(3);
    const auto states = random_states(3, 60);
    SavedTable saved(states, random);
    saved.bytes.back() ^= std::byte{1};
    saved.put(saved.bytes);
    const auto index = open_index(saved.files, random);
    int calls = 0;
    index->set_rebuild([&](StateIndex&) -> Status {
      ++calls;
      return Error(Errc::unavailable, "the store is away");
    });
    const auto ignore = [](const LocationEntry&) { return Status(); };
    CHECK_FALSE(index->for_each_location(ignore));
    CHECK_FALSE(index->for_each_location(ignore));
    CHECK(index->status().error().code() == Errc::unavailable);
    CHECK(index->status().error().message() == "the cached index is damaged: the store is away");
    CHECK(calls == 1);
    REQUIRE(refresh(*index, random_states(4, 1)));
    CHECK(index->save().error().code() == Errc::unavailable);
    CHECK_FALSE(saved.files.find("/cache/log").value());
  }

  TEST_CASE("processes share the directory, each with the table that it has") {
    SeededRandom random(5);
    const auto states = random_states(5, 40);
    MemoryDisk disk;
    const FileSystem files(disk);
    const auto first = open_index(files, random);
    const auto second = open_index(files, random);
    REQUIRE(refresh(*first, States(states).first(20)));
    REQUIRE(first->save());
    REQUIRE(refresh(*second, states));
    REQUIRE(second->save());
    CHECK(find_difference(*first, *model_of(States(states).first(20))) == "");
    CHECK(find_difference(*open_index(files, random), *model_of(states)) == "");

    // The one that knows less does not replace the one that knows more.
    REQUIRE(refresh(*first, States(states).first(22)));
    REQUIRE(first->save());
    CHECK(find_difference(*open_index(files, random), *model_of(states)) == "");
    CHECK(find_difference(*first, *model_of(States(states).first(22))) == "");

    // Deleted while it is in use.
    REQUIRE(files.remove_file(table_path));
    CHECK(find_difference(*second, *model_of(states)) == "");
    REQUIRE(refresh(*first, states));
    REQUIRE(first->save());
    CHECK(find_difference(*open_index(files, random), *model_of(states)) == "");
  }

  TEST_CASE("a log is written beside the table that it belongs to, and no other") {
    SeededRandom random(5);
    const auto states = random_states(5, 45);
    SavedTable saved(States(states).first(40), random);
    const auto known = [&] { return states_known(*open_index(saved.files, random), states); };
    const auto has_log = [&] { return saved.files.find("/cache/log").value().has_value(); };
    const auto old = open_index(saved.files, random);
    const auto other = open_index(saved.files, random, 1 << 20, 0);
    REQUIRE(refresh(*other, States(states).first(42)));
    REQUIRE(other->save());
    REQUIRE(refresh(*old, States(states).first(41)));
    REQUIRE(old->save());
    CHECK_FALSE(has_log());
    CHECK(known() == 42);
    REQUIRE(refresh(*old, States(states).first(44)));
    REQUIRE(old->save());
    CHECK_FALSE(has_log());
    CHECK(known() == 44);
    REQUIRE(saved.files.remove_file(table_path));
    REQUIRE(refresh(*old, states));
    REQUIRE(old->save());
    CHECK_FALSE(has_log());
    CHECK(known() == 45);
    CHECK(find_difference(*open_index(saved.files, random), *model_of(states)) == "");
  }

  TEST_CASE("while another process saves, nobody waits") {
    SeededRandom random(5);
    const auto states = random_states(5, 10);
    MemoryDisk disk;
    const FileSystem files(disk);
    const auto index = open_index(files, random);
    const File lock =
        files.open("/cache/lock", {.access = Access::write, .create = Create::if_missing}).value();
    REQUIRE(lock.lock(LockMode::exclusive, Wait::no));
    REQUIRE(refresh(*index, states));
    CHECK(index->save());
    CHECK_FALSE(files.find(table_path).value());
    REQUIRE(lock.lock(LockMode::unlock, Wait::no));
    CHECK(index->save());
    CHECK(files.find(table_path).value());
  }

  TEST_CASE("threads ask while one merges and saves, and meet damage together") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    const testing::TempDir dir;
    SeededRandom random(seed);
    const auto states = random_states(seed, 60);
    const auto old_states = States(states).first(40);
    const TableIndex::Options options{.directory = dir / "index",
                                      .repository_id = repository,
                                      .delta_bytes_max = 4096,
                                      .resident_bytes_max = 1};
    {
      const auto index = TableIndex::open(system_files(), random, options);
      REQUIRE(refresh(*index, old_states));
      REQUIRE(index->save());
    }
    const FileStat stat = system_files().stat(options.directory + "/table").value();
    {
      const File file =
          system_files().open(options.directory + "/table", {.access = Access::read_write}).value();
      const std::byte flipped[] = {std::byte{0x5a}};
      REQUIRE(file.write_at(stat.size - 9, flipped));
    }
    const auto index = TableIndex::open(system_files(), random, options);
    REQUIRE(index->opened());
    std::atomic<int> rebuilt = 0;
    std::atomic<std::size_t> published = old_states.size();
    index->set_rebuild([&](StateIndex& empty) {
      ++rebuilt;
      return refresh(empty, States(states).first(published));
    });
    const auto model = model_of(states);
    {
      std::atomic<bool> stop = false;
      std::vector<std::jthread> readers;
      for (int i = 0; i < 3; ++i) {
        readers.emplace_back([&] {
          while (!stop) static_cast<void>(find_difference(*index, *model));
        });
      }
      for (const RandomState& state : States(states).subspan(40)) {
        ++published;  // In the store first, as everywhere.
        REQUIRE(index->merge(state.text()));
        REQUIRE(index->save());
      }
      stop = true;
    }
    CHECK(rebuilt <= 1);
    CHECK(find_difference(*index, *model) == "");
  }
}

}  // namespace plakar::kloset
