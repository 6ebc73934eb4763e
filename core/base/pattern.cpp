#include "core/base/pattern.h"

#include <re2/re2.h>
#include <re2/stringpiece.h>

#include "core/base/text.h"

namespace plakar {
namespace {

// For the program and the automata that matching builds. When it is used up, matching goes
// on with an algorithm that is slower, and linear, too.
constexpr std::int64_t memory_bytes_max = 1 << 20;

// RE2's own view of text: its class in one release, in another one of Abseil's, and neither
// takes a std::string_view everywhere.
re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<Pattern> Pattern::compile(std::string_view text) {
  if (text.size() > text_bytes_max) {
    return Error(Errc::invalid_argument,
                 "a pattern of more than " + std::to_string(text_bytes_max) + " bytes");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_bytes_max);
  auto expression = std::make_unique<const re2::RE2>(piece(text), options);
  if (!expression->ok()) {
    return Error(Errc::invalid_argument,
                 "the pattern " + escape(text) + ": " + escape(expression->error()));
  }
  return Pattern(std::move(expression));
}

Pattern::Pattern(std::unique_ptr<const re2::RE2> expression) noexcept
    : expression_(std::move(expression)) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

bool Pattern::matches(std::string_view text) const {
  return re2::RE2::PartialMatch(piece(text), *expression_);
}

}  // namespace plakar
