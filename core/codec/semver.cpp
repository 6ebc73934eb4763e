#include "core/codec/semver.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/base/error.h"

namespace plakar::codec {
namespace {

constexpr std::size_t max_version_size = 256;
// So that the next version of any can be named.
constexpr std::uint64_t max_part = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_identifier_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}
bool is_number(std::string_view text) { return std::ranges::all_of(text, is_digit); }

// Cuts off and returns what is in front of the first `separator`; all, if there is none.
std::string_view cut(std::string_view& rest, std::string_view separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view front = rest.substr(0, at);
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + separator.size());
  return front;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

std::optional<std::uint64_t> parse_part(std::string_view text) {
  if (text.empty() || !is_number(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max_part - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

enum class LeadingZeros { allowed, refused };

// Identifiers with dots between them, of which none is empty.
bool are_identifiers(std::string_view text, LeadingZeros zeros) {
  if (text.empty() || text.back() == '.') return false;
  while (!text.empty()) {
    const std::string_view each = cut(text, ".");
    if (each.empty() || !std::ranges::all_of(each, is_identifier_char)) return false;
    if (zeros == LeadingZeros::refused && each.size() > 1 && each[0] == '0' && is_number(each)) {
      return false;
    }
  }
  return true;
}

// A version that may be shortened, and how many of its three parts are there.
struct Partial {
  Version version;
  int parts = 0;
};

// Without a `v`.
std::optional<Partial> parse_partial(std::string_view text) {
  Partial partial;
  Version& version = partial.version;
  if (const std::size_t plus = text.find('+'); plus != std::string_view::npos) {
    version.build = text.substr(plus + 1);
    if (!are_identifiers(version.build, LeadingZeros::allowed)) return std::nullopt;
    text = text.substr(0, plus);
  }
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    version.prerelease = text.substr(dash + 1);
    if (!are_identifiers(version.prerelease, LeadingZeros::refused)) return std::nullopt;
    text = text.substr(0, dash);
  }

  if (text.empty() || text.back() == '.') return std::nullopt;
  for (std::uint64_t* part : {&version.major, &version.minor, &version.patch}) {
    if (text.empty()) break;
    const auto value = parse_part(cut(text, "."));
    if (!value) return std::nullopt;
    *part = *value;
    ++partial.parts;
  }
  if (!text.empty()) return std::nullopt;
  const bool has_suffix = !version.prerelease.empty() || !version.build.empty();
  if (has_suffix && partial.parts < 3) return std::nullopt;
  return partial;
}

Error not_a_version(std::string_view text) {
  return Error(Errc::invalid_argument, "\"" + std::string(text.substr(0, max_version_size)) +
                                           "\" is not a semantic version");
}

std::strong_ordering compare_identifiers(std::string_view a, std::string_view b) {
  const bool a_is_number = is_number(a);
  const bool b_is_number = is_number(b);
  if (a_is_number != b_is_number) {
    return a_is_number ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  // Numbers of any length: without leading zeros the longer one is larger.
  if (a_is_number && a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

std::strong_ordering compare_prereleases(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return b.size() <=> a.size();  // A release is above them all.
  while (!a.empty() && !b.empty()) {
    const auto order = compare_identifiers(cut(a, "."), cut(b, "."));
    if (order != 0) return order;
  }
  return a.size() <=> b.size();
}

Version of(std::uint64_t major, std::uint64_t minor, std::uint64_t patch) {
  return Version{.major = major, .minor = minor, .patch = patch, .prerelease = {}, .build = {}};
}

// The first version, in order, of everything with the same numbers: its lowest pre-release.
Version start_of(Version version) {
  version.prerelease = "0";
  return version;
}

// The least version above all that start with the first `parts` parts of `version`.
Version next_after(const Version& version, int parts) {
  if (parts == 1) return of(version.major + 1, 0, 0);
  if (parts == 2) return of(version.major, version.minor + 1, 0);
  return of(version.major, version.minor, version.patch + 1);
}

// Which part of `partial` a caret holds fixed together with those left of it.
int caret_parts(const Partial& partial) {
  const Version& version = partial.version;
  if (version.major != 0 || partial.parts == 1) return 1;
  if (version.minor != 0 || partial.parts == 2) return 2;
  return 3;
}

bool same_numbers(const Version& a, const Version& b) {
  return a.major == b.major && a.minor == b.minor && a.patch == b.patch;
}

}  // namespace

std::string Version::text() const {
  std::string text =
      std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  if (!prerelease.empty()) text += "-" + prerelease;
  if (!build.empty()) text += "+" + build;
  return text;
}

std::strong_ordering operator<=>(const Version& a, const Version& b) noexcept {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  return compare_prereleases(a.prerelease, b.prerelease);
}

Result<Version> parse_version(std::string_view text, VersionForm form) {
  const bool has_v = text.starts_with('v');
  if (text.size() - has_v > max_version_size) return not_a_version(text);
  if (form == VersionForm::full ? has_v : form == VersionForm::with_v && !has_v) {
    return not_a_version(text);
  }
  auto partial = parse_partial(text.substr(has_v ? 1 : 0));
  if (!partial || (form == VersionForm::full && partial->parts < 3)) return not_a_version(text);
  return std::move(partial->version);
}

Result<VersionRange> VersionRange::parse(std::string_view text) {
  if (text.size() > max_text_size) {
    return Error(Errc::invalid_argument,
                 "a version range of more than " + std::to_string(max_text_size) + " bytes");
  }
  VersionRange range;
  range.clauses_.clear();
  for (bool more = true; more;) {
    more = text.find("||") != std::string_view::npos;
    std::string_view clause = cut(text, "||");
    Clause& bounds = range.clauses_.emplace_back();
    for (bool more_comparators = true; more_comparators;) {
      more_comparators = clause.find(',') != std::string_view::npos;
      PLK_TRY(parse_comparator(trimmed(cut(clause, ",")), bounds));
    }
  }
  return range;
}

Status VersionRange::parse_comparator(std::string_view text, Clause& clause) {
  // Longer operators first: "<" is the beginning of "<=".
  std::string_view op = "=";
  std::string_view rest = text;
  for (const std::string_view known : {"<=", ">=", "<", ">", "=", "^", "~"}) {
    if (!text.starts_with(known)) continue;
    op = known;
    rest = trimmed(text.substr(known.size()));
    break;
  }
  if (rest.starts_with('v')) rest.remove_prefix(1);
  const auto partial = parse_partial(rest);
  if (!partial) {
    return Error(Errc::invalid_argument,
                 "\"" + std::string(text) + "\" is not a comparison with a semantic version");
  }

  const Version& named = partial->version;
  const bool is_full = partial->parts == 3;
  // Derived ends leave out, or take in, all pre-releases of the version at the end.
  const auto add = [&](Relation relation) { clause.push_back({relation, named, true}); };
  const auto add_end = [&](int parts) {
    clause.push_back({Relation::below, start_of(next_after(named, parts)), false});
  };
  if (op == "^") {
    add(Relation::from);
    add_end(caret_parts(*partial));
  } else if (op == "~") {
    add(Relation::from);
    add_end(std::min(partial->parts, 2));
  } else if (op == "=") {
    add(Relation::from);
    is_full ? add(Relation::up_to) : add_end(partial->parts);
  } else if (op == "<=") {
    is_full ? add(Relation::up_to) : add_end(partial->parts);
  } else if (op == ">=") {
    add(Relation::from);
  } else if (op == "<") {
    if (named.is_prerelease()) {
      add(Relation::below);
    } else {
      clause.push_back({Relation::below, start_of(named), false});
    }
  } else if (is_full) {
    add(Relation::above);
  } else {
    clause.push_back({Relation::from, start_of(next_after(named, partial->parts)), false});
  }
  return {};
}

bool VersionRange::contains(const Version& version, Prereleases prereleases) const {
  return std::ranges::any_of(
      clauses_, [&](const Clause& clause) { return admits(clause, version, prereleases); });
}

bool VersionRange::admits(const Clause& clause, const Version& version, Prereleases prereleases) {
  bool is_named = prereleases == Prereleases::all || !version.is_prerelease();
  for (const Bound& bound : clause) {
    const auto order = version <=> bound.version;
    switch (bound.relation) {
      case Relation::below:
        if (order >= 0) return false;
        break;
      case Relation::up_to:
        if (order > 0) return false;
        break;
      case Relation::above:
        if (order <= 0) return false;
        break;
      case Relation::from:
        if (order < 0) return false;
        break;
    }
    is_named |=
        bound.is_named && bound.version.is_prerelease() && same_numbers(version, bound.version);
  }
  return is_named;
}

}  // namespace plakar::codec
