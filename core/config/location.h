// Where something is, as users write it: `[scheme ":" ["//"]] rest`.
//
//   /var/www   a/b   C:\x   a:b        no scheme, hence a path: scheme `fs`
//   fs:/a   fs:///a                    scheme `fs`, rest `/a`
//   s3:host/bucket   s3://host/bucket  scheme `s3`, rest `host/bucket`
//
// A scheme is at least two of the characters A-Z a-z 0-9 + . - before a colon; one letter
// is a drive. Everything else is octets passed on as they are: nothing is decoded, because
// a file may well be called `a%20b`. Whether a scheme exists is the connectors' business.
//
// Pure functions of text; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plakar::config {

struct Location {
  std::string scheme = "fs";
  std::string rest;
  bool has_scheme = false;  // it was written: `tar:tar` has one, `tar` has none

  // "scheme://rest", the form that connectors get.
  std::string to_string() const;

  friend bool operator==(const Location&, const Location&) = default;
};

// Every text is a location; errors come from looking up its scheme.
Location parse_location(std::string_view text);

// Schemes whose rest is a path and not `host/path`: no user info, no query, no escapes.
// Those built in; connectors flagged `localfs` in packages are known to the host only.
bool is_path_scheme(std::string_view scheme) noexcept;

// For schemes that mean this machine's files: a relative path is joined to `directory` and
// cleaned, an absolute one is left exactly as it is.
Location make_absolute(Location location, std::string_view directory);

// A store `fs` in a path ending in `.ptar` is a single-file archive, scheme `ptar`.
Location redirect_archive(Location location);

// The shortest equivalent path by text alone, without looking at links: no `.`, no inner
// `..`, no doubled or trailing slashes; "." for nothing.
std::string clean_path(std::string_view path);

// `base/path`, cleaned; an empty part does not count.
std::string join_path(std::string_view base, std::string_view path);

// `location` with its root overridden, as `@name:path` asks: an absolute `path` replaces
// the path component, a relative one is joined to it. Host, query and spelling of the rest
// stay. In a URL, `path` is escaped where it could be taken for something else.
std::string override_root(std::string_view location, std::string_view path);

// For people and logs: without user name and password.
std::string strip_user_info(std::string_view location);

// The same with only passwords masked, in user info and in query parameters with a secret
// name (masking.h): for showing a configuration. Text without a scheme is returned as is.
std::string mask_passwords(std::string_view location);

// `@name` or `@name:path`, a place in a configuration file.
struct Reference {
  std::string name;
  std::string path;  // empty: none

  friend bool operator==(const Reference&, const Reference&) = default;
};

// Empty for text that does not start with `@`.
std::optional<Reference> parse_reference(std::string_view text);

}  // namespace plakar::config
