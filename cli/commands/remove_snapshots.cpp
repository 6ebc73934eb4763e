#include "cli/commands/remove_snapshots.h"

#include <string>

#include "cli/exit_code.h"
#include "core/ops/remove.h"

namespace plakar::cli {
namespace {

class Observer final : public ops::RemoveObserver {
 public:
  Observer(Renderer& renderer, std::string_view command) : renderer_(renderer), command_(command) {}

  void removed(const SnapshotId& snapshot) override {
    renderer_.message(MessageLevel::info, removal_of(snapshot) + " completed successfully");
  }
  void failed(const SnapshotId& snapshot, std::string_view error) override {
    renderer_.message(MessageLevel::error, removal_of(snapshot) + " failed: " + std::string(error));
  }

 private:
  std::string removal_of(const SnapshotId& snapshot) const {
    return std::string(command_) + ": removal of " + snapshot.short_hex();
  }

  Renderer& renderer_;
  std::string_view command_;
};

}  // namespace

int remove_and_tell(Context& context, std::string_view command, kloset::Repository& repository,
                    std::span<const SnapshotId> snapshots) {
  if (snapshots.empty()) return exit_ok;
  Observer observer(*context.renderer, command);
  const auto report = ops::remove_snapshots(repository, snapshots, observer, context.cancel);
  if (!report) return fail(context, report.error());
  if (report->failed == 0) return exit_ok;
  return fail(context, "failed to remove " + std::to_string(report->failed) + " snapshots");
}

}  // namespace plakar::cli
