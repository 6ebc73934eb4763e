// Any octets: reading ends in a value or an error, a value survives being written, and the
// limits hold.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/base/assert.h"
#include "core/codec/json.h"

namespace {

using namespace plakar::codec;

constexpr JsonLimits limits{.max_depth = 40, .max_bytes = 64 << 10, .max_nodes = 2'000};

struct Shape {
  std::size_t nodes = 0;
  std::size_t depth = 0;
};

Shape measure(const Json& json) {
  Shape shape{.nodes = 1};
  const auto add = [&shape](const Json& child) {
    const Shape inner = measure(child);
    shape.nodes += inner.nodes;
    if (inner.depth > shape.depth) shape.depth = inner.depth;
  };
  for (const Json& item : json.items()) add(item);
  for (const JsonMember& member : json.members()) {
    PLK_ASSERT(json.find(member.name) == &member.value);  // no name occurs twice
    add(member.value);
  }
  if (json.is_array() || json.is_object()) ++shape.depth;
  return shape;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  // As a string, every input can be written and read.
  if (size <= 8'000) PLK_ASSERT(parse_json(to_json(Json(text))));

  const auto json = parse_json(text, limits);
  if (!json) {
    PLK_ASSERT(!json.error().message().empty());
    return 0;
  }
  const Shape shape = measure(*json);
  PLK_ASSERT(shape.nodes <= limits.max_nodes && shape.depth <= limits.max_depth);

  for (const JsonStyle style : {JsonStyle::compact, JsonStyle::pretty}) {
    const auto again = parse_json(to_json(*json, style));
    PLK_ASSERT(again && *again == *json);
  }
  return 0;
}
