#include "core/crypto/minisign.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <optional>

#include "core/base/hex.h"
#include "core/base/process.h"
#include "core/base/testing/seeded_random.h"
#include "core/crypto/blake2b.h"
#include "core/crypto/minisign_key.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar::crypto {

namespace {

// Made by minisign 0.11: `minisign -G -W`, and both kinds of signature of "hello\n".
constexpr std::string_view program_public =
    "untrusted comment: minisign public key A1823D5F218FFFF5\n"
    "RWT1/48hXz2Cob+GfkXyrSPS49EhsTUXjge6GCPr2rG0j0hqpSVNtq+E\n";
constexpr std::string_view program_secret =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA9f+PIV89gqHVI5p33kAs"
    "9PrMCjv1pdAaefH5Qw0g6nmq4SjL3IK12L+GfkXyrSPS49EhsTUXjge6GCPr2rG0j0hqpSVNtq+"
    "EAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAA=\n";
constexpr std::string_view program_signature =
    "untrusted comment: signature from minisign secret key\n"
    "RUT1/48hXz2Codc+WtLZCizmAjtfuJPToFWwFMpDPTE50HT+81HuIEYI2/"
    "xdSq6v3rVUL4bqMVz1brX6aZsQHj8QJICWD49o"
    "9gs=\n"
    "trusted comment: timestamp:1795507959\tfile:f\thashed\n"
    "Qc8MbbC0Cy6PxTNnVX/y0pEycv5wCdpLPKnTzvKyITfbYBQq6HcOeNdoqKfYJUi2s3O7njxGYnyYGoam6qF2DQ==\n";
constexpr std::string_view program_legacy_signature =
    "untrusted comment: signature from minisign secret key\n"
    "RWT1/48hXz2CoTfU3OLRKJt/wd3kLNfBhcF7pIWyS7JBvfJur1/j5INC0EMR/"
    "+OsfGYjEzkkhVdChgS9QIXCIMTwSMyt8HoA"
    "fg0=\n"
    "trusted comment: timestamp:1795507959\tfile:f\n"
    "Dz9uDsUvx9a0oO0Papq8EOHik2KkdenyQsh83uWgFP6Fzv6dHOsxgnlIzDBxqZw58McGyuTKfDxUGEzzVfoVCA==\n";

MinisignPublicKey public_key() { return MinisignPublicKey::parse(program_public).value(); }

MinisignKey new_key() {
  static testing::SeededRandom random(11);
  return std::move(MinisignKey::generate(random).value());
}

std::string with(std::string_view text, std::string_view part, std::string_view replacement) {
  std::string out(text);
  out.replace(out.find(part), part.size(), replacement);
  return out;
}

void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Runs minisign; nothing if the program is not installed. What it reads from its input is a
// passphrase.
std::optional<RunResult> minisign(std::vector<std::string> arguments, std::string_view input = {}) {
  auto result = run(system_processes(), {.program = "minisign", .arguments = std::move(arguments)},
                    as_bytes(input));
  if (!result) return std::nullopt;
  return std::move(*result);
}

}  // namespace

TEST_SUITE("minisign") {
  TEST_CASE("what the program made verifies, both kinds, and says when and what") {
    const auto signature = MinisignSignature::parse(program_signature);
    REQUIRE(signature);
    CHECK(signature->algorithm == MinisignAlgorithm::prehashed);
    CHECK(signature->trusted_comment == "timestamp:1795507959\tfile:f\thashed");
    CHECK(minisign_verify(public_key(), *signature, as_bytes("hello\n")));
    CHECK(minisign_verify_hashed(public_key(), *signature, blake2b(as_bytes("hello\n"))));

    const auto legacy = MinisignSignature::parse(program_legacy_signature);
    REQUIRE(legacy);
    CHECK(legacy->algorithm == MinisignAlgorithm::legacy);
    CHECK(minisign_verify(public_key(), *legacy, as_bytes("hello\n")));
    CHECK(minisign_verify_hashed(public_key(), *legacy, blake2b(as_bytes("hello\n")))
              .error()
              .code() == Errc::unsupported);
  }

  TEST_CASE("a changed message, signature, comment or key is refused") {
    for (const auto text : {program_signature, program_legacy_signature}) {
      const auto signature = MinisignSignature::parse(text).value();
      const auto refused = [&](const std::function<void(MinisignSignature&)>& change) {
        MinisignSignature changed = signature;
        change(changed);
        const Status verified = minisign_verify(public_key(), changed, as_bytes("hello\n"));
        return !verified && verified.error().code() == Errc::corrupt;
      };
      CHECK(minisign_verify(public_key(), signature, as_bytes("hellO\n")).error().code() ==
            Errc::corrupt);
      CHECK(refused([](auto& s) { s.signature.bytes[63] ^= std::byte{1}; }));
      CHECK(refused([](auto& s) { s.comment_signature.bytes[0] ^= std::byte{1}; }));
      CHECK(refused([](auto& s) { s.trusted_comment.push_back(' '); }));
      CHECK(refused([](auto& s) {
        s.algorithm = s.algorithm == MinisignAlgorithm::legacy ? MinisignAlgorithm::prehashed
                                                               : MinisignAlgorithm::legacy;
      }));
      MinisignPublicKey other = public_key();
      other.key = new_key().public_key().key;
      CHECK(minisign_verify(other, signature, as_bytes("hello\n")).error().code() == Errc::corrupt);
    }
  }

  TEST_CASE("a signature of another key names both keys") {
    const auto signature = MinisignSignature::parse(program_signature).value();
    const MinisignPublicKey other = new_key().public_key();
    const Status verified = minisign_verify(other, signature, as_bytes("hello\n"));
    REQUIRE_FALSE(verified);
    CHECK(verified.error().code() == Errc::permission_denied);
    CHECK(verified.error().message().find("A1823D5F218FFFF5") != std::string::npos);
    CHECK(verified.error().message().find(other.id.text()) != std::string::npos);
  }

  TEST_CASE("public keys read from a file or a line are written back the same") {
    CHECK(public_key().id.text() == "A1823D5F218FFFF5");
    CHECK(public_key().file() == program_public);
    CHECK(MinisignPublicKey::parse(public_key().line()) == public_key());
    CHECK(MinisignPublicKey::parse(public_key().line() + "\r\n") == public_key());
  }

  TEST_CASE("a key id is printed as a number, without leading zeros") {
    CHECK(MinisignKeyId{}.text() == "0");
    MinisignKeyId id;
    REQUIRE(from_hex("da035d579662a307", id.bytes));
    CHECK(id.text() == "7A36296575D03DA");
  }

  TEST_CASE("what is not a public key is refused") {
    const std::string line = public_key().line();
    for (const std::string& text :
         {std::string(), std::string("\n"), line + "x", line.substr(1), line + "\n\n", "\n" + line,
          " " + line, with(line, "RW", "RU"), std::string(program_public) + line,
          with(program_public, "comment: ", "comment:"), with(program_public, "key", "k\x1by"),
          with(program_public, "key", std::string(1100, 'k')), std::string(100'000, 'R')}) {
      CAPTURE(text.substr(0, 100));
      const auto key = MinisignPublicKey::parse(text);
      REQUIRE_FALSE(key);
      CHECK(key.error().code() == Errc::invalid_argument);
    }
  }

  TEST_CASE("signatures are written as they were read, and nothing else is read as one") {
    CHECK(MinisignSignature::parse(program_signature).value().file() == program_signature);
    CHECK(MinisignSignature::parse(program_legacy_signature).value().file() ==
          program_legacy_signature);
    for (const std::string& text :
         {std::string(), std::string(program_public), std::string(program_signature) + "\n",
          with(program_signature, "RUT", "RRT"), with(program_signature, "RUT", "RUTA"),
          with(program_signature, "untrusted", "trusted"),
          with(program_signature, "\ntrusted", "\nuntrusted"),
          with(program_signature, "hashed", "has\rhed"),
          with(program_signature, "hashed", std::string(9000, 'h')),
          with(program_signature, "DQ==", "DQ="), with(program_signature, "DQ==", "DR==")}) {
      CAPTURE(text.substr(0, 200));
      const auto signature = MinisignSignature::parse(text);
      REQUIRE_FALSE(signature);
      CHECK(signature.error().code() == Errc::invalid_argument);
    }
    CHECK(MinisignSignature::parse(with(program_signature, "DQ==\n", "DQ==\r\n")));
    CHECK(MinisignSignature::parse(with(program_signature, "DQ==\n", "DQ==")));
  }
}

TEST_SUITE("minisign key") {
  // Not for keys that matter: takes a millisecond.
  constexpr MinisignCost cheap{.opslimit = 32768, .memlimit = 1 << 20};

  TEST_CASE("the program's unencrypted key reads, signs and is written as it was") {
    const auto key = MinisignKey::parse(program_secret, {});
    REQUIRE(key);
    CHECK(key->public_key() == public_key());
    CHECK(MinisignKey::is_encrypted(program_secret) == false);
    CHECK(key->file().value().reveal_text() == program_secret);
    const auto signature = key->sign(as_bytes("text"), "name=x version=1", {});
    REQUIRE(signature);
    CHECK(minisign_verify(public_key(), *signature, as_bytes("text")));
    CHECK(signature->untrusted_comment == "signature from minisign secret key");
    CHECK(MinisignSignature::parse(signature->file()).value().file() == signature->file());
  }

  TEST_CASE("an encrypted key opens with its passphrase and no other") {
    testing::SeededRandom random(3);
    const MinisignKey key = new_key();
    // Both ways to choose scrypt's parameters: by operations, and by memory.
    for (const MinisignCost cost : {MinisignCost{.opslimit = 32768, .memlimit = 1 << 22}, cheap}) {
      const auto file = key.encrypted_file(Secret(std::string_view("open sesame")), random, cost);
      REQUIRE(file);
      CHECK(MinisignKey::is_encrypted(file->reveal_text()) == true);
      const auto back =
          MinisignKey::parse(file->reveal_text(), Secret(std::string_view("open sesame")));
      REQUIRE(back);
      CHECK(back->public_key() == key.public_key());
      for (const std::string_view wrong : {"", "open sesam", "Open sesame"}) {
        const auto refused = MinisignKey::parse(file->reveal_text(), Secret(wrong));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Errc::permission_denied);
      }
    }
  }

  TEST_CASE("no character of a key file can be changed unnoticed") {
    testing::SeededRandom random(4);
    const MinisignKey key = new_key();
    const Secret passphrase(std::string_view("p"));
    const auto encrypted = key.encrypted_file(passphrase, random, cheap);
    REQUIRE(encrypted);
    for (const std::string& file :
         {std::string(program_secret), std::string(encrypted->reveal_text())}) {
      const auto original = MinisignKey::parse(file, passphrase);
      REQUIRE(original);
      const std::size_t start = file.find('\n') + 1;
      // Characters that may change: the limits, and in clear also salt and key id, which are
      // then any numbers.
      const bool clear = file == program_secret;
      const std::size_t free_from = clear ? 8 : 50;
      const std::size_t free_to = clear ? 83 : 72;
      for (std::size_t at = start; at + 1 < file.size(); at += clear ? 1 : 7) {
        std::string changed = file;
        changed[at] = changed[at] == 'A' ? 'B' : 'A';
        const auto read = MinisignKey::parse(changed, passphrase);
        if (at - start >= free_from && at - start < free_to) continue;
        CAPTURE(at - start);
        CHECK_FALSE(read);
      }
    }
  }

  TEST_CASE("a file that asks for more than the program would is refused before any work") {
    testing::SeededRandom random(5);
    const MinisignKey key = new_key();
    for (const MinisignCost cost :
         {MinisignCost{.opslimit = ~std::uint64_t{0}, .memlimit = 1 << 20},
          MinisignCost{.opslimit = 32768, .memlimit = std::uint64_t{1} << 40},
          MinisignCost{.opslimit = 33'554'432, .memlimit = 0},
          MinisignCost{.opslimit = 32768, .memlimit = 1 << 30}}) {
      const auto file = key.encrypted_file(Secret(std::string_view("p")), random, cost);
      if (cost.memlimit == 1 << 30) {
        CHECK(file);  // Much memory is allowed, and few operations limit its use.
        continue;
      }
      REQUIRE_FALSE(file);
      CHECK(file.error().code() == Errc::invalid_argument);
    }
    CHECK(key.encrypted_file({}, random, cheap).error().code() == Errc::invalid_argument);
  }

  TEST_CASE("comments of more than a line are refused") {
    const MinisignKey key = new_key();
    for (const auto* comment : {"a\nb", "a\rb", "a\x7f", "\x1b[1m"}) {
      CHECK(key.sign({}, comment, {}).error().code() == Errc::invalid_argument);
      CHECK(key.sign({}, {}, comment).error().code() == Errc::invalid_argument);
    }
    CHECK_FALSE(key.sign({}, std::string(9000, 'x'), {}));
  }
}

TEST_SUITE("minisign, the program") {
  TEST_CASE("accepts our signatures, and refuses them for another message") {
    if (!minisign({"-v"})) PLK_SKIP("the program minisign is not installed");
    const testing::TempDir dir;
    const MinisignKey key = new_key();
    const auto signature = key.sign(as_bytes("our message"), "name=ours", {});
    REQUIRE(signature);
    write(dir / "key.pub", key.public_key().file());
    write(dir / "message", "our message");
    write(dir / "message.minisig", signature->file());
    const std::vector<std::string> check{"-V", "-Q", "-p", dir / "key.pub", "-m", dir / "message"};
    const auto accepted = minisign(check);
    REQUIRE(accepted);
    CHECK(accepted->status.success());
    CHECK(to_text(accepted->output) == "name=ours\n");

    write(dir / "message", "our messagE");
    CHECK_FALSE(minisign(check)->status.success());
    write(dir / "message", "our message");
    write(dir / "message.minisig", with(signature->file(), "name=ours", "name=your"));
    CHECK_FALSE(minisign(check)->status.success());
  }

  TEST_CASE("signs with our key, and we accept it, both kinds") {
    if (!minisign({"-v"})) PLK_SKIP("the program minisign is not installed");
    const testing::TempDir dir;
    const MinisignKey key = new_key();
    write(dir / "key", key.file().value().reveal_text());
    write(dir / "message", "a message");
    for (const auto* kind : {"-H", "-l"}) {
      const auto signing = minisign({"-S", kind, "-s", dir / "key", "-m", dir / "message", "-t",
                                     "said so", "-x", dir / "signature"});
      REQUIRE(signing);
      REQUIRE(signing->status.success());
      const auto signature = MinisignSignature::parse(read(dir / "signature"));
      REQUIRE(signature);
      CHECK(signature->trusted_comment == "said so");
      CHECK(minisign_verify(key.public_key(), *signature, as_bytes("a message")));
      CHECK_FALSE(minisign_verify(key.public_key(), *signature, as_bytes("b message")));
    }
  }

  TEST_CASE("makes keys that we read and sign with") {
    if (!minisign({"-v"})) PLK_SKIP("the program minisign is not installed");
    const testing::TempDir dir;
    REQUIRE(minisign({"-G", "-W", "-p", dir / "key.pub", "-s", dir / "key"})->status.success());
    const auto key = MinisignKey::parse(read(dir / "key"), {});
    REQUIRE(key);
    // The comment names the key's id, which releases of the program pad with zeros or do not.
    CHECK(read(dir / "key.pub").ends_with("\n" + key->public_key().line() + "\n"));
    CHECK(MinisignPublicKey::parse(read(dir / "key.pub")).value().line() ==
          key->public_key().line());
    write(dir / "message", "m");
    write(dir / "message.minisig", key->sign(as_bytes("m"), {}, {}).value().file());
    CHECK(minisign({"-V", "-p", dir / "key.pub", "-m", dir / "message"})->status.success());
  }

  TEST_CASE("opens our encrypted key with the same passphrase") {
    if (!minisign({"-v"})) PLK_SKIP("the program minisign is not installed");
    const testing::TempDir dir;
    testing::SeededRandom random(6);
    const MinisignKey key = new_key();
    for (const std::uint64_t memlimit : {1u << 20, 1u << 24}) {
      write(dir / "key", key.encrypted_file(Secret(std::string_view("a pass phrase")), random,
                                            {.opslimit = 100'000, .memlimit = memlimit})
                             .value()
                             .reveal_text());
      const std::vector<std::string> recreate{"-R", "-f", "-s", dir / "key", "-p", dir / "key.pub"};
      CHECK_FALSE(minisign(recreate, "another phrase\n")->status.success());
      REQUIRE(minisign(recreate, "a pass phrase\n")->status.success());
      CHECK(read(dir / "key.pub") == key.public_key().file());
    }
  }
}

}  // namespace plakar::crypto
