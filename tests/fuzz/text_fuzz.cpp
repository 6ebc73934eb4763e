// Text from outside: names to be printed, times and identifiers to be read, log lines with
// secrets in them. Properties, not only the absence of crashes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/id.h"
#include "core/base/pattern.h"
#include "core/base/redactor.h"
#include "core/base/text.h"

using namespace plakar;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_one_printable_line(std::string_view text) {
  for (const char c : text) {
    const auto value = static_cast<unsigned char>(c);
    if (value < 0x20 || value == 0x7f) return false;
  }
  return is_utf8(text);
}

void check_escapes(std::string_view text) {
  require(is_one_printable_line(escape(text)));
  require(is_one_printable_line(escape_json(text)));
}

void check_readers(std::string_view text) {
  if (const auto time = parse_rfc3339(text)) {
    const std::string written = format_rfc3339(*time, TimePrecision::nanoseconds);
    // An offset can lead out of the years that have a form.
    if (!written.starts_with('@')) require(parse_rfc3339(written).value() == *time);
  }
  if (const auto id = Uuid::parse(text)) require(Uuid::parse(id->text()).value() == *id);
  if (const auto mac = Mac::parse(text)) require(Mac::parse(mac->hex()).value() == *mac);
}

void check_redactor(std::string_view secret, std::string_view text) {
  Redactor redactor;
  const auto registration = redactor.add(secret);
  for (const std::string& form : {std::string(secret), escape(secret), escape_json(secret)}) {
    std::string line(text);
    line.append(form).append(text);
    const std::string redacted = redactor.redact(line);
    // In a URL, what is put in its place may go with the user information.
    const bool has_url = line.find("://") != std::string::npos;
    if (secret.size() < Redactor::secret_bytes_min || has_url) continue;
    require(redacted.find(Redactor::replacement) != std::string::npos);
    // What is put in its place can complete a secret made to do so.
    if (secret.find_first_of("[]redact") == std::string_view::npos) {
      require(redacted.find(secret) == std::string::npos);
    }
  }
  strip_user_info(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t text_bytes_max = 2000;
  if (size > text_bytes_max) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_escapes(text);
  check_readers(text);
  const std::size_t middle = std::min(text.find('\n'), text.size());
  if (middle < 200) {
    check_redactor(text.substr(0, middle), text.substr(std::min(middle + 1, text.size())));
  }
  if (const auto pattern = Pattern::compile(text.substr(0, middle))) {
    static_cast<void>(pattern->matches(text.substr(std::min(middle + 1, text.size()))));
  }
  return 0;
}
