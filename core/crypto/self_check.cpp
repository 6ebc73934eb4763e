#include "core/crypto/self_check.h"

#include <gcrypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/hex.h"
#include "core/crypto/aes_gcm.h"
#include "core/crypto/blake2b.h"
#include "core/crypto/blake3.h"
#include "core/crypto/blake3_many.h"
#include "core/crypto/ed25519.h"
#include "core/crypto/gcm_siv.h"
#include "core/crypto/hmac.h"
#include "core/crypto/internal/argon2.h"
#include "core/crypto/internal/kdf_library.h"
#include "core/crypto/internal/openssl.h"
#include "core/crypto/key_wrap.h"
#include "core/crypto/sha256.h"

namespace plakar::crypto {

namespace {

// The answer of each test below: a Status of its own where a library said no, or `differs`.
Error differs() { return Error(Errc::unsupported, "it computes wrong results"); }
Error accepts() { return Error(Errc::unsupported, "it accepts altered data"); }
Error missing() { return Error(Errc::unsupported, "this installation does not have it"); }

Status expect(BytesView actual, std::string_view hex) {
  if (to_hex(actual) != hex) return differs();
  return {};
}

KeyView32 text_key() { return as_bytes("whats the Elvish word for friend").first<32>(); }

// One chunk and a bit, so that lanes, tail and parent all take part.
Status test_blake3() {
  Bytes input(1025);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i % 251);
  PLK_TRY(
      expect(blake3(input), "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"));
  const Digest32 keyed = blake3_keyed(text_key(), input);
  PLK_TRY(expect(keyed, "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69"));
  const std::vector<BytesView> inputs(16, input);
  Bytes many(32 * inputs.size());
  blake3_keyed_many(text_key(), inputs, many);
  for (std::size_t at = 0; at < many.size(); at += 32) {
    if (!std::ranges::equal(keyed, BytesView(many).subspan(at, 32))) return differs();
  }
  return {};
}

Status test_sha256() {
  if (openssl::sha256() == nullptr) return missing();
  return expect(sha256(as_bytes("abc")),
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Status test_hmac() {
  if (openssl::hmac() == nullptr) return missing();
  return expect(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?")),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

Status test_blake2b() {
  if (openssl::blake2b_512() == nullptr) return missing();
  PLK_TRY(expect(blake2b(as_bytes("abc")),
                 "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
                 "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"));
  return expect(PLK_TRY(blake2b_256(as_bytes("abc"))),
                "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

// RFC 8452, appendix C.3: the block counter wraps.
Status test_gcm_siv() {
  const Bytes plain = PLK_TRY(from_hex("eb3640277c7ffd1303c7a542d02d3e4c0000000000000000"));
  const std::array<std::byte, 32> key{};
  const std::array<std::byte, 12> nonce{};
  std::array<std::byte, 16> tag{};
  Bytes text(plain.size());
  GcmSiv cipher = PLK_TRY(GcmSiv::create());
  PLK_TRY(cipher.set_key(key));
  PLK_TRY(cipher.seal(nonce, {}, plain, text, tag));
  PLK_TRY(expect(text, "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56d"));
  PLK_TRY(expect(tag, "ffffffff000000000000000000000000"));
  Bytes opened(plain.size());
  PLK_TRY(cipher.open(nonce, {}, text, tag, opened));
  if (opened != plain) return differs();
  text[0] ^= std::byte{1};
  if (cipher.open(nonce, {}, text, tag, opened)) return accepts();
  return {};
}

// Test case 14 of the submission to NIST.
Status test_aes_gcm() {
  const Bytes key =
      PLK_TRY(from_hex("0000000000000000000000000000000000000000000000000000000000000000"));
  const std::array<std::byte, 12> nonce{};
  std::array<std::byte, 16> text{};
  std::array<std::byte, 16> tag{};
  const auto view = BytesView(key).first<32>();
  PLK_TRY(aes_gcm_seal(view, nonce, {}, text, text, tag));
  PLK_TRY(expect(text, "cea7403d4d606b6e074ec5d3baf39d18"));
  PLK_TRY(expect(tag, "d0d1c8a799996bf0265b98b5d48ab919"));
  std::array<std::byte, 16> opened{};
  PLK_TRY(aes_gcm_open(view, nonce, {}, text, tag, opened));
  text[0] ^= std::byte{1};
  if (aes_gcm_open(view, nonce, {}, text, tag, opened)) return accepts();
  return {};
}

// RFC 3394, section 4.6.
Status test_key_wrap() {
  const Bytes wrapping =
      PLK_TRY(from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
  const Bytes key =
      PLK_TRY(from_hex("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"));
  Bytes wrapped(40);
  Bytes back(32);
  KeyWrap wrap = PLK_TRY(KeyWrap::create(BytesView(wrapping).first<32>()));
  PLK_TRY(wrap.wrap(key, wrapped));
  PLK_TRY(expect(
      wrapped, "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"));
  PLK_TRY(wrap.unwrap(wrapped, back));
  if (back != key) return differs();
  wrapped[39] ^= std::byte{1};
  if (wrap.unwrap(wrapped, back)) return accepts();
  return {};
}

// RFC 8032, section 7.1, test 2.
Status test_ed25519() {
  const Bytes seed =
      PLK_TRY(from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  const Ed25519Key key = PLK_TRY(Ed25519Key::from_seed(BytesView(seed).first<32>()));
  Ed25519Signature signature = PLK_TRY(key.sign(as_bytes("r")));
  PLK_TRY(expect(signature.bytes,
                 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
  PLK_TRY(ed25519_verify(key.public_key(), as_bytes("r"), signature));
  if (ed25519_verify(key.public_key(), as_bytes("s"), signature)) return accepts();
  return {};
}

// RFC 9106, section 5.3.
Status test_argon2id() {
  const Bytes passphrase(32, std::byte{1});
  const Bytes salt(16, std::byte{2});
  const Bytes secret(8, std::byte{3});
  const Bytes associated(12, std::byte{4});
  Digest32 key{};
  PLK_TRY(argon2::derive({.passphrase = passphrase,
                          .salt = salt,
                          .time = 3,
                          .memory_kib = 32,
                          .lanes = 4,
                          .secret = secret,
                          .associated = associated},
                         key, {.threads_max = 1}));
  return expect(key, "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

// RFC 7914, section 12: the vector that takes no time.
Status test_scrypt() {
  Digest64 key{};
  PLK_TRY(scrypt({.n = 16, .r = 1, .p = 1}, {}, {}, key));
  return expect(key,
                "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
}

// RFC 7914, section 11.
Status test_pbkdf2() {
  Digest64 key{};
  PLK_TRY(pbkdf2({.iterations = 1}, as_bytes("passwd"), as_bytes("salt"), key));
  return expect(key,
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

struct Test {
  std::string_view what;
  Status (*run)();
};

constexpr std::array tests{
    Test{"BLAKE3", test_blake3},           Test{"SHA-256", test_sha256},
    Test{"HMAC-SHA-256", test_hmac},       Test{"BLAKE2b", test_blake2b},
    Test{"AES-256-GCM-SIV", test_gcm_siv}, Test{"AES-256-GCM", test_aes_gcm},
    Test{"AES key wrap", test_key_wrap},   Test{"Ed25519", test_ed25519},
    Test{"Argon2id", test_argon2id},       Test{"scrypt", test_scrypt},
    Test{"PBKDF2", test_pbkdf2},
};

}  // namespace

Status self_check() {
  for (const Test& test : tests) {
    const Status passed = test.run();
    if (passed) continue;
    return Error(Errc::unsupported,
                 "self-check failed: " + std::string(test.what) + ": " + passed.error().message() +
                     " (libgcrypt " + gcry_check_version(nullptr) + ", " +
                     OpenSSL_version(OPENSSL_VERSION) + "); nothing was read or written");
  }
  return {};
}

}  // namespace plakar::crypto
