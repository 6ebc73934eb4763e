// Copies one snapshot after the other from one repository into transactions of another one: what
// syncs and archives have in common.
//
//   walk ─► look up ─► [ read ─► check ─► store ] ─► trees ─► header
//                          several threads
//
// Not thread-safe; uses threads of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/bytes.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/ops/sync.h"

namespace plakar::ops {

// Which objects of the source are which ones of the target. Forgets everything when it is full.
class ObjectMap {
 public:
  explicit ObjectMap(std::size_t size_max) : size_max_(size_max) {}

  std::optional<kloset::StoredContent> find(const Mac& source) const;
  void insert(const Mac& source, const kloset::StoredContent& target);
  void clear();

 private:
  std::size_t size() const;

  struct Content {
    Mac object;
    std::uint64_t size;
    std::uint64_t chunks;
    double entropy;
    const std::string* content_type;  // in content_types_
  };

  const std::size_t size_max_;
  mutable std::mutex mutex_;
  std::unordered_map<Mac, Content> objects_;  // these two guarded by mutex_
  std::set<std::string, std::less<>> content_types_;
};

class SnapshotCopier {
 public:
  struct Options {
    std::size_t threads = 2;
    SourceDamage damage = SourceDamage::refuse;
    std::string temporary_directory = "/tmp";
    std::size_t sort_memory_bytes = std::size_t{8} << 20;
    // How many objects are remembered, of some 130 bytes each.
    std::size_t objects_max = 64 * 1024;
  };

  // All outlive the copier.
  SnapshotCopier(kloset::Repository& source, kloset::Repository& target, const Options& options,
                 SyncObserver& observer)
      : source_(source),
        target_(target),
        options_(options),
        observer_(observer),
        objects_(options.objects_max) {}

  struct Copied {
    SyncedSnapshot snapshot;
    Bytes header;  // to be stored, and that is all that is missing
  };
  // `as` is what it is to be called in the target.
  Result<Copied> copy(const SnapshotId& id, const SnapshotId& as, kloset::Transaction& transaction,
                      const flow::CancelToken& cancel);

  // Whether it was the source that made the last copy() fail, and so not the end of everything.
  bool failed_at_source() const noexcept { return failed_at_source_; }
  // The snapshot is in the target now, by the same name; later ones may build on it.
  void remember(const SnapshotId& id);

 private:
  class Copy;

  struct Known {
    SnapshotId id;
    kloset::Importer importer;
    UnixTime timestamp;
  };

  Status load_known();
  // Of what both sides have, the snapshot of the same thing that is nearest in time.
  const Known* find_base(const kloset::SnapshotHeader& header) const;

  kloset::Repository& source_;
  kloset::Repository& target_;
  const Options options_;
  SyncObserver& observer_;
  ObjectMap objects_;
  std::optional<std::vector<Known>> known_;
  std::optional<Known> last_;
  bool failed_at_source_ = false;
};

}  // namespace plakar::ops
