#include "core/codec/msgpack_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <string>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

// One value given in hex; the bytes live as long as this does.
struct Input {
  explicit Input(std::string_view hex) : bytes(*from_hex(hex)), in(bytes) {}

  Bytes bytes;
  MsgpackReader in;
};

// What `read` makes of the value, which it must consume to its end.
template <class T>
T value_of(std::string_view hex, Result<T> (MsgpackReader::*read)()) {
  CAPTURE(hex);
  Input input(hex);
  const auto value = (input.in.*read)();
  REQUIRE(value);
  CHECK(input.in.at_end());
  return *value;
}

template <class T>
void check_corrupt(std::string_view hex, Result<T> (MsgpackReader::*read)()) {
  CAPTURE(hex);
  Input input(hex);
  const auto value = (input.in.*read)();
  REQUIRE_FALSE(value);
  CHECK(value.error().code() == Errc::corrupt);
  CHECK(input.in.position() == 0);
}

Bytes repeated(std::uint8_t byte, std::size_t count) {
  return Bytes(count, static_cast<std::byte>(byte));
}

}  // namespace

TEST_SUITE("msgpack reader") {
  TEST_CASE("an integer of any width and sign is read as any type that holds its value") {
    for (const char* five : {"05", "cc05", "cd0005", "ce00000005", "cf0000000000000005", "d005",
                             "d10005", "d200000005", "d30000000000000005"}) {
      CHECK(value_of(five, &MsgpackReader::u8) == 5);
      CHECK(value_of(five, &MsgpackReader::u16) == 5);
      CHECK(value_of(five, &MsgpackReader::u32) == 5);
      CHECK(value_of(five, &MsgpackReader::u64) == 5);
      CHECK(value_of(five, &MsgpackReader::i64) == 5);
      CHECK(value_of(five, &MsgpackReader::f64) == 5);
    }
    for (const char* minus_two : {"fe", "d0fe", "d1fffe", "d2fffffffe", "d3fffffffffffffffe"}) {
      CHECK(value_of(minus_two, &MsgpackReader::i64) == -2);
      CHECK(value_of(minus_two, &MsgpackReader::f64) == -2);
      check_corrupt(minus_two, &MsgpackReader::u8);
      check_corrupt(minus_two, &MsgpackReader::u64);
    }
    CHECK(value_of("e0", &MsgpackReader::i64) == -32);
    CHECK(value_of("d38000000000000000", &MsgpackReader::i64) ==
          std::numeric_limits<std::int64_t>::min());
  }

  TEST_CASE("an integer that does not fit is corrupt, never truncated") {
    CHECK(value_of("ccff", &MsgpackReader::u8) == 255);
    check_corrupt("cd0100", &MsgpackReader::u8);
    check_corrupt("ce00010000", &MsgpackReader::u16);
    check_corrupt("cf0000000100000000", &MsgpackReader::u32);
    CHECK(value_of("cfffffffffffffffff", &MsgpackReader::u64) == ~std::uint64_t{0});
    check_corrupt("cf8000000000000000", &MsgpackReader::i64);
  }

  TEST_CASE("nil is the zero value of everything") {
    CHECK(value_of("c0", &MsgpackReader::boolean) == false);
    CHECK(value_of("c0", &MsgpackReader::u8) == 0);
    CHECK(value_of("c0", &MsgpackReader::u64) == 0);
    CHECK(value_of("c0", &MsgpackReader::i64) == 0);
    CHECK(value_of("c0", &MsgpackReader::f64) == 0);
    CHECK(value_of("c0", &MsgpackReader::str) == "");
    CHECK(value_of("c0", &MsgpackReader::bin).empty());
    CHECK(value_of("c0", &MsgpackReader::array) == 0);
    CHECK(value_of("c0", &MsgpackReader::map) == 0);
    CHECK(value_of("c0", &MsgpackReader::time) == UnixTime{});
    std::array<std::byte, 2> two{std::byte{1}, std::byte{2}};
    CHECK(Input("c0").in.fixed_bin(two));
    CHECK(two == std::array<std::byte, 2>{});
  }

  TEST_CASE("a value of another kind is corrupt") {
    check_corrupt("c3", &MsgpackReader::u8);
    check_corrupt("01", &MsgpackReader::boolean);
    check_corrupt("cb0000000000000000", &MsgpackReader::u64);
    check_corrupt("a131", &MsgpackReader::u64);
    check_corrupt("a131", &MsgpackReader::f64);
    check_corrupt("05", &MsgpackReader::str);
    check_corrupt("90", &MsgpackReader::bin);
    check_corrupt("80", &MsgpackReader::array);
    check_corrupt("90", &MsgpackReader::map);
    check_corrupt("05", &MsgpackReader::time);
  }

  TEST_CASE("the marker that msgpack never uses is corrupt") {
    CHECK_FALSE(Input("c1").in.kind());
    CHECK_FALSE(Input("c1").in.skip());
    check_corrupt("c1", &MsgpackReader::u8);
  }

  TEST_CASE("real numbers come in both widths") {
    CHECK(value_of("ca3fc00000", &MsgpackReader::f64) == 1.5);
    CHECK(value_of("cb3ff8000000000000", &MsgpackReader::f64) == 1.5);
  }

  TEST_CASE("strings and byte strings are interchangeable") {
    for (const char* abc : {"a3616263", "d903616263", "da0003616263", "db00000003616263",
                            "c403616263", "c50003616263", "c600000003616263"}) {
      CAPTURE(abc);
      Input as_string(abc);
      CHECK(as_string.in.str() == "abc");
      Input as_binary(abc);
      CHECK(as_text(as_binary.in.bin().value_or(BytesView())) == "abc");
    }
  }

  TEST_CASE("a fixed array takes shorter bytes from the left, and no longer ones") {
    std::array<std::byte, 4> four{};
    four.fill(std::byte{0xff});
    CHECK(Input("c4020102").in.fixed_bin(four));
    CHECK(to_hex(four) == "01020000");
    CHECK(Input("a461626364").in.fixed_bin(four));
    CHECK(to_hex(four) == "61626364");
    Input longer("c4050102030405");
    CHECK_FALSE(longer.in.fixed_bin(four));
    CHECK(to_hex(four) == "61626364");
    CHECK(longer.in.position() == 0);
  }

  TEST_CASE("a time is read from every form the reference accepts") {
    const UnixTime expected{1700000000, 123456789};
    for (const char* form :
         {"d7ff1d6f34546553f100", "d70d1d6f34546553f100", "c708ff1d6f34546553f100",
          "c70cff075bcd15000000006553f100", "92ce6553f100ce075bcd15",
          "dc0002d3000000006553f100ce075bcd15",
          // The same moment as text, in UTC and elsewhere.
          "be323032332d31312d31345432323a31333a32302e3132333435363738395a",
          "d923323032332d31312d31355430313a34333a32302e3132333435363738392b30333a3330"}) {
      CHECK(value_of(form, &MsgpackReader::time) == expected);
    }
    CHECK(value_of("d6ff00000000", &MsgpackReader::time) == UnixTime{0, 0});
    CHECK(value_of("c70cff00000000fffffff1886e0900", &MsgpackReader::time) == UnixTime{});
  }

  TEST_CASE("nanoseconds of a second and more are carried") {
    CHECK(value_of("c70cff3b9aca000000000000000001", &MsgpackReader::time) == UnixTime{2, 0});
    CHECK(value_of("9201ff", &MsgpackReader::time) == UnixTime{0, 999999999});
    check_corrupt("c70cffffffffff7fffffffffffffff", &MsgpackReader::time);
  }

  TEST_CASE("other extensions, sizes and arrays are not a time") {
    for (const char* form :
         {"d60100000000", "d4ff00", "d5ff0000", "d8ff00000000000000000000000000000000", "c700ff",
          "c703ff000000", "90", "9101", "93010203", "92a131a132", "a0", "a3616263"}) {
      check_corrupt(form, &MsgpackReader::time);
    }
  }

  TEST_CASE("a header that promises more than the input has is corrupt at once") {
    check_corrupt("ddffffffff0000000000", &MsgpackReader::array);
    check_corrupt("dfffffffff0000000000", &MsgpackReader::map);
    check_corrupt("9401", &MsgpackReader::array);
    check_corrupt("8200c0c0", &MsgpackReader::map);
    check_corrupt("dbffffffff61", &MsgpackReader::str);
    check_corrupt("c6ffffffff61", &MsgpackReader::bin);
    check_corrupt("c9ffffffffff00", &MsgpackReader::time);
    check_corrupt("a261", &MsgpackReader::str);
    check_corrupt("", &MsgpackReader::u8);
    check_corrupt("cd00", &MsgpackReader::u16);
    check_corrupt("dc00", &MsgpackReader::array);
    check_corrupt("c7", &MsgpackReader::time);
  }

  TEST_CASE("an error names the byte it is about") {
    Input input("9201a131");
    CHECK(*input.in.array() == 2);
    CHECK(*input.in.u8() == 1);
    const auto value = input.in.u8();
    REQUIRE_FALSE(value);
    CHECK(value.error().message() == "msgpack: byte 2: expected an integer, found a string");
    CHECK(input.in.str() == "1");
  }

  TEST_CASE("reading stops at the end of the value") {
    Input input("05ffff");
    CHECK(*input.in.u8() == 5);
    CHECK(input.in.position() == 1);
    CHECK_FALSE(input.in.at_end());
  }

  TEST_CASE("skip passes over exactly one value of any kind") {
    for (const char* value :
         {"c0", "c2", "05", "ff", "cd0100", "cb0000000000000000", "a0", "a161", "c40101", "90",
          "80", "920102", "93919101c09101", "81a16105", "82a16190a16281c0c0",
          "d7ff0000000000000000", "c70205aabb", "d401ff"}) {
      CAPTURE(value);
      Input input(std::string(value) + "2a");
      REQUIRE(input.in.skip());
      CHECK(*input.in.u8() == 42);
    }
  }

  TEST_CASE("skip refuses deep nesting and unfinished values without consuming them") {
    Bytes deepest = repeated(0x91, MsgpackReader::max_depth);
    deepest.push_back(std::byte{0xc0});
    MsgpackReader allowed(deepest);
    CHECK(allowed.skip());
    CHECK(allowed.at_end());

    for (const std::uint8_t container : {std::uint8_t{0x91}, std::uint8_t{0x81}}) {
      const Bytes bomb = repeated(container, 1'000'000);
      MsgpackReader in(bomb);
      const auto status = in.skip();
      REQUIRE_FALSE(status);
      CHECK(status.error().code() == Errc::corrupt);
      CHECK(in.position() == 0);
    }
    Input unfinished("9391");
    CHECK_FALSE(unfinished.in.skip());
  }

  TEST_CASE("memory for announced elements is limited in total") {
    Input input("c0");
    CHECK(input.in.reserve(1'000, 500));
    CHECK(input.in.reserve(1'000, 500));
    CHECK_FALSE(input.in.reserve(1'000, 500));
    CHECK_FALSE(input.in.reserve(std::numeric_limits<std::size_t>::max(), 2));
  }
}

}  // namespace plakar::codec
