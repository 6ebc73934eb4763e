// Any bytes as the table of an index: as they are, and with checksums that fit, which nobody but an
// attacker gets past the first line. Nothing may crash, run for ever or read outside of the file,
// and what is made of it can be saved and opened again.
#include <cstdlib>

#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/kloset/state/internal/page_file.h"
#include "core/kloset/state/internal/table_file.h"
#include "core/kloset/state/table_index.h"

namespace {

using namespace plakar;
using namespace plakar::kloset;

void require(bool holds) {
  if (!holds) std::abort();
}

// Where the header has them.
constexpr std::size_t version_at = 8;
constexpr std::size_t nonce_at = 16;
constexpr std::size_t repository_at = 24;
constexpr std::size_t page_count_at = 72;

void ask_everything(const TableIndex& index, BytesView input) {
  std::size_t visited = 0;
  const std::size_t visited_max = input.size() + 100;
  const auto count = [&](const auto& entry) -> Status {
    static_cast<void>(entry);
    require(++visited < visited_max);
    return {};
  };
  static_cast<void>(index.for_each_packfile(count));
  static_cast<void>(index.for_each_coloured(count));
  static_cast<void>(index.for_each_location([&](const LocationEntry& entry) -> Status {
    static_cast<void>(index.find_all(entry.type, entry.blob));
    return count(entry);
  }));
  for (const SnapshotId& id : index.snapshots()) {
    static_cast<void>(index.find(ResourceType::snapshot, Mac{.bytes = id.bytes}));
  }
  for (std::size_t at = 0; at + 32 <= input.size(); at += 997) {
    const Mac mac = Mac::from_bytes(input.subspan(at, 32)).value();
    static_cast<void>(index.find(ResourceType::chunk, mac));
    static_cast<void>(index.has_state(StateId{.bytes = mac.bytes}));
    static_cast<void>(index.find_colour(ResourceType::packfile, mac));
  }
}

void check(BytesView content) {
  testing::MemoryDisk disk;
  testing::SeededRandom random(1);
  const FileSystem files(disk);
  require(files.make_directory("/index", 0700).has_value());
  require(files.open("/index/table", {.access = Access::write, .create = Create::always_new})
              .value()
              .write(content)
              .has_value());
  TableIndex::Options options{.directory = "/index", .repository_id = {}};
  if (content.size() >= repository_at + 16) {
    std::copy_n(content.begin() + repository_at, 16, options.repository_id.bytes.begin());
  }
  const auto index = TableIndex::open(files, random, options);
  ask_everything(*index, content);

  StateWriter writer({});
  const PackfileMac packfile{.bytes = {std::byte{7}}};
  const Mac blob{.bytes = {std::byte{9}}};
  writer.add(DeletedPackfile{.packfile = packfile});
  writer.add(LocationEntry{.type = ResourceType::snapshot,
                           .version = version_1_0_0,
                           .blob = blob,
                           .packfile = packfile,
                           .offset = 1,
                           .length = 2,
                           .flags = 0});
  writer.add(PackfileEntry{.packfile = packfile, .state = {}, .time_ns = 1});
  const StateId id = StateId::random(random);
  require(index->merge({.id = id, .version = version_1_1_0, .plain = std::move(writer).finish(1)})
              .has_value());
  ask_everything(*index, content);
  // Damage that is only met now is reported; all else is saved.
  if (!index->save()) return;
  const auto again = TableIndex::open(files, random, options);
  require(again->opened().has_value());
  require(again->has_state(id));
  ask_everything(*again, content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input = std::as_bytes(std::span(data, size));
  check(input);

  Bytes mended = to_bytes(input);
  mended.resize(std::max<std::size_t>(size / page_size, 1) * page_size);
  const std::span<std::byte> all(mended);
  const Bytes right = encode_table_header({});
  std::copy_n(right.begin(), version_at + 8, all.begin());
  store_le<std::uint64_t>(all.subspan(page_count_at), mended.size() / page_size);
  const auto nonce = load_le<std::uint64_t>(all.subspan(nonce_at));
  seal_page(all.first(page_size), {.nonce = 0, .number = 0});
  for (std::size_t i = 1; i < mended.size() / page_size; ++i) {
    seal_page(all.subspan(i * page_size, page_size), {.nonce = nonce, .number = i});
  }
  check(mended);
  return 0;
}
