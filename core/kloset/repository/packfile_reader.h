// Reads a packfile's own index, without help from the states: for checks, for rebuilding states,
// and for finding what no state mentions. Single blobs are read through the index of the
// repository instead.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/kloset/packfile/layout.h"
#include "core/kloset/repository/blob_codec.h"
#include "core/kloset/repository/keys.h"
#include "core/kloset/store.h"

namespace plakar::kloset {

struct PackfileContents {
  std::uint64_t size = 0;  // of the item
  PackfileFooter footer;
  std::vector<PackfileRecord> records;
};

// An index of more blobs is taken for a lie.
inline constexpr std::uint32_t packfile_blobs_max = 16u << 20;

// Reads header, footer and index, and checks them against the index MAC. Errc::corrupt, with what
// is wrong, for a packfile that is damaged there.
Result<PackfileContents> read_packfile(Store& store, const PackfileMac& mac, BlobCodec& codec,
                                       const StoreKeys& keys);

// Reads all of it, in pieces, and checks that its name and its envelope's MAC are those of its
// bytes. `buffer` is what it reads into.
Status verify_packfile(Store& store, const PackfileMac& mac, const StoreKeys& keys,
                       std::span<std::byte> buffer);

}  // namespace plakar::kloset
