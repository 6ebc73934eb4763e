// Any bytes as the log beside an index table: as they are, and as its states under a checksum that
// fits. What is read is what was written, and every state of it can be merged or is refused.
#include <cstdlib>

#include "core/base/checksum.h"
#include "core/kloset/state/internal/index_log.h"
#include "core/kloset/state/memory_index.h"

namespace {

using namespace plakar;
using namespace plakar::kloset;

constexpr IndexLog::Owner owner{.table_nonce = 7, .repository = {.bytes = {std::byte{1}}}};
constexpr std::size_t state_count_at = 40;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(BytesView file) {
  const auto log = IndexLog::decode(file, owner);
  if (!log) {
    require(log.error().code() == Errc::corrupt);
    return;
  }
  IndexLog again;
  std::uint64_t states = 0;
  const auto index = make_memory_index();
  require(log->for_each([&](const StateText& state) -> Status {
               ++states;
               again.append(state);
               const Status merged = index->merge(state);
               require(merged || merged.error().code() == Errc::corrupt);
               return {};
             })
              .has_value());
  require(states == log->state_count());
  require(index->state_count() <= states);
  require(again.size_bytes() == log->size_bytes());
  require(again.encode(owner) == to_bytes(file));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input = std::as_bytes(std::span(data, size));
  check(input);

  // One state with all of the input, and then what the input itself says it is, with the number of
  // states that a mutation may hit upon.
  IndexLog one;
  one.append({.id = {}, .version = version_1_1_0, .plain = input});
  check(one.encode(owner));
  if (size == 0) return 0;
  Bytes file = IndexLog().encode(owner);
  append(file, input.subspan(1));
  file[state_count_at] = input[0];
  const std::size_t checksum_at = index_log_header_size - 8;
  const BytesView all(file);
  store_le(std::span(file).subspan(checksum_at),
           xxh3_64(all.first(checksum_at), xxh3_64(all.subspan(index_log_header_size))));
  check(file);
  return 0;
}
