// Stores that genuine Plakar wrote, read whole: every path that EXPECTED.txt names is there with
// its kind, mode, size, time and content, and nothing else is.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "core/base/hex.h"
#include "core/connectors/fs/store.h"
#include "core/crypto/sha256.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/path.h"
#include "core/ops/check.h"
#include "tests/compat/derived.h"
#include "tests/support/golden_stores.h"

namespace plakar {
namespace {

using kloset::Repository;
using kloset::SnapshotReader;
using kloset::VfsEntry;

struct Expected {
  char kind = 0;
  std::uint32_t mode = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::string content;  // the SHA-256 of a file, the target of a link

  friend bool operator==(const Expected&, const Expected&) = default;
};

std::map<std::string, Expected> expected() {
  std::map<std::string, Expected> all;
  std::ifstream in(testing::golden_stores() / "EXPECTED.txt");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    Expected one;
    std::string mode;
    words >> one.kind >> mode >> one.size >> one.mtime_ns >> one.content;
    one.mode = static_cast<std::uint32_t>(std::stoul(mode, nullptr, 8));
    if (one.content == "->") words >> one.content;
    std::string path;
    std::getline(words >> std::ws, path);
    all.emplace(path, one);
  }
  REQUIRE(all.size() == 10);
  return all;
}

std::string sha256_of(SnapshotReader& snapshot, const VfsEntry& entry) {
  auto reader = snapshot.open_file(entry);
  REQUIRE(reader);
  crypto::Sha256 hash;
  Bytes buffer(10'000);
  for (;;) {
    const auto got = reader->read(buffer);
    REQUIRE(got);
    if (*got == 0) break;
    hash.update(BytesView(buffer).first(*got));
  }
  return to_hex(hash.finish());
}

Expected found(SnapshotReader& snapshot, const VfsEntry& entry) {
  const kloset::FileInfo& info = entry.file_info;
  Expected one{.mode = kloset::permissions(info.mode),
               .mtime_ns = info.mod_time.seconds * 1'000'000'000 + info.mod_time.nanoseconds,
               .content = "-"};
  if (kloset::is_directory(info.mode)) {
    one.kind = 'd';
  } else if (!entry.symlink_target.empty()) {
    one.kind = 'l';
    one.size = static_cast<std::uint64_t>(info.size);
    one.content = entry.symlink_target;
  } else if (kloset::is_regular(info.mode)) {
    one.kind = 'f';
    one.size = static_cast<std::uint64_t>(info.size);
    one.content = sha256_of(snapshot, entry);
  } else {
    one.kind = 'p';
  }
  return one;
}

struct Opened {
  std::unique_ptr<kloset::Store> store;
  std::unique_ptr<Repository> repository;
};

Opened open_golden(const std::string& name) {
  Opened opened;
  opened.store =
      connectors::make_fs_store(system_env(), (testing::golden_stores() / name).string(), {});
  auto repository =
      Repository::open(*opened.store, system_env(),
                       []() -> Result<Secret> { return Secret(testing::golden_passphrase); }, {});
  REQUIRE(repository);
  opened.repository = *std::move(repository);
  REQUIRE(opened.repository->refresh());
  return opened;
}

}  // namespace

TEST_SUITE("golden stores") {
  TEST_CASE("every path of every store is read as it was") {
    for (const char* name : {"plain", "nocomp", "sha256", "enc", "multi"}) {
      CAPTURE(name);
      const Opened opened = open_golden(name);
      const auto snapshots = opened.repository->index().snapshots();
      REQUIRE(snapshots.size() == 1);
      auto snapshot = SnapshotReader::open(*opened.repository, snapshots[0]);
      REQUIRE(snapshot);
      CHECK(snapshot->root() == "/srv/fx/src");

      std::map<std::string, Expected> wanted = expected();
      if (std::string_view(name) == "multi") {
        const std::string changed = "changed\n";
        wanted["/srv/fx/src/dir/new.txt"] = {.kind = 'f',
                                             .mode = 0644,
                                             .size = 8,
                                             .content = to_hex(crypto::sha256(as_bytes(changed)))};
      }
      std::map<std::string, Expected> read;
      REQUIRE(snapshot->walk(
          "/srv/fx/src",
          [&](const VfsEntry& entry, const Mac& id) -> Status {
            CHECK(opened.repository->has(kloset::ResourceType::vfs_entry, id));
            read.emplace(entry.path(), found(*snapshot, entry));
            return {};
          },
          [](const std::string&, const Error& error) -> Status { return error; }));
      read.erase("/srv/fx/src");
      for (auto& [path, one] : read) {
        // A later file changed this directory, and nobody recorded when that one was made.
        if (path == "/srv/fx/src/dir" || path == "/srv/fx/src/dir/new.txt") {
          one.mtime_ns = wanted[path].mtime_ns;
        }
        CAPTURE(path);
        CHECK(wanted.contains(path));
        CHECK(one == wanted[path]);
      }
      CHECK(read.size() == wanted.size());
    }
  }

  TEST_CASE("paths are found, ancestors up to the root too, and others are not") {
    const Opened opened = open_golden("plain");
    auto snapshot =
        SnapshotReader::open(*opened.repository, opened.repository->index().snapshots()[0]);
    REQUIRE(snapshot);
    for (const char* path : {"/", "/srv", "/srv/fx/src/dir/sub", "/srv/fx/src/zero"}) {
      const auto entry = snapshot->find(path);
      REQUIRE(entry);
      REQUIRE(*entry);
      CHECK((**entry)->path() == path);
    }
    for (const char* path : {"", "/srv/", "/srv/fx/src/nothing", "srv"}) {
      CHECK_FALSE(snapshot->find(path).value());
    }
    CHECK((*snapshot->resolve("/srv/fx/src/link").value())->file_info.name == "hello.txt");
    CHECK((*snapshot->resolve("/srv/./fx/src/../src/link").value())->file_info.name == "hello.txt");
    CHECK_FALSE(snapshot->resolve("/srv/fx/src/link/x").value());
  }

  TEST_CASE("attributes, summaries and errors are read") {
    const Opened opened = open_golden("enc");
    auto snapshot =
        SnapshotReader::open(*opened.repository, opened.repository->index().snapshots()[0]);
    REQUIRE(snapshot);
    std::size_t attributes = 0;
    REQUIRE(snapshot->walk(
        "/",
        [&](const VfsEntry& entry, const Mac&) -> Status {
          attributes += PLK_TRY(snapshot->attributes(entry)).size();
          return {};
        },
        [](const std::string&, const Error& error) -> Status { return error; }));
    CHECK(attributes == 2);
    const auto summary = snapshot->summary("/");
    REQUIRE(summary);
    REQUIRE(*summary);
    CHECK(**summary == snapshot->header().source().summary);
    REQUIRE(snapshot->errors(
        "/", [](auto, auto) -> Status { return Error(Errc::internal, "there are none"); }));
  }

  TEST_CASE("from the entries alone every tree, listing and summary comes out the same") {
    for (const char* name : {"plain", "nocomp", "sha256", "enc", "multi"}) {
      CAPTURE(name);
      const Opened opened = open_golden(name);
      Repository& repository = *opened.repository;
      auto snapshot = SnapshotReader::open(repository, repository.index().snapshots()[0]);
      REQUIRE(snapshot);
      testing::check_derived(repository, *snapshot);
    }
  }

  TEST_CASE("the content of every file is cut, typed and named as genuine Plakar did") {
    for (const char* name : {"plain", "sha256", "enc", "multi"}) {
      CAPTURE(name);
      const Opened opened = open_golden(name);
      Repository& repository = *opened.repository;
      auto snapshot = SnapshotReader::open(repository, repository.index().snapshots()[0]);
      REQUIRE(snapshot);
      const auto chunker = kloset::Chunker::create(repository.config().chunking);
      REQUIRE(chunker);
      testing::DerivedBlobs sink(repository);
      kloset::ObjectWriter writer(sink, *chunker);
      std::size_t files = 0;
      std::size_t several_chunks = 0;
      REQUIRE(snapshot->walk(
          "/",
          [&](const VfsEntry& entry, const Mac&) -> Status {
            if (!kloset::is_regular(entry.file_info.mode)) return {};
            if (!entry.symlink_target.empty()) return {};
            ++files;
            auto reader = PLK_TRY(snapshot->open_file(entry));
            const kloset::StoredContent stored = PLK_TRY(writer.store(reader));
            CAPTURE(entry.path());
            CHECK(stored.object == entry.object);
            CHECK(stored.chunks == entry.chunks);
            CHECK(stored.entropy == entry.entropy);
            CHECK(stored.content_type == entry.content_type);
            CHECK(static_cast<std::int64_t>(stored.size) == entry.file_info.size);
            several_chunks += stored.chunks > 1 ? 1 : 0;
            return {};
          },
          [](const std::string&, const Error& error) -> Status { return error; }));
      CHECK(files >= 5);
      CHECK(several_chunks == 1);
      CHECK(sink.unknown == 0);
    }
  }

  TEST_CASE("a full check finds every one of them sound") {
    struct Observer final : ops::CheckObserver {
      void checked(const SnapshotId&, std::string_view) override {}
      void damaged(const ops::Damage& damage) override {
        FAIL_CHECK(damage.where, ": ", damage.what);
      }
    };
    for (const char* name : {"plain", "nocomp", "sha256", "enc", "multi"}) {
      CAPTURE(name);
      const Opened opened = open_golden(name);
      Observer observer;
      const auto report = ops::check(*opened.repository, {}, observer, {});
      REQUIRE(report);
      CHECK(report->sound());
      CHECK(report->snapshots == 1);
      CHECK(report->packfiles >= 2);
    }
  }

  TEST_CASE("a range of a file is read from where it begins") {
    const Opened opened = open_golden("plain");
    auto snapshot =
        SnapshotReader::open(*opened.repository, opened.repository->index().snapshots()[0]);
    REQUIRE(snapshot);
    const auto entry = snapshot->find("/srv/fx/src/dir/rnd.bin");
    REQUIRE(entry);
    auto reader = snapshot->open_file(***entry);
    REQUIRE(reader);
    CHECK(reader->size() == 1'300'000);
    Bytes whole;
    for (Bytes chunk; reader->next_chunk(chunk).value();) append(whole, chunk);
    REQUIRE(whole.size() == 1'300'000);
    for (const std::size_t offset : {0u, 1u, 1'220'053u, 1'220'054u, 1'299'999u, 1'300'000u}) {
      reader->seek(offset);
      Bytes out(100);
      const auto got = reader->read(out);
      REQUIRE(got);
      CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*got),
                       whole.begin() + static_cast<std::ptrdiff_t>(offset)));
      CHECK((*got == 0) == (offset == whole.size()));
    }
  }
}

}  // namespace plakar
