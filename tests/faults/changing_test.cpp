// Files that somebody changes at the very moment when they are read: each is reported, and the
// snapshot has all else.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/file_system.h"
#include "core/base/testing/file_call_filter.h"
#include "core/connectors/fs/source.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"
#include "tests/support/temp_dir.h"

namespace plakar {
namespace {

using kloset::Repository;
using testing::CallKind;
using testing::FileCall;
using testing::TempDir;

// Lets something happen once, after the first read or before the opening of a file.
class Meanwhile final : public testing::FileCallFilter {
 public:
  Meanwhile(CallKind kind, std::string name, std::function<void()> happens)
      : FileCallFilter(system_file_calls()),
        kind_(kind),
        name_(std::move(name)),
        happens_(std::move(happens)) {}

 private:
  CallResult around(FileCall& call, const std::function<CallResult()>& next) override {
    if (call.kind != kind_ || !call.path.ends_with(name_)) return next();
    const std::lock_guard guard(mutex_);
    const CallResult result = kind_ == CallKind::open ? 0 : next();
    if (happens_) std::exchange(happens_, nullptr)();
    return kind_ == CallKind::open ? next() : result;
  }

  const CallKind kind_;
  const std::string name_;
  std::mutex mutex_;
  std::function<void()> happens_;  // guarded by mutex_
};

class NoNames final : public connectors::OwnerNames {
 public:
  std::string user(std::uint64_t) override { return {}; }
  std::string group(std::uint64_t) override { return {}; }
};

struct Failures final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view path, std::string_view error) override {
    all[std::string(path)] = error;
  }
  std::map<std::string, std::string> all;
};

// A tree of a file that something happens to and of another one.
struct Scene {
  TempDir directory;
  std::string path = directory / "f";
  std::uint64_t size;

  explicit Scene(std::uint64_t file_size) : size(file_size) {
    fill(path, std::byte{1});
    fill(directory / "other", std::byte{1});
    // A test is quicker than the clock of file systems.
    REQUIRE(file(Access::write).set_times({.accessed = {}, .modified = UnixTime{.seconds = 1}}));
  }

  static File open(const std::string& name, Access access) {
    return system_files().open(name, {.access = access, .create = Create::if_missing}).value();
  }
  File file(Access access) const { return open(path, access); }
  void fill(const std::string& name, std::byte with) const {
    REQUIRE(open(name, Access::write).write_at(0, Bytes(static_cast<std::size_t>(size), with)));
  }

  struct Outcome {
    ops::BackupReport report;
    std::map<std::string, std::string> failures;
    bool has_file = false;
  };
  Outcome back_up(CallKind at, std::function<void()> happens) const {
    Meanwhile calls(at, "/f", std::move(happens));
    FileSystem files(calls);
    const Env system = system_env();
    const Env env{system.clock, system.random, files, system.processes};
    kloset::testing::MemoryPlace place;
    kloset::testing::MemoryStore store(place);
    REQUIRE(Repository::create(store, kloset::default_config(), nullptr, {}, system));
    const auto no_passphrase = []() -> Result<Secret> { return Secret(); };
    auto repository = Repository::open(store, system, no_passphrase, {});
    REQUIRE(repository);
    const auto source = connectors::make_fs_source(
        env, {.root = directory.path().string(), .origin = "h"}, std::make_unique<NoNames>(), {});
    Failures observer;
    auto report = ops::backup(**repository, *source, {.hostname = "h"}, observer, {});
    REQUIRE(report);
    auto snapshot = kloset::SnapshotReader::open(**repository, report->id);
    REQUIRE(snapshot);
    const auto found = snapshot->find(path);
    REQUIRE(found);
    const auto other = snapshot->find(directory / "other");
    REQUIRE(other);
    CHECK(other->has_value());
    return {.report = *std::move(report),
            .failures = std::move(observer.all),
            .has_file = found->has_value()};
  }
};

}  // namespace

TEST_SUITE("backup of files that change under its hands") {
  TEST_CASE("whatever is written to a file while it is read is reported, at any size") {
    for (const std::uint64_t size : {std::uint64_t{5000}, std::uint64_t{5} << 20}) {
      CAPTURE(size);
      const std::string went = "its size went from " + std::to_string(size) + " to ";
      const auto expect = [&](const Scene::Outcome& outcome, const Scene& scene,
                              const std::string& said) {
        CAPTURE(said);
        CHECK(outcome.report.errors == 1);
        REQUIRE(outcome.failures.size() == 1);
        CHECK(outcome.failures.begin()->first == scene.path);
        CAPTURE(outcome.failures.begin()->second);
        CHECK(outcome.failures.begin()->second.find(said) != std::string::npos);
        CHECK(outcome.has_file);
      };
      for (const CallKind when : {CallKind::read_at, CallKind::open}) {
        const Scene same(size);
        expect(same.back_up(when, [&] { same.fill(same.path, std::byte{2}); }), same,
               "it was written to");
        const Scene grows(size);
        const auto grow = [&] { REQUIRE(grows.file(Access::append).write(Bytes(3))); };
        expect(grows.back_up(when, grow), grows, went + std::to_string(size + 3) + " bytes");
        const Scene shrinks(size);
        const auto shrink = [&] { REQUIRE(shrinks.file(Access::write).truncate(7)); };
        expect(shrinks.back_up(when, shrink), shrinks, went + "7 bytes");
      }
      const Scene quiet(size);
      CHECK(quiet.back_up(CallKind::read_at, [] {}).report.errors == 0);
    }
  }

  TEST_CASE("a file that vanishes or is replaced before it is opened is reported, and left out") {
    const Scene scene(5000);
    const auto vanished =
        scene.back_up(CallKind::open, [&] { std::filesystem::remove(scene.path); });
    CHECK(vanished.report.errors == 1);
    CHECK(vanished.failures.contains(scene.path));
    CHECK_FALSE(vanished.has_file);
    const Scene other(5000);
    const auto replaced = other.back_up(CallKind::open, [&] {
      std::filesystem::rename(other.path, other.directory / "old");
      other.fill(other.path, std::byte{3});
    });
    CHECK(replaced.report.errors == 1);
    CHECK(replaced.failures.contains(other.path));
    CHECK_FALSE(replaced.has_file);
  }
}

}  // namespace plakar
