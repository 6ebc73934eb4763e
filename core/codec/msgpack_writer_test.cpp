#include "core/codec/msgpack_writer.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

std::string written(const std::function<void(MsgpackWriter&)>& write) {
  Bytes out;
  MsgpackWriter writer(out);
  write(writer);
  return to_hex(out);
}

std::string written_int(std::int64_t value) {
  return written([value](MsgpackWriter& out) { out.plain_int(value); });
}

std::string written_time(UnixTime time) {
  return written([time](MsgpackWriter& out) { out.time(time); });
}

// The first bytes of a value of this size, and its length.
template <class Write>
std::string header_of(std::size_t size, Write write) {
  Bytes out;
  MsgpackWriter writer(out);
  write(writer, size);
  return to_hex(BytesView(out).first(std::min<std::size_t>(out.size(), 5))) + " " +
         std::to_string(out.size());
}

}  // namespace

TEST_SUITE("msgpack writer") {
  TEST_CASE("nil and booleans are one byte") {
    CHECK(written([](auto& out) { out.nil(); }) == "c0");
    CHECK(written([](auto& out) { out.boolean(false); }) == "c2");
    CHECK(written([](auto& out) { out.boolean(true); }) == "c3");
  }

  TEST_CASE("a typed integer has its full width even when it is zero") {
    CHECK(written([](auto& out) { out.u8(0); }) == "cc00");
    CHECK(written([](auto& out) { out.u16(1); }) == "cd0001");
    CHECK(written([](auto& out) { out.u32(0x10000); }) == "ce00010000");
    CHECK(written([](auto& out) { out.u64(12); }) == "cf000000000000000c");
    CHECK(written([](auto& out) { out.i64(12); }) == "d3000000000000000c");
    CHECK(written([](auto& out) { out.i64(-1); }) == "d3ffffffffffffffff");
  }

  TEST_CASE("a plain int has the shortest form on both sides of every boundary") {
    CHECK(written_int(0) == "00");
    CHECK(written_int(127) == "7f");
    CHECK(written_int(128) == "cc80");
    CHECK(written_int(255) == "ccff");
    CHECK(written_int(256) == "cd0100");
    CHECK(written_int(65535) == "cdffff");
    CHECK(written_int(65536) == "ce00010000");
    CHECK(written_int(4294967295) == "ceffffffff");
    CHECK(written_int(4294967296) == "cf0000000100000000");
    CHECK(written_int(std::numeric_limits<std::int64_t>::max()) == "cf7fffffffffffffff");
    CHECK(written_int(-1) == "ff");
    CHECK(written_int(-32) == "e0");
    CHECK(written_int(-33) == "d0df");
    CHECK(written_int(-128) == "d080");
    CHECK(written_int(-129) == "d1ff7f");
    CHECK(written_int(-32768) == "d18000");
    CHECK(written_int(-32769) == "d2ffff7fff");
    CHECK(written_int(-2147483648) == "d280000000");
    CHECK(written_int(-2147483649) == "d3ffffffff7fffffff");
  }

  TEST_CASE("a real number is always 64 bits") {
    CHECK(written([](auto& out) { out.f64(0); }) == "cb0000000000000000");
    CHECK(written([](auto& out) { out.f64(1.5); }) == "cb3ff8000000000000");
  }

  TEST_CASE("strings, byte strings, arrays and maps grow their header with their size") {
    const auto str = [](MsgpackWriter& out, std::size_t n) { out.str(std::string(n, 'x')); };
    CHECK(header_of(0, str) == "a0 1");
    CHECK(header_of(31, str) == "bf78787878 32");
    CHECK(header_of(32, str) == "d920787878 34");
    CHECK(header_of(255, str) == "d9ff787878 257");
    CHECK(header_of(256, str) == "da01007878 259");
    CHECK(header_of(65536, str) == "db00010000 65541");

    const auto bin = [](MsgpackWriter& out, std::size_t n) { out.bin(Bytes(n)); };
    CHECK(header_of(0, bin) == "c400 2");
    CHECK(header_of(255, bin) == "c4ff000000 257");
    CHECK(header_of(256, bin) == "c501000000 259");
    CHECK(header_of(65536, bin) == "c600010000 65541");

    const auto array = [](MsgpackWriter& out, std::size_t n) { out.array(n); };
    CHECK(header_of(0, array) == "90 1");
    CHECK(header_of(15, array) == "9f 1");
    CHECK(header_of(16, array) == "dc0010 3");
    CHECK(header_of(65536, array) == "dd00010000 5");

    const auto map = [](MsgpackWriter& out, std::size_t n) { out.map(n); };
    CHECK(header_of(0, map) == "80 1");
    CHECK(header_of(15, map) == "8f 1");
    CHECK(header_of(16, map) == "de0010 3");
    CHECK(header_of(65536, map) == "df00010000 5");
  }

  TEST_CASE("a time takes 4, 8 or 12 bytes, whichever holds it") {
    CHECK(written_time({0, 0}) == "d6ff00000000");
    CHECK(written_time({0xffffffff, 0}) == "d6ffffffffff");
    CHECK(written_time({0x100000000, 0}) == "d7ff0000000100000000");
    CHECK(written_time({0, 1}) == "d7ff0000000400000000");
    CHECK(written_time({1700000000, 123456789}) == "d7ff1d6f34546553f100");
    CHECK(written_time({0x3ffffffff, 999999999}) == "d7ffee6b27ffffffffff");
    CHECK(written_time({0x400000000, 0}) == "c70cff000000000000000400000000");
    CHECK(written_time({-1, 5}) == "c70cff00000005ffffffffffffffff");
    CHECK(written_time({}) == "c70cff00000000fffffff1886e0900");
  }
}

}  // namespace plakar::codec
