// One blob at one place of a packfile: for maintenance, which has to know that a copy is good
// where readers only need any that is.
#pragma once

#include <cstddef>
#include <functional>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

struct BlobPlace {
  kloset::ResourceType type{};
  Mac mac;
  kloset::BlobLocation location;
};

// The blob as it is stored. It has been decoded, into `plain` where that is not null, and has its
// MAC, where its name is one; else Errc::corrupt, or Errc::not_found without the packfile.
Result<Bytes> read_blob(kloset::Repository& repository, const BlobPlace& place,
                        std::size_t plain_size_max, Bytes* plain = nullptr);

// The same, whatever its size, and a header is one.
Result<Bytes> read_good_blob(kloset::Repository& repository, const BlobPlace& place);

// Whether there is such a copy in a packfile that is not coloured and `counts`.
Result<bool> has_good_blob(kloset::Repository& repository, kloset::ResourceType type,
                           const Mac& mac, const std::function<bool(const PackfileMac&)>& counts);

}  // namespace plakar::ops
