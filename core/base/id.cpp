#include "core/base/id.h"

namespace plakar {
namespace {

// Where the groups of a UUID's text begin in its bytes.
constexpr std::array<std::size_t, 4> dashes_before{4, 6, 8, 10};

}  // namespace

Uuid Uuid::random(Random& random) noexcept {
  Uuid id;
  random.fill(id.bytes);
  id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  return id;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  const auto refuse = [] { return Error(Errc::invalid_argument, "not a UUID"); };
  if (text.size() != 36) return refuse();
  std::string digits(text);
  for (std::size_t i = dashes_before.size(); i-- > 0;) {
    const std::size_t at = dashes_before[i] * 2 + i;
    if (digits[at] != '-') return refuse();
    digits.erase(at, 1);
  }
  Uuid id;
  if (!from_hex(digits, id.bytes)) return refuse();
  return id;
}

std::string Uuid::text() const {
  std::string out = to_hex(bytes);
  for (std::size_t i = dashes_before.size(); i-- > 0;) out.insert(dashes_before[i] * 2, 1, '-');
  return out;
}

}  // namespace plakar
