// Every text is a time or refused; a time is an instant or an interval before now.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/config/time_expression.h"

using namespace plakar;
using namespace plakar::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expression = TimeExpression::parse(text);
  if (!expression) {
    PLK_ASSERT(expression.error().code() == Errc::invalid_argument);
    PLK_ASSERT(expression.error().message().starts_with("invalid time format: \""));
    // What is a time to RFC 3339 is one here.
    PLK_ASSERT(!parse_rfc3339(text));
    return 0;
  }
  PLK_ASSERT(expression->text() == text);
  const UnixTime now{1'768'373'132, 250'000'000};
  const UnixTime later{now.seconds + 1, now.nanoseconds};
  const UnixTime at = expression->at(now);
  const UnixTime at_later = expression->at(later);
  PLK_ASSERT(at.nanoseconds < 1'000'000'000);
  if (expression->is_relative()) {
    PLK_ASSERT(at <= now);
    PLK_ASSERT(at_later.seconds == at.seconds + 1 && at_later.nanoseconds == at.nanoseconds);
    return 0;
  }
  PLK_ASSERT(at == at_later && !expression->months_written_m());
  const auto plain = parse_rfc3339(text);
  PLK_ASSERT(!plain || *plain == at);
  const auto again = TimeExpression::parse(format_rfc3339(at, TimePrecision::nanoseconds));
  // An offset can lead out of the years that can be written.
  PLK_ASSERT(!again ? format_rfc3339(at).starts_with('@') : again->at(now) == at);
  return 0;
}
