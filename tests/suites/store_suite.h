// What every Store does, whatever it is made of: each sentence of core/kloset/store.h as a test.
// An implementation is tested by a test case that calls run_store_suite() with a function that
// makes an empty place for one.
//
//   TEST_CASE("it is a store") {
//     MemoryPlace memory;
//     run_store_suite([&]() -> StorePlace {
//       return {[&](flow::CancelToken cancel) {
//         return std::make_unique<MemoryStore>(memory, std::move(cancel));
//       }};
//     });
//   }
#pragma once

#include <functional>
#include <memory>

#include "core/flow/cancel_token.h"
#include "core/kloset/store.h"

namespace plakar::testing {

// One place; each call of `open` makes another Store for it, as another process would.
struct StorePlace {
  std::function<std::unique_ptr<kloset::Store>(flow::CancelToken)> open;
  // Of many that put one item with `if_absent` at once, exactly one succeeds.
  bool if_absent_is_exact = true;
};

// Runs each part in a place of its own. Uses doctest's SUBCASE: call it once, last, in a test
// case. For stores that take any number of items; archives have a suite of their own below.
void run_store_suite(const std::function<StorePlace()>& make_place);

// The same for archives: one packfile, one state, readable after close(), and then for good.
void run_archive_suite(const std::function<StorePlace()>& make_place);

}  // namespace plakar::testing
