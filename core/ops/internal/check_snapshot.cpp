#include "core/ops/internal/check_snapshot.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/flow/channel.h"
#include "core/flow/task_group.h"
#include "core/kloset/repository/blob_reader.h"
#include "core/kloset/snapshot/listing.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::KeyOrder;
using kloset::Listing;
using kloset::Repository;
using kloset::ResourceType;
using kloset::SnapshotReader;
using kloset::TreeReader;
using kloset::VfsEntry;

constexpr std::size_t batch_entries_max = 512;
constexpr std::size_t batches_waiting_max = 4;
// So many paths of damaged listings are remembered, not to be named twice.
constexpr std::size_t listings_named_max = 10'000;
constexpr std::string_view content_type_index = "content-type";

// An entry whose place in the snapshot is right; the rest is for another thread.
struct EntryToCheck {
  std::string path;
  Mac id;
  // Of the copy in the listing, within the batch. Of none: the blob is all there is.
  std::size_t encoded_at = 0;
  std::size_t encoded_size = 0;
};

struct Batch {
  std::vector<EntryToCheck> entries;
  Bytes encoded;  // of all of them
};

// Which ids there are, in any order: two sets that are equal have equal ones. Ids are keyed MACs,
// so that others have equal ones by chance only. May be added to from any thread.
class IdSum {
 public:
  void add(const Mac& id) noexcept {
    count_.fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(load_le<std::uint64_t>(BytesView(id.bytes).first<8>()),
                   std::memory_order_relaxed);
  }
  bool equals(const IdSum& other) const noexcept {
    return count_ == other.count_ && sum_ == other.sum_;
  }

 private:
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<std::uint64_t> sum_ = 0;
};

class SnapshotCheck {
 public:
  SnapshotCheck(Repository& repository, const CheckTarget& target, std::size_t threads,
                CheckLog& log, SoundBlobs& sound, const flow::CancelToken& cancel)
      : repository_(repository),
        target_(target),
        threads_(std::max<std::size_t>(1, threads)),
        log_(log),
        sound_(sound),
        cancel_(cancel),
        batches_({.items = batches_waiting_max}) {}

  Status run() {
    auto opened = SnapshotReader::open(repository_, target_.snapshot);
    if (!opened) {
      return keep("header", opened.error(), ResourceType::snapshot,
                  Mac{.bytes = target_.snapshot.bytes});
    }
    flow::TaskGroup tasks(cancel_);
    for (std::size_t i = 0; i < threads_; ++i) {
      tasks.spawn("check", [this](const flow::CancelToken& token) { return check_batches(token); });
    }
    tasks.spawn("walk", [&](const flow::CancelToken& token) -> Status {
      PLK_TRY(check_entries(*opened, token));
      batches_.close();
      return check_trees(*opened);
    });
    PLK_TRY(tasks.wait());
    return check_content_types(*opened);
  }

 private:
  bool is_wanted(std::string_view path) const {
    return target_.path == "/" || kloset::is_within(path, target_.path);
  }

  void damage(std::string where, std::string what, std::optional<PackfileMac> packfile = {}) {
    log_.damage({.snapshot = target_.snapshot,
                 .where = std::move(where),
                 .what = std::move(what),
                 .packfile = packfile});
  }
  // Takes what is not a cancel for damage at `where`, and goes on.
  Status keep(std::string where, const Status& outcome) {
    if (outcome) return {};
    if (outcome.error().code() == Errc::cancelled) return outcome;
    damage(std::move(where), outcome.error().message());
    return {};
  }
  Status keep(std::string where, const Status& outcome, ResourceType type, const Mac& blob) {
    if (outcome) return {};
    if (outcome.error().code() == Errc::cancelled) return outcome;
    damage(std::move(where), outcome.error().message(), sound_.packfile_of(type, blob));
    return {};
  }

  // The VFS tree and the listings, side by side. In the order of paths the entries of one
  // directory come one after the other, as they do in its listing.
  Status check_entries(SnapshotReader& snapshot, const flow::CancelToken& token) {
    const auto& source = snapshot.header().source();
    const auto scan = [&]() -> Status {
      TreeReader tree = PLK_TRY(
          TreeReader::open(repository_, ResourceType::vfs_root, source.roots.vfs, KeyOrder::path));
      return tree.check([&](const Mac&) { return token.check(); },
                        [&](std::string_view path, const Mac& id) -> Result<bool> {
                          last_path_ = path;
                          if (is_wanted(path)) PLK_TRY(check_place(snapshot, path, id, token));
                          return true;
                        });
    };
    const Status scanned = scan();
    if (scanned) {
      PLK_TRY(leave_directory());
      PLK_TRY(check_listed_directories(snapshot));
    } else {
      PLK_TRY(keep("vfs tree", scanned, ResourceType::vfs_root, source.roots.vfs));
      listing_.reset();
      PLK_TRY(check_rest(snapshot, token));
    }
    if (!batch_.entries.empty()) PLK_TRY(batches_.push(std::move(batch_), token));
    if (found_ == 0) damage(target_.path, "the snapshot has no such path");
    return {};
  }

  // Behind what the damaged tree still says, by way of the listings.
  Status check_rest(SnapshotReader& snapshot, const flow::CancelToken& token) {
    std::string visited;  // last
    return keep(target_.path, snapshot.walk(
                                  target_.path,
                                  [&](const VfsEntry& entry, const Mac& id) -> Status {
                                    std::string path = entry.path();
                                    visited = path;
                                    if (kloset::compare_paths(path, last_path_) <= 0)
                                      return token.check();
                                    Bytes encoded;
                                    kloset::encode_vfs_entry(encoded, entry);
                                    return add(std::move(path), id, encoded, token);
                                  },
                                  [&](const std::string& path, const Error& error) -> Status {
                                    // A directory is visited before its listing is read.
                                    return kloset::is_within(visited, path)
                                               ? keep_listing(path, error)
                                               : keep(path, error);
                                  }));
  }

  Status check_place(SnapshotReader& snapshot, std::string_view path, const Mac& id,
                     const flow::CancelToken& token) {
    PLK_TRY(token.check());
    if (path == "/") return add(std::string(path), id, {}, token);
    const std::string_view directory = kloset::parent_of(path);
    // Of a single file its directory's listing belongs to others.
    if (directory_ != directory || !in_directory_) {
      PLK_TRY(leave_directory());
      PLK_TRY(enter_directory(snapshot, directory));
    }
    const std::string_view name = kloset::name_of(path);
    while (has_listed_ && listing_->entry().file_info.name < name) PLK_TRY(pass_over_listed());
    if (!has_listed_ || listing_->entry().file_info.name != name) {
      if (listing_ != nullptr) damage(std::string(path), "no directory lists it");
      return add(std::string(path), id, {}, token);
    }
    if (listing_->id() == id) {
      PLK_TRY(add(std::string(path), id, listing_->encoded(), token));
    } else {
      damage(std::string(path), "the directory's listing has another entry for it");
      PLK_TRY(add(std::string(path), id, {}, token));
    }
    return step();
  }

  Status enter_directory(SnapshotReader& snapshot, std::string_view directory) {
    directory_ = directory;
    in_directory_ = true;
    ++directories_entered_;
    auto listing = snapshot.open_listing(directory_);
    if (!listing) return keep_listing(directory_, listing.error());
    listing_ = *std::move(listing);
    return listing_ == nullptr ? Status() : step();
  }

  Status step() {
    auto more = listing_->next();
    has_listed_ = more && *more;
    if (more) return {};
    listing_.reset();
    return keep_listing(directory_, more.error());
  }

  Status pass_over_listed() {
    const std::string path = kloset::join(directory_, listing_->entry().file_info.name);
    if (is_wanted(path)) damage(path, "a directory lists it, and the vfs tree does not have it");
    return step();
  }

  Status leave_directory() {
    while (has_listed_) PLK_TRY(pass_over_listed());
    listing_.reset();
    in_directory_ = false;
    return {};
  }

  // Not by the directory's path: of that, its entry is one thing and the listing another.
  Status keep_listing(const std::string& path, const Error& error) {
    if (error.code() == Errc::cancelled) return error;
    if (listings_named_.size() < listings_named_max && !listings_named_.insert(path).second) {
      return {};
    }
    return keep("listing of " + path, error);
  }

  // Directories of which the tree has nothing would not have been entered. They are counted, and
  // looked for only where the numbers differ.
  Status check_listed_directories(SnapshotReader& snapshot) {
    if (target_.path != "/") return {};
    const Mac* root = snapshot.header().source().find_index("dirpack");
    if (root == nullptr) return {};
    std::uint64_t listings = 0;
    std::uint64_t listings_with_entries = 0;
    const auto count = [&]() -> Status {
      TreeReader tree =
          PLK_TRY(TreeReader::open(repository_, ResourceType::btree_root, *root, KeyOrder::bytes));
      return tree.scan("", [&](std::string_view, const Mac& object) -> Result<bool> {
        ++listings;
        listings_with_entries += PLK_TRY(is_empty(object)) ? 0 : 1;
        return true;
      });
    };
    const Status counted = count();
    // What is damaged there is named by the check of that tree.
    if (!counted) return counted.error().code() == Errc::cancelled ? counted : Status();
    if (listings_with_entries == directories_entered_) return {};
    return keep("vfs tree", look_for_lost_directories(*root, snapshot.header().source().roots.vfs));
  }

  Result<bool> is_empty(const Mac& listing) {
    if (sound_.seen_objects().contains(listing, 0)) return true;
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::object, listing, kloset::object_size_max));
    return PLK_TRY(kloset::decode_object(bytes)).size() == 0;
  }

  Status look_for_lost_directories(const Mac& dirpacks, const Mac& vfs) {
    TreeReader listed =
        PLK_TRY(TreeReader::open(repository_, ResourceType::btree_root, dirpacks, KeyOrder::bytes));
    TreeReader tree =
        PLK_TRY(TreeReader::open(repository_, ResourceType::vfs_root, vfs, KeyOrder::path));
    return listed.scan("", [&](std::string_view key, const Mac& object) -> Result<bool> {
      PLK_TRY(cancel_.check());
      const std::string directory(key);
      if (!PLK_TRY(tree.find(directory))) {
        damage(directory, "it has a listing, and the vfs tree does not have it");
        return true;
      }
      if (PLK_TRY(is_empty(object))) return true;
      const std::string prefix = directory == "/" ? "/" : directory + "/";
      auto cursor = tree.seek(prefix);
      bool has_children = PLK_TRY(cursor.next());
      if (has_children && cursor.key() == "/") has_children = PLK_TRY(cursor.next());
      if (!has_children || !cursor.key().starts_with(prefix)) {
        damage(directory, "the vfs tree has nothing of what it lists");
      }
      return true;
    });
  }

  Status add(std::string path, const Mac& id, BytesView encoded, const flow::CancelToken& token) {
    ++found_;
    batch_.entries.push_back({.path = std::move(path),
                              .id = id,
                              .encoded_at = batch_.encoded.size(),
                              .encoded_size = encoded.size()});
    append(batch_.encoded, encoded);
    if (batch_.entries.size() < batch_entries_max) return {};
    return batches_.push(std::exchange(batch_, {}), token);
  }

  // From here on in other threads: entries, and the objects that they name.
  Status check_batches(const flow::CancelToken& token) {
    auto reader = PLK_TRY(kloset::BlobReader::create(repository_));
    for (Batch batch; PLK_TRY(batches_.pop(batch, token));) {
      PLK_TRY(check_batch(batch, reader, token));
    }
    return {};
  }

  struct EntryState {
    std::optional<Error> error;
    std::optional<PackfileMac> packfile;
    VfsEntry entry;
    bool is_decoded = false;
  };

  Status check_batch(const Batch& batch, kloset::BlobReader& reader,
                     const flow::CancelToken& token) {
    std::vector<EntryState> states(batch.entries.size());
    const auto fail = [&](std::size_t i, ResourceType type, const Mac& blob, Error error) {
      if (states[i].error) return;
      states[i].error = std::move(error);
      states[i].packfile = sound_.packfile_of(type, blob);
    };
    std::vector<Bytes> loaded(batch.entries.size());
    PLK_TRY(decode_entries(batch, loaded, states, fail));

    std::vector<kloset::WantedBlob> wanted;
    std::vector<std::size_t> whose;
    for (std::size_t i = 0; i < states.size(); ++i) {
      const VfsEntry& entry = states[i].entry;
      if (!states[i].is_decoded || !kloset::is_regular(entry.file_info.mode)) continue;
      if (!entry.symlink_target.empty() || is_seen(entry)) continue;
      wanted.push_back({.type = ResourceType::object,
                        .mac = entry.object,
                        .plain_size_max = kloset::object_size_max});
      whose.push_back(i);
    }
    PLK_TRY(reader.read(
        wanted,
        [&](std::size_t number, const Result<BytesView>& plain) -> Status {
          const std::size_t i = whose[number];
          if (!plain) {
            fail(i, ResourceType::object, wanted[number].mac, plain.error());
            return {};
          }
          return check_object_of(states[i].entry.file_info.size, wanted[number].mac, *plain,
                                 [&](ResourceType type, const Mac& blob, Error error) {
                                   fail(i, type, blob, std::move(error));
                                 });
        },
        token));
    for (std::size_t i = 0; i < states.size(); ++i) {
      const std::string& path = batch.entries[i].path;
      if (states[i].error) {
        damage(path, states[i].error->message(), states[i].packfile);
      } else {
        log_.checked(target_.snapshot, path);
      }
    }
    return {};
  }

  // The copies in the listings are compared with their ids, and of the blobs it is asked whether
  // they are sound; where there is no such copy, the blob is read.
  template <class Fail>
  Status decode_entries(const Batch& batch, std::vector<Bytes>& loaded,
                        std::vector<EntryState>& states, const Fail& fail) {
    std::vector<BytesView> inputs;
    std::vector<Mac> macs(batch.entries.size());
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      const EntryToCheck& one = batch.entries[i];
      if (one.encoded_size == 0) {
        auto bytes = repository_.load(ResourceType::vfs_entry, one.id, kloset::entry_size_max);
        if (!bytes && bytes.error().code() == Errc::cancelled) return std::move(bytes).error();
        if (bytes) {
          loaded[i] = *std::move(bytes);
        } else {
          fail(i, ResourceType::vfs_entry, one.id, std::move(bytes).error());
        }
      }
      inputs.push_back(one.encoded_size == 0
                           ? BytesView(loaded[i])
                           : BytesView(batch.encoded).subspan(one.encoded_at, one.encoded_size));
    }
    repository_.mac().compute_many(inputs, macs);
    for (std::size_t i = 0; i < batch.entries.size(); ++i) {
      const EntryToCheck& one = batch.entries[i];
      if (states[i].error) continue;
      if (macs[i] != one.id) {
        fail(i, ResourceType::vfs_entry, one.id,
             Error(Errc::corrupt, "its entry in the directory's listing is not what it is called"));
        continue;
      }
      const Status sound = sound_.confirm(ResourceType::vfs_entry, one.id, kloset::entry_size_max);
      if (!sound && sound.error().code() == Errc::cancelled) return sound;
      if (!sound) fail(i, ResourceType::vfs_entry, one.id, sound.error());
      auto entry = kloset::decode_vfs_entry(inputs[i]);
      if (!entry) {
        fail(i, ResourceType::vfs_entry, one.id, std::move(entry).error());
      } else if (entry->path() != one.path) {
        fail(i, ResourceType::vfs_entry, one.id, Error(Errc::corrupt, "an entry of another path"));
      } else {
        if (!entry->content_type.empty()) entries_with_content_type_.add(one.id);
        states[i].entry = *std::move(entry);
        states[i].is_decoded = true;
      }
    }
    return {};
  }

  bool is_seen(const VfsEntry& entry) {
    return sound_.seen_objects().contains(entry.object,
                                          static_cast<std::uint64_t>(entry.file_info.size));
  }

  // Its chunks are there and, as far as is known, sound.
  template <class Fail>
  Status check_object_of(std::optional<std::int64_t> size, const Mac& id, BytesView plain,
                         const Fail& fail) {
    const auto object = kloset::decode_object(plain);
    if (!object) {
      fail(ResourceType::object, id, object.error());
      return {};
    }
    const Status shape = check_object(*object);
    if (!shape) {
      fail(ResourceType::object, id, shape.error());
      return {};
    }
    if (size && object->size() != static_cast<std::uint64_t>(*size)) {
      fail(ResourceType::object, id,
           Error(Errc::corrupt, "its content has " + std::to_string(object->size()) +
                                    " bytes, its entry says " + std::to_string(*size)));
      return {};
    }
    for (const kloset::ChunkRef& chunk : object->chunks) {
      const Status sound = sound_.confirm(ResourceType::chunk, chunk.content, chunk.length);
      if (sound) continue;
      if (sound.error().code() == Errc::cancelled) return sound;
      fail(ResourceType::chunk, chunk.content, sound.error());
      return {};
    }
    sound_.seen_objects().add(id, object->size());
    return {};
  }

  // An object that no file is made of.
  Status check_other_object(const Mac& id) {
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::object, id, kloset::object_size_max));
    std::optional<Error> error;
    PLK_TRY(check_object_of(std::nullopt, id, bytes, [&](ResourceType, const Mac&, Error what) {
      error = std::move(what);
    }));
    if (error) return *std::move(error);
    return {};
  }

  Status check_trees(SnapshotReader& snapshot) {
    const kloset::HeaderSource& source = snapshot.header().source();
    PLK_TRY(check_tree("error tree", ResourceType::error_root, source.roots.errors, KeyOrder::bytes,
                       [this](std::string_view key, const Mac& entry) -> Status {
                         const Bytes bytes = PLK_TRY(repository_.load(
                             ResourceType::error_entry, entry, kloset::entry_size_max));
                         const auto error = PLK_TRY(kloset::decode_error_entry(bytes));
                         if (error.path != key) return Error(Errc::corrupt, "of another path");
                         return {};
                       }));
    PLK_TRY(check_tree("xattr tree", ResourceType::xattr_root, source.roots.xattrs,
                       KeyOrder::unknown, [this](std::string_view key, const Mac& entry) -> Status {
                         const Bytes bytes = PLK_TRY(repository_.load(
                             ResourceType::xattr_entry, entry, kloset::entry_size_max));
                         const auto xattr = PLK_TRY(kloset::decode_xattr_entry(bytes));
                         if (!key.starts_with(xattr.path)) {
                           return Error(Errc::corrupt, "of another path");
                         }
                         return check_other_object(xattr.object);
                       }));
    for (const kloset::TreeIndex& index : source.indexes) {
      PLK_TRY(check_tree(index.name + " tree", ResourceType::btree_root, index.value,
                         KeyOrder::bytes, [&](std::string_view, const Mac& value) -> Status {
                           if (index.name == "dirpack") return check_other_object(value);
                           if (index.name == content_type_index) content_types_.add(value);
                           if (index.name != "summary") return {};
                           const Bytes bytes = PLK_TRY(repository_.load(
                               ResourceType::vfs_summary, value, kloset::entry_size_max));
                           return kloset::decode_summary(bytes).map([](const kloset::Summary&) {});
                         }));
    }
    return {};
  }

  // When its entries are those that were looked at, all has been said of them. Damage of the tree
  // itself has been named.
  Status check_content_types(SnapshotReader& snapshot) {
    const Mac* root = snapshot.header().source().find_index(content_type_index);
    if (root == nullptr || content_types_.equals(entries_with_content_type_)) return {};
    const Status walked =
        walk_tree("content-type tree", ResourceType::btree_root, *root, KeyOrder::bytes,
                  [&](std::string_view, const Mac& value) {
                    return sound_.confirm(ResourceType::vfs_entry, value, kloset::entry_size_max);
                  });
    return walked || walked.error().code() != Errc::cancelled ? Status() : walked;
  }

  template <class CheckValue>
  Status check_tree(const std::string& name, ResourceType type, const Mac& root, KeyOrder order,
                    CheckValue check_value) {
    return keep(name, walk_tree(name, type, root, order, check_value), type, root);
  }

  template <class CheckValue>
  Status walk_tree(const std::string& name, ResourceType type, const Mac& root, KeyOrder order,
                   CheckValue check_value) {
    TreeReader tree = PLK_TRY(TreeReader::open(repository_, type, root, order));
    return tree.check([this](const Mac&) { return cancel_.check(); },
                      [&](std::string_view key, const Mac& value) -> Result<bool> {
                        const Status outcome = check_value(key, value);
                        if (!outcome) PLK_TRY(keep(name + ", " + std::string(key), outcome));
                        return true;
                      });
  }

  Repository& repository_;
  const CheckTarget& target_;
  const std::size_t threads_;
  CheckLog& log_;
  SoundBlobs& sound_;
  const flow::CancelToken& cancel_;
  flow::Channel<Batch> batches_;
  IdSum entries_with_content_type_;
  IdSum content_types_;  // in the tree of them

  // Of the walk alone.
  Batch batch_;
  std::uint64_t found_ = 0;
  std::string last_path_;
  std::string directory_;  // that is being compared, and what is left of its listing
  bool in_directory_ = false;
  std::unique_ptr<Listing> listing_;  // null: it cannot be read
  bool has_listed_ = false;           // listing_ has a next entry
  std::uint64_t directories_entered_ = 0;
  std::set<std::string> listings_named_;
};

}  // namespace

Status check_snapshot(Repository& repository, const CheckTarget& target, std::size_t threads,
                      CheckLog& log, SoundBlobs& sound, const flow::CancelToken& cancel) {
  return SnapshotCheck(repository, target, threads, log, sound, cancel).run();
}

}  // namespace plakar::ops
