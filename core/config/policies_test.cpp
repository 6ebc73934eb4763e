#include "core/config/policies.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/text.h"

namespace plakar::config {
namespace {

constexpr std::string_view weekly = R"(version: v1.0.0
policies:
    weekly:
        filters:
            since: 2026-03-29T10:00:00Z
            since_expr: 3 months
            environment: prod
            tags:
                - db
                - "y"
            latest: true
        periods:
            week:
                keep: 12
                cap: 1
            month:
                cap: 1
            monday:
                keep: 2
        group_by: name
)";

PoliciesDocument parsed(std::string_view text) {
  return PoliciesDocument::parse(std::string(text), "policies.yml").value();
}

std::string refusal(std::string_view text) {
  const auto document = PoliciesDocument::parse(std::string(text), "f");
  return document ? "accepted" : document.error().message();
}

Policy sample() {
  Policy policy{.name = "weekly", .settings = {.environment = "prod", .tags = {"db", "y"}}};
  policy.settings.since = {"3 months", "2026-03-29T10:00:00Z"};
  policy.settings.latest = true;
  policy.settings.group_by = "name";
  policy.settings.retention[Period::week] = {.keep = 12, .cap = 1};
  policy.settings.retention[Period::month] = {.keep = 0, .cap = 1};
  policy.settings.retention[Period::monday] = {.keep = 2, .cap = 0};
  return policy;
}

// The document's text after a policy's settings were changed.
template <class Change>
std::string changed(std::string_view text, const Change& change) {
  PoliciesDocument document = parsed(text);
  Policy policy = document.policies().front();
  change(policy.settings);
  const Status status = document.replace(policy);
  if (!status) return status.error().message();
  CHECK(document.find(policy.name).value() == policy);
  return document.text();
}

}  // namespace

TEST_SUITE("policies") {
  TEST_CASE("a new policy is written as genuine Plakar writes it") {
    PoliciesDocument document = parsed("");
    CHECK(document.policies().empty());
    CHECK(document.add(sample()));
    CHECK(document.text() == weekly);
    CHECK(parsed(document.text()).find("weekly").value() == sample());
    CHECK(document.add({.name = "a"}));
    CHECK(document.text() == std::string(weekly).insert(26, "    a: {}\n"));
    CHECK(document.add({.name = "a"}).error().message() == "policy \"a\" already exists");
    CHECK(document.add({.name = ""}).error().message() == "name is empty");
  }

  TEST_CASE("one is shown in YAML and in JSON") {
    CHECK(render_yaml({.name = "a"}) == "a: {}\n");
    CHECK(render_json({.name = "a"}) == "{\"a\":{}}\n");
    CHECK(render_json(sample()) ==
          R"({"weekly":{"filters":{"since":"2026-03-29T10:00:00Z","since_expr":"3 months",)"
          R"("environment":"prod","tags":["db","y"],"latest":true},"periods":{"week":{"keep":12,)"
          R"("cap":1},"month":{"cap":1},"monday":{"keep":2}},"group_by":"name"}})"
          "\n");
    CHECK(render_yaml({.name = "a b", .settings = {.name = "true", .roots = {"/x"}}}) == R"(a b:
    filters:
        name: "true"
        roots:
            - /x
)");
  }

  TEST_CASE("a change leaves everything else as it was written") {
    constexpr std::string_view text = R"(# ours
version: v1.0.0
policies:
  b: {periods: {day: {keep: 7}}}   # short
  a:
    # why
    filters:
      tags: [x, 'y']  # of databases
      unknown: 1
    periods:
      week: {keep: 12}  # a quarter
other: [1]
)";
    CHECK(parsed(text).policies().size() == 2);
    PoliciesDocument document = parsed(text);
    Policy a = document.find("a").value();
    CHECK(a.settings.tags == std::vector<std::string>{"x", "y"});
    a.settings.retention[Period::week].keep = 13;
    a.settings.retention[Period::day].cap = 1;
    a.settings.name = "nightly";
    REQUIRE(document.replace(a));
    CHECK(document.text() == R"(# ours
version: v1.0.0
policies:
  b: {periods: {day: {keep: 7}}}   # short
  a:
    # why
    filters:
      name: nightly
      tags: [x, 'y']  # of databases
      unknown: 1
    periods:
      day:
        cap: 1
      week: {keep: 13}  # a quarter
other: [1]
)");
    Policy b = document.find("b").value();
    b.settings.group_by = "tag";
    b.settings.tags = {"q"};
    REQUIRE(document.replace(b));
    CHECK(document.find("b").value() == b);
    REQUIRE(document.remove("b"));
    CHECK(document.text().find("# why") != std::string::npos);
    CHECK(document.policies().size() == 1);
    CHECK(document.remove("b").error().message() == "policy \"b\" does not exist");
    CHECK(document.replace(b).error().message() == "policy \"b\" does not exist");
    CHECK(document.find("b").error().message() == "policy \"b\" not found");
  }

  TEST_CASE("what becomes empty goes with what is in it") {
    CHECK(changed(weekly, [](QuerySettings& settings) { settings = {}; }) ==
          "version: v1.0.0\npolicies:\n    weekly: {}\n");
    CHECK(
        changed(weekly,
                [](QuerySettings& settings) {
                  settings.retention = {};
                  settings.retention[Period::month].cap = 2;
                })
            .find(
                "        periods:\n            month:\n                cap: 2\n        group_by") !=
        std::string::npos);
  }

  TEST_CASE("a list is replaced as a whole and keeps its place") {
    CHECK(changed(weekly, [](QuerySettings& settings) { settings.tags = {"a", "!b"}; })
              .find("environment: prod\n            tags:\n                - a\n"
                    "                - '!b'\n            latest") != std::string::npos);
  }

  TEST_CASE("what is written as empty is replaced where it stands") {
    CHECK(changed("policies:\n  a:\n    filters:\n      name: ''\n      tags: []\n"
                  "      latest: false\n",
                  [](QuerySettings& settings) {
                    settings.name = "nightly";
                    settings.tags = {"x"};
                    settings.latest = true;
                  }) ==
          "version: v1.0.0\npolicies:\n  a:\n    filters:\n      name: nightly\n"
          "      tags:\n        - x\n      latest: true\n");
  }

  TEST_CASE("an interval is written beside its instant, and taken back with it") {
    const std::string absolute = changed(
        weekly, [](QuerySettings& settings) { settings.since = {"2026-01-01T00:00:00Z", ""}; });
    CHECK(absolute.find("since: 2026-01-01T00:00:00Z\n            environment") !=
          std::string::npos);
    CHECK(absolute.find("since_expr") == std::string::npos);
    CHECK(changed(absolute, [](QuerySettings& settings) {
            settings.since = {"3 months", "2026-03-29T10:00:00Z"};
          }) == weekly);
    CHECK(changed(weekly, [](QuerySettings& settings) { settings.since = {}; }).find("since") ==
          std::string::npos);
  }

  TEST_CASE("an interval alone, as somebody may write it, is understood and can be taken back") {
    constexpr std::string_view text =
        "policies:\n    a:\n        filters:\n            before_expr: 1 year\n";
    CHECK(parsed(text).find("a").value().settings.before == DateSetting{"1 year", ""});
    CHECK(changed(text, [](QuerySettings& settings) { settings.before = {}; }) ==
          "version: v1.0.0\npolicies:\n    a: {}\n");
  }

  TEST_CASE("what is no list of policies is refused with its place") {
    CHECK(refusal("version: v2.0.0\n") ==
          "f:1:10: this program knows version v1.0.0 of this file, not \"v2.0.0\"");
    CHECK(refusal("- a\n") == "f:1:1: policies should be here");
    CHECK(refusal("policies: [a]\n") == "f:1:11: policies should be here");
    CHECK(refusal("policies: {a: 1}\n") == "f:1:15: the settings of \"a\" should be here");
    CHECK(refusal("policies: {a: {filters: 1}}\n") == "f:1:25: filters should have keys below it");
    CHECK(refusal("policies: {a: {filters: {tags: x}}}\n") == "f:1:32: tags should be a list");
    CHECK(refusal("policies: {a: {filters: {tags: [[x]]}}}\n") ==
          "f:1:33: tags should be a list of texts");
    CHECK(refusal("policies: {a: {filters: {name: [x]}}}\n") ==
          "f:1:32: name should be a single text");
    CHECK(refusal("policies: {a: {filters: {latest: 1}}}\n") ==
          "f:1:34: latest should be true or false");
    CHECK(refusal("policies: {a: {filters: {since: 3 months}}}\n") ==
          "f:1:33: since should be a date");
    CHECK(refusal("policies: {a: {filters: {since_expr: soon}}}\n") ==
          "f:1:38: since_expr should be an interval, such as 3 months");
    CHECK(refusal("policies: {a: {periods: {day: {keep: -1}}}}\n") ==
          "f:1:38: keep should be a number");
    CHECK(refusal("policies: {a: {periods: {day: {cap: x}}}}\n") ==
          "f:1:37: cap should be a number");
    CHECK(refusal("policies: {a: {periods: {day: {cap: 99999999999999999999}}}}\n") ==
          "f:1:37: cap should be a number");
    CHECK(refusal("policies: {a: {}, a: {}}\n") != "accepted");
  }

  TEST_CASE("nothing, null and unknown keys are as if they were not there") {
    CHECK(parsed("# nothing\n").policies().empty());
    CHECK(parsed("version: v1.0.0\n").policies().empty());
    CHECK(parsed("policies:\n").policies().empty());
    const auto document =
        parsed("policies:\n    a:\n        filters:\n        periods: {decade: {keep: 1}}\n");
    CHECK(document.find("a").value() == Policy{.name = "a"});
  }

  TEST_CASE("what an alias shares is not changed for both") {
    constexpr std::string_view text =
        "version: v1.0.0\npolicies:\n    a: &a\n        group_by: tag\n    b: *a\n";
    PoliciesDocument document = parsed(text);
    CHECK(document.find("b").value().settings.group_by == "tag");
    for (const char* name : {"a", "b"}) {
      Policy policy = document.find(name).value();
      policy.settings.group_by = "root";
      CHECK(document.replace(policy).error().code() == Errc::unsupported);
    }
    CHECK(document.text() == text);
  }
}

}  // namespace plakar::config
