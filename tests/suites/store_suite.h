// What every Store does, whatever it is made of. An implementation is tested by a test case that
// calls run_store_suite() with a function that makes an empty place for one.
#pragma once

#include <functional>
#include <memory>

#include "core/flow/cancel_token.h"
#include "core/kloset/store.h"

namespace plakar::testing {

// One place; each call of `open` makes another Store for it, as another process would.
struct StorePlace {
  std::function<std::unique_ptr<kloset::Store>(flow::CancelToken)> open;
};

// Runs each part in a place of its own. Uses doctest's SUBCASE: call it once, last, in a test case.
void run_store_suite(const std::function<StorePlace()>& make_place);

}  // namespace plakar::testing
