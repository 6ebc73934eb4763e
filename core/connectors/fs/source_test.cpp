#include "core/connectors/fs/source.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "tests/suites/source_suite.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"
#include "tests/support/without_privilege.h"

namespace plakar::connectors {
namespace {

using kloset::Record;
using kloset::RecordKind;
using testing::CallKind;
using testing::FaultyFileCalls;
using testing::RecordingFileCalls;
using testing::TempDir;

class FixedNames final : public OwnerNames {
 public:
  std::string user(std::uint64_t id) override { return "u" + std::to_string(id); }
  std::string group(std::uint64_t id) override { return "g" + std::to_string(id); }
};

void write(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

std::unique_ptr<kloset::Source> source_of(const std::string& root, FsSourceOptions options = {},
                                          FileSystem& files = system_files()) {
  options.root = root;
  options.origin = "host";
  Env env = system_env();
  return make_fs_source({env.clock, env.random, files, env.processes}, std::move(options),
                        std::make_unique<FixedNames>(), {});
}

std::vector<Record> all(kloset::Source& source) {
  std::vector<Record> records;
  std::vector<Record> batch;
  for (;;) {
    const auto more = source.next(batch);
    REQUIRE(more);
    if (!*more) break;
    REQUIRE_FALSE(batch.empty());
    std::move(batch.begin(), batch.end(), std::back_inserter(records));
  }
  CHECK(batch.empty());
  return records;
}

std::vector<std::string> paths_below(const std::vector<Record>& records, const std::string& root) {
  std::vector<std::string> paths;
  for (const Record& record : records) {
    if (record.path.starts_with(root + "/")) paths.push_back(record.path.substr(root.size()));
  }
  return paths;
}

const Record& at(const std::vector<Record>& records, const std::string& path) {
  const auto found = std::find_if(records.begin(), records.end(),
                                  [&](const Record& record) { return record.path == path; });
  REQUIRE(found != records.end());
  return *found;
}

std::string content(kloset::Source& source, const Record& record) {
  auto reader = source.open(record);
  REQUIRE(reader);
  std::string text;
  Bytes buffer(7);
  for (;;) {
    const auto got = (*reader)->read(buffer);
    REQUIRE(got);
    if (*got == 0) return text;
    text += as_text(BytesView(buffer).first(*got));
  }
}

}  // namespace

TEST_SUITE("fs source") {
  TEST_CASE("is a source") {
    testing::run_source_suite([](const std::vector<testing::SourceEntry>& tree) {
      const auto directory = std::make_shared<TempDir>();
      const std::string root = *directory / "root";
      std::filesystem::create_directory(root);
      for (const testing::SourceEntry& entry : tree) {
        const std::string path = root + entry.path;
        if (entry.kind == RecordKind::directory) std::filesystem::create_directory(path);
        if (entry.kind == RecordKind::regular) write(path, entry.content);
        if (entry.kind == RecordKind::symlink) std::filesystem::create_symlink(entry.content, path);
      }
      return testing::SourcePlace{
          .root = root, .open = [directory, root](flow::CancelToken cancel) {
            return make_fs_source(system_env(), {.root = root, .origin = "host"},
                                  std::make_unique<FixedNames>(), std::move(cancel));
          }};
    });
  }

  TEST_CASE("a tree is recorded directory by directory, names ascending, ancestors first") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "root";
    std::filesystem::create_directories(root / "b/c");
    write(root / "z", "zzz");
    write(root / "b/file", "hello");
    write(root / "b/c/deep", "");
    write(root / "a", "a");
    auto source = source_of(root.string());
    CHECK(source->identity() == kloset::SourceIdentity{"fs", "host", root.string()});
    const auto records = all(*source);
    CHECK(records.front().path == "/");
    CHECK(records.front().username.empty());
    CHECK(records.front().kind == RecordKind::directory);
    CHECK(at(records, directory.path().string()).username.empty());
    CHECK_FALSE(at(records, root.string()).username.empty());
    CHECK(paths_below(records, root.string()) ==
          std::vector<std::string>{"/a", "/b", "/z", "/b/c", "/b/file", "/b/c/deep"});
    CHECK(content(*source, at(records, (root / "b/file").string())) == "hello");
    CHECK(content(*source, at(records, (root / "b/c/deep").string())).empty());
    const auto estimate = source_of(root.string())->estimate();
    REQUIRE(estimate);
    CHECK((*estimate)->items == 7);
    CHECK((*estimate)->bytes == 9);
  }

  TEST_CASE("metadata is that of lstat, with owners by name") {
    const TempDir directory;
    const std::string file = directory / "f";
    write(file, "1234");
    REQUIRE(::chmod(file.c_str(), 04751) == 0);
    const std::array<timespec, 2> times{timespec{1, 2}, timespec{-5, 123456789}};
    REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times.data(), 0) == 0);
    REQUIRE(::link(file.c_str(), (directory / "g").c_str()) == 0);
    REQUIRE(::symlink("f", (directory / "l").c_str()) == 0);
    REQUIRE(::mkfifo((directory / "p").c_str(), 0600) == 0);
    struct ::stat wanted{};
    REQUIRE(::lstat(file.c_str(), &wanted) == 0);

    auto source = source_of(directory.path().string());
    const auto records = all(*source);
    const Record& record = at(records, file);
    CHECK(record.kind == RecordKind::regular);
    CHECK(kloset::to_text(record.mode) == "urwxr-x--x");
    CHECK(record.size == 4);
    CHECK(record.mod_time == UnixTime{-5, 123456789});
    CHECK(record.ino == wanted.st_ino);
    CHECK(record.dev == wanted.st_dev);
    CHECK(record.nlink == 2);
    CHECK(record.uid == wanted.st_uid);
    CHECK(record.username == "u" + std::to_string(wanted.st_uid));
    CHECK(record.groupname == "g" + std::to_string(wanted.st_gid));
    CHECK(at(records, directory / "g").ino == record.ino);
    CHECK(at(records, directory / "l").kind == RecordKind::symlink);
    CHECK(at(records, directory / "l").target == "f");
    CHECK(at(records, directory / "p").kind == RecordKind::special);
    CHECK(kloset::to_text(at(records, directory / "p").mode) == "prw-------");
  }

  TEST_CASE("attributes travel with their entry, sorted, unless nobody wants them") {
    const TempDir directory;
    const std::string file = directory / "f";
    write(file, "x");
    if (::setxattr(file.c_str(), "user.b", "2", 1, 0) != 0) {
      PLK_SKIP("no attributes on this file system");
    }
    REQUIRE(::setxattr(file.c_str(), "user.a", "", 0, 0) == 0);
    const auto with = all(*source_of(directory.path().string()));
    const auto& attributes = at(with, file).attributes;
    REQUIRE(attributes.size() == 2);
    CHECK(attributes[0].name == "user.a");
    CHECK(attributes[0].value.empty());
    CHECK(as_text(attributes[1].value) == "2");
    const auto without = all(*source_of(directory.path().string(), {.xattrs = false}));
    CHECK(at(without, file).attributes.empty());
  }

  TEST_CASE("an excluded directory is not entered, an excluded file takes nothing along") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    std::filesystem::create_directories(root / "cache/deep");
    write(root / "cache/deep/f", "x");
    write(root / "keep", "x");
    write(root / "keep.tmp", "x");
    write(root / "keep2", "x");
    FsSourceOptions options;
    options.excluded = [](std::string_view path, bool is_directory) {
      CHECK(path.find("deep") == std::string_view::npos);
      return path.ends_with(".tmp") || (is_directory && path.ends_with("/cache"));
    };
    auto source = source_of(root.string(), options);
    CHECK(paths_below(all(*source), root.string()) == std::vector<std::string>{"/keep", "/keep2"});
  }

  TEST_CASE("names may be any bytes") {
    const TempDir directory;
    const std::vector<std::string> names{std::string(255, 'n'), "new\nline", "\xff\xfe",
                                         "quo\"te'"};
    for (const std::string& name : names) write(directory.path() / name, name);
    auto source = source_of(directory.path().string());
    const auto records = all(*source);
    for (const std::string& name : names) {
      CHECK(content(*source, at(records, directory / name)) == name);
    }
  }

  TEST_CASE("a tree deeper than the kernel takes at once is walked to its end") {
    const TempDir directory;
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(directory.path());
    const std::string name(200, 'd');
    for (int depth = 0; depth < 40; ++depth) {
      REQUIRE(::mkdir(name.c_str(), 0700) == 0);
      REQUIRE(::chdir(name.c_str()) == 0);
    }
    write("bottom", "found");
    std::filesystem::current_path(before);
    auto source = source_of(directory.path().string());
    const auto records = all(*source);
    const Record& last = records.back();
    CHECK(last.path.size() > 8000);
    CHECK(content(*source, last) == "found");
    // What the temporary directory's own removal cannot reach.
    std::filesystem::current_path(directory.path());
    for (int depth = 0; depth < 40; ++depth) REQUIRE(::chdir(name.c_str()) == 0);
    REQUIRE(::unlink("bottom") == 0);
    for (int depth = 0; depth < 40; ++depth) {
      REQUIRE(::chdir("..") == 0);
      REQUIRE(::rmdir(name.c_str()) == 0);
    }
    std::filesystem::current_path(before);
  }

  TEST_CASE("a root that is a link is recorded, and what it points to is walked") {
    const TempDir directory;
    std::filesystem::create_directory(directory / "real");
    write(directory.path() / "real/f", "x");
    std::filesystem::create_symlink("real", directory / "link");
    const auto records = all(*source_of(directory / "link"));
    CHECK(at(records, directory / "link").kind == RecordKind::symlink);
    CHECK(at(records, directory / "real").kind == RecordKind::directory);
    CHECK(at(records, directory / "real/f").kind == RecordKind::regular);
    std::filesystem::create_symlink("nowhere", directory / "dangling");
    CHECK(at(all(*source_of(directory / "dangling")), directory / "dangling").target == "nowhere");
  }

  TEST_CASE("a root that is not there ends the scan, one that is a file is recorded") {
    const TempDir directory;
    std::vector<Record> batch;
    CHECK(source_of(directory / "absent")->next(batch).error().code() == Errc::not_found);
    write(directory.path() / "file", "x");
    CHECK(all(*source_of(directory / "file")).back().path == directory / "file");
  }

  TEST_CASE("a file that was replaced after it was recorded is not read") {
    const TempDir directory;
    const std::string file = directory / "f";
    write(file, "x");
    auto source = source_of(directory.path().string());
    const auto records = all(*source);
    const Record record = at(records, file);
    write(directory.path() / "other", "secret");
    REQUIRE(::rename((directory / "other").c_str(), file.c_str()) == 0);
    CHECK(source->open(record).error().code() == Errc::conflict);
    REQUIRE(::unlink(file.c_str()) == 0);
    CHECK(source->open(record).error().code() == Errc::not_found);
    REQUIRE(::symlink("/etc/passwd", file.c_str()) == 0);
    CHECK_FALSE(source->open(record));
    REQUIRE(::unlink(file.c_str()) == 0);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK_FALSE(source->open(record));
  }

  TEST_CASE("a tree of many levels with files on the way back is walked with few descriptors") {
    const TempDir directory;
    std::string path = directory.path().string();
    std::size_t made = 1;
    for (int level = 0; level < 150; ++level) {
      path += "/d";
      std::filesystem::create_directory(path);
      // After "d" in the order, so that they are entered on the way back.
      std::filesystem::create_directories(path + "/e/inside");
      write(path + "/e/inside/f", "x");
      made += 4;
    }
    RecordingFileCalls calls(system_file_calls());
    FileSystem files(calls);
    auto source = source_of(directory.path().string(), {}, files);
    const auto records = all(*source);
    CHECK(paths_below(records, directory.path().string()).size() + 1 == made);
    std::set<std::string> unique;
    for (const Record& record : records) {
      CAPTURE(record.error);
      CHECK(record.kind != RecordKind::error);
      CHECK(unique.insert(record.path).second);
    }
    std::size_t open = 0;
    std::size_t most = 0;
    for (const auto& call : calls.calls()) {
      if (call.kind == CallKind::open && call.result >= 0) most = std::max(most, ++open);
      if (call.kind == CallKind::close) --open;
    }
    CHECK(open == 0);
    CHECK(most < 100);
  }

  TEST_CASE("a directory that becomes a link while others are walked is not followed") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    std::filesystem::create_directories(root / "a");
    std::filesystem::create_directories(root / "b");
    std::filesystem::create_directories(root / "c");
    std::filesystem::create_directories(directory / "secrets");
    write(directory.path() / "secrets/key", "k");
    write(root / "c/later", "x");
    // Asked about "c" while the root is listed: "b" has been seen and not been entered.
    const auto swap_b = [&](std::string_view path, bool) {
      if (path != (root / "c").string()) return false;
      std::filesystem::rename(root / "b", directory / "moved");
      std::filesystem::create_directory_symlink(directory / "secrets", root / "b");
      return false;
    };
    auto source = source_of(root.string(), {.excluded = swap_b});
    const auto records = all(*source);
    const auto failed = std::find_if(records.begin(), records.end(), [](const Record& record) {
      return record.kind == RecordKind::error;
    });
    REQUIRE(failed != records.end());
    CHECK(failed->path == (root / "b").string());
    CHECK(at(records, (root / "c/later").string()).kind == RecordKind::regular);
    for (const Record& record : records) CHECK(record.path.find("key") == std::string::npos);
  }

  TEST_CASE("a link to a directory above itself leads to no path twice") {
    const TempDir directory;
    std::filesystem::create_directories(directory / "a/b");
    write(directory.path() / "a/f", "x");
    std::filesystem::create_directory_symlink("..", directory / "a/b/up");
    const auto records = all(*source_of(directory / "a/b/up"));
    std::set<std::string> unique;
    for (const Record& record : records) CHECK(unique.insert(record.path).second);
    CHECK(unique.contains(directory / "a/f"));
    CHECK(at(records, directory / "a/b/up").kind == RecordKind::symlink);
  }

  TEST_CASE("what is left out is neither recorded nor entered, by whatever path it is met") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    std::filesystem::create_directories(root / "store/packfiles");
    write(root / "store/CONFIG", "x");
    write(root / "keep", "x");
    std::filesystem::create_directory_symlink(root / "store", directory / "by another name");
    FsSourceOptions options;
    options.left_out = {directory / "by another name", directory / "absent"};
    std::vector<std::string> told;
    options.on_left_out = [&](std::string_view path) { told.emplace_back(path); };
    CHECK(paths_below(all(*source_of(root.string(), options)), root.string()) ==
          std::vector<std::string>{"/keep"});
    CHECK(told == std::vector<std::string>{(root / "store").string()});
    const auto estimate = source_of(root.string(), options)->estimate();
    REQUIRE(estimate);
    CHECK((*estimate)->items == 2);
    CHECK(told.size() == 1);  // The estimate says nothing.
  }

  TEST_CASE("another file system is recorded and not entered when the walk is to stay") {
    struct ::stat dev{};
    struct ::stat mounted{};
    if (::stat("/dev", &dev) != 0 || ::stat("/dev/shm", &mounted) != 0 ||
        dev.st_dev == mounted.st_dev) {
      PLK_SKIP("/dev/shm is not a file system of its own here");
    }
    const auto records = all(*source_of("/dev", {.stay_on_file_system = true}));
    CHECK(at(records, "/dev/shm").kind == RecordKind::directory);
    for (const Record& record : records) CHECK_FALSE(record.path.starts_with("/dev/shm/"));
  }

  TEST_CASE("whatever call fails, the scan ends with all else, an error record or an error") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    std::filesystem::create_directories(root / "a/b");
    write(root / "a/b/f", "x");
    write(root / "a/g", "x");
    write(root / "z", "x");
    std::filesystem::create_symlink("g", root / "a/l");
    const std::size_t complete = all(*source_of(root.string())).size();
    std::uint64_t nth = 1;
    for (;; ++nth) {
      CAPTURE(nth);
      FaultyFileCalls faulty(system_file_calls(), {.nth = nth, .error = EIO});
      FileSystem files(faulty);
      auto source = source_of(root.string(), {}, files);
      std::vector<Record> records;
      std::vector<Record> batch;
      Result<bool> more = true;
      for (more = source->next(batch); more && *more; more = source->next(batch)) {
        std::move(batch.begin(), batch.end(), std::back_inserter(records));
      }
      if (!faulty.fired()) break;
      if (!more) continue;
      const bool reported = std::any_of(records.begin(), records.end(), [](const Record& record) {
        return record.kind == RecordKind::error;
      });
      const bool whole = records.size() == complete && !reported;  // close() is nobody's concern
      const bool told = reported || whole;
      CHECK(told);
    }
    CHECK(nth > 20);
  }

  TEST_CASE("what may not be looked at is an error record, and the scan goes on") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    for (const char* name : {"unlisted", "unentered", "z"}) {
      std::filesystem::create_directories(root / name);
      write(root / name / "f", "x");
    }
    write(root / "secret", "x");
    std::filesystem::permissions(root / "secret", std::filesystem::perms{0});
    std::filesystem::permissions(root / "unlisted", std::filesystem::perms{0311});
    std::filesystem::permissions(root / "unentered", std::filesystem::perms{0644});
    {
      const testing::WithoutPrivilege user(directory.path());
      auto source = source_of(root.string());
      const auto records = all(*source);
      std::set<std::string> failed;
      for (const Record& record : records) {
        if (record.kind != RecordKind::error) continue;
        failed.insert(record.path.substr(root.string().size()));
      }
      CHECK(failed == std::set<std::string>{"/unlisted", "/unentered/f"});
      CHECK(at(records, (root / "unlisted").string()).kind == RecordKind::directory);
      const auto opened = source->open(at(records, (root / "secret").string()));
      CHECK(opened.error().code() == Errc::permission_denied);
      CHECK(content(*source, at(records, (root / "z/f").string())) == "x");
    }
    for (const char* name : {"unlisted", "unentered"}) {
      std::filesystem::permissions(root / name, std::filesystem::perms{0755});
    }
  }

  TEST_CASE("a directory that vanishes before it is entered is an error record") {
    const TempDir directory;
    const std::filesystem::path root = directory.path() / "r";
    std::filesystem::create_directories(root / "a");
    write(root / "b", "x");
    auto source = source_of(root.string(), {.excluded = [&](std::string_view path, bool) {
                              if (path.ends_with("/b")) std::filesystem::remove(root / "a");
                              return false;
                            }});
    const auto records = all(*source);
    CHECK(records.back().kind == RecordKind::error);
    CHECK(records.back().path == (root / "a").string());
    CHECK(content(*source, at(records, (root / "b").string())) == "x");
  }

  TEST_CASE("sockets, devices and fifos are recorded, and nobody waits for them") {
    const TempDir directory;
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(socket >= 0);
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = directory / "s";
    REQUIRE(path.size() < sizeof address.sun_path);
    std::copy(path.begin(), path.end(), address.sun_path);
    REQUIRE(::bind(socket, reinterpret_cast<const ::sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::mkfifo((directory / "p").c_str(), 0600) == 0);
    auto source = source_of(directory.path().string());
    const auto records = all(*source);
    ::close(socket);
    CHECK(kloset::to_text(at(records, path).mode).front() == 'S');
    for (const std::string& special : {path, directory / "p"}) {
      CHECK(at(records, special).kind == RecordKind::special);
      CHECK_FALSE(source->open(at(records, special)));
    }
    const auto devices = all(*source_of("/dev/null"));
    CHECK(at(devices, "/dev/null").kind == RecordKind::special);
  }

  TEST_CASE("a link to a link is recorded, and not followed twice") {
    const TempDir directory;
    std::filesystem::create_directory(directory / "real");
    write(directory.path() / "real/f", "x");
    std::filesystem::create_symlink("real", directory / "second");
    std::filesystem::create_symlink("second", directory / "first");
    const auto records = all(*source_of(directory / "first"));
    CHECK(at(records, directory / "first").target == "second");
    CHECK(at(records, directory / "second").target == "real");
    for (const Record& record : records) CHECK_FALSE(record.path.ends_with("/real"));
    std::filesystem::create_symlink("loop", directory / "loop");
    const auto loop = all(*source_of(directory / "loop"));
    CHECK(at(loop, directory / "loop").target == "loop");
  }

  TEST_CASE("a directory of many entries comes in order, each once") {
    const TempDir directory;
    constexpr int count = 20'000;
    for (int i = 0; i < count; ++i) {
      const std::string path = directory / ("entry-" + std::to_string(i));
      const int done =
          i % 100 == 0 ? ::mkdir(path.c_str(), 0700) : ::symlink("nowhere", path.c_str());
      REQUIRE(done == 0);
    }
    const auto paths =
        paths_below(all(*source_of(directory.path().string())), directory.path().string());
    CHECK(paths.size() == count);
    CHECK(std::is_sorted(paths.begin(), paths.end(), std::less_equal<>()));
  }

  TEST_CASE("attributes that a file system does not know are no error") {
    const TempDir directory;
    write(directory.path() / "f", "x");
    FaultyFileCalls faulty(system_file_calls(),
                           {.kind = CallKind::list_xattrs, .error = ENOTSUP, .repeats = true});
    FileSystem files(faulty);
    for (const Record& record : all(*source_of(directory.path().string(), {}, files))) {
      CHECK(record.kind != RecordKind::error);
    }
  }

  TEST_CASE("attributes that cannot be listed are an error beside the record") {
    const TempDir directory;
    write(directory.path() / "f", "x");
    FaultyFileCalls faulty(
        system_file_calls(),
        {.kind = CallKind::list_xattrs, .path_contains = "/f", .error = EACCES, .repeats = true});
    FileSystem files(faulty);
    const auto records = all(*source_of(directory.path().string(), {}, files));
    REQUIRE(records.size() >= 2);
    CHECK(records[records.size() - 2].kind == RecordKind::regular);
    CHECK(records.back().kind == RecordKind::error);
    CHECK(records.back().path == directory / "f");
  }

  TEST_CASE("a reader that failed once stays failed") {
    const TempDir directory;
    write(directory.path() / "f", "x");
    FaultyFileCalls faulty(system_file_calls(), {.kind = CallKind::read_at, .error = EIO});
    FileSystem files(faulty);
    auto source = source_of(directory.path().string(), {}, files);
    const auto records = all(*source);
    auto reader = source->open(at(records, directory / "f"));
    REQUIRE(reader);
    Bytes buffer(10);
    CHECK((*reader)->read(buffer).error().code() == Errc::io);
    CHECK((*reader)->read(buffer).error().code() == Errc::io);
  }

  TEST_CASE("a cancel ends the scan") {
    const TempDir directory;
    const flow::CancelSource cancel;
    auto source = make_fs_source(system_env(), {.root = directory.path().string(), .origin = "h"},
                                 std::make_unique<FixedNames>(), cancel.token());
    cancel.cancel("test");
    std::vector<Record> batch;
    CHECK(source->next(batch).error().code() == Errc::cancelled);
  }
}

}  // namespace plakar::connectors
