#include "core/config/directories.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace plakar::config {
namespace {

EnvironmentLookup environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

}  // namespace

TEST_SUITE("directories") {
  TEST_CASE("XDG variables win over HOME, and HOME over the account database") {
    auto found = find_directories(environment({{"HOME", "/home/u"}, {"XDG_CACHE_HOME", "/fast/"}}),
                                  "/account");
    REQUIRE(found);
    CHECK(found->config == "/home/u/.config/plakar");
    CHECK(found->cache == "/fast/plakar");
    CHECK(found->data == "/home/u/.local/share/plakar");

    found = find_directories(environment({{"HOME", ""}}), "/account");
    REQUIRE(found);
    CHECK(found->config == "/account/.config/plakar");
  }

  TEST_CASE("a relative XDG directory is ignored") {
    auto found = find_directories(environment({{"HOME", "/h"}, {"XDG_CONFIG_HOME", "conf"}}), {});
    REQUIRE(found);
    CHECK(found->config == "/h/.config/plakar");
  }

  TEST_CASE("an override is taken as it is") {
    auto found =
        find_directories(environment({}), {}, {.config = "c", .cache = "/tmp/x/", .data = "."});
    REQUIRE(found);
    CHECK(found->config == "c");
    CHECK(found->cache == "/tmp/x/");
    CHECK(found->data == ".");
  }

  TEST_CASE("without any home directory there is no directory") {
    auto found = find_directories(environment({}), {});
    REQUIRE_FALSE(found);
    CHECK(found.error().code() == Errc::not_found);
    CHECK(found.error().message() ==
          "neither XDG_CONFIG_HOME nor HOME is set, and the account has no home directory");
  }

  TEST_CASE("the default store is in the account's home") {
    CHECK(default_store_location("/root") == "fs:/root/.plakar");
    CHECK(account_home().has_value());
  }
}

}  // namespace plakar::config
