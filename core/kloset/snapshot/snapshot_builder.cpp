#include "core/kloset/snapshot/snapshot_builder.h"

#include <algorithm>
#include <utility>

#include "core/kloset/format/object.h"
#include "core/kloset/tree/dirpack.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/tree_builder.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view octet_stream = "application/octet-stream";

// The root is the only child of a directory that does not exist: it is nobody's listing.
const std::string above_root;

std::string_view directory_of(const VfsEntry& entry) {
  return entry.file_info.name == "/" ? std::string_view(above_root) : entry.parent_path;
}

VfsEntry made_up_directory(std::string_view path) {
  VfsEntry entry;
  entry.parent_path = parent_of(path);
  entry.file_info.name = name_of(path);
  entry.file_info.mode = static_cast<FileMode>(mode_directory | 0750);
  entry.file_info.mod_time = {0, 0};
  return entry;
}

// "text/plain; charset=utf-8" without what follows the semicolon.
std::string_view media_type(std::string_view content_type) {
  return content_type.substr(0, content_type.find(';'));
}

}  // namespace

Status SnapshotBuilder::add_entry(const VfsEntry& entry) {
  Bytes encoded;
  encode_vfs_entry(encoded, entry);
  const Mac id = PLK_TRY(sink_->put(ResourceType::vfs_entry, encoded));
  add_stored_entry(entry, std::move(encoded), id);
  return {};
}

void SnapshotBuilder::add_stored_entry(const VfsEntry& entry, Bytes encoded, const Mac& id) {
  Child child;
  child.encoded = std::move(encoded);
  child.id = id;
  child.is_directory = is_directory(entry.file_info.mode);
  child.content_type = entry.content_type;
  const bool has_object = is_regular(entry.file_info.mode) && entry.symlink_target.empty();
  child.item = {.mode = entry.file_info.mode,
                .size = has_object ? static_cast<std::uint64_t>(entry.file_info.size) : 0,
                .mod_time = entry.file_info.mod_time.seconds,
                .entropy = entry.entropy,
                .chunks = entry.chunks,
                .has_object = has_object};
  Children& children = directories_[std::string(directory_of(entry))];
  children[std::string(entry.file_info.name)] = std::move(child);
  if (is_directory(entry.file_info.mode)) directories_.try_emplace(entry.path());
}

Status SnapshotBuilder::add_error(std::string_view path, std::string_view error) {
  Bytes encoded;
  encode_error_entry(encoded, {.version = 0, .path = path, .error = error});
  errors_[std::string(path)] = PLK_TRY(sink_->put(ResourceType::error_entry, encoded));
  return {};
}

Status SnapshotBuilder::add_xattr(const XattrEntry& entry) {
  Bytes encoded;
  encode_xattr_entry(encoded, entry);
  xattrs_[xattr_key(entry.path, entry.name, entry.kind)] =
      PLK_TRY(sink_->put(ResourceType::xattr_entry, encoded));
  return {};
}

const SnapshotBuilder::Child* SnapshotBuilder::find_entry(std::string_view path) const {
  const auto siblings =
      directories_.find(path == "/" ? std::string_view(above_root) : parent_of(path));
  if (siblings == directories_.end()) return nullptr;
  const auto found = siblings->second.find(name_of(path));
  return found == siblings->second.end() ? nullptr : &found->second;
}

void SnapshotBuilder::make_up_ancestors() {
  directories_.try_emplace("/");
  std::vector<std::string> paths;
  for (const auto& [path, children] : directories_) paths.push_back(path);
  for (std::string path : paths) {
    while (path != above_root) {
      const std::string parent(path == "/" ? above_root : parent_of(path));
      Children& siblings = directories_[parent];
      if (siblings.contains(name_of(path))) break;
      // Its blob is stored with the listing, below.
      const VfsEntry entry = made_up_directory(path);
      Child child;
      encode_vfs_entry(child.encoded, entry);
      child.is_directory = true;
      child.item = {.mode = entry.file_info.mode};
      siblings.emplace(name_of(path), std::move(child));
      path = parent;
    }
  }
}

Status SnapshotBuilder::leave_out_root(const LeftOut& left_out) {
  const Child* root = find_entry("/");
  if (root == nullptr || root->is_directory) return {};
  directories_.erase(above_root);
  return leave_out("/", "the root is no directory", left_out);
}

Status SnapshotBuilder::leave_out_unreachable(const LeftOut& left_out) {
  // Parents come before what is in them.
  for (auto at = directories_.begin(); at != directories_.end();) {
    const std::string top = at->first;
    if (top == above_root || find_entry(top)->is_directory) {
      ++at;
      continue;
    }
    // "/a!" stands between "/a" and "/a/b".
    for (auto below = at; below != directories_.end() && below->first.starts_with(top);) {
      if (!is_within(below->first, top)) {
        ++below;
        continue;
      }
      for (const auto& [name, child] : below->second) {
        if (is_made_up(child)) continue;
        PLK_TRY(
            leave_out(join(below->first, name), "it lies below what is no directory", left_out));
      }
      below = directories_.erase(below);
    }
    at = directories_.upper_bound(top);
  }
  return {};
}

Status SnapshotBuilder::leave_out(const std::string& path, std::string_view why,
                                  const LeftOut& left_out) {
  left_out(path, why);
  return add_error(path, why);
}

Result<Mac> SnapshotBuilder::store_listing(const Children& children) {
  Bytes content;
  for (const auto& [name, child] : children) {
    append_frame(content,
                 {.is_directory = child.is_directory, .entry = child.encoded, .id = child.id});
  }
  Object object;
  object.content_type = octet_stream;
  BytesView rest = content;
  do {
    const std::size_t size = chunker_->cut(rest);
    const Mac mac = PLK_TRY(sink_->put(ResourceType::chunk, rest.first(size)));
    object.chunks.push_back({.version = 0,
                             .content = mac,
                             .length = static_cast<std::uint32_t>(size),
                             .entropy = 0,
                             .flags = 0});
    rest = rest.subspan(size);
  } while (!rest.empty());
  object.content = object.chunks.size() == 1 ? object.chunks[0].content : sink_->mac(content);
  Bytes encoded;
  encode_object(encoded, object);
  return sink_->put(ResourceType::object, encoded);
}

Result<Summary> SnapshotBuilder::store_summary(const std::string& directory,
                                               const Children& children,
                                               std::map<std::string, Summary>& finished, Mac& id) {
  Summary summary;
  for (const auto& [name, child] : children) {
    if (child.is_directory) {
      const auto below = finished.find(join(directory, name));
      summary.add(below->second);
      finished.erase(below);
      continue;
    }
    SummaryItem item = child.item;
    item.content_type = child.content_type;
    summary.add(item);
  }
  // The errors of paths right in here are neighbours in the order of bytes, but not alone there.
  const std::string prefix = directory == "/" ? directory : directory + "/";
  for (auto at = errors_.lower_bound(prefix); at != errors_.end() && at->first.starts_with(prefix);
       ++at) {
    if (at->first != "/" && parent_of(at->first) == directory) summary.add_errors(1);
  }
  summary.finish();
  Bytes encoded;
  encode_summary(encoded, summary);
  id = PLK_TRY(sink_->put(ResourceType::vfs_summary, encoded));
  return summary;
}

Result<HeaderSource> SnapshotBuilder::finish(Importer importer, const LeftOut& left_out) {
  PLK_TRY(leave_out_root(left_out));
  make_up_ancestors();
  PLK_TRY(leave_out_unreachable(left_out));
  for (auto& [directory, children] : directories_) {
    for (auto& [name, child] : children) {
      if (is_made_up(child)) {
        child.id = PLK_TRY(sink_->put(ResourceType::vfs_entry, child.encoded));
      }
    }
  }

  // Bottom-up: deeper directories first.
  std::vector<std::string> paths;
  for (const auto& [path, children] : directories_) {
    if (path != above_root) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end(), [](const std::string& a, const std::string& b) {
    // "/" has one slash, as its children have: by length, the root comes last.
    const auto depth = [](const std::string& path) {
      return path == "/" ? 0 : std::count(path.begin(), path.end(), '/');
    };
    return depth(a) > depth(b);
  });
  std::map<std::string, Summary> finished;
  std::map<std::string, Mac> summaries;
  std::map<std::string, Mac> listings;
  for (const std::string& path : paths) {
    const Children& children = directories_.at(path);
    listings[path] = PLK_TRY(store_listing(children));
    Summary summary = PLK_TRY(store_summary(path, children, finished, summaries[path]));
    finished.emplace(path, std::move(summary));
  }

  HeaderSource source;
  source.importer = std::move(importer);
  std::size_t count = 0;
  for (const auto& [directory, children] : directories_) count += children.size();
  std::vector<std::pair<std::string, const Child*>> by_path;
  by_path.reserve(count);
  for (const auto& [directory, children] : directories_) {
    for (const auto& [name, child] : children) by_path.emplace_back(join(directory, name), &child);
  }
  // The orders of insertion are those of genuine Plakar. Of the two large trees only one at a time
  // is in memory.
  std::sort(by_path.begin(), by_path.end(), std::greater<>());
  {
    TreeBuilder vfs(KeyOrder::path);
    for (const auto& [path, child] : by_path) vfs.insert(path, child->id);
    source.roots.vfs = PLK_TRY(vfs.store(*sink_, ResourceType::vfs_root));
  }
  const auto tree_of = [](const std::map<std::string, Mac>& values, KeyOrder order,
                          bool descending) {
    TreeBuilder tree(order);
    if (descending) {
      for (auto at = values.rbegin(); at != values.rend(); ++at) tree.insert(at->first, at->second);
    } else {
      for (const auto& [key, value] : values) tree.insert(key, value);
    }
    return tree;
  };

  source.roots.errors =
      PLK_TRY(tree_of(errors_, KeyOrder::bytes, false).store(*sink_, ResourceType::error_root));
  source.roots.xattrs =
      PLK_TRY(tree_of(xattrs_, KeyOrder::path, false).store(*sink_, ResourceType::xattr_root));
  const auto add_index = [&](std::string name, const TreeBuilder& tree) -> Status {
    const Mac root = PLK_TRY(tree.store(*sink_, ResourceType::btree_root));
    source.indexes.push_back({.name = std::move(name), .type = "btree", .value = root});
    return {};
  };
  {
    TreeBuilder content_types(KeyOrder::bytes);
    for (const auto& [path, child] : by_path) {
      if (child->content_type.empty()) continue;
      content_types.insert(std::string("/").append(media_type(child->content_type)).append(path),
                           child->id);
    }
    PLK_TRY(add_index("content-type", content_types));
  }
  PLK_TRY(add_index("dirpack", tree_of(listings, KeyOrder::bytes, true)));
  PLK_TRY(add_index("summary", tree_of(summaries, KeyOrder::bytes, true)));
  source.summary = finished.at("/");
  return source;
}

}  // namespace plakar::kloset
