// Semantic versions (semver.org 2.0) of packages, and the ranges in which users ask for them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace plakar::codec {

// A version; of valid form, as only parse_version makes one from text.
struct Version {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::uint64_t patch = 0;
  std::string prerelease;  // "beta.4", empty for a release
  std::string build;       // "20260131.c0ffee", says nothing about order

  bool is_prerelease() const noexcept { return !prerelease.empty(); }

  // "1.2.3-beta.4+build"; users see it with a `v` in front.
  std::string text() const;

  // Precedence: 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 <
  // 1.0.0. Versions that differ in their build alone are equal.
  friend std::strong_ordering operator<=>(const Version& a, const Version& b) noexcept;
  friend bool operator==(const Version& a, const Version& b) noexcept {
    return (a <=> b) == std::strong_ordering::equal;
  }
};

// How strictly a version is written.
enum class VersionForm : std::uint8_t {
  full,     // "1.2.3", as manifests have it
  with_v,   // "v1.2.3" or shortened, "v1.2" and "v1": names of packages and files
  lenient,  // either, shortened or not, with `v` or without: what people type
};

// Errc::invalid_argument for anything else, more than 256 bytes, or a number above 2^63 - 1.
// A shortened form has neither pre-release nor build, and stands for zeros: "v1" is 1.0.0.
Result<Version> parse_version(std::string_view text, VersionForm form = VersionForm::full);

// Which pre-releases a range lets in besides those that it names.
enum class Prereleases : std::uint8_t { named, all };

// A set of versions: "^1.2", ">=2,<3", "~1.4.2 || =2.0.0".
//
//   range      := clause { "||" clause }              any of them
//   clause     := comparator { "," comparator }       all of them
//   comparator := "^" v | "~" v | "=" v | "<" v | "<=" v | ">" v | ">=" v | v
//
// Blanks may stand between all of these. A version may be shortened and have a `v`; parts
// that it lacks are free: "=1.2" is any 1.2.x, "<=1.2" is below 1.3, ">1.2" is 1.3 and above.
// A bare version is "=". "^1.2.3" goes up to a change of the leftmost part that is not zero,
// "~1.2.3" up to a change of the minor part. An upper end like "<2", "^1" or "~1" keeps out
// the pre-releases of that end too, though in order 2.0.0-rc.1 is below 2.0.0.
class VersionRange {
 public:
  // The range of every version.
  VersionRange() = default;

  // Errc::invalid_argument, saying where, for text that is not a range. At most
  // `max_text_size` bytes.
  static Result<VersionRange> parse(std::string_view text);

  // A pre-release is in the range only if the clause that admits it names a pre-release of
  // the same major.minor.patch: "^1.2" and ">=1.2" do not bring in 1.3.0-rc.1, ">=1.3.0-beta"
  // does. With Prereleases::all order alone decides.
  bool contains(const Version& version, Prereleases prereleases = Prereleases::named) const;

  static constexpr std::size_t max_text_size = 1'024;

 private:
  enum class Relation : std::uint8_t { below, up_to, above, from };
  struct Bound {
    Relation relation;
    Version version;
    bool is_named;  // by the user, not derived from what the user named
  };
  using Clause = std::vector<Bound>;

  static Status parse_comparator(std::string_view text, Clause& clause);
  static bool admits(const Clause& clause, const Version& version, Prereleases prereleases);

  std::vector<Clause> clauses_{Clause{}};
};

}  // namespace plakar::codec
