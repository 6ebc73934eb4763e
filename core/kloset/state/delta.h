// A state: one segment of the log that says which blob is where. All states together, merged
// in order, are the store's index.
//
//   state   := parent:32  entry*  trailer            version 1.1.0
//   state   := entry*  trailer                       version 1.0.0, read only
//   entry   := type:u8  length:u32  payload
//   trailer := 0x01  version:u32  timestamp:i64  serial:16
//
//   2 location       type:u8 version:u32 blob:32 packfile:32 offset:u64 length:u32 flags:u32
//   3 coloured       type:u8 mac:32 time:i64                      marked as deleted
//   4 packfile       packfile:32 state:32 time:i64
//   5 configuration  never written: it blinds genuine Plakar to the whole state
//   6 deleted        entry:u8 type:u8 blob:32 packfile:32         takes back a 2, 3 or 4
//
// Integers are little-endian, times Unix nanoseconds. Entries apply in stream order, so
// what takes back stands before what it takes back could be repeated.
#pragma once

#include <cstdint>
#include <functional>
#include <variant>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

using StateId = Id32<struct StateIdTag>;

// Where a blob is: `length` encoded bytes at `offset` of the packfile's body.
struct LocationEntry {
  ResourceType type{};
  Version version{};
  Mac blob;
  PackfileMac packfile;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t flags = 0;

  friend bool operator==(const LocationEntry&, const LocationEntry&) = default;
};

// A snapshot that was removed, or a packfile that is about to be.
struct ColouredEntry {
  ResourceType type{};
  Mac mac;
  std::int64_t time_ns = 0;

  friend bool operator==(const ColouredEntry&, const ColouredEntry&) = default;
};

struct PackfileEntry {
  PackfileMac packfile;
  StateId state;  // that carries this entry
  std::int64_t time_ns = 0;

  friend bool operator==(const PackfileEntry&, const PackfileEntry&) = default;
};

struct DeletedLocation {
  ResourceType type{};
  Mac blob;
  PackfileMac packfile;

  friend bool operator==(const DeletedLocation&, const DeletedLocation&) = default;
};

struct DeletedColour {
  ResourceType type{};
  Mac mac;

  friend bool operator==(const DeletedColour&, const DeletedColour&) = default;
};

// Takes back the packfile and every location in it.
struct DeletedPackfile {
  PackfileMac packfile;

  friend bool operator==(const DeletedPackfile&, const DeletedPackfile&) = default;
};

using StateEntry = std::variant<LocationEntry, ColouredEntry, PackfileEntry, DeletedLocation,
                                DeletedColour, DeletedPackfile>;

// What surrounds the entries.
struct StateFrame {
  StateId parent;  // zero: none
  std::int64_t timestamp_ns = 0;
  Uuid serial;  // zero in what we write

  friend bool operator==(const StateFrame&, const StateFrame&) = default;
};

// Writes a state front to back. Nothing needs patching afterwards.
class StateWriter {
 public:
  explicit StateWriter(const StateId& parent);

  void add(const StateEntry& entry);
  // The finished plaintext, with its trailer.
  Bytes finish(std::int64_t timestamp_ns) &&;

 private:
  Bytes out_;
};

// Calls `visit` for each entry in order; its first error ends the reading and is returned.
// Unknown entry types and configurations are passed over. A known type of another length, a
// trailer that is missing or short, or a deletion of something else is Errc::corrupt: then
// `visit` may have been called already, and the caller drops what it collected.
Result<StateFrame> read_state(BytesView plain, Version envelope_version,
                              const std::function<Status(const StateEntry&)>& visit);

}  // namespace plakar::kloset
