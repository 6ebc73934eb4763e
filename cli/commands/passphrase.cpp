#include "cli/commands/passphrase.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ostream>
#include <utility>

#include "core/base/fd.h"
#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/process.h"
#include "core/base/system_error.h"

namespace plakar::cli {
namespace {

constexpr std::size_t passphrase_bytes_max = 64 * 1024;
constexpr double entropy_wanted = 80;

Result<std::optional<Secret>> read_key_file(Context& context) {
  if (context.options.keyfile.empty()) return std::optional<Secret>();
  auto bytes = read_file(context.env.files, context.options.keyfile, passphrase_bytes_max);
  if (!bytes) return Error(bytes.error()).context("could not read key file");
  std::string_view text = as_text(*bytes);
  if (text.ends_with('\n')) text.remove_suffix(1);
  Secret secret(text);
  wipe(*bytes);
  // An empty key file counts as none, as it does for genuine Plakar.
  if (secret.empty()) return std::optional<Secret>();
  return std::optional<Secret>(std::move(secret));
}

Result<Secret> run_passphrase_command(Context& context, const std::string& command) {
  RunResult result = PLK_TRY_CONTEXT(
      run(context.env.processes,
          {.program = "/bin/sh", .arguments = {"-c", command}, .environment = own_environment()}),
      "passphrase_cmd");
  if (!result.status.success()) {
    return Error(Errc::permission_denied, "passphrase_cmd failed: " + result.status.describe());
  }
  std::string_view text = as_text(result.output);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.empty() || text.find('\n') != std::string_view::npos) {
    wipe(result.output);
    return Error(Errc::invalid_argument,
                 "passphrase_cmd returned too many lines: it has to print exactly one");
  }
  Secret secret(text);
  wipe(result.output);
  return secret;
}

Result<std::optional<Secret>> from_options(Context& context, const config::CoreOptions& options) {
  if (options.passphrase) return std::optional<Secret>(Secret(*options.passphrase));
  if (options.passphrase_cmd) {
    return std::optional<Secret>(PLK_TRY(run_passphrase_command(context, *options.passphrase_cmd)));
  }
  return std::optional<Secret>();
}

std::optional<Secret> from_environment(Context& context, std::string_view name) {
  const auto value = context.environment(name);
  if (!value || value->empty()) return std::nullopt;
  return Secret(*value);
}

// A terminal that does not show what is typed, until this goes.
class NoEcho {
 public:
  explicit NoEcho(int terminal) : terminal_(terminal) {
    is_set_ = ::tcgetattr(terminal, &before_) == 0;
    if (!is_set_) return;
    termios changed = before_;
    changed.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed.c_lflag |= ICANON;
    ::tcsetattr(terminal, TCSAFLUSH, &changed);
  }
  ~NoEcho() {
    if (is_set_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;

 private:
  int terminal_;
  bool is_set_ = false;
  termios before_{};
};

void say(int terminal, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(terminal, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

Result<Secret> read_line(Context& context, int terminal) {
  const int cancel = PLK_TRY(context.cancel.fd());
  Bytes line;
  line.reserve(passphrase_bytes_max);  // It never moves: a move would leave a copy behind.
  for (;;) {
    pollfd wait[2] = {{.fd = terminal, .events = POLLIN, .revents = 0},
                      {.fd = cancel, .events = POLLIN, .revents = 0}};
    if (::poll(wait, 2, -1) < 0 && errno != EINTR)
      return system_error(errno, "poll", "the terminal");
    PLK_TRY(context.cancel.check());
    if (wait[0].revents == 0) continue;
    char c = 0;
    const ssize_t got = ::read(terminal, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || c == '\n' || c == '\r') break;
    if (line.size() < passphrase_bytes_max) line.push_back(static_cast<std::byte>(c));
  }
  Secret secret{BytesView(line)};
  wipe(line);
  return secret;
}

}  // namespace

Result<std::optional<Secret>> find_passphrase(Context& context,
                                              const config::CoreOptions& options) {
  if (auto found = PLK_TRY(read_key_file(context))) return found;
  if (auto found = PLK_TRY(from_options(context, options))) return found;
  return from_environment(context, "PLAKAR_PASSPHRASE");
}

Result<std::optional<Secret>> find_peer_passphrase(Context& context,
                                                   const config::CoreOptions& options) {
  if (auto found = PLK_TRY(from_options(context, options))) return found;
  return from_environment(context, "PLAKAR_PEER_PASSPHRASE");
}

Result<Secret> ask_passphrase(Context& context, std::string_view prompt,
                              std::string_view otherwise) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal && ::isatty(STDIN_FILENO) != 1) {
    return Error(Errc::permission_denied,
                 "the store is encrypted, and there is no terminal to ask for its passphrase: give "
                 "it with " +
                     std::string(otherwise));
  }
  const int in = terminal ? terminal.get() : STDIN_FILENO;
  const int out = terminal ? terminal.get() : STDERR_FILENO;
  const NoEcho hidden(in);
  say(out, prompt);
  auto line = read_line(context, in);
  say(out, "\n");
  return line;
}

Result<Secret> ask_new_passphrase(Context& context, bool accept_weak) {
  constexpr std::string_view otherwise =
      "-keyfile or PLAKAR_PASSPHRASE, or make one without encryption with -plaintext";
  Secret refused;
  for (int attempt = 0; attempt < passphrase_attempts; ++attempt) {
    Secret first = PLK_TRY(ask_passphrase(context, "repository passphrase: ", otherwise));
    if (first.empty()) {
      context.err << "can't encrypt the repository with an empty passphrase" << std::endl;
      continue;
    }
    const bool again = equal_constant_time(first.reveal(), refused.reveal());
    const double bits = passphrase_entropy(first.reveal_text());
    if (!accept_weak && !again && bits < entropy_wanted) {
      context.err << "insecure password (about " << static_cast<int>(bits) << " bits of "
                  << static_cast<int>(entropy_wanted)
                  << "), try including more special characters, using uppercase letters, using "
                     "numbers or using a longer password; type the same again to use it anyway"
                  << std::endl;
      refused = std::move(first);
      continue;
    }
    const Secret second =
        PLK_TRY(ask_passphrase(context, "repository passphrase (confirm): ", otherwise));
    if (equal_constant_time(first.reveal(), second.reveal())) return first;
    context.err << "passphrases mismatch" << std::endl;
  }
  return Error(Errc::permission_denied, "too many failed attempts");
}

double passphrase_entropy(std::string_view passphrase) {
  bool lower = false;
  bool upper = false;
  bool digit = false;
  bool other = false;
  bool wide = false;
  double length = 0;
  for (std::size_t i = 0; i < passphrase.size(); ++i) {
    const auto c = static_cast<unsigned char>(passphrase[i]);
    lower = lower || (c >= 'a' && c <= 'z');
    upper = upper || (c >= 'A' && c <= 'Z');
    digit = digit || (c >= '0' && c <= '9');
    wide = wide || c >= 0x80;
    const bool letter_or_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
    other = other || !letter_or_digit;
    // What follows from the two before it is hardly a guess: "aaa", "abc", "321".
    bool predictable = false;
    if (i >= 2) {
      const int step = c - static_cast<unsigned char>(passphrase[i - 1]);
      const int before = static_cast<unsigned char>(passphrase[i - 1]) -
                         static_cast<unsigned char>(passphrase[i - 2]);
      predictable = step == before && std::abs(step) <= 1;
    }
    length += predictable ? 0.1 : 1;
  }
  const double set =
      (lower ? 26 : 0) + (upper ? 26 : 0) + (digit ? 10 : 0) + (other ? 32 : 0) + (wide ? 64 : 0);
  return set == 0 ? 0 : length * std::log2(set);
}

}  // namespace plakar::cli
