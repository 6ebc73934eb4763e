// How a command tells what it does while it does it: lines for people and scripts, JSON lines for
// programs, or a picture that is redrawn on a terminal. Commands report to one interface; which
// renderer listens was decided by the global options.
//
// The answer of a command (a table, a file's content) is not its business: that goes to stdout
// as it is.
//
// May be used from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/id.h"
#include "core/codec/json.h"
#include "core/kloset/tree/entry.h"

namespace plakar::cli {

// What an event is about. `workflow` is "import" around a backup run, "backup" for each snapshot
// written, "export", "check", "synchronize".
struct EventScope {
  std::string workflow;
  Uuid repository;
  SnapshotId snapshot{};  // zero for what concerns the store as a whole
  Uuid job;
};

struct PathEvent {
  std::string_view path;
  const kloset::FileInfo* info = nullptr;  // where it is known
  std::uint64_t bytes = 0;                 // moved for it
  bool cached = false;                     // taken over from the snapshot before
};

// How much there is to do, as far as that is known beforehand.
struct WorkTotals {
  std::uint64_t directories = 0;
  std::uint64_t files = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t xattrs = 0;
  std::uint64_t bytes = 0;

  std::uint64_t items() const noexcept { return directories + files + symlinks; }
};

struct WorkResult {
  std::string target = "localhost";
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
  std::chrono::nanoseconds duration{};
  std::uint64_t store_read = 0;
  std::uint64_t store_written = 0;
};

enum class MessageLevel : std::uint8_t { info, warn, error };

class Renderer {
 public:
  virtual ~Renderer() = default;

  virtual void begin(const EventScope& scope) = 0;
  virtual void end(const EventScope& scope) = 0;
  // Whether anybody looks at totals: to count takes time.
  virtual bool wants_totals() const { return false; }
  // May be told again, when more is known.
  virtual void totals(const EventScope& scope, const WorkTotals& totals) = 0;
  // "snapshot.import.start", "snapshot.commit.end" and the like.
  virtual void phase(const EventScope& scope, std::string_view type) = 0;
  virtual void path_ok(const EventScope& scope, const PathEvent& event) = 0;
  // Done with, because nothing was to be done about it. People are told how many there were.
  virtual void path_skipped(const EventScope&, const PathEvent&) {}
  virtual void path_failed(const EventScope& scope, std::string_view path,
                           std::string_view error) = 0;
  virtual void result(const EventScope& scope, const WorkResult& result) = 0;
  // For programs, which are told as data what people are told in words.
  virtual void event(const EventScope&, MessageLevel, std::string_view, const codec::Json&) {}
  // The end of a workflow that has another result than a WorkResult.
  virtual void summary(const EventScope&, const codec::Json&) {}
  // "info: ..." on stdout, "warn: ..." and "error: ..." on stderr.
  virtual void message(MessageLevel level, std::string_view text) = 0;
  // The last error of a command, before it exits.
  virtual void failed(std::string_view program, std::string_view text) = 0;
  // Everything is out when this returns.
  virtual void finish() = 0;
};

struct LineOptions {
  bool quiet = false;   // neither successes nor info messages
  bool silent = false;  // no events, and no messages but errors
  bool colour = false;
};

// All of them write to `out` and `err`, which outlive them.
std::unique_ptr<Renderer> make_line_renderer(std::ostream& out, std::ostream& err,
                                             const LineOptions& options);
std::unique_ptr<Renderer> make_json_renderer(std::ostream& out, std::ostream& err, Clock& clock,
                                             const LineOptions& options);
// `columns` tells the width of the terminal.
std::unique_ptr<Renderer> make_live_renderer(std::ostream& out, std::ostream& err, Clock& clock,
                                             const LineOptions& options,
                                             std::function<std::size_t()> columns);

// "backup completed without errors in 125ms (in: 12 KiB, out: 577 KiB)"
std::string result_text(std::string_view workflow, const WorkResult& result);

}  // namespace plakar::cli
