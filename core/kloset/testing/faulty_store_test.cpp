#include "core/kloset/testing/faulty_store.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "core/kloset/testing/memory_store.h"
#include "tests/suites/store_suite.h"

namespace plakar::kloset::testing {
namespace {

ItemName name(int value) {
  ItemName made;
  made.bytes.fill(static_cast<std::byte>(value));
  return made;
}

int count(Store& store, ItemKind kind) {
  int found = 0;
  REQUIRE(store.list(kind, [&](const ItemInfo&) -> Status {
    ++found;
    return {};
  }));
  return found;
}

// A store and the faulty one in front of it.
struct FaultyPair {
  explicit FaultyPair(std::optional<StoreFault> fault = {}) : faulty(sound, fault) {
    REQUIRE(sound.create(as_bytes("config")));
  }

  MemoryPlace place;
  MemoryStore sound{place};
  FaultyStore faulty;
};

}  // namespace

TEST_SUITE("faulty store") {
  TEST_CASE("without a fault it is a store") {
    MemoryPlace place;
    std::vector<std::unique_ptr<MemoryStore>> sound;
    plakar::testing::run_store_suite([&]() -> plakar::testing::StorePlace {
      return {[&](flow::CancelToken cancel) {
        sound.push_back(std::make_unique<MemoryStore>(place, std::move(cancel)));
        return std::make_unique<FaultyStore>(*sound.back());
      }};
    });
  }

  TEST_CASE("the nth call of a kind fails, and only that one") {
    FaultyPair stores(StoreFault{
        .nth = 2, .call = StoreCall::put, .kind = ItemKind::state, .error = Errc::out_of_space});
    const auto put = [&](ItemKind kind, int value) {
      return stores.faulty.put(kind, name(value), as_bytes("x"), PutMode::replace);
    };
    CHECK(put(ItemKind::packfile, 1));
    CHECK(put(ItemKind::state, 1));
    CHECK_FALSE(stores.faulty.fired());
    CHECK(put(ItemKind::state, 2).error().code() == Errc::out_of_space);
    CHECK(stores.faulty.fired());
    CHECK(put(ItemKind::state, 3));
    CHECK(stores.faulty.matched() == 3);
    CHECK(count(stores.sound, ItemKind::state) == 2);
  }

  TEST_CASE("a fault that repeats goes on from the nth call") {
    FaultyPair stores(StoreFault{.nth = 2, .call = StoreCall::ping, .repeats = true});
    CHECK(stores.faulty.ping());
    CHECK_FALSE(stores.faulty.ping());
    CHECK_FALSE(stores.faulty.ping());
  }

  TEST_CASE("a call may be done and fail all the same") {
    FaultyPair stores(StoreFault{.call = StoreCall::put, .effect = StoreFaultEffect::is_done});
    CHECK_FALSE(stores.faulty.put(ItemKind::lock, name(1), as_bytes("x"), PutMode::if_absent));
    CHECK(count(stores.sound, ItemKind::lock) == 1);
  }

  TEST_CASE("an item may be lost although its commit succeeds") {
    FaultyPair stores(StoreFault{.call = StoreCall::commit, .effect = StoreFaultEffect::is_lost});
    auto writer = stores.faulty.start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("x")));
    CHECK((*writer)->commit(name(1)));
    CHECK(stores.faulty.size(ItemKind::packfile, name(1)).error().code() == Errc::not_found);
  }

  TEST_CASE("a writer that failed stays failed") {
    FaultyPair stores(StoreFault{.call = StoreCall::write});
    auto writer = stores.faulty.start(ItemKind::packfile, 0);
    REQUIRE(writer);
    CHECK_FALSE((*writer)->write(as_bytes("x")));
    CHECK_FALSE((*writer)->write(as_bytes("x")));
    CHECK_FALSE((*writer)->commit(name(1)));
    CHECK(count(stores.sound, ItemKind::packfile) == 0);
  }

  TEST_CASE("a read that comes short makes an item that ends too early") {
    FaultyPair stores(StoreFault{
        .call = StoreCall::read, .effect = StoreFaultEffect::comes_short, .short_bytes = 2});
    REQUIRE(stores.faulty.put(ItemKind::state, name(1), as_bytes("four"), PutMode::replace));
    const auto loaded = load_item(stores.faulty, ItemKind::state, name(1), 100);
    CHECK(loaded.error().code() == Errc::corrupt);
    CHECK(as_text(load_item(stores.faulty, ItemKind::state, name(1), 100).value()) == "four");
    CHECK(load_item(stores.faulty, ItemKind::state, name(1), 3).error().code() == Errc::corrupt);
  }

  TEST_CASE("listings that lag behind leave out what is new until they catch up") {
    FaultyPair stores;
    REQUIRE(stores.faulty.put(ItemKind::state, name(1), as_bytes("x"), PutMode::replace));
    stores.faulty.lag_behind();
    REQUIRE(stores.faulty.put(ItemKind::state, name(2), as_bytes("x"), PutMode::replace));
    CHECK(count(stores.faulty, ItemKind::state) == 1);
    CHECK(stores.faulty.size(ItemKind::state, name(2)));
    stores.faulty.catch_up();
    CHECK(count(stores.faulty, ItemKind::state) == 2);
  }
}

}  // namespace plakar::kloset::testing
