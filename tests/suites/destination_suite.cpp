#include "tests/suites/destination_suite.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace plakar::testing {
namespace {

using kloset::Destination;
using kloset::Existing;
using kloset::Record;
using kloset::RecordKind;

constexpr UnixTime some_time{.seconds = 1'600'000'000, .nanoseconds = 123'456'789};

Record record(RecordKind kind, FileType type, std::uint32_t permissions, std::string path) {
  Record made;
  made.kind = kind;
  made.path = std::move(path);
  made.mode = kloset::make_file_mode(type, permissions);
  made.mod_time = some_time;
  made.nlink = 1;
  return made;
}

Record directory(std::string path, std::uint32_t permissions = 0755) {
  return record(RecordKind::directory, FileType::directory, permissions, std::move(path));
}
Record file(std::string path, std::uint32_t permissions = 0644) {
  return record(RecordKind::regular, FileType::regular, permissions, std::move(path));
}
Record symlink(std::string path, std::string target) {
  Record made = record(RecordKind::symlink, FileType::symlink, 0777, std::move(path));
  made.target = std::move(target);
  return made;
}

Status put_file(Destination& to, const Record& what, std::string_view content) {
  const auto writer = PLK_TRY(to.put(what));
  if (writer == nullptr) return {};
  PLK_TRY(writer->write(as_bytes(content)));
  return writer->commit();
}

void put(Destination& to, const Record& what) {
  CAPTURE(what.path);
  const auto writer = to.put(what);
  REQUIRE(writer);
  CHECK(*writer == nullptr);
}

void finish(Destination& destination) {
  REQUIRE(destination.finish([](const std::string& path, const Error& error) {
    FAIL_CHECK(path, ": ", error.message());
  }));
}

std::vector<std::string> paths(DestinationPlace& place) {
  std::vector<std::string> all;
  for (const auto& [path, entry] : place.look()) all.push_back(path);
  return all;
}

}  // namespace

void run_destination_suite(const std::function<std::unique_ptr<DestinationPlace>()>& make_place) {
  const auto place = make_place();

  SUBCASE("what was put is there, as it was recorded") {
    const auto to = place->open(Existing::replace, {});
    CHECK(to->ping());
    CHECK_FALSE(to->location().empty());
    const std::string awkward = "/d/\xff new\nline " + std::string(200, 'n');
    put(*to, directory("/", 0755));
    put(*to, directory("/d", 0500));
    put(*to, directory("/d/deeper", 0711));
    CHECK(put_file(*to, file("/d/deeper/f", 0604), "content"));
    CHECK(put_file(*to, file(awkward, 0400), "x"));
    CHECK(put_file(*to, file("/empty"), ""));
    put(*to, symlink("/l", "d/nowhere"));
    finish(*to);
    const auto found = place->look();
    CHECK(paths(*place) ==
          std::vector<std::string>{"/d", "/d/deeper", "/d/deeper/f", awkward, "/empty", "/l"});
    CHECK(found.at("/d").kind == RecordKind::directory);
    CHECK(found.at("/d/deeper/f").content == "content");
    CHECK(found.at("/l").kind == RecordKind::symlink);
    CHECK(found.at("/l").content == "d/nowhere");
    if (!place->keeps_metadata()) return;
    CHECK(found.at("/d").permissions == 0500);
    CHECK(found.at("/d/deeper").permissions == 0711);
    CHECK(found.at("/d/deeper/f").permissions == 0604);
    CHECK(found.at(awkward).permissions == 0400);
    for (const auto& [path, entry] : found) {
      CAPTURE(path);
      CHECK(entry.mod_time == some_time);
    }
  }

  SUBCASE("content comes in pieces, with runs of zeros between them") {
    const auto to = place->open(Existing::replace, {});
    const auto writer = to->put(file("/f"));
    REQUIRE(writer);
    CHECK((*writer)->write_zeros(5000));
    CHECK((*writer)->write(as_bytes("abc")));
    CHECK((*writer)->write({}));
    CHECK((*writer)->write_zeros(0));
    CHECK((*writer)->write(as_bytes("def")));
    CHECK((*writer)->write_zeros(100'000));
    CHECK((*writer)->commit());
    const auto holes = to->put(file("/zeros"));
    REQUIRE(holes);
    CHECK((*holes)->write_zeros(70'000));
    CHECK((*holes)->commit());
    finish(*to);
    const auto found = place->look();
    CHECK(found.at("/f").content ==
          std::string(5000, '\0') + "abcdef" + std::string(100'000, '\0'));
    CHECK(found.at("/zeros").content == std::string(70'000, '\0'));
  }

  SUBCASE("a writer that is dropped leaves nothing, and what was there") {
    const auto to = place->open(Existing::replace, {});
    CHECK(put_file(*to, file("/f"), "old"));
    for (const char* path : {"/f", "/g"}) {
      const auto writer = to->put(file(path));
      REQUIRE(writer);
      CHECK((*writer)->write(as_bytes("new")));
      CHECK(place->look().size() <= 2);
    }
    finish(*to);
    CHECK(paths(*place) == std::vector<std::string>{"/f"});
    CHECK(place->look().at("/f").content == "old");
  }

  SUBCASE("a writer ends once") {
    const auto to = place->open(Existing::replace, {});
    const auto writer = to->put(file("/f"));
    REQUIRE(writer);
    CHECK((*writer)->commit());
    CHECK_FALSE((*writer)->write(as_bytes("more")));
    CHECK_FALSE((*writer)->commit());
    CHECK(place->look().at("/f").content.empty());
  }

  SUBCASE("what is there is replaced, kept or refused, as asked") {
    {
      const auto to = place->open(Existing::replace, {});
      put(*to, directory("/d"));
      CHECK(put_file(*to, file("/d/f"), "old"));
      put(*to, symlink("/l", "old"));
      finish(*to);
    }
    {
      const auto to = place->open(Existing::skip, {});
      put(*to, directory("/d"));
      const auto writer = to->put(file("/d/f"));
      REQUIRE(writer);
      CHECK(*writer == nullptr);
      put(*to, symlink("/l", "new"));
      CHECK(put_file(*to, file("/d/g"), "added"));
      finish(*to);
      CHECK(place->look().at("/d/f").content == "old");
      CHECK(place->look().at("/l").content == "old");
      CHECK(place->look().at("/d/g").content == "added");
    }
    {
      const auto to = place->open(Existing::fail, {});
      put(*to, directory("/d"));
      CHECK(to->put(file("/d/f")).error().code() == Errc::already_exists);
      CHECK(to->put(symlink("/l", "new")).error().code() == Errc::already_exists);
      CHECK(put_file(*to, file("/d/h"), "added"));
      finish(*to);
      CHECK(place->look().at("/d/f").content == "old");
    }
    {
      const auto to = place->open(Existing::replace, {});
      put(*to, directory("/d"));
      CHECK(put_file(*to, file("/d/f"), "new"));
      put(*to, symlink("/l", "new"));
      CHECK(put_file(*to, file("/d/g"), "new"));
      finish(*to);
      const auto found = place->look();
      CHECK(found.at("/d/f").content == "new");
      CHECK(found.at("/l").content == "new");
      CHECK(found.at("/d/h").content == "added");
      CHECK(found.size() == 5);
    }
  }

  SUBCASE(
      "files and links take the place of each other, and no directory's or the other way round") {
    const auto to = place->open(Existing::replace, {});
    CHECK(put_file(*to, file("/f"), "file"));
    put(*to, symlink("/l", "f"));
    put(*to, directory("/d"));
    finish(*to);
    const auto again = place->open(Existing::replace, {});
    put(*again, symlink("/f", "elsewhere"));
    CHECK(put_file(*again, file("/l"), "now a file"));
    CHECK_FALSE(put_file(*again, file("/d"), "x"));
    CHECK_FALSE(again->put(symlink("/d", "x")));
    CHECK(again->put(directory("/f")).error().code() == Errc::already_exists);
    CHECK(again->put(directory("/l")).error().code() == Errc::already_exists);
    finish(*again);
    CHECK(place->look().at("/l").content == "now a file");
    CHECK(place->look().at("/d").kind == RecordKind::directory);
    CHECK(place->look().at("/f").kind == RecordKind::symlink);
  }

  SUBCASE("paths that lead out, and entries below something else, are refused") {
    const auto to = place->open(Existing::replace, {});
    for (const char* path :
         {"", "f", "/..", "/../f", "/d/../../f", "/./f", "//f", "/f/", "/d//f"}) {
      CAPTURE(path);
      CHECK_FALSE(put_file(*to, file(path), "x"));
    }
    put(*to, symlink("/l", "."));
    CHECK(put_file(*to, file("/f"), "x"));
    CHECK_FALSE(put_file(*to, file("/l/f"), "overwritten"));
    CHECK_FALSE(put_file(*to, file("/f/below"), "x"));
    CHECK_FALSE(put_file(*to, file("/absent/below"), "x"));
    finish(*to);
    CHECK(paths(*place) == std::vector<std::string>{"/f", "/l"});
    CHECK(place->look().at("/f").content == "x");
  }

  SUBCASE("what is no entry, and devices, are refused and not half made") {
    const auto to = place->open(Existing::replace, {});
    Record error = file("/e");
    error.kind = RecordKind::error;
    CHECK(to->put(error).error().code() == Errc::unsupported);
    Record xattr = file("/x");
    xattr.kind = RecordKind::xattr;
    CHECK(to->put(xattr).error().code() == Errc::unsupported);
    finish(*to);
    CHECK(paths(*place).empty());
  }

  SUBCASE("further names of a file are the same file, where there is such a thing") {
    const auto to = place->open(Existing::replace, {});
    if (!to->traits().hardlinks) return;
    Record first = file("/first");
    first.nlink = 3;
    CHECK(put_file(*to, first, "shared"));
    put(*to, directory("/d"));
    for (const char* path : {"/d/second", "/third"}) {
      Record link = first;
      link.kind = RecordKind::hardlink;
      link.path = path;
      link.target = "/first";
      put(*to, link);
    }
    Record lost = first;
    lost.kind = RecordKind::hardlink;
    lost.path = "/lost";
    lost.target = "/absent";
    CHECK_FALSE(to->put(lost));
    finish(*to);
    const auto found = place->look();
    CHECK(found.at("/d/second").content == "shared");
    CHECK(found.at("/third").content == "shared");
    CHECK(found.size() == 4);
  }

  SUBCASE("attributes are set, where there is such a thing") {
    const auto to = place->open(Existing::replace, {});
    if (!to->traits().xattrs || !place->keeps_metadata()) return;
    Record with = file("/f", 0400);
    with.attributes = {{.name = "user.a", .value = {}},
                       {.name = "user.note", .value = to_bytes("text")}};
    CHECK(put_file(*to, with, "x"));
    Record below = directory("/d", 0500);
    below.attributes = {{.name = "user.d", .value = to_bytes("1")}};
    put(*to, below);
    finish(*to);
    using Attributes = std::map<std::string, std::string>;
    CHECK(place->look().at("/f").attributes == Attributes{{"user.a", ""}, {"user.note", "text"}});
    CHECK(place->look().at("/d").attributes == Attributes{{"user.d", "1"}});
  }

  SUBCASE("several threads put at once") {
    const auto to = place->open(Existing::replace, {});
    for (int d = 0; d < 4; ++d) put(*to, directory("/" + std::to_string(d)));
    std::atomic<int> failures = 0;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 3; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 60; ++i) {
          const std::string path =
              "/" + std::to_string(i % 4) + "/" + std::to_string(thread) + "-" + std::to_string(i);
          if (!put_file(*to, file(path), path)) ++failures;
        }
      });
    }
    threads.clear();
    CHECK(failures == 0);
    finish(*to);
    const auto found = place->look();
    CHECK(found.size() == 184);
    for (const auto& [path, entry] : found) {
      if (entry.kind == RecordKind::regular) CHECK(entry.content == path);
    }
  }

  SUBCASE("a cancel ends it, and leaves no part of a file") {
    const flow::CancelSource cancel;
    const auto to = place->open(Existing::replace, cancel.token());
    CHECK(put_file(*to, file("/before"), "x"));
    {
      const auto writer = to->put(file("/under way"));
      REQUIRE(writer);
      CHECK((*writer)->write(as_bytes("x")));
      cancel.cancel("test");
      CHECK((*writer)->write(as_bytes("y")).error().code() == Errc::cancelled);
      CHECK(to->put(file("/after")).error().code() == Errc::cancelled);
    }
    CHECK(paths(*place) == std::vector<std::string>{"/before"});
  }
}

}  // namespace plakar::testing
