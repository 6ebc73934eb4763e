#include "core/codec/msgpack_struct.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"

namespace plakar::codec {
namespace {

struct Inner {
  std::uint16_t number = 7;
  std::string text;

  friend bool operator==(const Inner&, const Inner&) = default;
};

struct Outer {
  std::uint32_t version = 0;
  std::int64_t level = 0;
  std::string name = "fresh";
  Bytes key;
  std::vector<std::string> tags;
  std::vector<Inner> list;
  std::optional<Inner> maybe;
  std::optional<std::array<std::byte, 2>> link;
  UnixTime when;

  friend bool operator==(const Outer&, const Outer&) = default;
};

constexpr auto msgpack_fields(const Inner*) {
  return std::array{field<&Inner::number>("number").omit_empty(),
                    field<&Inner::text>("text").omit_empty()};
}
constexpr auto msgpack_fields(const Outer*) {
  return std::array{field<&Outer::version>("version"),
                    plain_int_field<&Outer::level>("level"),
                    field<&Outer::name>("name").omit_empty(),
                    field<&Outer::key>("key").nil_if_empty(),
                    field<&Outer::tags>("tags"),
                    field<&Outer::list>("list").nil_if_empty(),
                    field<&Outer::maybe>("maybe"),
                    field<&Outer::link>("link").omit_empty(),
                    field<&Outer::when>("when").omit_empty()};
}

Result<Outer> decoded(std::string_view hex) { return msgpack_decode<Outer>(*from_hex(hex)); }

}  // namespace

TEST_SUITE("msgpack structures") {
  TEST_CASE("empty fields are written, omitted or nil as the table says") {
    Outer empty;
    empty.name.clear();
    CHECK(to_hex(msgpack_encode(empty)) ==
          "86"
          "a776657273696f6ece00000000"
          "a56c6576656c00"
          "a36b6579c0"
          "a47461677390"
          "a46c697374c0"
          "a56d61796265c0");
  }

  TEST_CASE("a full structure survives the way there and back") {
    const Outer full{.version = 1,
                     .level = -300,
                     .name = "n",
                     .key = to_bytes("k"),
                     .tags = {"a", ""},
                     .list = {{1, "x"}, {0, ""}},
                     .maybe = Inner{2, "y"},
                     .link = std::array{std::byte{0}, std::byte{0}},
                     .when = {5, 6}};
    const Bytes encoded = msgpack_encode(full);
    const auto back = msgpack_decode<Outer>(encoded);
    REQUIRE(back);
    CHECK(back->level == -300);
    CHECK(back->maybe == full.maybe);
    CHECK(back->link == full.link);
    // An omitted zero is read as the value of a fresh structure, here 7.
    CHECK(back->list == std::vector<Inner>{{1, "x"}, {7, ""}});
  }

  TEST_CASE("a fixed array of zeros is not empty, a structure of omitted fields is") {
    Outer outer;
    outer.link.emplace();
    CHECK(to_hex(msgpack_encode(outer)).ends_with("a46c696e6bc4020000"));
    CHECK(MsgpackCodec<Inner>::is_empty(Inner{0, ""}));
    CHECK_FALSE(MsgpackCodec<Inner>::is_empty(Inner{0, "x"}));
    CHECK_FALSE(MsgpackCodec<Outer>::is_empty(outer));
  }

  TEST_CASE("keys come in any order, unknown ones are skipped, missing ones stay fresh") {
    const auto good = decoded(
        "84"
        "a56c6576656c05"
        "a378616292910102"
        "a3787979c0"
        "a776657273696f6e03");
    REQUIRE(good);
    CHECK(good->level == 5);
    CHECK(good->version == 3);
    CHECK(good->name == "fresh");
  }

  TEST_CASE("the last of two equal keys counts") {
    const auto outer = decoded(
        "82"
        "a46e616d65a161"
        "a46e616d65a162");
    REQUIRE(outer);
    CHECK(outer->name == "b");
  }

  TEST_CASE("an array of exactly as many elements is a structure, another is corrupt") {
    const auto good = decoded(
        "99"
        "01"
        "02"
        "a16e"
        "c4016b"
        "91a174"
        "919203a178"
        "92cc04a179"
        "c0"
        "d6ff00000005");
    REQUIRE(good);
    CHECK(*good == Outer{.version = 1,
                         .level = 2,
                         .name = "n",
                         .key = to_bytes("k"),
                         .tags = {"t"},
                         .list = {{3, "x"}},
                         .maybe = Inner{4, "y"},
                         .link = std::nullopt,
                         .when = {5, 0}});
    CHECK_FALSE(decoded("9101"));
    CHECK_FALSE(decoded("9a01020304050607080900"));
  }

  TEST_CASE("nil, an empty array and an empty map are a fresh structure") {
    for (const char* form : {"c0", "90", "80", "80ffff"}) {
      const auto outer = decoded(form);
      REQUIRE(outer);
      CHECK(*outer == Outer{});
    }
  }

  TEST_CASE("nil and empty read alike, in vectors and byte strings") {
    const auto nils = decoded(
        "83"
        "a36b6579c0"
        "a474616773c0"
        "a46c697374c0");
    const auto empties = decoded(
        "83"
        "a36b6579c400"
        "a47461677390"
        "a46c69737490");
    REQUIRE(nils);
    REQUIRE(empties);
    CHECK(*nils == *empties);
  }

  TEST_CASE("an error names the way to the field") {
    const auto outer = decoded(
        "81"
        "a46c697374"
        "91"
        "81"
        "a66e756d626572"
        "ce00010000");
    REQUIRE_FALSE(outer);
    CHECK(outer.error().code() == Errc::corrupt);
    CHECK(outer.error().message() ==
          "list: number: msgpack: byte 15: integer outside of 0 to 65535");
  }

  TEST_CASE("many tiny elements do not take memory out of proportion") {
    // A million nils would become a million structures of 40 bytes.
    Bytes bomb = *from_hex("81a46c697374dd00100000");
    bomb.resize(bomb.size() + (std::size_t{1} << 20), std::byte{0xc0});
    const auto outer = msgpack_decode<Outer>(bomb);
    REQUIRE_FALSE(outer);
    CHECK(outer.error().message() == "list: msgpack: byte 11: takes too much memory");
  }

  TEST_CASE("views point into the input") {
    const Bytes input = *from_hex("92a3616263c401ff");
    MsgpackReader in(input);
    std::string_view text;
    BytesView bytes;
    REQUIRE(in.array());
    REQUIRE(MsgpackCodec<std::string_view>::read(in, text));
    REQUIRE(MsgpackCodec<BytesView>::read(in, bytes));
    CHECK(static_cast<const void*>(text.data()) == input.data() + 2);
    CHECK(bytes.data() == input.data() + 7);
  }
}

}  // namespace plakar::codec
