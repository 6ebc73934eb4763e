#include "core/kloset/snapshot/listing.h"

#include <utility>

#include "core/base/text.h"
#include "core/kloset/tree/dirpack.h"
#include "core/kloset/tree/path.h"

namespace plakar::kloset {
namespace {

// Reads a dirpack chunk by chunk.
class DirpackListing final : public Listing {
 public:
  DirpackListing(ObjectReader content, std::string directory)
      : content_(std::move(content)), directory_(std::move(directory)) {}

  Result<bool> next() override {
    DirpackFrame frame;
    while (!PLK_TRY(take_frame(rest_, frame))) {
      // A frame may go on in the next chunk. What was taken goes, once; a frame in a million tiny
      // chunks is not moved a million times.
      Bytes chunk;
      if (!PLK_TRY(content_.next_chunk(chunk))) {
        if (rest_.empty()) return false;
        return Error(Errc::corrupt, "the listing ends in the middle of an entry");
      }
      if (rest_.empty()) {
        buffer_ = std::move(chunk);
      } else {
        const std::size_t taken = buffer_.size() - rest_.size();
        buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken));
        append(buffer_, chunk);
      }
      rest_ = buffer_;
    }
    PLK_TRY(step_to(frame.entry, frame.id, directory_));
    return true;
  }

 private:
  ObjectReader content_;
  std::string directory_;
  Bytes buffer_;
  BytesView rest_;
};

class TreeListing final : public Listing {
 public:
  TreeListing(BlobSource& blobs, TreeReader& vfs, std::string directory, std::string_view after,
              EntryFailed failed)
      : blobs_(blobs),
        directory_(std::move(directory)),
        prefix_(directory_ == "/" ? directory_ : directory_ + '/'),
        after_(prefix_ + std::string(after)),
        cursor_(vfs.seek(after_)),
        failed_(std::move(failed)) {}

  Result<bool> next() override {
    while (PLK_TRY(cursor_.next())) {
      const std::string_view path = cursor_.key();
      if (!path.starts_with(prefix_)) return false;
      // What is deeper comes behind all that is in here.
      if (path.find('/', prefix_.size()) != std::string_view::npos) return false;
      // The start itself: also the root, which is not in itself.
      if (path == after_) continue;
      Status stepped = step_to_entry(path, cursor_.value());
      if (stepped) return true;
      if (!is_damage(stepped.error())) return std::move(stepped).error();
      PLK_TRY(failed_(path, stepped.error()));
    }
    return false;
  }

 private:
  Status step_to_entry(std::string_view path, const Mac& id) {
    buffer_ = PLK_TRY(blobs_.load(ResourceType::vfs_entry, id, entry_size_max));
    PLK_TRY(step_to(buffer_, id, directory_));
    if (entry().file_info.name == name_of(path)) return {};
    return Error(Errc::corrupt, "the entry is that of " + escape(entry().file_info.name));
  }

  BlobSource& blobs_;
  std::string directory_;
  std::string prefix_;
  std::string after_;
  TreeCursor cursor_;
  EntryFailed failed_;
  Bytes buffer_;
};

}  // namespace

Status Listing::step_to(BytesView encoded, const Mac& id, std::string_view directory) {
  VfsEntry entry = PLK_TRY(decode_vfs_entry(encoded));
  const std::string_view name = entry.file_info.name;
  if (entry.parent_path != directory || name == "/" || name <= last_name_) {
    return Error(Errc::corrupt, "an entry that does not belong there: " + escape(name));
  }
  last_name_ = name;
  entry_ = std::move(entry);
  encoded_ = encoded;
  id_ = id;
  return {};
}

std::unique_ptr<Listing> make_dirpack_listing(ObjectReader content, std::string directory) {
  return std::make_unique<DirpackListing>(std::move(content), std::move(directory));
}

std::unique_ptr<Listing> make_tree_listing(BlobSource& blobs, TreeReader& vfs,
                                           std::string directory, std::string_view after,
                                           EntryFailed failed) {
  return std::make_unique<TreeListing>(blobs, vfs, std::move(directory), after, std::move(failed));
}

bool is_damage(const Error& error) noexcept {
  return error.code() == Errc::corrupt || error.code() == Errc::not_found;
}

}  // namespace plakar::kloset
