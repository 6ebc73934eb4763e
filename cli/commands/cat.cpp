#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "cli/ui/highlighter.h"
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

struct CatFlags {
  bool decompress = false;
  bool highlight = false;
};

// Streams a file through what the options ask for.
Status write_content(Context& context, kloset::Repository& repository, const kloset::VfsEntry& file,
                     const CatFlags& flags) {
  const ops::WriteBytes to_output = [&context](BytesView bytes) -> Status {
    const std::string_view text = as_text(bytes);
    if (context.out.write(text.data(), static_cast<std::streamsize>(text.size()))) return {};
    return Error(Errc::io, "writing to standard output failed");
  };
  std::string name(file.file_info.name);
  const bool unpack = flags.decompress && file.content_type == gzip_type;
  if (unpack && name.ends_with(".gz")) name.resize(name.size() - 3);

  std::optional<Highlighter> highlighter;
  if (flags.highlight) highlighter = Highlighter::for_name(name);
  std::string coloured;
  const auto put_coloured = [&]() -> Status {
    PLK_TRY(to_output(as_bytes(coloured)));
    coloured.clear();
    return {};
  };
  const ops::WriteBytes highlighted = [&](BytesView bytes) -> Status {
    highlighter->add(as_text(bytes), coloured);
    return put_coloured();
  };
  const ops::WriteBytes& to = highlighter ? highlighted : to_output;
  if (unpack) {
    Unpacker unpacker(to);
    PLK_TRY(ops::stream_file(
        repository, file, [&unpacker](BytesView bytes) { return unpacker.write(bytes); },
        context.cancel));
    PLK_TRY(unpacker.finish());
  } else {
    PLK_TRY(ops::stream_file(repository, file, to, context.cancel));
  }
  if (highlighter) highlighter->finish(coloured);
  return put_coloured();
}

Status write_file(Context& context, kloset::Repository& repository, const std::string& argument,
                  const CatFlags& flags) {
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
  return write_content(context, repository, **found, flags);
}

}  // namespace

int run_cat(Context& context, std::span<const std::string> arguments) {
  CatFlags options;
  FlagSet flags;
  flags.boolean("decompress", options.decompress, "unpack files that are gzip");
  flags.boolean("highlight", options.highlight, "colour source text, by the names of files");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "cat", flags, arguments, words)) return *done;
  if (words.empty()) return fail(context, "at least one parameter is required");
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  bool failed = false;
  for (const std::string& word : words) {
    const Status written = write_file(context, *store.repository, word, options);
    if (written) continue;
    if (written.error().code() == Errc::cancelled) return fail(context, written.error());
    context.renderer->message(MessageLevel::error, "cat: " + written.error().message());
    failed = true;
  }
  return failed ? fail(context, "errors occurred") : exit_ok;
}

}  // namespace plakar::cli
