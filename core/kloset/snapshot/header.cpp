#include "core/kloset/snapshot/header.h"

#include <algorithm>

#include "core/codec/msgpack_struct.h"
#include "core/kloset/format/stored_version.h"
#include "core/kloset/format/uuid_codec.h"
#include "core/kloset/tree/summary_codec.h"

namespace plakar::kloset {

using codec::field;

constexpr auto msgpack_fields(const KeyValue*) {
  return std::array{field<&KeyValue::key>("key"), field<&KeyValue::value>("value")};
}

constexpr auto msgpack_fields(const Identity*) {
  return std::array{field<&Identity::identifier, UuidCodec>("identifier"),
                    field<&Identity::public_key>("public_key").nil_if_empty()};
}

constexpr auto msgpack_fields(const HeaderClassification::Class*) {
  return std::array{field<&HeaderClassification::Class::name>("name"),
                    field<&HeaderClassification::Class::probability>("probability")};
}

constexpr auto msgpack_fields(const HeaderClassification*) {
  return std::array{field<&HeaderClassification::analyzer>("analyzer"),
                    field<&HeaderClassification::classes>("classes")};
}

constexpr auto msgpack_fields(const Importer*) {
  return std::array{field<&Importer::type>("type"), field<&Importer::origin>("origin"),
                    field<&Importer::directory>("directory")};
}

constexpr auto msgpack_fields(const TreeRoots*) {
  return std::array{field<&TreeRoots::vfs>("root"), field<&TreeRoots::xattrs>("xattrs"),
                    field<&TreeRoots::errors>("errors")};
}

constexpr auto msgpack_fields(const TreeIndex*) {
  return std::array{field<&TreeIndex::name>("name"), field<&TreeIndex::type>("type"),
                    field<&TreeIndex::value>("value")};
}

constexpr auto msgpack_fields(const HeaderSource*) {
  return std::array{field<&HeaderSource::importer>("importer"),
                    field<&HeaderSource::context>("context"), field<&HeaderSource::roots>("root"),
                    field<&HeaderSource::indexes>("indexes"),
                    field<&HeaderSource::summary, SummaryCodec>("summary")};
}

constexpr auto msgpack_fields(const SnapshotHeader*) {
  return std::array{field<&SnapshotHeader::version, StoredVersion>("version"),
                    field<&SnapshotHeader::identifier>("identifier"),
                    field<&SnapshotHeader::timestamp>("timestamp"),
                    field<&SnapshotHeader::duration_ns>("duration"),
                    field<&SnapshotHeader::identity>("identity"),
                    field<&SnapshotHeader::name>("name"),
                    field<&SnapshotHeader::category>("category"),
                    field<&SnapshotHeader::environment>("environment"),
                    field<&SnapshotHeader::perimeter>("perimeter"),
                    field<&SnapshotHeader::job>("job"),
                    field<&SnapshotHeader::replicas>("replicas"),
                    field<&SnapshotHeader::dataset>("dataset"),
                    field<&SnapshotHeader::data_classes>("data_classes"),
                    field<&SnapshotHeader::classifications>("classifications"),
                    field<&SnapshotHeader::tags>("tags"),
                    field<&SnapshotHeader::context>("context"),
                    field<&SnapshotHeader::sources>("sources")};
}

const Mac* HeaderSource::find_index(std::string_view name) const noexcept {
  const auto found = std::find_if(indexes.begin(), indexes.end(), [&](const TreeIndex& index) {
    return index.name == name && index.type == "btree";
  });
  return found == indexes.end() ? nullptr : &found->value;
}

std::string_view SnapshotHeader::find_context(std::string_view key) const noexcept {
  const auto found = std::find_if(context.begin(), context.end(),
                                  [&](const KeyValue& pair) { return pair.key == key; });
  return found == context.end() ? std::string_view() : found->value;
}

Result<SnapshotHeader> decode_header(BytesView bytes, const SnapshotId& identifier) {
  SnapshotHeader header = PLK_TRY(codec::msgpack_decode<SnapshotHeader>(bytes));
  if (header.sources.size() != 1) {
    return Error(Errc::corrupt, "a snapshot header with " + std::to_string(header.sources.size()) +
                                    " sources instead of one");
  }
  if (header.identifier != identifier) {
    return Error(Errc::corrupt, "the header of snapshot " + header.identifier.short_hex() +
                                    " in the place of that of " + identifier.short_hex());
  }
  return header;
}

Bytes encode_header(const SnapshotHeader& header) { return codec::msgpack_encode(header); }

}  // namespace plakar::kloset
