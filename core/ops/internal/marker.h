// Finds every blob that a snapshot needs: header, trees, entries, listings, summaries, errors,
// attributes, objects, chunks. What it does not mark is nobody's, so it is whole or it fails.
//
// What was marked for one snapshot is not looked at again for another: unchanged trees cost a look
// at their root. Metadata is read and checked, file content only located.
//
// Blobs are also found in coloured packfiles. Which of these snapshots need is kept: their colour
// has to be taken back.
//
// Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"
#include "core/ops/internal/live_set.h"
#include "core/ops/internal/stored_packfiles.h"

namespace plakar::ops {

class Marker {
 public:
  // Hears of entries that are only in the listing of their directory, as genuine Plakar leaves
  // them: nothing is lost with them, and `check` has more to say.
  using Noticed = std::function<void(const SnapshotId& snapshot, std::string_view path)>;

  // All outlive the marker.
  Marker(kloset::Repository& repository, StoredPackfiles& packfiles, LiveSet& live,
         const flow::CancelToken& cancel, Noticed noticed);

  // After an error the set has a part of what the snapshot needs, and must not be concluded from.
  Status mark(const SnapshotId& snapshot);

  // Coloured packfiles with blobs that are nowhere else.
  const std::set<PackfileMac>& needed() const noexcept { return needed_; }

 private:
  enum class Tree : std::uint8_t { vfs, errors, xattrs, content_types, listings, summaries };

  // Reads blobs, from coloured packfiles where they are nowhere else.
  class WideBlobs final : public kloset::BlobSource {
   public:
    explicit WideBlobs(Marker& marker) : marker_(&marker) {}
    Result<Bytes> load(kloset::ResourceType type, const Mac& mac,
                       std::size_t plain_size_max) override;
    bool has(kloset::ResourceType type, const Mac& mac) const override;

   private:
    Marker* marker_;
  };

  Status mark_header(const SnapshotId& snapshot);
  Status mark_tree(Tree tree, const Mac& root);
  Status mark_node(Tree tree, const Mac& node, std::size_t depth);
  Status mark_value(Tree tree, std::string_view key, const Mac& value);
  Status mark_entry(const Mac& entry);
  Status mark_xattr(const Mac& xattr);
  Status mark_listing(const Mac& object, std::string_view directory);
  Status mark_object(const Mac& object);
  // Marks a blob that is there; one that is nowhere is an error.
  Status keep(kloset::ResourceType type, const Mac& mac);
  // Whether it is in a packfile that is there; if only in coloured ones, one of these is needed.
  Result<bool> locate(kloset::ResourceType type, const Mac& mac);
  // False when this was begun before, for this purpose.
  bool begin(std::uint32_t purpose, const Mac& mac);

  kloset::Repository* repository_;
  StoredPackfiles* packfiles_;
  LiveSet* live_;
  flow::CancelToken cancel_;
  Noticed noticed_;
  WideBlobs blobs_;
  SnapshotId snapshot_;
  std::set<PackfileMac> needed_;
};

}  // namespace plakar::ops
