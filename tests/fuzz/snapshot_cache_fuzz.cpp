// Any bytes as the file of cached headers: as they are, and as the content of batches under the
// right MAC. Whatever it says, every snapshot of the store is listed once, and what is there
// afterwards is no worse.
#include <cstdlib>
#include <set>

#include "core/base/clock.h"
#include "core/base/env.h"
#include "core/base/file_system.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/base/testing/stepped_clock.h"
#include "core/kloset/repository/transaction.h"
#include "core/kloset/snapshot/catalogue.h"
#include "core/kloset/testing/memory_store.h"

namespace {

using namespace plakar;
using namespace plakar::kloset;

void require(bool holds) {
  if (!holds) std::abort();
}

constexpr std::size_t snapshot_count = 3;

SnapshotId id_of(std::size_t number) {
  return {.bytes = {static_cast<std::byte>(number), std::byte{1}}};
}

// The same in every run.
class Fixture {
 public:
  Fixture() {
    require(Repository::create(store_, default_config(), nullptr, {}, env()).has_value());
    const auto repository = open();
    for (std::size_t i = 0; i < snapshot_count; ++i) {
      SnapshotHeader header;
      header.identifier = id_of(i);
      header.sources.emplace_back();
      header.sources[0].importer = {.type = "fs", .origin = "o", .directory = "/d"};
      const auto transaction = Transaction::begin(*repository, {});
      require(transaction->commit(header.identifier, encode_header(header)).has_value());
    }
  }

  std::unique_ptr<Repository> open() {
    auto repository =
        Repository::open(store_, env(), [] { return Secret(); }, {.cache_directory = "/cache"});
    require(repository && (*repository)->refresh());
    return *std::move(repository);
  }
  void put_file(const Repository& repository, BytesView content) {
    const std::string path = repository.cache_directory() + "/snapshots";
    static_cast<void>(files_.remove_file(path));
    const auto file = files_.open(path, {.access = Access::write, .create = Create::always_new});
    require(file && file->write(content));
  }

 private:
  Env env() { return {clock_, random_, files_, system_env().processes}; }

  plakar::testing::SteppedClock clock_;
  plakar::testing::SeededRandom random_{1};
  plakar::testing::MemoryDisk disk_;
  FileSystem files_{disk_};
  kloset::testing::MemoryPlace place_;
  kloset::testing::MemoryStore store_{place_};
};

void check(Fixture& fixture, Repository& repository, BytesView file) {
  fixture.put_file(repository, file);
  for (int round = 0; round < 2; ++round) {
    std::set<SnapshotId> listed;
    const Status walked = for_each_header(
        repository,
        [&](const SnapshotHeader& header) -> Status {
          require(listed.insert(header.identifier).second);
          return {};
        },
        [](const SnapshotId&, const Error& error) -> Status { return error; });
    require(walked && listed.size() == snapshot_count);
  }
  const auto newest =
      find_newest_snapshot(repository, {.type = "fs", .origin = "o", .directory = "/d"});
  require(newest.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Fixture fixture;
  static const std::unique_ptr<Repository> repository = fixture.open();
  const BytesView input = std::as_bytes(std::span(data, size));
  check(fixture, *repository, input);

  Bytes file = to_bytes("PLKHEADS");
  append_le(file, std::uint32_t{1});
  append_le(file, std::uint32_t{0});
  append(file, repository->config().repository_id.view());
  const Bytes head = file;
  // Batches, each with a length before it.
  for (BytesView rest = input; rest.size() >= 2;) {
    const std::size_t length = std::min<std::size_t>(load_le<std::uint16_t>(rest), rest.size() - 2);
    auto lease = repository->codec();
    require(lease.has_value());
    const auto body = (*lease)->encode(rest.subspan(2, length));
    require(body.has_value());
    crypto::MacHasher hasher = repository->mac().hasher();
    Bytes place = head;
    append_le(place, std::uint64_t{file.size()});
    hasher.update(place);
    hasher.update(*body);
    append_le(file, static_cast<std::uint32_t>(body->size()));
    append(file, hasher.finish().view());
    append(file, *body);
    rest = rest.subspan(2 + length);
  }
  check(fixture, *repository, file);
  return 0;
}
