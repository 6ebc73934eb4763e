#include "core/ops/internal/read_blob.h"

#include "core/base/secret.h"
#include "core/kloset/format/envelope.h"

namespace plakar::ops {

Result<Bytes> read_blob(kloset::Repository& repository, const BlobPlace& place,
                        std::size_t plain_size_max, Bytes* plain) {
  const std::uint64_t length_max = std::uint64_t{plain_size_max} + plain_size_max / 8 + 65536;
  if (place.location.length > length_max) {
    return Error(Errc::corrupt, "a length of " + std::to_string(place.location.length) + " bytes");
  }
  Bytes encoded(place.location.length);
  PLK_TRY(kloset::read_exactly(repository.store(), kloset::ItemKind::packfile,
                               kloset::item_name(place.location.packfile),
                               kloset::envelope_header_size + place.location.offset, encoded));
  const auto codec = PLK_TRY(repository.codec());
  const BytesView decoded = PLK_TRY(codec->decode(encoded, plain_size_max));
  if (kloset::is_named_by_mac(place.type) &&
      !equal_constant_time(repository.mac().compute(decoded).view(), place.mac.view())) {
    return Error(Errc::corrupt, "its content does not match its MAC");
  }
  if (plain != nullptr) plain->assign(decoded.begin(), decoded.end());
  return encoded;
}

}  // namespace plakar::ops
