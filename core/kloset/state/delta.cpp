#include "core/kloset/state/delta.h"

#include <algorithm>
#include <utility>

namespace plakar::kloset {
namespace {

enum class EntryType : std::uint8_t {
  trailer = 1,
  location = 2,
  coloured = 3,
  packfile = 4,
  configuration = 5,
  deleted = 6,
};

constexpr std::size_t location_size = 85;
constexpr std::size_t coloured_size = 41;
constexpr std::size_t packfile_size = 72;
constexpr std::size_t deleted_size = 66;
constexpr std::size_t trailer_size = 28;

template <class Id>
Id load_id(BytesView at) noexcept {
  Id id;
  std::copy_n(at.begin(), id.bytes.size(), id.bytes.begin());
  return id;
}

std::int64_t load_time(BytesView at) noexcept {
  return static_cast<std::int64_t>(load_le<std::uint64_t>(at));
}

ResourceType load_type(std::byte at) noexcept {
  return static_cast<ResourceType>(std::to_integer<std::uint8_t>(at));
}

void append_byte(Bytes& out, auto value) { out.push_back(static_cast<std::byte>(value)); }

void append_head(Bytes& out, EntryType type, std::size_t size) {
  append_byte(out, type);
  append_le(out, static_cast<std::uint32_t>(size));
}

void append_deleted(Bytes& out, EntryType entry, ResourceType type, const Mac& blob,
                    const PackfileMac& packfile) {
  append_head(out, EntryType::deleted, deleted_size);
  append_byte(out, entry);
  append_byte(out, type);
  append(out, blob.view());
  append(out, packfile.view());
}

struct Appender {
  Bytes& out;

  void operator()(const LocationEntry& entry) const {
    append_head(out, EntryType::location, location_size);
    append_byte(out, entry.type);
    append_le(out, static_cast<std::uint32_t>(entry.version));
    append(out, entry.blob.view());
    append(out, entry.packfile.view());
    append_le(out, entry.offset);
    append_le(out, entry.length);
    append_le(out, entry.flags);
  }
  void operator()(const ColouredEntry& entry) const {
    append_head(out, EntryType::coloured, coloured_size);
    append_byte(out, entry.type);
    append(out, entry.mac.view());
    append_le(out, static_cast<std::uint64_t>(entry.time_ns));
  }
  void operator()(const PackfileEntry& entry) const {
    append_head(out, EntryType::packfile, packfile_size);
    append(out, entry.packfile.view());
    append(out, entry.state.view());
    append_le(out, static_cast<std::uint64_t>(entry.time_ns));
  }
  void operator()(const DeletedLocation& entry) const {
    append_deleted(out, EntryType::location, entry.type, entry.blob, entry.packfile);
  }
  void operator()(const DeletedColour& entry) const {
    append_deleted(out, EntryType::coloured, entry.type, entry.mac, {});
  }
  void operator()(const DeletedPackfile& entry) const {
    append_deleted(out, EntryType::packfile, {}, {}, entry.packfile);
  }
};

LocationEntry decode_location(BytesView at) noexcept {
  return {.type = load_type(at[0]),
          .version = static_cast<Version>(load_le<std::uint32_t>(at.subspan(1))),
          .blob = load_id<Mac>(at.subspan(5)),
          .packfile = load_id<PackfileMac>(at.subspan(37)),
          .offset = load_le<std::uint64_t>(at.subspan(69)),
          .length = load_le<std::uint32_t>(at.subspan(77)),
          .flags = load_le<std::uint32_t>(at.subspan(81))};
}

Result<StateEntry> decode_deleted(BytesView at) {
  const ResourceType type = load_type(at[1]);
  const Mac blob = load_id<Mac>(at.subspan(2));
  const auto packfile = load_id<PackfileMac>(at.subspan(34));
  switch (static_cast<EntryType>(at[0])) {
    case EntryType::location:
      return DeletedLocation{.type = type, .blob = blob, .packfile = packfile};
    case EntryType::coloured:
      return DeletedColour{.type = type, .mac = blob};
    case EntryType::packfile:
      return DeletedPackfile{.packfile = packfile};
    case EntryType::trailer:
    case EntryType::configuration:
    case EntryType::deleted:
      break;
  }
  return Error(Errc::corrupt, "a deletion of an entry of type " +
                                  std::to_string(std::to_integer<unsigned>(at[0])));
}

// How long an entry of a type has to be; 0 for the types that are passed over.
std::size_t wanted_size(EntryType type) noexcept {
  switch (type) {
    case EntryType::location:
      return location_size;
    case EntryType::coloured:
      return coloured_size;
    case EntryType::packfile:
      return packfile_size;
    case EntryType::deleted:
      return deleted_size;
    case EntryType::trailer:
    case EntryType::configuration:
      break;
  }
  return 0;
}

// Precondition: `payload` has wanted_size(type) bytes, which is not 0.
Result<StateEntry> decode_entry(EntryType type, BytesView payload) {
  if (type == EntryType::location) return decode_location(payload);
  if (type == EntryType::coloured) {
    return ColouredEntry{.type = load_type(payload[0]),
                         .mac = load_id<Mac>(payload.subspan(1)),
                         .time_ns = load_time(payload.subspan(33))};
  }
  if (type == EntryType::packfile) {
    return PackfileEntry{.packfile = load_id<PackfileMac>(payload),
                         .state = load_id<StateId>(payload.subspan(32)),
                         .time_ns = load_time(payload.subspan(64))};
  }
  return decode_deleted(payload);
}

}  // namespace

StateWriter::StateWriter(const StateId& parent) { append(out_, parent.view()); }

void StateWriter::add(const StateEntry& entry) { std::visit(Appender{out_}, entry); }

Bytes StateWriter::finish(std::int64_t timestamp_ns) && {
  append_byte(out_, EntryType::trailer);
  append_le(out_, static_cast<std::uint32_t>(version_1_1_0));
  append_le(out_, static_cast<std::uint64_t>(timestamp_ns));
  append(out_, Uuid().view());
  return std::move(out_);
}

Result<StateFrame> read_state(BytesView plain, Version envelope_version,
                              const std::function<Status(const StateEntry&)>& visit) {
  const Error cut(Errc::corrupt, "the state ends in the middle of an entry");
  StateFrame frame;
  if (envelope_version >= version_1_1_0) {
    if (plain.size() < frame.parent.bytes.size()) return cut;
    frame.parent = load_id<StateId>(plain);
    plain = plain.subspan(frame.parent.bytes.size());
  }
  while (!plain.empty()) {
    const auto type = static_cast<EntryType>(plain[0]);
    plain = plain.subspan(1);
    if (type == EntryType::trailer) {
      if (plain.size() < trailer_size) return cut;
      frame.timestamp_ns = load_time(plain.subspan(4));
      frame.serial = load_id<Uuid>(plain.subspan(12));
      return frame;
    }
    if (plain.size() < 4) return cut;
    const std::size_t size = load_le<std::uint32_t>(plain);
    plain = plain.subspan(4);
    if (size > plain.size()) return cut;
    const BytesView payload = plain.first(size);
    plain = plain.subspan(size);
    const std::size_t wanted = wanted_size(type);
    if (wanted == 0) continue;
    if (size != wanted) {
      return Error(Errc::corrupt, "a state entry of type " +
                                      std::to_string(static_cast<unsigned>(type)) + " has " +
                                      std::to_string(size) + " bytes instead of " +
                                      std::to_string(wanted));
    }
    const StateEntry entry = PLK_TRY(decode_entry(type, payload));
    PLK_TRY(visit(entry));
  }
  return Error(Errc::corrupt, "the state ends without a trailer");
}

}  // namespace plakar::kloset
