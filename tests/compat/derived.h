// From the entries of a genuine snapshot alone, everything that is made of them: what comes out has
// to be what genuine Plakar made.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/tree_builder.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::testing {

// Names blobs as the store does, and counts those that it does not have: whatever we make of
// genuine entries must be there already. Only the nodes of trees, which we fill and genuine Plakar
// leaves half empty, may be others.
class DerivedBlobs final : public kloset::BlobSink, public kloset::BlobSource {
 public:
  explicit DerivedBlobs(kloset::Repository& repository) : repository_(repository) {}

  Result<Mac> put(kloset::ResourceType type, BytesView plain) override {
    using enum kloset::ResourceType;
    const Mac name = mac(plain);
    const std::lock_guard guard(mutex_);
    switch (type) {
      case vfs_root:
      case vfs_node:
      case error_root:
      case error_node:
      case xattr_root:
      case xattr_node:
      case btree_root:
      case btree_node:
        nodes_[{type, name}] = to_bytes(plain);
        break;
      default:
        if (!repository_.has(type, name)) ++unknown;
    }
    return name;
  }
  Mac mac(BytesView plain) const override { return repository_.mac().compute(plain); }
  std::unique_ptr<kloset::MacStream> mac_stream() const override {
    struct Stream final : kloset::MacStream {
      explicit Stream(crypto::MacHasher started) : hasher(std::move(started)) {}
      void update(BytesView bytes) override { hasher.update(bytes); }
      Mac finish() override { return hasher.finish(); }
      crypto::MacHasher hasher;
    };
    return std::make_unique<Stream>(repository_.mac().hasher());
  }

  Result<Bytes> load(kloset::ResourceType type, const Mac& mac, std::size_t) override {
    const auto found = nodes_.find({type, mac});
    if (found == nodes_.end()) return Error(Errc::not_found, "no such node");
    return found->second;
  }
  bool has(kloset::ResourceType type, const Mac& mac) const override {
    return nodes_.contains({type, mac});
  }

  int unknown = 0;

 private:
  std::mutex mutex_;
  kloset::Repository& repository_;
  std::map<std::pair<kloset::ResourceType, Mac>, Bytes> nodes_;
};

using TreeContent = std::vector<std::pair<std::string, Mac>>;

inline TreeContent read_tree(kloset::BlobSource& blobs, kloset::ResourceType type, const Mac& root,
                             kloset::KeyOrder order) {
  TreeContent content;
  auto tree = kloset::TreeReader::open(blobs, type, root, order);
  REQUIRE(tree);
  REQUIRE(tree->check([](const Mac&) { return Status(); },
                      [&](std::string_view key, const Mac& value) -> Result<bool> {
                        content.emplace_back(key, value);
                        return true;
                      }));
  return content;
}

// That a tree made of the same has the same in it, and that TreeBuilder, given `insertions` in
// their order, makes it node for node.
inline void check_tree(kloset::Repository& repository, DerivedBlobs& derived_blobs,
                       kloset::ResourceType type, kloset::KeyOrder order, const Mac& derived,
                       const Mac& wanted, const std::function<void(TreeContent&)>& insertions) {
  TreeContent content = read_tree(repository, type, wanted, order);
  CHECK(read_tree(derived_blobs, type, derived, order) == content);
  insertions(content);
  kloset::TreeBuilder builder(order);
  for (auto& [key, value] : content) builder.insert(key, value);
  const auto built = builder.store(derived_blobs, type);
  REQUIRE(built);
  CHECK(*built == wanted);
}

// That all trees, listings and summaries of the snapshot come out again.
inline void check_derived(kloset::Repository& repository, kloset::SnapshotReader& snapshot) {
  const kloset::HeaderSource& wanted = snapshot.header().source();
  const auto chunker = kloset::Chunker::create(repository.config().chunking);
  REQUIRE(chunker);
  DerivedBlobs sink(repository);
  kloset::SnapshotBuilder builder(sink, *chunker);
  REQUIRE(snapshot.walk(
      "/", [&](const kloset::VfsEntry& entry, const Mac&) { return builder.add_entry(entry); },
      [](const std::string&, const Error& error) -> Status { return error; }));
  auto xattrs = kloset::TreeReader::open(repository, kloset::ResourceType::xattr_root,
                                         wanted.roots.xattrs, kloset::KeyOrder::path);
  REQUIRE(xattrs);
  REQUIRE(xattrs->scan("", [&](std::string_view, const Mac& id) -> Result<bool> {
    const Bytes bytes =
        PLK_TRY(repository.load(kloset::ResourceType::xattr_entry, id, kloset::entry_size_max));
    const auto entry = PLK_TRY(kloset::decode_xattr_entry(bytes));
    PLK_TRY(builder.add_xattr(entry));
    return true;
  }));
  REQUIRE(snapshot.errors("/", [&](std::string_view path, std::string_view error) {
    return builder.add_error(path, error);
  }));
  const auto derived = builder.finish(wanted.importer, [](std::string_view path, std::string_view) {
    FAIL_CHECK("left out: ", std::string(path));
  });
  REQUIRE(derived);
  const auto ascending = [](TreeContent&) {};
  const auto by_path_descending = [](TreeContent& content) {
    // Behind the media type, which is in front of the path where there is one.
    const auto path = [](std::string_view key) {
      return key.substr(key.find('/', key.find('/', 1) + 1));
    };
    std::sort(content.begin(), content.end(),
              [&](const auto& a, const auto& b) { return path(a.first) > path(b.first); });
  };
  const auto descending = [](TreeContent& content) {
    std::sort(content.begin(), content.end(), std::greater<>());
  };
  using Type = kloset::ResourceType;
  check_tree(repository, sink, Type::vfs_root, kloset::KeyOrder::path, derived->roots.vfs,
             wanted.roots.vfs, descending);
  check_tree(repository, sink, Type::xattr_root, kloset::KeyOrder::path, derived->roots.xattrs,
             wanted.roots.xattrs, ascending);
  check_tree(repository, sink, Type::error_root, kloset::KeyOrder::bytes, derived->roots.errors,
             wanted.roots.errors, ascending);
  REQUIRE(derived->indexes.size() == wanted.indexes.size());
  for (std::size_t i = 0; i < wanted.indexes.size(); ++i) {
    CAPTURE(wanted.indexes[i].name);
    CHECK(derived->indexes[i].name == wanted.indexes[i].name);
    const bool with_types = wanted.indexes[i].name == "content-type";
    check_tree(repository, sink, Type::btree_root, kloset::KeyOrder::bytes,
               derived->indexes[i].value, wanted.indexes[i].value,
               with_types ? std::function<void(TreeContent&)>(by_path_descending)
                          : std::function<void(TreeContent&)>(descending));
  }
  CHECK(derived->summary == wanted.summary);
  CHECK(sink.unknown == 0);
}

}  // namespace plakar::testing
