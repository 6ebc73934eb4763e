// The picture of a running backup or restore:
//
//   [00:08] 31246221 processing .../share/doc/file.txt                    2.7 MiB
//   ****************************                           50%  11 MiB/s  ETA 12s
//           import: nodes=273/546, errors=83
//
//   ✘ /etc/pve/openvz: operation not supported
//
// It is drawn where the cursor is, and drawn again from there ten times a second; the last one
// stays. Nothing is asked of the terminal but its width: one that does not answer would stall
// the backup.
#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "cli/ui/renderer.h"
#include "core/base/text.h"

namespace plakar::cli {
namespace {

constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::size_t errors_shown_max = 8;
constexpr std::size_t columns_min = 20;
// What creating or looking at a file costs beside its bytes, for the estimate of what is left.
constexpr std::uint64_t bytes_per_item = 8192;

// How many terminal cells text takes, as far as it is not East Asian.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string pad_left(std::string text, std::size_t width) {
  const std::size_t has = width_of(text);
  return has < width ? std::string(width - has, ' ') + text : text;
}

// The end of a path, by whole components, in at most `width` cells.
std::string shorten(std::string path, std::size_t width) {
  if (width_of(path) <= width) return path;
  while (width_of(path) + 4 > width) {
    const std::size_t slash = path.find('/', 1);
    if (slash == std::string::npos) break;
    path.erase(0, slash);
  }
  path.insert(0, path.starts_with('/') ? "..." : ".../");
  if (width_of(path) <= width) return path;
  // One component that is too long. Cut between characters.
  std::size_t end = std::min(path.size(), width);
  while (end > 0 && end < path.size() && (path[end] & 0xC0) == 0x80) --end;
  return path.substr(0, end);
}

std::string clock_text(std::chrono::nanoseconds duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  char text[40];
  if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%02lld:%02lld", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%02lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  }
  return text;
}

class LiveRenderer final : public Renderer {
 public:
  LiveRenderer(std::ostream& out, std::ostream& err, Clock& clock, const LineOptions& options,
               std::function<std::size_t()> columns)
      : out_(out),
        clock_(clock),
        options_(options),
        columns_(std::move(columns)),
        lines_(make_line_renderer(out, err, options)) {}

  ~LiveRenderer() override { stop(); }

  void begin(const EventScope& scope) override {
    if (scope.workflow != "import" && scope.workflow != "export") return;
    {
      const std::lock_guard guard(mutex_);
      if (running_) return;
      running_ = true;
      workflow_ = scope.workflow;
      started_ = clock_.monotonic();
      phase_ = "processing";
    }
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
  }

  void end(const EventScope& scope) override {
    if (scope.workflow == workflow_) stop();
  }

  bool wants_totals() const override { return true; }
  void totals(const EventScope&, const WorkTotals& totals) override {
    const std::lock_guard guard(mutex_);
    totals_ = totals;
  }

  void phase(const EventScope&, std::string_view type) override {
    const std::lock_guard guard(mutex_);
    if (type == "snapshot.vfs.start") phase_ = "building VFS";
    if (type == "snapshot.index.start") phase_ = "indexing";
    if (type == "snapshot.commit.start") phase_ = "committing";
    if (phase_ != "processing") last_.clear();
  }

  void path_ok(const EventScope& scope, const PathEvent& event) override {
    const std::lock_guard guard(mutex_);
    if (!running_) return lines_->path_ok(scope, event);
    snapshot_ = scope.snapshot;
    ++items_;
    done_ += event.info != nullptr && kloset::is_regular(event.info->mode) && event.info->size > 0
                 ? static_cast<std::uint64_t>(event.info->size)
                 : event.bytes;
    last_ = event.path;
  }

  void path_skipped(const EventScope& scope, const PathEvent& event) override {
    const std::lock_guard guard(mutex_);
    if (!running_) return;
    snapshot_ = scope.snapshot;
    ++items_;
    done_ += event.bytes;
  }

  void path_failed(const EventScope& scope, std::string_view path,
                   std::string_view error) override {
    const std::lock_guard guard(mutex_);
    if (!running_) return lines_->path_failed(scope, path, error);
    snapshot_ = scope.snapshot;
    ++errors_;
    ++items_;
    if (failures_.size() < errors_shown_max) {
      failures_.push_back(escape(path) + ": " + escape(error));
    }
  }

  void result(const EventScope& scope, const WorkResult& result) override {
    {
      const std::lock_guard guard(mutex_);
      if (running_) {
        phase_ = "completed";
        last_.clear();
        completed_ = true;
        draw();
        drawn_lines_ = 0;
        running_ = false;
      }
    }
    stop();
    lines_->result(scope, result);
  }

  void message(MessageLevel level, std::string_view text) override {
    const std::lock_guard guard(mutex_);
    erase();
    lines_->message(level, text);
    if (running_) draw();
  }

  void failed(std::string_view program, std::string_view text) override {
    stop();
    lines_->failed(program, text);
  }

  void finish() override {
    stop();
    lines_->finish();
  }

 private:
  void tick(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (running_ && !stop.stop_requested()) {
      draw();
      const auto next = clock_.monotonic() + redraw_interval;
      clock_.wait_until(lock, changed_, next, [&] { return stop.stop_requested() || !running_; });
    }
  }

  // The last picture stays where it is.
  void stop() {
    {
      const std::lock_guard guard(mutex_);
      if (running_) {
        draw();
        drawn_lines_ = 0;
        running_ = false;
      }
    }
    if (ticker_.joinable()) {
      ticker_.request_stop();
      changed_.notify_all();
      ticker_.join();
    }
  }

  // These with mutex_ held.
  void erase() {
    if (drawn_lines_ == 0) return;
    out_ << "\033[" << drawn_lines_ << "F\033[J";
    drawn_lines_ = 0;
  }

  void draw() {
    erase();
    const std::size_t columns = std::max(columns_min, columns_());
    const auto elapsed = clock_.monotonic() - started_;
    std::string picture = head_line(columns, elapsed) + "\n";
    std::size_t lines = 1;
    if (const std::string bar = bar_line(columns, elapsed); !bar.empty()) {
      picture += bar + "\n";
      ++lines;
    }
    std::string counts = "        " + workflow_ + ": nodes=" + std::to_string(items_);
    if (totals_.items() > 0) counts += "/" + std::to_string(std::max(totals_.items(), items_));
    counts += ", errors=" + std::to_string(errors_);
    picture += counts.substr(0, columns) + "\n";
    ++lines;
    if (!failures_.empty()) {
      picture += "\n";
      ++lines;
      for (const std::string& failure : failures_) {
        picture +=
            (options_.colour ? "\033[31m✘\033[0m " : "✘ ") + shorten(failure, columns - 2) + "\n";
        ++lines;
      }
      if (errors_ > failures_.size()) {
        picture += shorten("more errors: see `plakar info -errors " + snapshot_.short_hex() + "`",
                           columns) +
                   "\n";
        ++lines;
      }
    }
    out_ << picture << std::flush;
    drawn_lines_ = lines;
  }

  std::string head_line(std::size_t columns, std::chrono::nanoseconds elapsed) const {
    std::string line = "[" + clock_text(elapsed) + "] " + snapshot_.short_hex() + " " + phase_;
    const std::string size = format_size(done_);
    const std::size_t used = width_of(line) + 1 + size.size() + 1;
    if (used + 8 <= columns && !last_.empty()) line += " " + shorten(escape(last_), columns - used);
    const std::size_t has = width_of(line);
    if (has + 1 + size.size() <= columns) line += pad_left(size, columns - has);
    return line;
  }

  // Empty while nobody knows how much there is.
  std::string bar_line(std::size_t columns, std::chrono::nanoseconds elapsed) const {
    const std::uint64_t all = totals_.bytes + totals_.items() * bytes_per_item;
    if (all == 0) return {};
    const std::uint64_t done = std::min(all, done_ + items_ * bytes_per_item);
    const double fraction =
        completed_ ? 1.0 : std::min(0.99, static_cast<double>(done) / static_cast<double>(all));
    const double seconds = std::chrono::duration<double>(elapsed).count();
    std::string text = " " + std::to_string(static_cast<int>(fraction * 100)) + "%";
    if (seconds > 0.5) {
      text += "  " + format_size(static_cast<std::uint64_t>(static_cast<double>(done_) / seconds)) +
              "/s";
    }
    if (!completed_ && fraction > 0.01 && seconds > 1) {
      const auto left = static_cast<std::int64_t>(seconds * (1 - fraction) / fraction);
      text += "  ETA " + format_duration(std::chrono::seconds(left));
    }
    const std::size_t room = columns > 30 ? columns - 30 : 0;
    return std::string(static_cast<std::size_t>(static_cast<double>(room) * fraction), '*') +
           pad_left(text,
                    30 + room - static_cast<std::size_t>(static_cast<double>(room) * fraction));
  }

  std::ostream& out_;
  Clock& clock_;
  const LineOptions options_;
  const std::function<std::size_t()> columns_;
  const std::unique_ptr<Renderer> lines_;

  std::mutex mutex_;  // guards everything below but the ticker
  std::condition_variable changed_;
  bool running_ = false;
  bool completed_ = false;
  std::string workflow_;
  std::string phase_;
  std::string last_;
  SnapshotId snapshot_{};
  MonotonicTime started_{};
  WorkTotals totals_;
  std::uint64_t items_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t errors_ = 0;
  std::deque<std::string> failures_;
  std::size_t drawn_lines_ = 0;
  std::jthread ticker_;
};

}  // namespace

std::unique_ptr<Renderer> make_live_renderer(std::ostream& out, std::ostream& err, Clock& clock,
                                             const LineOptions& options,
                                             std::function<std::size_t()> columns) {
  return std::make_unique<LiveRenderer>(out, err, clock, options, std::move(columns));
}

}  // namespace plakar::cli
