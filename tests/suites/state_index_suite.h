// What every StateIndex answers, whatever it is made of. An implementation is tested by test cases
// that call these with a place of theirs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/kloset/state/index.h"

namespace plakar::testing {

// Holds the index under test.
class IndexPlace {
 public:
  virtual ~IndexPlace() = default;

  virtual kloset::StateIndex& index() = 0;
  // Called after each merge. Saving or opening again, or whatever else must not be noticed.
  virtual void settle() {}
};

// Runs each part in a place of its own. Uses doctest's SUBCASE: call it once, last, in a test case.
void run_state_index_suite(const std::function<std::unique_ptr<IndexPlace>()>& make_place);

// Merges random states, deletions and repetitions among them, and compares all answers with those
// of a MemoryIndex after each. The same seed does the same.
void run_random_states(IndexPlace& place, std::uint64_t seed, int state_count);

// Random states by themselves, over few blobs and packfiles, so that they meet.
struct RandomState {
  kloset::StateId id;
  Bytes plain;

  kloset::StateText text() const {
    return {.id = id, .version = kloset::version_1_1_0, .plain = plain};
  }
};
std::vector<RandomState> random_states(std::uint64_t seed, int state_count);

// Whether both give the same answer to everything that can be asked about random_states(). In a
// form to be printed: empty, or what differs.
std::string find_difference(const kloset::StateIndex& tested, const kloset::StateIndex& model);

}  // namespace plakar::testing
