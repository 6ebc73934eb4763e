// Regular expressions from users and schemas, in time linear in the text and in bounded
// memory, whatever the expression: RE2's syntax, without back-references and look-around.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "core/base/result.h"

namespace re2 {
class RE2;
}

namespace plakar {

// Matching may be done by any number of threads at once.
class Pattern {
 public:
  static constexpr std::size_t text_bytes_max = 4096;

  // A longer or malformed text, or one whose automaton needs more memory than is allowed, is
  // Errc::invalid_argument.
  static Result<Pattern> compile(std::string_view text);

  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // Whether some part of `text` matches, as JSON Schema wants; ^ and $ are its ends.
  bool matches(std::string_view text) const;

 private:
  explicit Pattern(std::unique_ptr<const re2::RE2> expression) noexcept;

  std::unique_ptr<const re2::RE2> expression_;
};

}  // namespace plakar
