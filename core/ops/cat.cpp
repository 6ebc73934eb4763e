#include "core/ops/cat.h"

#include <utility>

#include "core/base/text.h"

namespace plakar::ops {
namespace {

// What the snapshot names and the store does not have is damage, whatever code it came with.
Error as_damage(Error error) {
  if (error.code() != Errc::not_found) return error;
  return Error(Errc::corrupt, error.message());
}

}  // namespace

Result<kloset::FoundEntry> find_file(kloset::SnapshotReader& snapshot, std::string_view path) {
  auto found = snapshot.resolve(path);
  if (!found) return as_damage(std::move(found).error());
  if (!*found) return Error(Errc::not_found, escape(path) + ": no such file");
  if (!kloset::is_regular((**found)->file_info.mode) || !(**found)->symlink_target.empty()) {
    return Error(Errc::invalid_argument, escape(path) + ": not a regular file");
  }
  return **std::move(found);
}

Status stream_file(kloset::Repository& repository, const kloset::VfsEntry& file,
                   const WriteBytes& write, const flow::CancelToken& cancel) {
  auto reader = kloset::ObjectReader::open(repository, file.object);
  if (!reader) return as_damage(std::move(reader).error());
  if (reader->size() != static_cast<std::uint64_t>(file.file_info.size)) {
    return Error(Errc::corrupt, escape(file.path()) + ": a content of " +
                                    std::to_string(reader->size()) + " bytes instead of " +
                                    std::to_string(file.file_info.size));
  }
  for (Bytes chunk;;) {
    PLK_TRY(cancel.check());
    const auto more = reader->next_chunk(chunk);
    if (!more) return as_damage(more.error());
    if (!*more) return {};
    PLK_TRY(write(chunk));
  }
}

}  // namespace plakar::ops
