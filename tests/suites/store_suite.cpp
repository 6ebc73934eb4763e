#include "tests/suites/store_suite.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace plakar::testing {
namespace {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;

constexpr auto kinds = {ItemKind::packfile, ItemKind::state, ItemKind::lock};

ItemName name(int value) {
  ItemName made;
  made.bytes.fill(static_cast<std::byte>(value));
  made.bytes[31] = static_cast<std::byte>(value >> 8);
  return made;
}

Bytes content(std::size_t size, int seed = 1) {
  Bytes bytes(size);
  auto state = static_cast<std::uint32_t>(seed);
  for (std::byte& b : bytes) {
    state = state * 1664525 + 1013904223;
    b = static_cast<std::byte>(state >> 24);
  }
  return bytes;
}

std::multiset<ItemName> names(Store& store, ItemKind kind) {
  std::multiset<ItemName> found;
  REQUIRE(store.list(kind, [&](const ItemInfo& item) -> Status {
    found.insert(item.name);
    return {};
  }));
  return found;
}

Bytes whole(Store& store, ItemKind kind, const ItemName& item) {
  auto bytes = kloset::load_item(store, kind, item, 1u << 30);
  REQUIRE(bytes);
  return *std::move(bytes);
}

std::unique_ptr<Store> created(const StorePlace& place) {
  auto store = place.open({});
  REQUIRE(store->create(as_bytes("config")));
  return store;
}

}  // namespace

void run_store_suite(const std::function<StorePlace()>& make_place) {
  const StorePlace place = make_place();

  SUBCASE("there is no store before one is created, and never a second") {
    auto store = place.open({});
    CHECK(store->load_config().error().code() == Errc::not_found);
    REQUIRE(store->create(as_bytes("config")));
    CHECK(store->create(as_bytes("other")).error().code() == Errc::already_exists);
    CHECK(place.open({})->create(as_bytes("other")).error().code() == Errc::already_exists);
    CHECK(as_text(*place.open({})->load_config()) == "config");
    for (const ItemKind kind : kinds) CHECK(names(*store, kind).empty());
  }

  SUBCASE("an item is there, whole, for everybody, once put() has returned") {
    auto store = created(place);
    auto other = place.open({});
    for (const ItemKind kind : kinds) {
      const Bytes bytes = content(1000);
      REQUIRE(store->put(kind, name(1), bytes, PutMode::if_absent));
      CHECK(whole(*other, kind, name(1)) == bytes);
      CHECK(other->size(kind, name(1)).value() == 1000u);
      CHECK(names(*other, kind) == std::multiset{name(1)});
      CHECK(store->size(kind, name(2)).error().code() == Errc::not_found);
      Bytes out(1);
      CHECK(store->read(kind, name(2), 0, out).error().code() == Errc::not_found);
    }
  }

  SUBCASE("if_absent refuses what exists, replace replaces it") {
    auto store = created(place);
    REQUIRE(store->put(ItemKind::lock, name(1), as_bytes("one"), PutMode::if_absent));
    CHECK(store->put(ItemKind::lock, name(1), as_bytes("two"), PutMode::if_absent).error().code() ==
          Errc::already_exists);
    CHECK(as_text(whole(*store, ItemKind::lock, name(1))) == "one");
    REQUIRE(store->put(ItemKind::lock, name(1), as_bytes("three"), PutMode::replace));
    CHECK(as_text(whole(*store, ItemKind::lock, name(1))) == "three");
    CHECK(names(*store, ItemKind::lock).size() == 1);
  }

  SUBCASE("ranges are exact at every edge") {
    auto store = created(place);
    const Bytes bytes = content(10000);
    REQUIRE(store->put(ItemKind::packfile, name(1), bytes, PutMode::replace));
    for (const std::uint64_t offset : {0u, 1u, 4095u, 4096u, 9999u, 10000u, 10001u, 1u << 30}) {
      for (const std::size_t size : {0u, 1u, 4096u, 10000u, 20000u}) {
        CAPTURE(offset);
        CAPTURE(size);
        Bytes out(size);
        const auto got = store->read(ItemKind::packfile, name(1), offset, out);
        REQUIRE(got);
        const std::size_t wanted =
            offset >= bytes.size() ? 0 : std::min<std::size_t>(size, bytes.size() - offset);
        REQUIRE(*got == wanted);
        CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(wanted),
                         bytes.begin() + static_cast<std::ptrdiff_t>(wanted == 0 ? 0 : offset)));
      }
    }
  }

  SUBCASE("a large item is written in pieces and visible when it is committed") {
    auto store = created(place);
    const Bytes bytes = content(9'000'001);
    auto writer = store->start(ItemKind::packfile, 16u << 20);
    REQUIRE(writer);
    for (std::size_t at = 0; at < bytes.size(); at += 700'001) {
      REQUIRE((*writer)->write(
          BytesView(bytes).subspan(at, std::min<std::size_t>(700'001, bytes.size() - at))));
    }
    CHECK(names(*store, ItemKind::packfile).empty());
    REQUIRE((*writer)->commit(name(7)));
    CHECK(names(*store, ItemKind::packfile) == std::multiset{name(7)});
    CHECK(whole(*place.open({}), ItemKind::packfile, name(7)) == bytes);
  }

  SUBCASE("a writer that is given up leaves nothing, one without content makes an empty item") {
    auto store = created(place);
    const auto before = store->used_bytes().value();
    {
      auto writer = store->start(ItemKind::packfile, 0);
      REQUIRE(writer);
      REQUIRE((*writer)->write(content(5'000'000)));
    }
    CHECK(names(*store, ItemKind::packfile).empty());
    CHECK(store->used_bytes().value() == before);
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->commit(name(1)));
    CHECK(store->size(ItemKind::packfile, name(1)).value() == 0u);
  }

  SUBCASE("removing is for good, and no error when there is nothing") {
    auto store = created(place);
    for (const ItemKind kind : kinds) {
      CHECK(store->remove(kind, name(1)));
      REQUIRE(store->put(kind, name(1), as_bytes("x"), PutMode::replace));
      Bytes out(1);
      REQUIRE(store->read(kind, name(1), 0, out));
      CHECK(store->remove(kind, name(1)));
      CHECK(store->read(kind, name(1), 0, out).error().code() == Errc::not_found);
      CHECK(names(*store, kind).empty());
      CHECK(store->remove(kind, name(1)));
    }
  }

  SUBCASE("a listing has every item once, and the visitor's error ends it") {
    auto store = created(place);
    std::multiset<ItemName> wanted;
    for (int i = 0; i < 600; ++i) {
      wanted.insert(name(i));
      REQUIRE(store->put(ItemKind::state, name(i), as_bytes("x"), PutMode::replace));
    }
    CHECK(names(*store, ItemKind::state) == wanted);
    CHECK(names(*store, ItemKind::packfile).empty());
    int visited = 0;
    const Status ended = store->list(ItemKind::state, [&](const ItemInfo&) -> Status {
      return ++visited == 3 ? Status(Error(Errc::conflict, "enough")) : Status();
    });
    CHECK(ended.error().code() == Errc::conflict);
    CHECK(visited == 3);
  }

  SUBCASE("many threads put, read, list and remove without getting into each other's way") {
    auto store = created(place);
    std::atomic<int> failures = 0;
    {
      std::vector<std::jthread> threads;
      for (int t = 0; t < 16; ++t) {
        threads.emplace_back([&, t] {
          for (int i = 0; i < 12; ++i) {
            const ItemName mine = name(t * 256 + i);
            const Bytes bytes = content(3000, t * 100 + i);
            const bool done =
                store->put(ItemKind::packfile, mine, bytes, PutMode::if_absent).has_value();
            Bytes out(3000);
            const auto got = store->read(ItemKind::packfile, mine, 0, out);
            if (!done || !got || out != bytes) ++failures;
            if (i % 3 == 0 && !store->remove(ItemKind::packfile, mine)) ++failures;
            const Status listed =
                store->list(ItemKind::packfile, [](const ItemInfo&) { return Status(); });
            if (!listed) ++failures;
          }
        });
      }
    }
    CHECK(failures == 0);
    CHECK(names(*store, ItemKind::packfile).size() == 16 * 8);
  }

  SUBCASE("after a cancel everything but removing ends with it, and nothing half is visible") {
    auto store = created(place);
    REQUIRE(store->put(ItemKind::lock, name(1), as_bytes("x"), PutMode::replace));
    const flow::CancelSource source;
    auto stopped = place.open(source.token());
    auto writer = stopped->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("half")));
    source.cancel("test");
    CHECK((*writer)->commit(name(2)).error().code() == Errc::cancelled);
    CHECK(stopped->put(ItemKind::state, name(3), as_bytes("x"), PutMode::replace).error().code() ==
          Errc::cancelled);
    CHECK(stopped->load_config().error().code() == Errc::cancelled);
    CHECK(stopped->remove(ItemKind::lock, name(1)));
    CHECK(names(*store, ItemKind::packfile).empty());
    CHECK(names(*store, ItemKind::state).empty());
    CHECK(names(*store, ItemKind::lock).empty());
  }
}

}  // namespace plakar::testing
