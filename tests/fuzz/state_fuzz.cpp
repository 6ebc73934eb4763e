// Any bytes as the plaintext of a state, in both versions: what is read can be written and read
// again, and every index makes the same of it.
#include <cstdlib>
#include <vector>

#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/state/memory_index.h"
#include "core/kloset/state/table_index.h"

namespace {

using namespace plakar;
using namespace plakar::kloset;

void require(bool holds) {
  if (!holds) std::abort();
}

// The smallest entry: a type and a length of nothing.
constexpr std::size_t entry_size_min = 5;

void check_indexes(const StateText& state, const std::vector<StateEntry>& entries) {
  testing::MemoryDisk disk;
  testing::SeededRandom random(1);
  const FileSystem files(disk);
  const TableIndex::Options options{
      .directory = "/index", .repository_id = {}, .delta_bytes_max = 2048};
  const auto model = make_memory_index();
  auto table = TableIndex::open(files, random, options);
  require(model->merge(state).has_value() && table->merge(state).has_value());
  const auto compare = [&] {
    for (const StateEntry& entry : entries) {
      if (const auto* location = std::get_if<LocationEntry>(&entry)) {
        require(table->find_all(location->type, location->blob) ==
                model->find_all(location->type, location->blob));
      } else if (const auto* coloured = std::get_if<ColouredEntry>(&entry)) {
        require(table->find_colour(coloured->type, coloured->mac) ==
                model->find_colour(coloured->type, coloured->mac));
      } else if (const auto* packfile = std::get_if<PackfileEntry>(&entry)) {
        require(table->has_packfile(packfile->packfile) == model->has_packfile(packfile->packfile));
      }
    }
    require(table->snapshots().size() == model->snapshots().size());
    require(table->status().has_value());
  };
  compare();
  require(table->save().has_value());
  compare();
  table = TableIndex::open(files, random, options);
  require(table->opened().has_value());
  compare();
}

void check(BytesView plain, Version version) {
  std::vector<StateEntry> entries;
  const auto frame = read_state(plain, version, [&](const StateEntry& entry) -> Status {
    entries.push_back(entry);
    return {};
  });
  require(entries.size() <= plain.size() / entry_size_min);
  if (!frame) {
    require(frame.error().code() == Errc::corrupt);
    return;
  }
  StateWriter writer(frame->parent);
  for (const StateEntry& entry : entries) writer.add(entry);
  const Bytes written = std::move(writer).finish(frame->timestamp_ns);
  std::size_t next = 0;
  const auto again = read_state(written, version_1_1_0, [&](const StateEntry& entry) -> Status {
    require(next < entries.size() && entry == entries[next]);
    ++next;
    return {};
  });
  require(again && next == entries.size() && again->parent == frame->parent &&
          again->timestamp_ns == frame->timestamp_ns);
  check_indexes({.id = StateId{.bytes = {std::byte{1}}}, .version = version, .plain = plain},
                entries);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView plain = std::as_bytes(std::span(data, size));
  check(plain, version_1_0_0);
  check(plain, version_1_1_0);
  return 0;
}
