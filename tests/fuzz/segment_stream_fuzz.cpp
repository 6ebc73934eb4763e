// Encrypted streams. The first byte chooses a format and what the rest is:
//
//   - a stream from outside: nobody without the key makes one that opens;
//   - a size and a list of changes to a stream of ours: what still opens consists of its own
//     segments, unchanged, and gives back their plaintext.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/base/assert.h"
#include "core/base/random.h"
#include "core/crypto/segment_stream.h"

namespace {

using namespace plakar;
using namespace plakar::crypto;

constexpr std::size_t stream_size_max = 64 << 10;
constexpr std::size_t plain_size_max = 1024;
constexpr std::size_t changes_max = 32;

// The same for each input, so that a finding can be repeated.
class Repeating final : public Random {
 public:
  void fill(std::span<std::byte> out) noexcept override {
    for (auto& byte : out) byte = static_cast<std::byte>((state_ = state_ * 5 + 3) >> 16);
  }

 private:
  std::uint32_t state_ = 1;
};

class Input {
 public:
  explicit Input(BytesView bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }
  BytesView rest() const { return bytes_; }
  std::size_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = std::to_integer<std::size_t>(bytes_[0]);
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::size_t word() {
    const std::size_t low = byte();
    return byte() << 8 | low;
  }

 private:
  BytesView bytes_;
};

StreamFormat format_of(std::size_t choice) {
  constexpr std::array<std::int64_t, 4> segment_sizes{1, 16, 100, 65536};
  return StreamFormat::parse((choice & 1) != 0 ? "AES256-GCM" : "AES256-KW",
                             StreamFormat::data_algorithm, segment_sizes[choice >> 1 & 3])
      .value();
}

bool all_zero(BytesView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

// Whether it opened, after checks that hold for every stream.
bool decrypt(SegmentCipher& cipher, BytesView stream, Bytes& plain) {
  const auto size = cipher.format().plain_size(stream.size());
  if (!size) {
    PLK_ASSERT(size.error().code() == Errc::corrupt);
    return false;
  }
  PLK_ASSERT(cipher.format().encrypted_size(*size) == stream.size());
  plain.assign(*size, std::byte{0xee});
  const Status opened = cipher.decrypt(stream, plain);
  if (!opened) PLK_ASSERT(opened.error().code() == Errc::corrupt && all_zero(plain));
  return opened.has_value();
}

std::vector<Bytes> pieces(BytesView bytes, std::size_t size) {
  std::vector<Bytes> out;
  for (std::size_t at = 0; at < bytes.size(); at += size) {
    out.push_back(to_bytes(bytes.subspan(at, std::min(size, bytes.size() - at))));
  }
  return out;
}

void change(Bytes& stream, const StreamFormat& format, Input& input) {
  const std::size_t what = input.byte();
  const std::size_t at = stream.empty() ? 0 : input.word() % stream.size();
  const std::size_t segment = std::size_t{format.segment_size()} + StreamFormat::segment_overhead;
  const auto from = stream.begin() + static_cast<std::ptrdiff_t>(at);
  switch (what % 6) {
    case 0:
      if (!stream.empty()) stream[at] ^= static_cast<std::byte>(input.byte());
      return;
    case 1:
      stream.resize(at);
      return;
    case 2:
      stream.insert(from, static_cast<std::byte>(input.byte()));
      return;
    case 3: {
      const std::size_t count = std::min(input.byte(), stream.size() - at);
      stream.erase(from, from + static_cast<std::ptrdiff_t>(count));
      return;
    }
    default: {
      // Whole segments change places, or the first of the two comes twice.
      const std::size_t prefix = format.prefix_size();
      if (stream.size() < prefix + segment) return;
      const std::size_t count = (stream.size() - prefix) / segment;
      const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(prefix);
      const auto a = begin + static_cast<std::ptrdiff_t>(at % count * segment);
      const auto b = begin + static_cast<std::ptrdiff_t>(input.byte() % count * segment);
      if (a == b) return;
      const auto end = a + static_cast<std::ptrdiff_t>(segment);
      if (what % 6 == 4) {
        std::swap_ranges(a, end, b);
      } else {
        std::copy(a, end, b);
      }
    }
  }
}

void encrypt_and_change(SegmentCipher& cipher, Input input) {
  const StreamFormat& format = cipher.format();
  Bytes plain(input.word() % (plain_size_max + 1));
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<std::byte>(i ^ i >> 7);
  Bytes stream(format.encrypted_size(plain.size()));
  PLK_ASSERT(cipher.encrypt(plain, stream));
  Bytes opened;
  PLK_ASSERT(decrypt(cipher, stream, opened) && opened == plain);

  Bytes changed = stream;
  for (std::size_t i = 0; i < changes_max && !input.empty(); ++i) change(changed, format, input);
  if (!decrypt(cipher, changed, opened)) {
    PLK_ASSERT(changed != stream);
    return;
  }
  const BytesView original = stream;
  const BytesView accepted = changed;
  const std::size_t prefix = format.prefix_size();
  PLK_ASSERT(std::ranges::equal(original.first(prefix), accepted.first(prefix)));
  const std::size_t size = format.segment_size();
  const auto segments = pieces(original.subspan(prefix), size + StreamFormat::segment_overhead);
  const auto plains = pieces(plain, size);
  const auto found = pieces(accepted.subspan(prefix), size + StreamFormat::segment_overhead);
  const auto results = pieces(opened, size);
  PLK_ASSERT(segments.size() == plains.size() && found.size() == results.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto at = std::ranges::find(segments, found[i]);
    PLK_ASSERT(at != segments.end());
    PLK_ASSERT(results[i] == plains[static_cast<std::size_t>(at - segments.begin())]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > stream_size_max) return 0;
  Input input(std::as_bytes(std::span(data, size)));
  const std::size_t choice = input.byte();
  Repeating random;
  auto cipher = SegmentCipher::create(as_bytes("a key that only the fuzzer knows").first<32>(),
                                      format_of(choice), random);
  PLK_ASSERT(cipher);
  if ((choice & 8) != 0) {
    encrypt_and_change(*cipher, input);
  } else {
    Bytes plain;
    PLK_ASSERT(!decrypt(*cipher, input.rest(), plain));
  }
  return 0;
}
