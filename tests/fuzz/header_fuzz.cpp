// 32 bytes as the identifier of a snapshot, the rest as its header: what decodes is a fixed point,
// has that identifier, and exactly one source.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kloset/snapshot/header.h"
#include "tests/fuzz/structure_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView bytes = std::as_bytes(std::span(data, size));
  SnapshotId id;
  if (bytes.size() < id.bytes.size()) return 0;
  std::copy_n(bytes.begin(), id.bytes.size(), id.bytes.begin());
  const BytesView rest = bytes.subspan(id.bytes.size());
  const auto decode = [&](BytesView header) { return decode_header(header, id); };
  fuzz::check_structure(rest, decode, encode_header);
  const auto header = decode(rest);
  if (!header) return 0;
  fuzz::require(header->identifier == id);
  fuzz::require(header->sources.size() == 1);
  static_cast<void>(header->source().find_index("dirpack"));
  static_cast<void>(header->find_context("Hostname"));
  return 0;
}
