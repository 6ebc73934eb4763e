#include "core/crypto/internal/argon2_hash.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "core/base/hex.h"
#include "core/crypto/blake2b.h"

namespace plakar::crypto::argon2 {

namespace {

std::string digest(BytesView data, std::size_t size) {
  Hash hash(size);
  hash.update(data);
  Bytes out(size);
  hash.finish(out);
  return to_hex(out);
}

Bytes counting(std::size_t size) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::byte>(i & 0xff));
  return bytes;
}

}  // namespace

TEST_SUITE("argon2 hash") {
  TEST_CASE("RFC 7693: BLAKE2b-512 of abc") {
    CHECK(digest(as_bytes("abc"), 64) ==
          "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
          "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  }

  TEST_CASE("odd digest lengths, and inputs around the size of a block, as Python has them") {
    CHECK(digest(counting(300), 1) == "ac");
    CHECK(digest(counting(300), 20) == "0442cf14856eeee477bf0a9261dd7bc1e026709b");
    CHECK(digest(counting(300), 31) ==
          "f546af6692062b63ce3f68202df8564c1b156b3879c35b3528ebd6f66e9d85");
    CHECK(digest({}, 17) == "246c0442cd564aced8145b8b60f1370aa7");
    CHECK(digest(counting(128), 17) == "7ca092935197a0c95bbc183b11cf4879f6");
    CHECK(digest(counting(129), 17) == "78d432c02a5cae961c0b893036402457c5");
    CHECK(digest(counting(256), 17) == "66bbc572c635d727f376c754cd3ea02242");
  }

  TEST_CASE("round digest lengths agree with the libraries, however the input is cut") {
    for (std::size_t size = 0; size < 400; size += 7) {
      const Bytes data = counting(size);
      CHECK(digest(data, 64) == to_hex(blake2b(data)));
      CHECK(digest(data, 32) == to_hex(blake2b_256(data).value()));
      Hash hash(64);
      hash.update(BytesView(data).first(size / 3));
      hash.update(BytesView(data).subspan(size / 3));
      Bytes out(64);
      hash.finish(out);
      CHECK(to_hex(out) == digest(data, 64));
    }
  }

  TEST_CASE("up to 64 bytes the long hash is the hash of the length and the input") {
    for (const std::size_t size : std::array<std::size_t, 4>{1, 32, 63, 64}) {
      Bytes prefixed;
      append_le(prefixed, static_cast<std::uint32_t>(size));
      append(prefixed, as_bytes("input"));
      Bytes out(size);
      hash_long(out, {as_bytes("in"), as_bytes("put")});
      CHECK(to_hex(out) == digest(prefixed, size));
    }
  }

  TEST_CASE("above 64 bytes the long hash is a chain of digests, half of each") {
    Bytes prefixed;
    append_le(prefixed, std::uint32_t{97});
    append(prefixed, as_bytes("input"));
    const Digest64 first = blake2b(prefixed);
    const Digest64 second = blake2b(first);
    Bytes out(97);
    hash_long(out, {as_bytes("input")});
    CHECK(to_hex(out) == to_hex(BytesView(first).first(32)) + to_hex(BytesView(second).first(32)) +
                             digest(second, 33));
  }
}

}  // namespace plakar::crypto::argon2
