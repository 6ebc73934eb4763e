#include <ostream>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/exit_code.h"
#include "core/base/version.h"

namespace plakar::cli {

int run_version(Context& context, std::span<const std::string> arguments) {
  const FlagSet flags;
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "version", flags, arguments, words)) return *done;
  if (!words.empty()) {
    print_error(context, "too many arguments");
    return exit_failure;
  }
  context.out << client_name() << '\n';
  return exit_ok;
}

}  // namespace plakar::cli
