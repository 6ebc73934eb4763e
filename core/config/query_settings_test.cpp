#include "core/config/query_settings.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/text.h"

namespace plakar::config {
namespace {

const UnixTime now = parse_rfc3339("2026-06-27T10:00:00.5Z").value();

using Texts = std::vector<std::string>;

// The message of a failure, or "ok".
std::string set(QuerySettings& settings, std::string_view key, std::string_view value) {
  const QuerySettings before = settings;
  const Status status = set_setting(settings, key, value, now);
  if (status) return "ok";
  CHECK(settings == before);
  CHECK(status.error().code() == Errc::invalid_argument);
  return status.error().message();
}

}  // namespace

TEST_SUITE("query settings") {
  TEST_CASE("a date is kept as it was written, beside what it means now") {
    QuerySettings settings;
    CHECK(set(settings, "since", "3 months") == "ok");
    CHECK(settings.since == DateSetting{"3 months", "2026-03-29T10:00:00Z"});
    CHECK(set(settings, "before", "2026-01-14T05:06:07.5+02:00") == "ok");
    CHECK(settings.before == DateSetting{"2026-01-14T03:06:07.5Z", ""});
    CHECK(set(settings, "since", "") == "ok");
    CHECK(settings.since == DateSetting{});
    CHECK(set(settings, "since", "bad") == "invalid value: invalid time format: \"bad\"");
  }

  TEST_CASE("tags with an exclamation mark are ignored ones") {
    QuerySettings settings;
    CHECK(set(settings, "tags", "a, !b,,c ,!") == "ok");
    CHECK(settings.tags == Texts{"a", "c", "!"});
    CHECK(settings.ignore_tags == Texts{"b"});
    CHECK(set(settings, "tag", "x") == "ok");
    CHECK(settings.tags == Texts{"x"});
    CHECK(settings.ignore_tags == Texts{"b"});
    CHECK(set(settings, "ignore-tags", "") == "ok");
    CHECK(settings.ignore_tags.empty());
  }

  TEST_CASE("every key of policies.yml can be set, also by the name of its option") {
    QuerySettings settings;
    for (const std::string_view key :
         {"name", "category", "environment", "perimeter", "job", "dataset", "ids", "types",
          "origins", "roots", "data_classes", "ignore_tags"}) {
      CHECK(set(settings, key, "v") == "ok");
    }
    CHECK(settings.dataset == "v");
    CHECK(settings.data_classes == Texts{"v"});
    CHECK(settings.ignore_tags == Texts{"v"});
    CHECK(set(settings, "data-class", "a,b") == "ok");
    CHECK(settings.data_classes == Texts{"a", "b"});
    CHECK(set(settings, "root", "/x") == "ok");
    CHECK(settings.roots == Texts{"/x"});
    CHECK(set(settings, "group-by", "tag") == "ok");
    CHECK(set(settings, "group_by", "data-class") == "ok");
    CHECK(settings.group_by == "data-class");
    CHECK(set(settings, "group_by", "colour") ==
          "invalid value: \"colour\" is nothing to group by");
    CHECK(set(settings, "latest", "T") == "ok");
    CHECK(settings.latest);
    CHECK(set(settings, "latest", "maybe") == "invalid value: \"maybe\" is neither true nor false");
    CHECK(set(settings, "foo", "1") == "invalid key");
    CHECK(set(settings, "", "1") == "invalid key");
  }

  TEST_CASE("counts are of periods kept and of snapshots in each") {
    QuerySettings settings;
    CHECK(set(settings, "days", "7") == "ok");
    CHECK(set(settings, "per-day", "1") == "ok");
    CHECK(set(settings, "per-monday", "2") == "ok");
    CHECK(settings.retention[Period::day] == RetentionRule{.keep = 7, .cap = 1});
    CHECK(settings.retention[Period::monday] == RetentionRule{.keep = 0, .cap = 2});
    CHECK(set(settings, "days", "-1") == "negative value");
    CHECK(set(settings, "days", "-0") == "ok");
    CHECK(set(settings, "days", "x") == "invalid value: \"x\" is no number");
    CHECK(set(settings, "days", "") == "invalid value: \"\" is no number");
    CHECK(set(settings, "days", "--1") == "invalid value: \"--1\" is no number");
    CHECK(set(settings, "days", "0x10") == "invalid value: \"0x10\" is no number");
    CHECK(set(settings, "days", "99999999999999999999") ==
          "invalid value: \"99999999999999999999\" is out of range");
    CHECK(set(settings, "day", "1") == "invalid key");
    CHECK(set(settings, "per-days", "1") == "invalid key");
  }

  TEST_CASE("unsetting takes back, and ignores what it does not know") {
    QuerySettings settings;
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"since", "1d"},
                                                          {"name", "n"},
                                                          {"tags", "a"},
                                                          {"latest", "true"},
                                                          {"weeks", "3"},
                                                          {"per-week", "1"}}) {
      CHECK(set(settings, key, value) == "ok");
    }
    for (const char* key : {"since", "name", "tag", "latest", "weeks", "per-week", "foo"}) {
      unset_setting(settings, key);
    }
    CHECK(settings == QuerySettings());
  }

  TEST_CASE("an overlay replaces what it sets and nothing else") {
    QuerySettings settings{.name = "n", .tags = {"a", "b"}, .ignore_tags = {"x"}};
    settings.retention[Period::day] = {.keep = 7, .cap = 1};
    QuerySettings more{.tags = {"c"}, .latest = true, .data_classes = {"k"}, .group_by = "name"};
    more.since = {"1d", ""};
    more.retention[Period::day].cap = 2;
    overlay(settings, more);
    CHECK(settings.name == "n");
    CHECK(settings.tags == Texts{"c"});
    CHECK(settings.ignore_tags == Texts{"x"});
    CHECK(settings.latest);
    CHECK(settings.data_classes == Texts{"k"});
    CHECK(settings.group_by == "name");
    CHECK(settings.since.text == "1d");
    CHECK(settings.retention[Period::day] == RetentionRule{.keep = 7, .cap = 2});
  }
}

}  // namespace plakar::config
