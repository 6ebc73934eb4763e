#include "cli/commands/remove_snapshots.h"

#include <string>
#include <utility>

#include "cli/exit_code.h"
#include "core/codec/json.h"
#include "core/ops/remove.h"

namespace plakar::cli {
namespace {

class Observer final : public ops::RemoveObserver {
 public:
  Observer(Renderer& renderer, std::string_view command, EventScope scope)
      : renderer_(renderer), command_(command), scope_(std::move(scope)) {}

  void removed(const SnapshotId& snapshot) override {
    scope_.snapshot = snapshot;
    renderer_.event(scope_, MessageLevel::info, "snapshot.removed", nullptr);
    renderer_.message(MessageLevel::info, removal_of(snapshot) + " completed successfully");
  }
  void failed(const SnapshotId& snapshot, std::string_view error) override {
    scope_.snapshot = snapshot;
    renderer_.event(scope_, MessageLevel::error, "snapshot.error",
                    codec::Json::object({{"error", error}}));
    renderer_.message(MessageLevel::error, removal_of(snapshot) + " failed: " + std::string(error));
  }

 private:
  std::string removal_of(const SnapshotId& snapshot) const {
    return std::string(command_) + ": removal of " + snapshot.short_hex();
  }

  Renderer& renderer_;
  std::string_view command_;
  EventScope scope_;
};

}  // namespace

int remove_and_tell(Context& context, std::string_view command, kloset::Repository& repository,
                    std::span<const SnapshotId> snapshots) {
  Renderer& renderer = *context.renderer;
  const EventScope scope{.workflow = std::string(command),
                         .repository = repository.config().repository_id,
                         .job = Uuid::random(context.env.random)};
  renderer.begin(scope);
  Observer observer(renderer, command, scope);
  Result<ops::RemoveReport> report = ops::RemoveReport{};
  if (!snapshots.empty()) {
    report = ops::remove_snapshots(repository, snapshots, observer, context.cancel);
  }
  if (report) {
    renderer.summary(
        scope, codec::Json::object({{"removed", report->removed}, {"errors", report->failed}}));
  }
  renderer.end(scope);
  if (!report) return fail(context, report.error());
  if (report->failed == 0) return exit_ok;
  return fail(context, "failed to remove " + std::to_string(report->failed) + " snapshots");
}

}  // namespace plakar::cli
