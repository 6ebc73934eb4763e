#include "sdk/kit/process/child.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plk::kit {
namespace {

constexpr std::size_t messages_size_max = 16 * 1024;
// A program that puts out more than this while it is written to is not waited for.
constexpr std::size_t pending_size_max = 64u << 20;
constexpr std::size_t piece_size = 64 * 1024;

std::vector<plk_bytes> views(const std::vector<std::string>& texts) {
  std::vector<plk_bytes> made;
  for (const std::string& text : texts) made.push_back(octets(text).raw());
  return made;
}

const std::string& program_of(const child_settings& settings) {
  if (settings.arguments.empty()) throw failure(PLK_E_INVALID_ARG, "no program is named");
  return settings.arguments.front();
}

plk_spawn_args spawn_args(const child_settings& settings, const std::vector<plk_bytes>& arguments,
                          const std::vector<plk_bytes>& environment) {
  plk_spawn_args args{};
  args.struct_size = sizeof args;
  args.flags = PLK_SPAWN_STDOUT | PLK_SPAWN_STDERR;
  if (settings.has_input) args.flags |= PLK_SPAWN_STDIN;
  args.argv = arguments.data();
  args.argc = arguments.size();
  args.env = environment.data();
  args.env_count = environment.size();
  args.cwd = octets(settings.directory).raw();
  return args;
}

// The last line that says something.
std::string last_line(const std::string& text) {
  std::size_t end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos) return {};
  const std::size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1,
                     end - (begin == std::string::npos ? std::size_t(-1) : begin));
}

}  // namespace

child::child(const context& context, const call& call, const child_settings& settings)
    : program_(program_of(settings)),
      process_(context, call,
               spawn_args(settings, views(settings.arguments), views(settings.environment))) {
  ends_ = {process_.pipes().stdin_fd, process_.pipes().stdout_fd, process_.pipes().stderr_fd};
  for (const int fd : ends_) {
    if (fd >= 0) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

child::~child() {
  for (const end which : {input, output, errors}) close(which);
}

void child::close(end which) noexcept {
  if (is_open(which)) ::close(std::exchange(ends_[which], -1));
}

std::size_t child::receive(end which, void* data, std::size_t size) {
  while (is_open(which)) {
    const ssize_t got = ::read(ends_[which], data, size);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return 0;
    close(which);
  }
  return 0;
}

void child::keep_messages() {
  std::array<char, 4096> piece;
  while (const std::size_t got = receive(errors, piece.data(), piece.size())) {
    messages_.append(piece.data(), got);
    if (messages_.size() > 2 * messages_size_max) {
      messages_.erase(0, messages_.size() - messages_size_max);
    }
  }
}

std::size_t child::read(buffer out, const patience& patience) {
  if (out.size() == 0) return 0;
  if (!pending_.empty()) {
    const std::size_t size = std::min(out.size(), pending_.size());
    std::memcpy(out.data(), pending_.data(), size);
    pending_.erase(0, size);
    return size;
  }
  while (is_open(output)) {
    if (const std::size_t got = receive(output, out.data(), out.size())) return got;
    if (!is_open(output)) break;
    std::array<pollfd, 2> watched{{{ends_[output], POLLIN, 0}, {ends_[errors], POLLIN, 0}}};
    patience.wait_any(watched, "waiting for " + program_);
    keep_messages();
  }
  return 0;
}

void child::write(octets bytes, const patience& patience) {
  while (!bytes.empty()) {
    patience.check("writing to " + program_);
    if (!is_open(input)) throw failure(PLK_E_IO, program_ + " takes no more input");
    const ssize_t sent = ::write(ends_[input], bytes.data(), std::min(bytes.size(), piece_size));
    if (sent > 0) {
      bytes = octets(bytes.data() + sent, bytes.size() - static_cast<std::size_t>(sent));
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      // Why, is what finish() says.
      close(input);
      keep_messages();
      throw failure(PLK_E_IO, program_ + " takes no more input: " + last_line(messages_));
    }
    std::array<pollfd, 3> watched{
        {{ends_[input], POLLOUT, 0}, {ends_[output], POLLIN, 0}, {ends_[errors], POLLIN, 0}}};
    patience.wait_any(watched, "writing to " + program_);
    keep_messages();
    std::array<char, piece_size> piece;
    while (const std::size_t got = receive(output, piece.data(), piece.size())) {
      pending_.append(piece.data(), got);
    }
    if (pending_.size() > pending_size_max) {
      throw failure(PLK_E_IO, program_ + " puts out more than anybody reads");
    }
  }
}

void child::end_input() { close(input); }

void child::finish(const call& call) {
  end_input();
  const patience waits(call);
  std::array<std::uint8_t, 4096> waste;
  pending_.clear();
  while (read(buffer(waste.data(), waste.size()), waits) > 0) {
  }
  while (is_open(errors)) {
    keep_messages();
    if (is_open(errors)) waits.wait_readable(ends_[errors], "waiting for " + program_);
  }
  const plk_exit exit = process_.wait(call);
  if (exit.code != 0 || exit.signal != 0) throw ended_badly(exit);
}

failure child::ended_badly(const plk_exit& exit) const {
  std::string message = program_;
  message += exit.signal != 0 ? " was ended by signal " + std::to_string(exit.signal)
                              : " ended with code " + std::to_string(exit.code);
  const std::string said = last_line(messages_);
  if (!said.empty()) message += ": " + said;
  return failure(PLK_E_IO, message);
}

}  // namespace plk::kit
