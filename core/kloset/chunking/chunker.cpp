#include "core/kloset/chunking/chunker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>

namespace plakar::kloset {
namespace {

constexpr std::array<std::uint64_t, 256> gear{
#include "core/kloset/chunking/gear.inc"
};

// What a configuration that leaves a size at 0 means.
constexpr std::uint32_t size_min_unset = 2048;
constexpr std::uint32_t size_normal_unset = 8192;
constexpr std::uint32_t size_max_unset = 65536;

// Made for 8 KiB chunks, and kept by the format for stores of any size that name them.
constexpr std::uint64_t mask_small_legacy = 0x0003590703530000;
constexpr std::uint64_t mask_large_legacy = 0x0000d90003530000;

// `count` bits spread over the word from the top, so that a hit needs bits which old and
// new bytes have both reached.
constexpr std::uint64_t spread_mask(int count) noexcept {
  if (count <= 0) return 0;
  if (count >= 64) return ~std::uint64_t{0};
  const int step = 64 / count;
  std::uint64_t mask = 0;
  for (int i = 0; i < count; ++i) mask |= std::uint64_t{1} << (63 - i * step);
  return mask;
}

// The first position in [from, to) whose fingerprint has no bit of `mask`, else `to`.
std::size_t scan(const std::byte* data, std::size_t from, std::size_t to, std::uint64_t mask,
                 std::uint64_t& fingerprint) noexcept {
  std::uint64_t fp = fingerprint;
  std::size_t i = from;
  for (; i < to; ++i) {
    fp = (fp << 1) + gear[std::to_integer<std::size_t>(data[i])];
    if ((fp & mask) == 0) [[unlikely]]
      break;
  }
  fingerprint = fp;
  return i;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return text;
}

}  // namespace

Result<Chunker> Chunker::create(const ChunkingParams& params) {
  const auto or_unset = [](std::uint32_t size, std::uint32_t unset) {
    return size == 0 ? unset : size;
  };
  Chunker chunker;
  chunker.size_min_ = or_unset(params.size_min, size_min_unset);
  chunker.size_normal_ = or_unset(params.size_normal, size_normal_unset);
  chunker.size_max_ = or_unset(params.size_max, size_max_unset);
  if (chunker.size_min_ >= chunker.size_normal_ || chunker.size_normal_ >= chunker.size_max_ ||
      chunker.size_max_ > chunk_size_limit) {
    return Error(Errc::corrupt, "chunk sizes " + std::to_string(chunker.size_min_) + "/" +
                                    std::to_string(chunker.size_normal_) + "/" +
                                    std::to_string(chunker.size_max_) +
                                    " do not ascend, or go past " +
                                    std::to_string(chunk_size_limit));
  }

  const std::string algorithm = lower_case(params.algorithm);
  const bool computed = algorithm == "fastcdc-v1.0.0";
  if (!computed && algorithm != "fastcdc" && algorithm != "kfastcdc") {
    return Error(Errc::unsupported, "chunking algorithm '" + params.algorithm +
                                        "' is not known here: the store can be read, not written");
  }
  const bool legacy_sizes = chunker.size_min_ == size_min_unset &&
                            chunker.size_normal_ == size_normal_unset &&
                            chunker.size_max_ == size_max_unset;
  if (computed && !legacy_sizes) {
    const int bits = static_cast<int>(std::bit_width(chunker.size_normal_)) - 1;
    chunker.mask_small_ = spread_mask(bits + 2);
    chunker.mask_large_ = spread_mask(bits - 2);
  } else {
    chunker.mask_small_ = mask_small_legacy;
    chunker.mask_large_ = mask_large_legacy;
  }
  return chunker;
}

std::size_t Chunker::cut(BytesView data) const noexcept {
  const std::size_t size = std::min(data.size(), size_max_);
  if (size <= size_min_) return size;
  const std::size_t normal = std::min(size, size_normal_);
  std::uint64_t fingerprint = 0;
  const std::size_t early = scan(data.data(), size_min_, normal, mask_small_, fingerprint);
  if (early < normal) return early;
  return scan(data.data(), normal, size, mask_large_, fingerprint);
}

}  // namespace plakar::kloset
