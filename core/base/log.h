// What a program says about itself while it runs.
//
//   log::info("pack sealed", {{"mac", id.short_hex()}, {"blobs", count}});
//
// The message is constant, so that it can be searched for and counted; what varies are
// fields. Levels: error, somebody must act; warn, degraded; info, life-cycle; debug, the rest.
// Below core/ops code returns errors and does not log, except background work with nobody to
// return to.
//
// Secrets do not pass: a Secret is no value of a field, and everything else goes through the
// Redactor before any sink sees it. Names do not forge lines: both renderers put a record on
// one line, whatever is in it.
//
// The logger is the one global of the program, installed once by main(): what is said in the
// depths is for whoever runs the program, not for the caller, and to hand a logger through
// every signature would make each of them promise to say something. Without one installed
// (a library in a stranger's process) logging does nothing.
//
// All functions may be called from any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/unix_time.h"

namespace plakar {
class Clock;
class Redactor;
}  // namespace plakar

namespace plakar::log {

enum class Level : std::uint8_t { error, warn, info, debug };

std::string_view name_of(Level level) noexcept;

// Refers to text that it is given: made where a field is, and used up there.
class Value {
 public:
  Value(bool value) noexcept : value_(value) {}
  Value(std::signed_integral auto value) noexcept : value_(std::int64_t{value}) {}
  Value(std::unsigned_integral auto value) noexcept : value_(std::uint64_t{value}) {}
  Value(double value) noexcept : value_(value) {}
  Value(const char* value) noexcept : value_(std::string_view(value)) {}
  Value(const std::string& value) noexcept : value_(std::string_view(value)) {}
  Value(std::string_view value) noexcept : value_(value) {}

  using Variant = std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view>;
  const Variant& get() const noexcept { return value_; }

 private:
  Variant value_;
};

struct Field {
  std::string_view name;
  Value value;
};
using Fields = std::initializer_list<Field>;

// What a sink gets: free of secrets, its own owner.
struct Record {
  using OwnedValue = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;

  Level level = Level::info;
  WallTime time;
  std::string message;
  std::vector<std::pair<std::string, OwnedValue>> fields;
};

// "info: pack sealed mac=3fa1c2d4 blobs=12": for people, without a time, on one line that does
// not end. Values with spaces, quotes or equal signs are quoted.
std::string render_text(const Record& record);

// {"time":"2026-01-14T06:45:32.5Z","level":"info","message":"pack sealed","fields":{...}}, on
// one line that does not end. `fields` is left out when there are none.
std::string render_json(const Record& record);

// Where records go. Called by several threads at once; what cannot be written is dropped.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void write(const Record& record) noexcept = 0;
};

enum class Format : std::uint8_t { text, json };

// Writes each record as one line, with one write(2), so that lines of several threads and
// processes do not mix. The descriptors stay the caller's.
class DescriptorSink final : public Sink {
 public:
  struct Options {
    Format format = Format::text;
    int quiet_descriptor = 1;  // For info and debug,
    int loud_descriptor = 2;   // and for warn and error.
  };
  explicit DescriptorSink(const Options& options) noexcept : options_(options) {}

  void write(const Record& record) noexcept override;

 private:
  const Options options_;
};

class Logger {
 public:
  // All three outlive the logger.
  Logger(Sink& sink, const Redactor& redactor, const Clock& clock, Level most_detailed) noexcept
      : sink_(&sink), redactor_(&redactor), clock_(&clock), most_detailed_(most_detailed) {}

  bool is_enabled(Level level) const noexcept { return level <= most_detailed_; }
  void write(Level level, std::string_view message, Fields fields) const noexcept;

 private:
  Sink* sink_;
  const Redactor* redactor_;
  const Clock* clock_;
  Level most_detailed_;
};

// Makes `logger` the program's for as long as this exists; then it is again what it was.
// Threads that log end before.
class [[nodiscard]] Installed {
 public:
  explicit Installed(const Logger& logger) noexcept;
  ~Installed();
  Installed(const Installed&) = delete;
  Installed& operator=(const Installed&) = delete;

 private:
  const Logger* before_;
};

// For work that is done only to be logged.
bool is_enabled(Level level) noexcept;

void error(std::string_view message, Fields fields = {}) noexcept;
void warn(std::string_view message, Fields fields = {}) noexcept;
void info(std::string_view message, Fields fields = {}) noexcept;
void debug(std::string_view message, Fields fields = {}) noexcept;

}  // namespace plakar::log
