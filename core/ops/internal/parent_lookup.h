// What the last snapshot of a source says of what is found now. Records of a directory that come
// together and ascending by name, as those of file systems do, are joined with its listing as that
// is read once; others are looked for one by one.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/kloset/record.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/entry.h"

namespace plakar::ops {

// The entry that a record makes, as far as the record says: not of the content. A view of it.
kloset::VfsEntry entry_of(const kloset::Record& record);

// An entry of the last snapshot.
struct KnownEntry {
  Bytes encoded;
  Mac id;
  // Of a regular file whose content is taken to be the same still.
  struct Content {
    Mac object;
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    double entropy = 0;
    std::string content_type;
  };
  std::optional<Content> content;
};

class ParentLookup {
 public:
  // `blobs` outlives it, and is what `snapshot` reads from.
  ParentLookup(kloset::BlobSource& blobs, kloset::SnapshotReader snapshot)
      : blobs_(&blobs), snapshot_(std::make_unique<kloset::SnapshotReader>(std::move(snapshot))) {}

  // Nothing for what is new, what is damaged there, and what is no entry.
  std::optional<KnownEntry> find(const kloset::Record& record);

 private:
  enum class Step : std::uint8_t { found, absent, unknown };

  void enter(std::string_view directory);
  // Goes on in the listing until it is at `name`, or behind where it would be.
  Step step_to(std::string_view name);
  KnownEntry known(const kloset::VfsEntry& old, BytesView encoded, const Mac& id,
                   const kloset::Record& record);
  bool had_error(std::string_view path);

  // To find one name no more entries than this are read: beyond, the tree is quicker.
  static constexpr std::size_t steps_max = 1000;

  kloset::BlobSource* blobs_;
  std::unique_ptr<kloset::SnapshotReader> snapshot_;  // stays where it is: listings refer to it
  std::optional<std::string> directory_;
  // Of directory_; null where it cannot be used, and the tree has to be asked.
  std::unique_ptr<kloset::Listing> listing_;
  bool is_new_ = false;  // the snapshot has no such directory
  bool at_entry_ = false;
  bool at_end_ = false;
  std::string last_name_;           // asked for last in directory_
  std::optional<bool> had_errors_;  // any, once somebody has asked
};

}  // namespace plakar::ops
