// Filling Argon2's memory: passes over lanes of blocks, in slices between which lanes may
// look at each other (RFC 9106, section 3.4). All of the time of a derivation goes here.
#pragma once

#include <cstdint>
#include <functional>

#include "core/base/result.h"
#include "core/crypto/internal/argon2_compress.h"

namespace plakar::crypto::argon2 {

struct Geometry {
  std::uint32_t lanes;
  std::uint32_t lane_length;  // blocks, a multiple of `slices`, at least 8
  std::uint32_t passes;
};

// Called now and then by the thread that wants the result; an error ends the work, and is
// what the work returns.
using Interrupt = std::function<Status()>;

struct FillOptions {
  Interrupt interrupt = {};
  unsigned threads_max = 1;  // the calling one included; more than lanes are never used
};

// `memory` holds lanes * lane_length blocks, of which the first two of each lane are set.
// Fails only when interrupted, after a millisecond or so. Threads that the system does not
// grant are done without.
Status fill(Block* memory, const Geometry& geometry, Compress compress, const FillOptions& options);

}  // namespace plakar::crypto::argon2
