#include <algorithm>
#include <mutex>
#include <ostream>
#include <string>

#include "cli/ui/renderer.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/ops/json_view.h"

namespace plakar::cli {
namespace {

using codec::Json;

std::string_view kind_of(const kloset::FileInfo& info) {
  if (kloset::is_directory(info.mode)) return "directory";
  return kloset::has(info.mode, kloset::mode_symlink) ? "symlink" : "file";
}

std::string_view name_of(MessageLevel level) {
  switch (level) {
    case MessageLevel::warn:
      return "warn";
    case MessageLevel::error:
      return "error";
    case MessageLevel::info:
      break;
  }
  return "info";
}

class JsonRenderer final : public Renderer {
 public:
  JsonRenderer(std::ostream& out, std::ostream& err, Clock& clock, const LineOptions& options)
      : out_(out), err_(err), clock_(clock), options_(options) {}

  void begin(const EventScope& scope) override {
    emit(scope, "info", "workflow.start", Json::object({{"workflow", scope.workflow}}));
  }
  void end(const EventScope& scope) override {
    emit(scope, "info", "workflow.end", Json::object({{"workflow", scope.workflow}}));
    finish();
  }
  bool wants_totals() const override { return true; }
  void totals(const EventScope& scope, const WorkTotals& totals) override {
    emit(scope, "info", "fs.summary",
         Json::object({{"files", totals.files},
                       {"directories", totals.directories},
                       {"symlinks", totals.symlinks},
                       {"xattrs", totals.xattrs},
                       {"size", totals.bytes}}));
  }
  void phase(const EventScope& scope, std::string_view type) override {
    emit(scope, "info", type, nullptr);
  }

  void path_ok(const EventScope& scope, const PathEvent& event) override {
    const Json path = Json::object({{"path", printable(event.path)}});
    if (event.info == nullptr) {
      emit(scope, "info", "path.ok", path);
      return;
    }
    Json with_info = path;
    with_info.set("fileinfo", ops::to_json(*event.info));
    if (event.cached) {
      emit(scope, "info", "path.cached", path);
      emit(scope, "info", "file.cached", with_info);
    }
    const std::string_view kind = kind_of(*event.info);
    emit(scope, "info", std::string(kind) + ".ok", kind == "symlink" ? path : with_info);
    emit(scope, "info", "path.ok", path);
  }

  void path_skipped(const EventScope& scope, const PathEvent& event) override {
    emit(scope, "info", "path.skipped", Json::object({{"path", printable(event.path)}}));
  }

  void path_failed(const EventScope& scope, std::string_view path,
                   std::string_view error) override {
    emit(scope, "error", "path.error",
         Json::object({{"path", printable(path)}, {"error", printable(error)}}));
  }

  void result(const EventScope& scope, const WorkResult& result) override {
    using std::chrono::milliseconds;
    const auto duration = std::chrono::duration_cast<milliseconds>(result.duration);
    emit(scope, "quiet", "result",
         Json::object({{"target", result.target},
                       {"size", result.bytes},
                       {"errors", result.errors},
                       {"duration", std::int64_t{duration.count()}},
                       {"rbytes", result.store_read},
                       {"wbytes", result.store_written}}));
  }

  void event(const EventScope& scope, MessageLevel level, std::string_view type,
             const Json& data) override {
    emit(scope, name_of(level), type, data);
  }

  void summary(const EventScope& scope, const Json& data) override {
    emit(scope, "quiet", "result", data);
  }

  void message(MessageLevel level, std::string_view text) override {
    if (level == MessageLevel::info) return;
    if (options_.silent && level == MessageLevel::warn) return;
    const std::lock_guard guard(mutex_);
    err_ << (level == MessageLevel::warn ? "warn: " : "error: ") << escape(text) << std::endl;
  }

  void failed(std::string_view program, std::string_view text) override {
    emit({}, "error", "error", Json::object({{"error", printable(text)}}));
    finish();
    const std::lock_guard guard(mutex_);
    err_ << program << ": " << escape(text) << std::endl;
  }

  void finish() override {
    const std::lock_guard guard(mutex_);
    out_ << std::flush;
  }

 private:
  // JSON is UTF-8; a name that is not is shown as the other renderers show it.
  static std::string printable(std::string_view text) {
    return is_utf8(text) ? std::string(text) : escape(text);
  }

  void emit(const EventScope& scope, std::string_view level, std::string_view type,
            const Json& data) {
    if (options_.silent || (options_.quiet && level == "info")) return;
    Json event = Json::object();
    event.set("version", 1);
    event.set("timestamp", format_rfc3339(to_unix_time(clock_.wall()), TimePrecision::nanoseconds));
    event.set("repository", scope.repository.text());
    event.set("snapshot", scope.snapshot.hex());
    event.set("level", level);
    event.set("workflow", scope.workflow);
    event.set("job", scope.job.text());
    event.set("type", type);
    if (!data.is_null()) event.set("data", data);
    const std::string line = codec::to_json(event);
    const std::lock_guard guard(mutex_);
    out_ << line << '\n';
  }

  std::mutex mutex_;
  std::ostream& out_;
  std::ostream& err_;
  Clock& clock_;
  const LineOptions options_;
};

}  // namespace

std::unique_ptr<Renderer> make_json_renderer(std::ostream& out, std::ostream& err, Clock& clock,
                                             const LineOptions& options) {
  return std::make_unique<JsonRenderer>(out, err, clock, options);
}

}  // namespace plakar::cli
