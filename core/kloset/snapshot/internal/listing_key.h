// Sort keys in which the entries of a directory stand together, by name, and directories in the
// order in which a walk enters them: one, then those in it, then its next sibling. Octet by octet,
// "/a/b" has to come before "/a!": slashes become what is less than anything in a name.
//
//   directory key := { 0 1 component }          "/" is the empty one
//   entry key     := directory key  0 0  name
//
// A directory's own key is a prefix of those of all that is below it. Names have no NUL.
#pragma once

#include <string>
#include <string_view>

namespace plakar::kloset {

// Preconditions: clean absolute paths.
std::string directory_key(std::string_view path);
std::string entry_key(std::string_view directory, std::string_view name);

struct EntryKeyParts {
  std::string_view directory;  // its key
  std::string_view name;
};
// Precondition: made by entry_key().
EntryKeyParts split_entry_key(std::string_view key) noexcept;
// The path of a directory key.
std::string directory_path(std::string_view key);

// Whether the directory of one key is, or is below, that of the other.
bool is_key_within(std::string_view key, std::string_view directory) noexcept;

}  // namespace plakar::kloset
