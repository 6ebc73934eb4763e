#include "core/kloset/chunking/entropy.h"

#include <doctest/doctest.h>

namespace plakar::kloset {

TEST_SUITE("entropy") {
  TEST_CASE("it is 0 for one value, 8 for all equally often, and the stored bits for text") {
    CHECK(compute_entropy({}) == 0);
    CHECK(compute_entropy(Bytes(100'001, std::byte{7})) == 0);
    Bytes all;
    for (int i = 0; i < 256 * 5; ++i) all.push_back(static_cast<std::byte>(i));
    CHECK(compute_entropy(all) == 8);
    CHECK(compute_entropy(as_bytes("ab")) == 1);
    // As genuine Plakar stores it.
    const double text = compute_entropy(as_bytes("hello world\n"));
    CHECK(std::bit_cast<std::uint64_t>(text) == 0x40082d2b480691b2);
  }
}

}  // namespace plakar::kloset
