// A snapshot that two stores have, read side by side: what is known of a file by its content in the
// one store leads to its content in the other, whatever their keys are.
//
//   the file now ── same object ──► the file in the base, here ── same path ──► there ──► object
//
// Three listings are merged, of the directory that is being walked and of the base on both sides,
// so that a look costs a few comparisons and memory is bounded by the depth.
//
// Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::ops {

class BaseLookup {
 public:
  // Both outlive the lookup. An error when either side has no such snapshot, or none with listings.
  static Result<BaseLookup> open(kloset::Repository& source, kloset::Repository& target,
                                 const SnapshotId& base);

  // The content of a regular file of the source, as the target has it; nothing when that is not
  // known. Damage of the base makes things unknown, and is nobody's error. Called in the order of
  // a walk: depth first, names ascending.
  std::optional<kloset::StoredContent> find(const kloset::VfsEntry& entry);

 private:
  // One side's listing of a directory.
  struct Side {
    std::unique_ptr<kloset::Listing> listing;  // null: cannot be read, or is at its end

    // The entry called `name`, or null.
    const kloset::VfsEntry* step_to(std::string_view name);
    bool started = false;
  };
  struct Level {
    std::string directory;
    Side source;
    Side target;
  };

  BaseLookup(kloset::Repository& source, kloset::Repository& target, kloset::TreeReader source_tree,
             kloset::TreeReader target_tree);

  Level& level_of(std::string_view directory);

  kloset::Repository* source_;
  kloset::Repository* target_;
  kloset::TreeReader source_tree_;
  kloset::TreeReader target_tree_;
  std::vector<Level> levels_;
};

}  // namespace plakar::ops
