#include "core/connectors/fs/destination.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/testing/file_filters.h"
#include "tests/suites/destination_suite.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"
#include "tests/support/without_privilege.h"

namespace plakar::connectors {
namespace {

using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;
using testing::CallKind;
using testing::FaultyFileCalls;
using testing::TempDir;

struct Failure {
  std::string path;
  Errc code;
};

std::unique_ptr<kloset::Destination> destination_at(const std::string& root,
                                                    FsDestinationOptions options = {},
                                                    FileSystem& files = system_files()) {
  options.root = root;
  const Env env = system_env();
  return make_fs_destination({env.clock, env.random, files, env.processes}, std::move(options), {});
}

Record record(RecordKind kind, FileType type, std::uint32_t permissions, std::string path) {
  Record made;
  made.kind = kind;
  made.path = std::move(path);
  made.mode = kloset::make_file_mode(type, permissions);
  made.mod_time = {.seconds = 1'500'000'000, .nanoseconds = 7};
  made.uid = ::geteuid();
  made.gid = ::getegid();
  made.nlink = 1;
  return made;
}
Record file(std::string path, std::uint32_t permissions = 0644) {
  return record(RecordKind::regular, FileType::regular, permissions, std::move(path));
}
Record directory_record(std::string path, std::uint32_t permissions = 0755) {
  return record(RecordKind::directory, FileType::directory, permissions, std::move(path));
}
Record special(FileType type, std::string path) {
  return record(RecordKind::special, type, 0640, std::move(path));
}

Status put(kloset::Destination& to, const Record& what, std::string_view content = "x") {
  const auto writer = PLK_TRY(to.put(what));
  if (writer == nullptr) return {};
  PLK_TRY(writer->write(as_bytes(content)));
  return writer->commit();
}

std::vector<Failure> finish(kloset::Destination& to) {
  std::vector<Failure> failures;
  CHECK(to.finish([&](const std::string& path, const Error& error) {
    failures.push_back({path, error.code()});
  }));
  return failures;
}

struct ::stat stat_of(const std::string& path) {
  struct ::stat found{};
  CAPTURE(path);
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found;
}

std::uint32_t mode_of(const std::string& path) { return stat_of(path).st_mode & 07777u; }

std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::size_t temporaries_below(const std::filesystem::path& root) {
  const auto all = std::filesystem::recursive_directory_iterator(root);
  return static_cast<std::size_t>(std::count_if(begin(all), end(all), [](const auto& entry) {
    return entry.path().filename().string().starts_with(".plakar-");
  }));
}

class FsPlace final : public testing::DestinationPlace {
 public:
  ~FsPlace() override {
    // So that it can be removed by those who are not root.
    static_cast<void>(::chmod((directory_ / "root/d").c_str(), 0700));
  }

  std::unique_ptr<kloset::Destination> open(Existing existing, flow::CancelToken cancel) override {
    return make_fs_destination(system_env(), {.root = root_, .existing = existing}, cancel);
  }

  std::map<std::string, testing::RestoredEntry> look() override {
    std::map<std::string, testing::RestoredEntry> found;
    if (!std::filesystem::exists(root_)) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      const std::string path = entry.path().string();
      // The name that a file under way has.
      if (entry.path().filename().string().starts_with(".plakar-")) continue;
      const struct ::stat stat = stat_of(path);
      testing::RestoredEntry& shown = found[path.substr(root_.size())];
      shown.permissions = stat.st_mode & 07777u;
      shown.mod_time = {.seconds = stat.st_mtim.tv_sec,
                        .nanoseconds = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec)};
      if (S_ISDIR(stat.st_mode)) {
        shown.kind = RecordKind::directory;
      } else if (S_ISLNK(stat.st_mode)) {
        shown.kind = RecordKind::symlink;
        shown.content = std::filesystem::read_symlink(entry.path()).string();
      } else if (S_ISREG(stat.st_mode)) {
        shown.content = content_of(entry.path());
      } else {
        shown.kind = RecordKind::special;
      }
      const auto names = system_files().list_xattrs(path);
      if (!names) continue;
      for (const std::string& name : *names) {
        if (!name.starts_with("user.")) continue;
        shown.attributes[name] = to_text(*system_files().read_xattr(path, name));
      }
    }
    return found;
  }

  bool keeps_metadata() const override {
    return ::setxattr(directory_.path().c_str(), "user.probe", "", 0, 0) == 0;
  }

 private:
  TempDir directory_;
  std::string root_ = directory_ / "root";
};

}  // namespace

TEST_SUITE("fs destination") {
  TEST_CASE("is a destination") {
    testing::run_destination_suite([] { return std::make_unique<FsPlace>(); });
  }

  TEST_CASE("the root is made with its parents, private until its record says more") {
    const TempDir directory;
    const std::string root = directory / "a/b/root";
    auto to = destination_at(root);
    CHECK(to->ping());
    CHECK_FALSE(std::filesystem::exists(directory / "a"));
    CHECK(put(*to, file("/f")));
    CHECK(mode_of(root) == 0700);
    CHECK(to->put(directory_record("/", 0751)));
    CHECK(finish(*to).empty());
    CHECK(mode_of(root) == 0751);
    CHECK(stat_of(root).st_mtim.tv_sec == 1'500'000'000);
  }

  TEST_CASE("a root that was there keeps its metadata, and may be reached through a link") {
    const TempDir directory;
    std::filesystem::create_directory(directory / "real");
    REQUIRE(::chmod((directory / "real").c_str(), 0755) == 0);
    std::filesystem::create_directory_symlink("real", directory / "link");
    auto to = destination_at(directory / "link");
    CHECK(to->put(directory_record("/", 0700)));
    CHECK(put(*to, file("/f")));
    CHECK(finish(*to).empty());
    CHECK(mode_of(directory / "real") == 0755);
    CHECK(stat_of(directory / "real").st_mtim.tv_sec != 1'500'000'000);
    CHECK(std::filesystem::exists(directory / "real/f"));
  }

  TEST_CASE("a root that is a file can be neither reached nor used") {
    const TempDir directory;
    std::ofstream(directory / "f") << "x";
    auto to = destination_at(directory / "f");
    CHECK_FALSE(to->ping());
    CHECK_FALSE(put(*to, file("/g")));
    CHECK(content_of(directory / "f") == "x");
  }

  TEST_CASE("modes, with special bits, and times far from now are what was recorded") {
    const TempDir directory;
    auto to = destination_at(directory / "r");
    Record old = file("/old", 04711);
    old.mod_time = {.seconds = -1'000'000'000, .nanoseconds = 999'999'999};
    Record future = file("/future", 0444);
    future.mod_time = {.seconds = 7'000'000'000, .nanoseconds = 1};
    Record unknown = file("/unknown");
    unknown.mod_time = {};
    CHECK(put(*to, old));
    CHECK(put(*to, future));
    CHECK(put(*to, unknown));
    CHECK(to->put(directory_record("/sticky", 01777)));
    CHECK(to->put(directory_record("/group", 02770)));
    CHECK(finish(*to).empty());
    CHECK(mode_of(directory / "r/old") == 04711);
    CHECK(stat_of(directory / "r/old").st_mtim.tv_sec == -1'000'000'000);
    CHECK(stat_of(directory / "r/old").st_mtim.tv_nsec == 999'999'999);
    CHECK(stat_of(directory / "r/future").st_mtim.tv_sec == 7'000'000'000);
    CHECK(stat_of(directory / "r/unknown").st_mtim.tv_sec > 1'600'000'000);
    CHECK(mode_of(directory / "r/sticky") == 01777);
    CHECK(mode_of(directory / "r/group") == 02770);
  }

  TEST_CASE("root sets owners, of links too, unless told not to") {
    if (::geteuid() != 0) PLK_SKIP("only root gives files away");
    const TempDir directory;
    const auto restore = [&](const std::string& root, bool owners) {
      auto to = destination_at(root, {.owners = owners});
      Record program = file("/program", 06755);
      program.uid = 1234;
      program.gid = 5678;
      program.attributes = {{.name = "user.note", .value = to_bytes("kept")}};
      Record link = record(RecordKind::symlink, FileType::symlink, 0777, "/link");
      link.target = "program";
      link.uid = 4321;
      Record fifo = special(FileType::fifo, "/fifo");
      fifo.uid = 1234;
      Record below = directory_record("/d", 0700);
      below.uid = 1234;
      CHECK(put(*to, program));
      CHECK(to->put(link));
      CHECK(to->put(fifo));
      CHECK(to->put(below));
      Record nobody = file("/nobody");
      nobody.uid = UINT64_MAX;
      CHECK(put(*to, nobody));
      return finish(*to);
    };
    const auto failures = restore(directory / "with", true);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].path == "/nobody");
    CHECK(failures[0].code == Errc::unsupported);
    CHECK(std::filesystem::exists(directory / "with/nobody"));
    CHECK(stat_of(directory / "with/program").st_uid == 1234);
    CHECK(stat_of(directory / "with/program").st_gid == 5678);
    CHECK(mode_of(directory / "with/program") == 06755);
    CHECK(stat_of(directory / "with/link").st_uid == 4321);
    CHECK(stat_of(directory / "with/fifo").st_uid == 1234);
    CHECK(stat_of(directory / "with/d").st_uid == 1234);

    // A program that would be root's now does not run as root.
    const auto without = restore(directory / "without", false);
    REQUIRE(without.size() == 1);
    CHECK(without[0].path == "/program");
    CHECK(stat_of(directory / "without/program").st_uid == 0);
    CHECK(mode_of(directory / "without/program") == 0755);
  }

  TEST_CASE("set-id bits do not come with another owner") {
    const TempDir directory;
    const testing::WithoutPrivilege nobody(directory.path());
    auto to = destination_at(directory / "r");
    Record program = file("/program", 04755);
    program.uid = 0;
    CHECK(put(*to, program));
    const auto failures = finish(*to);
    REQUIRE(failures.size() == 1);
    CHECK(failures[0].path == "/program");
    CHECK(mode_of(directory / "r/program") == 0755);
  }

  TEST_CASE("without permissions everything gets the same ones") {
    const TempDir directory;
    auto to = destination_at(directory / "r", {.owners = false, .permissions = false});
    CHECK(put(*to, file("/f", 04777)));
    CHECK(to->put(directory_record("/d", 0777)));
    CHECK(finish(*to).empty());
    CHECK(mode_of(directory / "r/f") == 0640);
    CHECK(mode_of(directory / "r/d") == 0750);
    REQUIRE(::chmod((directory / "r/d").c_str(), 0511) == 0);
    auto again = destination_at(directory / "r", {.owners = false, .permissions = false});
    CHECK(again->put(directory_record("/d", 0777)));
    CHECK(put(*again, file("/d/f")));
    CHECK(finish(*again).empty());
    CHECK(mode_of(directory / "r/d") == 0511);
  }

  TEST_CASE("a read-only directory that was there takes what is restored into it") {
    const TempDir directory;
    for (int round = 0; round < 2; ++round) {
      auto to = destination_at(directory / "r");
      CHECK(to->put(directory_record("/d", 0500)));
      CHECK(put(*to, file("/d/f", 0400), std::to_string(round)));
      CHECK(finish(*to).empty());
    }
    CHECK(content_of(directory / "r/d/f") == "1");
    CHECK(mode_of(directory / "r/d") == 0500);
    REQUIRE(::chmod((directory / "r/d").c_str(), 0700) == 0);
  }

  TEST_CASE("fifos and sockets are made, devices are refused with the reason") {
    const TempDir directory;
    auto to = destination_at(directory / "r");
    CHECK(to->put(special(FileType::fifo, "/fifo")));
    CHECK(to->put(special(FileType::socket, "/socket")));
    for (const FileType type : {FileType::character_device, FileType::block_device}) {
      const auto refused = to->put(special(type, "/device"));
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == Errc::unsupported);
      CHECK(refused.error().message().find("device numbers") != std::string::npos);
    }
    CHECK(finish(*to).empty());
    CHECK(S_ISFIFO(stat_of(directory / "r/fifo").st_mode));
    CHECK(S_ISSOCK(stat_of(directory / "r/socket").st_mode));
    CHECK(mode_of(directory / "r/fifo") == 0640);
    CHECK(stat_of(directory / "r/fifo").st_mtim.tv_sec == 1'500'000'000);
    CHECK_FALSE(std::filesystem::exists(directory / "r/device"));
  }

  TEST_CASE("further names are links to what was restored here, and to nothing else") {
    const TempDir directory;
    Record first = file("/first");
    first.nlink = 2;
    Record second = first;
    second.kind = RecordKind::hardlink;
    second.path = "/second";
    second.target = "/first";
    for (int round = 0; round < 2; ++round) {
      auto to = destination_at(directory / "r");
      CHECK(put(*to, first));
      CHECK(to->put(second));
      CHECK(to->put(second));  // The same file already: nothing to do, and nothing left.
      CHECK(finish(*to).empty());
      CHECK(stat_of(directory / "r/first").st_ino == stat_of(directory / "r/second").st_ino);
      CHECK(stat_of(directory / "r/first").st_nlink == 2);
      CHECK(temporaries_below(directory / "r") == 0);
    }
    // Somebody's own file is kept, so it is not what the record means.
    REQUIRE(::unlink((directory / "r/second").c_str()) == 0);
    auto to = destination_at(directory / "r", {.existing = Existing::skip});
    CHECK(put(*to, first));
    CHECK(to->put(second).error().code() == Errc::not_found);
    CHECK_FALSE(std::filesystem::exists(directory / "r/second"));
  }

  TEST_CASE("zeros are a hole") {
    const TempDir directory;
    auto to = destination_at(directory / "r");
    const auto writer = to->put(file("/f"));
    REQUIRE(writer);
    CHECK((*writer)->write_zeros(50'000'000));
    CHECK((*writer)->write(as_bytes("end")));
    CHECK((*writer)->write_zeros(50'000'000));
    CHECK((*writer)->commit());
    CHECK(stat_of(directory / "r/f").st_size == 100'000'003);
    CHECK(stat_of(directory / "r/f").st_blocks * 512 < 1'000'000);
  }

  TEST_CASE("no link leads out, whether it was there, was restored, or appears meanwhile") {
    const TempDir directory;
    const std::string root = directory / "r";
    std::filesystem::create_directories(root);
    std::filesystem::create_directories(directory / "outside");
    std::filesystem::create_directory_symlink(directory / "outside", root + "/there");
    auto to = destination_at(root);
    CHECK_FALSE(put(*to, file("/there/f")));
    Record link = record(RecordKind::symlink, FileType::symlink, 0777, "/restored");
    link.target = directory / "outside";
    CHECK(to->put(link));
    CHECK_FALSE(put(*to, file("/restored/f")));
    CHECK_FALSE(put(*to, file("/restored/deeper/f")));

    // A directory in use becomes a link: the one that is open goes on to be used.
    CHECK(to->put(directory_record("/d")));
    CHECK(put(*to, file("/d/before")));
    std::filesystem::rename(root + "/d", root + "/moved");
    std::filesystem::create_directory_symlink(directory / "outside", root + "/d");
    CHECK(put(*to, file("/d/after")));
    CHECK(std::filesystem::exists(root + "/moved/after"));
    static_cast<void>(finish(*to));
    CHECK(std::filesystem::is_empty(directory / "outside"));
    CHECK(std::filesystem::is_symlink(root + "/d"));
  }

  TEST_CASE("a tree deeper than the kernel takes at once is made to its end") {
    const TempDir directory;
    const std::string root = directory / "r";
    auto to = destination_at(root);
    std::string path;
    for (int depth = 0; depth < 40; ++depth) {
      path += "/" + std::string(200, 'd');
      REQUIRE(to->put(directory_record(path, 0711)));
    }
    CHECK(put(*to, file(path + "/bottom"), "found"));
    CHECK(finish(*to).empty());
    // Looked at and removed from below, as the temporary directory's own removal cannot.
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(root);
    for (int depth = 0; depth < 40; ++depth) REQUIRE(::chdir(std::string(200, 'd').c_str()) == 0);
    CHECK(content_of("bottom") == "found");
    CHECK(mode_of(".") == 0711);
    REQUIRE(::unlink("bottom") == 0);
    for (int depth = 0; depth < 40; ++depth) {
      REQUIRE(::chdir("..") == 0);
      REQUIRE(::rmdir(std::string(200, 'd').c_str()) == 0);
    }
    std::filesystem::current_path(before);
  }

  TEST_CASE("metadata that cannot be set is reported, and the content is there") {
    const TempDir directory;
    FaultyFileCalls faulty(system_file_calls(),
                           {.kind = CallKind::set_times, .error = EPERM, .repeats = true});
    FileSystem files(faulty);
    auto to = destination_at(directory / "r", {}, files);
    CHECK(to->put(directory_record("/d")));
    CHECK(put(*to, file("/d/f"), "content"));
    const auto failures = finish(*to);
    REQUIRE(failures.size() == 2);
    CHECK(failures[0].path == "/d/f");
    CHECK(failures[1].path == "/d");
    CHECK(content_of(directory / "r/d/f") == "content");
  }

  TEST_CASE("an access list that cannot be set leaves its group without rights") {
    const TempDir directory;
    FaultyFileCalls faulty(system_file_calls(),
                           {.kind = CallKind::write_xattr, .error = EOPNOTSUPP, .repeats = true});
    FileSystem files(faulty);
    auto to = destination_at(directory / "r", {}, files);
    Record listed = file("/f", 0664);
    listed.attributes = {{.name = "system.posix_acl_access", .value = to_bytes("list")}};
    CHECK(put(*to, listed));
    CHECK(finish(*to).size() == 1);
    CHECK(mode_of(directory / "r/f") == 0604);
  }

  TEST_CASE("whatever call fails, a file is whole or reported, and nothing is left behind") {
    const auto restore = [](const std::string& root, FileSystem& files) {
      auto to = destination_at(root, {}, files);
      std::size_t failed = 0;
      Record first = file("/d/f", 0640);
      first.nlink = 2;
      Record again = first;
      again.kind = RecordKind::hardlink;
      again.path = "/d/g";
      again.target = "/d/f";
      Record link = record(RecordKind::symlink, FileType::symlink, 0777, "/l");
      link.target = "d";
      for (const Record& what : {directory_record("/", 0755), directory_record("/d", 0750), first,
                                 link, special(FileType::fifo, "/p"), again}) {
        if (!put(*to, what, "content")) ++failed;
      }
      return failed + finish(*to).size();
    };
    std::uint64_t nth = 1;
    for (;; ++nth) {
      CAPTURE(nth);
      const TempDir directory;
      FaultyFileCalls faulty(system_file_calls(), {.nth = nth, .error = EIO});
      FileSystem files(faulty);
      const std::size_t failures = restore(directory / "r", files);
      if (!faulty.fired()) {
        CHECK(failures == 0);
        break;
      }
      if (!std::filesystem::exists(directory / "r")) continue;
      // A failing removal may leave one, and closing tells of nothing but content.
      CHECK(temporaries_below(directory / "r") == 0);
      const bool is_whole = std::filesystem::exists(directory / "r/d/f") &&
                            mode_of(directory / "r/d") == 0750 &&
                            std::filesystem::exists(directory / "r/d/g") &&
                            std::filesystem::is_symlink(directory / "r/l") &&
                            std::filesystem::exists(directory / "r/p");
      const bool is_told = failures > 0 || is_whole;
      CHECK(is_told);
      if (std::filesystem::exists(directory / "r/d/f")) {
        CHECK(content_of(directory / "r/d/f") == "content");
      }
    }
    CHECK(nth > 20);
  }

  TEST_CASE("a failed write fails the file, also when the next one would succeed") {
    const TempDir directory;
    FaultyFileCalls faulty(system_file_calls(), {.kind = CallKind::write_at, .error = ENOSPC});
    FileSystem files(faulty);
    auto to = destination_at(directory / "r", {}, files);
    const auto writer = to->put(file("/f"));
    REQUIRE(writer);
    CHECK((*writer)->write(as_bytes("lost")).error().code() == Errc::out_of_space);
    CHECK_FALSE((*writer)->write(as_bytes("kept")));
    CHECK_FALSE((*writer)->commit());
    CHECK_FALSE(std::filesystem::exists(directory / "r/f"));
  }

  TEST_CASE("where no rename refuses to replace, a link does") {
    const TempDir directory;
    FaultyFileCalls faulty(system_file_calls(),
                           {.kind = CallKind::rename, .error = EINVAL, .repeats = true});
    FileSystem files(faulty);
    auto to = destination_at(directory / "r", {.existing = Existing::fail}, files);
    const auto writer = to->put(file("/f"));
    REQUIRE(writer);
    std::ofstream(directory / "r/f") << "somebody's";
    CHECK_FALSE((*writer)->commit());
    CHECK(content_of(directory / "r/f") == "somebody's");
  }
}

}  // namespace plakar::connectors
