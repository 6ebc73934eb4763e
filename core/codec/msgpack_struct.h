// One table per stored structure says how it is read and written:
//
//   struct Root {
//     std::uint32_t version = 0;
//     std::int64_t order = 50;
//     Mac root;
//     std::optional<Mac> next;
//   };
//   constexpr auto msgpack_fields(const Root*) {  // beside Root, in the same namespace
//     return std::array{field<&Root::version>("Version"),
//                       plain_int_field<&Root::order>("Order"),
//                       field<&Root::root>("Root"),
//                       field<&Root::next>("next").omit_empty()};
//   }
//
//   const Root root = PLK_TRY(msgpack_decode<Root>(bytes));
//   msgpack_encode(out, root);
//
// The rows are in the order of the format. They are written as a map in exactly that order,
// and read from a map in any order, or from an array of exactly as many elements. Unknown
// keys are skipped, missing ones keep the value of a fresh T, nil gives a fresh T.
//
// A member is stored as its type says: bool, fixed-width unsigned integers and i64, double;
// std::string, Bytes and Id32 or std::array of bytes; UnixTime; another structure with a
// table; std::optional (nil when empty) and std::vector of these. std::string_view and
// BytesView are read without a copy, and are valid as long as the input. Other types
// specialise MsgpackCodec.
//
// For sources: the header of a module declares the structure, its .cpp file the table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/codec/msgpack_reader.h"
#include "core/codec/msgpack_time.h"
#include "core/codec/msgpack_writer.h"

namespace plakar::codec {

// How a T is stored: `read` replaces the value or fails, `write` appends it, `is_empty`
// decides whether a field marked omit_empty or nil_if_empty is.
template <class T>
struct MsgpackCodec;

namespace detail {

// A row of a table without its types, so that the loops over tables are compiled once.
struct MsgpackRow {
  enum class WhenEmpty : std::uint8_t { write, omit, write_nil };

  std::string_view key;
  Status (*read)(MsgpackReader&, void* structure) = nullptr;
  void (*write)(MsgpackWriter&, const void* structure) = nullptr;
  bool (*is_empty)(const void* structure) = nullptr;
  WhenEmpty when_empty = WhenEmpty::write;
};

// A count of pairs says which rows are present in one word.
inline constexpr std::size_t max_rows = 64;

Status read_rows(MsgpackReader& in, std::span<const MsgpackRow> rows, void* structure);
void write_rows(MsgpackWriter& out, std::span<const MsgpackRow> rows, const void* structure);
bool all_rows_omitted(std::span<const MsgpackRow> rows, const void* structure);

template <class Pointer>
struct MemberOf;
template <class Structure, class Member>
struct MemberOf<Member Structure::*> {
  using structure = Structure;
  using member = Member;
};

}  // namespace detail

// A row of the table of `Structure`.
template <class Structure>
struct MsgpackField {
  detail::MsgpackRow row;

  // Left out when empty: zero, no characters, no elements, no value, or a structure whose
  // fields are all left out. An array of fixed size is never empty, not even of zeros.
  constexpr MsgpackField omit_empty() const {
    MsgpackField copy = *this;
    copy.row.when_empty = detail::MsgpackRow::WhenEmpty::omit;
    return copy;
  }

  // Written as nil when empty, where the reference holds a nil slice; the default is an
  // array or byte string of no elements. Both are read as empty.
  constexpr MsgpackField nil_if_empty() const {
    MsgpackField copy = *this;
    copy.row.when_empty = detail::MsgpackRow::WhenEmpty::write_nil;
    return copy;
  }
};

// The row for a member, stored as MsgpackCodec of its type does.
template <auto Member,
          class Codec = MsgpackCodec<typename detail::MemberOf<decltype(Member)>::member>>
constexpr auto field(std::string_view key) {
  using Structure = typename detail::MemberOf<decltype(Member)>::structure;
  return MsgpackField<Structure>{{
      .key = key,
      .read = [](MsgpackReader& in, void* structure) -> Status {
        return Codec::read(in, static_cast<Structure*>(structure)->*Member);
      },
      .write =
          [](MsgpackWriter& out, const void* structure) {
            Codec::write(out, static_cast<const Structure*>(structure)->*Member);
          },
      .is_empty =
          [](const void* structure) {
            return Codec::is_empty(static_cast<const Structure*>(structure)->*Member);
          },
  }};
}

// The fields that formats define as plain `int`: written in the shortest form.
struct MsgpackPlainInt {
  static Status read(MsgpackReader& in, std::int64_t& value) {
    value = PLK_TRY(in.i64());
    return {};
  }
  static void write(MsgpackWriter& out, std::int64_t value) { out.plain_int(value); }
  static bool is_empty(std::int64_t value) { return value == 0; }
};
template <auto Member>
constexpr auto plain_int_field(std::string_view key) {
  return field<Member, MsgpackPlainInt>(key);
}

// The codec of a T by an explicit table, for a structure that is stored in two ways:
//
//   field<&Summary::below, MsgpackTable<Totals, below_fields>>("below")
template <class T, auto Fields>
struct MsgpackTable {
  static Status read(MsgpackReader& in, T& value) {
    value = T{};
    return detail::read_rows(in, rows, &value);
  }
  static void write(MsgpackWriter& out, const T& value) { detail::write_rows(out, rows, &value); }
  static bool is_empty(const T& value) { return detail::all_rows_omitted(rows, &value); }

 private:
  static constexpr auto make_rows() {
    constexpr auto fields = Fields(static_cast<const T*>(nullptr));
    static_assert(fields.size() <= detail::max_rows);
    std::array<detail::MsgpackRow, fields.size()> made{};
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const MsgpackField<T>& of_this_structure = fields[i];
      made[i] = of_this_structure.row;
    }
    return made;
  }
  static constexpr auto rows = make_rows();
};

namespace detail {
struct FieldsByLookup {
  template <class T>
  constexpr auto operator()(const T* tag) const {
    return msgpack_fields(tag);
  }
};
}  // namespace detail

template <class T>
concept MsgpackStructure = requires(const T* tag) { msgpack_fields(tag); };

template <MsgpackStructure T>
struct MsgpackCodec<T> : MsgpackTable<T, detail::FieldsByLookup{}> {};

// Decodes the first value of `bytes`; what follows it is ignored.
template <class T>
Result<T> msgpack_decode(BytesView bytes) {
  MsgpackReader in(bytes);
  T value{};
  PLK_TRY(MsgpackCodec<T>::read(in, value));
  return value;
}

template <class T>
void msgpack_encode(Bytes& out, const T& value) {
  MsgpackWriter writer(out);
  MsgpackCodec<T>::write(writer, value);
}

template <class T>
Bytes msgpack_encode(const T& value) {
  Bytes out;
  msgpack_encode(out, value);
  return out;
}

namespace detail {

// What the codecs of single values have in common.
template <class T, auto Read, auto Write>
struct ScalarCodec {
  static Status read(MsgpackReader& in, T& value) {
    value = PLK_TRY((in.*Read)());
    return {};
  }
  static void write(MsgpackWriter& out, const T& value) { (out.*Write)(value); }
  static bool is_empty(const T& value) { return value == T{}; }
};

}  // namespace detail

template <>
struct MsgpackCodec<bool>
    : detail::ScalarCodec<bool, &MsgpackReader::boolean, &MsgpackWriter::boolean> {};
template <>
struct MsgpackCodec<std::uint8_t>
    : detail::ScalarCodec<std::uint8_t, &MsgpackReader::u8, &MsgpackWriter::u8> {};
template <>
struct MsgpackCodec<std::uint16_t>
    : detail::ScalarCodec<std::uint16_t, &MsgpackReader::u16, &MsgpackWriter::u16> {};
template <>
struct MsgpackCodec<std::uint32_t>
    : detail::ScalarCodec<std::uint32_t, &MsgpackReader::u32, &MsgpackWriter::u32> {};
template <>
struct MsgpackCodec<std::uint64_t>
    : detail::ScalarCodec<std::uint64_t, &MsgpackReader::u64, &MsgpackWriter::u64> {};
template <>
struct MsgpackCodec<std::int64_t>
    : detail::ScalarCodec<std::int64_t, &MsgpackReader::i64, &MsgpackWriter::i64> {};
template <>
struct MsgpackCodec<double>
    : detail::ScalarCodec<double, &MsgpackReader::f64, &MsgpackWriter::f64> {};
template <>
struct MsgpackCodec<UnixTime>
    : detail::ScalarCodec<UnixTime, &MsgpackReader::time, &MsgpackWriter::time> {};
template <>
struct MsgpackCodec<std::string_view>
    : detail::ScalarCodec<std::string_view, &MsgpackReader::str, &MsgpackWriter::str> {};

template <>
struct MsgpackCodec<std::string> {
  static Status read(MsgpackReader& in, std::string& value) {
    value = PLK_TRY(in.str());
    return {};
  }
  static void write(MsgpackWriter& out, const std::string& value) { out.str(value); }
  static bool is_empty(const std::string& value) { return value.empty(); }
};

template <>
struct MsgpackCodec<BytesView> {
  static Status read(MsgpackReader& in, BytesView& value) {
    value = PLK_TRY(in.bin());
    return {};
  }
  static void write(MsgpackWriter& out, BytesView value) { out.bin(value); }
  static bool is_empty(BytesView value) { return value.empty(); }
};

template <>
struct MsgpackCodec<Bytes> {
  static Status read(MsgpackReader& in, Bytes& value) {
    value = to_bytes(PLK_TRY(in.bin()));
    return {};
  }
  static void write(MsgpackWriter& out, const Bytes& value) { out.bin(value); }
  static bool is_empty(const Bytes& value) { return value.empty(); }
};

template <std::size_t Size>
struct MsgpackCodec<std::array<std::byte, Size>> {
  static Status read(MsgpackReader& in, std::array<std::byte, Size>& value) {
    return in.fixed_bin(value);
  }
  static void write(MsgpackWriter& out, const std::array<std::byte, Size>& value) {
    out.bin(value);
  }
  static bool is_empty(const std::array<std::byte, Size>&) { return false; }
};

template <class Tag>
struct MsgpackCodec<Id32<Tag>> {
  static Status read(MsgpackReader& in, Id32<Tag>& value) { return in.fixed_bin(value.bytes); }
  static void write(MsgpackWriter& out, const Id32<Tag>& value) { out.bin(value.bytes); }
  static bool is_empty(const Id32<Tag>&) { return false; }
};

template <class T>
struct MsgpackCodec<std::optional<T>> {
  static Status read(MsgpackReader& in, std::optional<T>& value) {
    value.reset();
    if (in.take_nil()) return {};
    return MsgpackCodec<T>::read(in, value.emplace());
  }
  static void write(MsgpackWriter& out, const std::optional<T>& value) {
    value ? MsgpackCodec<T>::write(out, *value) : out.nil();
  }
  static bool is_empty(const std::optional<T>& value) { return !value; }
};

template <class T>
struct MsgpackCodec<std::vector<T>> {
  static Status read(MsgpackReader& in, std::vector<T>& value) {
    const std::size_t count = PLK_TRY(in.array());
    PLK_TRY(in.reserve(count, sizeof(T)));
    value.clear();
    value.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      PLK_TRY(MsgpackCodec<T>::read(in, value.emplace_back()));
    }
    return {};
  }
  static void write(MsgpackWriter& out, const std::vector<T>& value) {
    out.array(value.size());
    for (const T& element : value) MsgpackCodec<T>::write(out, element);
  }
  static bool is_empty(const std::vector<T>& value) { return value.empty(); }
};

}  // namespace plakar::codec
