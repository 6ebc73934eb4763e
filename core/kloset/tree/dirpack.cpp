#include "core/kloset/tree/dirpack.h"

#include <algorithm>

#include "core/kloset/blob_source.h"

namespace plakar::kloset {
namespace {

constexpr std::byte kind_directory{1};
constexpr std::byte kind_other{2};
constexpr std::size_t head_size = 1 + 4;
constexpr std::size_t id_size = 32;

}  // namespace

void append_frame(Bytes& out, const DirpackFrame& frame) {
  out.push_back(frame.is_directory ? kind_directory : kind_other);
  append_le(out, static_cast<std::uint32_t>(frame.entry.size() + id_size));
  append(out, frame.entry);
  append(out, frame.id.view());
}

Result<bool> take_frame(BytesView& content, DirpackFrame& frame) {
  if (content.size() < head_size) return false;
  if (content[0] != kind_directory && content[0] != kind_other) {
    return Error(Errc::corrupt, "a directory listing with an entry of an unknown kind");
  }
  const std::size_t length = load_le<std::uint32_t>(content.subspan(1));
  if (length < id_size || length > entry_size_max) {
    return Error(Errc::corrupt, "a directory listing with an entry of an impossible length");
  }
  if (length > content.size() - head_size) return false;
  frame.is_directory = content[0] == kind_directory;
  frame.entry = content.subspan(head_size, length - id_size);
  std::copy_n(content.subspan(head_size + frame.entry.size()).begin(), id_size,
              frame.id.bytes.begin());
  content = content.subspan(head_size + length);
  return true;
}

}  // namespace plakar::kloset
