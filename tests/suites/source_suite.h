// What every Source does, whatever it reads. An implementation is tested by a test case that calls
// run_source_suite() with a function that lays out a tree for one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/flow/cancel_token.h"
#include "core/kloset/source.h"

namespace plakar::testing {

struct SourceEntry {
  std::string path;  // below the place's root: "/a/b"; those above it come before
  kloset::RecordKind kind = kloset::RecordKind::regular;
  std::string content{};  // of a link, its target
};

// Each call of `open` makes another Source for the same tree.
struct SourcePlace {
  std::string root;  // before the paths of the entries; empty for "/"
  std::function<std::unique_ptr<kloset::Source>(flow::CancelToken)> open;
};

// Runs each part with a place of its own. Uses doctest's SUBCASE: call it once, last, in a test
// case.
void run_source_suite(
    const std::function<SourcePlace(const std::vector<SourceEntry>& tree)>& make_place);

}  // namespace plakar::testing
