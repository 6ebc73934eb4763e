// From a directory into a store and back: everything that a file system shows is the same again.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>

#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/restore.h"
#include "tests/support/temp_dir.h"
#include "tests/support/without_privilege.h"

namespace plakar {
namespace {

using kloset::Repository;
using testing::TempDir;

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

struct Silent final : ops::BackupObserver, ops::RestoreObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void restored(std::string_view, std::uint64_t) override {}
  void failed(std::string_view path, std::string_view error) override {
    failures[std::string(path)] = error;
  }
  std::map<std::string, std::string> failures;
};

// Everything that lstat and friends tell of a path, as text.
std::map<std::string, std::string> describe(const std::filesystem::path& root) {
  std::map<std::string, std::string> all;
  std::map<ino_t, std::string> first_names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    struct ::stat stat{};
    REQUIRE(::lstat(entry.path().c_str(), &stat) == 0);
    std::string text = std::to_string(stat.st_mode) + " " + std::to_string(stat.st_uid) + " " +
                       std::to_string(stat.st_gid) + " " + std::to_string(stat.st_mtim.tv_sec) +
                       "." + std::to_string(stat.st_mtim.tv_nsec) + " x" +
                       std::to_string(S_ISDIR(stat.st_mode) ? 0 : stat.st_nlink);
    if (S_ISLNK(stat.st_mode)) text += " -> " + std::filesystem::read_symlink(entry).string();
    if (S_ISREG(stat.st_mode)) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(in)), {});
      text += " " + std::to_string(content.size()) + " " +
              std::to_string(std::hash<std::string>()(content));
      std::array<char, 100> value{};
      const ssize_t size =
          ::lgetxattr(entry.path().c_str(), "user.note", value.data(), value.size());
      if (size >= 0) text += " note=" + std::string(value.data(), static_cast<std::size_t>(size));
    }
    all[entry.path().lexically_relative(root)] = std::move(text);
  }
  return all;
}

void set_time(const std::filesystem::path& path, std::int64_t seconds, long nanoseconds) {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{seconds, nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

void make_tree(const std::filesystem::path& root) {
  write(root / "a file", "hello");
  write(root / "dir/large", noise(4'000'000, 3));
  write(root / "dir/holes", std::string(20'000'000, '\0') + "end");
  write(root / "dir/empty", "");
  write(root / "read-only/inside", "x");
  write(root / "names/new\nline", "1");
  write(root / "names/\xff\xfe", "2");
  write(root / ("names/" + std::string(255, 'n')), "3");
  std::filesystem::create_directories(root / "empty dir");
  std::filesystem::create_symlink("../a file", root / "dir/link");
  std::filesystem::create_symlink("/nowhere", root / "dangling");
  std::filesystem::create_hard_link(root / "a file", root / "dir/again");
  std::filesystem::create_hard_link(root / "a file", root / "zz last");
  REQUIRE(::mkfifo((root / "fifo").c_str(), 0640) == 0);
  REQUIRE(::chmod((root / "dir/large").c_str(), 04711) == 0);
  static_cast<void>(::setxattr((root / "a file").c_str(), "user.note", "kept", 4, 0));
  if (::geteuid() == 0) {
    REQUIRE(::lchown((root / "dir/holes").c_str(), 1234, 5678) == 0);
    REQUIRE(::lchown((root / "dir/link").c_str(), 4321, 8765) == 0);
  }
  set_time(root / "dir/empty", -1'000'000'000, 5);
  set_time(root / "dangling", 1'234'567'890, 987'654'321);
  set_time(root / "dir", 1'000'000'000, 1);
  REQUIRE(::chmod((root / "read-only").c_str(), 0500) == 0);
}

struct Engine {
  kloset::testing::MemoryPlace place;
  kloset::testing::MemoryStore store{place};
  std::unique_ptr<Repository> repository;
  Silent silent;

  Engine() {
    REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, system_env()));
    auto opened =
        Repository::open(store, system_env(), []() -> Result<Secret> { return Secret(); }, {});
    REQUIRE(opened);
    repository = *std::move(opened);
  }

  ops::BackupReport back_up(const std::string& root) {
    const auto source = connectors::make_fs_source(system_env(), {.root = root, .origin = "host"},
                                                   connectors::system_owner_names(), {});
    const auto report = ops::backup(*repository, *source, {.hostname = "h"}, silent, {});
    REQUIRE(report);
    return *report;
  }

  ops::RestoreReport restore(const SnapshotId& id, const std::string& path,
                             const std::string& target, connectors::FsDestinationOptions how = {}) {
    how.root = target;
    const auto destination = connectors::make_fs_destination(system_env(), how, {});
    const auto report = ops::restore(*repository, id, *destination, {.path = path}, silent, {});
    REQUIRE(report);
    return *report;
  }
};

}  // namespace

TEST_SUITE("round trip") {
  TEST_CASE("a restored tree is the tree that was backed up") {
    const TempDir directory;
    make_tree(directory / "tree");
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    CHECK(backup.errors == 0);
    const auto report = engine.restore(backup.id, directory / "tree", directory / "out/deep");
    CHECK(report.errors == 0);
    CHECK(engine.silent.failures.empty());
    CHECK(describe(directory / "out/deep") == describe(directory / "tree"));
    // Zeros are a hole again.
    struct ::stat stat{};
    REQUIRE(::stat((directory / "out/deep/dir/holes").c_str(), &stat) == 0);
    CHECK(stat.st_size == 20'000'003);
    CHECK(stat.st_blocks * 512 < 12'000'000);
    ::chmod((directory / "tree/read-only").c_str(), 0700);
    ::chmod((directory / "out/deep/read-only").c_str(), 0700);
  }

  TEST_CASE("a part is restored without its own prefix, a single file under its name") {
    const TempDir directory;
    write(directory.path() / "tree/a/b/file", "content");
    write(directory.path() / "tree/other", "x");
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    CHECK(engine.restore(backup.id, directory / "tree/a", directory / "part").errors == 0);
    CHECK(describe(directory / "part") == describe(directory / "tree/a"));
    CHECK(engine.restore(backup.id, directory / "tree/a/b/file", directory / "one").errors == 0);
    CHECK(describe(directory / "one") == describe(directory / "tree/a/b"));
  }

  TEST_CASE("what is there already is replaced, kept, or refused, as asked") {
    const TempDir directory;
    write(directory.path() / "tree/file", "new");
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    const auto content = [&](const std::string& file) {
      std::ifstream in(directory / file);
      return std::string((std::istreambuf_iterator<char>(in)), {});
    };
    write(directory.path() / "out/file", "old");
    write(directory.path() / "out/mine", "kept");
    CHECK(engine
              .restore(backup.id, directory / "tree", directory / "out",
                       {.existing = kloset::Existing::skip})
              .errors == 0);
    CHECK(content("out/file") == "old");
    CHECK(engine
              .restore(backup.id, directory / "tree", directory / "out",
                       {.existing = kloset::Existing::fail})
              .errors == 1);
    CHECK(content("out/file") == "old");
    CHECK(engine.restore(backup.id, directory / "tree", directory / "out").errors == 0);
    CHECK(content("out/file") == "new");
    CHECK(content("out/mine") == "kept");
  }

  TEST_CASE("a link in the way leads nothing out of the destination") {
    const TempDir directory;
    write(directory.path() / "tree/sub/file", "data");
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    std::filesystem::create_directories(directory / "outside");
    std::filesystem::create_directories(directory / "out");
    std::filesystem::create_directory_symlink(directory / "outside", directory / "out/sub");
    const auto report = engine.restore(backup.id, directory / "tree", directory / "out");
    CHECK(report.errors > 0);
    CHECK(std::filesystem::is_empty(directory / "outside"));
  }

  TEST_CASE("a damaged file is named, not written, and the rest is restored") {
    const TempDir directory;
    write(directory.path() / "tree/bad", std::string(5000, 'b'));
    write(directory.path() / "tree/good", "good");
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    const std::string bad(5000, 'b');
    const auto location = engine.repository->index().find(
        kloset::ResourceType::chunk, engine.repository->mac().compute(as_bytes(bad)));
    REQUIRE(location);
    engine.place.items.at({kloset::ItemKind::packfile,
                           kloset::item_name(location->packfile)})[16 + location->offset + 12] ^=
        std::byte{1};
    const auto report = engine.restore(backup.id, directory / "tree", directory / "out");
    CHECK(report.errors == 1);
    CHECK(engine.silent.failures.contains("/bad"));
    CHECK_FALSE(std::filesystem::exists(directory / "out/bad"));
    CHECK(std::filesystem::exists(directory / "out/good"));
    for (const auto& entry : std::filesystem::directory_iterator(directory / "out")) {
      CHECK_FALSE(entry.path().filename().string().starts_with(".plakar-"));
    }
  }

  TEST_CASE("a file that cannot be read is an error of the snapshot, and recorded in it") {
    const TempDir directory;
    write(directory.path() / "tree/secret", "x");
    REQUIRE(::chmod((directory / "tree/secret").c_str(), 0) == 0);
    const testing::WithoutPrivilege nobody(directory.path());
    Engine engine;
    const auto backup = engine.back_up(directory / "tree");
    CHECK(backup.errors == 1);
    CHECK(engine.silent.failures.contains(directory / "tree/secret"));
  }
}

}  // namespace plakar
