#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "core/config/location.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/restore.h"
#include "core/ops/selection.h"
#include "core/ops/snapshot_reference.h"

namespace plakar::cli {
namespace {

struct RestoreFlags {
  ops::SnapshotFilter filter;
  std::string to;
  config::Options connector_options;
  bool skip_permissions = false;
  kloset::Existing existing = kloset::Existing::replace;
};

Result<kloset::Existing> parse_existing(std::string_view word) {
  if (word == "replace") return kloset::Existing::replace;
  if (word == "skip") return kloset::Existing::skip;
  if (word == "fail") return kloset::Existing::fail;
  if (word == "resume") return kloset::Existing::resume;
  return Error(Errc::invalid_argument, "it is one of replace, skip, fail and resume");
}

class Observer final : public ops::RestoreObserver {
 public:
  Observer(Renderer& renderer, const EventScope& scope) : renderer_(renderer), scope_(scope) {}

  void expected(std::uint64_t entries, std::uint64_t bytes) override {
    renderer_.totals(scope_, {.files = entries, .bytes = bytes});
  }
  void restored(std::string_view path, std::uint64_t bytes) override {
    renderer_.path_ok(scope_, {.path = path, .bytes = bytes});
  }
  void skipped(std::string_view path, std::uint64_t bytes) override {
    renderer_.path_skipped(scope_, {.path = path, .bytes = bytes});
  }
  void failed(std::string_view path, std::string_view error) override {
    renderer_.path_failed(scope_, path, error);
  }

 private:
  Renderer& renderer_;
  const EventScope& scope_;
};

// A new directory beside where the user is: nothing that exists is touched without being named.
std::string default_destination(const Context& context) {
  const std::time_t now = to_unix_time(context.env.clock.wall()).seconds;
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "plakar-%Y%m%d%H%M%S", &local);
  return config::join_path(context.working_directory, text);
}

bool is_set(const ops::SnapshotFilter& filter) {
  return !filter.name.empty() || !filter.category.empty() || !filter.environment.empty() ||
         !filter.perimeter.empty() || !filter.job.empty() || !filter.tags.empty();
}

// The newest snapshot that matches. A prefix that several identifiers begin with means the newest
// of them, as it does for genuine Plakar.
Result<SnapshotPath> choose(Context& context, kloset::Repository& repository,
                            const std::vector<std::string>& words,
                            const ops::SnapshotFilter& filter) {
  ops::SnapshotReference reference{.latest = 0};
  if (!words.empty()) {
    reference = PLK_TRY(ops::SnapshotReference::parse(words[0]));
    if (is_set(filter)) {
      context.renderer->message(MessageLevel::warn, "snapshot specified, filters will be ignored");
    }
  }
  bool damaged = false;
  const auto headers = PLK_TRY(load_headers(context, repository, damaged));
  std::uint64_t passed_over = reference.latest.value_or(0);
  for (const kloset::SnapshotHeader& header : headers) {
    const bool wanted = words.empty() ? filter.matches(header)
                                      : header.identifier.hex().starts_with(reference.prefix);
    if (!wanted || passed_over-- > 0) continue;
    return SnapshotPath{.id = header.identifier,
                        .path = reference.path_below(header.source().importer.directory)};
  }
  return Error(Errc::not_found, words.empty() ? "no snapshots found"
                                              : "no snapshot has prefix: " + reference.prefix);
}

}  // namespace

int run_restore(Context& context, std::span<const std::string> arguments) {
  RestoreFlags options;
  FlagSet flags;
  flags.text("to", options.to, "restore to `PLACE`: a path, a location or @destination");
  flags.value(
      "existing",
      [&options](std::string_view word) -> Status {
        options.existing = PLK_TRY(parse_existing(word));
        return {};
      },
      "what to do with files that exist: replace, skip, fail, or resume");
  flags.boolean("skip-permissions", options.skip_permissions,
                "give files 0640, directories 0750, and everything to the current user");
  add_connector_options(flags, options.connector_options, "destination");
  ops::SnapshotFilter& filter = options.filter;
  flags.text("name", filter.name, "the newest snapshot of this `NAME`");
  flags.text("category", filter.category, "the newest snapshot of this `CATEGORY`");
  flags.text("environment", filter.environment, "the newest snapshot of this `ENVIRONMENT`");
  flags.text("perimeter", filter.perimeter, "the newest snapshot of this `PERIMETER`");
  flags.text("job", filter.job, "the newest snapshot of this `JOB`");
  std::string tag;
  flags.text("tag", tag, "the newest snapshot with this `TAG`");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "restore", flags, arguments, words)) return *done;
  if (words.size() > 1) return fail(context, "multiple snapshots found, please specify one");
  if (!tag.empty()) filter.tags.push_back(tag);
  if (options.to.empty()) options.to = default_destination(context);
  auto place = place_options(context, config::PlaceKind::destination, options.to);
  if (!place) return fail(context, place.error());
  for (const config::Option& option : options.connector_options) {
    config::set_option(*place, option.key, option.value);
  }

  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  const auto where = choose(context, *store.repository, words, options.filter);
  if (!where) return fail(context, where.error());
  const auto destination = make_destination(
      context, *place, {.existing = options.existing, .permissions = !options.skip_permissions});
  const Status reached = destination ? (*destination)->ping() : Status(destination.error());
  if (!reached) {
    return fail(context,
                Error(reached.error()).context("failed to create an exporter for " + options.to));
  }

  Renderer& renderer = *context.renderer;
  const EventScope scope{.workflow = "export",
                         .repository = store.repository->config().repository_id,
                         .snapshot = where->id,
                         .job = Uuid::random(context.env.random)};
  renderer.begin(scope);
  Observer observer(renderer, scope);
  const MonotonicTime begin = context.env.clock.monotonic();
  const auto report = ops::restore(*store.repository, where->id, **destination,
                                   {.path = where->path, .threads = context.options.threads()},
                                   observer, context.cancel);
  if (!report) {
    renderer.end(scope);
    return fail(context, report.error());
  }
  if (report->skipped > 0) {
    renderer.message(MessageLevel::info, "restore: " + std::to_string(report->skipped) +
                                             " paths were left as they were");
  }
  EventScope summary = scope;
  summary.workflow = "restore";
  renderer.result(summary, {.bytes = report->bytes_written,
                            .errors = report->errors,
                            .duration = context.env.clock.monotonic() - begin,
                            .store_read = store.store->bytes_read(),
                            .store_written = store.store->bytes_written()});
  renderer.end(scope);
  return report->errors == 0 ? exit_ok : exit_with_errors;
}

}  // namespace plakar::cli
