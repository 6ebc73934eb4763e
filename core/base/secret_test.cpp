#include "core/base/secret.h"

#include <doctest/doctest.h>

#include <sstream>
#include <type_traits>

namespace plakar {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(!Printable<Secret>);

TEST_SUITE("secret") {
  TEST_CASE("moving leaves nothing behind, and cloning is explicit") {
    Secret a("correct horse");
    Secret b = std::move(a);
    CHECK(a.empty());
    CHECK(b.reveal_text() == "correct horse");
    Secret c = b.clone();
    b = Secret("other");
    CHECK(c.reveal_text() == "correct horse");
    CHECK(b.reveal_text() == "other");
  }

  TEST_CASE("wiping overwrites") {
    Bytes bytes = to_bytes("secret");
    wipe(bytes);
    CHECK(bytes == Bytes(6));
  }

  TEST_CASE("constant-time comparison tells equal from different") {
    CHECK(equal_constant_time(as_bytes("abc"), as_bytes("abc")));
    CHECK_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("abd")));
    CHECK_FALSE(equal_constant_time(as_bytes("abc"), as_bytes("ab")));
    CHECK(equal_constant_time({}, {}));
  }
}

}  // namespace plakar
