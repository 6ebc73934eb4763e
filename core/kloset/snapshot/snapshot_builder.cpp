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

SummaryItem summary_item(const VfsEntry& entry) {
  const FileInfo& info = entry.file_info;
  const bool has_object = is_regular(info.mode) && entry.symlink_target.empty();
  return {.mode = info.mode,
          .size = has_object ? static_cast<std::uint64_t>(info.size) : 0,
          .mod_time = info.mod_time.seconds,
          .entropy = entry.entropy,
          .chunks = entry.chunks,
          .has_object = has_object,
          .content_type = entry.content_type};
}

Status add_index(HeaderSource& source, std::string name, const TreeBuilder& tree, BlobSink& sink) {
  const Mac root = PLK_TRY(tree.store(sink, ResourceType::btree_root));
  source.indexes.push_back({.name = std::move(name), .type = "btree", .value = root});
  return {};
}

}  // namespace

Status SnapshotBuilder::add_entry(const VfsEntry& entry) {
  Bytes encoded;
  encode_vfs_entry(encoded, entry);
  const Mac id = PLK_TRY(sink_->put(ResourceType::vfs_entry, encoded));
  add_stored_entry(entry, encoded, id);
  return {};
}

void SnapshotBuilder::add_stored_entry(const VfsEntry& entry, BytesView encoded, const Mac& id) {
  Children& children = directories_[std::string(directory_of(entry))];
  // A copy, because what was encoded into has room to spare.
  children[std::string(entry.file_info.name)] = {
      .encoded = to_bytes(encoded), .id = id, .is_directory = is_directory(entry.file_info.mode)};
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

Result<Mac> SnapshotBuilder::store_summary(const std::string& directory, const Children& children,
                                           std::map<std::string, Summary>& finished) {
  Summary summary;
  for (const auto& [name, child] : children) {
    if (child.is_directory) {
      const auto below = finished.find(join(directory, name));
      summary.add(below->second);
      finished.erase(below);
      continue;
    }
    summary.add(summary_item(PLK_TRY(decode_vfs_entry(child.encoded))));
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
  finished.emplace(directory, std::move(summary));
  return sink_->put(ResourceType::vfs_summary, encoded);
}

// The trees that have every path.
Status SnapshotBuilder::store_paths(HeaderSource& source) const {
  std::size_t count = 0;
  for (const auto& [directory, children] : directories_) count += children.size();
  std::vector<std::pair<std::string, const Child*>> by_path;
  by_path.reserve(count);
  for (const auto& [directory, children] : directories_) {
    for (const auto& [name, child] : children) by_path.emplace_back(join(directory, name), &child);
  }
  std::sort(by_path.begin(), by_path.end(), std::greater<>());
  {
    TreeBuilder vfs(KeyOrder::path);
    for (const auto& [path, child] : by_path) vfs.insert(path, child->id);
    source.roots.vfs = PLK_TRY(vfs.store(*sink_, ResourceType::vfs_root));
  }
  // One of the two at a time is in memory.
  TreeBuilder content_types(KeyOrder::bytes);
  for (auto& [path, child] : by_path) {
    const VfsEntry entry = PLK_TRY(decode_vfs_entry(child->encoded));
    if (entry.content_type.empty()) continue;
    content_types.insert(std::string("/").append(media_type(entry.content_type)).append(path),
                         child->id);
  }
  return add_index(source, "content-type", content_types, *sink_);
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

  HeaderSource source;
  source.importer = std::move(importer);
  PLK_TRY(store_paths(source));

  // The orders of insertion are those of genuine Plakar. Backwards is also bottom-up: what is in a
  // directory has a longer path.
  TreeBuilder listings(KeyOrder::bytes);
  TreeBuilder summaries(KeyOrder::bytes);
  std::map<std::string, Summary> finished;
  for (auto at = directories_.rbegin(); at->first != above_root; ++at) {
    const auto& [path, children] = *at;
    listings.insert(path, PLK_TRY(store_listing(children)));
    summaries.insert(path, PLK_TRY(store_summary(path, children, finished)));
  }
  PLK_TRY(add_index(source, "dirpack", listings, *sink_));
  PLK_TRY(add_index(source, "summary", summaries, *sink_));
  source.summary = finished.at("/");

  const auto ascending = [](const std::map<std::string, Mac>& values, KeyOrder order) {
    TreeBuilder tree(order);
    for (const auto& [key, value] : values) tree.insert(key, value);
    return tree;
  };
  source.roots.errors =
      PLK_TRY(ascending(errors_, KeyOrder::bytes).store(*sink_, ResourceType::error_root));
  source.roots.xattrs =
      PLK_TRY(ascending(xattrs_, KeyOrder::path).store(*sink_, ResourceType::xattr_root));
  return source;
}

}  // namespace plakar::kloset
