#include "core/ops/json_view.h"

#include <doctest/doctest.h>

namespace plakar::ops {
namespace {

TEST_SUITE("json view") {
  TEST_CASE("a store without encryption says null, and one with says how") {
    kloset::StoreConfig config = kloset::default_config();
    const codec::Json plain = to_json(config);
    REQUIRE(plain.find("encryption") != nullptr);
    CHECK(plain.find("encryption")->is_null());
    CHECK(plain.require_int64("version") == 65536);
    config.encryption.emplace();
    config.encryption->kdf = kloset::default_kdf("ARGON2ID").value();
    const codec::Json sealed = to_json(config);
    REQUIRE(sealed.at_pointer("/encryption/KDF_params/argon2id/Memory") != nullptr);
    CHECK(sealed.at_pointer("/encryption/KDF_params/argon2id/Memory")->as_int64() == 262144);
  }

  TEST_CASE("a name that is not UTF-8 is escaped, and a link has its target") {
    kloset::VfsEntry entry;
    entry.parent_path = "/a";
    entry.file_info.name = "\xff";
    entry.symlink_target = "b";
    const codec::Json json = to_json(entry, Mac{});
    CHECK(json.at_pointer("/file_info/name")->as_string() == "\\xff");
    CHECK(json.require_string("symlink_target") == "b");
    CHECK(json.find("object") == nullptr);
    CHECK(json.require_string("mac")->size() == 64);
  }

  TEST_CASE("the averages are those of a directory's own entries only") {
    const codec::Json json = to_json(kloset::Summary{});
    CHECK(json.at_pointer("/directory/avg_size") != nullptr);
    CHECK(json.at_pointer("/below/avg_size") == nullptr);
    CHECK(json.at_pointer("/below/size") != nullptr);
  }
}

}  // namespace
}  // namespace plakar::ops
