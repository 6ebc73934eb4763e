#include "core/kloset/testing/memory_store.h"

#include <doctest/doctest.h>

#include "tests/suites/store_suite.h"

namespace plakar::kloset::testing {

TEST_SUITE("memory store") {
  TEST_CASE("it is a store") {
    MemoryPlace place;
    plakar::testing::run_store_suite([&]() -> plakar::testing::StorePlace {
      return {[&](flow::CancelToken cancel) {
        return std::make_unique<MemoryStore>(place, std::move(cancel));
      }};
    });
  }

  TEST_CASE("a CONFIG that somebody blew up is not loaded") {
    MemoryPlace place;
    place.config = Bytes(config_size_max + 1);
    CHECK(MemoryStore(place).load_config().error().code() == Errc::corrupt);
  }
}

}  // namespace plakar::kloset::testing
