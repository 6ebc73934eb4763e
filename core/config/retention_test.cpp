#include "core/config/retention.h"

#include <doctest/doctest.h>

namespace plakar::config {

TEST_SUITE("retention") {
  TEST_CASE("words of periods are read back") {
    for (const Period period : periods) CHECK(parse_period(to_string(period)) == period);
    CHECK_FALSE(parse_period("decade"));
    CHECK_FALSE(parse_period(""));
  }

  TEST_CASE("words of groups are read back") {
    for (int i = 0; i <= static_cast<int>(GroupKey::root); ++i) {
      const auto key = static_cast<GroupKey>(i);
      CHECK(parse_group_key(to_string(key)) == key);
    }
    CHECK(to_string(GroupKey::data_class) == "data-class");
    CHECK_FALSE(parse_group_key("colour"));
  }

  TEST_CASE("rules are set when one of them keeps or caps") {
    Retention rules;
    CHECK_FALSE(rules.is_set());
    rules[Period::year].cap = 1;
    CHECK(rules.is_set());
    rules[Period::year] = {.keep = 1, .cap = 0};
    CHECK(rules.is_set());
  }
}

}  // namespace plakar::config
