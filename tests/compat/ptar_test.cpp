// Archives that we make: read again, and where PLAKAR_REFERENCE names one by genuine Plakar.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "core/connectors/fs/source.h"
#include "core/connectors/ptar/store.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/testing/faulty_store.h"
#include "core/ops/archive.h"
#include "core/ops/check.h"
#include "core/ops/testing/memory_side.h"
#include "tests/compat/reference.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

using compat::files_of;
using compat::has_error;
using compat::passphrase;
using compat::Reference;
using kloset::Repository;
using ops::testing::describe;
using ops::testing::MemorySide;
using ops::testing::RecordingObserver;
using testing::TempDir;

struct Archive {
  std::unique_ptr<kloset::Store> store;
  std::unique_ptr<Repository> repository;
};

Archive open(const std::string& path) {
  Archive archive;
  archive.store = connectors::make_archive_store(system_env(), path, {}, {});
  auto repository = Repository::open(*archive.store, system_env(),
                                     []() -> Result<Secret> { return Secret(passphrase); }, {});
  REQUIRE(repository);
  archive.repository = *std::move(repository);
  REQUIRE(archive.repository->refresh());
  return archive;
}

std::unique_ptr<kloset::Source> source_of(const std::string& tree) {
  return connectors::make_fs_source(system_env(), {.root = tree, .origin = "host"},
                                    connectors::system_owner_names(), {});
}

ops::ArchiveContent::Source input(kloset::Source& source, ops::BackupObserver& observer) {
  return {.source = &source, .id = SnapshotId::random(system_env().random), .observer = &observer};
}

struct NoDamage final : ops::CheckObserver {
  void checked(const SnapshotId&, std::string_view) override {}
  void damaged(const ops::Damage& damage) override { FAIL_CHECK(damage.where, ": ", damage.what); }
};

ops::ArchiveOptions options_of(const ops::testing::SideParams& params, const Secret& secret) {
  return {.config = ops::testing::make_config(params),
          .passphrase = params.encrypted ? &secret : nullptr,
          .kdf = ops::testing::cheap_kdf()};
}

std::size_t files_in(const std::filesystem::path& directory) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(directory), {}));
}

}  // namespace

TEST_SUITE("ptar") {
  TEST_CASE(
      "an archive holds sources and the snapshots of stores, and is one packfile and one state") {
    const Secret secret(passphrase);
    const std::vector<ops::testing::SideParams> all{
        {},
        {.hashing = "SHA256", .compression = ""},
        {.encrypted = true, .compression = "ZSTD"},
        {.encrypted = true, .hashing = "SHA256", .compression = "GZIP", .small_chunks = true}};
    for (const auto& params : all) {
      CAPTURE(params.text());
      const TempDir directory;
      compat::make_tree(directory.path() / "one");
      compat::write(directory.path() / "two/file", "of the second source");
      const auto one = source_of(directory / "one");
      const auto two = source_of(directory / "two");
      MemorySide store({.encrypted = true});
      MemorySide other;
      const auto first = store.back_up(ops::testing::make_tree(1));
      const auto second = store.back_up(ops::testing::make_tree(2));
      // In both stores, once in the archive.
      RecordingObserver observer;
      REQUIRE(
          ops::sync(*store.repository, *other.repository, std::array{first.id}, {}, observer, {}));

      const auto medium =
          connectors::make_archive_store(system_env(), directory / "a.ptar", {}, {});
      RecordingObserver seen;
      const ops::ArchiveContent content{
          .snapshots = {{.repository = store.repository.get(), .ids = {first.id, second.id}},
                        {.repository = other.repository.get(), .ids = {first.id}}},
          .sources = {input(*one, seen), input(*two, seen)}};
      const auto report =
          ops::make_archive(*medium, system_env(), content, options_of(params, secret), seen, {});
      REQUIRE(report);
      CHECK(report->errors == 0);
      REQUIRE(report->backups.size() == 2);
      CHECK(report->copies.size() == 2);
      // The content that both snapshots have was read once.
      CHECK(seen.last.files_known > 50);

      const Archive archive = open(directory / "a.ptar");
      CHECK(archive.repository->index().snapshots().size() == 4);
      CHECK(describe(*archive.repository, first.id) == describe(*store.repository, first.id));
      CHECK(describe(*archive.repository, second.id) == describe(*store.repository, second.id));
      const auto found = describe(*archive.repository, report->backups[0].id);
      for (const auto& [path, text] : files_of(directory / "one")) {
        CHECK(found.at("content " + (directory / "one/") + path) == text);
      }
      NoDamage no_damage;
      REQUIRE(ops::check(*archive.repository, {}, no_damage, {}));
    }
  }

  TEST_CASE("whatever keeps an archive from being made, nothing is left of it") {
    const Secret secret(passphrase);
    const TempDir directory;
    compat::write(directory.path() / "tree/file", "content");
    std::filesystem::create_directory(directory / "out");
    const std::string path = directory / "out/a.ptar";
    MemorySide store;
    const auto made = store.back_up(ops::testing::make_tree(1));
    const auto attempt = [&](const ops::ArchiveContent& content,
                             std::optional<kloset::testing::StoreFault> fault,
                             bool overwrite = false) {
      const auto medium =
          connectors::make_archive_store(system_env(), path, {.overwrite = overwrite}, {});
      kloset::testing::FaultyStore faulty(*medium, fault);
      RecordingObserver observer;
      const auto report =
          ops::make_archive(faulty, system_env(), content, options_of({}, secret), observer, {});
      return std::pair(report.has_value(), faulty.fired());
    };
    RecordingObserver silent;
    const auto source = source_of(directory / "tree");
    const ops::ArchiveContent of_store{
        .snapshots = {{.repository = store.repository.get(), .ids = {made.id}}}, .sources = {}};

    CHECK_FALSE(attempt({}, {}).first);
    CHECK(files_in(directory / "out") == 0);
    const auto missing = source_of(directory / "nowhere");
    CHECK_FALSE(attempt({.snapshots = {}, .sources = {input(*missing, silent)}}, {}).first);
    CHECK(files_in(directory / "out") == 0);
    for (std::uint64_t nth = 1;; ++nth) {
      CAPTURE(nth);
      const auto [done, fired] = attempt(of_store, kloset::testing::StoreFault{.nth = nth});
      if (!fired) {
        CHECK(done);
        break;
      }
      CHECK_FALSE(done);
      REQUIRE(files_in(directory / "out") == 0);
    }

    // There is one now. Another one has to be asked for, and a failure leaves the first as it is.
    CHECK_FALSE(attempt(of_store, {}).first);
    CHECK_FALSE(attempt({.snapshots = {}, .sources = {input(*missing, silent)}}, {}, true).first);
    CHECK(open(path).repository->index().snapshots() == std::vector{made.id});
    CHECK(attempt({.snapshots = {}, .sources = {input(*source, silent)}}, {}, true).first);
    CHECK(open(path).repository->index().snapshots() != std::vector{made.id});
    CHECK(files_in(directory / "out") == 1);
  }

  TEST_CASE(
      "a snapshot that cannot be read whole makes no archive, unless its damage is recorded") {
    const Secret secret(passphrase);
    const TempDir directory;
    MemorySide store;
    const auto made = store.back_up(ops::testing::make_tree(1));
    const auto location = store.repository->index().find(
        kloset::ResourceType::chunk, store.repository->mac().compute(as_bytes("content 7")));
    REQUIRE(location);
    store.place.items.at({kloset::ItemKind::packfile, kloset::item_name(location->packfile)})
        .at(16 + location->offset + location->length / 2) ^= std::byte{1};
    const ops::ArchiveContent content{
        .snapshots = {{.repository = store.repository.get(), .ids = {made.id}}}, .sources = {}};
    for (const auto damage : {ops::SourceDamage::refuse, ops::SourceDamage::record}) {
      const auto medium =
          connectors::make_archive_store(system_env(), directory / "a.ptar", {}, {});
      ops::ArchiveOptions options = options_of({}, secret);
      options.damage = damage;
      RecordingObserver observer;
      const auto report = ops::make_archive(*medium, system_env(), content, options, observer, {});
      CHECK(report.has_value() == (damage == ops::SourceDamage::record));
      CHECK(observer.failures.contains("/data/deep/er/file7"));
      if (report) CHECK(report->errors == 1);
    }
  }

  TEST_CASE("genuine Plakar lists, checks and restores our archives") {
    const char* program = std::getenv("PLAKAR_REFERENCE");
    if (program == nullptr) {
      MESSAGE("PLAKAR_REFERENCE names no genuine plakar: not tried");
      return;
    }
    Reference reference(program);
    const Secret secret(passphrase);
    for (const bool encrypted : {false, true}) {
      CAPTURE(encrypted);
      const TempDir directory;
      const std::string tree = directory / "tree";
      compat::make_tree(tree);
      const std::string path = directory / "a.ptar";
      const auto source = source_of(tree);
      MemorySide store({.hashing = "SHA256"});
      const auto made = store.back_up(ops::testing::make_tree(1));
      RecordingObserver observer;
      const auto report = ops::make_archive(
          *connectors::make_archive_store(system_env(), path, {}, {}), system_env(),
          {.snapshots = {{.repository = store.repository.get(), .ids = {made.id}}},
           .sources = {input(*source, observer)}},
          options_of({.encrypted = encrypted, .hashing = encrypted ? "SHA256" : "BLAKE3"}, secret),
          observer, {});
      REQUIRE(report);
      const std::string id = report->backups.at(0).id.short_hex();

      const auto listed = reference.at(path, {"ls"});
      CAPTURE(listed.text);
      CHECK(listed.code == 0);
      CHECK(listed.text.find(id) != std::string::npos);
      CHECK(listed.text.find(made.id.short_hex()) != std::string::npos);
      const auto checked = reference.at(path, {"check"});
      CAPTURE(checked.text);
      CHECK(checked.code == 0);
      CHECK_FALSE(has_error(checked.text));
      const auto restored = reference.at(path, {"restore", "-to", directory / "restored", id});
      CAPTURE(restored.text);
      CHECK(restored.code == 0);
      auto files = files_of(directory / "restored");
      for (const auto& [name, content] : files_of(tree)) {
        if (name == "hard" || name == "hello.txt") continue;
        CAPTURE(name);
        CHECK(files[name] == content);
      }
      // And takes what is in them into a store of its own.
      REQUIRE(reference.at(directory / "store", {"create", "-plaintext"}).code == 0);
      if (!encrypted) {
        const auto taken = reference.at(directory / "store", {"sync", "from", "ptar:" + path});
        CAPTURE(taken.text);
        CHECK(taken.text.find("2 snapshots synchronized") != std::string::npos);
      }
    }
  }
}

}  // namespace plakar
