#include "core/kloset/state/memory_index.h"

#include <doctest/doctest.h>

#include "tests/suites/state_index_suite.h"

namespace plakar::kloset {
namespace {

class MemoryPlace final : public testing::IndexPlace {
 public:
  StateIndex& index() override { return *index_; }

 private:
  std::unique_ptr<StateIndex> index_ = make_memory_index();
};

StateId state(int value) {
  StateId id;
  id.bytes.fill(static_cast<std::byte>(value));
  return id;
}

}  // namespace

TEST_SUITE("memory index") {
  TEST_CASE("it is an index") {
    testing::run_state_index_suite([] { return std::make_unique<MemoryPlace>(); });
  }
}

TEST_SUITE("order of states") {
  TEST_CASE("parents first, then by time, then by id, cycles last") {
    const std::vector<StateOrderItem> states{
        {state(1), state(2), 1},                            // child of 2, though older
        {state(2), state(99), 5},                           // its parent is not here
        {state(4), {}, 3},                                  // roots of equal time: by id
        {state(3), {}, 3},        {state(6), state(5), 0},  // a cycle
        {state(5), state(6), 0},
    };
    CHECK(order_states(states) ==
          std::vector{state(3), state(4), state(2), state(1), state(5), state(6)});
  }
}

}  // namespace plakar::kloset
