// A command of `plakar`: its words, its help page, and the function that runs it. The table of
// all of them is passed down by main(), as is everything that a command may use.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/renderer.h"
#include "core/base/env.h"
#include "core/base/error.h"
#include "core/config/directories.h"
#include "core/flow/cancel_token.h"

namespace plakar::cli {

struct Command;
struct Plugins;
class FlagSet;

// The options before the command. They are checked whatever the command is, so that a
// mistake is found at once and not on the day of a restore.
struct GlobalOptions {
  std::int64_t cpu = 1;
  std::int64_t concurrency = -1;  // -1: as many as cpu
  std::string keyfile{};
  std::chrono::nanoseconds key_cache{};  // 0: keys are not kept
  bool json = false;
  // What buffers and caches may take together, beside the derivation of a key. What a command
  // needs is a share of it, so that nothing grows with the store or the backup.
  std::uint64_t memory = std::uint64_t{48} << 20;

  // Each has buffers of some 8 MiB. Who says how many are wanted gets them.
  std::size_t threads() const noexcept {
    if (concurrency > 0) return static_cast<std::size_t>(concurrency);
    const auto cores = static_cast<std::uint64_t>(cpu);
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(memory / (8u << 20), 1, cores));
  }
  // For entries that wait to be sorted.
  std::size_t sort_memory() const noexcept { return memory / 6; }
  // For what the index learns in a run, and of what it has in files.
  std::size_t index_memory() const noexcept { return memory / 3; }
  std::size_t index_mapped() const noexcept { return memory - index_memory(); }
};

// What a command may use. stdout is the answer, stderr the conversation.
struct Context {
  std::string program;  // as the process was called
  std::ostream& out;
  std::ostream& err;
  bool use_colour = false;
  std::span<const Command> commands{};

  GlobalOptions options{};
  // Global options that may stand behind the command too, among its own.
  const FlagSet* global_flags = nullptr;
  // Called when the command has read its options: global ones among them count from here on.
  // Returns the exit code when one of them is wrong, and it has been said.
  std::function<std::optional<int>()> options_read{};
  std::optional<std::string> at{};  // the store named on the command line
  std::string command_line{};       // all of it, for the snapshot to remember
  config::Directories directories{};
  std::string working_directory{};
  config::EnvironmentLookup environment{};  // empty and unset are the same
  Env env = system_env();
  flow::CancelToken cancel{};    // cancelled by Ctrl-C
  Plugins* plugins = nullptr;    // connectors of modules, where there are any
  Renderer* renderer = nullptr;  // there while a command runs, and final once it read its options
};

struct Command {
  std::string_view words;  // "version", "pkg add"
  std::string_view usage;  // what follows the program's name in `Usage:`
  int (*run)(Context& context, std::span<const std::string> arguments);
};

// Every command of the program, sorted by their words.
std::span<const Command> all_commands();

// The command whose words begin `words`, the longest first ("pkg add" before "pkg");
// null when there is none.
const Command* find_command(std::span<const Command> commands, std::span<const std::string> words);

// The error line of a command, for people: `plakar: message`, with nothing in it that a
// terminal or a line-oriented reader could take for something else.
void print_error(Context& context, std::string_view message);
// The same, and the exit code that goes with it. A cancel says that it was one.
int fail(Context& context, const Error& error);
int fail(Context& context, std::string_view message);

// Whether a switch in the environment is on: PLAKAR_LOCKLESS=1. What is no truth value is off.
bool is_set(const Context& context, std::string_view variable);

int run_backup(Context& context, std::span<const std::string> arguments);
int run_cat(Context& context, std::span<const std::string> arguments);
int run_check(Context& context, std::span<const std::string> arguments);
int run_create(Context& context, std::span<const std::string> arguments);
int run_destination(Context& context, std::span<const std::string> arguments);
int run_help(Context& context, std::span<const std::string> arguments);
int run_info(Context& context, std::span<const std::string> arguments);
int run_ls(Context& context, std::span<const std::string> arguments);
int run_maintenance(Context& context, std::span<const std::string> arguments);
int run_pkg(Context& context, std::span<const std::string> arguments);
int run_pkg_new(Context& context, std::span<const std::string> arguments);
int run_policy(Context& context, std::span<const std::string> arguments);
int run_prune(Context& context, std::span<const std::string> arguments);
int run_ptar(Context& context, std::span<const std::string> arguments);
int run_repair(Context& context, std::span<const std::string> arguments);
int run_restore(Context& context, std::span<const std::string> arguments);
int run_rm(Context& context, std::span<const std::string> arguments);
int run_source(Context& context, std::span<const std::string> arguments);
int run_store(Context& context, std::span<const std::string> arguments);
int run_sync(Context& context, std::span<const std::string> arguments);
int run_version(Context& context, std::span<const std::string> arguments);

// The lines of `COMMANDS:` in the usage text, one per first word.
std::string command_list(std::span<const Command> commands);

}  // namespace plakar::cli
