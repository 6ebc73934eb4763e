#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "cli/flags/value.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/ops/maintenance.h"

namespace plakar::cli {
namespace {

using codec::Json;

class Observer final : public ops::MaintenanceObserver {
 public:
  Observer(Renderer& renderer, const EventScope& scope) : renderer_(renderer), scope_(scope) {}

  void marked(const SnapshotId&, std::uint64_t, std::uint64_t) override {}
  void unreadable(const SnapshotId& snapshot, std::string_view error) override {
    EventScope scope = scope_;
    scope.snapshot = snapshot;
    renderer_.event(scope, MessageLevel::error, "snapshot.error", Json::object({{"error", error}}));
    renderer_.message(MessageLevel::error,
                      "snapshot " + snapshot.short_hex() + ": " + std::string(error));
  }
  void noticed(std::string_view where, std::string_view what) override {
    renderer_.message(MessageLevel::warn, std::string(where) + ": " + std::string(what));
  }
  void coloured(const PackfileMac& packfile, ops::Colouring why) override {
    renderer_.event(scope_, MessageLevel::info, "packfile.coloured",
                    Json::object({{"packfile", packfile.hex()}, {"reason", name_of(why)}}));
  }
  void removed(const PackfileMac& packfile, std::uint64_t bytes) override {
    renderer_.event(scope_, MessageLevel::info, "packfile.removed",
                    Json::object({{"packfile", packfile.hex()}, {"size", bytes}}));
  }

 private:
  static std::string_view name_of(ops::Colouring why) {
    switch (why) {
      case ops::Colouring::orphaned:
        return "orphaned";
      case ops::Colouring::repacked:
        return "repacked";
      case ops::Colouring::unused:
        break;
    }
    return "unused";
  }

  Renderer& renderer_;
  const EventScope& scope_;
};

// "7d", "36h", "1h30m0s": whole days where they are.
std::string grace_text(std::chrono::nanoseconds grace) {
  constexpr std::chrono::hours day{24};
  if (grace >= day && grace % day == std::chrono::nanoseconds(0)) {
    return std::to_string(grace / day) + "d";
  }
  return format_duration(grace);
}

std::string count(std::uint64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun);
}

void print_report(std::ostream& out, const ops::MaintenanceReport& report,
                  std::chrono::nanoseconds grace) {
  if (report.packfiles_repacked > 0) {
    out << "maintenance: Repacked " << count(report.packfiles_repacked, "packfiles") << " into "
        << report.packfiles_written << " (" << format_size(report.bytes_written) << ")\n";
  }
  out << "maintenance: Coloured " << count(report.packfiles_coloured, "packfiles") << " ("
      << report.packfiles_orphaned << " orphaned) for deletion\n";
  if (report.packfiles_coloured > 0) {
    out << "Coloured packfiles are scheduled to be removed in " << grace_text(grace) << " ("
        << format_size(report.bytes_coloured) << ")\n";
  }
  if (report.leftovers > 0) {
    out << "maintenance: " << count(report.leftovers, "packfiles")
        << " of runs that did not finish are kept for now\n";
  }
  out << "maintenance: " << count(report.blobs_removed, "blobs") << " and "
      << count(report.packfiles_removed, "packfiles") << " were removed";
  if (report.bytes_removed > 0) out << " (" << format_size(report.bytes_removed) << ")";
  out << '\n';
}

Json to_json(const ops::MaintenanceReport& report) {
  return Json::object({{"snapshots", report.snapshots},
                       {"packfiles_coloured", report.packfiles_coloured},
                       {"packfiles_orphaned", report.packfiles_orphaned},
                       {"packfiles_repacked", report.packfiles_repacked},
                       {"bytes_coloured", report.bytes_coloured},
                       {"packfiles_uncoloured", report.packfiles_uncoloured},
                       {"packfiles_written", report.packfiles_written},
                       {"bytes_written", report.bytes_written},
                       {"packfiles_removed", report.packfiles_removed},
                       {"blobs_removed", report.blobs_removed},
                       {"bytes_removed", report.bytes_removed},
                       {"leftovers", report.leftovers},
                       {"errors", report.failures}});
}

}  // namespace

int run_maintenance(Context& context, std::span<const std::string> arguments) {
  FlagSet flags;
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "maintenance", flags, arguments, words)) return *done;
  if (!words.empty()) return fail(context, "too many arguments");
  ops::MaintenanceOptions options{.hostname = host_name(),
                                  .lock = !is_set(context, "PLAKAR_LOCKLESS"),
                                  .delete_packfiles = !is_set(context, "PLAKAR_NODELETION")};
  if (const auto text = context.environment("PLAKAR_GRACEPERIOD")) {
    const auto grace = parse_duration(*text);
    if (!grace || *grace < std::chrono::nanoseconds(0)) {
      return fail(context, "PLAKAR_GRACEPERIOD is no duration: " + *text + " (such as 168h)");
    }
    options.grace = *grace;
  }
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  if (const auto done = refuse_read_only(context, store)) return *done;
  Renderer& renderer = *context.renderer;
  const EventScope scope{.workflow = "maintenance",
                         .repository = store.repository->config().repository_id,
                         .job = Uuid::random(context.env.random)};
  renderer.begin(scope);
  Observer observer(renderer, scope);
  const auto report = ops::maintenance(*store.repository, options, observer, context.cancel);
  if (report) renderer.summary(scope, to_json(*report));
  renderer.end(scope);
  if (!report) return fail(context, Error(report.error()).context("maintenance"));
  if (!context.options.json) print_report(context.out, *report, options.grace);
  if (report->failures == 0) return exit_ok;
  static_cast<void>(fail(context, "maintenance: " + count(report->failures, "packfiles") +
                                      " could not be removed, and will be tried again"));
  return exit_with_errors;
}

}  // namespace plakar::cli
