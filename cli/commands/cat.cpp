#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "core/codec/gzip.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/cat.h"

namespace plakar::cli {
namespace {

constexpr std::string_view gzip_type = "application/gzip";
constexpr std::size_t unpacked_piece_size = 64 * 1024;

// Passes on what a gzip stream holds, piece by piece.
class Unpacker {
 public:
  explicit Unpacker(const ops::WriteBytes& to) : to_(to), piece_(unpacked_piece_size) {}

  Status write(BytesView in) {
    for (;;) {
      const auto progress = PLK_TRY(decoder_.decode(in, piece_));
      in = in.subspan(progress.consumed);
      PLK_TRY(to_(BytesView(piece_).first(progress.produced)));
      if (in.empty() && progress.produced < piece_.size()) return {};
    }
  }
  Status finish() { return decoder_.finish(); }

 private:
  const ops::WriteBytes& to_;
  Bytes piece_;
  codec::GzipDecoder decoder_;
};

Status write_file(Context& context, kloset::Repository& repository, const std::string& argument,
                  bool decompress) {
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
  const ops::WriteBytes to_output = [&context](BytesView bytes) -> Status {
    const std::string_view text = as_text(bytes);
    if (context.out.write(text.data(), static_cast<std::streamsize>(text.size()))) return {};
    return Error(Errc::io, "writing to standard output failed");
  };
  if (!decompress || (*found)->content_type != gzip_type) {
    return ops::stream_file(repository, **found, to_output, context.cancel);
  }
  Unpacker unpacker(to_output);
  PLK_TRY(ops::stream_file(
      repository, **found, [&unpacker](BytesView bytes) { return unpacker.write(bytes); },
      context.cancel));
  PLK_TRY_CONTEXT(unpacker.finish(), where.path);
  return {};
}

}  // namespace

int run_cat(Context& context, std::span<const std::string> arguments) {
  bool decompress = false;
  bool highlight = false;
  FlagSet flags;
  flags.boolean("decompress", decompress, "unpack files that are gzip");
  flags.boolean("highlight", highlight, "accepted, without effect");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "cat", flags, arguments, words)) return *done;
  if (words.empty()) return fail(context, "at least one parameter is required");
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  bool failed = false;
  for (const std::string& word : words) {
    const Status written = write_file(context, *store.repository, word, decompress);
    if (written) continue;
    if (written.error().code() == Errc::cancelled) return fail(context, written.error());
    context.renderer->message(MessageLevel::error, "cat: " + written.error().message());
    failed = true;
  }
  return failed ? fail(context, "errors occurred") : exit_ok;
}

}  // namespace plakar::cli
