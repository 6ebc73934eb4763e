#include "core/ops/internal/base_lookup.h"

#include <utility>

#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::Listing;
using kloset::Repository;
using kloset::ResourceType;
using kloset::TreeReader;
using kloset::VfsEntry;

Result<TreeReader> open_listings(Repository& repository, const SnapshotId& id) {
  const auto snapshot = PLK_TRY(kloset::SnapshotReader::open(repository, id));
  const Mac* root = snapshot.header().source().find_index("dirpack");
  if (root == nullptr) return Error(Errc::not_found, "a snapshot without listings");
  return TreeReader::open(repository, ResourceType::btree_root, *root, kloset::KeyOrder::bytes);
}

// Null when there is none that can be read.
std::unique_ptr<Listing> open_listing(Repository& repository, TreeReader& tree,
                                      const std::string& directory) {
  const auto object = tree.find(directory);
  if (!object || !*object) return nullptr;
  auto content = kloset::ObjectReader::open(repository, **object);
  if (!content) return nullptr;
  return kloset::make_dirpack_listing(*std::move(content), directory);
}

}  // namespace

Result<BaseLookup> BaseLookup::open(Repository& source, Repository& target,
                                    const SnapshotId& base) {
  auto source_tree = PLK_TRY(open_listings(source, base));
  auto target_tree = PLK_TRY(open_listings(target, base));
  return BaseLookup(source, target, std::move(source_tree), std::move(target_tree));
}

BaseLookup::BaseLookup(Repository& source, Repository& target, TreeReader source_tree,
                       TreeReader target_tree)
    : source_(&source),
      target_(&target),
      source_tree_(std::move(source_tree)),
      target_tree_(std::move(target_tree)) {}

BaseLookup::Level& BaseLookup::level_of(std::string_view directory) {
  while (!levels_.empty() && !kloset::is_within(directory, levels_.back().directory)) {
    levels_.pop_back();
  }
  if (levels_.empty() || levels_.back().directory != directory) {
    Level level{.directory = std::string(directory), .source = {}, .target = {}};
    level.source.listing = open_listing(*source_, source_tree_, level.directory);
    level.target.listing = open_listing(*target_, target_tree_, level.directory);
    levels_.push_back(std::move(level));
  }
  return levels_.back();
}

const VfsEntry* BaseLookup::Side::step_to(std::string_view name) {
  while (listing != nullptr && (!started || listing->entry().file_info.name < name)) {
    started = true;
    const auto more = listing->next();
    if (!more || !*more) listing = nullptr;
  }
  const bool is_it = listing != nullptr && listing->entry().file_info.name == name;
  return is_it ? &listing->entry() : nullptr;
}

std::optional<kloset::StoredContent> BaseLookup::find(const VfsEntry& entry) {
  Level& level = level_of(entry.parent_path);
  const VfsEntry* here = level.source.step_to(entry.file_info.name);
  if (here == nullptr || here->object != entry.object) return std::nullopt;
  const VfsEntry* there = level.target.step_to(entry.file_info.name);
  // That it is the same file on both sides is what makes their contents the same; the size of it
  // also tells one that was copied incompletely by somebody else.
  if (there == nullptr || !there->file_info.same_file(here->file_info) || there->object.is_zero() ||
      here->file_info.size != entry.file_info.size) {
    return std::nullopt;
  }
  // What maintenance lost is stored again.
  if (!target_->has(ResourceType::object, there->object)) return std::nullopt;
  return kloset::StoredContent{.object = there->object,
                               .size = static_cast<std::uint64_t>(there->file_info.size),
                               .chunks = there->chunks,
                               .entropy = there->entropy,
                               .content_type = std::string(there->content_type)};
}

}  // namespace plakar::ops
