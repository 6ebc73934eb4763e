#include "core/kloset/snapshot/snapshot_reader.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/kloset/tree/path.h"

namespace plakar::kloset {
namespace {

// How many links one path may lead through, as the kernel has it.
constexpr int links_followed_max = 40;

}  // namespace

Result<FoundEntry> FoundEntry::decode(Bytes bytes, const Mac& id) {
  auto kept = std::make_unique<Bytes>(std::move(bytes));
  VfsEntry entry = PLK_TRY(decode_vfs_entry(*kept));
  return FoundEntry(std::move(kept), std::move(entry), id);
}

Result<SnapshotReader> SnapshotReader::open(BlobSource& blobs, const SnapshotId& id) {
  const Bytes bytes =
      PLK_TRY(blobs.load(ResourceType::snapshot, Mac{.bytes = id.bytes}, header_size_max));
  SnapshotHeader header =
      PLK_TRY_CONTEXT(decode_header(bytes, id), "read snapshot " + id.short_hex());
  return SnapshotReader(blobs, std::move(header));
}

Result<TreeReader*> SnapshotReader::tree(std::optional<TreeReader>& slot, ResourceType root_type,
                                         const Mac& root, KeyOrder order) {
  if (!slot) slot = PLK_TRY(TreeReader::open(*blobs_, root_type, root, order));
  return &*slot;
}

Result<TreeReader*> SnapshotReader::vfs_tree() {
  return tree(vfs_, ResourceType::vfs_root, header_.source().roots.vfs, KeyOrder::path);
}

Result<TreeReader*> SnapshotReader::index_tree(std::optional<TreeReader>& slot,
                                               std::string_view name) {
  const Mac* root = header_.source().find_index(name);
  if (root == nullptr) return static_cast<TreeReader*>(nullptr);
  return tree(slot, ResourceType::btree_root, *root, KeyOrder::bytes);
}

Result<std::optional<FoundEntry>> SnapshotReader::find(std::string_view path) {
  const auto by_tree = [&]() -> Result<std::optional<FoundEntry>> {
    TreeReader* vfs = PLK_TRY(vfs_tree());
    const std::optional<Mac> id = PLK_TRY(vfs->find(path));
    if (!id) return std::optional<FoundEntry>();
    Bytes bytes = PLK_TRY(blobs_->load(ResourceType::vfs_entry, *id, entry_size_max));
    FoundEntry entry = PLK_TRY(FoundEntry::decode(std::move(bytes), *id));
    if (entry->path() != path) {
      return Error(Errc::corrupt, escape(path) + ": the tree has the entry of " +
                                      escape(entry->path()) + " in its place");
    }
    return std::optional(std::move(entry));
  };
  auto found = by_tree();
  // The root is in no listing.
  if (found || !is_damage(found.error()) || path == "/" || !is_clean_path(path)) return found;
  auto listed = find_in_listing(path);
  return listed && *listed ? std::move(listed) : std::move(found);
}

Result<std::optional<FoundEntry>> SnapshotReader::find_in_listing(std::string_view path) {
  TreeReader* dirpacks = PLK_TRY(index_tree(dirpacks_, "dirpack"));
  if (dirpacks == nullptr) return std::optional<FoundEntry>();
  const std::string directory(parent_of(path));
  const auto object = PLK_TRY(dirpacks->find(directory));
  if (!object) return std::optional<FoundEntry>();
  const auto listing =
      make_dirpack_listing(PLK_TRY(ObjectReader::open(*blobs_, *object)), directory);
  while (PLK_TRY(listing->next())) {
    if (listing->entry().file_info.name != name_of(path)) continue;
    return std::optional(PLK_TRY(FoundEntry::decode(to_bytes(listing->encoded()), listing->id())));
  }
  return std::optional<FoundEntry>();
}

Result<std::optional<FoundEntry>> SnapshotReader::resolve(std::string_view path) {
  std::vector<std::string> todo;  // names still to go, the next one last
  const auto add = [&](std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
      const std::string_view name = text.substr(0, text.find('/'));
      if (!name.empty()) names.emplace_back(name);
      text.remove_prefix(std::min(name.size() + 1, text.size()));
    }
    todo.insert(todo.end(), names.rbegin(), names.rend());
  };
  add(path);
  std::string at = "/";
  int links = 0;
  auto current = PLK_TRY(find(at));
  while (current && !todo.empty()) {
    const std::string name = std::move(todo.back());
    todo.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      at = parent_of(at);
      current = PLK_TRY(find(at));
      continue;
    }
    std::string child = join(at, name);
    current = PLK_TRY(find(child));
    if (!current || (*current)->symlink_target.empty()) {
      at = std::move(child);
      continue;
    }
    if (++links > links_followed_max) {
      return Error(Errc::invalid_argument, escape(path) + ": links in a circle");
    }
    const std::string target((*current)->symlink_target);
    if (target.starts_with("/")) at = "/";
    add(target);
    current = PLK_TRY(find(at));
  }
  return current;
}

Result<std::unique_ptr<Listing>> SnapshotReader::open_listing(std::string_view directory) {
  TreeReader* dirpacks = PLK_TRY(index_tree(dirpacks_, "dirpack"));
  if (dirpacks == nullptr) return std::unique_ptr<Listing>();
  const auto object = PLK_TRY(dirpacks->find(directory));
  if (!object) return Error(Errc::corrupt, "the snapshot has no listing of this directory");
  return make_dirpack_listing(PLK_TRY(ObjectReader::open(*blobs_, *object)),
                              std::string(directory));
}

// The listings of a directory and of those below it that are being read.
class SnapshotReader::Walk {
 public:
  Walk(SnapshotReader& snapshot, const Damaged& damaged) : snapshot_(snapshot), damaged_(damaged) {}

  Status enter(std::string directory) {
    Level& level = levels_.emplace_back();
    level.directory = std::move(directory);
    auto listing = snapshot_.open_listing(level.directory);
    if (!listing) return go_on_by_tree(listing.error());
    if (*listing == nullptr) return list_by_tree();
    level.listing = *std::move(listing);
    return {};
  }

  // The next entry of the directory entered last, or nothing at its end, which leaves it.
  Result<const Listing*> next() {
    for (;;) {
      const Listing* listing = levels_.back().listing.get();
      const auto more = listing == nullptr ? Result<bool>(false) : levels_.back().listing->next();
      if (!more) {
        PLK_TRY(go_on_by_tree(more.error()));
        continue;
      }
      if (*more) {
        levels_.back().last_name = listing->entry().file_info.name;
        return listing;
      }
      levels_.pop_back();
      return nullptr;
    }
  }

  bool at_end() const noexcept { return levels_.empty(); }
  const std::string& directory() const noexcept { return levels_.back().directory; }

 private:
  struct Level {
    std::string directory;
    std::unique_ptr<Listing> listing;  // null: nothing more can be read
    std::string last_name;
    bool by_tree = false;
  };

  // From the entry behind the last one on.
  Status list_by_tree() {
    Level& level = levels_.back();
    level.by_tree = true;
    auto vfs = snapshot_.vfs_tree();
    if (!vfs) return go_on_by_tree(vfs.error());
    level.listing = make_tree_listing(*snapshot_.blobs_, **vfs, level.directory, level.last_name,
                                      [this](std::string_view path, const Error& error) {
                                        return tell(std::string(path), error);
                                      });
    return {};
  }

  Status go_on_by_tree(const Error& error) {
    Level& level = levels_.back();
    level.listing = nullptr;
    if (stopped_ || !is_damage(error)) return Error(error);
    PLK_TRY(tell(level.directory, error));
    return level.by_tree ? Status() : list_by_tree();
  }

  Status tell(const std::string& path, const Error& error) {
    Status go_on = damaged_(path, error);
    stopped_ = !go_on;
    return go_on;
  }

  SnapshotReader& snapshot_;
  const Damaged& damaged_;
  bool stopped_ = false;
  std::vector<Level> levels_;
};

Status SnapshotReader::list(std::string_view directory, const Visit& visit) {
  const std::string doing = "list " + escape(directory);
  const auto entry = find(directory);
  if (!entry && !is_damage(entry.error())) return Error(entry.error()).context(doing);
  if (entry && !*entry) {
    return Error(Errc::not_found, doing + ": the snapshot has no such directory");
  }
  if (entry && !is_directory((**entry)->file_info.mode)) {
    return Error(Errc::invalid_argument, doing + ": not a directory");
  }
  std::optional<Error> first;
  const Damaged damaged = [&](const std::string& path, const Error& error) -> Status {
    if (!first)
      first = Error(error).context(path == directory ? doing : doing + ": " + escape(path));
    return {};
  };
  Walk walk(*this, damaged);
  PLK_TRY(walk.enter(std::string(directory)));
  while (const Listing* listing = PLK_TRY_CONTEXT(walk.next(), doing)) {
    PLK_TRY(visit(listing->entry(), listing->id()));
  }
  if (first) return *std::move(first);
  return {};
}

Status SnapshotReader::walk(std::string_view path, const Visit& visit, const Damaged& damaged) {
  const auto start = find(path);
  if (start) {
    if (!*start) return Error(Errc::not_found, escape(path) + ": the snapshot has no such path");
    const FoundEntry& entry = **start;
    PLK_TRY(visit(*entry, entry.id()));
    if (!is_directory(entry->file_info.mode)) return {};
  } else {
    // What is in the root can be listed without its entry.
    if (path != "/" || !is_damage(start.error())) return Error(start.error());
    PLK_TRY(damaged("/", start.error()));
  }
  Walk walk(*this, damaged);
  PLK_TRY(walk.enter(std::string(path)));
  while (!walk.at_end()) {
    const Listing* listing = PLK_TRY(walk.next());
    if (listing == nullptr) continue;
    const VfsEntry& entry = listing->entry();
    std::string child = join(walk.directory(), entry.file_info.name);
    const bool descend = is_directory(entry.file_info.mode);
    PLK_TRY(visit(entry, listing->id()));
    if (descend) PLK_TRY(walk.enter(std::move(child)));
  }
  return {};
}

Result<ObjectReader> SnapshotReader::open_file(const VfsEntry& entry) {
  if (!is_regular(entry.file_info.mode) || !entry.symlink_target.empty() ||
      entry.object.is_zero()) {
    return Error(Errc::invalid_argument, escape(entry.path()) + ": not a regular file");
  }
  ObjectReader reader = PLK_TRY(ObjectReader::open(*blobs_, entry.object));
  if (reader.size() != static_cast<std::uint64_t>(entry.file_info.size)) {
    return Error(Errc::corrupt, escape(entry.path()) + ": a content of " +
                                    std::to_string(reader.size()) + " bytes instead of " +
                                    std::to_string(entry.file_info.size));
  }
  return reader;
}

// Genuine Plakar builds this tree in the order of paths and searches it in that of bytes. What a
// search in the one order does not find shows, by a scan of the whole tree, in which it is.
Result<std::optional<Mac>> SnapshotReader::find_xattr(std::string_view key) {
  const Mac& root = header_.source().roots.xattrs;
  TreeReader* xattrs = PLK_TRY(tree(xattrs_, ResourceType::xattr_root, root, xattr_order_));
  auto found = xattrs->find(key);
  if (xattr_order_known_ || (found && *found)) return found;
  if (!found && !is_damage(found.error())) return found;

  // Once: of a tree that cannot be read to its end, a search is all there is.
  xattr_order_known_ = true;
  auto whole =
      PLK_TRY(TreeReader::open(*blobs_, ResourceType::xattr_root, root, KeyOrder::unknown));
  bool in_path_order = true;
  bool in_byte_order = true;
  std::optional<std::string> last;
  std::optional<Mac> wanted;
  PLK_TRY(whole.scan("", [&](std::string_view other, const Mac& value) -> Result<bool> {
    in_path_order = in_path_order && (!last || key_less(KeyOrder::path, *last, other));
    in_byte_order = in_byte_order && (!last || key_less(KeyOrder::bytes, *last, other));
    if (other == key) wanted = value;
    last = other;
    return true;
  }));
  xattrs_.reset();
  xattr_order_ = in_path_order   ? KeyOrder::path
                 : in_byte_order ? KeyOrder::bytes
                                 : KeyOrder::unknown;
  return wanted;
}

Result<Bytes> SnapshotReader::attribute(std::string_view path, std::string_view name) {
  const auto id = PLK_TRY(find_xattr(xattr_key(path, name, XattrKind::extended)));
  if (!id) return Error(Errc::corrupt, "the snapshot names it and does not have it");
  const Bytes bytes = PLK_TRY(blobs_->load(ResourceType::xattr_entry, *id, entry_size_max));
  const XattrEntry xattr = PLK_TRY(decode_xattr_entry(bytes));
  // Keys run path and name together: another path and another name can make the same.
  if (xattr.path != path || xattr.name != name) {
    return Error(Errc::corrupt, "the snapshot has " + escape(xattr.name) + " of " +
                                    escape(xattr.path) + " in its place");
  }
  return load_object_content(*blobs_, xattr.object, xattr_size_max);
}

Result<std::vector<SnapshotReader::Attribute>> SnapshotReader::attributes(const VfsEntry& entry) {
  std::vector<Attribute> attributes;
  const std::string path = entry.path();
  for (const std::string_view name : entry.extended_attributes) {
    auto value = attribute(path, name);
    if (!value) {
      return std::move(value).error().context("read attribute " + escape(name) + " of " +
                                              escape(path));
    }
    attributes.push_back({.name = std::string(name), .value = *std::move(value)});
  }
  return attributes;
}

Status SnapshotReader::errors(
    std::string_view path,
    const std::function<Status(std::string_view path, std::string_view error)>& visit) {
  TreeReader* errors = PLK_TRY(
      tree(errors_, ResourceType::error_root, header_.source().roots.errors, KeyOrder::bytes));
  return errors->scan(path, [&](std::string_view key, const Mac& id) -> Result<bool> {
    if (!key.starts_with(path)) return false;
    // "/a!" comes between "/a" and "/a/b".
    if (!is_within(key, path)) return true;
    const Bytes bytes = PLK_TRY(blobs_->load(ResourceType::error_entry, id, entry_size_max));
    const ErrorEntry entry = PLK_TRY(decode_error_entry(bytes));
    PLK_TRY(visit(entry.path, entry.error));
    return true;
  });
}

Result<std::optional<Summary>> SnapshotReader::summary(std::string_view directory) {
  TreeReader* summaries = PLK_TRY(index_tree(summaries_, "summary"));
  if (summaries == nullptr) return std::optional<Summary>();
  const auto id = PLK_TRY(summaries->find(directory));
  if (!id) return std::optional<Summary>();
  const Bytes bytes = PLK_TRY(blobs_->load(ResourceType::vfs_summary, *id, entry_size_max));
  return std::optional(PLK_TRY(decode_summary(bytes)));
}

}  // namespace plakar::kloset
