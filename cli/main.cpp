// The `plakar` command: reads the global options, finds the command, runs it. Everything a
// command uses is made here and passed down.
#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/exit_code.h"
#include "cli/flags/flag_set.h"
#include "cli/flags/value.h"
#include "cli/ui/renderer.h"
#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/text.h"
#include "core/config/config_directory.h"
#include "core/config/location.h"
#include "core/flow/cancel_relay.h"

namespace plakar::cli {
namespace {

std::int64_t available_cores() {
  return std::max<std::int64_t>(1, std::int64_t{std::thread::hardware_concurrency()});
}

// With less, every command would crawl.
constexpr std::uint64_t memory_min = std::uint64_t{16} << 20;

// The options before the command that only main() needs.
struct StartOptions {
  std::string config_directory;
  std::string former_config_directory;  // -config
  std::string cache_directory;
  std::string data_directory;
  bool lines = false;  // -stdio
  bool quiet = false;
  bool silent = false;
  bool time = false;
  std::string trace;
  std::vector<std::string> plugins;
  Isolation isolation = Isolation::worker;
  bool disable_security_check = false;
  bool enable_security_check = false;
  std::string ignored;  // -profile-cpu and -profile-mem
};

// Those that may stand behind the command as well, because there it is where people type them.
void declare_anywhere(FlagSet& flags, GlobalOptions& options, StartOptions& start) {
  flags.integer("cpu", options.cpu, "how many cores to use");
  flags.integer("concurrency", options.concurrency,
                "how many operations to run side by side; -1 means as many as -cpu");
  flags.value(
      "memory",
      [&options](std::string_view text) -> Status {
        options.memory = PLK_TRY(parse_size(text));
        return {};
      },
      "how much memory buffers and caches may take, as `SIZE`: 48M if not given");
  flags.text("keyfile", options.keyfile, "read the passphrase from `FILE`");
  flags.duration("key-cache", options.key_cache,
                 "keep the store's key in the kernel's keyring for `DURATION`, so that the next "
                 "commands need no passphrase");
  flags.boolean("json", options.json, "report as JSON, one event a line");
  flags.boolean("stdio", start.lines, "report as lines, also on a terminal");
  flags.boolean("quiet", start.quiet, "report results and errors only");
  flags.boolean("silent", start.silent, "report nothing but the errors that end a command");
  flags.boolean("time", start.time, "print how long the command took");
  flags.text("trace", start.trace, "accepted, without effect but that of -stdio");
}

// Those that have to be known before.
void declare_before(FlagSet& flags, StartOptions& start) {
  flags.text("configdir", start.config_directory, "configuration `DIRECTORY`");
  flags.text("config", start.former_config_directory, "former name of -configdir");
  flags.text("cachedir", start.cache_directory, "cache `DIRECTORY`");
  flags.text("datadir", start.data_directory, "data `DIRECTORY`, where packages are installed");
  flags.value(
      "plugin",
      [&start](std::string_view file) -> Status {
        start.plugins.emplace_back(file);
        return {};
      },
      "use the connectors of the module `FILE`, whose manifest.yaml is beside it or one directory "
      "up; may be repeated");
  flags.value(
      "isolation",
      [&start](std::string_view word) -> Status {
        if (word != "worker" && word != "in_process") {
          return Error(Errc::invalid_argument, "expected worker or in_process");
        }
        start.isolation = word == "worker" ? Isolation::worker : Isolation::in_process;
        return {};
      },
      "run the modules of -plugin in a `worker` process of their own, or in_process");
  flags.boolean("disable-security-check", start.disable_security_check,
                "keep genuine Plakar from looking for updates; this program never does");
  flags.boolean("enable-security-check", start.enable_security_check,
                "undo -disable-security-check");
  flags.text("profile-cpu", start.ignored, "accepted, without effect");
  flags.text("profile-mem", start.ignored, "accepted, without effect");
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
  if (options.memory < memory_min) return "invalid -memory value: at least 16M";
  using std::chrono::seconds;
  if (options.key_cache != seconds(0) && options.key_cache < seconds(1)) {
    return "invalid -key-cache value: at least 1s";
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

std::size_t terminal_columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void print_usage(Context& context, const FlagSet& flags) {
  context.err << "Usage: " << context.program
              << " [OPTIONS] [at REPOSITORY] COMMAND [COMMAND_OPTIONS]...\n\n"
                 "By default, the store is the one $PLAKAR_REPOSITORY names, else the configured\n"
                 "default, else ~/.plakar.\n\nOPTIONS:\n"
              << flags.listing() << "\nCOMMANDS:\n"
              << command_list(context.commands) << "\nFor more information on a command, use '"
              << context.program << " help COMMAND'.\n";
}

std::unique_ptr<Renderer> make_renderer(const Context& context, const StartOptions& start,
                                        bool terminal) {
  const LineOptions lines{
      .quiet = start.quiet, .silent = start.silent, .colour = context.use_colour};
  // Who asks for JSON gets it, whatever reads it.
  if (context.options.json) {
    return make_json_renderer(context.out, context.err, context.env.clock, lines);
  }
  if (!terminal || start.lines || start.quiet || start.silent || !start.trace.empty()) {
    return make_line_renderer(context.out, context.err, lines);
  }
  return make_live_renderer(context.out, context.err, context.env.clock, lines, terminal_columns);
}

std::optional<std::string> environment_variable(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Status find_directories(Context& context, const StartOptions& start) {
  const bool former = start.config_directory.empty() && !start.former_config_directory.empty();
  if (!start.former_config_directory.empty()) {
    context.err << "Option -config is deprecated, please use -configdir instead\n";
  }
  context.directories = PLK_TRY(config::find_directories(
      context.environment, config::account_home(),
      {.config = unless_empty(former ? start.former_config_directory : start.config_directory),
       .cache = unless_empty(start.cache_directory),
       .data = unless_empty(start.data_directory)}));
  char* directory = ::getcwd(nullptr, 0);
  if (directory == nullptr) {
    return Error(Errc::not_found,
                 std::string("the working directory cannot be told: ") + std::strerror(errno));
  }
  context.working_directory = directory;
  std::free(directory);
  return {};
}

// Genuine Plakar's markers, which both programs honour.
class Markers {
 public:
  explicit Markers(const Context& context)
      : files_(context.env.files),
        directory_(config::join_path(context.directories.cache, "cookies/1.0.0")) {}

  bool has(std::string_view name) const {
    return read_file(files_, config::join_path(directory_, name), 4096).has_value();
  }
  Status set(Random& random, std::string_view name) const {
    PLK_TRY(make_directories(files_, directory_));
    return write_file_atomically(files_, random, config::join_path(directory_, name), {});
  }
  Status clear(std::string_view name) const {
    const Status removed = files_.remove_file(config::join_path(directory_, name));
    return removed || removed.error().code() == Errc::not_found ? Status() : removed;
  }

 private:
  FileSystem& files_;
  std::string directory_;
};

// What a new account has after any command. Failing is no reason to stop: a command that
// needs one of these will say so.
void initialise(Context& context, bool terminal) {
  const config::ConfigDirectory configuration(context.env.files, context.env.random,
                                              context.directories.config);
  static_cast<void>(configuration.initialise());
  static_cast<void>(make_directories(context.env.files, context.directories.data));
  const Markers markers(context);
  if (markers.has(".first-run")) return;
  static_cast<void>(markers.set(context.env.random, ".first-run"));
  if (!terminal) return;
  context.err << "Welcome to plakar !\n\nThis is the first time that plakar runs on this account. "
                 "`plakar help` lists its commands;\n`plakar create` makes a store, `plakar backup "
                 "DIRECTORY` makes the first snapshot in it.\n\n";
}

flow::CancelRelay* interrupt_relay = nullptr;

// The first signal asks the command to stop, the second ends the program.
extern "C" void on_interrupt(int signal) {
  const int saved = errno;
  static constexpr std::string_view notice =
      "plakar: received interrupt signal, stopping gracefully...\n";
  static_cast<void>(!::write(STDERR_FILENO, notice.data(), notice.size()));
  interrupt_relay->request();
  ::signal(signal, SIG_DFL);
  errno = saved;
}

// Ctrl-C cancels while this exists.
class Interrupts {
 public:
  static Result<std::unique_ptr<Interrupts>> start(const flow::CancelSource& source) {
    auto relay = PLK_TRY(flow::CancelRelay::start(source, "interrupted"));
    return std::unique_ptr<Interrupts>(new Interrupts(std::move(relay)));
  }
  ~Interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, SIG_DFL);
    interrupt_relay = nullptr;
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  explicit Interrupts(std::unique_ptr<flow::CancelRelay> relay) : relay_(std::move(relay)) {
    interrupt_relay = relay_.get();
    struct sigaction action{};
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  }

  std::unique_ptr<flow::CancelRelay> relay_;
};

int run(Context& context, std::span<const std::string> arguments) {
  StartOptions start;
  FlagSet flags;
  FlagSet anywhere;
  context.options.cpu = available_cores();
  declare_anywhere(flags, context.options, start);
  declare_before(flags, start);
  declare_anywhere(anywhere, context.options, start);
  Lexed lexed = flags.lex(arguments, FlagSet::Words::end_options);
  std::span<const std::string> words = lexed.words;

  // `at STORE` may be followed by more global options.
  if (lexed.end == Lexed::End::run && !words.empty() && words[0] == "at") {
    if (words.size() == 1) {
      print_error(context, "missing plakar repository");
      return exit_failure;
    }
    context.at = words[1];
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

  if (const Status found = find_directories(context, start); !found) {
    return fail(context, found.error());
  }
  const bool terminal = is_terminal(STDOUT_FILENO);
  initialise(context, terminal);
  if (start.disable_security_check || start.enable_security_check) {
    constexpr std::string_view marker = ".disabled-security-check";
    const Markers markers(context);
    const Status done = start.disable_security_check ? markers.set(context.env.random, marker)
                                                     : markers.clear(marker);
    if (!done) return fail(context, done.error());
    context.out << "security check " << (start.disable_security_check ? "disabled" : "enabled")
                << '\n';
    return exit_ok;
  }

  std::unique_ptr<Renderer> renderer;
  const auto options_read = [&]() -> std::optional<int> {
    renderer = make_renderer(context, start, terminal);
    context.renderer = renderer.get();
    const auto wrong = complaint(context.options);
    if (!wrong) return std::nullopt;
    return fail(context, *wrong);
  };
  if (const auto done = options_read()) return *done;
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

  std::unique_ptr<Plugins> plugins;
  if (!start.plugins.empty()) {
    auto found = find_plugins(context, start.plugins, start.isolation);
    if (!found) return fail(context, found.error());
    plugins = *std::move(found);
    context.plugins = plugins.get();
  }

  const flow::CancelSource source;
  const auto interrupts = Interrupts::start(source);
  if (!interrupts) return fail(context, interrupts.error());
  context.cancel = source.token();
  context.global_flags = &anywhere;
  context.options_read = options_read;
  const MonotonicTime begin = context.env.clock.monotonic();
  const auto taken = std::count(command->words.begin(), command->words.end(), ' ') + 1;
  const int code = command->run(context, words.subspan(static_cast<std::size_t>(taken)));
  renderer->finish();
  if (start.time) {
    context.out << "time: " << format_duration(context.env.clock.monotonic() - begin) << '\n';
  }
  return code;
}

std::string joined(std::span<const std::string> words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

}  // namespace
}  // namespace plakar::cli

int main(int argc, char** argv) {
  using namespace plakar::cli;
  std::ios::sync_with_stdio(false);
  // Large buffers come from the kernel and go back to it. By itself glibc begins, after the first
  // has gone, to cut them out of heaps that fall to pieces: 100 MiB more in a long backup.
  static_cast<void>(::mallopt(M_MMAP_THRESHOLD, 256 * 1024));
  const std::vector<std::string> words(argv, argv + argc);
  const bool terminal = is_terminal(STDOUT_FILENO);
  Context context{.program = words.empty() ? "plakar" : words[0],
                  .out = std::cout,
                  .err = std::cerr,
                  .use_colour = terminal && std::getenv("NO_COLOR") == nullptr,
                  .commands = all_commands(),
                  .command_line = joined(words),
                  .environment = environment_variable};
  const int code = run(context, std::span(words).subspan(std::min<std::size_t>(1, words.size())));
  // An answer that did not reach its reader is not an answer.
  if (!std::cout.flush()) {
    std::cerr << context.program << ": writing to standard output: " << std::strerror(errno)
              << '\n';
    return code == exit_ok ? exit_failure : code;
  }
  return code;
}
