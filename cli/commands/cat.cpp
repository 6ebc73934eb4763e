#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/cat.h"

namespace plakar::cli {
namespace {

Status write_file(Context& context, kloset::Repository& repository, const std::string& argument) {
  const SnapshotPath where =
      PLK_TRY_CONTEXT(find_snapshot(context, repository, argument), argument);
  auto snapshot = PLK_TRY_CONTEXT(kloset::SnapshotReader::open(repository, where.id), argument);
  auto found = ops::find_file(snapshot, where.path);
  if (!found) {
    switch (found.error().code()) {
      case Errc::not_found:
        return Error(Errc::not_found, where.path + ": no such file");
      case Errc::invalid_argument:
        return Error(Errc::invalid_argument, where.path + ": not a regular file");
      default:
        return Error(found.error()).context(where.path);
    }
  }
  return ops::stream_file(
      repository, **found,
      [&context](BytesView bytes) -> Status {
        const std::string_view text = as_text(bytes);
        if (context.out.write(text.data(), static_cast<std::streamsize>(text.size()))) return {};
        return Error(Errc::io, "writing to standard output failed");
      },
      context.cancel);
}

}  // namespace

int run_cat(Context& context, std::span<const std::string> arguments) {
  FlagSet flags;
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "cat", flags, arguments, words)) return *done;
  if (words.empty()) return fail(context, "at least one parameter is required");
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  bool failed = false;
  for (const std::string& word : words) {
    const Status written = write_file(context, *store.repository, word);
    if (written) continue;
    if (written.error().code() == Errc::cancelled) return fail(context, written.error());
    context.renderer->message(MessageLevel::error, "cat: " + written.error().message());
    failed = true;
  }
  return failed ? fail(context, "errors occurred") : exit_ok;
}

}  // namespace plakar::cli
