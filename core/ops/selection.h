// Which snapshots a command means: filters, and rules of retention. What `prune` deletes is
// decided here, and nowhere else.
//
//   1. A snapshot that the filter rejects takes no part: it is neither kept nor deleted.
//   2. Without a rule all the others are kept. With rules, each rule looks at each group by
//      itself, newest first:
//        keep = N     only the last N calendar periods count, the one that now is in included:
//                     one day is today, in UTC, and not 24 hours
//        keep = 0     all of them do
//        cap = N      in each of them the newest N are kept;  0: all of them
//   3. What any rule keeps in any group is kept.
//
// The windows of `keep` have no end: what is newer than now, because two clocks differ, is
// within them. Deleting it, as the reference does, deletes the newest snapshot.
//
// Pure functions over headers; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/config/query_settings.h"
#include "core/config/retention.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/snapshot/header.h"
#include "core/ops/calendar.h"

namespace plakar::ops {

// All that is set has to be true; empty text is unset.
struct SnapshotFilter {
  std::string name{};
  std::string category{};
  std::string environment{};
  std::string perimeter{};
  std::string job{};
  std::string dataset{};
  std::vector<std::string> tags{};          // all present
  std::vector<std::string> ignored_tags{};  // none present
  std::vector<std::string> roots{};         // all of them roots of the snapshot
  std::vector<std::string> origins{};       // one of them the origin of a source
  std::vector<std::string> types{};         // one of them the type of a source
  std::vector<std::string> data_classes{};  // one of them present
  std::vector<std::string> ids{};           // one of them the beginning of the identifier
  std::optional<UnixTime> before{};         // at that time or earlier
  std::optional<UnixTime> since{};          // at that time or later
  bool latest = false;                      // only the newest of what all of the above leaves

  // Of `latest` nothing, which is not about one snapshot.
  bool matches(const kloset::SnapshotHeader& header) const;
};

using config::GroupKey;
using config::Retention;
using config::RetentionRule;

struct SnapshotQuery {
  SnapshotFilter filter{};
  Retention retention{};
  GroupKey group_by = GroupKey::none;
};

// What settings mean at `now`. Errc::invalid_argument for a date or a group that is none, with
// the key in the message.
Result<SnapshotQuery> make_query(const config::QuerySettings& settings, UnixTime now);

enum class Reason : std::uint8_t {
  matched_filters,  // kept: there is no rule
  within_rule,      // kept by the rule
  over_cap,         // deleted: its bucket has enough newer ones
  outside_windows,  // deleted: in no bucket of any rule
};

// What became of a snapshot, and the rule that gives it the best rank: of those that keep it,
// else of those that do not.
struct Verdict {
  Reason reason = Reason::matched_filters;
  // Of the last two, and of the first nothing:
  Bucket bucket{};
  std::uint64_t rank = 0;  // in its bucket; the newest is 1
  std::uint64_t cap = 0;   // of the rule

  bool keep() const noexcept {
    return reason == Reason::matched_filters || reason == Reason::within_rule;
  }
};

// "match=day:2026-01-14 rank=1 cap=1", "reason=outside retention windows".
std::string to_string(const Verdict& verdict);

struct SelectedSnapshot {
  std::size_t index = 0;  // in the headers
  Verdict verdict{};
};

// Every snapshot that the filter accepts, newest first.
std::vector<SelectedSnapshot> select_snapshots(std::span<const kloset::SnapshotHeader> headers,
                                               const SnapshotQuery& query, UnixTime now);

// The same order for all: newest first, and of the same time by identifier.
bool is_newer_time(const kloset::SnapshotTime& a, const kloset::SnapshotTime& b) noexcept;
bool is_newer(const kloset::SnapshotHeader& a, const kloset::SnapshotHeader& b) noexcept;

}  // namespace plakar::ops
