// Paths inside a snapshot: absolute, slash-separated, clean, and otherwise just bytes.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace plakar::kloset {

// The order of keys in the VFS and xattr trees: first by the number of slashes, fewer first,
// then bytewise. "/" and "/etc" both have one slash. The other trees are ordered bytewise.
std::strong_ordering compare_paths(std::string_view a, std::string_view b) noexcept;

// One component: not empty, not "." or "..", no slash, no NUL.
bool is_name(std::string_view name) noexcept;

// "/", or "/" and names with single slashes between them; no trailing slash.
bool is_clean_path(std::string_view path) noexcept;

// "/a" and "b" make "/a/b"; "/" and "b" make "/b"; a name of "/" is the root.
std::string join(std::string_view parent, std::string_view name);

// "/" for "/a" and for "/". The inverse of join().
std::string_view parent_of(std::string_view path) noexcept;
// "b" for "/a/b", "/" for "/".
std::string_view name_of(std::string_view path) noexcept;

// Whether `path` is `directory` or lies below it.
bool is_within(std::string_view path, std::string_view directory) noexcept;

}  // namespace plakar::kloset
