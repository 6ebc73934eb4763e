// Archives that genuine Plakar wrote.
#include <doctest/doctest.h>

#include "core/base/env.h"
#include "core/connectors/ptar/store.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/repository/repository.h"
#include "tests/support/golden_stores.h"

namespace plakar::connectors {
namespace {

using kloset::ItemKind;
using kloset::ItemName;
using kloset::Repository;

Result<Secret> passphrase() { return Secret(testing::golden_passphrase); }

}  // namespace

TEST_SUITE("archives of genuine Plakar") {
  TEST_CASE("envelopes, state and packfile agree with each other") {
    for (const char* golden : {"plain.ptar", "enc.ptar"}) {
      CAPTURE(golden);
      const auto store =
          make_archive_store(system_env(), (testing::golden_stores() / golden).string(), {}, {});
      const auto repository = Repository::open(*store, system_env(), passphrase, {});
      REQUIRE(repository);
      Repository& opened = **repository;

      const auto packfile = kloset::load_item(*store, ItemKind::packfile, ItemName(), 64u << 20);
      REQUIRE(packfile);
      CHECK(kloset::open_envelope(*packfile, kloset::ResourceType::packfile, opened.mac()));

      REQUIRE(opened.refresh());
      CHECK(opened.index().snapshots().size() == 1);

      auto codec = opened.codec();
      REQUIRE(codec);
      const auto contents = kloset::read_packfile(*store, {}, **codec, opened.keys());
      REQUIRE(contents);
      CHECK(contents->size == packfile->size());
      CHECK(contents->footer.timestamp_ns == 0);
      CHECK_FALSE(contents->records.empty());
      std::size_t named = 0;
      for (const auto& record : contents->records) {
        REQUIRE(opened.has(record.type, record.mac));
        if (!kloset::is_named_by_mac(record.type)) continue;
        ++named;
        REQUIRE(opened.load(record.type, record.mac, 16u << 20));
      }
      CHECK(named > 0);
    }
  }

  TEST_CASE("they are read-only") {
    const auto store = make_archive_store(
        system_env(), (testing::golden_stores() / "plain.ptar").string(), {}, {});
    REQUIRE(store->load_config());
    CHECK_FALSE(store->traits().writable);
    CHECK(store->create(as_bytes("x")).error().code() == Errc::already_exists);
    CHECK_FALSE(store->start(ItemKind::state, 0));
  }
}

}  // namespace plakar::connectors
