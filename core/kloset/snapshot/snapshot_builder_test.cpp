#include "core/kloset/snapshot/snapshot_builder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/env.h"
#include "core/base/testing/seeded_random.h"
#include "core/kloset/snapshot/internal/listing_key.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_blobs.h"
#include "core/kloset/tree/path.h"
#include "tests/support/temp_dir.h"

namespace plakar::kloset {
namespace {

using plakar::testing::SeededRandom;

struct Added {
  std::string path;
  FileMode mode{};
  std::int64_t size = 0;
};

std::string random_path(SeededRandom& random) {
  std::string path;
  for (std::uint64_t depth = 1 + random.below(5); depth > 0; --depth) {
    // Names that begin with each other, and some that sort around a slash.
    constexpr std::array<std::string_view, 8> names{"a",  "a!",   "a0", "b",
                                                    "ab", "\x01", "z",  "\xff"};
    path.append("/").append(names[random.below(names.size())]);
  }
  return path;
}

// Files and directories at random, some of them twice, some below files, many without parents.
std::vector<Added> random_entries(SeededRandom& random) {
  std::vector<Added> entries;
  for (std::uint64_t count = random.below(300); count > 0; --count) {
    const bool is_dir = random.below(3) == 0;
    entries.push_back(
        {.path = random_path(random),
         .mode = make_file_mode(is_dir ? FileType::directory : FileType::regular, 0644),
         .size = static_cast<std::int64_t>(random.below(1000))});
  }
  if (random.coin()) {
    entries.push_back({.path = "/", .mode = make_file_mode(FileType::directory, 0700), .size = 0});
  }
  return entries;
}

VfsEntry entry_of(const Added& added) {
  VfsEntry entry;
  entry.parent_path = parent_of(added.path);
  entry.file_info.name = name_of(added.path);
  entry.file_info.mode = added.mode;
  entry.file_info.size = added.size;
  if (is_regular(added.mode)) {
    entry.content_type = "text/plain; charset=utf-8";
    entry.object = Mac{};
  }
  return entry;
}

struct Built {
  HeaderSource source;
  std::set<std::string> left_out;
};

Built build(testing::MemoryBlobs& blobs, const std::vector<Added>& entries,
            const std::vector<std::string>& errors, const SnapshotBuilder::Options& options) {
  const auto chunker = Chunker::create({"fastcdc-v1.0.0", 4096, 16384, 65536});
  REQUIRE(chunker);
  SnapshotBuilder builder(blobs, *chunker, options);
  for (const Added& added : entries) REQUIRE(builder.add_entry(entry_of(added)));
  for (const std::string& path : errors) REQUIRE(builder.add_error(path, "cannot be read"));
  Built built;
  auto source = builder.finish({}, [&](std::string_view path, std::string_view) {
    built.left_out.insert(std::string(path));
  });
  REQUIRE(source);
  built.source = *std::move(source);
  return built;
}

}  // namespace

TEST_SUITE("snapshot builder") {
  TEST_CASE("every entry that can be reached is in the snapshot, and every other an error of it") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    for (int round = 0; round < 100; ++round) {
      CAPTURE(round);
      const std::vector<Added> entries = random_entries(random);
      std::vector<std::string> errors;
      for (std::uint64_t count = random.below(5); count > 0; --count) {
        errors.push_back(random_path(random));
      }
      testing::MemoryBlobs blobs;
      const Built built = build(blobs, entries, errors, {});

      // The last of each path counts, and what lies below a file does not.
      std::map<std::string, Added> wanted;
      for (const Added& added : entries) wanted[added.path] = added;
      std::set<std::string> left_out;
      const auto last = wanted;
      for (const auto& [path, added] : last) {
        for (std::string above = path; above != "/";) {
          above = parent_of(above);
          const auto found = last.find(above);
          if (found == last.end() || is_directory(found->second.mode)) continue;
          left_out.insert(path);
          wanted.erase(path);
          break;
        }
      }
      CHECK(built.left_out == left_out);

      SnapshotHeader header;
      header.identifier = SnapshotId{};
      header.sources.push_back(built.source);
      blobs.items[{ResourceType::snapshot, Mac{}}] = encode_header(header);
      auto snapshot = SnapshotReader::open(blobs, SnapshotId{});
      REQUIRE(snapshot);
      std::set<std::string> found;
      std::uint64_t files = 0;
      REQUIRE(snapshot->walk(
          "/",
          [&](const VfsEntry& entry, const Mac& id) -> Status {
            const std::string path = entry.path();
            CHECK(found.insert(path).second);
            const auto by_path = PLK_TRY(snapshot->find(path));
            REQUIRE(by_path);
            CHECK(by_path->id() == id);
            if (!is_directory(entry.file_info.mode)) ++files;
            const auto same = wanted.find(path);
            if (same == wanted.end()) {
              // Made up, and needed for what is below it.
              CHECK(is_directory(entry.file_info.mode));
              CHECK((path == "/" || std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) {
                       return is_within(one.first, path);
                     })));
            } else {
              CHECK(same->second.mode == entry.file_info.mode);
              CHECK(same->second.size == entry.file_info.size);
            }
            return {};
          },
          [](const std::string&, const Error& error) -> Status { return error; }));
      for (const auto& [path, added] : wanted) CHECK(found.contains(path));
      const Totals& directory = built.source.summary.directory;
      const Totals& below = built.source.summary.below;
      CHECK(directory.files + below.files == files);
      CHECK(directory.children + below.children == found.size() - 1);
      std::set<std::string> error_paths(errors.begin(), errors.end());
      error_paths.insert(left_out.begin(), left_out.end());
      std::set<std::string> told;
      REQUIRE(snapshot->errors("/", [&](std::string_view path, std::string_view) -> Status {
        told.insert(std::string(path));
        return {};
      }));
      CHECK(told == error_paths);
    }
  }

  TEST_CASE("what was sorted on disk makes the same trees, in whatever order it came") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    SeededRandom random(seed);
    const plakar::testing::TempDir directory;
    const SnapshotBuilder::Options tiny{
        .spill = {.files = &system_env().files, .random = &random, .directory = directory.path()},
        .memory_bytes = 2000};
    for (int round = 0; round < 30; ++round) {
      std::vector<Added> entries = random_entries(random);
      testing::MemoryBlobs blobs;
      const Built wanted = build(blobs, entries, {"/a/b"}, {});
      const Built spilled = build(blobs, entries, {"/a/b"}, tiny);
      CHECK(spilled.left_out == wanted.left_out);
      CHECK(spilled.source.roots.vfs == wanted.source.roots.vfs);
      CHECK(spilled.source.roots.errors == wanted.source.roots.errors);
      CHECK(spilled.source.summary == wanted.source.summary);
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(spilled.source.indexes[i].value == wanted.source.indexes[i].value);
      }
      // Each path once, so that no order of coming counts.
      std::map<std::string, Added> once;
      for (const Added& added : entries) once[added.path] = added;
      std::vector<Added> shuffled;
      for (const auto& [path, added] : once) shuffled.push_back(added);
      for (std::size_t i = shuffled.size(); i > 1; --i) {
        std::swap(shuffled[i - 1], shuffled[random.below(i)]);
      }
      const Built again = build(blobs, shuffled, {"/a/b"}, tiny);
      CHECK(again.source.roots.vfs == wanted.source.roots.vfs);
      CHECK(again.source.indexes[1].value == wanted.source.indexes[1].value);
      CHECK(again.source.summary == wanted.source.summary);
    }
    CHECK(std::filesystem::is_empty(directory.path()));
  }

  TEST_CASE("keys of entries sort as a walk meets them, and come apart again") {
    const std::vector<std::string> paths{"/",   "/a",    "/a/b", "/a/b/c", "/a\x01",
                                         "/a!", "/a!/b", "/ab",  "/b"};
    for (std::size_t i = 0; i < paths.size(); ++i) {
      const std::string key = directory_key(paths[i]);
      CHECK(directory_path(key) == paths[i]);
      for (std::size_t j = 0; j < paths.size(); ++j) {
        const std::string other = directory_key(paths[j]);
        CHECK((key < other) == (i < j));
        CHECK(is_key_within(other, key) == is_within(paths[j], paths[i]));
        CHECK((entry_key(paths[i], "z") < entry_key(paths[j], "a")) == (i < j));
      }
      const std::string whole = entry_key(paths[i], "name");
      const EntryKeyParts parts = split_entry_key(whole);
      CHECK(parts.directory == key);
      CHECK(parts.name == "name");
    }
  }
}

}  // namespace plakar::kloset
