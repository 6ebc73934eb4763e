#include "core/base/hex.h"

#include <algorithm>

namespace plakar {
namespace {

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out += digits[std::to_integer<unsigned>(b) >> 4];
    out += digits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return Error(Errc::invalid_argument, "hexadecimal text of odd length");
  }
  Bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(hex[2 * i]);
    const int low = digit_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Error(Errc::invalid_argument, "a character that is not a hexadecimal digit");
    }
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return out;
}

Status from_hex(std::string_view hex, std::span<std::byte> out) {
  const Bytes bytes = PLK_TRY(from_hex(hex));
  if (bytes.size() != out.size()) {
    return Error(Errc::invalid_argument, "expected " + std::to_string(out.size() * 2) +
                                             " hexadecimal digits, found " +
                                             std::to_string(hex.size()));
  }
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return {};
}

std::string short_hex(BytesView bytes) {
  return to_hex(bytes.first(std::min<std::size_t>(4, bytes.size())));
}

}  // namespace plakar
