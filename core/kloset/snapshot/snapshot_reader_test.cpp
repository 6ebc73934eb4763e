#include "core/kloset/snapshot/snapshot_reader.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/testing/memory_blobs.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/tree_builder.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

const SnapshotId snapshot_id{.bytes = {std::byte{1}}};

// A snapshot in memory, to be damaged.
struct Fixture {
  MemoryBlobs blobs;
  Chunker chunker = *Chunker::create(default_chunking());
  SnapshotBuilder builder{blobs, chunker};
  SnapshotHeader header;
  std::map<std::string, Mac> ids;
  std::vector<std::string> left_out;

  void add(std::string_view path, VfsEntry entry) {
    entry.parent_path = parent_of(path);
    entry.file_info.name = name_of(path);
    REQUIRE(builder.add_entry(entry));
    Bytes encoded;
    encode_vfs_entry(encoded, entry);
    ids[std::string(path)] = blobs.mac(encoded);
  }
  void add_directory(std::string_view path) {
    VfsEntry entry;
    entry.file_info.mode = static_cast<FileMode>(mode_directory | 0755);
    add(path, std::move(entry));
  }
  Mac add_file(std::string_view path, std::string_view content,
               std::vector<std::string_view> attributes = {}) {
    const auto stored = ObjectWriter(blobs, chunker).store(as_bytes(content));
    REQUIRE(stored);
    VfsEntry entry;
    entry.file_info.mode = FileMode{0644};
    entry.file_info.size = static_cast<std::int64_t>(content.size());
    entry.object = stored->object;
    entry.chunks = stored->chunks;
    entry.extended_attributes = std::move(attributes);
    add(path, std::move(entry));
    return stored->object;
  }
  void add_link(std::string_view path, std::string_view target) {
    VfsEntry entry;
    entry.file_info.mode = static_cast<FileMode>(mode_symlink | 0777);
    entry.symlink_target = target;
    add(path, std::move(entry));
  }
  XattrEntry xattr(std::string_view path, std::string_view name) {
    const auto stored = ObjectWriter(blobs, chunker).store(as_bytes(path));
    REQUIRE(stored);
    return {.version = 0,
            .path = path,
            .name = name,
            .size = static_cast<std::int64_t>(path.size()),
            .kind = XattrKind::extended,
            .object = stored->object};
  }

  void finish() {
    header.identifier = snapshot_id;
    header.sources.push_back(builder
                                 .finish({.type = "fs", .origin = "o", .directory = "/d"},
                                         [this](std::string_view path, std::string_view) {
                                           left_out.emplace_back(path);
                                         })
                                 .value());
  }
  SnapshotReader open() {
    blobs.items[{ResourceType::snapshot, Mac{.bytes = snapshot_id.bytes}}] = encode_header(header);
    auto snapshot = SnapshotReader::open(blobs, snapshot_id);
    REQUIRE(snapshot);
    return *std::move(snapshot);
  }

  Mac dirpack_of(std::string_view directory) {
    auto tree = TreeReader::open(blobs, ResourceType::btree_root,
                                 *header.source().find_index("dirpack"), KeyOrder::bytes);
    REQUIRE(tree);
    return tree->find(directory).value().value();
  }
  void lose(ResourceType type, const Mac& mac) { REQUIRE(blobs.items.erase({type, mac}) == 1); }
  void lose_all(ResourceType type) {
    std::erase_if(blobs.items, [&](const auto& item) { return item.first.first == type; });
  }
};

struct Small : Fixture {
  Small() {
    add_directory("/d");
    add_file("/d/a", "alpha");
    add_directory("/d/b");
    add_file("/d/b/x", "ex");
    add_file("/d/b/y", "ypsilon");
    add_directory("/d/b!");
    add_file("/d/c", "gamma");
    finish();
  }
};

const std::vector<std::string> all_paths{"/",      "/d",     "/d/a",  "/d/b",
                                         "/d/b/x", "/d/b/y", "/d/b!", "/d/c"};

struct Walked {
  std::vector<std::string> paths;
  std::vector<std::string> damaged;
};

Walked walk(SnapshotReader snapshot, std::string_view path = "/") {
  Walked walked;
  const Status status = snapshot.walk(
      path,
      [&](const VfsEntry& entry, const Mac&) -> Status {
        walked.paths.push_back(entry.path());
        return {};
      },
      [&](const std::string& damaged, const Error&) -> Status {
        walked.damaged.push_back(damaged);
        return {};
      });
  if (!status) walked.damaged.push_back("!" + status.error().message());
  return walked;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_SUITE("reading snapshots") {
  TEST_CASE("a walk visits everything, parents first, names ascending") {
    Small snapshot;
    const Walked walked = walk(snapshot.open());
    CHECK(walked.paths == all_paths);
    CHECK(walked.damaged.empty());
    CHECK(walk(snapshot.open(), "/d/b").paths == Paths{"/d/b", "/d/b/x", "/d/b/y"});
    CHECK(walk(snapshot.open(), "/d/c").paths == Paths{"/d/c"});
    CHECK(walk(snapshot.open(), "/d/nothing").damaged.size() == 1);
  }

  TEST_CASE("without dirpacks, as older stores are, the tree gives the same") {
    Small snapshot;
    snapshot.header.sources[0].indexes.clear();
    snapshot.lose_all(ResourceType::chunk);
    const Walked walked = walk(snapshot.open());
    CHECK(walked.paths == all_paths);
    CHECK(walked.damaged.empty());
  }

  TEST_CASE("what a lost listing had is taken from the tree, and the loss is told") {
    for (const bool lose_chunk : {false, true}) {
      Small snapshot;
      const Mac object = snapshot.dirpack_of("/d/b");
      if (lose_chunk) {
        const auto reader = ObjectReader::open(snapshot.blobs, object);
        REQUIRE(reader);
        snapshot.lose(ResourceType::chunk, reader->content());
      } else {
        snapshot.lose(ResourceType::object, object);
      }
      const Walked walked = walk(snapshot.open());
      CHECK(walked.paths == all_paths);
      CHECK(walked.damaged == Paths{"/d/b"});
    }
    // The whole index of listings.
    Small snapshot;
    snapshot.lose(ResourceType::btree_root, *snapshot.header.source().find_index("dirpack"));
    const Walked walked = walk(snapshot.open());
    CHECK(walked.paths == all_paths);
    CHECK(walked.damaged == Paths{"/", "/d", "/d/b", "/d/b!"});
  }

  TEST_CASE("a listing that breaks off is gone on with from the tree, without repetitions") {
    // 3 MB of entries make a listing of several chunks, of which the second is lost.
    Fixture snapshot;
    snapshot.add_directory("/d");
    const std::string owner(2000, 'o');
    Paths wanted{"/d"};
    for (int i = 1000; i < 2500; ++i) {
      VfsEntry entry;
      entry.file_info.mode = static_cast<FileMode>(mode_fifo | 0644);
      entry.file_info.username = owner;
      entry.file_info.ino = static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15u;
      wanted.push_back("/d/" + std::to_string(i));
      snapshot.add(wanted.back(), std::move(entry));
    }
    snapshot.finish();
    const Bytes object =
        snapshot.blobs.load(ResourceType::object, snapshot.dirpack_of("/d"), object_size_max)
            .value();
    const auto decoded = decode_object(object);
    REQUIRE(decoded);
    REQUIRE(decoded->chunks.size() >= 2);
    CHECK(walk(snapshot.open(), "/d").paths == wanted);
    snapshot.lose(ResourceType::chunk, decoded->chunks[1].content);
    const Walked walked = walk(snapshot.open(), "/d");
    CHECK(walked.paths == wanted);
    CHECK(walked.damaged == Paths{"/d"});
  }

  TEST_CASE("entries that nobody stored, and trees that are lost, are found in listings") {
    Small snapshot;
    snapshot.lose(ResourceType::vfs_entry, snapshot.ids["/d/b/x"]);
    auto reader = snapshot.open();
    auto found = reader.find("/d/b/x");
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((**found).id() == snapshot.ids["/d/b/x"]);
    CHECK(snapshot.blobs.mac((**found).bytes()) == snapshot.ids["/d/b/x"]);
    CHECK(walk(snapshot.open()).damaged.empty());

    snapshot.lose(ResourceType::vfs_root, snapshot.header.source().roots.vfs);
    reader = snapshot.open();
    found = reader.find("/d/c");
    REQUIRE(found);
    CHECK(*found);
    CHECK_FALSE(reader.find("/d/nothing"));
    const Walked walked = walk(snapshot.open());
    CHECK(walked.damaged == Paths{"/"});
    CHECK(walked.paths == Paths(all_paths.begin() + 1, all_paths.end()));
  }

  TEST_CASE("with both copies lost a walk tells of each entry, and goes on") {
    Small snapshot;
    snapshot.header.sources[0].indexes.clear();
    snapshot.lose(ResourceType::vfs_entry, snapshot.ids["/d/b/x"]);
    const Walked walked = walk(snapshot.open());
    CHECK(walked.paths == Paths{"/", "/d", "/d/a", "/d/b", "/d/b/y", "/d/b!", "/d/c"});
    CHECK(walked.damaged == Paths{"/d/b/x"});
  }

  TEST_CASE("who hears of damage can end the walk") {
    Small snapshot;
    snapshot.header.sources[0].indexes.clear();
    snapshot.lose(ResourceType::vfs_entry, snapshot.ids["/d/b/x"]);
    snapshot.lose(ResourceType::vfs_entry, snapshot.ids["/d/b/y"]);
    int told = 0;
    auto reader = snapshot.open();
    const Status walked = reader.walk(
        "/", [](const VfsEntry&, const Mac&) { return Status(); },
        [&](const std::string&, const Error& error) -> Status {
          ++told;
          return error;
        });
    CHECK(walked.error().code() == Errc::not_found);
    CHECK(told == 1);
  }

  TEST_CASE("a listing gives all there is, and its damage afterwards") {
    Small snapshot;
    snapshot.lose(ResourceType::object, snapshot.dirpack_of("/d"));
    auto reader = snapshot.open();
    Paths names;
    const auto visit = [&](const VfsEntry& entry, const Mac&) -> Status {
      names.emplace_back(entry.file_info.name);
      return {};
    };
    CHECK(reader.list("/d", visit).error().code() == Errc::not_found);
    CHECK(names == Paths{"a", "b", "b!", "c"});
    CHECK(reader.list("/d/a", visit).error().code() == Errc::invalid_argument);
    CHECK(reader.list("/e", visit).error().code() == Errc::not_found);
    names.clear();
    REQUIRE(reader.list("/d/b!", visit));
    CHECK(names.empty());
  }

  TEST_CASE("a snapshot of nothing has a root, and one of a file only has its ancestors") {
    Fixture nothing;
    REQUIRE(nothing.builder.add_error("/gone", "it went away"));
    nothing.finish();
    CHECK(walk(nothing.open()).paths == Paths{"/"});
    CHECK(walk(nothing.open()).damaged.empty());

    Fixture file;
    file.add_file("/a/b/c", "content");
    file.finish();
    CHECK(walk(file.open()).paths == Paths{"/", "/a", "/a/b", "/a/b/c"});
    auto reader = file.open();
    const auto made_up = reader.find("/a/b");
    REQUIRE(made_up);
    REQUIRE(*made_up);
    CHECK((**made_up)->file_info.mode == static_cast<FileMode>(mode_directory | 0750));
    CHECK((**made_up)->file_info.mod_time == UnixTime{0, 0});
  }

  TEST_CASE("what lies below no directory is an error of its path, and the rest is sound") {
    Fixture snapshot;
    snapshot.add_directory("/d");
    snapshot.add_file("/d/a", "a file, as object stores have beside what is named below it");
    snapshot.add_file("/d/a/b", "below it");
    snapshot.add_file("/d/a/c/d/e", "deeper below it");
    snapshot.add_file("/d/a!/x", "not below it");
    // A directory that became a file while it was read.
    snapshot.add_directory("/d/f");
    snapshot.add_file("/d/f/g", "it had");
    snapshot.add_file("/d/f", "now");
    snapshot.add_directory("/d/h");
    snapshot.add_file("/d/h", "now");
    snapshot.finish();
    CHECK(snapshot.left_out == Paths{"/d/a/b", "/d/a/c/d/e", "/d/f/g"});
    const Paths wanted{"/", "/d", "/d/a", "/d/a!", "/d/a!/x", "/d/f", "/d/h"};
    CHECK(walk(snapshot.open()).paths == wanted);
    CHECK(walk(snapshot.open()).damaged.empty());
    auto reader = snapshot.open();
    CHECK_FALSE(reader.find("/d/a/b").value());
    Paths errors;
    REQUIRE(reader.errors("/", [&](std::string_view path, std::string_view) -> Status {
      errors.emplace_back(path);
      return {};
    }));
    CHECK(errors == snapshot.left_out);
    // The tree has what the listings have, and no more.
    snapshot.header.sources[0].indexes.clear();
    CHECK(walk(snapshot.open()).paths == wanted);
  }

  TEST_CASE("a root that is no directory is an error, and is made up") {
    Fixture snapshot;
    snapshot.add_file("/", "a root");
    snapshot.add_file("/a", "in it");
    snapshot.finish();
    CHECK(snapshot.left_out == Paths{"/"});
    CHECK(walk(snapshot.open()).paths == Paths{"/", "/a"});
  }

  TEST_CASE("a listing is the same in chunks of any size") {
    Small snapshot;
    const Bytes content =
        load_object_content(snapshot.blobs, snapshot.dirpack_of("/d"), 1u << 20).value();
    for (const std::size_t size : {1u, 7u, 300u, 5000u}) {
      CAPTURE(size);
      Object object;
      for (BytesView rest = content; !rest.empty();) {
        const BytesView chunk = rest.first(std::min(size, rest.size()));
        object.chunks.push_back({.content = snapshot.blobs.put(ResourceType::chunk, chunk).value(),
                                 .length = static_cast<std::uint32_t>(chunk.size())});
        rest = rest.subspan(chunk.size());
      }
      Bytes encoded;
      encode_object(encoded, object);
      const Mac id = snapshot.blobs.put(ResourceType::object, encoded).value();
      const auto listing =
          make_dirpack_listing(ObjectReader::open(snapshot.blobs, id).value(), "/d");
      Paths names;
      while (listing->next().value()) {
        names.emplace_back(listing->entry().file_info.name);
        CHECK(snapshot.blobs.mac(listing->encoded()) == listing->id());
      }
      CHECK(names == Paths{"a", "b", "b!", "c"});
    }
  }

  TEST_CASE("links are followed, relative and absolute, through directories, and not in circles") {
    Fixture snapshot;
    snapshot.add_directory("/d");
    snapshot.add_directory("/d/sub");
    snapshot.add_file("/d/sub/file", "content");
    snapshot.add_link("/d/relative", "sub/file");
    snapshot.add_link("/d/absolute", "/d/sub");
    snapshot.add_link("/d/sub/up", "../relative");
    snapshot.add_link("/d/self", "self");
    snapshot.add_link("/d/ping", "pong");
    snapshot.add_link("/d/pong", "ping");
    snapshot.add_link("/d/above", "../../../../d/sub/file");
    snapshot.add_link("/d/nowhere", "missing");
    snapshot.finish();
    auto reader = snapshot.open();
    for (const char* path : {"/d/sub/file", "/d/relative", "/d/absolute/file", "/d/absolute/up",
                             "/d/./absolute/../sub//file", "/d/above"}) {
      CAPTURE(path);
      const auto found = reader.resolve(path);
      REQUIRE(found);
      REQUIRE(*found);
      CHECK((**found)->path() == "/d/sub/file");
    }
    for (const char* path : {"/d/self", "/d/ping", "/d/ping/x"}) {
      CHECK(reader.resolve(path).error().code() == Errc::invalid_argument);
    }
    CHECK_FALSE(reader.resolve("/d/nowhere").value());
    CHECK((*reader.find("/d/relative").value())->symlink_target == "sub/file");
  }

  TEST_CASE("a content of another size than its entry says is corrupt, and only files have one") {
    Fixture snapshot;
    const Mac object = snapshot.add_file("/d/file", "content");
    VfsEntry other;
    other.file_info.mode = FileMode{0644};
    other.file_info.size = 8;
    other.object = object;
    snapshot.add("/d/other", std::move(other));
    snapshot.add_link("/d/link", "file");
    snapshot.finish();
    auto reader = snapshot.open();
    CHECK(reader.open_file(**reader.find("/d/file").value()));
    CHECK(reader.open_file(**reader.find("/d/other").value()).error().code() == Errc::corrupt);
    for (const char* path : {"/d", "/d/link"}) {
      CHECK(reader.open_file(**reader.find(path).value()).error().code() == Errc::invalid_argument);
    }
  }

  TEST_CASE("attributes are found whatever the order of their tree") {
    const std::vector<std::string> paths{"/b", "/z", "/a/b/c", "/m/n"};
    // Path order is what SnapshotBuilder and genuine Plakar make; the others by hand.
    for (const auto order : {KeyOrder::path, KeyOrder::bytes, KeyOrder::unknown}) {
      Fixture snapshot;
      TreeNode shuffled;
      std::vector<std::string> keys;
      TreeBuilder tree(KeyOrder::bytes);
      for (const std::string& path : paths) {
        snapshot.add_file(path, "content", {"user.note"});
        const XattrEntry xattr = snapshot.xattr(path, "user.note");
        REQUIRE(snapshot.builder.add_xattr(xattr));
        Bytes encoded;
        encode_xattr_entry(encoded, xattr);
        keys.push_back(xattr_key(path, "user.note", XattrKind::extended));
        tree.insert(keys.back(), snapshot.blobs.mac(encoded));
        shuffled.values.push_back(snapshot.blobs.mac(encoded));
      }
      snapshot.add_file("/y", "content", {"user.gone"});
      snapshot.finish();
      Mac& root = snapshot.header.sources[0].roots.xattrs;
      if (order == KeyOrder::bytes) {
        root = tree.store(snapshot.blobs, ResourceType::xattr_root).value();
      } else if (order == KeyOrder::unknown) {
        shuffled.keys = {keys[1], keys[3], keys[0], keys[2]};
        shuffled.values = {shuffled.values[1], shuffled.values[3], shuffled.values[0],
                           shuffled.values[2]};
        Bytes encoded;
        encode_tree_node(encoded, shuffled);
        const Mac node = snapshot.blobs.put(ResourceType::xattr_node, encoded).value();
        root = snapshot.blobs.put(ResourceType::xattr_root, encode_tree_root(node)).value();
      }
      auto reader = snapshot.open();
      for (int round = 0; round < 2; ++round) {
        for (const std::string& path : paths) {
          CAPTURE(path);
          const auto attributes = reader.attributes(**reader.find(path).value());
          REQUIRE(attributes);
          REQUIRE(attributes->size() == 1);
          CHECK(attributes->front().name == "user.note");
          CHECK(as_text(attributes->front().value) == path);
        }
        CHECK(reader.attributes(**reader.find("/y").value()).error().code() == Errc::corrupt);
      }
    }
  }

  TEST_CASE("an attribute whose key is that of another is not taken for it") {
    Fixture snapshot;
    snapshot.add_file("/auser.", "content");
    snapshot.add_file("/a", "content", {"user.user.b"});
    REQUIRE(snapshot.builder.add_xattr(snapshot.xattr("/auser.", "user.b")));
    snapshot.finish();
    auto reader = snapshot.open();
    CHECK(reader.attributes(**reader.find("/a").value()).error().code() == Errc::corrupt);
  }

  TEST_CASE("errors are those at and below a path, and not of its namesakes") {
    Fixture snapshot;
    snapshot.add_directory("/d");
    for (const char* path : {"/d/b", "/d/b/x", "/d/b!", "/d/bc", "/d/b/y/z", "/e"}) {
      REQUIRE(snapshot.builder.add_error(path, "no"));
    }
    snapshot.finish();
    auto reader = snapshot.open();
    const auto errors = [&](std::string_view path) {
      Paths paths;
      REQUIRE(reader.errors(path, [&](std::string_view of, std::string_view error) -> Status {
        CHECK(error == "no");
        paths.emplace_back(of);
        return {};
      }));
      return paths;
    };
    CHECK(errors("/d/b") == Paths{"/d/b", "/d/b/x", "/d/b/y/z"});
    CHECK(errors("/").size() == 6);
    CHECK(errors("/f").empty());
  }

  TEST_CASE("summaries are there for every directory, and the root's is in the header") {
    Small snapshot;
    auto reader = snapshot.open();
    const auto root = reader.summary("/");
    REQUIRE(root);
    REQUIRE(*root);
    CHECK(**root == reader.header().source().summary);
    CHECK((*root)->below.files == 4);
    CHECK((*reader.summary("/d/b").value()).directory.files == 2);
    CHECK_FALSE(reader.summary("/d/a").value());
    snapshot.header.sources[0].indexes.clear();
    reader = snapshot.open();
    CHECK_FALSE(reader.summary("/").value());
  }

  TEST_CASE("a snapshot that is not there is not found, and another's header is corrupt") {
    Small snapshot;
    CHECK(SnapshotReader::open(snapshot.blobs, snapshot_id).error().code() == Errc::not_found);
    snapshot.header.identifier.bytes[0] = std::byte{2};
    snapshot.blobs.items[{ResourceType::snapshot, Mac{.bytes = snapshot_id.bytes}}] =
        encode_header(snapshot.header);
    CHECK(SnapshotReader::open(snapshot.blobs, snapshot_id).error().code() == Errc::corrupt);
  }
}

}  // namespace plakar::kloset
