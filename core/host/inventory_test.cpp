#include "core/host/inventory.h"

#include <doctest/doctest.h>

#include "core/host/secret_provider.h"
#include "core/host/testing/test_host.h"

namespace plakar::host {
namespace {

std::shared_ptr<Instance> instance_of(std::uint32_t kind, std::string_view id,
                                      const testing::Trouble& trouble = {}) {
  auto instance = testing::open_memory(testing::load_module(PLK_HOST_MODULES "/memory.so"), kind,
                                       id, "memory://x", {}, trouble);
  REQUIRE(instance);
  return *std::move(instance);
}

TEST_SUITE("inventories and secret providers of a module") {
  TEST_CASE("resources come with what is known of them, and end") {
    const auto inventory = adapt_inventory(instance_of(PLK_KIND_INVENTORY, "inventory"));
    std::vector<Resource> batch;
    REQUIRE(inventory->next(batch).value());
    REQUIRE(batch.size() == 1);
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(batch[0].urn == "urn:db:1");
    CHECK(batch[0].category == "database");
    CHECK(batch[0].tags == Pairs{{"team", "red"}});
    CHECK(batch[0].endpoints == Pairs{{"host", "db.example"}});
    CHECK(batch[0].error.empty());
    CHECK_FALSE(inventory->next(batch).value());
    CHECK(batch.empty());
    CHECK_FALSE(inventory->next(batch).value());
  }

  TEST_CASE("a listing that cannot be, or fails, is an error, and over") {
    for (const char* kind : {"lie", "fail"}) {
      CAPTURE(kind);
      const auto inventory = adapt_inventory(
          instance_of(PLK_KIND_INVENTORY, "inventory", {.kind = kind, .call = "list_next"}));
      std::vector<Resource> batch;
      CHECK_FALSE(inventory->next(batch));
      CHECK_FALSE(inventory->next(batch).value());
    }
  }

  TEST_CASE("a secret is found with its lifetime, or it is an error and never empty") {
    const auto provider = adapt_secret_provider(instance_of(PLK_KIND_SECRETS, "secrets"));
    const auto found = provider->find("known");
    REQUIRE(found);
    CHECK(found->value.reveal_text() == "sesame");
    CHECK(found->lifetime == std::chrono::seconds(60));
    CHECK(provider->find("unknown").error().code() == Errc::not_found);
  }
}

}  // namespace
}  // namespace plakar::host
