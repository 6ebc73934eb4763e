#include "core/kloset/metered_store.h"

#include <doctest/doctest.h>

#include "core/kloset/testing/memory_store.h"

namespace plakar::kloset {
namespace {

TEST_SUITE("metered store") {
  TEST_CASE("counts what was read and written, and nothing that failed") {
    testing::MemoryPlace place;
    testing::MemoryStore inner(place);
    MeteredStore store(inner);
    CHECK_FALSE(store.load_config());
    REQUIRE(store.create(as_bytes("config")));
    CHECK(store.bytes_written() == 6);
    CHECK_FALSE(store.create(as_bytes("config")));
    CHECK(store.bytes_written() == 6);

    const ItemName name{};
    REQUIRE(store.put(ItemKind::state, name, as_bytes("1234"), PutMode::replace));
    auto writer = store.start(ItemKind::packfile, 0);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("12345")));
    REQUIRE((*writer)->commit(name));
    CHECK(store.bytes_written() == 15);

    CHECK(store.bytes_read() == 0);
    Bytes out(10);
    CHECK(store.read(ItemKind::packfile, name, 2, out) == 3);
    CHECK(store.bytes_read() == 3);
  }
}

}  // namespace
}  // namespace plakar::kloset
