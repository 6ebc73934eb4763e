#include "core/kloset/state/table_index.h"

#include <doctest/doctest.h>

#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "tests/suites/state_index_suite.h"
#include "tests/support/temp_dir.h"

namespace plakar::kloset {
namespace {

using testing::MemoryDisk;
using testing::SeededRandom;

constexpr Uuid repository{.bytes = {std::byte{1}, std::byte{2}}};

enum class Settle { nothing, save, reopen, random };

class TablePlace final : public testing::IndexPlace {
 public:
  TablePlace(Settle settle, std::size_t delta_bytes_max, std::uint64_t seed = 1)
      : settle_(settle), delta_bytes_max_(delta_bytes_max), random_(seed) {
    open();
  }

  StateIndex& index() override { return *index_; }
  void settle() override {
    const Settle how = settle_ == Settle::random ? static_cast<Settle>(random_.below(3)) : settle_;
    if (how == Settle::nothing) return;
    REQUIRE(index_->save());
    if (how == Settle::save) return;
    const bool is_empty = index_->last_state().is_zero();
    open();
    REQUIRE((is_empty || index_->opened()));
  }

 private:
  void open() {
    index_.reset();
    index_ = TableIndex::open(files_, random_,
                              {.directory = "/cache/index",
                               .repository_id = repository,
                               .delta_bytes_max = delta_bytes_max_,
                               .resident_bytes_max = 1});
  }

  Settle settle_;
  std::size_t delta_bytes_max_;
  SeededRandom random_;
  MemoryDisk disk_;
  FileSystem files_{disk_};
  std::unique_ptr<TableIndex> index_;
};

}  // namespace

TEST_SUITE("table index") {
  TEST_CASE("it is an index, without ever being saved") {
    testing::run_state_index_suite(
        [] { return std::make_unique<TablePlace>(Settle::nothing, 1 << 20); });
  }
  TEST_CASE("it is an index when every location goes to a run") {
    testing::run_state_index_suite([] { return std::make_unique<TablePlace>(Settle::nothing, 0); });
  }
  TEST_CASE("it is an index when it is saved all the time") {
    testing::run_state_index_suite(
        [] { return std::make_unique<TablePlace>(Settle::save, 1 << 20); });
  }
  TEST_CASE("it is an index when it is opened again all the time") {
    testing::run_state_index_suite(
        [] { return std::make_unique<TablePlace>(Settle::reopen, 1 << 20); });
  }

  TEST_CASE("it answers as the one in memory, whatever is merged, saved and opened") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    for (std::uint64_t round = 0; round < 3; ++round) {
      for (const Settle settle : {Settle::nothing, Settle::save, Settle::reopen, Settle::random}) {
        for (const std::size_t delta_bytes_max : {0u, 2000u, 1u << 20}) {
          TablePlace place(settle, delta_bytes_max, seed + round);
          testing::run_random_states(place, seed + round, 30);
        }
      }
    }
  }
}

}  // namespace plakar::kloset
