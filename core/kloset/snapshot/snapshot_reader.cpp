#include "core/kloset/snapshot/snapshot_reader.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"
#include "core/kloset/tree/dirpack.h"
#include "core/kloset/tree/path.h"

namespace plakar::kloset {
namespace {

// How many links one path may lead through, as the kernel has it.
constexpr int links_followed_max = 40;

// The entries of one directory, one after the other.
class Listing {
 public:
  virtual ~Listing() = default;

  // The next entry, valid until the next call; false at the end.
  virtual Result<bool> next(VfsEntry& entry, Mac& id) = 0;
};

// Reads a dirpack chunk by chunk: a directory of millions takes no more memory than a chunk.
class DirpackListing final : public Listing {
 public:
  DirpackListing(ObjectReader content, std::string directory)
      : content_(std::move(content)), directory_(std::move(directory)) {}

  Result<bool> next(VfsEntry& entry, Mac& id) override {
    DirpackFrame frame;
    while (!PLK_TRY(take_frame(rest_, frame))) {
      // A frame may go on in the next chunk.
      Bytes joined = to_bytes(rest_);
      Bytes chunk;
      if (!PLK_TRY(content_.next_chunk(chunk))) {
        if (rest_.empty()) return false;
        return Error(Errc::corrupt, "the listing ends in the middle of an entry");
      }
      append(joined, chunk);
      buffer_ = std::move(joined);
      rest_ = buffer_;
    }
    entry = PLK_TRY(decode_vfs_entry(frame.entry));
    id = frame.id;
    const bool in_place = entry.parent_path == directory_ && entry.file_info.name != "/";
    if (!in_place || entry.file_info.name <= last_name_) {
      return Error(Errc::corrupt, "the listing has an entry that does not belong there: " +
                                      escape(entry.file_info.name));
    }
    last_name_ = entry.file_info.name;
    return true;
  }

 private:
  ObjectReader content_;
  std::string directory_;
  std::string last_name_;
  Bytes buffer_;
  BytesView rest_;
};

// Entries that were collected beforehand, where a snapshot has no dirpacks.
class CollectedListing final : public Listing {
 public:
  explicit CollectedListing(std::vector<std::pair<Bytes, Mac>> entries)
      : entries_(std::move(entries)) {}

  Result<bool> next(VfsEntry& entry, Mac& id) override {
    if (next_ == entries_.size()) return false;
    entry = PLK_TRY(decode_vfs_entry(entries_[next_].first));
    id = entries_[next_].second;
    ++next_;
    return true;
  }

 private:
  std::vector<std::pair<Bytes, Mac>> entries_;
  std::size_t next_ = 0;
};

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
  TreeReader* vfs = PLK_TRY(vfs_tree());
  const std::optional<Mac> id = PLK_TRY(vfs->find(path));
  if (!id) return std::optional<FoundEntry>();
  auto bytes = blobs_->load(ResourceType::vfs_entry, *id, entry_size_max);
  if (bytes) return std::optional(PLK_TRY(FoundEntry::decode(*std::move(bytes), *id)));
  if (bytes.error().code() == Errc::cancelled || path == "/") return std::move(bytes).error();
  // Genuine Plakar can leave trees that name entries nobody stored; the directory's listing has
  // them all the same.
  std::optional<FoundEntry> found;
  const std::string_view name = name_of(path);
  PLK_TRY(list(parent_of(path), [&](const VfsEntry& entry, const Mac& entry_id) -> Status {
    if (entry.file_info.name != name) return {};
    Bytes encoded;
    encode_vfs_entry(encoded, entry);
    found = PLK_TRY(FoundEntry::decode(std::move(encoded), entry_id));
    return {};
  }));
  if (!found) return std::move(bytes).error();
  return found;
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

Status SnapshotReader::list(std::string_view directory, const Visit& visit) {
  TreeReader* dirpacks = PLK_TRY(index_tree(dirpacks_, "dirpack"));
  if (dirpacks == nullptr) return list_by_tree(directory, visit);
  const std::string doing = "list " + escape(directory);
  const auto object = PLK_TRY_CONTEXT(dirpacks->find(directory), doing);
  if (!object) return Error(Errc::not_found, doing + ": the snapshot has no such directory");
  DirpackListing listing(PLK_TRY_CONTEXT(ObjectReader::open(*blobs_, *object), doing),
                         std::string(directory));
  VfsEntry entry;
  Mac id;
  while (PLK_TRY_CONTEXT(listing.next(entry, id), doing)) PLK_TRY(visit(entry, id));
  return {};
}

Status SnapshotReader::list_by_tree(std::string_view directory, const Visit& visit) {
  std::string prefix(directory);
  if (prefix.back() != '/') prefix += '/';
  std::vector<Mac> ids;
  TreeReader* vfs = PLK_TRY(vfs_tree());
  PLK_TRY(vfs->scan(prefix, [&](std::string_view key, const Mac& value) -> Result<bool> {
    if (key == "/") return true;
    if (!key.starts_with(prefix) || key.find('/', prefix.size()) != std::string_view::npos) {
      return false;
    }
    ids.push_back(value);
    return true;
  }));
  for (const Mac& id : ids) {
    const Bytes bytes = PLK_TRY(blobs_->load(ResourceType::vfs_entry, id, entry_size_max));
    const VfsEntry entry = PLK_TRY(decode_vfs_entry(bytes));
    PLK_TRY(visit(entry, id));
  }
  return {};
}

Status SnapshotReader::walk(std::string_view path, const Visit& visit, const ListFailed& failed) {
  const auto start = PLK_TRY(find(path));
  if (!start) return Error(Errc::not_found, escape(path) + ": the snapshot has no such path");
  PLK_TRY(visit(**start, start->id()));
  if (!is_directory((*start)->file_info.mode)) return {};

  TreeReader* dirpacks = PLK_TRY(index_tree(dirpacks_, "dirpack"));
  struct Level {
    std::string directory;
    std::unique_ptr<Listing> listing;
  };
  std::vector<Level> levels;
  const auto open_listing = [&](const std::string& directory) -> Result<std::unique_ptr<Listing>> {
    if (dirpacks == nullptr) {
      std::vector<std::pair<Bytes, Mac>> entries;
      PLK_TRY(list_by_tree(directory, [&](const VfsEntry& entry, const Mac& id) -> Status {
        Bytes encoded;
        encode_vfs_entry(encoded, entry);
        entries.emplace_back(std::move(encoded), id);
        return {};
      }));
      return std::unique_ptr<Listing>(std::make_unique<CollectedListing>(std::move(entries)));
    }
    const auto object = PLK_TRY(dirpacks->find(directory));
    if (!object) return Error(Errc::corrupt, "the snapshot has no listing of it");
    return std::unique_ptr<Listing>(
        std::make_unique<DirpackListing>(PLK_TRY(ObjectReader::open(*blobs_, *object)), directory));
  };
  const auto enter = [&](std::string directory) -> Status {
    auto listing = open_listing(directory);
    if (!listing) {
      if (listing.error().code() == Errc::cancelled) return std::move(listing).error();
      return failed(directory, listing.error());
    }
    levels.push_back({std::move(directory), *std::move(listing)});
    return {};
  };

  PLK_TRY(enter(std::string(path)));
  VfsEntry entry;
  Mac id;
  while (!levels.empty()) {
    const auto more = levels.back().listing->next(entry, id);
    if (!more) {
      if (more.error().code() == Errc::cancelled) return Error(more.error());
      const std::string directory = std::move(levels.back().directory);
      levels.pop_back();
      PLK_TRY(failed(directory, more.error()));
      continue;
    }
    if (!*more) {
      levels.pop_back();
      continue;
    }
    std::string child = join(levels.back().directory, entry.file_info.name);
    const bool descend = is_directory(entry.file_info.mode);
    PLK_TRY(visit(entry, id));
    if (descend) PLK_TRY(enter(std::move(child)));
  }
  return {};
}

Result<ObjectReader> SnapshotReader::open_file(const VfsEntry& entry) {
  return ObjectReader::open(*blobs_, entry.object);
}

Result<Mac> SnapshotReader::find_xattr(std::string_view key) {
  const Mac& root = header_.source().roots.xattrs;
  TreeReader* xattrs = PLK_TRY(tree(xattrs_, ResourceType::xattr_root, root, KeyOrder::path));
  const auto in_path_order = xattrs->find(key);
  if (in_path_order && *in_path_order) return **in_path_order;
  if (!in_path_order && in_path_order.error().code() != Errc::corrupt) {
    return Error(in_path_order.error());
  }
  // Genuine Plakar builds this tree in the order of paths and searches it in that of bytes;
  // whoever built it the other way round is read, too.
  TreeReader by_bytes =
      PLK_TRY(TreeReader::open(*blobs_, ResourceType::xattr_root, root, KeyOrder::bytes));
  const auto id = PLK_TRY(by_bytes.find(key));
  if (!id) return Error(Errc::corrupt, "the snapshot names it and does not have it");
  return *id;
}

Result<Bytes> SnapshotReader::attribute(std::string_view path, std::string_view name) {
  const Mac id = PLK_TRY(find_xattr(xattr_key(path, name, XattrKind::extended)));
  const Bytes bytes = PLK_TRY(blobs_->load(ResourceType::xattr_entry, id, entry_size_max));
  const XattrEntry xattr = PLK_TRY(decode_xattr_entry(bytes));
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
  return errors->scan("", [&](std::string_view key, const Mac& id) -> Result<bool> {
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
