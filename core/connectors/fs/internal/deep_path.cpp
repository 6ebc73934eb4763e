#include "core/connectors/fs/internal/deep_path.h"

#include <algorithm>
#include <utility>

namespace plakar::connectors {
namespace {

// Below PATH_MAX, with room for whatever the kernel puts in front.
constexpr std::size_t piece_size_max = 3500;

}  // namespace

Result<File> open_directory(const FileSystem& files, std::string_view path, bool follow_last) {
  const OpenOptions on_the_way{.directory = true};
  const OpenOptions last{.follow = follow_last, .directory = true};
  if (path.size() <= piece_size_max) return files.open(path, last);
  File directory = PLK_TRY(files.open("/", on_the_way));
  path.remove_prefix(1);
  while (path.size() > piece_size_max) {
    const std::size_t cut = path.rfind('/', piece_size_max);
    if (cut == std::string_view::npos) {
      return Error(Errc::invalid_argument,
                   "a name of more than " + std::to_string(piece_size_max) + " bytes");
    }
    directory = PLK_TRY(files.open({directory, path.substr(0, cut)}, on_the_way));
    path.remove_prefix(cut + 1);
  }
  return files.open({directory, path}, last);
}

Result<PlaceInDirectory> locate(const FileSystem& files, std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::string_view parent = slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
  return PlaceInDirectory{.directory = PLK_TRY(open_directory(files, parent, true)),
                          .name = std::string(path.substr(slash + 1))};
}

}  // namespace plakar::connectors
