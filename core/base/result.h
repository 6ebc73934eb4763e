#pragma once

#include <tl/expected.hpp>

#include <type_traits>
#include <utility>

#include "core/base/error.h"

namespace plakar {

// A value, or the reason there is none. Ignoring one is a compile error.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(tl::expected<T, Error>&& other) : tl::expected<T, Error>(std::move(other)) {}
  Result(Error error) : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}

  // Moves the value out; the caller has checked that there is one.
  T take() && {
    if constexpr (!std::is_void_v<T>) return *std::move(*this);
  }
};
using Status = Result<void>;

}  // namespace plakar

// Yields the value of `expr`, or returns its error from the enclosing function.
// GNU statement expression: the supported compilers are GCC and Clang.
#define PLK_TRY(expr) PLK_TRY_NAMED(expr, PLK_UNIQUE(plk_result))

// The same, saying what was being attempted. `doing` is evaluated on failure only.
#define PLK_TRY_CONTEXT(expr, doing) PLK_TRY_CONTEXT_NAMED(expr, doing, PLK_UNIQUE(plk_result))

// Each use has a name of its own, so that one may stand inside another.
#define PLK_JOIN_EXPANDED(a, b) a##b
#define PLK_JOIN(a, b) PLK_JOIN_EXPANDED(a, b)
#define PLK_UNIQUE(name) PLK_JOIN(name, __COUNTER__)
#define PLK_TRY_NAMED(expr, result)     \
  __extension__({                       \
    auto result = (expr);               \
    if (!result) [[unlikely]]           \
      return std::move(result).error(); \
    std::move(result).take();           \
  })
#define PLK_TRY_CONTEXT_NAMED(expr, doing, result)     \
  __extension__({                                      \
    auto result = (expr);                              \
    if (!result) [[unlikely]]                          \
      return std::move(result).error().context(doing); \
    std::move(result).take();                          \
  })
