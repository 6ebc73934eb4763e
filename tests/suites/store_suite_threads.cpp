#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/suites/store_suite_support.h"

// Assertions are made in the test's own thread: others count what went wrong.
namespace plakar::testing {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;

namespace {

constexpr int thread_count = 64;

// Runs `body(number)` in so many threads at once, and returns how often it was not true.
template <class Body>
int count_failures(int threads, Body body) {
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> running;
    for (int number = 0; number < threads; ++number) {
      running.emplace_back([&, number] {
        if (!body(number)) ++failures;
      });
    }
  }
  return failures;
}

// Stores, reads, lists and removes items that nobody else touches.
bool use_own_items(Store& store, int number) {
  for (int i = 0; i < 4; ++i) {
    const ItemName mine = item_name(i * 256 + number);
    const Bytes bytes = item_content(3000, number * 100 + i);
    if (i % 2 == 0) {
      if (!store.put(ItemKind::packfile, mine, bytes, PutMode::if_absent)) return false;
    } else {
      auto writer = store.start(ItemKind::packfile, bytes.size());
      if (!writer || !(*writer)->write(bytes) || !(*writer)->commit(mine)) return false;
    }
    Bytes out(bytes.size());
    const auto got = store.read(ItemKind::packfile, mine, 0, out);
    if (!got || *got != out.size() || out != bytes) return false;
    bool seen = false;
    const Status listed = store.list(ItemKind::packfile, [&](const ItemInfo& item) -> Status {
      seen = seen || item.name == mine;
      return {};
    });
    if (!listed || !seen) return false;
    if (i == 3) {
      if (!store.remove(ItemKind::packfile, mine)) return false;
      if (store.size(ItemKind::packfile, mine)) return false;
    }
  }
  return true;
}

}  // namespace

void test_store_threads(const StorePlace& place) {
  SUBCASE("many threads put, read, list and remove without getting into each other's way") {
    auto store = created_store(place);
    CHECK(count_failures(thread_count, [&](int number) { return use_own_items(*store, number); }) ==
          0);
    CHECK(listed_items(*store, ItemKind::packfile).size() == thread_count * 3);
  }

  SUBCASE("a listing is complete while others put and remove") {
    auto store = created_store(place);
    std::multiset<ItemName> lasting;
    for (int i = 0; i < 300; ++i) {
      lasting.insert(item_name(i));
      REQUIRE(store->put(ItemKind::state, item_name(i), as_bytes("x"), PutMode::replace));
    }
    std::atomic<bool> enough = false;
    std::jthread restless([&] {
      for (int i = 0; !enough; i = (i + 1) % 200) {
        static_cast<void>(
            store->put(ItemKind::state, item_name(10'000 + i), as_bytes("y"), PutMode::replace));
        static_cast<void>(store->remove(ItemKind::state, item_name(10'000 + (i + 100) % 200)));
      }
    });
    for (int round = 0; round < 20; ++round) {
      std::multiset<ItemName> found;
      const Status listed = store->list(ItemKind::state, [&](const ItemInfo& item) -> Status {
        if (lasting.contains(item.name)) found.insert(item.name);
        return {};
      });
      CHECK(listed);
      CHECK(found == lasting);
    }
    enough = true;
  }

  SUBCASE("who reads while an item is replaced gets one or the other, whole") {
    auto store = created_store(place);
    const ItemName name = item_name(1);
    const Bytes first(2000, std::byte{1});
    const Bytes second(2000, std::byte{2});
    REQUIRE(store->put(ItemKind::lock, name, first, PutMode::replace));
    std::atomic<bool> enough = false;
    std::jthread refreshing([&] {
      for (int i = 0; !enough; ++i) {
        static_cast<void>(
            store->put(ItemKind::lock, name, i % 2 == 0 ? second : first, PutMode::replace));
      }
    });
    int mixed = 0;
    for (int round = 0; round < 300; ++round) {
      Bytes out(2000);
      const auto got = store->read(ItemKind::lock, name, 0, out);
      if (!got || *got != out.size() || (out != first && out != second)) ++mixed;
    }
    enough = true;
    CHECK(mixed == 0);
  }

  SUBCASE("of many that put with if_absent exactly one succeeds") {
    if (!place.if_absent_is_exact) return;
    auto store = created_store(place);
    for (int round = 0; round < 5; ++round) {
      std::atomic<int> winner = -1;
      const int losers = count_failures(16, [&](int number) {
        const std::string text = std::to_string(number);
        const Status put =
            store->put(ItemKind::lock, item_name(round), as_bytes(text), PutMode::if_absent);
        if (put) winner = number;
        return put.has_value();
      });
      CHECK(losers == 15);
      CHECK(as_text(whole_item(*store, ItemKind::lock, item_name(round))) ==
            std::to_string(winner));
    }
  }
}

}  // namespace plakar::testing
