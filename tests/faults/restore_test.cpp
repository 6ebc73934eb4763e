// From a directory into a store and back, with trees that nobody would think of: bytes and metadata
// are the same again. And restores that were interrupted, or meet damage.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/base/testing/seeded_random.h"
#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"
#include "core/kloset/format/object.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"
#include "core/ops/check.h"
#include "core/ops/restore.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

namespace fs = std::filesystem;
using kloset::Repository;
using testing::SeededRandom;
using testing::TempDir;

struct Silent final : ops::BackupObserver, ops::RestoreObserver, ops::CheckObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void restored(std::string_view path, std::uint64_t) override { done.emplace(path); }
  void failed(std::string_view path, std::string_view error) override {
    failures[std::string(path)] = error;
  }
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override { failures[damage.where] = damage.what; }

  std::map<std::string, std::string> failures;
  std::set<std::string> done;
};

// A store in memory, and directories that go into it and come out of it.
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

  SnapshotId back_up(const std::string& root) {
    const auto source = connectors::make_fs_source(system_env(), {.root = root, .origin = "host"},
                                                   connectors::system_owner_names(), {});
    const auto report = ops::backup(*repository, *source, {.hostname = "h"}, silent, {});
    REQUIRE(report);
    CHECK(report->errors == 0);
    return report->id;
  }

  ops::RestoreReport restore(const SnapshotId& id, const std::string& path,
                             const std::string& target,
                             kloset::Existing existing = kloset::Existing::replace) {
    const auto destination =
        connectors::make_fs_destination(system_env(), {.root = target, .existing = existing}, {});
    silent.done.clear();
    const auto report = ops::restore(*repository, id, *destination, {.path = path}, silent, {});
    REQUIRE(report);
    return *report;
  }
};

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

std::string attributes_of(const fs::path& path) {
  std::array<char, 4096> names{};
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  std::set<std::string> all;
  for (ssize_t at = 0; at < size;) {
    const std::string name(&names[static_cast<std::size_t>(at)]);
    std::array<char, 4096> value{};
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    all.insert(name + "=" +
               std::string(value.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))));
    at += static_cast<ssize_t>(name.size()) + 1;
  }
  std::string text;
  for (const std::string& one : all) text += " " + one;
  return text;
}

// All that lstat and friends tell, by path.
std::map<std::string, std::string> describe(const fs::path& root) {
  std::map<std::string, std::string> all;
  std::map<ino_t, std::set<std::string>> names;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct ::stat stat{};
    REQUIRE(::lstat(entry.path().c_str(), &stat) == 0);
    const std::string path = entry.path().lexically_relative(root);
    std::string text = std::to_string(stat.st_mode) + " " + std::to_string(stat.st_uid) + ":" +
                       std::to_string(stat.st_gid) + " " + std::to_string(stat.st_mtim.tv_sec) +
                       "." + std::to_string(stat.st_mtim.tv_nsec) + attributes_of(entry.path());
    if (S_ISLNK(stat.st_mode)) text += " -> " + fs::read_symlink(entry).string();
    if (S_ISREG(stat.st_mode)) {
      const std::string content = content_of(entry.path());
      text += " " + std::to_string(content.size()) + " " +
              std::to_string(std::hash<std::string>()(content));
      names[stat.st_ino].insert(path);
    }
    all[path] = std::move(text);
  }
  // Which names are of one file, whatever its number.
  for (const auto& [inode, paths] : names) {
    if (paths.size() > 1) all[*paths.begin()] += " " + std::to_string(paths.size()) + " names";
    for (const std::string& path : paths) all[path] += " of " + *paths.begin();
  }
  return all;
}

void set_time(const fs::path& path, std::int64_t seconds, long nanoseconds) {
  const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{seconds, nanoseconds}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
}

// Trees of a kind that programs stumble over.
class TreeMaker {
 public:
  explicit TreeMaker(std::uint64_t seed) : random_(seed) {}

  void make(const fs::path& root, std::size_t entries) {
    fs::create_directories(root);
    std::vector<fs::path> directories{root};
    std::vector<fs::path> files;
    std::vector<fs::path> all;
    for (std::size_t i = 0; i < entries; ++i) {
      const fs::path path = directories[random_.below(directories.size())] / name();
      if (fs::exists(fs::symlink_status(path))) continue;
      switch (random_.below(10)) {
        case 0:
        case 1:
          fs::create_directory(path);
          directories.push_back(path);
          break;
        case 2:
          fs::create_symlink(random_.below(2) == 0 ? "../" + name() : "/nowhere/" + name(), path);
          break;
        case 3:
          REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
          break;
        case 4:
          if (!files.empty()) fs::create_hard_link(files[random_.below(files.size())], path);
          break;
        default:
          std::ofstream(path, std::ios::binary) << content();
          files.push_back(path);
          if (random_.below(4) == 0) {
            static_cast<void>(::lsetxattr(path.c_str(), "user.note", "some value", 10, 0));
          }
      }
      if (fs::exists(fs::symlink_status(path))) all.push_back(path);
    }
    // Parents last, so that their times stay.
    for (auto path = all.rbegin(); path != all.rend(); ++path) {
      if (!fs::is_symlink(*path)) {
        // Root reads what nobody may; others could not.
        const std::uint64_t least = ::geteuid() == 0 ? 0 : 0700;
        ::chmod(path->c_str(), static_cast<mode_t>(random_.below(010000) | least));
      }
      set_time(*path, static_cast<std::int64_t>(random_.below(1ull << 33)) - (1ll << 32),
               static_cast<long>(random_.below(1'000'000'000)));
    }
  }

 private:
  std::string name() {
    static const std::array<std::string, 14> awkward{"new\nline",
                                                     "\"quoted\"",
                                                     "'single'",
                                                     "back\\slash",
                                                     "\xff\xfe",
                                                     " ",
                                                     "-rf",
                                                     "%s$HOME",
                                                     "caf\xc3\xa9",
                                                     "cafe\xcc\x81",
                                                     "\t",
                                                     "*",
                                                     std::string(255, 'n'),
                                                     ".hidden"};
    const std::uint64_t which = random_.below(40);
    if (which < awkward.size()) return awkward[which];
    std::string text(1 + random_.below(20), ' ');
    for (char& c : text) {
      do c = static_cast<char>(1 + random_.below(255));
      while (c == '/');
    }
    return text == "." || text == ".." ? "dots" : text;
  }

  std::string content() {
    const std::uint64_t kind = random_.below(12);
    std::string text(kind == 0   ? 0
                     : kind == 1 ? random_.below(3'000'000)
                                 : random_.below(20'000),
                     '\0');
    if (kind == 2) return text;
    for (char& c : text) c = static_cast<char>(random_.below(256));
    if (kind != 1) return text;
    // Holes somewhere in the middle.
    const std::size_t begin = random_.below(text.size() + 1);
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin),
              text.begin() + static_cast<std::ptrdiff_t>(
                                 std::min(text.size(), begin + random_.below(1'000'000))),
              '\0');
    return text;
  }

  SeededRandom random_;
};

// So that a test without privileges can remove it.
void make_removable(const fs::path& root) {
  if (::geteuid() == 0) return;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_directory()) ::chmod(entry.path().c_str(), 0700);
  }
}

}  // namespace

TEST_SUITE("restore") {
  TEST_CASE("any tree comes back as it was: names, bytes, times, modes, links, attributes") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    for (std::uint64_t round = 0; round < 4; ++round) {
      CAPTURE(round);
      const TempDir directory;
      TreeMaker(seed + round).make(directory / "tree", 150);
      Engine engine;
      const SnapshotId id = engine.back_up(directory / "tree");
      CHECK(ops::check(*engine.repository, {}, engine.silent, {})->sound());
      const auto report = engine.restore(id, directory / "tree", directory / "out");
      CHECK(report.errors == 0);
      CHECK(engine.silent.failures.empty());
      CHECK(describe(directory / "out") == describe(directory / "tree"));
      make_removable(directory / "tree");
      make_removable(directory / "out");
    }
  }

  TEST_CASE("60 levels and 20,000 entries in a directory are nothing special") {
    const TempDir directory(testing::memory_directory());
    fs::path deep = directory / "tree";
    for (int i = 0; i < 60; ++i) deep /= "level" + std::to_string(i);
    fs::create_directories(deep);
    std::ofstream(deep / "bottom") << "found";
    const fs::path wide = directory.path() / "tree/wide";
    fs::create_directories(wide);
    for (int i = 0; i < 20'000; ++i) {
      std::ofstream(wide / std::to_string(i)) << (i % 3 == 0 ? std::to_string(i) : "same");
    }
    Engine engine;
    const SnapshotId id = engine.back_up(directory / "tree");
    const auto report = engine.restore(id, directory / "tree", directory / "out");
    CHECK(report.errors == 0);
    CHECK(report.entries == 20'000 + 60 + 3);
    CHECK(describe(directory / "out") == describe(directory / "tree"));
    CHECK(ops::check(*engine.repository, {}, engine.silent, {})->sound());
  }

  TEST_CASE("large files come back whole, with their holes, by any number of threads") {
    const TempDir directory;
    fs::create_directories(directory / "tree");
    SeededRandom random(3);
    std::string noise(30'000'000, '\0');
    random.fill(std::as_writable_bytes(std::span(noise)));
    std::fill(noise.begin() + 5'000'001, noise.begin() + 18'000'002, '\0');
    std::ofstream(directory.path() / "tree/noise", std::ios::binary) << noise;
    fs::resize_file(directory.path() / "tree/noise", 40'000'003);
    std::ofstream(directory.path() / "tree/zeros", std::ios::binary) << "";
    fs::resize_file(directory.path() / "tree/zeros", 25'000'001);
    Engine engine;
    const SnapshotId id = engine.back_up(directory / "tree");
    const auto destination =
        connectors::make_fs_destination(system_env(), {.root = directory / "out"}, {});
    REQUIRE(ops::restore(*engine.repository, id, *destination,
                         {.path = directory / "tree", .threads = 4}, engine.silent, {}));
    CHECK(engine.silent.failures.empty());
    CHECK(describe(directory / "out") == describe(directory / "tree"));
    struct ::stat stat{};
    REQUIRE(::stat((directory / "out/zeros").c_str(), &stat) == 0);
    CHECK(stat.st_blocks * 512 < 1'000'000);
    REQUIRE(::stat((directory / "out/noise").c_str(), &stat) == 0);
    CHECK(stat.st_blocks * 512 < 19'000'000);
  }

  TEST_CASE("a restore is taken up where it ended: what is the same already is left alone") {
    const TempDir directory;
    fs::create_directories(directory / "tree");
    for (int i = 0; i < 50; ++i) {
      std::ofstream(directory.path() / "tree" / std::to_string(i)) << "content " << i;
    }
    fs::create_hard_link(directory / "tree/1", directory / "tree/first");
    std::ofstream(directory.path() / "tree/large") << std::string(2'000'000, 'x');
    Engine engine;
    const SnapshotId id = engine.back_up(directory / "tree");
    engine.restore(id, directory / "tree", directory / "out");
    const auto wanted = describe(directory / "out");

    fs::remove(directory / "out/3");
    std::ofstream(directory.path() / "out/4") << "changed since";
    set_time(directory / "out/5", 1, 2);
    fs::permissions(directory / "out/6", fs::perms::owner_read);
    const auto report =
        engine.restore(id, directory / "tree", directory / "out", kloset::Existing::resume);
    CHECK(report.errors == 0);
    CHECK(report.skipped == 50 - 4 + 1);
    for (const char* name : {"3", "4", "5", "6"}) {
      CHECK(engine.silent.done.contains("/" + std::string(name)));
    }
    CHECK(describe(directory / "out") == wanted);
  }

  TEST_CASE("a large file of which a part is damaged is not there, or is what it was before") {
    const TempDir directory;
    fs::create_directories(directory / "tree");
    std::string noise(20'000'000, '\0');
    SeededRandom random(4);
    random.fill(std::as_writable_bytes(std::span(noise)));
    std::ofstream(directory.path() / "tree/bad", std::ios::binary) << noise;
    std::ofstream(directory.path() / "tree/good", std::ios::binary) << noise.substr(0, 3'000'000);
    Engine engine;
    const SnapshotId id = engine.back_up(directory / "tree");
    auto reader = kloset::SnapshotReader::open(*engine.repository, id);
    REQUIRE(reader);
    const auto found = reader->find(directory / "tree/bad");
    REQUIRE(found);
    REQUIRE(*found);
    const auto bytes = engine.repository->load(kloset::ResourceType::object, (**found)->object,
                                               kloset::object_size_max);
    REQUIRE(bytes);
    const auto object = kloset::decode_object(*bytes);
    REQUIRE(object);
    const Mac last = object->chunks.back().content;
    const auto location = engine.repository->index().find(kloset::ResourceType::chunk, last);
    REQUIRE(location);
    engine.place.items.at({kloset::ItemKind::packfile,
                           kloset::item_name(location->packfile)})[16 + location->offset + 100] ^=
        std::byte{1};

    CHECK(engine.restore(id, directory / "tree", directory / "out").errors == 1);
    CHECK(engine.silent.failures.contains("/bad"));
    CHECK_FALSE(fs::exists(directory / "out/bad"));
    CHECK(content_of(directory / "out/good") == noise.substr(0, 3'000'000));
    std::ofstream(directory.path() / "out/bad") << "old";
    CHECK(engine.restore(id, directory / "tree", directory / "out").errors == 1);
    CHECK(content_of(directory / "out/bad") == "old");
    CHECK(std::distance(fs::directory_iterator(directory / "out"), fs::directory_iterator()) == 2);
  }
}

}  // namespace plakar
