// Our stores and genuine Plakar: it lists, checks, restores and extends what we wrote, and we
// what it did. Needs a genuine `plakar`, named in PLAKAR_REFERENCE.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>

#include "core/base/process.h"
#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/backup.h"
#include "tests/compat/derived.h"
#include "tests/compat/reference.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

using compat::files_of;
using compat::has_error;
using compat::make_tree;
using compat::passphrase;
using compat::Reference;
using compat::write;
using kloset::Repository;
using testing::TempDir;

struct Silent final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view path, std::string_view error) override {
    MESSAGE("failed: ", std::string(path), ": ", std::string(error));
  }
};

std::unique_ptr<kloset::Store> store_at(const std::string& path) {
  return connectors::make_fs_store(system_env(), path, {});
}

void create(kloset::Store& store, bool encrypted) {
  const Secret secret(passphrase);
  REQUIRE(Repository::create(store, kloset::default_config(), encrypted ? &secret : nullptr,
                             *kloset::default_kdf("ARGON2ID"), system_env()));
}

std::unique_ptr<Repository> open(kloset::Store& store) {
  auto repository = Repository::open(store, system_env(),
                                     []() -> Result<Secret> { return Secret(passphrase); }, {});
  REQUIRE(repository);
  REQUIRE((*repository)->refresh());
  return *std::move(repository);
}

std::string hostname() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

ops::BackupReport back_up(const std::string& store_path, const std::string& tree) {
  const auto store = store_at(store_path);
  const auto repository = open(*store);
  const auto source = connectors::make_fs_source(system_env(), {.root = tree, .origin = hostname()},
                                                 connectors::system_owner_names(), {});
  Silent observer;
  auto report = ops::backup(*repository, *source, {.hostname = hostname()}, observer, {});
  REQUIRE(report);
  return *std::move(report);
}

}  // namespace

TEST_SUITE("backup") {
  TEST_CASE("what was backed up is in the snapshot, and only changes are read the next time") {
    const TempDir directory;
    make_tree(directory.path() / "tree");
    const std::string path = directory / "store";
    create(*store_at(path), false);
    const auto first = back_up(path, directory / "tree");
    CHECK(first.errors == 0);
    CHECK_FALSE(first.parent);
    const auto second = back_up(path, directory / "tree");
    CHECK(second.parent == first.id);
    CHECK(second.bytes_read == 0);
    CHECK(second.files_reused == 158);
    write(directory.path() / "tree/many/file7", "changed, and longer");
    const auto third = back_up(path, directory / "tree");
    CHECK(third.bytes_read == 19);

    const auto store = store_at(path);
    const auto repository = open(*store);
    CHECK(repository->index().snapshots().size() == 3);
    auto snapshot = kloset::SnapshotReader::open(*repository, third.id);
    REQUIRE(snapshot);
    std::map<std::string, std::string> read;
    REQUIRE(snapshot->walk(
        directory / "tree",
        [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
          if (!kloset::is_regular(entry.file_info.mode)) return {};
          const Bytes content =
              PLK_TRY(kloset::load_object_content(*repository, entry.object, 1u << 30));
          read[entry.path().substr((directory / "tree").size() + 1)] = as_text(content);
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
    CHECK(read == files_of(directory.path() / "tree"));
  }
}

TEST_SUITE("two ways") {
  TEST_CASE("of a tree of thousands of entries we make the nodes that genuine Plakar made") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar: only golden stores were derived");
      return;
    }
    Reference reference(program);
    const TempDir directory;
    const std::filesystem::path tree = directory.path() / "tree";
    std::size_t attributes = 0;
    const auto write_with_attribute = [&](const std::filesystem::path& file, int i) {
      write(file, "content " + std::to_string(i % 700));
      const std::string value = "value " + std::to_string(i);
      if (i % 5 == 0 && ::setxattr(file.c_str(), "user.note", value.data(), value.size(), 0) == 0) {
        ++attributes;
      }
    };
    // One directory whose listing takes several chunks, and hundreds of them at several depths:
    // inner nodes that split, in each of the trees.
    for (int i = 0; i < 4000; ++i) {
      write_with_attribute(tree / "flat" / (std::to_string(i * 7919 % 4001) + " in a directory"),
                           i);
    }
    std::filesystem::path deep = tree;
    for (int depth = 0; depth < 8; ++depth) {
      deep /= "level " + std::to_string(depth);
      for (int i = 0; i < 200; ++i) {
        write_with_attribute(deep / std::to_string(i * 37 % 211) / "file", i);
      }
    }
    const std::string path = directory / "store";
    create(*store_at(path), false);
    REQUIRE(reference.at(path, {"backup", tree.string()}).code == 0);

    const auto store = store_at(path);
    const auto repository = open(*store);
    REQUIRE(repository->index().snapshots().size() == 1);
    auto snapshot = kloset::SnapshotReader::open(*repository, repository->index().snapshots()[0]);
    REQUIRE(snapshot);
    testing::check_derived(*repository, *snapshot);

    // Every attribute is found, though the tree of them is searched in another order by genuine
    // Plakar than it was made in.
    std::size_t found = 0;
    REQUIRE(snapshot->walk(
        "/",
        [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
          found += PLK_TRY(snapshot->attributes(entry)).size();
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
    CHECK(found == attributes);
  }

  TEST_CASE("what genuine Plakar could not read we count and file as it does") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar");
      return;
    }
    Reference reference(program);
    const TempDir directory;
    const std::string path = directory / "store";
    create(*store_at(path), false);
    // Some of these files can be read by nobody, root included.
    reference.at(path, {"backup", "/proc/sys/vm"});
    const auto store = store_at(path);
    const auto repository = open(*store);
    REQUIRE(repository->index().snapshots().size() == 1);
    auto snapshot = kloset::SnapshotReader::open(*repository, repository->index().snapshots()[0]);
    REQUIRE(snapshot);
    testing::check_derived(*repository, *snapshot);
    CHECK(snapshot->header().source().summary.below.errors > 0);
  }

  TEST_CASE("genuine Plakar lists, checks, restores and extends our stores, and we its") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      // Golden stores serve instead; this is the one test that needs more than Debian has.
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar: only golden stores were tried");
      return;
    }
    Reference reference(program);
    for (const bool encrypted : {false, true}) {
      CAPTURE(encrypted);
      const TempDir directory;
      const std::filesystem::path tree = directory.path() / "tree";
      make_tree(tree);
      const std::string path = directory / "store";
      create(*store_at(path), encrypted);
      const auto ours = back_up(path, tree.string());

      const auto listed = reference.at(path, {"ls"});
      CHECK(listed.code == 0);
      CHECK(listed.text.find(ours.id.short_hex()) != std::string::npos);
      const auto checked = reference.at(path, {"check"});
      CAPTURE(checked.text);
      CHECK(checked.code == 0);
      CHECK_FALSE(has_error(checked.text));
      const auto restored =
          reference.at(path, {"restore", "-to", directory / "restored", ours.id.short_hex()});
      CHECK(restored.code == 0);
      // The second name of a hard-linked file is what it never restores.
      CHECK(files_of(directory / "restored").size() >= 157);

      // It goes on where we stopped: nothing but the change is read, and all stays sound.
      write(tree / "many/file7", "changed by the time genuine Plakar looks");
      const auto extended = reference.at(path, {"backup", tree.string()});
      CAPTURE(extended.text);
      CHECK(extended.code == 0);
      const auto checked_again = reference.at(path, {"check"});
      CAPTURE(checked_again.text);
      CHECK(checked_again.code == 0);
      CHECK_FALSE(has_error(checked_again.text));

      // And we where it did.
      write(tree / "many/file8", "changed once more");
      const auto third = back_up(path, tree.string());
      CHECK(third.bytes_read == 17);
      CHECK(third.parent != ours.id);
      const auto last_check = reference.at(path, {"check"});
      CHECK(last_check.code == 0);
      CHECK_FALSE(has_error(last_check.text));
      CHECK(open(*store_at(path))->index().snapshots().size() == 3);
    }
  }
}

}  // namespace plakar
