#include "core/base/files.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/hex.h"
#include "core/base/limits.h"
#include "core/base/text.h"

namespace plakar {
namespace {

constexpr std::size_t read_bytes_first = 4096;

struct SplitPath {
  std::string parent;
  std::string name;
};

// "/a/b" is "/a" and "b"; "b" is "." and "b"; "/" is "/" and nothing.
SplitPath split_path(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {".", std::string(path)};
  return {std::string(slash == 0 ? "/" : path.substr(0, slash)),
          std::string(path.substr(slash + 1))};
}

// The same starting place, another path from there.
At at_same_place(const At& at, std::string_view path) {
  return at.directory() == nullptr ? At(path) : At(*at.directory(), path);
}

std::string temporary_name(Random& random, std::string_view name) {
  std::array<std::byte, 8> number;
  random.fill(number);
  const std::string suffix = ".tmp-" + to_hex(number);
  return "." + std::string(name.substr(0, name_bytes_max - 1 - suffix.size())) + suffix;
}

// A directory that is there already, or that somebody makes at the same time, is well.
Status make_or_accept_directory(const FileSystem& files, const At& at, std::uint32_t mode) {
  Status made = files.make_directory(at, mode);
  if (!made && made.error().code() == Errc::already_exists) {
    const FileStat found = PLK_TRY(files.stat(at, Follow::yes));
    if (found.type == FileType::directory) return {};
  }
  return made;
}

}  // namespace

Result<Bytes> read_file(const FileSystem& files, At at, std::size_t bytes_max) {
  const File file = PLK_TRY(files.open(at));
  const FileStat stat = PLK_TRY(file.stat());
  const auto too_large = [&] {
    return Error(Errc::invalid_argument, "read " + escape(at.describe()) + ": larger than the " +
                                             std::to_string(bytes_max) + " bytes allowed");
  };
  if (stat.type == FileType::regular && stat.size > bytes_max) return too_large();
  // One byte more than the size, so that the end is seen without growing.
  Bytes out(std::max<std::size_t>(
      static_cast<std::size_t>(std::min<std::uint64_t>(stat.size, bytes_max)) + 1,
      std::min(read_bytes_first, bytes_max + 1)));
  std::size_t used = 0;
  while (true) {
    const std::size_t got = PLK_TRY(file.read(std::span(out).subspan(used)));
    used += got;
    if (used > bytes_max) return too_large();
    if (got == 0) break;
    if (used == out.size()) out.resize(std::min(out.size() * 2, bytes_max + 1));
  }
  out.resize(used);
  return out;
}

Status write_file_atomically(const FileSystem& files, Random& random, At at, BytesView content,
                             std::uint32_t mode) {
  const SplitPath path = split_path(at.path());
  if (path.name.empty() || at.path().ends_with('/')) {
    return Error(Errc::invalid_argument, "write " + escape(at.describe()) + ": not a file's name");
  }
  const File directory = PLK_TRY(files.open(at_same_place(at, path.parent), {.directory = true}));
  const std::string temporary = temporary_name(random, path.name);
  File file =
      PLK_TRY(files.open({directory, temporary},
                         {.access = Access::write, .create = Create::always_new, .mode = mode}));
  const auto fill_and_rename = [&]() -> Status {
    PLK_TRY(file.write(content));
    PLK_TRY(file.sync(SyncScope::file));
    PLK_TRY(file.close());
    return files.rename({directory, temporary}, {directory, path.name});
  };
  if (Status done = fill_and_rename(); !done) {
    // The first error counts; a leftover is a nuisance, not a danger.
    static_cast<void>(files.remove_file({directory, temporary}));
    return done;
  }
  PLK_TRY_CONTEXT(directory.sync(SyncScope::file),
                  escape(at.describe()) + " is written, but may not survive a loss of power");
  return {};
}

Status make_directories(const FileSystem& files, At at, std::uint32_t mode) {
  Status made = make_or_accept_directory(files, at, mode);
  if (made || made.error().code() != Errc::not_found) return made;
  // Bottom up to the first that exists, then down again.
  std::vector<std::string> missing{std::string(at.path())};
  while (true) {
    SplitPath path = split_path(missing.back());
    if (path.name.empty() || path.parent == missing.back()) return made;
    Status parent = make_or_accept_directory(files, at_same_place(at, path.parent), mode);
    if (parent) break;
    if (parent.error().code() != Errc::not_found) return parent;
    missing.push_back(std::move(path.parent));
  }
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    PLK_TRY(make_or_accept_directory(files, at_same_place(at, *path), mode));
  }
  return {};
}

Status sync_directory(const FileSystem& files, At at) {
  return PLK_TRY(files.open(at, {.directory = true})).sync(SyncScope::file);
}

Result<std::vector<OwnedDirectoryEntry>> list_directory(const FileSystem& files, At at) {
  const File directory = PLK_TRY(files.open(at, {.directory = true}));
  std::vector<OwnedDirectoryEntry> out;
  DirectoryBatch batch;
  while (PLK_TRY(directory.read_directory(batch))) {
    for (const DirectoryEntry entry : batch) {
      out.push_back({std::string(entry.name), entry.type, entry.inode});
    }
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return out;
}

}  // namespace plakar
