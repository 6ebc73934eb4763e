// Any bytes as an object: what decodes is a fixed point and has a chunk, and its size is the sum of
// theirs.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kloset/format/object.h"
#include "tests/fuzz/structure_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView bytes = std::as_bytes(std::span(data, size));
  fuzz::check_structure(bytes, decode_object, fuzz::returning<encode_object>);
  const auto object = decode_object(bytes);
  if (!object) return 0;
  fuzz::require(!object->chunks.empty());
  fuzz::require(object->size() <= object->chunks.size() * std::uint64_t{0xffffffff});
  return 0;
}
