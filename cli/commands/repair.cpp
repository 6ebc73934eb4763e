#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/ops/rebuild.h"

namespace plakar::cli {
namespace {

class Observer final : public ops::RebuildObserver {
 public:
  explicit Observer(Renderer& renderer) : renderer_(renderer) {}

  void state_damaged(const kloset::StateId& state, std::string_view error) override {
    renderer_.message(MessageLevel::warn,
                      "state " + state.short_hex() + " is damaged: " + std::string(error));
  }
  void packfile_unnamed(const PackfileMac& packfile, std::uint64_t blobs) override {
    renderer_.message(MessageLevel::info, "found missing state of packfile " +
                                              packfile.short_hex() + " with " +
                                              std::to_string(blobs) + " blobs");
  }
  void packfile_unreadable(const PackfileMac& packfile, std::string_view error) override {
    renderer_.message(MessageLevel::warn,
                      "packfile " + packfile.short_hex() +
                          " cannot be read, what is in it is lost: " + std::string(error));
  }
  void snapshot_returns(const SnapshotId& snapshot) override {
    renderer_.message(MessageLevel::info, "snapshot " + snapshot.short_hex() + " comes back");
  }

 private:
  Renderer& renderer_;
};

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
  Observer observer(*context.renderer);
  const auto report = ops::rebuild_states(
      *store.repository, {.hostname = host_name(), .apply = apply}, observer, context.cancel);
  if (!report) return fail(context, Error(report.error()).context("repair"));
  if (!report->is_needed()) {
    context.out << "no repairs needed\n";
  } else if (!apply) {
    context.out << "to apply these repairs, run `plakar repair -apply`\n";
  } else {
    context.out << "repaired: " << report->packfiles_unnamed << " packfiles and "
                << report->snapshots << " snapshots are known again\n";
  }
  return report->packfiles_unreadable == 0 ? exit_ok : exit_with_errors;
}

}  // namespace plakar::cli
