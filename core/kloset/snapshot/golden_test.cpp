// Every blob of a store that genuine Plakar wrote, taken out of its packfiles: named by its MAC,
// decoded, and encoded again to the same bytes.
#include <doctest/doctest.h>

#include <map>

#include "core/crypto/store_mac.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/format/object.h"
#include "core/kloset/packfile/layout.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/node.h"
#include "core/kloset/tree/summary.h"
#include "tests/support/golden_stores.h"

namespace plakar::kloset {
namespace {

struct Blob {
  ResourceType type;
  Mac mac;
  Bytes bytes;
};

crypto::StoreMac golden_mac(std::string_view store) {
  const auto config =
      decode_config(testing::read_whole(testing::golden_stores() / store / "CONFIG"));
  REQUIRE(config);
  auto mac =
      crypto::StoreMac::create(crypto::HashAlgorithm::blake3,
                               crypto::plaintext_mac_key(crypto::HashAlgorithm::blake3,
                                                         config->config.repository_id.view()));
  REQUIRE(mac);
  return *std::move(mac);
}

// Of a store without compression and encryption, where blobs lie in packfiles as they are.
std::vector<Blob> golden_blobs(const crypto::StoreMac& mac) {
  std::vector<Blob> blobs;
  for (const auto& file : testing::golden_items("nocomp", "packfiles")) {
    const Bytes item = testing::read_whole(file);
    const auto envelope = open_envelope(item, ResourceType::packfile, mac);
    REQUIRE(envelope);
    const BytesView body = envelope->body;
    CHECK(to_hex(mac.compute(body).view()) == file.filename().string());

    const std::size_t footer_length = load_le<std::uint32_t>(body.last(packfile_tail_size));
    const std::size_t index_end = body.size() - packfile_tail_size - footer_length;
    const auto footer = decode_footer(body.subspan(index_end, footer_length), index_end);
    REQUIRE(footer);
    const BytesView index_bytes =
        body.subspan(footer->index_offset, index_end - footer->index_offset);
    CHECK(mac.compute(index_bytes) == footer->index_mac);
    const auto index = decode_index(index_bytes, *footer);
    REQUIRE(index);

    Bytes again;
    for (const PackfileRecord& record : *index) append_record(again, record);
    CHECK(again == to_bytes(index_bytes));
    again.clear();
    append_footer(again, *footer);
    CHECK(again == to_bytes(body.subspan(index_end, footer_length)));

    for (const PackfileRecord& record : *index) {
      blobs.push_back(
          {record.type, record.mac, to_bytes(body.subspan(record.offset, record.length))});
    }
  }
  return blobs;
}

// The bytes that `blob` is encoded to again; what is raw by definition stays as it is.
Bytes encode_again(const Blob& blob) {
  Bytes out;
  switch (blob.type) {
    case ResourceType::object: {
      const auto object = decode_object(blob.bytes);
      REQUIRE(object);
      encode_object(out, *object);
      return out;
    }
    case ResourceType::vfs_entry: {
      const auto entry = decode_vfs_entry(blob.bytes);
      REQUIRE(entry);
      encode_vfs_entry(out, *entry);
      return out;
    }
    case ResourceType::xattr_entry: {
      const auto entry = decode_xattr_entry(blob.bytes);
      REQUIRE(entry);
      encode_xattr_entry(out, *entry);
      return out;
    }
    case ResourceType::vfs_summary: {
      const auto summary = decode_summary(blob.bytes);
      REQUIRE(summary);
      encode_summary(out, *summary);
      return out;
    }
    case ResourceType::snapshot: {
      const auto header = decode_header(blob.bytes, SnapshotId{.bytes = blob.mac.bytes});
      REQUIRE(header);
      return encode_header(*header);
    }
    case ResourceType::vfs_root:
    case ResourceType::error_root:
    case ResourceType::xattr_root:
    case ResourceType::btree_root: {
      const auto root = decode_tree_root(blob.bytes);
      REQUIRE(root);
      return encode_tree_root(root->root);
    }
    case ResourceType::vfs_node:
    case ResourceType::error_node:
    case ResourceType::xattr_node:
    case ResourceType::btree_node: {
      const auto node = decode_tree_node(blob.bytes);
      REQUIRE(node);
      encode_tree_node(out, *node);
      return out;
    }
    default:
      return blob.bytes;
  }
}

}  // namespace

TEST_SUITE("golden blobs") {
  TEST_CASE("every blob has the MAC that names it, and is encoded again to the same bytes") {
    const crypto::StoreMac mac = golden_mac("nocomp");
    std::map<ResourceType, int> seen;
    for (const Blob& blob : golden_blobs(mac)) {
      CAPTURE(to_name(blob.type));
      ++seen[blob.type];
      CHECK(encode_again(blob) == blob.bytes);
      if (blob.type == ResourceType::random || blob.type == ResourceType::snapshot) continue;
      CHECK(mac.compute(blob.bytes) == blob.mac);
    }
    CHECK(seen[ResourceType::snapshot] == 1);
    CHECK(seen[ResourceType::vfs_entry] > 10);
    CHECK(seen[ResourceType::xattr_entry] == 2);
    CHECK(seen[ResourceType::vfs_summary] > 3);
    CHECK(seen[ResourceType::object] > 5);
    CHECK(seen[ResourceType::btree_root] >= 3);
  }

  TEST_CASE("truncated blobs are corrupt, never half read") {
    const crypto::StoreMac mac = golden_mac("nocomp");
    for (const Blob& blob : golden_blobs(mac)) {
      if (blob.bytes.size() > 4096) continue;
      for (std::size_t size = 0; size < blob.bytes.size(); ++size) {
        const BytesView cut = BytesView(blob.bytes).first(size);
        if (blob.type == ResourceType::vfs_entry) CHECK_FALSE(decode_vfs_entry(cut));
        if (blob.type == ResourceType::object) CHECK_FALSE(decode_object(cut));
        if (blob.type == ResourceType::vfs_node) CHECK_FALSE(decode_tree_node(cut));
        if (blob.type == ResourceType::vfs_summary) CHECK_FALSE(decode_summary(cut));
        if (blob.type == ResourceType::snapshot) {
          CHECK_FALSE(decode_header(cut, SnapshotId{.bytes = blob.mac.bytes}));
        }
      }
    }
  }
}

}  // namespace plakar::kloset
