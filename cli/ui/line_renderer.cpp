#include <mutex>
#include <ostream>
#include <string>

#include "cli/ui/renderer.h"
#include "core/base/text.h"

namespace plakar::cli {
namespace {

class LineRenderer final : public Renderer {
 public:
  LineRenderer(std::ostream& out, std::ostream& err, const LineOptions& options)
      : out_(out),
        err_(err),
        options_(options),
        good_(options.colour ? "\033[32m✓\033[0m " : "✓ "),
        bad_(options.colour ? "\033[31m✘\033[0m " : "✘ ") {}

  void begin(const EventScope&) override {}
  void end(const EventScope&) override {}
  void totals(const EventScope&, const WorkTotals&) override {}
  void phase(const EventScope&, std::string_view) override {}

  void path_ok(const EventScope& scope, const PathEvent& event) override {
    if (options_.quiet || options_.silent) return;
    const std::string line = scope.snapshot.short_hex() + ": OK " + good_ + escape(event.path);
    const std::lock_guard guard(mutex_);
    out_ << line << '\n';
  }

  void path_failed(const EventScope& scope, std::string_view path,
                   std::string_view error) override {
    if (options_.silent) return;
    const std::lock_guard guard(mutex_);
    err_ << scope.snapshot.short_hex() << ": KO " << bad_ << escape(path) << ": " << escape(error)
         << std::endl;
  }

  void result(const EventScope& scope, const WorkResult& result) override {
    if (options_.silent) return;
    const std::lock_guard guard(mutex_);
    out_ << scope.snapshot.short_hex() << ": " << result_text(scope.workflow, result) << std::endl;
  }

  void message(MessageLevel level, std::string_view text) override {
    if (options_.silent && level != MessageLevel::error) return;
    if (options_.quiet && level == MessageLevel::info) return;
    const std::lock_guard guard(mutex_);
    switch (level) {
      case MessageLevel::info:
        out_ << "info: " << escape(text) << std::endl;
        break;
      case MessageLevel::warn:
        err_ << "warn: " << escape(text) << std::endl;
        break;
      case MessageLevel::error:
        err_ << "error: " << escape(text) << std::endl;
        break;
    }
  }

  void failed(std::string_view program, std::string_view text) override {
    const std::lock_guard guard(mutex_);
    out_ << std::flush;
    err_ << program << ": " << escape(text) << std::endl;
  }

  void finish() override {
    const std::lock_guard guard(mutex_);
    out_ << std::flush;
  }

 private:
  std::mutex mutex_;
  std::ostream& out_;
  std::ostream& err_;
  const LineOptions options_;
  const std::string good_;
  const std::string bad_;
};

}  // namespace

std::unique_ptr<Renderer> make_line_renderer(std::ostream& out, std::ostream& err,
                                             const LineOptions& options) {
  return std::make_unique<LineRenderer>(out, err, options);
}

std::string result_text(std::string_view workflow, const WorkResult& result) {
  std::string text(workflow);
  text += " completed ";
  if (result.errors == 0) {
    text += "without errors";
  } else {
    text += "with " + std::to_string(result.errors) + (result.errors == 1 ? " error" : " errors");
  }
  return text + " in " + format_duration(result.duration) +
         " (in: " + format_size(result.store_read) + ", out: " + format_size(result.store_written) +
         ")";
}

}  // namespace plakar::cli
