// What a worker sends, as the host reads it: any bytes as each kind of message. What is read
// is within the bytes, and packs to the same bytes again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "core/host/worker/messages.h"

namespace plakar::host::worker {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const Packer& packer, BytesView bytes) {
  return std::ranges::equal(packer.view(), bytes);
}

template <class T>
void one(BytesView bytes) {
  Unpacker unpacker(bytes);
  T value{};
  fields(unpacker, value);
  if (!unpacker.finish()) return;
  Packer packer;
  fields(packer, value);
  require(same(packer, bytes));
}

template <class T>
void batch(const T* elements, std::uint64_t count, BytesView bytes) {
  require(count <= batch_count_max);
  Packer packer;
  packer(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    T copy = elements[i];
    fields(packer, copy);
  }
  require(same(packer, bytes));
}

void check(unsigned kind, BytesView bytes) {
  Unpacker unpacker(bytes);
  switch (kind % 13) {
    case 0:
      if (const auto got = unpack_records(unpacker)) batch(got->records, got->count, bytes);
      break;
    case 1:
      if (const auto got = unpack_names(unpacker)) batch(got->names, got->count, bytes);
      break;
    case 2:
      if (const auto got = unpack_resources(unpacker)) batch(got->resources, got->count, bytes);
      break;
    case 3:
      if (const auto got = unpack_module_info(bytes)) {
        Packer packer;
        pack(packer, *got);
        require(same(packer, bytes));
      }
      break;
    case 4:
      if (const auto got = unpack_failure(bytes)) {
        Packer packer;
        pack(packer, *got);
        const auto again = unpack_failure(packer.view());
        require(again && again->message == got->message && again->vendor == got->vendor);
      }
      break;
    case 5:
      one<plk_config>(bytes);
      break;
    case 6:
      one<plk_open_args>(bytes);
      break;
    case 7:
      one<plk_location>(bytes);
      break;
    case 8:
      one<plk_log_record>(bytes);
      break;
    case 9:
      one<plk_progress>(bytes);
      break;
    case 10:
      one<plk_spawn_args>(bytes);
      break;
    case 11:
      one<plk_object>(bytes);
      break;
    case 12:
      one<plk_scan_args>(bytes);
      break;
  }
}

}  // namespace
}  // namespace plakar::host::worker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  plakar::host::worker::check(
      data[0], std::as_bytes(std::span(reinterpret_cast<const char*>(data) + 1, size - 1)));
  return 0;
}
