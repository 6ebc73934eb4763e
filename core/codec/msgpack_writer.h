// Writes msgpack exactly as stores hold it. The width of an integer belongs to the format,
// not to its value: a field defined as 32 bits takes five bytes even when it is zero. Choose
// the function by the definition of the field; only "plain int" fields use the short form.
// Identifiers are hashes of what is written here, so a byte too few makes another object.
//
// Structures are better described once, by the table of msgpack_struct.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/codec/msgpack_time.h"

namespace plakar::codec {

// Appends to a buffer that outlives it. Not safe for concurrent use. Precondition of str,
// bin, array and map: lengths and counts below 2^32, as the format has no larger.
class MsgpackWriter {
 public:
  explicit MsgpackWriter(Bytes& out) : out_(out) {}

  void nil();
  void boolean(bool value);

  // Always the full width, marker included: 2, 3, 5, 9 and 9 bytes.
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void i64(std::int64_t value);

  // The shortest form, for fields of the format's plain `int`.
  void plain_int(std::int64_t value);

  void f64(double value);
  void str(std::string_view text);
  void bin(BytesView bytes);
  void time(const UnixTime& time);

  // Headers. The caller writes `count` values, or `count` keys and values, after them.
  void array(std::size_t count);
  void map(std::size_t count);

 private:
  template <class T>
  void marked(std::uint8_t marker, T value);
  void text_or_bytes(const void* data, std::size_t size);

  Bytes& out_;
};

}  // namespace plakar::codec
