#include "core/codec/compression.h"

#include <doctest/doctest.h>

namespace plakar::codec {

TEST_SUITE("compression") {
  TEST_CASE("every recorded name leads back to its algorithm") {
    for (Compression known : {Compression::lz4, Compression::gzip, Compression::zstd}) {
      auto found = compression_from_name(compression_name(known));
      REQUIRE(found);
      CHECK(*found == known);
    }
  }

  TEST_CASE("names are exact, and no unknown name means uncompressed") {
    for (const char* name : {"", "none", "lz4", "Lz4", "LZ4 ", "ZLIB", "zstd"}) {
      auto found = compression_from_name(name);
      REQUIRE_FALSE(found);
      CHECK(found.error().code() == Errc::unsupported);
    }
  }
}

}  // namespace plakar::codec
