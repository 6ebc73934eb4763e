// Reads msgpack in place: strings and byte strings are views into the input, nothing is
// allocated. Accepts what the reference decoder accepts, which is more than MsgpackWriter
// writes: any integer width and sign whose value fits, nil as the zero value of anything,
// strings for byte strings and the reverse, and five encodings of a time. It stops at the
// end of a value: bytes behind it are not looked at, `position` tells where they start.
//
// Hostile input costs no more than its own size. A header that promises more elements or
// bytes than the input has left is refused when it is met, before anybody reserves memory.
// Every failure is Errc::corrupt, names the byte, and leaves the reader where it was.
//
// Structures are better described once, by the table of msgpack_struct.h. By hand:
//
//   for (auto pairs = PLK_TRY(in.map()); pairs > 0; --pairs) {
//     const std::string_view key = PLK_TRY(in.str());
//     if (key == "size") {
//       size = PLK_TRY(in.u64());
//     } else {
//       PLK_TRY(in.skip());
//     }
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/codec/msgpack_time.h"

namespace plakar::codec {

enum class MsgpackKind : std::uint8_t {
  nil,
  boolean,
  integer,
  real,
  text,
  binary,
  array,
  map,
  extension,
};

// Not safe for concurrent use. The input outlives the reader and the views it returned.
class MsgpackReader {
 public:
  // How deep containers may be nested in a value that is skipped. The formats of a store
  // need seven.
  static constexpr std::size_t max_depth = 64;

  explicit MsgpackReader(BytesView input)
      : input_(input), memory_left_(memory_floor + memory_factor * input.size()) {}

  // Bytes consumed so far: the offset of the next value.
  std::size_t position() const noexcept { return position_; }
  bool at_end() const noexcept { return position_ == input_.size(); }

  Result<MsgpackKind> kind() const;

  // Consumes the next value if it is nil.
  bool take_nil() noexcept;

  Result<bool> boolean();
  Result<std::uint8_t> u8();
  Result<std::uint16_t> u16();
  Result<std::uint32_t> u32();
  Result<std::uint64_t> u64();
  Result<std::int64_t> i64();
  Result<double> f64();  // of an integer too
  Result<std::string_view> str();
  Result<BytesView> bin();

  // An array of fixed size: shorter bytes come first and are followed by zeros, longer ones
  // are corrupt.
  Status fixed_bin(std::span<std::byte> out);

  // Extension -1 or 13 of 4, 8 or 12 bytes; an array of seconds and nanoseconds; RFC 3339.
  Result<UnixTime> time();

  // How many elements follow, or how many keys with their values. No more than the input
  // has bytes left.
  Result<std::size_t> array();
  Result<std::size_t> map();

  // Passes over one value with all that is in it.
  Status skip();

  // To be called before memory is reserved for what headers announce. An element may take
  // one byte here and a hundred in memory: all of one input together gets 16 times its own
  // size and a mebibyte, far above what any honest structure needs.
  Status reserve(std::size_t count, std::size_t element_size);

 private:
  static constexpr std::size_t memory_floor = std::size_t{1} << 20;
  static constexpr std::size_t memory_factor = 16;

  // One header, decoded. `number` is the integer (two's complement if `negative`), the bits
  // of the real, the count of elements, or the length of the `payload`.
  struct Head {
    std::uint64_t number = 0;
    std::size_t size = 1;     // of the header itself
    std::size_t payload = 0;  // bytes of text, byte string or extension after it
    MsgpackKind kind = MsgpackKind::nil;
    std::int8_t extension = 0;
    bool negative = false;
  };

  const char* parse_head(Head& head) const noexcept;
  Result<std::uint64_t> unsigned_up_to(std::uint64_t max);
  Result<std::size_t> count_of(MsgpackKind kind, std::string_view expected);
  Result<UnixTime> extension_time(const Head& head);
  Result<UnixTime> array_time();
  BytesView take_payload(const Head& head) noexcept;
  void pass(const Head& head) noexcept { position_ += head.size + head.payload; }
  Error corrupt(std::string_view what) const;
  Error unexpected(std::string_view expected, MsgpackKind found) const;

  BytesView input_;
  std::size_t position_ = 0;
  std::size_t memory_left_;
};

}  // namespace plakar::codec
