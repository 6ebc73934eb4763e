// What CONFIG, packfiles, states and locks are wrapped in.
//
//   envelope := magic:8 "_KLOSET_"  type:u32  version:u32  body  mac:32
//
// Integers are little-endian. The MAC covers everything before it: with the store's MAC
// function, but for CONFIG, whose MAC is always BLAKE3, plain or keyed (repository/config.h).
// There is no length field: the MAC is the last 32 bytes of the item. Old stores begin with
// "_PLAKAR_", which is read and never written.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/crypto/store_mac.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

inline constexpr std::size_t envelope_header_size = 16;
inline constexpr std::size_t envelope_mac_size = 32;
inline constexpr std::size_t envelope_overhead = envelope_header_size + envelope_mac_size;

// An item taken apart; views of the item's bytes. `mac` has not been checked.
struct Envelope {
  ResourceType type;
  Version version;
  BytesView authenticated;  // header and body: what the MAC covers
  BytesView body;
  Mac mac;
};

void encode_envelope_header(std::span<std::byte, envelope_header_size> out, ResourceType type);

// Checks magic and type, and that the version is not newer than the one we write.
// Errc::corrupt for what is not an envelope of `type`, Errc::unsupported for a newer one,
// naming both versions. `header` is the first 16 bytes of the item, or more.
Result<Version> decode_envelope_header(BytesView header, ResourceType type);

// The same for a whole item; one that is too short is Errc::corrupt.
Result<Envelope> split_envelope(BytesView item, ResourceType type);

// The body of an item whose MAC is right, else Errc::corrupt. A view of `item`.
Result<Envelope> open_envelope(BytesView item, ResourceType type, const crypto::StoreMac& mac);

Bytes seal_envelope(ResourceType type, BytesView body, const crypto::StoreMac& mac);

}  // namespace plakar::kloset
