#include "core/crypto/internal/minisign_text.h"

#include <algorithm>

#include "core/base/base64.h"

namespace plakar::crypto::minisign_text {

Result<std::vector<std::string_view>> split(std::string_view text, std::size_t count,
                                            std::string_view what) {
  const auto wrong = [&] {
    return Error(Errc::invalid_argument, "not " + std::string(what) + " of minisign: it has " +
                                             std::to_string(count) + " lines");
  };
  if (text.size() > file_size_max) return wrong();
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    if (lines.size() == count) return wrong();
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (lines.size() != count) return wrong();
  return lines;
}

Status check_comment(std::string_view text, std::size_t size_max) {
  if (text.size() > size_max) {
    return Error(Errc::invalid_argument,
                 "a comment of minisign is longer than " + std::to_string(size_max) + " bytes");
  }
  const bool printable = std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
  if (!printable) {
    return Error(Errc::invalid_argument,
                 "a comment of minisign is one line without control characters");
  }
  return {};
}

Result<std::string> comment(std::string_view line, std::string_view prefix, std::size_t size_max) {
  if (!line.starts_with(prefix)) {
    return Error(Errc::invalid_argument,
                 "a line should start with \"" + std::string(prefix) + "\"");
  }
  line.remove_prefix(prefix.size());
  PLK_TRY(check_comment(line, size_max));
  return std::string(line);
}

std::string encode(BytesView value) {
  std::string out(base64_size(value.size()), ' ');
  base64_encode(value, out);
  return out;
}

}  // namespace plakar::crypto::minisign_text
