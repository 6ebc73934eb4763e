// A program that the host runs for a connector: one of those that its manifest names under
// permissions.process.
//
//   child dump(context, call, {.arguments = {"pg_dump", "-Fc", "shop"}, .environment = {...}});
//   while (const std::size_t got = dump.read(buffer(...), patience(call))) ...
//   dump.finish(call);     // throws, with what the program said, unless it ended well
//
// What the program says on its standard error is kept, the last of it, for messages. A child that
// is destroyed before it is finished is killed, with all that it started. Nothing blocks but
// together with what cancels.
//
// Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "sdk/kit/wait/patience.h"

namespace plk::kit {

struct child_settings {
  std::vector<std::string> arguments;      // the program first; secrets do not belong here
  std::vector<std::string> environment{};  // "NAME=value": all that it sees
  std::string directory{};
  bool has_input = false;  // write() is used
};

class child {
 public:
  child(const context& context, const call& call, const child_settings& settings);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  // Some of what it puts out; 0 at the end.
  std::size_t read(buffer out, const patience& patience);
  // All of it, to the program's input. What the program puts out meanwhile is kept for read().
  void write(octets bytes, const patience& patience);
  void end_input();

  // Waits for its end, passing over what it still puts out. Throws PLK_E_IO unless it ended with 0.
  void finish(const call& call);

  // The end of what it said on standard error.
  const std::string& messages() const noexcept { return messages_; }

 private:
  enum end : std::size_t { input, output, errors };

  bool is_open(end which) const noexcept { return ends_[which] >= 0; }
  void close(end which) noexcept;
  void keep_messages();
  // Up to `size` bytes; 0 where there are none yet. Closes the descriptor at its end.
  std::size_t receive(end which, void* data, std::size_t size);
  failure ended_badly(const plk_exit& exit) const;

  std::string program_;
  std::array<int, 3> ends_{-1, -1, -1};  // -1: closed
  process process_;
  std::string pending_;  // of its output
  std::string messages_;
};

}  // namespace plk::kit
