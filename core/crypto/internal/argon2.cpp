#include "core/crypto/internal/argon2.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <thread>

#include "core/base/secret.h"
#include "core/crypto/internal/argon2_hash.h"
#include "core/crypto/internal/argon2_memory.h"
#include "core/crypto/internal/kdf_library.h"

namespace plakar::crypto::argon2 {

namespace {

constexpr std::uint32_t version = 0x13;

void hash_with_length(Hash& hash, BytesView bytes) noexcept {
  hash.update_le32(static_cast<std::uint32_t>(bytes.size()));
  hash.update(bytes);
}

// H0 (RFC 9106, section 3.2): everything the result depends on.
Secret hash_input(const Input& input, std::size_t output_size) {
  Secret digest(Hash::digest_size_max);
  Hash hash(digest.size());
  for (const std::uint32_t number : {input.lanes, static_cast<std::uint32_t>(output_size),
                                     input.memory_kib, input.time, version, type_argon2id}) {
    hash.update_le32(number);
  }
  hash_with_length(hash, input.passphrase);
  hash_with_length(hash, input.salt);
  hash_with_length(hash, input.secret);
  hash_with_length(hash, input.associated);
  hash.finish(digest.writable());
  return digest;
}

void set_first_blocks(Block* lane_start, std::uint32_t lane, const Secret& h0) {
  Secret bytes(block_size);
  for (std::uint32_t column = 0; column < 2; ++column) {
    std::array<std::byte, 8> place;
    store_le(std::span(place).first(4), column);
    store_le(std::span(place).last(4), lane);
    hash_long(bytes.writable(), {h0.reveal(), place});
    for (std::size_t n = 0; n < block_words; ++n) {
      lane_start[column].word(n) = load_le<std::uint64_t>(bytes.reveal().subspan(8 * n));
    }
  }
}

// The result out of the last block of every lane. These are the only blocks that lead to the
// key without doing the work again, and are wiped.
void finish(Block* memory, const Geometry& geometry, std::span<std::byte> out) {
  Secret bytes(block_size);
  for (std::uint32_t lane = 0; lane < geometry.lanes; ++lane) {
    Block& last = memory[(std::size_t{lane} + 1) * geometry.lane_length - 1];
    for (std::size_t n = 0; n < block_words; ++n) {
      const auto at = bytes.writable().subspan(8 * n);
      store_le(at, load_le<std::uint64_t>(at) ^ last.word(n));
    }
    wipe(std::as_writable_bytes(std::span(last.tiles)));
  }
  hash_long(out, {bytes.reveal()});
}

Status check(const Input& input, std::size_t output_size) {
  const auto refuse = [](std::string message) {
    return Error(Errc::invalid_argument, "Argon2id: " + std::move(message));
  };
  if (input.time == 0) return refuse("the time cost is zero");
  if (input.lanes == 0 || input.lanes > lanes_max) {
    return refuse(std::to_string(input.lanes) + " lanes; from 1 to " + std::to_string(lanes_max) +
                  " are possible");
  }
  if (input.memory_kib / memory_kib_per_lane_min < input.lanes) {
    return refuse(std::to_string(input.memory_kib) + " KiB of memory are less than " +
                  std::to_string(memory_kib_per_lane_min) + " for each of " +
                  std::to_string(input.lanes) + " lanes");
  }
  constexpr std::uint64_t length_max = std::numeric_limits<std::uint32_t>::max();
  if (output_size < output_size_min || output_size > length_max) {
    return refuse("an output of " + std::to_string(output_size) + " bytes");
  }
  for (const BytesView bytes : {input.passphrase, input.salt, input.secret, input.associated}) {
    if (bytes.size() > length_max) return refuse("an input of 4 GiB or more");
  }
  return {};
}

// RFC 9106, section 5.3.
bool gives_the_vector(Isa isa) {
  constexpr std::array<std::uint8_t, 32> expected{0x0d, 0x64, 0x0d, 0xf5, 0x8d, 0x78, 0x76, 0x6c,
                                                  0x08, 0xc0, 0x37, 0xa3, 0x4a, 0x8b, 0x53, 0xc9,
                                                  0xd0, 0x1e, 0xf0, 0x45, 0x2d, 0x75, 0xb6, 0x5e,
                                                  0xb5, 0x25, 0x20, 0xe9, 0x6b, 0x01, 0xe6, 0x59};
  const Bytes passphrase(32, std::byte{1});
  const Bytes salt(16, std::byte{2});
  const Bytes secret(8, std::byte{3});
  const Bytes associated(12, std::byte{4});
  std::array<std::byte, 32> out{};
  const Input input{passphrase, salt, 3, 32, 4, secret, associated};
  return derive_with(isa, input, out, {.threads_max = 1}) &&
         std::ranges::equal(out, std::as_bytes(std::span(expected)));
}

}  // namespace

Status derive_with(Isa isa, const Input& input, std::span<std::byte> out, const Options& options) {
  PLK_TRY(check(input, out.size()));
  const Geometry geometry{input.lanes, input.memory_kib / (slices * input.lanes) * slices,
                          input.time};
  const Memory memory = PLK_TRY(Memory::map(std::uint64_t{geometry.lanes} * geometry.lane_length));
  {
    const Secret h0 = hash_input(input, out.size());
    for (std::uint32_t lane = 0; lane < geometry.lanes; ++lane) {
      set_first_blocks(memory.blocks() + std::size_t{lane} * geometry.lane_length, lane, h0);
    }
  }
  const unsigned threads =
      options.threads_max != 0 ? options.threads_max : std::thread::hardware_concurrency();
  PLK_TRY(fill(memory.blocks(), geometry, compress_function(isa), {options.interrupt, threads}));
  finish(memory.blocks(), geometry, out);
  return {};
}

Status derive(const Input& input, std::span<std::byte> out, const Options& options) {
  if (const auto isa = chosen_isa()) return derive_with(*isa, input, out, options);
  PLK_TRY(check(input, out.size()));
  return argon2id_by_libgcrypt(input, out);
}

std::optional<Isa> chosen_isa() {
  static const std::optional<Isa> chosen = []() -> std::optional<Isa> {
    for (const Isa isa : {Isa::avx512, Isa::avx2, Isa::portable}) {
      if (runs_here(isa) && runs_well(isa) && gives_the_vector(isa)) return isa;
    }
    return std::nullopt;
  }();
  return chosen;
}

}  // namespace plakar::crypto::argon2
