// Any bytes as a summary: what decodes is a fixed point, and can be added to another one.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kloset/tree/summary.h"
#include "tests/fuzz/structure_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView bytes = std::as_bytes(std::span(data, size));
  fuzz::check_structure(bytes, decode_summary, fuzz::returning<encode_summary>);
  const auto summary = decode_summary(bytes);
  if (!summary) return 0;
  Summary parent;
  parent.add(*summary);
  parent.finish();
  fuzz::require(parent.directory.children == 1);
  fuzz::require(parent.below.files == summary->below.files + summary->directory.files);
  return 0;
}
