// Copies what is in use out of packfiles that are mostly dead space, into new ones.
//
// Blobs are copied as they are stored, after each was decoded and found to be what its name says.
// One that is also in a packfile that stays is not copied, if it is good there. The copies are
// published by finish(); only then may the old packfiles be given up.
//
// Headers of snapshots are taken out of the index of the old packfile when they are in the new one:
// genuine Plakar counts a snapshot once for each place, coloured or not, and then takes its id for
// that of two.
//
// Not thread-safe. Destroyed without finish(), or after a failure, it leaves at most copies that
// count as well as what they were made of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_set>
#include <vector>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/repository/packfile_writer.h"
#include "core/kloset/repository/repository.h"
#include "core/ops/internal/live_set.h"

namespace plakar::ops {

class Repacker {
 public:
  // What has to hold before anything is published.
  using Guard = std::function<Status()>;

  // `victims`: those that are given to add(), and those that are about to go for other reasons.
  // `live_count` is about how many blobs will be copied. All outlive the repacker.
  Repacker(kloset::Repository& repository, const LiveSet& live,
           const std::unordered_set<PackfileMac>& victims, std::uint64_t live_count, Guard guard);

  // Copies the blobs in use of one packfile, of which the states know so many. Errc::corrupt,
  // Errc::not_found: it is damaged, or not what the states say, and has to stay.
  Status add(const PackfileMac& packfile, std::uint64_t live_blobs);
  Status finish();

  std::uint64_t packfiles_written() const noexcept { return packfiles_written_; }
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  // Of those that the states name in this packfile.
  bool is_named(const PackfileMac& packfile, const kloset::PackfileRecord& record) const;
  Result<bool> is_elsewhere(kloset::ResourceType type, const Mac& mac);
  Status append(kloset::ResourceType type, const Mac& mac, BytesView encoded);
  Status seal(std::optional<kloset::PackfileWriter>& writer);
  Status publish(const std::vector<kloset::StateEntry>& moved);

  kloset::Repository* repository_;
  const LiveSet* live_;
  const std::unordered_set<PackfileMac>* victims_;
  Guard guard_;
  LiveSet copied_;
  std::optional<kloset::PackfileWriter> data_;
  std::optional<kloset::PackfileWriter> metadata_;
  std::vector<kloset::SealedPackfile> pending_;  // sealed, and in no state yet
  std::size_t pending_locations_ = 0;
  std::vector<kloset::StateEntry> moved_;  // the old places of headers
  std::uint64_t packfiles_written_ = 0;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace plakar::ops
