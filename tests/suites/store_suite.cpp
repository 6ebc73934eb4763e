#include "tests/suites/store_suite.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/suites/store_suite_support.h"

namespace plakar::testing {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::ItemName;
using kloset::PutMode;
using kloset::Store;

void test_store_creation(const StorePlace& place) {
  SUBCASE("there is no store before one is created, and never a second") {
    auto store = place.open({});
    CHECK(store->ping());
    CHECK(code_of(store->load_config()) == Errc::not_found);
    REQUIRE(store->create(as_bytes("config")));
    CHECK(code_of(store->create(as_bytes("other"))) == Errc::already_exists);
    CHECK(code_of(place.open({})->create(as_bytes("other"))) == Errc::already_exists);
    CHECK(as_text(place.open({})->load_config().value()) == "config");
    for (const ItemKind kind : item_kinds) CHECK(listed_items(*store, kind).empty());
    CHECK(store->ping());
    CHECK(store->close());
    CHECK(as_text(place.open({})->load_config().value()) == "config");
  }

  SUBCASE("a CONFIG is any bytes up to the limit, and comes back as it was") {
    auto store = place.open({});
    CHECK(code_of(store->create({})) == Errc::invalid_argument);
    CHECK(code_of(store->create(Bytes(kloset::config_size_max + 1))) == Errc::invalid_argument);
    CHECK(code_of(store->load_config()) == Errc::not_found);
    const Bytes config = item_content(kloset::config_size_max);
    REQUIRE(store->create(config));
    CHECK(place.open({})->load_config().value() == config);
  }

  SUBCASE("the traits say that it can be read and written, and is no archive") {
    const auto store = created_store(place);
    const kloset::StoreTraits traits = store->traits();
    CHECK(traits.readable);
    CHECK(traits.writable);
    CHECK_FALSE(traits.archive);
    CHECK(traits.concurrency >= 1);
    CHECK_FALSE(store->location().empty());
  }
}

void test_store_items(const StorePlace& place) {
  SUBCASE("an item is there, whole, for everybody, once put() has returned") {
    auto store = created_store(place);
    auto other = place.open({});
    for (const ItemKind kind : item_kinds) {
      const Bytes bytes = item_content(1000, static_cast<int>(kind));
      REQUIRE(store->put(kind, item_name(1), bytes, PutMode::if_absent));
      CHECK(whole_item(*other, kind, item_name(1)) == bytes);
      CHECK(other->size(kind, item_name(1)).value() == 1000u);
      CHECK(listed_items(*other, kind) == std::multiset{item_name(1)});
      CHECK(code_of(store->size(kind, item_name(2))) == Errc::not_found);
      Bytes out(1);
      CHECK(code_of(store->read(kind, item_name(2), 0, out)) == Errc::not_found);
      CHECK(code_of(store->read(kind, item_name(2), 0, {})) == Errc::not_found);
    }
  }

  SUBCASE("kinds are apart: the name of a packfile is not that of a state") {
    auto store = created_store(place);
    REQUIRE(store->put(ItemKind::packfile, item_name(1), as_bytes("x"), PutMode::if_absent));
    CHECK(code_of(store->size(ItemKind::state, item_name(1))) == Errc::not_found);
    REQUIRE(store->put(ItemKind::state, item_name(1), as_bytes("yy"), PutMode::if_absent));
    REQUIRE(store->remove(ItemKind::packfile, item_name(1)));
    CHECK(as_text(whole_item(*store, ItemKind::state, item_name(1))) == "yy");
  }

  SUBCASE("if_absent refuses what exists, replace replaces it, shorter or longer") {
    auto store = created_store(place);
    for (const ItemKind kind : item_kinds) {
      const ItemName name = item_name(1);
      REQUIRE(store->put(kind, name, as_bytes("two"), PutMode::if_absent));
      CHECK(code_of(store->put(kind, name, as_bytes("2"), PutMode::if_absent)) ==
            Errc::already_exists);
      CHECK(as_text(whole_item(*store, kind, name)) == "two");
      REQUIRE(store->put(kind, name, as_bytes("three"), PutMode::replace));
      CHECK(as_text(whole_item(*store, kind, name)) == "three");
      REQUIRE(store->put(kind, name, as_bytes("1"), PutMode::replace));
      CHECK(as_text(whole_item(*store, kind, name)) == "1");
      CHECK(store->size(kind, name).value() == 1u);
      CHECK(listed_items(*store, kind).size() == 1);
    }
  }

  SUBCASE("ranges are exact at every edge") {
    auto store = created_store(place);
    const Bytes bytes = item_content(10'000);
    for (const ItemKind kind : item_kinds) {
      REQUIRE(store->put(kind, item_name(1), bytes, PutMode::replace));
      check_ranges(*store, kind, item_name(1), bytes);
    }
  }

  SUBCASE("an item may be empty") {
    auto store = created_store(place);
    for (const ItemKind kind : item_kinds) {
      REQUIRE(store->put(kind, item_name(1), {}, PutMode::if_absent));
      CHECK(store->size(kind, item_name(1)).value() == 0u);
      Bytes out(1);
      CHECK(store->read(kind, item_name(1), 0, out).value() == 0u);
      CHECK(listed_items(*store, kind).size() == 1);
    }
  }

  SUBCASE("names are any 32 bytes") {
    auto store = created_store(place);
    std::vector<ItemName> names;
    for (const int filling : {0x00, 0xff, 0x0a, 0x2f, 0x2e, 0x5c, 0x25, 0x80}) {
      ItemName name;
      name.bytes.fill(static_cast<std::byte>(filling));
      names.push_back(name);
    }
    for (const ItemKind kind : item_kinds) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        REQUIRE(store->put(kind, names[i], item_content(i + 1), PutMode::if_absent));
      }
      CHECK(listed_items(*store, kind) == std::multiset<ItemName>(names.begin(), names.end()));
      for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK(whole_item(*store, kind, names[i]) == item_content(i + 1));
      }
    }
  }

  SUBCASE("removing is for good, and no error when there is nothing") {
    auto store = created_store(place);
    for (const ItemKind kind : item_kinds) {
      CHECK(store->remove(kind, item_name(1)));
      REQUIRE(store->put(kind, item_name(1), as_bytes("x"), PutMode::replace));
      Bytes out(1);
      REQUIRE(store->read(kind, item_name(1), 0, out));
      CHECK(store->remove(kind, item_name(1)));
      CHECK(code_of(store->read(kind, item_name(1), 0, out)) == Errc::not_found);
      CHECK(code_of(store->size(kind, item_name(1))) == Errc::not_found);
      CHECK(listed_items(*store, kind).empty());
      CHECK(store->remove(kind, item_name(1)));
      REQUIRE(store->put(kind, item_name(1), as_bytes("y"), PutMode::if_absent));
      REQUIRE(store->read(kind, item_name(1), 0, out).value() == 1u);
      CHECK(as_text(out) == "y");
    }
  }

  SUBCASE("what is used grows with what is put, where that can be told") {
    auto store = created_store(place);
    const auto before = store->used_bytes();
    REQUIRE(before);
    REQUIRE(store->put(ItemKind::packfile, item_name(1), item_content(100'000), PutMode::replace));
    const auto after = store->used_bytes();
    REQUIRE(after);
    CHECK(before->has_value() == after->has_value());
    if (*before && *after) CHECK(**after >= **before + 100'000);
  }
}

void test_store_writers(const StorePlace& place) {
  SUBCASE("a large item is written in pieces and visible when it is committed") {
    auto store = created_store(place);
    const Bytes bytes = item_content(9'000'001);
    for (const std::uint64_t hint : {UINT64_C(0), UINT64_C(16) << 20, UINT64_MAX}) {
      const ItemName name = item_name(7);
      auto writer = store->start(ItemKind::packfile, hint);
      REQUIRE(writer);
      std::size_t at = 0;
      for (std::size_t piece = 0; at < bytes.size(); piece = piece * 3 + 1) {
        const BytesView part =
            BytesView(bytes).subspan(at, std::min<std::size_t>(piece, bytes.size() - at));
        REQUIRE((*writer)->write(part));
        at += part.size();
      }
      CHECK(listed_items(*store, ItemKind::packfile).empty());
      CHECK(code_of(store->size(ItemKind::packfile, name)) == Errc::not_found);
      REQUIRE((*writer)->commit(name));
      CHECK(listed_items(*store, ItemKind::packfile) == std::multiset{name});
      CHECK(whole_item(*place.open({}), ItemKind::packfile, name) == bytes);
      check_ranges(*store, ItemKind::packfile, name, bytes);
      REQUIRE(store->remove(ItemKind::packfile, name));
    }
  }

  SUBCASE("items of any size around those of buffers and blocks come back whole") {
    auto store = created_store(place);
    int number = 0;
    for (const std::size_t base : {4096u, 65536u, 1u << 20, 2u << 20, 4u << 20}) {
      for (const std::size_t size : {base - 1, base, base + 1}) {
        CAPTURE(size);
        const Bytes bytes = item_content(size, ++number);
        auto writer = store->start(ItemKind::packfile, 8u << 20);
        REQUIRE(writer);
        REQUIRE((*writer)->write(bytes));
        REQUIRE((*writer)->commit(item_name(number)));
        CHECK(whole_item(*store, ItemKind::packfile, item_name(number)) == bytes);
      }
    }
  }

  SUBCASE("every kind can be written in pieces") {
    auto store = created_store(place);
    for (const ItemKind kind : item_kinds) {
      auto writer = store->start(kind, 0);
      REQUIRE(writer);
      REQUIRE((*writer)->write(as_bytes("in ")));
      REQUIRE((*writer)->write(as_bytes("pieces")));
      REQUIRE((*writer)->commit(item_name(1)));
      CHECK(as_text(whole_item(*store, kind, item_name(1))) == "in pieces");
    }
  }

  SUBCASE("a writer that is given up leaves nothing, one without content makes an empty item") {
    auto store = created_store(place);
    const auto before = store->used_bytes().value();
    for (const ItemKind kind : item_kinds) {
      auto writer = store->start(kind, 0);
      REQUIRE(writer);
      REQUIRE((*writer)->write(item_content(5'000'000)));
      writer->reset();
      CHECK(listed_items(*store, kind).empty());
    }
    CHECK(store->used_bytes().value() == before);
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->commit(item_name(1)));
    CHECK(store->size(ItemKind::packfile, item_name(1)).value() == 0u);
  }

  SUBCASE("several writers are under way at once, and do not mix") {
    auto store = created_store(place);
    std::vector<std::unique_ptr<kloset::ItemWriter>> writers;
    for (int i = 0; i < 4; ++i) {
      auto writer = store->start(ItemKind::packfile, 4u << 20);
      REQUIRE(writer);
      writers.push_back(*std::move(writer));
    }
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        REQUIRE(writers[static_cast<std::size_t>(i)]->write(item_content(1'000'000, i)));
      }
    }
    for (int i = 3; i >= 0; --i) {
      REQUIRE(writers[static_cast<std::size_t>(i)]->commit(item_name(i)));
    }
    for (int i = 0; i < 4; ++i) {
      Bytes wanted = item_content(1'000'000, i);
      append(wanted, item_content(1'000'000, i));
      append(wanted, item_content(1'000'000, i));
      CHECK(whole_item(*store, ItemKind::packfile, item_name(i)) == wanted);
    }
  }

  SUBCASE("a commit replaces what had the name, for who has read it before, too") {
    auto store = created_store(place);
    REQUIRE(store->put(ItemKind::packfile, item_name(1), as_bytes("old"), PutMode::replace));
    CHECK(as_text(whole_item(*store, ItemKind::packfile, item_name(1))) == "old");
    auto writer = store->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("newer")));
    CHECK(as_text(whole_item(*store, ItemKind::packfile, item_name(1))) == "old");
    REQUIRE((*writer)->commit(item_name(1)));
    CHECK(as_text(whole_item(*store, ItemKind::packfile, item_name(1))) == "newer");
    CHECK(listed_items(*store, ItemKind::packfile).size() == 1);
  }
}

void test_store_listings(const StorePlace& place) {
  SUBCASE("a listing has every item once, and the visitor's error ends it") {
    auto store = created_store(place);
    std::multiset<ItemName> wanted;
    for (int i = 0; i < 600; ++i) {
      wanted.insert(item_name(i));
      REQUIRE(store->put(ItemKind::state, item_name(i), as_bytes("x"), PutMode::replace));
    }
    CHECK(listed_items(*store, ItemKind::state) == wanted);
    CHECK(listed_items(*store, ItemKind::packfile).empty());
    int visited = 0;
    const Status ended = store->list(ItemKind::state, [&](const ItemInfo& item) -> Status {
      if (item.size) CHECK(*item.size == 1);
      return ++visited == 3 ? Status(Error(Errc::conflict, "enough")) : Status();
    });
    CHECK(code_of(ended) == Errc::conflict);
    CHECK(visited == 3);
  }

  SUBCASE("the visitor may use the store, even to remove what it is shown") {
    auto store = created_store(place);
    for (int i = 0; i < 40; ++i) {
      REQUIRE(store->put(ItemKind::lock, item_name(i), as_bytes("x"), PutMode::replace));
    }
    int visited = 0;
    REQUIRE(store->list(ItemKind::lock, [&](const ItemInfo& item) -> Status {
      ++visited;
      Bytes out(1);
      PLK_TRY(store->read(ItemKind::lock, item.name, 0, out));
      return store->remove(ItemKind::lock, item.name);
    }));
    CHECK(visited == 40);
    CHECK(listed_items(*store, ItemKind::lock).empty());
  }
}

void test_store_cancelling(const StorePlace& place) {
  SUBCASE("after a cancel everything but removing ends with it, and nothing half is visible") {
    auto store = created_store(place);
    REQUIRE(store->put(ItemKind::lock, item_name(1), as_bytes("x"), PutMode::replace));
    const flow::CancelSource source;
    auto stopped = place.open(source.token());
    auto writer = stopped->start(ItemKind::packfile, 0);
    auto other = stopped->start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE(other);
    REQUIRE((*writer)->write(as_bytes("half")));
    source.cancel("test");
    CHECK(code_of((*other)->write(as_bytes("half"))) == Errc::cancelled);
    CHECK(code_of((*writer)->commit(item_name(2))) == Errc::cancelled);
    CHECK(code_of(stopped->put(ItemKind::state, item_name(3), as_bytes("x"), PutMode::replace)) ==
          Errc::cancelled);
    CHECK(code_of(stopped->start(ItemKind::packfile, 0)) == Errc::cancelled);
    CHECK(code_of(stopped->load_config()) == Errc::cancelled);
    CHECK(code_of(stopped->size(ItemKind::lock, item_name(1))) == Errc::cancelled);
    Bytes out(1);
    CHECK(code_of(stopped->read(ItemKind::lock, item_name(1), 0, out)) == Errc::cancelled);
    CHECK(code_of(stopped->list(ItemKind::lock, [](const ItemInfo&) { return Status(); })) ==
          Errc::cancelled);
    CHECK(code_of(stopped->used_bytes()) == Errc::cancelled);
    CHECK(code_of(stopped->ping()) == Errc::cancelled);
    CHECK(stopped->remove(ItemKind::lock, item_name(1)));
    writer->reset();
    other->reset();
    CHECK(listed_items(*store, ItemKind::packfile).empty());
    CHECK(listed_items(*store, ItemKind::state).empty());
    CHECK(listed_items(*store, ItemKind::lock).empty());
  }

  SUBCASE("a cancelled creation can be repeated") {
    const flow::CancelSource source;
    source.cancel("test");
    CHECK(code_of(place.open(source.token())->create(as_bytes("config"))) == Errc::cancelled);
    CHECK(code_of(place.open({})->load_config()) == Errc::not_found);
    CHECK(place.open({})->create(as_bytes("config")));
  }

  SUBCASE("a cancel ends a listing that has begun") {
    auto store = created_store(place);
    for (int i = 0; i < 20; ++i) {
      REQUIRE(store->put(ItemKind::state, item_name(i), as_bytes("x"), PutMode::replace));
    }
    const flow::CancelSource source;
    auto stopped = place.open(source.token());
    int visited = 0;
    const Status ended = stopped->list(ItemKind::state, [&](const ItemInfo&) -> Status {
      if (++visited == 1) source.cancel("test");
      return {};
    });
    CHECK(code_of(ended) == Errc::cancelled);
    CHECK(visited < 20);
  }
}

void run_store_suite(const std::function<StorePlace()>& make_place) {
  const StorePlace place = make_place();
  test_store_creation(place);
  test_store_items(place);
  test_store_writers(place);
  test_store_listings(place);
  test_store_threads(place);
  test_store_cancelling(place);
}

}  // namespace plakar::testing
