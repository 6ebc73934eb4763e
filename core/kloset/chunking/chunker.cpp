#include "core/kloset/chunking/chunker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>

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

// How much is passed over at a time.
constexpr std::size_t run_block = 4096;

bool is_run(const std::byte* data, std::size_t size) noexcept {
  return std::memcmp(data, data + 1, size - 1) == 0;
}

// The first position in [from, to) whose fingerprint has no bit of `mask`, else `to`.
std::size_t scan(const std::byte* data, std::size_t from, std::size_t to, std::uint64_t mask,
                 std::uint64_t& fingerprint) noexcept {
  std::uint64_t fp = fingerprint;
  std::size_t i = from;
  while (i < to) {
    // In a run of one byte the fingerprint soon stays as it is: g + 2g + 4g + ... = -g. Where it
    // did not match it will not, and the run can be passed over.
    const std::size_t block_end = std::min(to, i + run_block);
    const std::uint64_t first = gear[std::to_integer<std::size_t>(data[i])];
    if (fp == 0 - first && (fp & mask) != 0 && is_run(data + i, block_end - i)) {
      i = block_end;
      continue;
    }
    for (; i < block_end; ++i) {
      fp = (fp << 1) + gear[std::to_integer<std::size_t>(data[i])];
      if ((fp & mask) == 0) [[unlikely]] {
        fingerprint = fp;
        return i;
      }
    }
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
  return Cut(*this).find(data).value_or(data.size());
}

std::optional<std::size_t> Chunker::Cut::find(BytesView bytes) noexcept {
  const Chunker& c = *chunker_;
  const std::size_t size = std::min(bytes.size(), c.size_max_);
  if (size <= c.size_min_) return std::nullopt;
  std::size_t from = std::max(seen_, c.size_min_);
  if (from < c.size_normal_) {
    const std::size_t to = std::min(size, c.size_normal_);
    const std::size_t hit = scan(bytes.data(), from, to, c.mask_small_, fingerprint_);
    if (hit < to) return hit;
    from = to;
  }
  if (from >= c.size_normal_) {
    const std::size_t hit = scan(bytes.data(), from, size, c.mask_large_, fingerprint_);
    if (hit < size) return hit;
  }
  seen_ = size;
  if (size == c.size_max_) return size;
  return std::nullopt;
}

}  // namespace plakar::kloset
