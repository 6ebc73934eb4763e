#include "core/config/location.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "core/config/masking.h"

namespace plakar::config {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_scheme_character(char c) { return is_alphanumeric(c) || c == '+' || c == '.' || c == '-'; }

// The length of "scheme:" or "scheme://" at the beginning, 0 where there is none.
std::size_t scheme_prefix(std::string_view text) {
  const auto colon =
      static_cast<std::size_t>(std::ranges::find_if_not(text, is_scheme_character) - text.begin());
  if (colon < 2 || colon == text.size() || text[colon] != ':') return 0;
  return text.substr(colon + 1).starts_with("//") ? colon + 3 : colon + 1;
}

bool is_decimal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// The parts of `user:password@host:port/path?query#fragment`; `user_info` includes the @.
struct UrlRest {
  std::string_view user_info;
  std::string_view host;
  std::string_view path;
  std::string_view tail;  // query and fragment
};

UrlRest split_url(std::string_view rest) {
  UrlRest url;
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  std::size_t user_info_size = authority.rfind('@') + 1;  // 0 where there is none
  const std::string_view host = authority.substr(user_info_size);
  if (const auto colon = host.rfind(':');
      colon != std::string_view::npos && !is_decimal(host.substr(colon + 1))) {
    // No port: a password with an unescaped slash. Not a URL any more, but it must not be
    // shown as if it were a path.
    user_info_size = std::max(user_info_size, rest.rfind('@') + 1);
  }
  url.user_info = rest.substr(0, user_info_size);
  rest.remove_prefix(user_info_size);
  url.host = rest.substr(0, std::min(rest.find_first_of("/?#"), rest.size()));
  rest.remove_prefix(url.host.size());
  url.path = rest.substr(0, std::min(rest.find_first_of("?#"), rest.size()));
  url.tail = rest.substr(url.path.size());
  return url;
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

std::string escape_path(std::string_view path) {
  constexpr std::string_view safe = "-_.~$&+,/:;=@";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string escaped;
  for (const char c : path) {
    if (is_alphanumeric(c) || safe.find(c) != std::string_view::npos) {
      escaped += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      escaped += '%';
      escaped += digits[octet >> 4];
      escaped += digits[octet & 15];
    }
  }
  return escaped;
}

std::string mask_query(std::string_view tail) {
  const std::size_t fragment = std::min(tail.find('#'), tail.size());
  std::string masked;
  std::size_t at = 0;
  while (at < fragment) {
    const std::size_t end = std::min(tail.find('&', at), fragment);
    const std::string_view parameter = tail.substr(at, end - at);
    const std::size_t name_at = parameter.find_first_not_of("?&");
    const std::size_t equals = parameter.find('=');
    if (equals != std::string_view::npos && name_at < equals &&
        is_secret_name(parameter.substr(name_at, equals - name_at))) {
      masked += concat({parameter.substr(0, equals + 1), mask});
    } else {
      masked += parameter;
    }
    if (end < fragment) masked += '&';
    at = end + 1;
  }
  return masked.append(tail.substr(fragment));
}

}  // namespace

std::string Location::to_string() const { return concat({scheme, "://", rest}); }

Location parse_location(std::string_view text) {
  const std::size_t prefix = scheme_prefix(text);
  if (prefix == 0) return {.scheme = "fs", .rest = std::string(text), .has_scheme = false};
  return {.scheme = std::string(text.substr(0, text.find(':'))),
          .rest = std::string(text.substr(prefix)),
          .has_scheme = true};
}

bool is_path_scheme(std::string_view scheme) noexcept {
  constexpr std::array<std::string_view, 9> names = {"fs",  "ptar",  "tar",    "tar+gz", "tar+gzip",
                                                     "tgz", "stdin", "stdout", "stderr"};
  return std::ranges::find(names, scheme) != names.end();
}

Location make_absolute(Location location, std::string_view directory) {
  if (!location.rest.starts_with('/')) location.rest = join_path(directory, location.rest);
  return location;
}

Location redirect_archive(Location location) {
  if (location.scheme == "fs" && location.rest.ends_with(".ptar")) location.scheme = "ptar";
  return location;
}

std::string clean_path(std::string_view path) {
  const bool rooted = path.starts_with('/');
  std::vector<std::string_view> parts;
  std::size_t climbs = 0;  // leading ".." parts, which only a relative path can keep
  while (!path.empty()) {
    const std::size_t size = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, size);
    path.remove_prefix(std::min(size + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.size() > climbs) {
      parts.pop_back();
    } else if (!rooted) {
      parts.push_back(part);
      ++climbs;
    }
  }
  std::string cleaned = rooted ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) cleaned += '/';
    cleaned += parts[i];
  }
  return cleaned.empty() ? "." : cleaned;
}

std::string join_path(std::string_view base, std::string_view path) {
  if (base.empty() && path.empty()) return "";
  if (base.empty()) return clean_path(path);
  return clean_path(concat({base, "/", path}));
}

std::string override_root(std::string_view location, std::string_view path) {
  if (path.empty()) return std::string(location);
  const Location parsed = parse_location(location);
  const std::string_view prefix =
      location.substr(0, location.size() - parsed.rest.size());  // "scheme://" as written
  if (is_path_scheme(parsed.scheme)) {
    if (path.starts_with('/')) return concat({prefix, path});
    return concat({prefix, join_path(parsed.rest, path)});
  }
  const UrlRest url = split_url(parsed.rest);
  const std::string escaped = escape_path(path);
  const std::string root =
      path.starts_with('/') ? escaped : join_path(concat({"/", url.path}), escaped);
  return concat({prefix, url.user_info, url.host, root, url.tail});
}

std::string strip_user_info(std::string_view location) {
  const Location parsed = parse_location(location);
  if (!parsed.has_scheme || is_path_scheme(parsed.scheme)) return std::string(location);
  const std::string_view prefix = location.substr(0, location.size() - parsed.rest.size());
  const UrlRest url = split_url(parsed.rest);
  return concat({prefix, url.host, url.path, mask_query(url.tail)});
}

std::string mask_passwords(std::string_view location) {
  const Location parsed = parse_location(location);
  if (!parsed.has_scheme || is_path_scheme(parsed.scheme)) return std::string(location);
  const std::string_view prefix = location.substr(0, location.size() - parsed.rest.size());
  const UrlRest url = split_url(parsed.rest);
  std::string user_info(url.user_info);
  if (const auto colon = url.user_info.find(':'); colon != std::string_view::npos) {
    user_info = concat({url.user_info.substr(0, colon + 1), mask, "@"});
  }
  return concat({prefix, user_info, url.host, url.path, mask_query(url.tail)});
}

std::optional<Reference> parse_reference(std::string_view text) {
  if (!text.starts_with('@')) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t colon = std::min(text.find(':'), text.size());
  return Reference{.name = std::string(text.substr(0, colon)),
                   .path = std::string(text.substr(std::min(colon + 1, text.size())))};
}

}  // namespace plakar::config
