#include "core/connectors/fs/internal/beneath.h"

#include <algorithm>

#include "core/base/text.h"
#include "core/kloset/tree/path.h"

namespace plakar::connectors {

Result<SharedDirectory> Beneath::open(std::string_view path) {
  if (!kloset::is_clean_path(path)) {
    return Error(Errc::invalid_argument, escape(path) + " leads out of the destination");
  }
  if (path == "/") return root_;
  auto [nearest, directory] = find_nearest(path);
  if (nearest == path) return directory;
  std::string_view rest = path.substr(nearest == "/" ? 1 : nearest.size() + 1);
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    directory = std::make_shared<const File>(
        PLK_TRY(files_.open({*directory, name}, {.follow = false, .directory = true})));
  }
  keep(path, directory);
  return directory;
}

Beneath::Entry Beneath::find_nearest(std::string_view path) {
  const std::lock_guard guard(mutex_);
  auto best = recent_.end();
  for (auto at = recent_.begin(); at != recent_.end(); ++at) {
    if (!kloset::is_within(path, at->first)) continue;
    if (best == recent_.end() || at->first.size() > best->first.size()) best = at;
  }
  if (best == recent_.end()) return {"/", root_};
  recent_.splice(recent_.begin(), recent_, best);
  return *best;
}

void Beneath::keep(std::string_view path, const SharedDirectory& directory) {
  const std::lock_guard guard(mutex_);
  recent_.emplace_front(path, directory);
  if (recent_.size() > open_count_max) recent_.pop_back();
}

}  // namespace plakar::connectors
