#include "core/ops/internal/parent_lookup.h"

#include <utility>

#include "core/kloset/tree/path.h"

namespace plakar::ops {

using kloset::Record;
using kloset::RecordKind;
using kloset::VfsEntry;

namespace {

constexpr std::string_view not_regular = "application/x-not-regular-file";

}  // namespace

VfsEntry entry_of(const Record& record) {
  VfsEntry entry;
  entry.parent_path = kloset::parent_of(record.path);
  entry.file_info = {.name = kloset::name_of(record.path),
                     .size = record.size,
                     .mode = record.mode,
                     .mod_time = record.mod_time,
                     .dev = record.dev,
                     .ino = record.ino,
                     .uid = record.uid,
                     .gid = record.gid,
                     .nlink = record.nlink,
                     .username = record.username,
                     .groupname = record.groupname,
                     .flags = 0};
  entry.symlink_target = record.target;
  for (const auto& attribute : record.attributes) {
    entry.extended_attributes.push_back(attribute.name);
  }
  if (record.kind == RecordKind::symlink || record.kind == RecordKind::special) {
    entry.content_type = not_regular;
  }
  return entry;
}

std::optional<KnownEntry> ParentLookup::find(const Record& record) {
  if (record.kind == RecordKind::error || record.kind == RecordKind::xattr ||
      !kloset::is_clean_path(record.path)) {
    return std::nullopt;
  }
  // The root is in no listing.
  if (record.path != "/") {
    const std::string_view directory = kloset::parent_of(record.path);
    if (directory_ != directory) enter(directory);
    switch (step_to(kloset::name_of(record.path))) {
      case Step::found:
        return known(listing_->entry(), listing_->encoded(), listing_->id(), record);
      case Step::absent:
        return std::nullopt;
      case Step::unknown:
        break;
    }
  }
  // What cannot be read is read again from the source.
  const auto found = snapshot_->find(record.path);
  if (!found || !*found) return std::nullopt;
  const kloset::FoundEntry& entry = **found;
  return known(*entry, entry.bytes(), entry.id(), record);
}

void ParentLookup::enter(std::string_view directory) {
  directory_ = directory;
  auto listing = snapshot_->open_listing(directory);
  listing_ = listing ? *std::move(listing) : nullptr;
  is_new_ = false;
  if (listing_ == nullptr) {
    const auto entry = snapshot_->find(directory);
    is_new_ = entry && !*entry;
  }
  at_entry_ = false;
  at_end_ = false;
  last_name_.clear();
}

ParentLookup::Step ParentLookup::step_to(std::string_view name) {
  if (is_new_) return Step::absent;
  const bool in_order = last_name_ < name;
  last_name_ = name;
  if (listing_ == nullptr || !in_order) return Step::unknown;
  for (std::size_t steps = 0; !at_entry_ || listing_->entry().file_info.name < name; ++steps) {
    if (at_end_) return Step::absent;
    if (steps == steps_max) return Step::unknown;
    const auto more = listing_->next();
    if (!more) {
      listing_ = nullptr;
      return Step::unknown;
    }
    at_entry_ = *more;
    at_end_ = !*more;
  }
  return listing_->entry().file_info.name == name ? Step::found : Step::absent;
}

KnownEntry ParentLookup::known(const VfsEntry& old, BytesView encoded, const Mac& id,
                               const Record& record) {
  KnownEntry entry{.encoded = to_bytes(encoded), .id = id, .content = {}};
  if (record.kind != RecordKind::regular ||
      record.identity != kloset::ContentIdentity::by_metadata) {
    return entry;
  }
  const VfsEntry now = entry_of(record);
  const bool same = old.file_info.same_file(now.file_info) &&
                    old.extended_attributes == now.extended_attributes &&
                    old.symlink_target.empty();
  // A snapshot may refer to what maintenance lost; then the file is read again, and healed. So is
  // one that was written to while it was read, and looks the same for all that.
  if (same && blobs_->has(kloset::ResourceType::object, old.object) && !had_error(record.path)) {
    entry.content = {.object = old.object,
                     .size = static_cast<std::uint64_t>(old.file_info.size),
                     .chunks = old.chunks,
                     .entropy = old.entropy,
                     .content_type = std::string(old.content_type)};
  }
  return entry;
}

// What cannot be told counts as an error.
bool ParentLookup::had_error(std::string_view path) {
  const auto stop = [](std::string_view, std::string_view) -> Status {
    return Error(Errc::conflict, "there is one");
  };
  if (!had_errors_) had_errors_ = !snapshot_->errors("/", stop);
  return *had_errors_ && !snapshot_->errors(path, stop);
}

}  // namespace plakar::ops
