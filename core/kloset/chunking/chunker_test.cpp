#include "core/kloset/chunking/chunker.h"

#include <doctest/doctest.h>

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

}  // namespace

TEST_SUITE("chunker") {
  TEST_CASE("the default parameters cut where the format says") {
    const Bytes input = vector_input(16 << 20);
    CHECK(chunk_sizes(chunker(default_chunking()), input) ==
          Sizes{1220054, 1214700, 1101659, 1139792, 1221895, 1486170, 1152671, 1398988, 1153206,
                1198823, 654657, 1052661, 1287871, 1070934, 423135});
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
