#include "core/kloset/repository/packfile_writer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/kloset/format/envelope.h"

namespace plakar::kloset {
namespace {

// How much is hashed at a time: both MACs run over it while it is in the cache, and blobs of a few
// hundred bytes do not keep the hash function from its wide lanes.
constexpr std::size_t tile_size = 128 * 1024;

std::int64_t to_nanoseconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

std::size_t random_padding_size(Random& random) {
  std::array<std::byte, 8> bytes{};
  random.fill(bytes);
  constexpr std::size_t range =
      PackfileWriter::padding_size_max - PackfileWriter::padding_size_min + 1;
  return PackfileWriter::padding_size_min + load_le<std::uint64_t>(bytes) % range;
}

}  // namespace

PackfileWriter::PackfileWriter(std::unique_ptr<ItemWriter> item, const StoreKeys& keys,
                               Random& random, std::int64_t timestamp_ns)
    : item_(std::move(item)),
      keys_(&keys),
      random_(&random),
      body_mac_(keys.mac.hasher()),
      envelope_mac_(keys.mac.hasher()),
      timestamp_ns_(timestamp_ns) {}

Result<PackfileWriter> PackfileWriter::start(Store& store, const StoreKeys& keys, Random& random,
                                             WallTime now, std::uint64_t size_hint) {
  PackfileWriter writer(PLK_TRY(store.start(ItemKind::packfile, size_hint)), keys, random,
                        to_nanoseconds(now));
  std::array<std::byte, envelope_header_size> header{};
  encode_envelope_header(header, ResourceType::packfile);
  writer.envelope_mac_.update(header);
  PLK_TRY(writer.item_->write(header));
  return writer;
}

Status PackfileWriter::write_body(BytesView bytes) {
  while (!bytes.empty()) {
    if (tile_.empty() && bytes.size() >= tile_size) {
      PLK_TRY(write_tile(bytes.first(tile_size)));
      bytes = bytes.subspan(tile_size);
      continue;
    }
    const BytesView part = bytes.first(std::min(bytes.size(), tile_size - tile_.size()));
    plakar::append(tile_, part);
    bytes = bytes.subspan(part.size());
    if (tile_.size() == tile_size) {
      PLK_TRY(write_tile(tile_));
      tile_.clear();
    }
  }
  return {};
}

Status PackfileWriter::write_tile(BytesView tile) {
  body_mac_.update(tile);
  envelope_mac_.update(tile);
  return item_->write(tile);
}

Status PackfileWriter::append(ResourceType type, const Mac& mac, BytesView encoded) {
  if (encoded.size() > std::numeric_limits<std::uint32_t>::max()) {
    return Error(Errc::invalid_argument, "a " + to_name(type) + " of " +
                                             std::to_string(encoded.size()) +
                                             " bytes does not fit in a packfile");
  }
  PLK_TRY(write_body(encoded));
  records_.push_back({.type = type,
                      .version = written_version(type),
                      .mac = mac,
                      .offset = offset_,
                      .length = static_cast<std::uint32_t>(encoded.size()),
                      .flags = 0});
  offset_ += encoded.size();
  return {};
}

Result<SealedPackfile> PackfileWriter::seal(BlobCodec& codec) && {
  Bytes padding(random_padding_size(*random_));
  random_->fill(padding);
  PLK_TRY(append(ResourceType::random, Mac::random(*random_), padding));

  Bytes index;
  index.reserve(records_.size() * packfile_record_size);
  for (const PackfileRecord& record : records_) append_record(index, record);
  Bytes footer;
  append_footer(footer, {.timestamp_ns = timestamp_ns_,
                         .count = static_cast<std::uint32_t>(records_.size()),
                         .index_offset = offset_,
                         .index_mac = keys_->mac.compute(index),
                         .flags = 0});
  std::uint64_t size = envelope_overhead + offset_ + packfile_tail_size;
  const BytesView encoded_index = PLK_TRY(codec.encode(index));
  size += encoded_index.size();
  PLK_TRY(write_body(encoded_index));
  const BytesView encoded_footer = PLK_TRY(codec.encode(footer));
  size += encoded_footer.size();
  PLK_TRY(write_body(encoded_footer));
  std::array<std::byte, packfile_tail_size> tail{};
  store_le(tail, static_cast<std::uint32_t>(encoded_footer.size()));
  PLK_TRY(write_body(tail));
  PLK_TRY(write_tile(tile_));

  const PackfileMac mac{.bytes = body_mac_.finish().bytes};
  PLK_TRY(item_->write(envelope_mac_.finish().view()));
  PLK_TRY(item_->commit(item_name(mac)));
  return SealedPackfile{
      .mac = mac, .timestamp_ns = timestamp_ns_, .size = size, .records = std::move(records_)};
}

}  // namespace plakar::kloset
