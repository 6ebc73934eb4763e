#include "core/codec/msgpack_reader.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>

#include "core/base/error.h"
#include "core/base/text.h"

namespace plakar::codec {
namespace {

std::string_view kind_name(MsgpackKind kind) {
  switch (kind) {
    case MsgpackKind::nil:
      return "nil";
    case MsgpackKind::boolean:
      return "a boolean";
    case MsgpackKind::integer:
      return "an integer";
    case MsgpackKind::real:
      return "a real number";
    case MsgpackKind::text:
      return "a string";
    case MsgpackKind::binary:
      return "a byte string";
    case MsgpackKind::array:
      return "an array";
    case MsgpackKind::map:
      return "a map";
    case MsgpackKind::extension:
      return "an extension";
  }
  return "";
}

// What the first byte of a value announces.
struct Marker {
  MsgpackKind kind = MsgpackKind::nil;
  std::uint8_t width = 0;   // of the number that follows; 0: it is `number`
  std::uint8_t number = 0;  // two's complement if `is_signed`
  bool is_signed = false;
  bool is_known = true;
};

constexpr std::array<Marker, 256> make_markers() {
  std::array<Marker, 256> made{};
  const auto range = [&made](unsigned first, unsigned last, MsgpackKind kind, unsigned mask) {
    for (unsigned i = first; i <= last; ++i) {
      made[i] = {.kind = kind, .number = static_cast<std::uint8_t>(i & mask)};
    }
  };
  range(0x00, 0x7f, MsgpackKind::integer, 0x7f);
  range(0x80, 0x8f, MsgpackKind::map, 0x0f);
  range(0x90, 0x9f, MsgpackKind::array, 0x0f);
  range(0xa0, 0xbf, MsgpackKind::text, 0x1f);
  range(0xc0, 0xc0, MsgpackKind::nil, 0);
  range(0xc2, 0xc3, MsgpackKind::boolean, 0x01);
  range(0xe0, 0xff, MsgpackKind::integer, 0xff);
  for (unsigned i = 0xe0; i <= 0xff; ++i) made[i].is_signed = true;
  made[0xc1].is_known = false;

  const auto widths = [&made](unsigned first, MsgpackKind kind, std::uint8_t narrowest,
                              unsigned count, bool is_signed = false) {
    for (unsigned i = 0; i < count; ++i) {
      const auto width = static_cast<std::uint8_t>(narrowest << i);
      made[first + i] = {.kind = kind, .width = width, .is_signed = is_signed};
    }
  };
  widths(0xc4, MsgpackKind::binary, 1, 3);
  widths(0xc7, MsgpackKind::extension, 1, 3);
  widths(0xca, MsgpackKind::real, 4, 2);
  widths(0xcc, MsgpackKind::integer, 1, 4);
  widths(0xd0, MsgpackKind::integer, 1, 4, true);
  widths(0xd9, MsgpackKind::text, 1, 3);
  widths(0xdc, MsgpackKind::array, 2, 2);
  widths(0xde, MsgpackKind::map, 2, 2);
  for (unsigned i = 0; i < 5; ++i) {
    made[0xd4 + i] = {.kind = MsgpackKind::extension, .number = static_cast<std::uint8_t>(1 << i)};
  }
  return made;
}
constexpr std::array<Marker, 256> markers = make_markers();

std::uint64_t load_number(BytesView at, std::size_t width) {
  switch (width) {
    case 1:
      return static_cast<std::uint8_t>(at[0]);
    case 2:
      return load_be<std::uint16_t>(at);
    case 4:
      return load_be<std::uint32_t>(at);
    default:
      return load_be<std::uint64_t>(at);
  }
}

std::uint64_t sign_extended(std::uint64_t number, std::size_t width) {
  const auto unused = static_cast<unsigned>(64 - 8 * width);
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(number << unused) >> unused);
}

}  // namespace

Error MsgpackReader::corrupt(std::string_view what) const {
  return Error(Errc::corrupt,
               "msgpack: byte " + std::to_string(position_) + ": " + std::string(what));
}

Error MsgpackReader::unexpected(std::string_view expected, MsgpackKind found) const {
  return corrupt("expected " + std::string(expected) + ", found " + std::string(kind_name(found)));
}

// Returns what is wrong instead of a Result: every value passes here, and a Result of this
// size costs more than the parsing.
const char* MsgpackReader::parse_head(Head& head) const noexcept {
  const BytesView rest = input_.subspan(position_);
  if (rest.empty()) return "unexpected end";
  const Marker& marker = markers[static_cast<std::uint8_t>(rest[0])];
  if (!marker.is_known) return "c1 is not a marker";

  head.kind = marker.kind;
  head.size = std::size_t{1} + marker.width;
  head.payload = 0;
  head.negative = false;
  if (head.kind == MsgpackKind::extension) ++head.size;  // the type of the extension
  if (head.size > rest.size()) return "unexpected end";
  head.number = marker.width == 0 ? marker.number : load_number(rest.subspan(1), marker.width);

  const std::size_t left = rest.size() - head.size;
  switch (head.kind) {
    case MsgpackKind::nil:
    case MsgpackKind::boolean:
      return nullptr;
    case MsgpackKind::integer:
      if (marker.is_signed) {
        head.number = sign_extended(head.number, std::max<std::size_t>(marker.width, 1));
        head.negative = head.number >> 63 != 0;
      }
      return nullptr;
    case MsgpackKind::real:
      if (marker.width == 4) {
        const auto narrow = std::bit_cast<float>(static_cast<std::uint32_t>(head.number));
        head.number = std::bit_cast<std::uint64_t>(static_cast<double>(narrow));
      }
      return nullptr;
    case MsgpackKind::extension:
      head.extension = static_cast<std::int8_t>(rest[head.size - 1]);
      [[fallthrough]];
    case MsgpackKind::text:
    case MsgpackKind::binary:
      if (head.number > left) return "longer than the rest of the input";
      head.payload = static_cast<std::size_t>(head.number);
      return nullptr;
    case MsgpackKind::array:
      return head.number > left ? "more elements than bytes left" : nullptr;
    case MsgpackKind::map:
      return head.number > left / 2 ? "more pairs than bytes left" : nullptr;
  }
  return nullptr;
}

BytesView MsgpackReader::take_payload(const Head& head) noexcept {
  const BytesView payload = input_.subspan(position_ + head.size, head.payload);
  pass(head);
  return payload;
}

Result<MsgpackKind> MsgpackReader::kind() const {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  return next.kind;
}

bool MsgpackReader::take_nil() noexcept {
  if (at_end() || input_[position_] != std::byte{0xc0}) return false;
  ++position_;
  return true;
}

Result<bool> MsgpackReader::boolean() {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  if (next.kind != MsgpackKind::boolean && next.kind != MsgpackKind::nil) {
    return unexpected("a boolean", next.kind);
  }
  pass(next);
  return next.number != 0;
}

Result<std::uint64_t> MsgpackReader::unsigned_up_to(std::uint64_t max) {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  if (next.kind != MsgpackKind::integer && next.kind != MsgpackKind::nil) {
    return unexpected("an integer", next.kind);
  }
  if (next.negative || next.number > max) {
    return corrupt("integer outside of 0 to " + std::to_string(max));
  }
  pass(next);
  return next.number;
}

Result<std::uint8_t> MsgpackReader::u8() {
  return static_cast<std::uint8_t>(PLK_TRY(unsigned_up_to(0xff)));
}
Result<std::uint16_t> MsgpackReader::u16() {
  return static_cast<std::uint16_t>(PLK_TRY(unsigned_up_to(0xffff)));
}
Result<std::uint32_t> MsgpackReader::u32() {
  return static_cast<std::uint32_t>(PLK_TRY(unsigned_up_to(0xffff'ffff)));
}
Result<std::uint64_t> MsgpackReader::u64() {
  return unsigned_up_to(std::numeric_limits<std::uint64_t>::max());
}

Result<std::int64_t> MsgpackReader::i64() {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  if (next.kind != MsgpackKind::integer && next.kind != MsgpackKind::nil) {
    return unexpected("an integer", next.kind);
  }
  if (!next.negative && next.number >> 63 != 0) return corrupt("integer above 2^63 - 1");
  pass(next);
  return static_cast<std::int64_t>(next.number);
}

Result<double> MsgpackReader::f64() {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  double value = 0;
  switch (next.kind) {
    case MsgpackKind::nil:
      break;
    case MsgpackKind::real:
      value = std::bit_cast<double>(next.number);
      break;
    case MsgpackKind::integer:
      value = next.negative ? static_cast<double>(static_cast<std::int64_t>(next.number))
                            : static_cast<double>(next.number);
      break;
    case MsgpackKind::boolean:
    case MsgpackKind::text:
    case MsgpackKind::binary:
    case MsgpackKind::array:
    case MsgpackKind::map:
    case MsgpackKind::extension:
      return unexpected("a number", next.kind);
  }
  pass(next);
  return value;
}

Result<BytesView> MsgpackReader::bin() {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  if (next.kind != MsgpackKind::text && next.kind != MsgpackKind::binary &&
      next.kind != MsgpackKind::nil) {
    return unexpected("a string", next.kind);
  }
  return take_payload(next);
}

Result<std::string_view> MsgpackReader::str() { return as_text(PLK_TRY(bin())); }

Status MsgpackReader::fixed_bin(std::span<std::byte> out) {
  MsgpackReader ahead(*this);
  const BytesView bytes = PLK_TRY(ahead.bin());
  if (bytes.size() > out.size()) {
    return corrupt("longer than " + std::to_string(out.size()) + " bytes");
  }
  std::fill(std::copy(bytes.begin(), bytes.end(), out.begin()), out.end(), std::byte{});
  position_ = ahead.position_;
  return {};
}

Result<UnixTime> MsgpackReader::time() {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  switch (next.kind) {
    case MsgpackKind::nil:
      pass(next);
      return UnixTime{};
    case MsgpackKind::extension:
      return extension_time(next);
    case MsgpackKind::array:
      return array_time();
    case MsgpackKind::text: {
      const auto parsed =
          parse_rfc3339(as_text(input_.subspan(position_ + next.size, next.payload)));
      if (!parsed) return corrupt(parsed.error().message());
      pass(next);
      return *parsed;
    }
    case MsgpackKind::boolean:
    case MsgpackKind::integer:
    case MsgpackKind::real:
    case MsgpackKind::binary:
    case MsgpackKind::map:
      break;
  }
  return unexpected("a time", next.kind);
}

Result<UnixTime> MsgpackReader::extension_time(const Head& next) {
  if (next.extension != -1 && next.extension != 13) return corrupt("not the time extension");
  const BytesView bytes = input_.subspan(position_ + next.size, next.payload);
  std::uint64_t seconds = 0;
  std::uint64_t nanoseconds = 0;
  if (bytes.size() == 4) {
    seconds = load_be<std::uint32_t>(bytes);
  } else if (bytes.size() == 8) {
    const auto packed = load_be<std::uint64_t>(bytes);
    seconds = packed & ((std::uint64_t{1} << 34) - 1);
    nanoseconds = packed >> 34;
  } else if (bytes.size() == 12) {
    nanoseconds = load_be<std::uint32_t>(bytes);
    seconds = load_be<std::uint64_t>(bytes.subspan(4));
  } else {
    return corrupt("a time of " + std::to_string(bytes.size()) + " bytes");
  }
  const auto time =
      normalized_time(static_cast<std::int64_t>(seconds), static_cast<std::int64_t>(nanoseconds));
  if (!time) return corrupt(time.error().message());
  pass(next);
  return *time;
}

Result<UnixTime> MsgpackReader::array_time() {
  MsgpackReader ahead(*this);
  if (PLK_TRY(ahead.array()) != 2) return corrupt("a time is an array of two");
  const std::int64_t seconds = PLK_TRY(ahead.i64());
  const std::int64_t nanoseconds = PLK_TRY(ahead.i64());
  const auto time = normalized_time(seconds, nanoseconds);
  if (!time) return corrupt(time.error().message());
  position_ = ahead.position_;
  return *time;
}

Result<std::size_t> MsgpackReader::count_of(MsgpackKind kind, std::string_view expected) {
  Head next;
  if (const char* problem = parse_head(next)) return corrupt(problem);
  if (next.kind != kind && next.kind != MsgpackKind::nil) return unexpected(expected, next.kind);
  pass(next);
  return static_cast<std::size_t>(next.number);
}

Result<std::size_t> MsgpackReader::array() { return count_of(MsgpackKind::array, "an array"); }
Result<std::size_t> MsgpackReader::map() { return count_of(MsgpackKind::map, "a map"); }

Status MsgpackReader::skip() {
  std::array<std::uint64_t, max_depth> values_left;  // in each container that is open
  std::size_t depth = 0;
  MsgpackReader ahead(*this);
  do {
    Head next;
    if (const char* problem = ahead.parse_head(next)) return ahead.corrupt(problem);
    ahead.pass(next);
    const bool is_map = next.kind == MsgpackKind::map;
    if ((is_map || next.kind == MsgpackKind::array) && next.number > 0) {
      if (depth == max_depth) return ahead.corrupt("nested too deeply");
      values_left[depth++] = is_map ? 2 * next.number : next.number;
      continue;
    }
    while (depth > 0 && --values_left[depth - 1] == 0) --depth;
  } while (depth > 0);
  position_ = ahead.position_;
  return {};
}

Status MsgpackReader::reserve(std::size_t count, std::size_t element_size) {
  if (count > memory_left_ / element_size) return corrupt("takes too much memory");
  memory_left_ -= count * element_size;
  return {};
}

}  // namespace plakar::codec
