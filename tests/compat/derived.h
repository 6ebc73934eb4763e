// From the entries of a genuine snapshot alone, everything that is made of them: what comes out has
// to be what genuine Plakar made.
#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"

namespace plakar::testing {

// Names blobs as the store does, and counts those that it does not have: whatever we make of
// genuine entries must be there already.
class ExistingBlobs final : public kloset::BlobSink {
 public:
  explicit ExistingBlobs(kloset::Repository& repository) : repository_(repository) {}

  Result<Mac> put(kloset::ResourceType type, BytesView plain) override {
    const Mac name = mac(plain);
    if (!repository_.has(type, name)) ++unknown;
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

  int unknown = 0;

 private:
  kloset::Repository& repository_;
};

// That all trees, listings and summaries of the snapshot come out again, node for node.
inline void check_derived(kloset::Repository& repository, kloset::SnapshotReader& snapshot) {
  const kloset::HeaderSource& wanted = snapshot.header().source();
  const auto chunker = kloset::Chunker::create(repository.config().chunking);
  REQUIRE(chunker);
  ExistingBlobs sink(repository);
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
  CHECK(derived->roots.vfs == wanted.roots.vfs);
  CHECK(derived->roots.xattrs == wanted.roots.xattrs);
  CHECK(derived->roots.errors == wanted.roots.errors);
  REQUIRE(derived->indexes.size() == wanted.indexes.size());
  for (std::size_t i = 0; i < wanted.indexes.size(); ++i) {
    CAPTURE(wanted.indexes[i].name);
    CHECK(derived->indexes[i].name == wanted.indexes[i].name);
    CHECK(derived->indexes[i].value == wanted.indexes[i].value);
  }
  CHECK(derived->summary == wanted.summary);
  CHECK(sink.unknown == 0);
}

}  // namespace plakar::testing
