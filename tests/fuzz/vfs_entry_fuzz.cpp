// Any bytes as an entry, an attribute and an error. What decodes is a fixed point of encoding and
// decoding, and no entry has a name or a parent that leads out of its directory.
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/path.h"
#include "tests/fuzz/structure_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  const BytesView bytes = std::as_bytes(std::span(data, size));
  fuzz::check_structure(bytes, decode_vfs_entry, fuzz::returning<encode_vfs_entry>);
  fuzz::check_structure(bytes, decode_xattr_entry, fuzz::returning<encode_xattr_entry>);
  fuzz::check_structure(bytes, decode_error_entry, fuzz::returning<encode_error_entry>);

  const auto entry = decode_vfs_entry(bytes);
  if (!entry) return 0;
  const std::string path = entry->path();
  fuzz::require(is_clean_path(path));
  fuzz::require(name_of(path) == entry->file_info.name);
  fuzz::require(parent_of(path) == entry->parent_path || path == "/");
  fuzz::require(entry->file_info.same_file(entry->file_info));
  return 0;
}
