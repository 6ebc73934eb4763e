#include "core/codec/msgpack_writer.h"

#include <bit>
#include <limits>

#include "core/base/assert.h"

namespace plakar::codec {
namespace {

constexpr std::size_t max_u8 = std::numeric_limits<std::uint8_t>::max();
constexpr std::size_t max_u16 = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t max_u32 = std::numeric_limits<std::uint32_t>::max();

}  // namespace

// Marker and value go in with one insertion: growing the buffer is most of the cost.
template <class T>
void MsgpackWriter::marked(std::uint8_t marker, T value) {
  std::byte encoded[1 + sizeof value];
  encoded[0] = static_cast<std::byte>(marker);
  store_be(std::span(encoded).subspan(1), value);
  out_.insert(out_.end(), std::begin(encoded), std::end(encoded));
}

void MsgpackWriter::text_or_bytes(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  out_.insert(out_.end(), first, first + size);
}

void MsgpackWriter::nil() { out_.push_back(std::byte{0xc0}); }
void MsgpackWriter::boolean(bool value) {
  out_.push_back(value ? std::byte{0xc3} : std::byte{0xc2});
}

void MsgpackWriter::u8(std::uint8_t value) { marked(0xcc, value); }
void MsgpackWriter::u16(std::uint16_t value) { marked(0xcd, value); }
void MsgpackWriter::u32(std::uint32_t value) { marked(0xce, value); }
void MsgpackWriter::u64(std::uint64_t value) { marked(0xcf, value); }
void MsgpackWriter::i64(std::int64_t value) { marked(0xd3, static_cast<std::uint64_t>(value)); }

void MsgpackWriter::plain_int(std::int64_t value) {
  if (value >= 0) {
    const auto magnitude = static_cast<std::uint64_t>(value);
    if (value <= 0x7f) return out_.push_back(static_cast<std::byte>(value));
    if (magnitude <= max_u8) return u8(static_cast<std::uint8_t>(value));
    if (magnitude <= max_u16) return u16(static_cast<std::uint16_t>(value));
    if (magnitude <= max_u32) return u32(static_cast<std::uint32_t>(value));
    return u64(magnitude);
  }
  if (value >= -32) return out_.push_back(static_cast<std::byte>(value));
  if (value >= std::numeric_limits<std::int8_t>::min()) {
    return marked(0xd0, static_cast<std::uint8_t>(value));
  }
  if (value >= std::numeric_limits<std::int16_t>::min()) {
    return marked(0xd1, static_cast<std::uint16_t>(value));
  }
  if (value >= std::numeric_limits<std::int32_t>::min()) {
    return marked(0xd2, static_cast<std::uint32_t>(value));
  }
  i64(value);
}

void MsgpackWriter::f64(double value) { marked(0xcb, std::bit_cast<std::uint64_t>(value)); }

void MsgpackWriter::str(std::string_view text) {
  const std::size_t size = text.size();
  PLK_ASSERT(size <= max_u32);
  if (size < 32) {
    out_.push_back(static_cast<std::byte>(0xa0 + size));
  } else if (size <= max_u8) {
    marked(0xd9, static_cast<std::uint8_t>(size));
  } else if (size <= max_u16) {
    marked(0xda, static_cast<std::uint16_t>(size));
  } else {
    marked(0xdb, static_cast<std::uint32_t>(size));
  }
  text_or_bytes(text.data(), size);
}

void MsgpackWriter::bin(BytesView bytes) {
  const std::size_t size = bytes.size();
  PLK_ASSERT(size <= max_u32);
  if (size <= max_u8) {
    marked(0xc4, static_cast<std::uint8_t>(size));
  } else if (size <= max_u16) {
    marked(0xc5, static_cast<std::uint16_t>(size));
  } else {
    marked(0xc6, static_cast<std::uint32_t>(size));
  }
  text_or_bytes(bytes.data(), size);
}

// Extension type -1: 32 bits of seconds; or 30 bits of nanoseconds and 34 of seconds; or 32
// of nanoseconds and 64 of seconds.
void MsgpackWriter::time(const UnixTime& time) {
  PLK_ASSERT(time.nanoseconds < 1'000'000'000);
  const auto seconds = static_cast<std::uint64_t>(time.seconds);
  if (seconds >> 34 == 0) {
    const std::uint64_t packed = std::uint64_t{time.nanoseconds} << 34 | seconds;
    if (packed <= max_u32) {
      marked<std::uint8_t>(0xd6, 0xff);
      return append_be(out_, static_cast<std::uint32_t>(packed));
    }
    marked<std::uint8_t>(0xd7, 0xff);
    return append_be(out_, packed);
  }
  marked<std::uint16_t>(0xc7, 0x0cff);
  append_be(out_, time.nanoseconds);
  append_be(out_, seconds);
}

void MsgpackWriter::array(std::size_t count) {
  PLK_ASSERT(count <= max_u32);
  if (count < 16) return out_.push_back(static_cast<std::byte>(0x90 + count));
  if (count <= max_u16) return marked(0xdc, static_cast<std::uint16_t>(count));
  marked(0xdd, static_cast<std::uint32_t>(count));
}

void MsgpackWriter::map(std::size_t count) {
  PLK_ASSERT(count <= max_u32);
  if (count < 16) return out_.push_back(static_cast<std::byte>(0x80 + count));
  if (count <= max_u16) return marked(0xde, static_cast<std::uint16_t>(count));
  marked(0xdf, static_cast<std::uint32_t>(count));
}

}  // namespace plakar::codec
