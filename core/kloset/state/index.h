// The aggregated state of a store: where each blob is, which snapshots there are, which
// packfiles, and what is marked as deleted. Merged from the states, in order, and nothing else: it
// can be thrown away and made again at any time.
//
//   locations   (type, blob, packfile) -> where            first come stays
//   coloured    (type, mac)            -> since when       first come stays
//   packfiles   packfile               -> since when       first come stays
//
// A blob is found if one of its locations is in a known packfile that is not coloured: a
// coloured packfile is invisible at once, not only when it is swept. A snapshot is there if
// its blob is found and it is not coloured itself.
//
// Reading may be done from any thread, also next to one merge().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/state/delta.h"

namespace plakar::kloset {

struct BlobLocation {
  PackfileMac packfile;
  std::uint64_t offset = 0;  // in the packfile's body
  std::uint32_t length = 0;  // encoded

  friend bool operator==(const BlobLocation&, const BlobLocation&) = default;
};

// A state to be merged: its plaintext and the version of its envelope.
struct StateText {
  StateId id;
  Version version{};
  BytesView plain;
};

class StateIndex {
 public:
  virtual ~StateIndex() = default;

  virtual bool has_state(const StateId& id) const = 0;
  virtual std::uint64_t state_count() const = 0;
  // All that are merged, in no order.
  virtual std::vector<StateId> states() const = 0;
  // The state merged last: what a new one names as its parent. Zero when there is none.
  virtual StateId last_state() const = 0;

  // Applies the entries of one state, whole or not at all; one that is merged already is passed
  // over. Errc::corrupt for one that cannot be read.
  virtual Status merge(const StateText& state) = 0;
  // Makes what was merged so far the cached table, for the next process. Losing it costs time:
  // on failure this index goes on as before.
  virtual Status save() = 0;

  // How to merge all states of a store into an index, `empty`, using nothing of this one. An index
  // that reads from a cache calls it when it finds that damaged, from within any other function
  // and thread, one at a time; what found the damage waits for it.
  using Rebuild = std::function<Status(StateIndex& empty)>;
  virtual void set_rebuild(Rebuild rebuild) = 0;
  // Begins anew with what that function merges, as when the store no longer has a state that is
  // merged here. On failure all stays as it is.
  virtual Status rebuild() = 0;
  // An error when the cache was damaged and could not be built again. From then on what is not
  // found may be there all the same, and nothing must be concluded from that: to be asked
  // before anything is published, deleted, or reported as missing.
  virtual Status status() const { return {}; }

  // A location of the blob in a packfile that counts, see above.
  virtual std::optional<BlobLocation> find(ResourceType type, const Mac& blob) const = 0;
  // All of them, for when one cannot be read.
  virtual std::vector<BlobLocation> find_all(ResourceType type, const Mac& blob) const = 0;
  // Those in known packfiles that are coloured, which count for nobody but maintenance: a blob that
  // a snapshot needs may have been coloured away by mistake.
  virtual std::vector<BlobLocation> find_coloured(ResourceType type, const Mac& blob) const = 0;
  bool has(ResourceType type, const Mac& blob) const { return find(type, blob).has_value(); }

  // Present ones, each once, in no order.
  virtual std::vector<SnapshotId> snapshots() const = 0;
  virtual bool has_packfile(const PackfileMac& packfile) const = 0;
  virtual std::optional<std::int64_t> find_colour(ResourceType type, const Mac& mac) const = 0;

  // The first error of `visit` ends the walk and is returned. No merge() meanwhile.
  virtual Status for_each_packfile(
      const std::function<Status(const PackfileEntry&)>& visit) const = 0;
  virtual Status for_each_coloured(
      const std::function<Status(const ColouredEntry&)>& visit) const = 0;
  // Every location, of unknown and coloured packfiles too.
  virtual Status for_each_location(
      const std::function<Status(const LocationEntry&)>& visit) const = 0;
};

// In what order states have to be applied: after their parents if these are among them, then
// by time, then by id. Those in a cycle come last.
struct StateOrderItem {
  StateId id;
  StateId parent;
  std::int64_t timestamp_ns = 0;
};
std::vector<StateId> order_states(std::span<const StateOrderItem> states);

}  // namespace plakar::kloset
