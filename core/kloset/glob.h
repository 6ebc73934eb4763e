// One pattern of wildcards, taken apart once and matched often. Excludes gives them their meaning.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace plakar::kloset {

// A value. May be matched from any thread.
class Glob {
 public:
  // Matches nothing, as does a pattern that is malformed.
  Glob() = default;
  explicit Glob(std::string_view pattern);

  // `path` has no slash at its end. One at its beginning ends an empty name.
  bool matches(std::string_view path) const;

 private:
  using Set = std::bitset<256>;

  struct Part {
    enum class Kind : std::uint8_t { text, any_one, set, star };

    Kind kind = Kind::text;
    std::string text{};
    Set set{};
  };

  // What is between two slashes.
  struct Name {
    enum class Kind : std::uint8_t {
      parts,
      some_names,  // `**` at the end: at least one name
      any_names,   // `**` elsewhere: any number, also none
    };

    Kind kind = Kind::parts;
    std::vector<Part> parts{};
  };

  class Parser;

  static bool matches_name(const std::vector<Part>& parts, std::string_view name);
  static std::size_t match_part(const Part& part, std::string_view text);

  bool malformed_ = true;
  std::vector<Name> names_;
};

}  // namespace plakar::kloset
