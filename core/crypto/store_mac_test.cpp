#include "core/crypto/store_mac.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

#include "core/base/hex.h"

namespace plakar::crypto {

namespace {

Bytes unhex(std::string_view hex) { return from_hex(hex).value(); }

struct Vector {
  std::string_view algorithm;
  std::string_view key;
  std::string_view mac_hello;
  std::string_view mac_empty;
};

// For the repository id 000102030405060708090a0b0c0d0e0f.
constexpr Vector vectors[] = {
    {"BLAKE3", "a6a492965517a830cb75fdb713465aa465f2f098233896fea44c1d98268bf9e3",
     "8bb0d16730742e3cf69cd4ee4975b0815fe74c8f74cb230f4d4cb387f6816218",
     "33560a4b127c9c22c8a6ff6ff7e832ba07d894d7f990651c0fa6899cf15f7480"},
    {"SHA256", "be45cb2605bf36bebde684841a28f0fd43c69850a3dce5fedba69928ee3a8991",
     "d37315a1727754ad69a466bd575535cddfaec8c93d5fcb4407070dc0bddaae48",
     "add0f160a52191dd4546b0eab2b6e6c87e7c6a079110ea712ce8bfa7fdd6ca59"},
};

}  // namespace

TEST_SUITE("store mac") {
  TEST_CASE("key and MACs of the format's vectors come out, at once and in pieces") {
    const Bytes id = unhex("000102030405060708090a0b0c0d0e0f");
    for (const Vector& vector : vectors) {
      const auto algorithm = parse_hash_algorithm(vector.algorithm);
      REQUIRE(algorithm);
      CHECK(to_name(*algorithm) == vector.algorithm);
      Secret key = plaintext_mac_key(*algorithm, BytesView(id).first<16>());
      CHECK(to_hex(key.reveal()) == vector.key);

      const auto mac = StoreMac::create(*algorithm, std::move(key));
      REQUIRE(mac);
      CHECK(to_hex(mac->compute(as_bytes("hello world\n")).view()) == vector.mac_hello);
      CHECK(to_hex(mac->compute({}).view()) == vector.mac_empty);

      MacHasher hasher = mac->hasher();
      for (int round = 0; round < 2; ++round) {
        hasher.update(as_bytes("hello "));
        hasher.update(as_bytes("world\n"));
        CHECK(to_hex(hasher.finish().view()) == vector.mac_hello);
      }
      CHECK(to_hex(hasher.finish().view()) == vector.mac_empty);
    }
  }

  TEST_CASE("many inputs have the MACs that they have one by one") {
    for (const auto algorithm : {HashAlgorithm::blake3, HashAlgorithm::sha256}) {
      const auto mac = StoreMac::create(algorithm, Secret(std::size_t{32}));
      REQUIRE(mac);
      const Bytes data(5000, std::byte{3});
      std::vector<BytesView> inputs;
      for (std::size_t size = 0; size < 5000; size += 97) {
        inputs.push_back(BytesView(data).first(size));
      }
      std::vector<Mac> macs(inputs.size());
      mac->compute_many(inputs, macs);
      for (std::size_t i = 0; i < inputs.size(); ++i) CHECK(macs[i] == mac->compute(inputs[i]));
    }
  }

  TEST_CASE("threads share one") {
    const Bytes data(3000, std::byte{7});
    for (const auto algorithm : {HashAlgorithm::blake3, HashAlgorithm::sha256}) {
      const auto mac = StoreMac::create(algorithm, Secret(std::size_t{32}));
      REQUIRE(mac);
      std::vector<std::vector<Mac>> macs(4);
      {
        std::vector<std::jthread> threads;
        for (auto& own : macs) {
          threads.emplace_back([&] {
            // Each of the three copies the one keyed state.
            for (int round = 0; round < 50; ++round) {
              const std::array<BytesView, 2> inputs{data, data};
              std::array<Mac, 2> pair;
              mac->compute_many(inputs, pair);
              own.insert(own.end(), pair.begin(), pair.end());
              own.push_back(mac->compute(data));
              MacHasher hasher = mac->hasher();
              hasher.update(BytesView(data).first(1000));
              hasher.update(BytesView(data).subspan(1000));
              own.push_back(hasher.finish());
            }
          });
        }
      }
      for (const auto& own : macs) CHECK(std::ranges::count(own, mac->compute(data)) == 200);
    }
  }

  TEST_CASE("another name, another case and another key length are refused") {
    for (const auto* name : {"", "blake3", "SHA-256", "SHA512", "BLAKE3 "}) {
      const auto algorithm = parse_hash_algorithm(name);
      REQUIRE_FALSE(algorithm);
      CHECK(algorithm.error().code() == Errc::unsupported);
    }
    for (const std::size_t size : {0u, 16u, 31u, 33u}) {
      const auto mac = StoreMac::create(HashAlgorithm::blake3, Secret(size));
      REQUIRE_FALSE(mac);
      CHECK(mac.error().code() == Errc::invalid_argument);
    }
  }

  TEST_CASE("another key gives another MAC") {
    for (const auto algorithm : {HashAlgorithm::blake3, HashAlgorithm::sha256}) {
      Secret other(std::size_t{32});
      other.writable()[31] = std::byte{1};
      const auto a = StoreMac::create(algorithm, Secret(std::size_t{32}));
      const auto b = StoreMac::create(algorithm, std::move(other));
      REQUIRE(a);
      REQUIRE(b);
      CHECK(a->compute(as_bytes("x")) != b->compute(as_bytes("x")));
    }
  }
}

}  // namespace plakar::crypto
