#include "core/kloset/tree/entry.h"

#include <doctest/doctest.h>

#include "core/base/hex.h"
#include "core/kloset/tree/node.h"
#include "core/kloset/tree/summary.h"

namespace plakar::kloset {
namespace {

// The example of the format's text.
VfsEntry example() {
  VfsEntry entry;
  entry.parent_path = "/data";
  entry.file_info = {.name = "hello.txt",
                     .size = 12,
                     .mode = FileMode{0644},
                     .mod_time = {1700000000, 123456789},
                     .dev = 64768,
                     .ino = 42,
                     .uid = 1000,
                     .gid = 1000,
                     .nlink = 1,
                     .username = "bob",
                     .groupname = "bob",
                     .flags = 0};
  REQUIRE(from_hex("b8aa46a8bba023ab6ce2bd97668af9d48eef27e1229d209fe4f06adf07d24f40",
                   entry.object.bytes));
  entry.content_type = "text/plain; charset=utf-8";
  const Bytes entropy = *from_hex("40082d2b480691b3");
  entry.entropy = std::bit_cast<double>(load_be<std::uint64_t>(entropy));
  entry.chunks = 1;
  entry.extended_attributes = {"user.note"};
  return entry;
}

Bytes encoded(const VfsEntry& entry) {
  Bytes out;
  encode_vfs_entry(out, entry);
  return out;
}

}  // namespace

TEST_SUITE("entries") {
  TEST_CASE("an entry has exactly the bytes of the format's example") {
    CHECK(to_hex(encoded(example())) ==
          "89a776657273696f6ece00010000ab706172656e745f70617468a52f64617461a966696c655f696e666f8c"
          "a46e616d65a968656c6c6f2e747874a473697a65d3000000000000000ca46d6f6465ce000001a4"
          "a86d6f645f74696d65d7ff1d6f34546553f100a3646576cf000000000000fd00"
          "a3696e6fcf000000000000002aa3756964cf00000000000003e8a3676964cf00000000000003e8"
          "a56e6c696e6bcd0001a8757365726e616d65a3626f62a967726f75706e616d65a3626f62"
          "a5666c616773ce00000000a773756d6d617279c0a66f626a656374c420"
          "b8aa46a8bba023ab6ce2bd97668af9d48eef27e1229d209fe4f06adf07d24f40"
          "ac636f6e74656e745f74797065b9746578742f706c61696e3b20636861727365743d7574662d38"
          "a7656e74726f7079cb40082d2b480691b3a66368756e6b73cf0000000000000001"
          "b3657874656e6465645f6174747269627574657391a9757365722e6e6f7465");
  }

  TEST_CASE("a decoded entry is what was encoded") {
    const Bytes bytes = encoded(example());
    const auto entry = decode_vfs_entry(bytes);
    REQUIRE(entry);
    CHECK(entry->path() == "/data/hello.txt");
    CHECK(entry->file_info.same_file(example().file_info));
    CHECK(encoded(*entry) == bytes);
  }

  TEST_CASE("any change of what lstat tells makes another file, flags do not") {
    const FileInfo info = example().file_info;
    FileInfo other = info;
    other.flags = 7;
    CHECK(info.same_file(other));
    other = info;
    other.mod_time.nanoseconds += 1;
    CHECK_FALSE(info.same_file(other));
    other = info;
    other.ino += 1;
    CHECK_FALSE(info.same_file(other));
    other = info;
    other.groupname = "staff";
    CHECK_FALSE(info.same_file(other));
  }

  TEST_CASE("names and parents that lead elsewhere are corrupt") {
    for (const std::string_view name : {"", ".", "..", "a/b", "/x"}) {
      VfsEntry entry = example();
      entry.file_info.name = name;
      CAPTURE(name);
      CHECK(decode_vfs_entry(encoded(entry)).error().code() == Errc::corrupt);
    }
    for (const std::string_view parent : {"", "data", "/data/", "/a/../b", "//"}) {
      VfsEntry entry = example();
      entry.parent_path = parent;
      CAPTURE(parent);
      CHECK(decode_vfs_entry(encoded(entry)).error().code() == Errc::corrupt);
    }
    VfsEntry root = example();
    root.file_info.name = "/";
    CHECK_FALSE(decode_vfs_entry(encoded(root)));
    for (const std::string_view parent : {"/", ""}) {
      root.parent_path = parent;
      CHECK(decode_vfs_entry(encoded(root)));
    }
  }

  TEST_CASE("an attribute's key runs path and name together and tells the kinds apart") {
    CHECK(xattr_key("/data/hello.txt", "user.note", XattrKind::extended) ==
          "/data/hello.txtuser.note:");
    CHECK(xattr_key("/a", "s", XattrKind::alternate_stream) == "/as@");
    CHECK(xattr_key("/a", "c", XattrKind::custom) == "/ac%");
  }
}

TEST_SUITE("tree nodes") {
  TEST_CASE("the empty leaf and a root have the bytes of the format's text") {
    Bytes out;
    encode_tree_node(out, {});
    CHECK(to_hex(out) ==
          "84a776657273696f6ece00000000a46b657973c0a8706f696e74657273c0a676616c756573c0");
    CHECK(encode_tree_root({}).size() == 67);
  }

  TEST_CASE("nodes whose numbers do not fit, and trees of an order below 3, are corrupt") {
    TreeNode leaf;
    leaf.keys = {"a", "b"};
    leaf.values.resize(1);
    Bytes out;
    encode_tree_node(out, leaf);
    CHECK(decode_tree_node(out).error().code() == Errc::corrupt);
    TreeNode inner;
    inner.keys = {"a"};
    inner.pointers.resize(1);
    out.clear();
    encode_tree_node(out, inner);
    CHECK(decode_tree_node(out).error().code() == Errc::corrupt);
    Bytes root = encode_tree_root({});
    root[root.size() - 32 - 2 - 5 - 1 - 6 - 1] = std::byte{2};
    CHECK(decode_tree_root(root).error().code() == Errc::corrupt);
  }
}

TEST_SUITE("summaries") {
  TEST_CASE("an empty directory has the bytes of the format's text") {
    Summary empty;
    empty.finish();
    Bytes out;
    encode_summary(out, empty);
    CHECK(to_hex(out) == "81a562656c6f7781a66572726f7273cf0000000000000000");
  }

  TEST_CASE("a minimum of zero is reset by the next child, as the format says") {
    Summary summary;
    summary.add(SummaryItem{.mode = FileMode{0644}, .size = 0, .mod_time = 5, .has_object = true});
    summary.add(SummaryItem{.mode = FileMode{0644}, .size = 9, .mod_time = 3, .has_object = true});
    summary.finish();
    CHECK(summary.directory.size_min == 9);
    CHECK(summary.directory.mod_time_min == 3);
    CHECK(summary.directory.size_average == 4);
  }

  TEST_CASE("a child directory is counted here, what is in it below") {
    Summary child;
    child.add(SummaryItem{.mode = FileMode{0644}, .size = 9, .chunks = 2, .has_object = true});
    child.finish();
    Summary parent;
    parent.add(child);
    parent.finish();
    CHECK(parent.directory.directories == 1);
    CHECK(parent.directory.files == 0);
    CHECK(parent.below.files == 1);
    CHECK(parent.below.chunks == 2);
    CHECK(parent.below.size == 9);
  }
}

}  // namespace plakar::kloset
