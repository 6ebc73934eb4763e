#include "cli/scaffold/scaffold.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/base/bytes.h"
#include "core/base/text.h"

namespace plakar::cli {
namespace {

struct Template {
  std::string_view path;
  std::string_view text;
};

constexpr auto templates = std::to_array<Template>({
#include "cli/scaffold/templates.inc"
});

constexpr std::array<std::string_view, 3> languages{"c", "cpp", "rust"};
constexpr std::array<std::string_view, 5> kinds{"storage", "importer", "exporter",
                                                "secret_provider", "inventory"};

// The manifest would take 64, but the note of a module has 48 bytes for it and its NUL.
constexpr std::size_t name_size_max = 47;

constexpr std::uint32_t directory_mode = 0755;
constexpr std::uint32_t file_mode = 0644;

std::string listed(std::span<const std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (true) {
    const std::size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += to;
    text.remove_prefix(at + from.size());
  }
}

std::string hyphenated(std::string_view kind) { return replace_all(kind, "_", "-"); }

bool names_kind(std::string_view line) {
  return line.find("my-kind") != std::string_view::npos ||
         line.find("my_kind") != std::string_view::npos;
}

std::string with_kind(std::string_view line, std::string_view kind) {
  return replace_all(replace_all(line, "my-kind", hyphenated(kind)), "my_kind", kind);
}

bool closes(std::string_view line) {
  return line.ends_with(')') || line.ends_with(']') || line.ends_with('}');
}

// `of` are the kinds that this text is about.
std::string render(std::string_view text, const Scaffold& wanted, std::span<const std::string> of) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!names_kind(line)) {
      out.append(line) += '\n';
      continue;
    }
    for (const std::string& kind : of) {
      std::string copy = with_kind(line, kind);
      if (closes(line) && kind != of.back()) copy.back() = ',';
      out += copy + '\n';
    }
  }
  out = replace_all(out, "my-template", wanted.name);
  return replace_all(out, "my_template", identifier_of(wanted.name));
}

Status write_files(const FileSystem& files, std::string_view directory,
                   std::span<const ScaffoldFile> made, std::vector<std::string>& written) {
  std::set<std::string> directories;
  for (const ScaffoldFile& file : made) {
    for (std::size_t slash = file.path.find('/'); slash != std::string::npos;
         slash = file.path.find('/', slash + 1)) {
      const std::string parent = std::string(directory) + '/' + file.path.substr(0, slash);
      if (!directories.insert(parent).second) continue;
      PLK_TRY(files.make_directory(parent, directory_mode));
      written.push_back(parent);
    }
    const std::string path = std::string(directory) + '/' + file.path;
    File out = PLK_TRY(files.open(
        path, {.access = Access::write, .create = Create::always_new, .mode = file_mode}));
    written.push_back(path);
    PLK_TRY(out.write(as_bytes(file.text)));
    PLK_TRY(out.close());
  }
  return {};
}

}  // namespace

std::span<const std::string_view> scaffold_languages() { return languages; }
std::span<const std::string_view> scaffold_kinds() { return kinds; }

Status check_scaffold(const Scaffold& wanted) {
  const auto invalid = [](std::string message) {
    return Error(Errc::invalid_argument, std::move(message));
  };
  if (std::ranges::find(languages, wanted.language) == languages.end()) {
    return invalid("there is no template in the language \"" + escape(wanted.language) +
                   "\": use one of " + listed(languages));
  }
  for (const std::string& kind : wanted.kinds) {
    if (std::ranges::find(kinds, kind) == kinds.end()) {
      return invalid("there is no kind of connector \"" + escape(kind) + "\": use one or more of " +
                     listed(kinds));
    }
    if (std::ranges::count(wanted.kinds, kind) > 1)
      return invalid("the kind " + kind + " is there twice");
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (wanted.kinds.empty() || wanted.name.empty() || wanted.name.starts_with('-') ||
      !std::ranges::all_of(wanted.name, allowed)) {
    return invalid("\"" + escape(wanted.name) +
                   "\" is no name for a package: use a-z, 0-9 and -, not beginning with -");
  }
  if (wanted.name.size() > name_size_max) {
    return invalid("\"" + wanted.name + "\" is too long: a module's name has at most " +
                   std::to_string(name_size_max) + " characters");
  }
  return {};
}

std::string identifier_of(std::string_view name) {
  std::string made;
  if (name[0] >= '0' && name[0] <= '9') made = "p";
  for (const char c : name) {
    // Two underscores are reserved in C++, and a warning in Rust.
    if (c != '-') made += c;
    if (c == '-' && !made.ends_with('_')) made += '_';
  }
  return made;
}

std::vector<ScaffoldFile> render_scaffold(const Scaffold& wanted) {
  std::map<std::string, std::string> made;
  const auto add = [&](std::string_view layer, std::string_view part,
                       std::span<const std::string> of) {
    const std::string prefix = std::string(layer) + '/' + std::string(part) + '/';
    for (const Template& one : templates) {
      if (!one.path.starts_with(prefix)) continue;
      made[std::string(one.path.substr(prefix.size()))] += render(one.text, wanted, of);
    }
  };
  for (const std::string_view layer :
       {std::string_view("shared"), std::string_view(wanted.language)}) {
    add(layer, "all", wanted.kinds);
  }
  for (const std::string& kind : wanted.kinds) {
    add("shared", kind, std::span(&kind, 1));
    add(wanted.language, kind, std::span(&kind, 1));
  }
  std::vector<ScaffoldFile> files;
  for (auto& [path, text] : made) files.push_back({.path = path, .text = std::move(text)});
  return files;
}

Status write_scaffold(const FileSystem& files, std::string_view directory,
                      std::span<const ScaffoldFile> made) {
  if (PLK_TRY(files.find(directory))) {
    return Error(Errc::already_exists, escape(directory) + " exists already");
  }
  PLK_TRY(files.make_directory(directory, directory_mode));
  std::vector<std::string> written;
  const Status done = write_files(files, directory, made, written);
  if (done) return done;
  // Nothing but what was made here, innermost first. The first error is the one to be told.
  for (auto path = written.rbegin(); path != written.rend(); ++path) {
    if (!files.remove_file(*path)) static_cast<void>(files.remove_directory(*path));
  }
  static_cast<void>(files.remove_directory(directory));
  return done;
}

}  // namespace plakar::cli
