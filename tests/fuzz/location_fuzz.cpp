// Every text is a location. Input: location, newline, path of an override.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/assert.h"
#include "core/config/location.h"
#include "core/config/masking.h"

using namespace plakar::config;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), size);
  const std::string_view text = input.substr(0, line);
  const std::string_view path = input.substr(std::min(line + 1, size));

  const Location location = parse_location(text);
  PLK_ASSERT(text.ends_with(location.rest));
  PLK_ASSERT(location.has_scheme || location.rest == text);
  const Location again = parse_location(location.to_string());
  PLK_ASSERT(again.scheme == location.scheme && again.rest == location.rest);

  const Location absolute = make_absolute(location, "/work");
  PLK_ASSERT(absolute.rest.starts_with('/'));
  PLK_ASSERT(make_absolute(absolute, "/other") == absolute);

  const std::string cleaned = clean_path(text);
  PLK_ASSERT(clean_path(cleaned) == cleaned);
  PLK_ASSERT(cleaned.size() <= std::max<std::size_t>(text.size(), 1));

  const std::string overridden = override_root(text, path);
  PLK_ASSERT(overridden.starts_with(text.substr(0, text.size() - location.rest.size())));

  // Masking twice changes nothing. (Stripping may: `x:@//u@h` becomes `x://u@h`.)
  (void)strip_user_info(text);
  const std::string masked = mask_passwords(text);
  PLK_ASSERT(mask_passwords(masked) == masked);

  if (const auto reference = parse_reference(text)) {
    PLK_ASSERT(reference->name.find(':') == std::string::npos);
  }
  return 0;
}
