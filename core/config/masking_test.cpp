#include "core/config/masking.h"

#include <doctest/doctest.h>

namespace plakar::config {

TEST_SUITE("masking") {
  TEST_CASE("a secret name is one of the list, or ends in _ and one of it, in any case") {
    for (const char* key : {"passphrase", "PASSWORD", "access_key", "secret_access_key",
                            "db_password", "X_Token", "client_id", "ssh_private_key"}) {
      CAPTURE(key);
      CHECK(is_secret_name(key));
    }
    for (const char* key :
         {"location", "passphrase_cmd", "mypassword", "key", "tokens", "", "bypass", "password2"}) {
      CAPTURE(key);
      CHECK_FALSE(is_secret_name(key));
    }
  }

  TEST_CASE("a shown value gives away neither secrets nor passwords in URLs") {
    CHECK(masked_value("password", "x") == "********");
    CHECK(masked_value("password", "") == "********");
    CHECK(masked_value("location", "sftp://u:p@h/") == "sftp://u:********@h/");
    CHECK(masked_value("location", "/p@th") == "/p@th");
  }
}

}  // namespace plakar::config
