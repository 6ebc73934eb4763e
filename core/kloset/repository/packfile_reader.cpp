#include "core/kloset/repository/packfile_reader.h"

#include <algorithm>

#include "core/base/secret.h"
#include "core/kloset/format/envelope.h"

namespace plakar::kloset {
namespace {

// A footer is 56 bytes; encoded, a little more than a hundred.
constexpr std::uint32_t encoded_footer_size_max = 4096;

Error too_short() { return Error(Errc::corrupt, "the packfile is too short"); }

}  // namespace

Result<PackfileContents> read_packfile(Store& store, const PackfileMac& mac, BlobCodec& codec,
                                       const StoreKeys& keys) {
  const ItemName name = item_name(mac);
  PackfileContents contents;
  contents.size = PLK_TRY(store.size(ItemKind::packfile, name));
  if (contents.size < envelope_overhead + packfile_tail_size) return too_short();

  std::array<std::byte, envelope_header_size> header{};
  PLK_TRY(read_exactly(store, ItemKind::packfile, name, 0, header));
  PLK_TRY(decode_envelope_header(header, ResourceType::packfile));

  // Sizes within the body: subtracted from the trusted size, never added up.
  const std::uint64_t body_size = contents.size - envelope_overhead;
  std::array<std::byte, packfile_tail_size> tail{};
  PLK_TRY(read_exactly(store, ItemKind::packfile, name,
                       envelope_header_size + body_size - packfile_tail_size, tail));
  const auto footer_size = load_le<std::uint32_t>(tail);
  const std::uint64_t before_tail = body_size - packfile_tail_size;
  if (footer_size > before_tail || footer_size > encoded_footer_size_max) {
    return Error(Errc::corrupt, "the packfile's footer has an impossible length");
  }
  const std::uint64_t index_end = before_tail - footer_size;
  Bytes encoded(footer_size);
  PLK_TRY(read_exactly(store, ItemKind::packfile, name, envelope_header_size + index_end, encoded));
  const BytesView footer = PLK_TRY(codec.decode(encoded, packfile_footer_size));
  contents.footer = PLK_TRY(decode_footer(footer, index_end));
  if (contents.footer.count > packfile_blobs_max) {
    return Error(Errc::corrupt,
                 "a packfile of " + std::to_string(contents.footer.count) + " blobs");
  }

  // An encoded index is not much larger than what it encodes.
  const std::uint64_t plain_size = std::uint64_t{contents.footer.count} * packfile_record_size;
  const std::uint64_t encoded_size = index_end - contents.footer.index_offset;
  if (encoded_size > 2 * plain_size + encoded_footer_size_max) {
    return Error(Errc::corrupt, "the packfile's index has an impossible length");
  }
  encoded.resize(encoded_size);
  PLK_TRY(read_exactly(store, ItemKind::packfile, name,
                       envelope_header_size + contents.footer.index_offset, encoded));
  const BytesView index = PLK_TRY(codec.decode(encoded, plain_size));
  if (!equal_constant_time(keys.mac.compute(index).view(), contents.footer.index_mac.view())) {
    return Error(Errc::corrupt, "the MAC of the packfile's index does not match");
  }
  contents.records = PLK_TRY(decode_index(index, contents.footer));
  return contents;
}

Status verify_packfile(Store& store, const PackfileMac& mac, const StoreKeys& keys,
                       std::span<std::byte> buffer) {
  const ItemName name = item_name(mac);
  const std::uint64_t size = PLK_TRY(store.size(ItemKind::packfile, name));
  if (size < envelope_overhead) return too_short();
  std::array<std::byte, envelope_header_size> header{};
  PLK_TRY(read_exactly(store, ItemKind::packfile, name, 0, header));
  PLK_TRY(decode_envelope_header(header, ResourceType::packfile));

  crypto::MacHasher body_mac = keys.mac.hasher();
  crypto::MacHasher envelope_mac = keys.mac.hasher();
  envelope_mac.update(header);
  const std::uint64_t body_end = size - envelope_mac_size;
  for (std::uint64_t offset = envelope_header_size; offset < body_end;) {
    const std::uint64_t left = body_end - offset;
    const auto piece = buffer.first(std::min<std::uint64_t>(left, buffer.size()));
    PLK_TRY(read_exactly(store, ItemKind::packfile, name, offset, piece));
    body_mac.update(piece);
    envelope_mac.update(piece);
    offset += piece.size();
  }
  std::array<std::byte, envelope_mac_size> found{};
  PLK_TRY(read_exactly(store, ItemKind::packfile, name, body_end, found));
  if (body_mac.finish().bytes != mac.bytes) {
    return Error(Errc::corrupt, "the packfile's content does not match its name");
  }
  if (!equal_constant_time(envelope_mac.finish().view(), found)) {
    return Error(Errc::corrupt, "the MAC of the packfile's envelope does not match");
  }
  return {};
}

}  // namespace plakar::kloset
