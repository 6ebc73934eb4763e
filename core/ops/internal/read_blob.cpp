#include "core/ops/internal/read_blob.h"

#include "core/base/secret.h"
#include "core/kloset/blob_source.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/snapshot/listing.h"

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

Result<Bytes> read_good_blob(kloset::Repository& repository, const BlobPlace& place) {
  // Nothing that is put into a store decodes to more.
  constexpr std::size_t size_max = kloset::object_size_max;
  if (place.type != kloset::ResourceType::snapshot) return read_blob(repository, place, size_max);
  Bytes plain;
  Bytes encoded = PLK_TRY(read_blob(repository, place, size_max, &plain));
  PLK_TRY(kloset::decode_header(plain, SnapshotId{.bytes = place.mac.bytes}));
  return encoded;
}

Result<bool> has_good_blob(kloset::Repository& repository, kloset::ResourceType type,
                           const Mac& mac, const std::function<bool(const PackfileMac&)>& counts) {
  for (const kloset::BlobLocation& location : repository.index().find_all(type, mac)) {
    if (!counts(location.packfile)) continue;
    const auto read = read_good_blob(repository, {.type = type, .mac = mac, .location = location});
    if (read) return true;
    if (!kloset::is_damage(read.error())) return read.error();
  }
  return false;
}

}  // namespace plakar::ops
