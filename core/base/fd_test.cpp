#include "core/base/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <type_traits>

namespace plakar {
namespace {

static_assert(!std::is_copy_constructible_v<Fd> && !std::is_copy_assignable_v<Fd>);

Fd open_null() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool is_open(int raw) { return ::fcntl(raw, F_GETFD) >= 0; }

}  // namespace

TEST_SUITE("fd") {
  TEST_CASE("a descriptor is closed with its owner, once") {
    int raw = -1;
    {
      Fd first = open_null();
      raw = first.get();
      REQUIRE(first);
      const Fd second = std::move(first);
      CHECK_FALSE(first);
      CHECK(second.get() == raw);
      CHECK(is_open(raw));
    }
    CHECK_FALSE(is_open(raw));
  }

  TEST_CASE("assigning lets go of the old one") {
    Fd first = open_null();
    const int raw = first.get();
    first = Fd();
    CHECK_FALSE(is_open(raw));
    CHECK_FALSE(first);
  }

  TEST_CASE("released is the caller's") {
    Fd first = open_null();
    const int raw = first.release();
    first = Fd();
    CHECK(is_open(raw));
    CHECK(::close(raw) == 0);
  }
}

}  // namespace plakar
