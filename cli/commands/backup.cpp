#include <atomic>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands/check_observer.h"
#include "cli/commands/command.h"
#include "cli/commands/connectors.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_context.h"
#include "cli/exit_code.h"
#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/config/time_expression.h"
#include "core/kloset/excludes.h"
#include "core/kloset/tree/path.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/merged_source.h"

namespace plakar::cli {
namespace {

using codec::Json;

constexpr std::size_t ignore_file_size_max = 16u << 20;

struct BackupFlags {
  ops::BackupOptions run;
  kloset::Excludes excludes;
  config::Options connector_options;  // -o
  std::vector<std::string> ignore_files;
  std::vector<std::string> ignores;
  bool tags_given = false;
  bool check = false;
  bool no_xattr = false;
  bool no_progress = false;
  std::string cache = "vfs";
  std::string packfiles;
};

// Comma-separated, without what is empty.
std::vector<std::string> split_tags(std::string_view list, bool trim) {
  std::vector<std::string> tags;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view tag = list.substr(0, comma);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    while (trim && tag.starts_with(' ')) tag.remove_prefix(1);
    while (trim && tag.ends_with(' ')) tag.remove_suffix(1);
    if (!tag.empty()) tags.emplace_back(tag);
  }
  return tags;
}

void declare(Context& context, FlagSet& flags, BackupFlags& options) {
  flags.value(
      "tag",
      [&options](std::string_view list) -> Status {
        if (options.tags_given) {
          return Error(Errc::invalid_argument,
                       "tags should be specified only once, as a comma-separated list");
        }
        options.tags_given = true;
        options.run.tags = split_tags(list, false);
        return {};
      },
      "comma-separated `TAGS` of the snapshot");
  flags.text("name", options.run.name, "`NAME` of the snapshot");
  flags.text("category", options.run.category, "`CATEGORY` of the snapshot");
  flags.text("environment", options.run.environment, "`ENVIRONMENT` of the snapshot");
  flags.text("perimeter", options.run.perimeter, "`PERIMETER` of the snapshot");
  flags.text("job", options.run.job, "`JOB` of the snapshot");
  flags.value(
      "ignore",
      [&options](std::string_view pattern) -> Status {
        options.ignores.emplace_back(pattern);
        return {};
      },
      "leave out what the gitignore `PATTERN` matches; repeatable");
  flags.value(
      "ignore-file",
      [&options](std::string_view file) -> Status {
        options.ignore_files.emplace_back(file);
        return {};
      },
      "read patterns from `FILE`, before those of -ignore; repeatable");
  flags.boolean("check", options.check, "check the snapshot, all data, once it is made");
  flags.boolean("dry-run", options.run.dry_run, "only look what there is");
  flags.boolean("no-xattr", options.no_xattr, "leave out extended attributes");
  flags.boolean("no-progress", options.no_progress, "do not count beforehand what there is to do");
  flags.value(
      "force-timestamp",
      [&context, &options](std::string_view text) -> Status {
        if (text.empty()) return {};
        const auto time = PLK_TRY(config::TimeExpression::parse(text));
        options.run.timestamp = time.at(to_unix_time(context.env.clock.wall()));
        return {};
      },
      "date the snapshot as of `TIME`");
  flags.boolean("strict", options.run.strict, "make no snapshot when anything could not be read");
  flags.text("cache", options.cache,
             "`vfs` builds on the last snapshot of the same source; no reads everything");
  flags.text("packfiles", options.packfiles, "`DIRECTORY` for temporary files, or memory");
  add_connector_options(flags, options.connector_options, "source");
}

Status read_patterns(Context& context, BackupFlags& options) {
  for (const std::string& file : options.ignore_files) {
    auto text = read_file(context.env.files, file, ignore_file_size_max);
    if (!text) return Error(text.error()).context("unable to open excludes file");
    PLK_TRY_CONTEXT(options.excludes.add_text(as_text(*text)), file);
  }
  for (const std::string& pattern : options.ignores) {
    PLK_TRY_CONTEXT(options.excludes.add_line(pattern), "-ignore " + pattern);
  }
  return {};
}

class Observer final : public ops::BackupObserver {
 public:
  Observer(Renderer& renderer, const EventScope& scope) : renderer_(renderer), scope_(scope) {}

  void stored(const kloset::Record& record, std::uint64_t bytes, bool reused) override {
    const kloset::FileInfo info{.name = kloset::name_of(record.path),
                                .size = record.size,
                                .mode = record.mode,
                                .mod_time = record.mod_time,
                                .dev = record.dev,
                                .ino = record.ino,
                                .uid = record.uid,
                                .gid = record.gid,
                                .nlink = record.nlink,
                                .username = record.username,
                                .groupname = record.groupname};
    if (kloset::is_regular(record.mode)) size_ += static_cast<std::uint64_t>(record.size);
    ++(kloset::is_directory(record.mode) ? directories_ : files_);
    renderer_.path_ok(scope_,
                      {.path = record.path, .info = &info, .bytes = bytes, .cached = reused});
  }
  void failed(std::string_view path, std::string_view error) override {
    renderer_.path_failed(scope_, path, error);
  }

  void entered(ops::BackupPhase phase) override {
    switch (phase) {
      case ops::BackupPhase::trees:
        renderer_.event(
            scope_, MessageLevel::info, "snapshot.import.done",
            Json::object({{"nfiles", files_}, {"ndirs", directories_}, {"size", size_}}));
        renderer_.phase(scope_, "snapshot.vfs.start");
        break;
      case ops::BackupPhase::commit:
        renderer_.phase(scope_, "snapshot.vfs.end");
        renderer_.phase(scope_, "snapshot.commit.start");
        break;
    }
  }

  // What a dry run found.
  void summarise(std::uint64_t errors) const {
    renderer_.summary(scope_, Json::object({{"nfiles", files_},
                                            {"ndirs", directories_},
                                            {"size", size_},
                                            {"errors", errors},
                                            {"dry_run", true}}));
  }

  std::uint64_t size() const noexcept { return size_; }

 private:
  Renderer& renderer_;
  const EventScope& scope_;
  std::uint64_t size_ = 0;
  std::uint64_t files_ = 0;  // everything but directories
  std::uint64_t directories_ = 0;
};

Result<config::Options> source_options(Context& context, std::string_view place,
                                       const config::Options& overrides) {
  auto options = place_options(context, config::PlaceKind::source, place);
  if (!options) return options;
  for (const config::Option& option : overrides) {
    config::set_option(*options, option.key, option.value);
  }
  return options;
}

Result<std::unique_ptr<kloset::Source>> open_source(Context& context, const OpenStore& store,
                                                    const BackupFlags& flags,
                                                    const std::string& place) {
  const auto options = PLK_TRY(source_options(context, place, flags.connector_options));
  connectors::SourceSettings settings{.hostname = host_name(),
                                      .xattrs = !flags.no_xattr,
                                      .left_out = store.medium->traits().local_paths,
                                      .on_left_out = [&context](std::string_view path) {
                                        context.renderer->message(
                                            MessageLevel::warn,
                                            "skipping entry from repository: " + std::string(path));
                                      }};
  if (!flags.excludes.empty()) {
    settings.excluded = [&flags](std::string_view path, bool is_directory) {
      return flags.excludes.excludes(
          path, is_directory ? kloset::EntryKind::directory : kloset::EntryKind::other);
    };
  }
  const std::string failed = "failed to create an importer for " + place;
  auto source = PLK_TRY_CONTEXT(make_source(context, options, std::move(settings)), failed);
  PLK_TRY_CONTEXT(source->ping(), failed);
  return source;
}

// The whole of a snapshot, every byte of it.
int check_snapshot(Context& context, OpenStore& store, EventScope scope) {
  scope.workflow = "check";
  context.renderer->begin(scope);
  CheckObserver observer(context, store, scope);
  const auto report = ops::check(*store.repository,
                                 {.targets = {{.snapshot = scope.snapshot}},
                                  .store = false,
                                  .threads = context.options.threads()},
                                 observer, context.cancel);
  context.renderer->end(scope);
  if (!report) return fail(context, Error(report.error()).context("failed to check snapshot"));
  if (report->sound()) return exit_ok;
  static_cast<void>(fail(context, "failed to check snapshot: " + std::to_string(report->damages) +
                                      " damages, see above"));
  return exit_damaged;
}

// Counts what there is, at the same time as the backup; it is only for the display.
class Counting {
 public:
  Counting(kloset::Source& source, Renderer& renderer, const EventScope& scope)
      : thread_([&source, &renderer, &scope] {
          const auto estimate = source.estimate();
          if (!estimate || !*estimate) return;
          renderer.totals(scope, {.files = (*estimate)->items, .bytes = (*estimate)->bytes});
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace

int run_backup(Context& context, std::span<const std::string> arguments) {
  BackupFlags options;
  FlagSet flags;
  declare(context, flags, options);
  std::vector<std::string> places;
  if (const auto done = lex_options(context, "backup", flags, arguments, places)) return *done;
  if (options.run.timestamp > to_unix_time(context.env.clock.wall())) {
    return fail(context, "forced timestamp cannot be in the future");
  }
  if (!options.tags_given) {
    if (const auto tags = context.environment("PLAKAR_TAGS")) {
      options.run.tags = split_tags(*tags, true);
    }
  }
  if (const Status read = read_patterns(context, options); !read) {
    return fail(context, read.error());
  }
  if (places.empty()) places.push_back(context.working_directory);

  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  if (const auto done = refuse_read_only(context, store)) return *done;
  std::vector<std::unique_ptr<kloset::Source>> sources;
  std::vector<kloset::Source*> borrowed;
  for (const std::string& place : places) {
    auto source = open_source(context, store, options, place);
    if (!source) return fail(context, source.error());
    borrowed.push_back(sources.emplace_back(*std::move(source)).get());
  }
  const auto source = ops::merge_sources(std::move(borrowed));
  if (!source) return fail(context, source.error());

  options.run.context = snapshot_context(context);
  options.run.hostname = host_name();
  options.run.use_parent = options.cache == "vfs";
  options.run.threads = context.options.threads();
  options.run.sort_memory_bytes = context.options.sort_memory();
  if (!options.packfiles.empty() && options.packfiles != "memory") {
    options.run.temporary_directory = options.packfiles;
  } else if (const auto temporary = context.environment("TMPDIR")) {
    options.run.temporary_directory = *temporary;
  }
  options.run.lock = !is_set(context, "PLAKAR_LOCKLESS");

  Renderer& renderer = *context.renderer;
  EventScope import{.workflow = "import",
                    .repository = store.repository->config().repository_id,
                    .job = Uuid::random(context.env.random)};
  EventScope scope = import;
  scope.workflow = "backup";
  if (!options.run.dry_run) scope.snapshot = SnapshotId::random(context.env.random);
  options.run.id = scope.snapshot;
  renderer.begin(import);
  renderer.begin(scope);
  renderer.phase(scope, "snapshot.import.start");
  Observer observer(renderer, scope);
  Result<ops::BackupReport> report = [&] {
    std::optional<Counting> counting;
    if (!options.no_progress && renderer.wants_totals())
      counting.emplace(**source, renderer, import);
    return ops::backup(*store.repository, **source, options.run, observer, context.cancel);
  }();
  if (!report) {
    renderer.end(scope);
    renderer.end(import);
    if (report.error().code() == Errc::cancelled) return fail(context, report.error());
    return fail(context, Error(report.error()).context("failed to backup source"));
  }
  if (options.run.dry_run) {
    observer.summarise(report->errors);
    renderer.end(scope);
    renderer.end(import);
    return report->errors == 0 ? exit_ok : fail(context, "failed to scan some files");
  }
  renderer.result(scope, {.bytes = observer.size(),
                          .errors = report->errors,
                          .duration = report->duration,
                          .store_read = store.store->bytes_read(),
                          .store_written = store.store->bytes_written()});
  renderer.phase(scope, "snapshot.commit.end");
  renderer.end(scope);
  renderer.end(import);
  if (options.check) {
    if (const int code = check_snapshot(context, store, scope); code != exit_ok) return code;
  }
  return report->errors == 0 ? exit_ok : exit_with_errors;
}

}  // namespace plakar::cli
