#include "core/crypto/blake3_many.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/base/assert.h"
#include "core/base/secret.h"
#include "core/crypto/blake3.h"
#include "core/crypto/internal/blake3_impl.h"

namespace plakar::crypto {

namespace {

constexpr std::size_t digest_size = BLAKE3_OUT_LEN;
constexpr std::size_t chunk_size = BLAKE3_CHUNK_LEN;
constexpr std::size_t block_size = BLAKE3_BLOCK_LEN;

// Longer inputs fill the lanes by themselves.
constexpr std::size_t chunks_max = 16;
constexpr std::size_t shared_size_max = chunks_max * chunk_size;

// Inputs that are looked at together. More would find more partners for odd sizes, and need
// half a KiB of stack each.
constexpr std::size_t batch_max = 64;
constexpr std::size_t lanes_max = 16;

// With fewer partners than this, an input of several chunks is faster alone.
constexpr std::size_t partners_min = 8;

using KeyWords = std::array<std::uint32_t, 8>;
using ChainingValue = std::array<std::uint8_t, digest_size>;

std::uint8_t flags(unsigned value) { return static_cast<std::uint8_t>(value | KEYED_HASH); }

// Sets up the same compression of up to sixteen inputs, and runs it when they are together.
// Results are only written by flush(), so that outputs may overlap earlier inputs.
class Lanes {
 public:
  struct Work {
    std::size_t blocks;
    std::uint64_t counter;  // the chunk's index; 0 for parents
    unsigned flags;         // of every block
    unsigned flags_start;   // also of the first
    unsigned flags_end;     // also of the last
  };

  Lanes(const KeyWords& key, Work work) : key_(key), work_(work) {}

  void push(const std::uint8_t* in, std::uint8_t* out) {
    in_[count_] = in;
    out_[count_] = out;
    if (++count_ == lanes_max) flush();
  }

  void flush() {
    std::array<std::uint8_t, lanes_max * digest_size> results;
    blake3_hash_many(in_.data(), count_, work_.blocks, key_.data(), work_.counter, false,
                     flags(work_.flags), flags(work_.flags_start), flags(work_.flags_end),
                     results.data());
    for (std::size_t i = 0; i < count_; ++i) {
      std::memcpy(out_[i], results.data() + i * digest_size, digest_size);
    }
    count_ = 0;
  }

 private:
  const KeyWords& key_;
  Work work_;
  std::size_t count_ = 0;
  std::array<const std::uint8_t*, lanes_max> in_;
  std::array<std::uint8_t*, lanes_max> out_;
};

struct Input {
  const std::uint8_t* data;
  std::size_t size;
  std::uint8_t* digest;

  bool one_chunk() const { return size <= chunk_size; }
  // A chunk that is followed by others or ends a tree: everything but the whole of a small
  // input, which is the root.
  std::size_t full_chunks() const { return one_chunk() ? 0 : size / chunk_size; }
  std::size_t tail_size() const { return size - full_chunks() * chunk_size; }
  bool has_tail() const { return one_chunk() || tail_size() != 0; }
  std::size_t chunks() const { return full_chunks() + (has_tail() ? 1 : 0); }
  const std::uint8_t* tail() const { return data + full_chunks() * chunk_size; }
  // Blocks of the tail before its last one, which may be short.
  std::size_t tail_blocks() const { return tail_size() == 0 ? 0 : (tail_size() - 1) / block_size; }
};

// Up to batch_max inputs, longest first.
class Batch {
 public:
  explicit Batch(const KeyWords& key) : key_(key) {}

  bool full() const { return count_ == batch_max; }
  void add(const Input& input) { inputs_[count_++] = input; }

  void hash(KeyView32 key) {
    const auto begin = inputs_.begin();
    std::sort(begin, begin + static_cast<std::ptrdiff_t>(count_),
              [](const Input& a, const Input& b) { return a.size > b.size; });
    first_ = 0;
    while (first_ < count_ && lonely(first_)) {
      const Input& input = inputs_[first_++];
      const Digest32 digest = blake3_keyed(key, std::as_bytes(std::span(input.data, input.size)));
      std::memcpy(input.digest, digest.data(), digest_size);
    }
    hash_full_chunks();
    for (std::size_t i = first_; i < count_;) i = hash_tails(i);
    hash_parents();
    count_ = 0;
  }

 private:
  // Whether the longest remaining input would run most of its chunks with few others.
  bool lonely(std::size_t longest) const {
    const Input& input = inputs_[longest];
    const std::size_t partner = longest + partners_min - 1;
    return !input.one_chunk() && (partner >= count_ || inputs_[partner].size < input.size / 2);
  }

  void hash_full_chunks() {
    if (first_ == count_) return;
    for (std::size_t chunk = 0; chunk < inputs_[first_].full_chunks(); ++chunk) {
      Lanes lanes(key_, {.blocks = chunk_size / block_size,
                         .counter = chunk,
                         .flags = 0,
                         .flags_start = CHUNK_START,
                         .flags_end = CHUNK_END});
      // Sorted by length: those that reach this far are at the front.
      for (std::size_t i = first_; i < count_ && chunk < inputs_[i].full_chunks(); ++i) {
        lanes.push(inputs_[i].data + chunk * chunk_size, cvs_[i][chunk].data());
      }
      lanes.flush();
    }
  }

  // Hashes the last, incomplete chunks of the inputs from `first` on that are at the same
  // place and have the same number of blocks; they are neighbours. Returns the first input
  // of another kind.
  std::size_t hash_tails(std::size_t first) {
    const Input& model = inputs_[first];
    std::size_t last = first + 1;
    while (last < count_ && inputs_[last].one_chunk() == model.one_chunk() &&
           inputs_[last].full_chunks() == model.full_chunks() &&
           inputs_[last].has_tail() == model.has_tail() &&
           inputs_[last].tail_blocks() == model.tail_blocks()) {
      ++last;
    }
    if (!model.has_tail()) return last;

    const std::size_t at = model.full_chunks();
    const std::size_t blocks = model.tail_blocks();
    if (blocks != 0) {
      Lanes lanes(key_, {.blocks = blocks,
                         .counter = at,
                         .flags = 0,
                         .flags_start = CHUNK_START,
                         .flags_end = 0});
      for (std::size_t i = first; i < last; ++i) lanes.push(inputs_[i].tail(), cvs_[i][at].data());
      lanes.flush();
    }
    for (std::size_t i = first; i < last; ++i) hash_last_block(inputs_[i], cvs_[i][at]);
    return last;
  }

  // Lanes only take whole blocks, so the last one of a tail goes alone. `cv` comes from the
  // blocks before it, if there are any, and becomes the chunk's.
  void hash_last_block(const Input& input, ChainingValue& cv) {
    const std::size_t blocks = input.tail_blocks();
    const std::size_t size = input.tail_size() - blocks * block_size;
    std::array<std::uint8_t, block_size> block{};
    if (size != 0) std::memcpy(block.data(), input.tail() + blocks * block_size, size);

    KeyWords words = key_;
    if (blocks != 0) load_key_words(cv.data(), words.data());
    const unsigned start = blocks == 0 ? CHUNK_START : 0;
    const unsigned root = input.one_chunk() ? ROOT : 0;
    blake3_compress_in_place(words.data(), block.data(), static_cast<std::uint8_t>(size),
                             input.full_chunks(), flags(start | root | CHUNK_END));
    store_cv_words(input.one_chunk() ? input.digest : cv.data(), words.data());
  }

  // The tree of BLAKE3 puts the largest power of two of chunks on the left. Joining
  // neighbours level by level, and passing on an odd one, gives the same tree.
  void hash_parents() {
    std::array<std::size_t, batch_max> nodes{};
    for (std::size_t i = first_; i < count_; ++i) nodes[i] = inputs_[i].chunks();

    // Sorted by length: while anybody has a level to go, the first one has.
    while (first_ < count_ && nodes[first_] > 1) {
      Lanes inner(key_, parent(0));
      Lanes root(key_, parent(ROOT));
      for (std::size_t i = first_; i < count_ && nodes[i] > 1; ++i) {
        if (nodes[i] == 2) {
          root.push(cvs_[i][0].data(), inputs_[i].digest);
          continue;
        }
        for (std::size_t pair = 0; pair < nodes[i] / 2; ++pair) {
          inner.push(cvs_[i][2 * pair].data(), cvs_[i][pair].data());
        }
      }
      inner.flush();
      root.flush();
      for (std::size_t i = first_; i < count_ && nodes[i] > 1; ++i) {
        if (nodes[i] % 2 != 0) cvs_[i][nodes[i] / 2] = cvs_[i][nodes[i] - 1];
        nodes[i] = (nodes[i] + 1) / 2;
      }
    }
  }

  static Lanes::Work parent(unsigned root) {
    return {.blocks = 1, .counter = 0, .flags = PARENT | root, .flags_start = 0, .flags_end = 0};
  }

  const KeyWords& key_;
  std::size_t count_ = 0;
  std::size_t first_ = 0;  // of those that are hashed together
  std::array<Input, batch_max> inputs_;
  // The tree nodes of each input: its chunks, then in their place the parents.
  std::array<std::array<ChainingValue, chunks_max>, batch_max> cvs_;
};

}  // namespace

void blake3_keyed_many(KeyView32 key, std::span<const BytesView> inputs,
                       std::span<std::byte> out) noexcept {
  PLK_ASSERT(out.size() == inputs.size() * digest_size);
  blake3_lanes();
  KeyWords words;
  load_key_words(reinterpret_cast<const std::uint8_t*>(key.data()), words.data());

  Batch batch(words);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto digest = out.subspan(i * digest_size, digest_size);
    if (inputs[i].size() > shared_size_max) {
      const Digest32 alone = blake3_keyed(key, inputs[i]);
      std::ranges::copy(alone, digest.begin());
      continue;
    }
    batch.add({.data = reinterpret_cast<const std::uint8_t*>(inputs[i].data()),
               .size = inputs[i].size(),
               .digest = reinterpret_cast<std::uint8_t*>(digest.data())});
    if (batch.full()) batch.hash(key);
  }
  batch.hash(key);
  wipe(std::as_writable_bytes(std::span(words)));
}

}  // namespace plakar::crypto
