#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/exit_code.h"
#include "cli/scaffold/scaffold.h"
#include "core/base/text.h"
#include "core/codec/json.h"

namespace plakar::cli {
namespace {

// What Plakar has, and this program has not yet: told apart from words that mean nothing.
constexpr auto missing =
    std::to_array<std::string_view>({"add", "build", "conform", "create", "list", "rm", "show"});

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::vector<std::string> next_steps(const Scaffold& made) {
  std::vector<std::string> steps{"cd " + made.name};
  if (made.language == "rust") {
    steps.insert(steps.end(), {"sh package.sh", "cargo test --release"});
  } else {
    steps.insert(steps.end(), {"cmake -B build -DCMAKE_PREFIX_PATH=/where/the/sdk/is",
                               "cmake --build build", "ctest --test-dir build"});
  }
  const std::string with = "plakar -plugin build/package/lib/" + made.name + ".so ";
  for (const std::string& kind : made.kinds) {
    if (kind == "storage") steps.push_back(with + "at " + made.name + ":/tmp/store create");
    if (kind == "importer") steps.push_back(with + "backup " + made.name + ":/home");
    if (kind == "exporter") steps.push_back(with + "restore -to " + made.name + ":/tmp/restored");
  }
  return steps;
}

Status make(Context& context, const Scaffold& wanted) {
  PLK_TRY(check_scaffold(wanted));
  const std::vector<ScaffoldFile> files = render_scaffold(wanted);
  const std::string directory = context.working_directory + '/' + wanted.name;
  PLK_TRY(write_scaffold(context.env.files, directory, files));

  const std::vector<std::string> steps = next_steps(wanted);
  if (context.options.json) {
    auto kinds = codec::Json::array();
    auto paths = codec::Json::array();
    auto next = codec::Json::array();
    for (const std::string& kind : wanted.kinds) kinds.push_back(kind);
    for (const ScaffoldFile& file : files) paths.push_back(file.path);
    for (const std::string& step : steps) next.push_back(step);
    context.out << codec::to_json(codec::Json::object({{"name", wanted.name},
                                                       {"directory", directory},
                                                       {"lang", wanted.language},
                                                       {"kinds", kinds},
                                                       {"files", paths},
                                                       {"next", next}}))
                << '\n';
    return {};
  }
  context.out << "made " << escape(directory) << ", " << files.size() << " files. Next:\n\n";
  for (const std::string& step : steps) context.out << "    " << step << '\n';
  context.out << "\nREADME.md there says what is what.\n";
  return {};
}

}  // namespace

int run_pkg(Context& context, std::span<const std::string> arguments) {
  const FlagSet flags;
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "pkg", flags, arguments, words)) return *done;
  if (words.empty()) return fail(context, "no action specified");
  if (std::ranges::find(missing, words[0]) == missing.end()) {
    return fail(context, "invalid argument: " + words[0]);
  }
  return fail(context, "pkg " + words[0] +
                           " is not there yet: this program can begin new packages, with pkg new, "
                           "and nothing else");
}

int run_pkg_new(Context& context, std::span<const std::string> arguments) {
  Scaffold wanted{.language = "cpp", .kinds = {}, .name = {}};
  std::string kinds = "storage";
  FlagSet flags;
  flags.text("lang", wanted.language, "the `LANGUAGE`: c, cpp or rust");
  flags.text("kind", kinds,
             "`KINDS` of connectors, with commas between them: storage, importer, exporter, "
             "secret_provider, inventory");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "pkg new", flags, arguments, words)) return *done;
  if (words.empty()) return fail(context, "pkg new needs a name for the package");
  if (words.size() > 1) return fail(context, "too many arguments");
  wanted.kinds = split_commas(kinds);
  wanted.name = words[0];
  const Status done = make(context, wanted);
  return done ? exit_ok : fail(context, done.error());
}

}  // namespace plakar::cli
