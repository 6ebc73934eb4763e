// The `plakar` command: reads the global options, finds the command, runs it. Everything a
// command uses is made here and passed down.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands/command.h"
#include "cli/exit_code.h"
#include "cli/flags/flag_set.h"

namespace plakar::cli {
namespace {

constexpr auto commands = std::to_array<Command>({
    {"help", "help [-style STYLE] [COMMAND [SUBCOMMAND]]", run_help},
    {"version", "version", run_version},
});

std::int64_t available_cores() {
  return std::max<std::int64_t>(1, std::int64_t{std::thread::hardware_concurrency()});
}

// The options before the command. They are checked whatever the command is, so that a
// mistake is found at once and not on the day of a restore.
struct GlobalOptions {
  std::int64_t cpu = available_cores();
  std::int64_t concurrency = -1;
  std::string keyfile;
};

void declare(FlagSet& flags, GlobalOptions& options) {
  flags.integer("cpu", options.cpu, "how many cores to use");
  flags.integer("concurrency", options.concurrency,
                "how many operations to run side by side; -1 means as many as -cpu");
  flags.text("keyfile", options.keyfile, "read the passphrase from `FILE`");
}

// What is wrong with the values, if anything.
std::optional<std::string> complaint(const GlobalOptions& options) {
  if (options.cpu <= 0) return "invalid -cpu value " + std::to_string(options.cpu);
  if (options.cpu > available_cores()) {
    return "can't use more cores than available: " + std::to_string(available_cores());
  }
  if (options.concurrency == 0 || options.concurrency < -1) {
    return "invalid -concurrency value " + std::to_string(options.concurrency);
  }
  if (!options.keyfile.empty() && !std::ifstream(options.keyfile)) {
    return "could not read key file: " + options.keyfile + ": " + std::strerror(errno);
  }
  return std::nullopt;
}

bool is_terminal(int descriptor) {
  const char* term = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && (term == nullptr || std::strcmp(term, "dumb") != 0);
}

void print_usage(Context& context, const FlagSet& flags) {
  context.err << "Usage: " << context.program
              << " [OPTIONS] [at REPOSITORY] COMMAND [COMMAND_OPTIONS]...\n\nOPTIONS:\n"
              << flags.listing() << "\nCOMMANDS:\n"
              << command_list(context.commands) << "\nFor more information on a command, use '"
              << context.program << " help COMMAND'.\n";
}

int run(Context& context, std::span<const std::string> arguments) {
  GlobalOptions options;
  FlagSet flags;
  declare(flags, options);
  Lexed lexed = flags.lex(arguments, FlagSet::Words::end_options);
  std::span<const std::string> words = lexed.words;

  // `at STORE` may be followed by more global options.
  if (lexed.end == Lexed::End::run && !words.empty() && words[0] == "at") {
    if (words.size() == 1) {
      print_error(context, "missing plakar repository");
      return exit_failure;
    }
    Lexed more = flags.lex(words.subspan(2), FlagSet::Words::end_options);
    if (more.end == Lexed::End::run && more.words.empty()) {
      print_error(context, "missing command");
      return exit_failure;
    }
    lexed = std::move(more);
    words = lexed.words;
  }
  switch (lexed.end) {
    case Lexed::End::run:
      break;
    case Lexed::End::help:
      print_usage(context, flags);
      return exit_ok;
    case Lexed::End::invalid:
      context.err << lexed.message << '\n';
      print_usage(context, flags);
      return exit_usage;
  }

  if (const auto wrong = complaint(options)) {
    print_error(context, *wrong);
    return exit_failure;
  }
  if (words.empty()) {
    const std::size_t slash = context.program.rfind('/');
    context.err << context.program.substr(slash == std::string::npos ? 0 : slash + 1)
                << ": a subcommand must be provided\n"
                << command_list(context.commands);
    return exit_failure;
  }
  const Command* command = find_command(context.commands, words);
  if (command == nullptr) {
    context.err << "command not found: " << words[0] << '\n';
    return exit_failure;
  }
  const auto taken = std::count(command->words.begin(), command->words.end(), ' ') + 1;
  return command->run(context, words.subspan(static_cast<std::size_t>(taken)));
}

}  // namespace
}  // namespace plakar::cli

int main(int argc, char** argv) {
  using namespace plakar::cli;
  const std::vector<std::string> words(argv, argv + argc);
  const bool terminal = is_terminal(STDOUT_FILENO);
  Context context{.program = words.empty() ? "plakar" : words[0],
                  .out = std::cout,
                  .err = std::cerr,
                  .use_colour = terminal && std::getenv("NO_COLOR") == nullptr,
                  .commands = commands};
  const int code = run(context, std::span(words).subspan(std::min<std::size_t>(1, words.size())));
  // An answer that did not reach its reader is not an answer.
  if (!std::cout.flush()) {
    std::cerr << context.program << ": writing to standard output: " << std::strerror(errno)
              << '\n';
    return code == exit_ok ? exit_failure : code;
  }
  return code;
}
