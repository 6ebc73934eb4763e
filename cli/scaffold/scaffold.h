// What `plakar pkg new` makes: a complete package of connectors, out of the templates of the SDK.
//
// The templates are the files below sdk/template, LAYER/PART/PATH:
//
//   LAYER   shared, then the language: c, cpp, rust
//   PART    all, then each kind that is wanted: storage, importer, ...
//   PATH    where it goes in the package
//
// In that order; what comes again under one PATH is appended. In their text
//
//   my-template        is the name of the package
//   my_template        is the name as an identifier
//   my-kind, my_kind   is a kind: the line is there once for each that is wanted. Where it ends
//   with
//                      a closing bracket, the copies before the last have a comma there.
//
// So a template is source code like any other. Files that name a kind in PATH are of that kind.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::cli {

struct Scaffold {
  std::string language;            // one of scaffold_languages()
  std::vector<std::string> kinds;  // of scaffold_kinds(), at least one, each once
  std::string name;                // of the package, and of its directory
};

struct ScaffoldFile {
  std::string path;  // below the directory of the package
  std::string text;
};

std::span<const std::string_view> scaffold_languages();
// As manifests name them.
std::span<const std::string_view> scaffold_kinds();

// Refuses what no manifest, or no module, may be called, and languages and kinds that are not
// known: Errc::invalid_argument.
Status check_scaffold(const Scaffold& wanted);

// The name as an identifier behind which another may follow.
std::string identifier_of(std::string_view name);

// The files of a package, sorted by path. `wanted` has been checked.
std::vector<ScaffoldFile> render_scaffold(const Scaffold& wanted);

// Makes the directory and the files in it. Errc::already_exists when there is anything of its name;
// after another failure nothing is left.
Status write_scaffold(const FileSystem& files, std::string_view directory,
                      std::span<const ScaffoldFile> made);

}  // namespace plakar::cli
