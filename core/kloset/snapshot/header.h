// The header of a snapshot: who made it, of what, when, and the roots of its six trees. Stored as
// a blob whose name is the snapshot's random identifier, not a MAC of it; what guards it is the
// MAC of the state and packfile it is found through, and the encryption.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/kloset/tree/summary.h"

namespace plakar::kloset {

struct KeyValue {
  std::string key;
  std::string value;

  friend bool operator==(const KeyValue&, const KeyValue&) = default;
};

// Zero and empty unless the snapshot is signed.
struct Identity {
  Uuid identifier;
  Bytes public_key;
};

struct HeaderClassification {
  struct Class {
    std::string name;
    double probability = 0;
  };
  std::string analyzer;
  std::vector<Class> classes;
};

// What was backed up. Two snapshots of equal importers are of the same thing, and the newer can
// build on the older.
struct Importer {
  std::string type;       // "fs"
  std::string origin;     // the host
  std::string directory;  // the backed-up root

  friend bool operator==(const Importer&, const Importer&) = default;
};

struct TreeRoots {
  Mac vfs;
  Mac xattrs;
  Mac errors;
};

struct TreeIndex {
  std::string name;  // "content-type", "dirpack", "summary": in this order, and no others
  std::string type;  // "btree"
  Mac value;
};

struct HeaderSource {
  Importer importer;
  std::vector<KeyValue> context;
  TreeRoots roots;
  std::vector<TreeIndex> indexes;
  Summary summary;

  // Null when the snapshot has no such index.
  const Mac* find_index(std::string_view name) const noexcept;
};

struct SnapshotHeader {
  std::uint32_t version = 0;
  SnapshotId identifier;
  UnixTime timestamp;
  std::int64_t duration_ns = 0;
  Identity identity;
  std::string name;
  std::string category;
  std::string environment;
  std::string perimeter;
  std::string job;
  std::uint32_t replicas = 0;
  std::string dataset;
  std::vector<std::string> data_classes;
  std::vector<HeaderClassification> classifications;
  std::vector<std::string> tags;
  std::vector<KeyValue> context;
  std::vector<HeaderSource> sources;  // exactly one

  const HeaderSource& source() const noexcept { return sources.front(); }
  // The value of a key of `context`, empty when it is not there.
  std::string_view find_context(std::string_view key) const noexcept;
};

// Errc::corrupt for what is not a header, for one without a source, and for one whose
// identifier is not `identifier`.
Result<SnapshotHeader> decode_header(BytesView bytes, const SnapshotId& identifier);
Bytes encode_header(const SnapshotHeader& header);

}  // namespace plakar::kloset
