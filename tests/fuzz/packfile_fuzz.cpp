// The parts of a packfile, from bytes that anybody may have written: the envelope, and a footer
// with the index that it describes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/kloset/format/envelope.h"
#include "core/kloset/packfile/layout.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView input(reinterpret_cast<const std::byte*>(data), size);
  for (const ResourceType type : {ResourceType::packfile, ResourceType::lock}) {
    const auto envelope = split_envelope(input, type);
    if (envelope && envelope->body.size() + envelope_overhead != size) std::abort();
  }

  const BytesView tail = input.last(std::min(size, packfile_footer_size));
  const auto footer = decode_footer(tail, size);
  if (!footer) return 0;
  const BytesView index = input.first(size - tail.size());
  const auto records = decode_index(index, *footer);
  if (!records) return 0;
  Bytes again;
  for (const PackfileRecord& record : *records) {
    if (record.offset > footer->index_offset ||
        record.length > footer->index_offset - record.offset) {
      std::abort();
    }
    append_record(again, record);
  }
  append_footer(again, *footer);
  if (!std::equal(again.begin(), again.end(), input.begin(), input.end())) std::abort();
  return 0;
}
