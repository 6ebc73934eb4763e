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
#include "core/ops/maintenance.h"

namespace plakar::cli {
namespace {

class Observer final : public ops::MaintenanceObserver {
 public:
  explicit Observer(Renderer& renderer) : renderer_(renderer) {}

  void marked(const SnapshotId&, std::uint64_t, std::uint64_t) override {}
  void unreadable(const SnapshotId& snapshot, std::string_view error) override {
    renderer_.message(MessageLevel::error,
                      "snapshot " + snapshot.short_hex() + ": " + std::string(error));
  }
  void noticed(std::string_view where, std::string_view what) override {
    renderer_.message(MessageLevel::warn, std::string(where) + ": " + std::string(what));
  }
  void coloured(const PackfileMac&, ops::Colouring) override {}
  void removed(const PackfileMac&, std::uint64_t) override {}

 private:
  Renderer& renderer_;
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
  Observer observer(*context.renderer);
  const auto report = ops::maintenance(*store.repository, options, observer, context.cancel);
  if (!report) return fail(context, Error(report.error()).context("maintenance"));
  print_report(context.out, *report, options.grace);
  if (report->failures == 0) return exit_ok;
  static_cast<void>(fail(context, "maintenance: " + count(report->failures, "packfiles") +
                                      " could not be removed, and will be tried again"));
  return exit_with_errors;
}

}  // namespace plakar::cli
