#include <optional>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/codec/json.h"
#include "core/ops/rebuild.h"

namespace plakar::cli {
namespace {

using codec::Json;

class Observer final : public ops::RebuildObserver {
 public:
  Observer(Renderer& renderer, const EventScope& scope) : renderer_(renderer), scope_(scope) {}

  void state_damaged(const kloset::StateId& state, std::string_view error) override {
    renderer_.event(scope_, MessageLevel::warn, "state.damaged",
                    Json::object({{"state", state.hex()}, {"error", error}}));
    renderer_.message(MessageLevel::warn,
                      "state " + state.short_hex() + " is damaged: " + std::string(error));
  }
  void packfile_unnamed(const PackfileMac& packfile, std::uint64_t blobs) override {
    renderer_.event(scope_, MessageLevel::info, "packfile.found",
                    Json::object({{"packfile", packfile.hex()}, {"blobs", blobs}}));
    renderer_.message(MessageLevel::info, "found missing state of packfile " +
                                              packfile.short_hex() + " with " +
                                              std::to_string(blobs) + " blobs");
  }
  void packfile_unreadable(const PackfileMac& packfile, std::string_view error) override {
    renderer_.event(scope_, MessageLevel::error, "packfile.error",
                    Json::object({{"packfile", packfile.hex()}, {"error", error}}));
    renderer_.message(MessageLevel::warn,
                      "packfile " + packfile.short_hex() +
                          " cannot be read, what is in it is lost: " + std::string(error));
  }
  void snapshot_returns(const SnapshotId& snapshot) override {
    EventScope scope = scope_;
    scope.snapshot = snapshot;
    renderer_.event(scope, MessageLevel::info, "snapshot.found", nullptr);
    renderer_.message(MessageLevel::info, "snapshot " + snapshot.short_hex() + " comes back");
  }

 private:
  Renderer& renderer_;
  const EventScope& scope_;
};

Json to_json(const ops::RebuildReport& report, bool apply) {
  return Json::object({{"applied", apply},
                       {"needed", report.is_needed()},
                       {"states", report.states},
                       {"states_damaged", report.states_damaged},
                       {"packfiles", report.packfiles},
                       {"packfiles_unnamed", report.packfiles_unnamed},
                       {"packfiles_unreadable", report.packfiles_unreadable},
                       {"blobs", report.blobs},
                       {"snapshots", report.snapshots},
                       {"states_written", report.states_written}});
}

std::string to_text(const ops::RebuildReport& report, bool apply) {
  if (!report.is_needed()) return "no repairs needed";
  if (!apply) return "to apply these repairs, run `plakar repair -apply`";
  return "repaired: " + std::to_string(report.packfiles_unnamed) + " packfiles and " +
         std::to_string(report.snapshots) + " snapshots are known again";
}

}  // namespace

int run_repair(Context& context, std::span<const std::string> arguments) {
  bool apply = false;
  FlagSet flags;
  flags.boolean("apply", apply, "do it, instead of only saying what would be done");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "repair", flags, arguments, words)) return *done;
  if (!words.empty()) return fail(context, "too many arguments");
  OpenStore store;
  if (const auto done = open_store(context, store, States::left_alone)) return *done;
  if (const auto done = apply ? refuse_read_only(context, store) : std::nullopt) return *done;
  Renderer& renderer = *context.renderer;
  const EventScope scope{.workflow = "repair",
                         .repository = store.repository->config().repository_id,
                         .job = Uuid::random(context.env.random)};
  renderer.begin(scope);
  Observer observer(renderer, scope);
  const auto report = ops::rebuild_states(
      *store.repository, {.hostname = host_name(), .apply = apply}, observer, context.cancel);
  if (report) renderer.summary(scope, to_json(*report, apply));
  renderer.end(scope);
  if (!report) return fail(context, Error(report.error()).context("repair"));
  renderer.message(MessageLevel::info, to_text(*report, apply));
  return report->packfiles_unreadable == 0 ? exit_ok : exit_with_errors;
}

}  // namespace plakar::cli
