#include "core/ops/internal/marker.h"

#include <utility>

#include "core/base/text.h"
#include "core/kloset/format/object.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/object_reader.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/node.h"
#include "core/ops/internal/read_blob.h"

namespace plakar::ops {
namespace {

using kloset::BlobLocation;
using kloset::ResourceType;

// The same blob may be reached for different purposes, a node as that of different trees:
// each has to be followed. Beyond all types, so that the one set can hold both.
constexpr std::uint32_t purpose_tree = 0x100;  // and the number of the tree
constexpr std::uint32_t purpose_listing = 0x200;

std::string describe(ResourceType type, const Mac& mac) {
  return kloset::to_name(type) + " " + mac.short_hex();
}

}  // namespace

Result<Bytes> Marker::WideBlobs::load(ResourceType type, const Mac& mac,
                                      std::size_t plain_size_max) {
  auto bytes = marker_->repository_->load(type, mac, plain_size_max);
  if (bytes || !kloset::is_damage(bytes.error())) return bytes;
  for (const BlobLocation& location : marker_->repository_->index().find_coloured(type, mac)) {
    Bytes plain;
    const auto read =
        read_blob(*marker_->repository_, {.type = type, .mac = mac, .location = location},
                  plain_size_max, &plain);
    if (read) {
      marker_->needed_.insert(location.packfile);
      return plain;
    }
    if (!kloset::is_damage(read.error())) return read.error();
  }
  return bytes;
}

bool Marker::WideBlobs::has(ResourceType type, const Mac& mac) const {
  return marker_->repository_->has(type, mac) ||
         !marker_->repository_->index().find_coloured(type, mac).empty();
}

Marker::Marker(kloset::Repository& repository, StoredPackfiles& packfiles, LiveSet& live,
               const flow::CancelToken& cancel, Noticed noticed)
    : repository_(&repository),
      packfiles_(&packfiles),
      live_(&live),
      cancel_(cancel),
      noticed_(std::move(noticed)),
      blobs_(*this) {}

Status Marker::mark(const SnapshotId& snapshot) {
  snapshot_ = snapshot;
  return mark_header(snapshot);
}

Status Marker::mark_header(const SnapshotId& snapshot) {
  const Mac mac{.bytes = snapshot.bytes};
  PLK_TRY(keep(ResourceType::snapshot, mac));
  const Bytes bytes = PLK_TRY(blobs_.load(ResourceType::snapshot, mac, kloset::header_size_max));
  const kloset::SnapshotHeader header = PLK_TRY(kloset::decode_header(bytes, snapshot));
  // There is one only if the snapshot is signed, which nothing else depends on.
  live_->insert(ResourceType::signature, mac);
  PLK_TRY(locate(ResourceType::signature, mac));

  for (const kloset::HeaderSource& source : header.sources) {
    // Listings first: their entries need not be read one by one afterwards.
    if (const Mac* root = source.find_index("dirpack")) {
      PLK_TRY(mark_tree(Tree::listings, *root));
    }
    PLK_TRY(mark_tree(Tree::vfs, source.roots.vfs));
    PLK_TRY(mark_tree(Tree::errors, source.roots.errors));
    PLK_TRY(mark_tree(Tree::xattrs, source.roots.xattrs));
    for (const kloset::TreeIndex& index : source.indexes) {
      const bool is_tree = index.type == "btree";
      if (is_tree && index.name == "dirpack") {
        PLK_TRY(mark_tree(Tree::listings, index.value));
      } else if (is_tree && index.name == "content-type") {
        PLK_TRY(mark_tree(Tree::content_types, index.value));
      } else if (is_tree && index.name == "summary") {
        PLK_TRY(mark_tree(Tree::summaries, index.value));
      } else {
        return Error(Errc::unsupported, "it has an index '" + escape(index.name) +
                                            "' which this version does not know");
      }
    }
  }
  return {};
}

Status Marker::mark_tree(Tree tree, const Mac& root) {
  static constexpr std::array root_types{ResourceType::vfs_root,   ResourceType::error_root,
                                         ResourceType::xattr_root, ResourceType::btree_root,
                                         ResourceType::btree_root, ResourceType::btree_root};
  static constexpr std::array names{"vfs tree",          "error tree",   "xattr tree",
                                    "content-type tree", "dirpack tree", "summary tree"};
  const auto number = static_cast<std::size_t>(tree);
  const ResourceType type = root_types[number];
  const auto walk = [&]() -> Status {
    PLK_TRY(keep(type, root));
    const Bytes bytes = PLK_TRY(blobs_.load(type, root, kloset::node_size_max));
    return mark_node(tree, PLK_TRY(kloset::decode_tree_root(bytes)).root, 0);
  };
  PLK_TRY_CONTEXT(walk(), names[number]);
  return {};
}

Status Marker::mark_node(Tree tree, const Mac& mac, std::size_t depth) {
  if (depth > kloset::tree_depth_max) return Error(Errc::corrupt, "a tree that is too deep");
  if (!begin(purpose_tree + static_cast<std::uint32_t>(tree), mac)) return {};
  PLK_TRY(cancel_.check());
  const ResourceType type = tree == Tree::vfs      ? ResourceType::vfs_node
                            : tree == Tree::errors ? ResourceType::error_node
                            : tree == Tree::xattrs ? ResourceType::xattr_node
                                                   : ResourceType::btree_node;
  PLK_TRY(keep(type, mac));
  const Bytes bytes = PLK_TRY(blobs_.load(type, mac, kloset::node_size_max));
  const kloset::TreeNode node = PLK_TRY(kloset::decode_tree_node(bytes));
  for (const Mac& child : node.pointers) PLK_TRY(mark_node(tree, child, depth + 1));
  for (std::size_t i = 0; i < node.values.size(); ++i) {
    PLK_TRY_CONTEXT(mark_value(tree, node.keys[i], node.values[i]), escape(node.keys[i]));
  }
  return {};
}

Status Marker::mark_value(Tree tree, std::string_view key, const Mac& value) {
  switch (tree) {
    case Tree::vfs:
    case Tree::content_types:
      return mark_entry(value);
    case Tree::errors:
      return keep(ResourceType::error_entry, value);
    case Tree::xattrs:
      return mark_xattr(value);
    case Tree::listings:
      return mark_listing(value, key);
    case Tree::summaries:
      return keep(ResourceType::vfs_summary, value);
  }
  return {};
}

Status Marker::mark_entry(const Mac& id) {
  // Mostly it is known from a listing.
  if (live_->contains(ResourceType::vfs_entry, id)) return {};
  PLK_TRY(keep(ResourceType::vfs_entry, id));
  const Bytes bytes = PLK_TRY(blobs_.load(ResourceType::vfs_entry, id, kloset::entry_size_max));
  return mark_object(PLK_TRY(kloset::decode_vfs_entry(bytes)).object);
}

Status Marker::mark_xattr(const Mac& id) {
  if (live_->contains(ResourceType::xattr_entry, id)) return {};
  PLK_TRY(keep(ResourceType::xattr_entry, id));
  const Bytes bytes = PLK_TRY(blobs_.load(ResourceType::xattr_entry, id, kloset::entry_size_max));
  return mark_object(PLK_TRY(kloset::decode_xattr_entry(bytes)).object);
}

Status Marker::mark_listing(const Mac& object, std::string_view directory) {
  PLK_TRY(mark_object(object));
  if (!begin(purpose_listing, object)) return {};
  const auto listing = kloset::make_dirpack_listing(
      PLK_TRY(kloset::ObjectReader::open(blobs_, object)), std::string(directory));
  while (PLK_TRY(listing->next())) {
    // Computed, since what is marked here is not read again where a tree names it.
    const Mac id = repository_->mac().compute(listing->encoded());
    if (!live_->insert(ResourceType::vfs_entry, id)) continue;
    const bool is_stored = PLK_TRY(locate(ResourceType::vfs_entry, id));
    if (!is_stored) noticed_(snapshot_, listing->entry().path());
    PLK_TRY_CONTEXT(mark_object(listing->entry().object), escape(listing->entry().path()));
  }
  return {};
}

Status Marker::mark_object(const Mac& id) {
  if (id.is_zero() || live_->contains(ResourceType::object, id)) return {};
  PLK_TRY(cancel_.check());
  PLK_TRY(keep(ResourceType::object, id));
  const Bytes bytes = PLK_TRY(blobs_.load(ResourceType::object, id, kloset::object_size_max));
  const kloset::Object object = PLK_TRY(kloset::decode_object(bytes));
  for (const kloset::ChunkRef& chunk : object.chunks) {
    PLK_TRY(keep(ResourceType::chunk, chunk.content));
  }
  return {};
}

Status Marker::keep(ResourceType type, const Mac& mac) {
  if (!live_->insert(type, mac)) return {};
  if (PLK_TRY(locate(type, mac))) return {};
  return Error(Errc::not_found, describe(type, mac) + " is in no packfile of the store");
}

Result<bool> Marker::locate(ResourceType type, const Mac& mac) {
  const kloset::StateIndex& index = repository_->index();
  const auto first = index.find(type, mac);
  if (first && PLK_TRY(packfiles_->find_size(first->packfile))) return true;
  if (first) {
    for (const BlobLocation& location : index.find_all(type, mac)) {
      if (PLK_TRY(packfiles_->find_size(location.packfile))) return true;
    }
  }
  const std::vector<BlobLocation> coloured = index.find_coloured(type, mac);
  for (const BlobLocation& location : coloured) {
    if (needed_.contains(location.packfile)) return true;
  }
  for (const BlobLocation& location : coloured) {
    if (!PLK_TRY(packfiles_->find_size(location.packfile))) continue;
    needed_.insert(location.packfile);
    return true;
  }
  return false;
}

bool Marker::begin(std::uint32_t purpose, const Mac& mac) {
  return live_->insert(static_cast<ResourceType>(purpose), mac);
}

}  // namespace plakar::ops
