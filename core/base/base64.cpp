#include "core/base/base64.h"

#include <array>
#include <cstdint>

#include "core/base/assert.h"
#include "core/base/secret.h"

namespace plakar {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char padding = '=';
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

Error not_base64() { return Error(Errc::invalid_argument, "not base64 as it should be"); }

// Four characters to at most three bytes; `out` says how many there have to be.
bool decode_group(std::string_view text, std::span<std::byte> out) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const bool padded = i > out.size();
    const std::uint8_t digit = digits[static_cast<unsigned char>(text[i])];
    if (padded ? text[i] != padding : digit == no_digit) return false;
    value = value << 6 | (padded ? 0u : digit);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::byte>(value >> (16 - 8 * i) & 0xff);
  }
  const std::uint32_t unused = out.size() == 3 ? 0 : (1u << (24 - 8 * out.size())) - 1;
  return (value & unused) == 0;
}

}  // namespace

void base64_encode(BytesView bytes, std::span<char> out) noexcept {
  PLK_ASSERT(out.size() == base64_size(bytes.size()));
  for (std::size_t at = 0; !bytes.empty(); at += 4) {
    const std::size_t count = bytes.size() < 3 ? bytes.size() : 3;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      value = value << 8 | (i < count ? std::to_integer<std::uint32_t>(bytes[i]) : 0u);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out[at + i] = i <= count ? alphabet[value >> (18 - 6 * i) & 63] : padding;
    }
    bytes = bytes.subspan(count);
  }
}

std::string to_base64(BytesView bytes) {
  std::string text(base64_size(bytes.size()), '=');
  base64_encode(bytes, text);
  return text;
}

Status base64_decode(std::string_view text, std::span<std::byte> out) {
  bool good = text.size() == base64_size(out.size());
  for (std::size_t at = 0; good && at < out.size(); at += 3) {
    const std::size_t count = out.size() - at < 3 ? out.size() - at : 3;
    good = decode_group(text.substr(at / 3 * 4, 4), out.subspan(at, count));
  }
  if (good) return {};
  wipe(out);
  return not_base64();
}

}  // namespace plakar
