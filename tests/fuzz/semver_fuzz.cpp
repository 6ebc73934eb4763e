// Any text as a version and as a range, and versions against each other: what is read is
// written as it was, order is total, and a range agrees with itself.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/codec/semver.h"

namespace plakar {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Result<codec::Version> lenient(std::string_view text) {
  return codec::parse_version(text, codec::VersionForm::lenient);
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  // Three lines: a range, or a version, and two versions.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string_view lines[3];
  for (std::string_view& line : lines) {
    line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }

  if (const auto full = codec::parse_version(lines[0])) {
    require(full->text() == lines[0]);
    const auto exactly = codec::VersionRange::parse("=" + full->text());
    require(exactly.has_value() && exactly->contains(*full));
    require(codec::parse_version("v" + full->text(), codec::VersionForm::with_v) == *full);
  }

  const auto a = lenient(lines[1]);
  const auto b = lenient(lines[2]);
  if (!a || !b) return 0;
  require((*a <=> *b) == (0 <=> (*b <=> *a)));
  require(codec::parse_version(a->text()) == *a);

  const auto range = codec::VersionRange::parse(lines[0]);
  if (!range) {
    require(range.error().code() == Errc::invalid_argument);
    return 0;
  }
  for (const auto* version : {&*a, &*b}) {
    const bool named = range->contains(*version);
    const bool all = range->contains(*version, codec::Prereleases::all);
    require(!named || all);
    require(version->is_prerelease() || named == all);
  }
  return 0;
}
