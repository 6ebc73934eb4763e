#include "core/kloset/repository/lock.h"

#include <doctest/doctest.h>

#include <memory>

#include "core/base/testing/stepped_clock.h"
#include "core/flow/testing/watchdog.h"
#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

using namespace std::chrono_literals;

LockId lock_id(int value) {
  LockId id;
  id.bytes.fill(static_cast<std::byte>(value));
  return id;
}

struct Fixture {
  testing::MemoryPlace place;
  testing::MemoryStore store{place};
  StoreConfig config = default_config();
  StoreKeys keys = *plain_keys(config);
  // On the heap: see the note on thread checkers in core/flow/README.md.
  std::unique_ptr<plakar::testing::SteppedClock> clock =
      std::make_unique<plakar::testing::SteppedClock>();
  Env env{.clock = *clock,
          .random = system_env().random,
          .files = system_env().files,
          .processes = system_env().processes};

  Result<std::unique_ptr<RepositoryLock>> acquire(int id, LockMode mode) {
    return RepositoryLock::acquire(store, config, keys, env,
                                   {.id = lock_id(id), .mode = mode, .hostname = "host"});
  }
  std::size_t count() const { return place.items.size(); }
};

}  // namespace

TEST_SUITE("repository lock") {
  TEST_CASE("shared locks go together, an exclusive one goes with none") {
    Fixture fixture;
    auto first = fixture.acquire(1, LockMode::shared);
    REQUIRE(first);
    auto second = fixture.acquire(2, LockMode::shared);
    REQUIRE(second);
    const auto refused = fixture.acquire(3, LockMode::exclusive);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::conflict);
    CHECK(refused.error().message().find("host") != std::string::npos);
    CHECK(fixture.count() == 2);  // The one that was refused took its lock away.
    REQUIRE((*first)->release());
    second->reset();
    CHECK(fixture.count() == 0);
    auto exclusive = fixture.acquire(3, LockMode::exclusive);
    REQUIRE(exclusive);
    CHECK(fixture.acquire(4, LockMode::shared).error().code() == Errc::conflict);
    CHECK(fixture.acquire(5, LockMode::exclusive).error().code() == Errc::conflict);
    CHECK(fixture.count() == 1);
  }

  TEST_CASE(
      "a lock that nobody refreshes is stale after ten minutes, and removed by who meets it") {
    Fixture fixture;
    auto first = fixture.acquire(1, LockMode::exclusive);
    REQUIRE(first);
    // As if its process had been killed: the item stays.
    const auto items = fixture.place.items;
    REQUIRE((*first)->release());
    fixture.place.items = items;
    fixture.clock->advance(9min);
    CHECK(fixture.acquire(2, LockMode::shared).error().code() == Errc::conflict);
    fixture.clock->advance(2min);
    auto second = fixture.acquire(2, LockMode::shared);
    REQUIRE(second);
    CHECK(fixture.count() == 1);
  }

  TEST_CASE("a lock that is held is refreshed every five minutes") {
    Fixture fixture;
    auto held = fixture.acquire(1, LockMode::shared);
    REQUIRE(held);
    const WallTime start = fixture.clock->wall();
    for (int i = 0; i < 5; ++i) {
      fixture.clock->await_waiting(1);
      fixture.clock->advance(5min + 1s);
      const bool refreshed = flow::testing::eventually([&] {
        const auto locks =
            list_locks(fixture.store, fixture.config, fixture.keys, fixture.env.random);
        return locks && locks->size() == 1 && locks->front().refreshed >= start + (i + 1) * 5min;
      });
      REQUIRE(refreshed);
      CHECK((*held)->check());
    }
  }

  TEST_CASE("a lock that cannot be read is an error, one that vanishes is none") {
    Fixture fixture;
    auto held = fixture.acquire(1, LockMode::shared);
    REQUIRE(held);
    fixture.place.items.begin()->second.back() ^= std::byte{1};
    const auto locks = list_locks(fixture.store, fixture.config, fixture.keys, fixture.env.random);
    REQUIRE_FALSE(locks);
    CHECK(locks.error().code() == Errc::corrupt);
    CHECK(fixture.acquire(2, LockMode::shared).error().code() == Errc::corrupt);
    CHECK(fixture.count() == 1);
  }
}

}  // namespace plakar::kloset
