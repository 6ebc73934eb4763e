#include "core/kloset/chunking/chunker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/crypto/sha256.h"

namespace plakar::kloset {
namespace {

// SHA-256(u64le(0)) || SHA-256(u64le(1)) || ...: the input of the format's test vectors.
Bytes vector_input(std::size_t size) {
  Bytes out;
  out.reserve(size + 32);
  for (std::uint64_t i = 0; out.size() < size; ++i) {
    Bytes counter;
    append_le(counter, i);
    append(out, crypto::sha256(counter));
  }
  out.resize(size);
  return out;
}

std::vector<std::size_t> chunk_sizes(const Chunker& chunker, BytesView data) {
  std::vector<std::size_t> sizes;
  while (!data.empty()) {
    sizes.push_back(chunker.cut(data.first(std::min(data.size(), chunker.size_max()))));
    data = data.subspan(sizes.back());
  }
  return sizes;
}

Chunker chunker(const ChunkingParams& params) {
  auto created = Chunker::create(params);
  REQUIRE(created);
  return *created;
}

using Sizes = std::vector<std::size_t>;

constexpr std::array<std::uint64_t, 256> gear{
#include "core/kloset/chunking/gear.inc"
};

// As the format describes it, octet by octet.
std::size_t reference_cut(const ChunkingParams& params, BytesView data) {
  const bool legacy = params.size_min == 0 || params.algorithm == "FASTCDC";
  const auto mask = [&](int bits) {
    std::uint64_t spread = 0;
    for (int i = 0; i < bits; ++i) spread |= std::uint64_t{1} << (63 - i * (64 / bits));
    return spread;
  };
  const std::size_t size_min = params.size_min == 0 ? 2048 : params.size_min;
  const std::size_t size_normal = params.size_normal == 0 ? 8192 : params.size_normal;
  const std::size_t size_max = params.size_max == 0 ? 65536 : params.size_max;
  int log = 0;
  while (size_normal >> (log + 1) != 0) ++log;
  const std::uint64_t small = legacy ? 0x0003590703530000 : mask(log + 2);
  const std::uint64_t large = legacy ? 0x0000d90003530000 : mask(log - 2);
  const std::size_t size = std::min(data.size(), size_max);
  std::uint64_t fingerprint = 0;
  for (std::size_t i = size_min; i < size; ++i) {
    fingerprint = (fingerprint << 1) + gear[std::to_integer<std::size_t>(data[i])];
    if ((fingerprint & (i < size_normal ? small : large)) == 0) return i;
  }
  return size;
}

}  // namespace

TEST_SUITE("chunker") {
  TEST_CASE("the default parameters cut where the format says") {
    const Bytes input = vector_input(16 << 20);
    CHECK(chunk_sizes(chunker(default_chunking()), input) ==
          Sizes{1220054, 1214700, 1101659, 1139792, 1221895, 1486170, 1152671, 1398988, 1153206,
                1198823, 654657, 1052661, 1287871, 1070934, 423135});
  }

  TEST_CASE("the end of a chunk is the same however its bytes come in") {
    // Text, noise, and runs of one byte that begin and end anywhere.
    Bytes input = vector_input(3 << 20);
    std::size_t at = 12'345;
    for (const std::size_t length : {10u, 100u, 4000u, 70'000u, 300'000u, 900'001u}) {
      std::fill_n(input.begin() + static_cast<std::ptrdiff_t>(at), length,
                  std::byte{static_cast<unsigned char>(length)});
      at += length + 20'011;
    }
    for (const ChunkingParams& params : {ChunkingParams{"FASTCDC", 0, 0, 0},
                                         {"fastcdc-v1.0.0", 4096, 16384, 262144},
                                         {"FASTCDC", 65536, 131072, 262144},
                                         default_chunking()}) {
      const Chunker whole = chunker(params);
      for (const std::size_t step : {std::size_t{1000}, std::size_t{4096}, std::size_t{65537}}) {
        std::size_t begin = 0;
        while (begin < input.size()) {
          const BytesView rest = BytesView(input).subspan(begin);
          Chunker::Cut cut(whole);
          std::optional<std::size_t> found;
          std::size_t shown = 0;
          while (!found && shown < rest.size()) {
            shown = std::min(shown + step, rest.size());
            found = cut.find(rest.first(shown));
          }
          REQUIRE(found.value_or(rest.size()) == reference_cut(params, rest));
          begin += found.value_or(rest.size());
        }
      }
    }
  }

  TEST_CASE("the legacy algorithm keeps its masks whatever the sizes") {
    const Bytes input = vector_input(2 << 20);
    Sizes sizes = chunk_sizes(chunker({"FASTCDC", 65536, 1048576, 4194304}), input);
    sizes.resize(10);
    CHECK(sizes == Sizes{67531, 86802, 73258, 92593, 206308, 87480, 76431, 104910, 72351, 96833});
  }

  TEST_CASE("the smallest sizes mean the legacy masks, and are what zero stands for") {
    const Bytes input = vector_input(1 << 20);
    Sizes sizes = chunk_sizes(chunker({"fastcdc-v1.0.0", 2048, 8192, 65536}), input);
    CHECK(sizes == chunk_sizes(chunker({"fastcdc-v1.0.0", 0, 0, 0}), input));
    sizes.resize(10);
    CHECK(sizes == Sizes{10650, 10798, 8876, 10924, 8304, 7785, 7672, 2522, 8900, 8493});
  }

  TEST_CASE("a run of zeros is cut at the maximum") {
    const Bytes zeros(20 << 20);
    CHECK(chunk_sizes(chunker(default_chunking()), zeros) == Sizes{8388608, 8388608, 4194304});
  }

  TEST_CASE("what is not longer than the minimum is one chunk") {
    const Bytes input = vector_input(1 << 20);
    const Chunker standard = chunker(default_chunking());
    CHECK(standard.cut({}) == 0);
    for (const std::size_t size : {1u, 524288u, 524289u, 1048576u}) {
      CHECK(standard.cut(BytesView(input).first(size)) == size);
    }
  }

  TEST_CASE("unknown algorithms and impossible sizes are refused") {
    CHECK(Chunker::create({"ultracdc", 1, 2, 3}).error().code() == Errc::unsupported);
    CHECK(Chunker::create({"fastcdc-v1.0.0", 2, 2, 3}).error().code() == Errc::corrupt);
    CHECK(Chunker::create({"fastcdc-v1.0.0", 1, 3, 3}).error().code() == Errc::corrupt);
    CHECK(Chunker::create({"fastcdc-v1.0.0", 1, 2, 0xffffffff}).error().code() == Errc::corrupt);
  }
}

}  // namespace plakar::kloset
