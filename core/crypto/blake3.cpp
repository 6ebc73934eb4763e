#include "core/crypto/blake3.h"

#include <new>

#include "core/base/secret.h"
#include "core/crypto/internal/blake3_impl.h"

namespace plakar::crypto {

namespace {

// The stack of chaining values is not wiped: neither key nor data can be had from it, and
// it is 1760 bytes for inputs that may have fewer than a hundred.
void wipe_secrets(blake3_hasher& hasher) noexcept {
  wipe(std::as_writable_bytes(std::span(hasher.key)));
  wipe(std::as_writable_bytes(std::span(&hasher.chunk, 1)));
}

const std::uint8_t* raw(BytesView bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

void init(blake3_hasher* hasher) noexcept {
  blake3_lanes();
  blake3_hasher_init(hasher);
}

void init(blake3_hasher* hasher, KeyView32 key) noexcept {
  blake3_lanes();
  blake3_hasher_init_keyed(hasher, raw(key));
}

Digest32 finalize(const blake3_hasher& hasher) noexcept {
  Digest32 out;
  blake3_hasher_finalize(&hasher, reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  return out;
}

Digest32 hash_once(blake3_hasher& hasher, BytesView data) noexcept {
  blake3_hasher_update(&hasher, data.data(), data.size());
  const Digest32 out = finalize(hasher);
  wipe_secrets(hasher);
  return out;
}

template <class State>
auto* hasher_in(State& state) noexcept {
  using Hasher = std::conditional_t<std::is_const_v<State>, const blake3_hasher, blake3_hasher>;
  return std::launder(reinterpret_cast<Hasher*>(state.data()));
}

}  // namespace

static_assert(std::is_trivially_copyable_v<blake3_hasher>);

Blake3::Blake3() noexcept {
  static_assert(sizeof(blake3_hasher) <= state_size && alignof(blake3_hasher) <= 8);
  init(::new (state_.data()) blake3_hasher);
}

Blake3::Blake3(KeyView32 key) noexcept { init(::new (state_.data()) blake3_hasher, key); }

Blake3::Blake3(Blake3&& other) noexcept {
  ::new (state_.data()) blake3_hasher(*hasher_in(other.state_));
  wipe_secrets(*hasher_in(other.state_));
}

Blake3& Blake3::operator=(Blake3&& other) noexcept {
  if (this != &other) {
    *hasher_in(state_) = *hasher_in(other.state_);
    wipe_secrets(*hasher_in(other.state_));
  }
  return *this;
}

Blake3::~Blake3() { wipe_secrets(*hasher_in(state_)); }

void Blake3::update(BytesView data) noexcept {
  blake3_hasher_update(hasher_in(state_), data.data(), data.size());
}

Digest32 Blake3::finish() const noexcept { return finalize(*hasher_in(state_)); }

void Blake3::reset() noexcept { blake3_hasher_reset(hasher_in(state_)); }

Digest32 blake3(BytesView data) noexcept {
  blake3_hasher hasher;
  init(&hasher);
  return hash_once(hasher, data);
}

Digest32 blake3_keyed(KeyView32 key, BytesView data) noexcept {
  blake3_hasher hasher;
  init(&hasher, key);
  return hash_once(hasher, data);
}

}  // namespace plakar::crypto
