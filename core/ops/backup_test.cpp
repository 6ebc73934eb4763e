#include "core/ops/backup.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/testing/memory_disk.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/snapshot/object_reader.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/merged_source.h"

namespace plakar {
namespace {

using kloset::Repository;
using kloset::testing::MemoryPlace;
using kloset::testing::MemorySource;
using kloset::testing::MemoryStore;
using kloset::testing::MemoryTree;

struct Noted final : ops::BackupObserver {
  void stored(const kloset::Record& record, std::uint64_t bytes, bool reused) override {
    paths.push_back(record.path);
    bytes_read += bytes;
    if (reused) ++reused_count;
  }
  void failed(std::string_view path, std::string_view error) override {
    failures[std::string(path)] = error;
  }
  std::vector<std::string> paths;
  std::map<std::string, std::string> failures;
  std::uint64_t bytes_read = 0;
  int reused_count = 0;
};

// A store of one's own, in memory.
struct Engine {
  MemoryPlace place;
  MemoryStore store{place};
  std::unique_ptr<Repository> repository;

  Engine() {
    REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, system_env()));
    reopen();
  }
  void reopen() { reopen(system_env(), {}); }
  void reopen(Env env, const Repository::Options& options) {
    auto opened =
        Repository::open(store, env, []() -> Result<Secret> { return Secret(); }, options);
    REQUIRE(opened);
    repository = *std::move(opened);
  }

  Result<ops::BackupReport> try_back_up(kloset::Source& source, Noted& noted,
                                        ops::BackupOptions options = {}) {
    options.hostname = "h";
    return ops::backup(*repository, source, options, noted, {});
  }
  ops::BackupReport back_up(kloset::Source& source, Noted& noted, ops::BackupOptions options = {}) {
    const auto report = try_back_up(source, noted, std::move(options));
    REQUIRE(report);
    return *report;
  }
  ops::BackupReport back_up(const MemoryTree& tree) {
    MemorySource source(tree);
    Noted noted;
    return back_up(source, noted);
  }

  // Path to content; directories end in a slash, links have their target.
  std::map<std::string, std::string> read(const SnapshotId& id) {
    std::map<std::string, std::string> all;
    auto snapshot = kloset::SnapshotReader::open(*repository, id);
    REQUIRE(snapshot);
    REQUIRE(snapshot->walk(
        "/",
        [&](const kloset::VfsEntry& entry, const Mac& entry_id) -> Status {
          // Both copies of an entry agree, and its blob is there.
          CHECK(repository->has(kloset::ResourceType::vfs_entry, entry_id));
          const auto by_path = PLK_TRY(snapshot->find(entry.path()));
          REQUIRE(by_path);
          CHECK(by_path->id() == entry_id);
          std::string& text = all[entry.path()];
          if (kloset::is_directory(entry.file_info.mode)) text = "/";
          text += entry.symlink_target;
          if (!kloset::is_regular(entry.file_info.mode)) return {};
          text = to_text(PLK_TRY(kloset::load_object_content(*repository, entry.object, 1u << 28)));
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
    return all;
  }

  std::map<std::string, std::string> errors(const SnapshotId& id) {
    std::map<std::string, std::string> all;
    auto snapshot = kloset::SnapshotReader::open(*repository, id);
    REQUIRE(snapshot);
    REQUIRE(snapshot->errors("/", [&](std::string_view path, std::string_view error) -> Status {
      all[std::string(path)] = error;
      return {};
    }));
    return all;
  }
};

MemoryTree small_tree() {
  MemoryTree tree;
  tree.add_directory("/");
  tree.add_directory("/dir");
  tree.add_file("/dir/a", "content a");
  tree.add_file("/dir/b", "content b");
  tree.add_symlink("/dir/c", "a");
  tree.add_file("/empty", "");
  return tree;
}

MemoryTree rooted(const std::string& root, const std::string& file, std::string_view content) {
  MemoryTree tree;
  tree.identity.root = root;
  for (std::size_t slash = 0; slash != std::string::npos; slash = root.find('/', slash + 1)) {
    tree.add_directory(slash == 0 ? "/" : root.substr(0, slash));
  }
  tree.add_directory(root);
  tree.add_file(root + "/" + file, content);
  return tree;
}

}  // namespace

TEST_SUITE("backup of a changing source") {
  TEST_CASE("a file that ends sooner or later than its size says is stored, and reported") {
    Engine engine;
    MemoryTree tree = small_tree();
    tree.add_file("/shrunk", "short");
    tree.entries.back().record.size = 1000;
    tree.add_file("/grown", "much longer than it was");
    tree.entries.back().record.size = 3;
    MemorySource source(tree);
    Noted noted;
    const auto report = engine.back_up(source, noted);
    CHECK(report.errors == 2);
    CHECK(noted.failures.size() == 2);
    CHECK(noted.failures.contains("/shrunk"));
    CHECK(noted.failures.contains("/grown"));
    CHECK(engine.errors(report.id) == noted.failures);
    const auto all = engine.read(report.id);
    CHECK(all.at("/shrunk") == "short");
    CHECK(all.at("/grown") == "much longer than it was");
    CHECK(source.failed() == 0);
  }

  TEST_CASE("a file that cannot be read to its end is an error of the snapshot, and not in it") {
    Engine engine;
    MemoryTree tree = small_tree();
    tree.add_file("/vanished", "the beginning");
    tree.entries.back().failure = Error(Errc::not_found, "it is gone");
    MemorySource source(tree);
    Noted noted;
    const auto report = engine.back_up(source, noted);
    CHECK(report.errors == 1);
    CHECK(noted.failures.at("/vanished") == "it is gone");
    CHECK(engine.errors(report.id) == noted.failures);
    CHECK_FALSE(engine.read(report.id).contains("/vanished"));
    CHECK(engine.read(report.id).contains("/dir/a"));
    CHECK(source.acknowledged() == tree.entries.size());
  }

  TEST_CASE("a file that was written to while it was read is stored, reported, and read again") {
    Engine engine;
    MemoryTree tree = small_tree();
    const std::string large(3u << 20, 'l');
    tree.add_file("/small", "part old, part new");
    tree.entries.back().change = Error(Errc::conflict, "it was written to");
    tree.add_file("/large", large);
    tree.entries.back().change = Error(Errc::conflict, "it was written to, too");
    MemorySource source(tree);
    Noted noted;
    const auto report = engine.back_up(source, noted);
    CHECK(noted.failures == std::map<std::string, std::string>{{"/large", "it was written to, too"},
                                                               {"/small", "it was written to"}});
    CHECK(report.errors == 2);
    CHECK(engine.errors(report.id) == noted.failures);
    CHECK(engine.read(report.id).at("/small") == "part old, part new");
    CHECK(engine.read(report.id).at("/large") == large);

    // Whoever puts back the time of modification leaves nothing else to see it by.
    tree.entries[tree.entries.size() - 2].change.reset();
    tree.entries[tree.entries.size() - 2].content =
        to_bytes(std::string_view("all of it is new!!"));
    tree.entries.back().change.reset();
    MemorySource later(tree);
    Noted noted_later;
    const auto second = engine.back_up(later, noted_later);
    CHECK(second.errors == 0);
    CHECK(second.files_reused == 3);
    CHECK(engine.read(second.id).at("/small") == "all of it is new!!");
    // A snapshot without errors is trusted again.
    MemorySource last(tree);
    Noted noted_last;
    CHECK(engine.back_up(last, noted_last).files_reused == 5);
  }

  TEST_CASE("strict, an error leaves no snapshot") {
    Engine engine;
    MemoryTree tree = small_tree();
    tree.add_file("/bad", "x");
    tree.entries.back().failure = Error(Errc::io, "bad sector");
    MemorySource source(tree);
    Noted noted;
    CHECK_FALSE(engine.try_back_up(source, noted, {.strict = true}));
    REQUIRE(engine.repository->refresh());
    CHECK(engine.repository->index().snapshots().empty());
  }
}

TEST_SUITE("backup of what has not changed") {
  TEST_CASE("entries, objects and trees of unchanged files are those of the parent") {
    Engine engine;
    const auto first = engine.back_up(small_tree());
    MemorySource source(small_tree());
    Noted noted;
    const auto second = engine.back_up(source, noted);
    CHECK(second.parent == first.id);
    CHECK(second.bytes_read == 0);
    CHECK(second.files_reused == 3);
    CHECK(second.stored.blobs_new == 0);
    CHECK(engine.read(second.id) == engine.read(first.id));
  }

  TEST_CASE("a change of attributes, of a link's target or of a mode alone is a change") {
    Engine engine;
    engine.back_up(small_tree());
    MemoryTree tree = small_tree();
    tree.entries[2].record.attributes.push_back(
        {.name = "user.note", .value = to_bytes(std::string_view("v"))});
    tree.entries[3].record.mode = kloset::make_file_mode(FileType::regular, 0600);
    tree.entries[4].record.target = "b";
    MemorySource source(tree);
    Noted noted;
    const auto second = engine.back_up(source, noted);
    CHECK(second.files_reused == 1);
    CHECK(engine.read(second.id).at("/dir/c") == "b");
    auto snapshot = kloset::SnapshotReader::open(*engine.repository, second.id);
    REQUIRE(snapshot);
    const auto entry = snapshot->find("/dir/a");
    REQUIRE(entry);
    REQUIRE(*entry);
    const auto attributes = snapshot->attributes(***entry);
    REQUIRE(attributes);
    REQUIRE(attributes->size() == 1);
    CHECK(to_text((*attributes)[0].value) == "v");
  }

  TEST_CASE("files are recognised in whatever order they come") {
    Engine engine;
    MemoryTree tree;
    for (int i = 0; i < 200; ++i) {
      tree.add_file("/d" + std::to_string(i % 7) + "/f" + std::to_string(i * 37 % 200), "x");
    }
    engine.back_up(tree);
    std::reverse(tree.entries.begin(), tree.entries.end());
    const auto second = engine.back_up(tree);
    CHECK(second.files_reused == 200);
    CHECK(second.bytes_read == 0);
  }

  TEST_CASE("without a parent everything is read") {
    Engine engine;
    engine.back_up(small_tree());
    MemorySource source(small_tree());
    Noted noted;
    const auto second = engine.back_up(source, noted, {.use_parent = false});
    CHECK_FALSE(second.parent);
    CHECK(second.bytes_read == 18);
    CHECK(second.stored.blobs_new == 0);
  }
}

TEST_SUITE("backup without storing") {
  TEST_CASE("a dry run reports every path and leaves the store as it was") {
    Engine engine;
    MemoryTree tree = small_tree();
    tree.add_file("/locked", "");
    tree.entries.back().record.kind = kloset::RecordKind::error;
    tree.entries.back().record.error = "permission denied";
    MemorySource source(tree);
    const auto before = engine.place.items;
    Noted noted;
    const auto report = engine.back_up(source, noted, {.dry_run = true});
    CHECK(report.id.is_zero());
    CHECK(report.entries == 6);
    CHECK(report.errors == 1);
    CHECK(noted.paths.size() == 6);
    CHECK(noted.failures.contains("/locked"));
    CHECK(engine.place.items == before);
    CHECK(source.acknowledged() == tree.entries.size());
  }
}

TEST_SUITE("backup of several sources") {
  TEST_CASE("several roots are one snapshot under their common prefix") {
    Engine engine;
    MemorySource one(rooted("/home/a", "file", "of a"));
    MemorySource two(rooted("/home/b", "file", "of b"));
    MemorySource inside(rooted("/home/a/deeper", "file", "of a, again"));
    auto merged = ops::merge_sources({&two, &inside, &one});
    REQUIRE(merged);
    CHECK((*merged)->identity().root == "/home");
    Noted noted;
    const auto report = engine.back_up(**merged, noted);
    CHECK(report.errors == 0);
    CHECK(engine.read(report.id) == std::map<std::string, std::string>{{"/", "/"},
                                                                       {"/home", "/"},
                                                                       {"/home/a", "/"},
                                                                       {"/home/a/file", "of a"},
                                                                       {"/home/b", "/"},
                                                                       {"/home/b/file", "of b"}});
    // Each once, those above the roots too.
    CHECK(noted.paths.size() == 6);

    MemorySource again_one(rooted("/home/a", "file", "of a"));
    MemorySource again_two(rooted("/home/b", "file", "of b"));
    auto again = ops::merge_sources({&again_one, &again_two});
    REQUIRE(again);
    Noted noted_again;
    CHECK(engine.back_up(**again, noted_again).files_reused == 2);
  }

  TEST_CASE("sources of different origins, and those that cannot share, are refused together") {
    MemorySource one(small_tree());
    MemoryTree elsewhere = rooted("/b", "f", "x");
    elsewhere.identity.origin = "another host";
    MemorySource two(elsewhere);
    const auto merged = ops::merge_sources({&one, &two});
    REQUIRE_FALSE(merged);
    CHECK(merged.error().message() == "multi-source backup not supported yet");
    MemoryTree alone = rooted("/b", "f", "x");
    alone.traits.mergeable = false;
    MemorySource three(alone);
    CHECK_FALSE(ops::merge_sources({&one, &three}));
    CHECK(ops::merge_sources({&three}));
  }
}

TEST_SUITE("backup on the snapshot before") {
  TEST_CASE("the newest of the same source is built upon, and known without being read") {
    testing::MemoryDisk disk;
    FileSystem files(disk);
    Engine engine;
    const Env system = system_env();
    const Env env{system.clock, system.random, files, system.processes};
    const auto back_up = [&](const MemoryTree& tree) {
      engine.reopen(env, {.cache_directory = "/cache"});
      return engine.back_up(tree);
    };
    const auto first = back_up(small_tree());
    CHECK_FALSE(first.parent);
    const auto other = back_up(rooted("/home", "file", "x"));
    CHECK_FALSE(other.parent);
    const auto second = back_up(small_tree());
    CHECK(second.parent == first.id);
    CHECK(second.files_reused == 3);
    CHECK(back_up(small_tree()).parent == second.id);
    // Nothing is left for the next process to merge.
    engine.reopen(env, {.cache_directory = "/cache"});
    CHECK(engine.repository->index().state_count() == 4);
  }

  TEST_CASE("a parent that only the cache knows is no reason to fail") {
    testing::MemoryDisk disk;
    FileSystem files(disk);
    Engine engine;
    const Env system = system_env();
    const Env env{system.clock, system.random, files, system.processes};
    engine.reopen(env, {.cache_directory = "/cache"});
    const auto first = engine.back_up(small_tree());
    REQUIRE(ops::find_parent(*engine.repository, {}));  // Loads all headers, and keeps them.
    const auto location = engine.repository->index()
                              .find(kloset::ResourceType::snapshot, Mac{.bytes = first.id.bytes})
                              .value();
    Bytes& packfile =
        engine.place.items.at({kloset::ItemKind::packfile, kloset::item_name(location.packfile)});
    packfile[kloset::envelope_header_size + location.offset + 12] ^= std::byte{1};
    engine.reopen(env, {.cache_directory = "/cache"});
    const auto second = engine.back_up(small_tree());
    CHECK_FALSE(second.parent);
    CHECK(second.errors == 0);
  }
}

}  // namespace plakar
