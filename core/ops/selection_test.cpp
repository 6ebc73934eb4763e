#include "core/ops/selection.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.h"

namespace plakar::ops {
namespace {

using kloset::SnapshotHeader;

UnixTime at(std::string_view text) { return parse_rfc3339(text).value(); }

const UnixTime now = at("2026-11-24T12:00:00Z");  // a Tuesday

SnapshotHeader snapshot(std::string_view time, std::vector<std::string> tags = {},
                        std::string name = {}) {
  static std::uint8_t next = 0;
  SnapshotHeader header;
  header.identifier.bytes[0] = std::byte{++next};
  header.timestamp = at(time);
  header.tags = std::move(tags);
  header.name = std::move(name);
  header.sources.resize(1);
  header.sources[0].importer = {.type = "fs", .origin = "vm", .directory = "/home"};
  return header;
}

// One line for each: the time up to the minute, "keep" or "delete", why.
std::vector<std::string> plan(const std::vector<SnapshotHeader>& headers,
                              const SnapshotQuery& query) {
  std::vector<std::string> lines;
  for (const SelectedSnapshot& selected : select_snapshots(headers, query, now)) {
    lines.push_back(format_rfc3339(headers[selected.index].timestamp).substr(0, 16) +
                    (selected.verdict.keep() ? " keep " : " delete ") +
                    to_string(selected.verdict));
  }
  return lines;
}

SnapshotQuery rule(Period period, std::uint64_t keep, std::uint64_t cap) {
  SnapshotQuery query;
  query.retention[period] = {.keep = keep, .cap = cap};
  return query;
}

bool accepts(const SnapshotFilter& filter, const SnapshotHeader& header) {
  return filter.matches(header);
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_SUITE("selection") {
  TEST_CASE("without a rule everything that matches is kept, newest first") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-01-02T00:00:00Z"),
                                                 snapshot("2026-01-04T00:00:00Z"),
                                                 snapshot("2026-01-03T00:00:00Z")};
    CHECK(plan(headers, {}) == Lines{"2026-01-04T00:00 keep reason=matched filters",
                                     "2026-01-03T00:00 keep reason=matched filters",
                                     "2026-01-02T00:00 keep reason=matched filters"});
    SnapshotQuery latest;
    latest.filter.latest = true;
    CHECK(plan(headers, latest) == Lines{"2026-01-04T00:00 keep reason=matched filters"});
    CHECK(plan({}, latest).empty());
  }

  TEST_CASE("days are those of the calendar and not the last 24 hours") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-11-24T00:00:00Z"),
                                                 snapshot("2026-11-23T23:59:59Z")};
    CHECK(plan(headers, rule(Period::day, 1, 0)) ==
          Lines{"2026-11-24T00:00 keep match=day:2026-11-24 rank=1 cap=0",
                "2026-11-23T23:59 delete reason=outside retention windows"});
    CHECK(plan(headers, rule(Period::day, 2, 0))[1] ==
          "2026-11-23T23:59 keep match=day:2026-11-23 rank=1 cap=0");
  }

  TEST_CASE("a cap without a window counts in every bucket") {
    const std::vector<SnapshotHeader> headers = {
        snapshot("2026-11-24T10:00:00Z"), snapshot("2026-11-24T09:00:00Z"),
        snapshot("2020-01-01T10:00:00Z"), snapshot("2020-01-01T09:00:00Z")};
    CHECK(plan(headers, rule(Period::day, 0, 1)) ==
          Lines{"2026-11-24T10:00 keep match=day:2026-11-24 rank=1 cap=1",
                "2026-11-24T09:00 delete match=day:2026-11-24 rank=2 cap=1",
                "2020-01-01T10:00 keep match=day:2020-01-01 rank=1 cap=1",
                "2020-01-01T09:00 delete match=day:2020-01-01 rank=2 cap=1"});
  }

  TEST_CASE("a weekday counts back from the last such day") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-11-24T10:00:00Z"),   // Tuesday
                                                 snapshot("2026-11-23T10:00:00Z"),   // Monday
                                                 snapshot("2026-11-18T10:00:00Z"),   // Wednesday
                                                 snapshot("2026-11-11T10:00:00Z")};  // Wednesday
    CHECK(plan(headers, rule(Period::wednesday, 1, 0)) ==
          Lines{"2026-11-24T10:00 delete reason=outside retention windows",
                "2026-11-23T10:00 delete reason=outside retention windows",
                "2026-11-18T10:00 keep match=wednesday:2026-W47-wednesday rank=1 cap=0",
                "2026-11-11T10:00 delete reason=outside retention windows"});
  }

  TEST_CASE("what any rule keeps is kept") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-11-24T10:00:00Z"),
                                                 snapshot("2026-11-23T10:00:00Z"),
                                                 snapshot("2026-11-22T10:00:00Z")};
    SnapshotQuery query = rule(Period::day, 1, 0);
    query.retention[Period::week] = {.keep = 0, .cap = 1};
    CHECK(plan(headers, query) == Lines{"2026-11-24T10:00 keep match=day:2026-11-24 rank=1 cap=0",
                                        "2026-11-23T10:00 delete match=week:2026-W48 rank=2 cap=1",
                                        "2026-11-22T10:00 keep match=week:2026-W47 rank=1 cap=1"});
  }

  TEST_CASE("the rule that keeps with the best rank is reported") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-10-01T09:00:00Z"),
                                                 snapshot("2026-09-30T12:00:00Z"),
                                                 snapshot("2026-09-30T11:00:00Z")};
    SnapshotQuery query = rule(Period::week, 0, 5);
    query.retention[Period::month] = {.keep = 0, .cap = 1};
    // The month gives the third one a better rank, but does not keep it.
    CHECK(plan(headers, query) == Lines{"2026-10-01T09:00 keep match=week:2026-W40 rank=1 cap=5",
                                        "2026-09-30T12:00 keep match=month:2026-09 rank=1 cap=1",
                                        "2026-09-30T11:00 keep match=week:2026-W40 rank=3 cap=5"});
    query.retention[Period::week] = {.keep = 0, .cap = 2};
    CHECK(plan(headers, query)[2] == "2026-09-30T11:00 delete match=month:2026-09 rank=2 cap=1");
    query.retention[Period::week] = {.keep = 0, .cap = 3};
    query.retention[Period::month] = {.keep = 5, .cap = 2};
    CHECK(plan(headers, query)[2] == "2026-09-30T11:00 keep match=month:2026-09 rank=2 cap=2");
  }

  TEST_CASE("a snapshot is kept if any of its groups keeps it") {
    const std::vector<SnapshotHeader> headers = {
        snapshot("2026-11-24T10:00:00Z", {"a", "b"}), snapshot("2026-11-24T09:00:00Z", {"a"}),
        snapshot("2026-11-24T08:00:00Z"), snapshot("2026-11-24T07:00:00Z", {"c", "a", "c"}),
        snapshot("2026-11-24T06:00:00Z")};
    SnapshotQuery query = rule(Period::day, 0, 1);
    query.group_by = GroupKey::tag;
    CHECK(plan(headers, query) ==
          Lines{"2026-11-24T10:00 keep match=day:2026-11-24 rank=1 cap=1",
                "2026-11-24T09:00 delete match=day:2026-11-24 rank=2 cap=1",
                "2026-11-24T08:00 keep match=day:2026-11-24 rank=1 cap=1",
                "2026-11-24T07:00 keep match=day:2026-11-24 rank=1 cap=1",
                "2026-11-24T06:00 delete match=day:2026-11-24 rank=2 cap=1"});
    query.group_by = GroupKey::root;
    CHECK(std::ranges::count_if(plan(headers, query), [](const std::string& line) {
            return line.find(" keep ") != std::string::npos;
          }) == 1);
  }

  TEST_CASE("a snapshot from the future is not outside of a window") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-11-25T00:00:01Z"),
                                                 snapshot("2026-11-23T10:00:00Z")};
    CHECK(plan(headers, rule(Period::day, 1, 1)) ==
          Lines{"2026-11-25T00:00 keep match=day:2026-11-25 rank=1 cap=1",
                "2026-11-23T10:00 delete reason=outside retention windows"});
  }

  TEST_CASE("what the filter rejects is neither kept nor deleted, nor counted") {
    const std::vector<SnapshotHeader> headers = {snapshot("2026-11-24T10:00:00Z", {}, "x"),
                                                 snapshot("2026-11-24T09:00:00Z", {}, "y")};
    SnapshotQuery query = rule(Period::day, 0, 1);
    query.filter.name = "y";
    CHECK(plan(headers, query) == Lines{"2026-11-24T09:00 keep match=day:2026-11-24 rank=1 cap=1"});
  }

  TEST_CASE("settings mean what they say at that time") {
    config::QuerySettings settings{.name = "n", .tags = {"a"}, .ignore_tags = {"b"}};
    settings.since = {"1d", "2020-01-01T00:00:00Z"};
    settings.before = {"2026-11-24", ""};
    settings.retention[Period::day] = {.keep = 7, .cap = 1};
    settings.group_by = "data-class";
    const SnapshotQuery query = make_query(settings, now).value();
    CHECK(query.filter.name == "n");
    CHECK(query.filter.tags == Lines{"a"});
    CHECK(query.filter.ignored_tags == Lines{"b"});
    CHECK(query.filter.since == at("2026-11-23T12:00:00Z"));
    CHECK(query.filter.before == at("2026-11-24T00:00:00Z"));
    CHECK(query.retention == settings.retention);
    CHECK(query.group_by == GroupKey::data_class);
    settings.group_by = "x";
    CHECK(make_query(settings, now).error().message() == "group_by: \"x\" is nothing to group by");
    settings.since.text = "soon";
    settings.group_by.clear();
    CHECK(make_query(settings, now).error().message() == "since: invalid time format: \"soon\"");
  }

  TEST_CASE("each field of a filter is looked at") {
    SnapshotHeader header = snapshot("2026-11-24T10:00:00.5Z", {"a", "b"}, "n");
    header.category = "c";
    header.environment = "e";
    header.perimeter = "p";
    header.job = "j";
    header.dataset = "d";
    header.data_classes = {"k", "l"};
    header.identifier = SnapshotId::parse("abcd" + std::string(60, '0')).value();

    CHECK(accepts({}, header));
    CHECK(accepts({.name = "n", .category = "c", .environment = "e"}, header));
    CHECK(accepts({.perimeter = "p", .job = "j", .dataset = "d"}, header));
    CHECK_FALSE(accepts({.name = "N"}, header));
    CHECK_FALSE(accepts({.category = "x"}, header));
    CHECK_FALSE(accepts({.environment = "x"}, header));
    CHECK_FALSE(accepts({.perimeter = "x"}, header));
    CHECK_FALSE(accepts({.job = "x"}, header));
    CHECK_FALSE(accepts({.dataset = "x"}, header));

    CHECK(accepts({.tags = {"a", "b"}}, header));
    CHECK_FALSE(accepts({.tags = {"a", "c"}}, header));
    CHECK(accepts({.ignored_tags = {"c"}}, header));
    CHECK_FALSE(accepts({.ignored_tags = {"c", "a"}}, header));
    CHECK(accepts({.roots = {"/home"}}, header));
    CHECK_FALSE(accepts({.roots = {"/home/"}}, header));
    CHECK_FALSE(accepts({.roots = {"/home", "/x"}}, header));
    CHECK(accepts({.origins = {"x", "vm"}}, header));
    CHECK_FALSE(accepts({.origins = {"x"}}, header));
    CHECK(accepts({.types = {"s3", "fs"}}, header));
    CHECK_FALSE(accepts({.types = {"FS"}}, header));
    CHECK(accepts({.data_classes = {"x", "l"}}, header));
    CHECK_FALSE(accepts({.data_classes = {"x"}}, header));
    CHECK(accepts({.ids = {"x", "abc"}}, header));
    CHECK_FALSE(accepts({.ids = {"abd"}}, header));

    CHECK(accepts({.before = at("2026-11-24T10:00:00.5Z")}, header));
    CHECK_FALSE(accepts({.before = at("2026-11-24T10:00:00.4Z")}, header));
    CHECK(accepts({.since = at("2026-11-24T10:00:00.5Z")}, header));
    CHECK_FALSE(accepts({.since = at("2026-11-24T10:00:00.6Z")}, header));
  }
}

// The rules again, said as simply as possible: buckets are texts, and a window is the set of
// the texts that stepping back from now yields.
namespace {

std::string key_of(Period period, UnixTime time) {
  const auto bucket = bucket_of(period, time);
  return bucket ? to_string(*bucket) : std::string();
}

std::set<std::string> window(Period period, std::uint64_t keep) {
  std::set<std::string> keys;
  constexpr std::int64_t day = 86'400;
  const std::int64_t step = period == Period::minute ? 60 : period == Period::hour ? 3'600 : day;
  for (UnixTime time = now; keys.size() < keep; time.seconds -= step) {
    const std::string key = key_of(period, time);
    if (!key.empty()) keys.insert(key);
  }
  return keys;
}

std::set<std::size_t> kept_simply(const std::vector<SnapshotHeader>& headers,
                                  const SnapshotQuery& query) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < headers.size(); ++i) order.push_back(i);
  std::ranges::sort(order,
                    [&](std::size_t a, std::size_t b) { return is_newer(headers[a], headers[b]); });
  std::set<std::string> groups = {""};
  if (query.group_by == GroupKey::tag) {
    for (const SnapshotHeader& header : headers) {
      groups.insert(header.tags.begin(), header.tags.end());
    }
  }
  std::set<std::size_t> kept;
  for (const std::string& group : groups) {
    for (const Period period : periods) {
      const RetentionRule& rule = query.retention[period];
      if (!rule.is_set()) continue;
      const std::set<std::string> in_window = window(period, rule.keep);
      std::map<std::string, std::uint64_t> seen;
      for (const std::size_t i : order) {
        const std::vector<std::string>& tags = headers[i].tags;
        if (query.group_by == GroupKey::tag &&
            (group.empty() ? !tags.empty() : std::ranges::find(tags, group) == tags.end())) {
          continue;
        }
        const std::string key = key_of(period, headers[i].timestamp);
        if (key.empty() || (rule.keep > 0 && !in_window.contains(key))) continue;
        if (++seen[key] <= rule.cap || rule.cap == 0) kept.insert(i);
      }
    }
  }
  return kept;
}

std::set<std::size_t> kept(const std::vector<SnapshotHeader>& headers, const SnapshotQuery& query) {
  std::set<std::size_t> indices;
  for (const SelectedSnapshot& selected : select_snapshots(headers, query, now)) {
    if (selected.verdict.keep()) indices.insert(selected.index);
  }
  return indices;
}

class RandomQueries {
 public:
  explicit RandomQueries(std::uint32_t seed) : random_(seed) {}

  std::uint64_t number(std::uint64_t end) {
    return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_);
  }

  std::vector<SnapshotHeader> headers() {
    std::vector<SnapshotHeader> headers(number(60));
    // Some stand close together, so that buckets have several and ranks differ.
    const std::uint64_t span = std::uint64_t{1} << (8 + number(20));
    for (SnapshotHeader& header : headers) {
      for (std::byte& byte : header.identifier.bytes) byte = static_cast<std::byte>(number(256));
      header.timestamp = {now.seconds - static_cast<std::int64_t>(number(span)), 0};
      for (const char* tag : {"a", "b", "c"}) {
        if (number(3) == 0) header.tags.emplace_back(tag);
      }
      header.sources.resize(1);
    }
    return headers;
  }

  SnapshotQuery query() {
    SnapshotQuery query;
    do {
      const Period period = periods[number(periods.size())];
      query.retention[period] = {.keep = number(2) * number(20), .cap = number(2) * number(4)};
    } while (number(3) != 0 || !query.retention.is_set());
    if (number(2) == 0) query.group_by = GroupKey::tag;
    return query;
  }

 private:
  std::mt19937 random_;
};

}  // namespace

TEST_SUITE("selection, random") {
  TEST_CASE("the rules keep what they keep when they are said simply") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    RandomQueries random(seed);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const auto headers = random.headers();
      const auto query = random.query();
      REQUIRE(kept(headers, query) == kept_simply(headers, query));
    }
  }

  TEST_CASE("another rule, and a more generous one, never delete more") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    RandomQueries random(seed);
    for (int round = 0; round < 500; ++round) {
      CAPTURE(round);
      const auto headers = random.headers();
      const auto query = random.query();
      SnapshotQuery generous = query;
      const Period period = periods[random.number(periods.size())];
      RetentionRule& changed = generous.retention[period];
      if (!changed.is_set()) {
        changed = {.keep = random.number(5), .cap = 1 + random.number(5)};
      } else {
        if (changed.keep > 0) changed.keep += random.number(3);
        if (changed.cap > 0) changed.cap += random.number(3);
      }
      const auto before = kept(headers, query);
      const auto after = kept(headers, generous);
      REQUIRE(std::ranges::includes(after, before));
    }
  }

  TEST_CASE("each snapshot that matches has one verdict, and ranks are within caps") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    RandomQueries random(seed);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const auto headers = random.headers();
      SnapshotQuery query = random.query();
      query.filter.tags = {"a"};
      const auto selected = select_snapshots(headers, query, now);
      std::set<std::size_t> indices;
      for (std::size_t i = 0; i < selected.size(); ++i) {
        const auto& [index, verdict] = selected[i];
        REQUIRE(indices.insert(index).second);
        REQUIRE(query.filter.matches(headers[index]));
        if (i > 0) REQUIRE(is_newer(headers[selected[i - 1].index], headers[index]));
        if (verdict.reason == Reason::outside_windows) continue;
        const RetentionRule& rule = query.retention[verdict.bucket.period];
        REQUIRE(rule.is_set());
        REQUIRE(verdict.cap == rule.cap);
        REQUIRE(verdict.keep() == (rule.cap == 0 || verdict.rank <= rule.cap));
      }
      REQUIRE(indices.size() ==
              static_cast<std::size_t>(std::ranges::count_if(
                  headers, [&](const auto& header) { return query.filter.matches(header); })));
    }
  }
}

}  // namespace plakar::ops
