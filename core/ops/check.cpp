#include "core/ops/check.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "core/kloset/format/envelope.h"
#include "core/kloset/format/object.h"
#include "core/kloset/repository/packfile_reader.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::KeyOrder;
using kloset::Repository;
using kloset::ResourceType;
using kloset::SnapshotReader;
using kloset::TreeReader;
using kloset::VfsEntry;

constexpr std::size_t read_buffer_size = 4u << 20;

class Check {
 public:
  Check(Repository& repository, const CheckOptions& options, CheckObserver& observer,
        const flow::CancelToken& cancel)
      : repository_(repository), options_(options), observer_(observer), cancel_(cancel) {}

  Result<CheckReport> run() {
    if (options_.store) {
      PLK_TRY(check_states());
      PLK_TRY(check_packfiles());
    }
    std::vector<SnapshotId> ids;
    for (const CheckTarget& target : options_.targets) ids.push_back(target.snapshot);
    if (ids.empty()) ids = repository_.index().snapshots();
    for (const SnapshotId& id : ids) {
      PLK_TRY(cancel_.check());
      const std::uint64_t before = report_.damages;
      snapshot_ = id;
      ++report_.snapshots;
      PLK_TRY(check_snapshot(id));
      report_.snapshots_damaged += report_.damages > before ? 1 : 0;
      observer_.finished(id, report_.damages - before);
    }
    // What a damaged index did not find may be there all the same.
    PLK_TRY(repository_.index().status());
    return report_;
  }

 private:
  void damage(std::string where, std::string what) {
    ++report_.damages;
    observer_.damaged({.snapshot = snapshot_, .where = std::move(where), .what = std::move(what)});
  }

  // Takes what is not a cancel for damage at `where`, and goes on.
  Status keep(const std::string& where, const Status& outcome) {
    if (outcome) return {};
    if (outcome.error().code() == Errc::cancelled) return outcome;
    damage(where, outcome.error().message());
    return {};
  }

  Status check_states() {
    std::vector<kloset::StateId> ids;
    PLK_TRY(repository_.store().list(kloset::ItemKind::state,
                                     [&](const kloset::ItemInfo& item) -> Status {
                                       ids.push_back(kloset::StateId{.bytes = item.name.bytes});
                                       return {};
                                     }));
    const auto lease = PLK_TRY(repository_.codec());
    for (const kloset::StateId& id : ids) {
      PLK_TRY(cancel_.check());
      ++report_.states;
      const auto read = [&]() -> Status {
        const Bytes item =
            PLK_TRY(kloset::load_item(repository_.store(), kloset::ItemKind::state,
                                      kloset::item_name(id), kloset::state_size_max));
        const auto envelope =
            PLK_TRY(kloset::open_envelope(item, ResourceType::state, repository_.mac()));
        const BytesView plain = PLK_TRY(lease->decode(envelope.body, kloset::state_size_max));
        PLK_TRY(kloset::read_state(plain, envelope.version,
                                   [](const kloset::StateEntry&) { return Status(); }));
        return {};
      };
      PLK_TRY(keep("state " + id.short_hex(), read()));
    }
    return {};
  }

  // What the states say of each packfile's blobs: a sum that does not depend on their order.
  struct Fingerprint {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;

    void add(ResourceType type, const Mac& mac, std::uint64_t offset, std::uint32_t length) {
      ++count;
      sum += std::hash<Mac>()(mac) * 31 + offset * 7 + length * 3 + static_cast<unsigned>(type);
    }
    friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
  };

  Status check_packfiles() {
    std::unordered_map<PackfileMac, Fingerprint> known;
    PLK_TRY(
        repository_.index().for_each_packfile([&](const kloset::PackfileEntry& entry) -> Status {
          known.try_emplace(entry.packfile);
          return {};
        }));
    // Where headers are: few, and the one thing of which a state can take back a location.
    std::map<Mac, std::set<PackfileMac>> headers;
    PLK_TRY(
        repository_.index().for_each_location([&](const kloset::LocationEntry& entry) -> Status {
          if (entry.type == ResourceType::snapshot) headers[entry.blob].insert(entry.packfile);
          const auto found = known.find(entry.packfile);
          if (found != known.end()) {
            found->second.add(entry.type, entry.blob, entry.offset, entry.length);
          }
          return {};
        }));
    const auto lease = PLK_TRY(repository_.codec());
    Bytes buffer(options_.depth == CheckDepth::full ? read_buffer_size : 0);
    for (const auto& [mac, wanted] : known) {
      PLK_TRY(cancel_.check());
      ++report_.packfiles;
      const auto read = [&, &packfile = mac, &expected = wanted]() -> Status {
        const auto contents = PLK_TRY(
            kloset::read_packfile(repository_.store(), packfile, *lease, repository_.keys()));
        Fingerprint found;
        for (const kloset::PackfileRecord& record : contents.records) {
          // A snapshot that was removed and came back leads to its new header only.
          if (record.type == ResourceType::snapshot) {
            const auto header = headers.find(record.mac);
            if (header != headers.end() && !header->second.contains(packfile)) continue;
          }
          found.add(record.type, record.mac, record.offset, record.length);
        }
        if (found != expected) {
          return Error(Errc::corrupt, "its index does not say what the states say");
        }
        if (options_.depth == CheckDepth::structure) return {};
        return kloset::verify_packfile(repository_.store(), packfile, repository_.keys(), buffer);
      };
      PLK_TRY(keep("packfile " + mac.short_hex(), read()));
    }
    return {};
  }

  Status check_snapshot(const SnapshotId& id) {
    auto opened = SnapshotReader::open(repository_, id);
    if (!opened) return keep("header", std::move(opened).error());
    SnapshotReader& snapshot = *opened;
    const kloset::HeaderSource& source = snapshot.header().source();

    PLK_TRY(check_entries(snapshot));
    PLK_TRY(check_tree(
        "vfs tree", ResourceType::vfs_root, source.roots.vfs, KeyOrder::path,
        [this](std::string_view path, const Mac& entry) { return check_tree_entry(path, entry); }));
    PLK_TRY(check_tree("error tree", ResourceType::error_root, source.roots.errors, KeyOrder::bytes,
                       [this](std::string_view key, const Mac& entry) -> Status {
                         const Bytes bytes = PLK_TRY(repository_.load(
                             ResourceType::error_entry, entry, kloset::entry_size_max));
                         const auto error = PLK_TRY(kloset::decode_error_entry(bytes));
                         if (error.path != key) return Error(Errc::corrupt, "of another path");
                         return {};
                       }));
    PLK_TRY(check_tree("xattr tree", ResourceType::xattr_root, source.roots.xattrs,
                       KeyOrder::unknown, [this](std::string_view, const Mac& entry) -> Status {
                         const Bytes bytes = PLK_TRY(repository_.load(
                             ResourceType::xattr_entry, entry, kloset::entry_size_max));
                         const auto xattr = PLK_TRY(kloset::decode_xattr_entry(bytes));
                         return check_object(xattr.object, std::nullopt);
                       }));
    for (const kloset::TreeIndex& index : source.indexes) {
      PLK_TRY(check_tree(index.name + " tree", ResourceType::btree_root, index.value,
                         KeyOrder::bytes, [&](std::string_view, const Mac& value) -> Status {
                           if (index.name == "dirpack") return check_object(value, std::nullopt);
                           const bool is_summary = index.name == "summary";
                           if (!is_summary && index.name != "content-type") return {};
                           const Bytes bytes = PLK_TRY(repository_.load(
                               is_summary ? ResourceType::vfs_summary : ResourceType::vfs_entry,
                               value, kloset::entry_size_max));
                           if (is_summary) PLK_TRY(kloset::decode_summary(bytes));
                           return {};
                         }));
    }
    return {};
  }

  // Every entry by way of the listings, with the content of files.
  Status check_entries(SnapshotReader& snapshot) {
    listed_.clear();
    return snapshot.walk(
        "/",
        [&](const VfsEntry& entry, const Mac& id) -> Status {
          PLK_TRY(cancel_.check());
          const std::string path = entry.path();
          listed_.emplace(path, id);
          if (kloset::is_regular(entry.file_info.mode) && entry.symlink_target.empty()) {
            PLK_TRY(keep(path, check_object(entry.object, entry.file_info.size)));
          }
          observer_.checked(*snapshot_, path);
          return {};
        },
        [this](const std::string& path, const Error& error) { return keep(path, error); });
  }

  // The entry that the VFS tree names has to be there, and be the one that is listed.
  Status check_tree_entry(std::string_view path, const Mac& id) {
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::vfs_entry, id, kloset::entry_size_max));
    const VfsEntry entry = PLK_TRY(kloset::decode_vfs_entry(bytes));
    if (entry.path() != path) return Error(Errc::corrupt, "an entry of another path");
    const auto listed = listed_.find(std::string(path));
    if (listed == listed_.end()) return Error(Errc::corrupt, "no directory lists it");
    if (listed->second != id) {
      return Error(Errc::corrupt, "the directory's listing has another entry for it");
    }
    listed_.erase(listed);
    return {};
  }

  template <class CheckValue>
  Status check_tree(const std::string& name, ResourceType type, const Mac& root, KeyOrder order,
                    CheckValue check_value) {
    const auto walk = [&]() -> Status {
      TreeReader tree = PLK_TRY(TreeReader::open(repository_, type, root, order));
      return tree.check([this](const Mac&) { return cancel_.check(); },
                        [&](std::string_view key, const Mac& value) -> Result<bool> {
                          PLK_TRY(keep(name + ", " + std::string(key), check_value(key, value)));
                          return true;
                        });
    };
    PLK_TRY(keep(name, walk()));
    if (type != ResourceType::vfs_root) return {};
    for (const auto& [path, id] : listed_) {
      damage(path, "a directory lists it, and the vfs tree does not have it");
    }
    listed_.clear();
    return {};
  }

  // The object, its chunks, and that together they are what they are said to be. Objects that
  // several files share are looked at once.
  Status check_object(const Mac& id, std::optional<std::int64_t> size) {
    const auto known = objects_.find(id);
    if (known != objects_.end()) {
      if (!known->second.empty()) return Error(Errc::corrupt, known->second);
    } else {
      const Status outcome = check_new_object(id);
      if (!outcome && outcome.error().code() == Errc::cancelled) return outcome;
      objects_[id] = outcome ? std::string() : outcome.error().message();
      PLK_TRY(outcome);
    }
    if (!size) return {};
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::object, id, kloset::object_size_max));
    const kloset::Object object = PLK_TRY(kloset::decode_object(bytes));
    if (object.size() != static_cast<std::uint64_t>(*size)) {
      return Error(Errc::corrupt, "its content has " + std::to_string(object.size()) +
                                      " bytes, its entry says " + std::to_string(*size));
    }
    return {};
  }

  Status check_new_object(const Mac& id) {
    const Bytes bytes =
        PLK_TRY(repository_.load(ResourceType::object, id, kloset::object_size_max));
    const kloset::Object object = PLK_TRY(kloset::decode_object(bytes));
    if (options_.depth == CheckDepth::structure) {
      for (const kloset::ChunkRef& chunk : object.chunks) {
        if (!repository_.has(ResourceType::chunk, chunk.content)) {
          return Error(Errc::corrupt, "chunk " + chunk.content.short_hex() + " is missing");
        }
      }
      return {};
    }
    crypto::MacHasher whole = repository_.mac().hasher();
    for (const kloset::ChunkRef& chunk : object.chunks) {
      PLK_TRY(cancel_.check());
      const Bytes content =
          PLK_TRY(repository_.load(ResourceType::chunk, chunk.content, chunk.length));
      if (content.size() != chunk.length) {
        return Error(Errc::corrupt, "chunk " + chunk.content.short_hex() + " has another length");
      }
      whole.update(content);
    }
    if (whole.finish() != object.content) {
      return Error(Errc::corrupt, "its chunks together are not its content");
    }
    return {};
  }

  Repository& repository_;
  const CheckOptions& options_;
  CheckObserver& observer_;
  flow::CancelToken cancel_;
  CheckReport report_;
  std::optional<SnapshotId> snapshot_;
  std::unordered_map<Mac, std::string> objects_;  // with what is wrong, or nothing
  std::map<std::string, Mac> listed_;             // and not met in the tree yet
};

}  // namespace

Result<CheckReport> check(Repository& repository, const CheckOptions& options,
                          CheckObserver& observer, const flow::CancelToken& cancel) {
  return Check(repository, options, observer, cancel).run();
}

}  // namespace plakar::ops
