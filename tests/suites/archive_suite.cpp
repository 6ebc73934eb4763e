#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/suites/store_suite_support.h"

namespace plakar::testing {

using kloset::ItemInfo;
using kloset::ItemKind;
using kloset::PutMode;
using kloset::Store;

namespace {

Status write_item(Store& store, ItemKind kind, BytesView bytes) {
  auto writer = PLK_TRY(store.start(kind, bytes.size()));
  const std::size_t middle = bytes.size() / 3;
  PLK_TRY(writer->write(bytes.first(middle)));
  PLK_TRY(writer->write(bytes.subspan(middle)));
  return writer->commit(item_name(1));
}

Status write_archive(Store& store, BytesView packfile, BytesView state) {
  PLK_TRY(store.create(as_bytes("config")));
  PLK_TRY(write_item(store, ItemKind::packfile, packfile));
  PLK_TRY(write_item(store, ItemKind::state, state));
  return store.close();
}

}  // namespace

void run_archive_suite(const std::function<StorePlace()>& make_place) {
  const StorePlace place = make_place();
  const Bytes packfile = item_content(5'000'000, 1);
  const Bytes state = item_content(10'000, 2);

  SUBCASE("there is no archive before one is closed, and never a second") {
    auto store = place.open({});
    CHECK(store->ping());
    CHECK(code_of(store->load_config()) == Errc::not_found);
    REQUIRE(store->create(as_bytes("config")));
    CHECK(code_of(store->create(as_bytes("other"))) == Errc::already_exists);
    CHECK(as_text(store->load_config().value()) == "config");
    for (const ItemKind kind : item_kinds) CHECK(listed_items(*store, kind).empty());
    REQUIRE(write_item(*store, ItemKind::packfile, packfile));
    REQUIRE(write_item(*store, ItemKind::state, state));
    CHECK(code_of(place.open({})->load_config()) == Errc::not_found);
    REQUIRE(store->close());
    CHECK(as_text(place.open({})->load_config().value()) == "config");
    CHECK(code_of(place.open({})->create(as_bytes("other"))) == Errc::already_exists);
    CHECK(store->close());
    CHECK(store->ping());
  }

  SUBCASE("a CONFIG is any bytes up to the limit, and comes back as it was") {
    auto store = place.open({});
    CHECK(code_of(store->create({})) == Errc::invalid_argument);
    CHECK(code_of(store->create(Bytes(kloset::config_size_max + 1))) == Errc::invalid_argument);
    const Bytes config = item_content(kloset::config_size_max);
    REQUIRE(store->create(config));
    REQUIRE(write_item(*store, ItemKind::packfile, packfile));
    REQUIRE(write_item(*store, ItemKind::state, state));
    REQUIRE(store->close());
    CHECK(place.open({})->load_config().value() == config);
  }

  SUBCASE("packfile and state are read in any range, by this store and others") {
    auto store = place.open({});
    REQUIRE(write_archive(*store, packfile, state));
    auto other = place.open({});
    for (Store* reading : {store.get(), other.get()}) {
      CHECK(reading->traits().archive);
      CHECK(listed_items(*reading, ItemKind::packfile).size() == 1);
      CHECK(listed_items(*reading, ItemKind::state).size() == 1);
      const auto name = *listed_items(*reading, ItemKind::packfile).begin();
      check_ranges(*reading, ItemKind::packfile, name, packfile);
      check_ranges(*reading, ItemKind::state, *listed_items(*reading, ItemKind::state).begin(),
                   state);
    }
    CHECK(store->used_bytes().value().value_or(packfile.size()) >= packfile.size());
  }

  SUBCASE("there is one packfile, then one state, and nothing after that") {
    auto store = place.open({});
    CHECK(code_of(store->start(ItemKind::packfile, 0)) == Errc::unsupported);
    REQUIRE(store->create(as_bytes("config")));
    CHECK(code_of(store->start(ItemKind::state, 0)) == Errc::unsupported);
    {
      auto writer = store->start(ItemKind::packfile, 0);
      REQUIRE(writer);
      CHECK(code_of(store->start(ItemKind::packfile, 0)) == Errc::unsupported);
      CHECK(code_of(store->start(ItemKind::state, 0)) == Errc::unsupported);
      REQUIRE((*writer)->write(packfile));
      REQUIRE((*writer)->commit(item_name(1)));
    }
    CHECK(code_of(store->start(ItemKind::packfile, 0)) == Errc::unsupported);
    REQUIRE(store->put(ItemKind::state, item_name(2), state, PutMode::if_absent));
    CHECK(code_of(store->start(ItemKind::state, 0)) == Errc::unsupported);
    REQUIRE(store->close());
    CHECK(code_of(store->start(ItemKind::packfile, 0)) == Errc::unsupported);
    CHECK(code_of(store->put(ItemKind::state, item_name(2), state, PutMode::replace)) ==
          Errc::unsupported);
    CHECK(code_of(store->remove(ItemKind::packfile, item_name(1))) == Errc::unsupported);
  }

  SUBCASE("an archive that is given up, or lacks something, leaves nothing") {
    {
      auto store = place.open({});
      REQUIRE(store->create(as_bytes("config")));
      REQUIRE(write_item(*store, ItemKind::packfile, packfile));
    }
    CHECK(code_of(place.open({})->load_config()) == Errc::not_found);
    {
      auto store = place.open({});
      REQUIRE(store->create(as_bytes("config")));
      REQUIRE(write_item(*store, ItemKind::packfile, packfile));
      CHECK(code_of(store->close()) == Errc::invalid_argument);
      CHECK(code_of(store->load_config()) == Errc::not_found);
    }
    {
      auto store = place.open({});
      REQUIRE(store->create(as_bytes("config")));
      {
        auto writer = store->start(ItemKind::packfile, 0);
        REQUIRE(writer);
        REQUIRE((*writer)->write(as_bytes("half")));
      }
      CHECK_FALSE(store->start(ItemKind::packfile, 0));
      CHECK_FALSE(store->close());
    }
    {
      auto store = place.open({});
      REQUIRE(store->create(as_bytes("config")));
      auto writer = store->start(ItemKind::packfile, 0);
      REQUIRE(writer);
      REQUIRE((*writer)->write(as_bytes("half")));
      CHECK_FALSE(store->close());
      CHECK((*writer)->commit(item_name(1)));  // To nowhere.
    }
    CHECK(code_of(place.open({})->load_config()) == Errc::not_found);
    CHECK(write_archive(*place.open({}), packfile, state));
  }

  SUBCASE("locks are taken and forgotten, while it is written and afterwards") {
    auto store = place.open({});
    REQUIRE(store->create(as_bytes("config")));
    const auto check = [&] {
      REQUIRE(store->put(ItemKind::lock, item_name(1), as_bytes("x"), PutMode::replace));
      auto writer = store->start(ItemKind::lock, 0);
      REQUIRE(writer);
      REQUIRE((*writer)->write(as_bytes("x")));
      REQUIRE((*writer)->commit(item_name(1)));
      CHECK(listed_items(*store, ItemKind::lock).empty());
      CHECK(code_of(store->size(ItemKind::lock, item_name(1))) == Errc::not_found);
      CHECK(store->remove(ItemKind::lock, item_name(1)));
    };
    check();
    REQUIRE(write_item(*store, ItemKind::packfile, packfile));
    REQUIRE(write_item(*store, ItemKind::state, state));
    REQUIRE(store->close());
    check();
  }

  SUBCASE("many threads read at once") {
    REQUIRE(write_archive(*place.open({}), packfile, state));
    auto store = place.open({});
    std::vector<int> failures(16);
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < failures.size(); ++t) {
        threads.emplace_back([&, t] {
          Bytes out(1000);
          for (std::size_t i = 0; i < 50; ++i) {
            const std::size_t offset = (t * 50 + i) * 999;
            const auto got = store->read(ItemKind::packfile, item_name(1), offset, out);
            const BytesView wanted = BytesView(packfile).subspan(offset, out.size());
            if (!got || *got != out.size() || !std::ranges::equal(out, wanted)) ++failures[t];
          }
        });
      }
    }
    CHECK(failures == std::vector<int>(failures.size()));
  }

  SUBCASE("after a cancel everything ends with it, and there is no archive") {
    const flow::CancelSource source;
    auto store = place.open(source.token());
    REQUIRE(store->create(as_bytes("config")));
    REQUIRE(write_item(*store, ItemKind::packfile, packfile));
    REQUIRE(write_item(*store, ItemKind::state, state));
    source.cancel("test");
    CHECK(code_of(store->close()) == Errc::cancelled);
    CHECK(code_of(store->load_config()) == Errc::cancelled);
    CHECK(code_of(store->list(ItemKind::state, [](const ItemInfo&) { return Status(); })) ==
          Errc::cancelled);
    CHECK(code_of(store->ping()) == Errc::cancelled);
    CHECK(store->remove(ItemKind::lock, item_name(1)));
    CHECK(code_of(place.open({})->load_config()) == Errc::not_found);
  }
}

}  // namespace plakar::testing
