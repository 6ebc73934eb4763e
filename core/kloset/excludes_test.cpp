#include "core/kloset/excludes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "core/base/process.h"
#include "core/base/testing/seeded_random.h"
#include "core/base/text.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar::kloset {
namespace {

using plakar::testing::SeededRandom;
using plakar::testing::TempDir;
using plakar::testing::test_seed;

Excludes rules(std::string_view text) {
  Excludes excludes;
  REQUIRE(excludes.add_text(text));
  return excludes;
}

bool file(std::string_view pattern, std::string_view path) {
  return rules(pattern).excludes(path, EntryKind::other);
}
bool directory(std::string_view pattern, std::string_view path) {
  return rules(pattern).excludes(path, EntryKind::directory);
}

// A repository of git's with nothing in it but directories.
class GitOracle {
 public:
  explicit GitOracle(const std::filesystem::path& directory) : directory_(directory) {
    git({"init", "-q", "."});
  }

  // Those of `paths` that git would ignore.
  std::set<std::string> ignored(const std::string& patterns, const std::string& paths) {
    std::ofstream(directory_ / ".git/info/exclude", std::ios::binary) << patterns;
    const std::string out =
        git({"check-ignore", "--no-index", "-z", "--stdin"}, as_bytes(paths), true);
    std::set<std::string> found;
    for (std::size_t at = 0; at < out.size();) {
      const std::size_t end = out.find('\0', at);
      found.insert(out.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }

 private:
  std::string git(std::vector<std::string> arguments, BytesView input = {}, bool may_be_1 = false) {
    auto environment = own_environment();
    environment.push_back("HOME=" + directory_.string());
    environment.push_back("GIT_CONFIG_NOSYSTEM=1");
    const auto ran = run(system_processes(),
                         {.program = "git",
                          .arguments = std::move(arguments),
                          .environment = std::move(environment),
                          .directory = directory_.string()},
                         input);
    REQUIRE(ran);
    const bool well = ran->status.success() || (may_be_1 && ran->status.code == 1);
    REQUIRE_MESSAGE(well, to_text(ran->errors));
    return to_text(ran->output);
  }

  std::filesystem::path directory_;
};

std::string random_pattern(SeededRandom& random) {
  static constexpr std::array<std::string_view, 36> pieces{
      "a",    "b",    "ab",    "a",    "b",           ".o",    "*",       "*",    "**",
      "?",    "/",    "/",     "/",    "**/",         "/**",   "***",     "[ab]", "[b",
      "[!a]", "[^b]", "[a-b]", "[]a]", "[a/b]",       "[b-a]", "-",       "\\",   "\\a",
      "\\*",  "!",    "#",     " ",    "[[:alpha:]]", "\\/",   "[[:x:]]", "\t",   "[\\]b]"};
  std::string pattern;
  if (random.below(5) == 0) pattern += "!";
  if (random.below(5) == 0) pattern += "/";
  for (std::uint64_t left = 1 + random.below(5); left > 0; --left) {
    pattern += pieces[random.below(pieces.size())];
  }
  if (random.below(5) == 0) pattern += "/";
  return pattern;
}

}  // namespace

TEST_SUITE("excludes") {
  TEST_CASE("a pattern without a slash means a name at any depth") {
    CHECK(file("cache", "/cache"));
    CHECK(file("cache", "/home/u/cache"));
    CHECK_FALSE(file("cache", "/home/cache/f"));
    CHECK_FALSE(file("cache", "/home/caches"));
    CHECK(file("*.o", "/x/y.o"));
    CHECK(file("*.o", "/x/.o"));
    CHECK_FALSE(file("*.o", "/x.o/y"));
    CHECK(file("a?c", "/abc"));
    CHECK_FALSE(file("a?c", "/ac"));
    CHECK(file("*a*b*c", "/xxaxxbxxbxxc"));
    CHECK_FALSE(file("*a*b*c", "/xxbxxaxxc"));
  }

  TEST_CASE("a pattern with a slash means a path from the root") {
    CHECK(file("home/u", "/home/u"));
    CHECK(file("/home", "/home"));
    CHECK_FALSE(file("/home", "/var/home"));
    CHECK_FALSE(file("u/x", "/home/u/x"));
    CHECK(file("home/*/tmp", "/home/u/tmp"));
    CHECK_FALSE(file("home/*/tmp", "/home/u/v/tmp"));
    CHECK_FALSE(file("home?u", "/home/u"));
    CHECK_FALSE(file("home[/]u", "/home/u"));
  }

  TEST_CASE("two stars between slashes stand for any number of directories") {
    CHECK(file("**/tmp", "/tmp"));
    CHECK(file("**/tmp", "/a/b/tmp"));
    CHECK(file("a/**", "/a/b/c"));
    CHECK_FALSE(file("a/**", "/a"));
    CHECK(file("a/**/b", "/a/b"));
    CHECK(file("a/**/b", "/a/x/y/b"));
    CHECK_FALSE(file("a/**/b", "/a/xb"));
    CHECK(file("**/a/**/b/**", "/x/a/b/a/c/b/d"));
    CHECK(file("x/**a", "/x/ba"));
    CHECK_FALSE(file("x/**a", "/x/b/a"));
  }

  // Not what git's manual says, but what git does.
  TEST_CASE("two stars behind the plain beginning of a path stand for directories, too") {
    CHECK(file("x/a**/b", "/x/a/b"));
    CHECK(file("x/a**/b", "/x/ab"));
    CHECK(file("x/a**/b", "/x/ac/d/b"));
    CHECK(file("x/a**", "/x/ac/d"));
    CHECK_FALSE(file("x/?**/b", "/x/a/c/b"));
    CHECK_FALSE(file("x/a**/b", "/x/a/cb"));
  }

  TEST_CASE("of patterns that are looked up and others the last decides") {
    const Excludes excludes = rules("*.o\n!k*.o\nkk.o\n!/a/kk.o\n**/z\n!z/\n*.tar.gz\n!*.gz\n");
    for (const char* path : {"/x.o", "/a/x.o", "/kk.o", "/b/z"}) {
      CAPTURE(path);
      CHECK(excludes.excludes(path, EntryKind::other));
    }
    for (const char* path : {"/k.o", "/a/kk.o", "/a.tar.gz"}) {
      CAPTURE(path);
      CHECK_FALSE(excludes.excludes(path, EntryKind::other));
    }
    CHECK_FALSE(excludes.excludes("/b/z", EntryKind::directory));
  }

  TEST_CASE("a slash at the end means directories only") {
    CHECK(directory("build/", "/x/build"));
    CHECK_FALSE(file("build/", "/x/build"));
    CHECK(rules("build/").excludes_or_above("/x/build/f", EntryKind::other));
  }

  TEST_CASE("the last pattern decides, but not below an excluded directory") {
    const Excludes excludes = rules("*.log\n!keep.log\nold/\n!old/keep.log\n");
    CHECK(excludes.excludes_or_above("/a.log", EntryKind::other));
    CHECK_FALSE(excludes.excludes_or_above("/x/keep.log", EntryKind::other));
    CHECK(excludes.excludes_or_above("/old/keep.log", EntryKind::other));
    CHECK_FALSE(rules("a\n!a").excludes("/a", EntryKind::other));
    CHECK(rules("!a\na").excludes("/a", EntryKind::other));
  }

  TEST_CASE("comments, empty lines, line ends and trailing spaces do not count") {
    const Excludes excludes = rules("\xEF\xBB\xBF# no\n\n  \na  \r\nb\\ \n\\#c\n\\!d\r\n\t\n");
    for (const char* path : {"/a", "/b ", "/#c", "/!d", "/\t"}) {
      CAPTURE(path);
      CHECK(excludes.excludes(path, EntryKind::other));
    }
    for (const char* path : {"/b", "/# no", "/", "/ ", "/c"}) {
      CAPTURE(path);
      CHECK_FALSE(excludes.excludes(path, EntryKind::other));
    }
    CHECK(rules("# nothing\n\n").empty());
  }

  TEST_CASE("sets know ranges, classes, negation and brackets of their own") {
    CHECK(file("[a-c]x", "/bx"));
    CHECK_FALSE(file("[!a-c]x", "/bx"));
    CHECK(file("[^a-c]x", "/dx"));
    CHECK(file("[]]", "/]"));
    CHECK(file("[!]]", "/x"));
    CHECK(file("[[:digit:]_-]", "/-"));
    CHECK(file("[[:upper:]]", "/Q"));
    CHECK_FALSE(file("[[:upper:]]", "/\xc4"));
    CHECK(file("[\\]]", "/]"));
    CHECK(file("[[:]", "/:"));
    CHECK(file("[\x80-\xff]", "/\xc4"));
  }

  TEST_CASE("a malformed pattern matches nothing") {
    for (const char* pattern : {"[a", "a\\", "[[:nothing:]]", "[a-", "[", "/", "!", "!/", "//a"}) {
      CAPTURE(pattern);
      CHECK_FALSE(file(pattern, "/a"));
      CHECK_FALSE(file(pattern, "/["));
    }
  }

  TEST_CASE("patterns made to take exponential time do not") {
    std::string stars;
    std::string globs;
    for (int i = 0; i < 60; ++i) stars += "*a";
    for (int i = 0; i < 60; ++i) globs += "**/a/";
    std::string path;
    for (int i = 0; i < 200; ++i) path += "/a";
    CHECK_FALSE(file(stars + "b", "/" + std::string(255, 'a')));
    CHECK_FALSE(file(globs + "b", path));
    CHECK(file(globs + "a", path));
  }

  TEST_CASE("patterns beyond the limits are refused") {
    Excludes excludes;
    CHECK(excludes.add_line(std::string(Excludes::pattern_size_max, 'a')));
    CHECK(excludes.add_line(std::string(Excludes::pattern_size_max + 1, 'a')).error().code() ==
          Errc::invalid_argument);
    CHECK_FALSE(excludes.add_line(std::string_view("a\0b", 3)));
    CHECK_FALSE(excludes.add_line("a\nb"));
    std::string many;
    for (std::size_t i = 0; i <= Excludes::pattern_count_max; ++i) many += "a\n";
    CHECK_FALSE(excludes.add_text(many));
  }

  TEST_CASE("random patterns exclude what git ignores") {
    const TempDir directory;
    if (!run(system_processes(),
             {.program = "git", .arguments = {"--version"}, .environment = own_environment()})) {
      PLK_SKIP("there is no git here to compare with");
    }
    const std::uint64_t seed = test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);

    std::vector<std::pair<std::string, EntryKind>> paths;
    const std::array<std::string, 4> directory_names{"a", "b", "ab", "a b"};
    const std::array<std::string, 9> file_names{"aa",  "a.o", "b.o", "!a", "#",
                                                "\\a", "[b",  "a ",  "a*"};
    const auto add_files = [&](const std::string& prefix) {
      for (const std::string& name : file_names)
        paths.emplace_back(prefix + name, EntryKind::other);
    };
    add_files("");
    for (const std::string& outer : directory_names) {
      paths.emplace_back(outer, EntryKind::directory);
      add_files(outer + "/");
      for (const std::string& inner : directory_names) {
        paths.emplace_back(outer + "/" + inner, EntryKind::directory);
        std::filesystem::create_directories(directory / paths.back().first);
        add_files(outer + "/" + inner + "/");
      }
    }
    std::string input;
    for (const auto& [path, kind] : paths) input += path + '\0';

    GitOracle git(directory.path());
    for (int round = 0; round < 150; ++round) {
      std::string patterns;
      Excludes excludes;
      for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
        const std::string pattern = random_pattern(random);
        patterns += pattern + (random.coin() ? "\n" : "\r\n");
      }
      REQUIRE(excludes.add_text(patterns));
      const auto ignored = git.ignored(patterns, input);
      for (const auto& [path, kind] : paths) {
        CAPTURE(escape(patterns));
        CAPTURE(path);
        REQUIRE(excludes.excludes_or_above("/" + path, kind) == ignored.contains(path));
      }
    }
  }
}

}  // namespace plakar::kloset
