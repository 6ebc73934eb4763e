// One byte that says where, and the rest as a directory's listing that is cut there into two: in
// two parts it gives the frames that it gives whole, and they are written as they were.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/kloset/blob_source.h"
#include "core/kloset/tree/dirpack.h"
#include "core/kloset/tree/entry.h"
#include "tests/fuzz/structure_checks.h"

namespace plakar {
namespace {

using kloset::DirpackFrame;

// Takes all there is; false at what is no frame.
bool take_all(BytesView& content, std::vector<DirpackFrame>& frames, Bytes& taken) {
  for (;;) {
    const BytesView before = content;
    DirpackFrame frame;
    const auto more = take_frame(content, frame);
    if (!more) {
      fuzz::require(more.error().code() == Errc::corrupt);
      fuzz::require(content.data() == before.data() && content.size() == before.size());
      return false;
    }
    if (!*more) {
      fuzz::require(content.size() == before.size());
      return true;
    }
    fuzz::require(before.size() - content.size() ==
                  frame.entry.size() + kloset::dirpack_frame_overhead);
    append_frame(taken, frame);
    frames.push_back(frame);
  }
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  if (size == 0) return 0;
  const BytesView whole = std::as_bytes(std::span(data + 1, size - 1));
  BytesView rest = whole;
  std::vector<DirpackFrame> frames;
  Bytes taken;
  const bool sound = take_all(rest, frames, taken);
  fuzz::require(std::equal(taken.begin(), taken.end(), whole.begin()));
  fuzz::require(taken.size() + rest.size() == whole.size());
  for (const DirpackFrame& frame : frames) {
    const auto entry = kloset::decode_vfs_entry(frame.entry);
    fuzz::require(entry || entry.error().code() == Errc::corrupt);
  }

  const std::size_t cut = whole.size() * data[0] / 256;
  BytesView first = whole.first(cut);
  std::vector<DirpackFrame> parts;
  Bytes taken_in_parts;
  if (take_all(first, parts, taken_in_parts)) {
    Bytes joined = to_bytes(first);
    append(joined, whole.subspan(cut));
    BytesView second = joined;
    fuzz::require(take_all(second, parts, taken_in_parts) == sound);
  } else {
    fuzz::require(!sound);
  }
  fuzz::require(taken_in_parts == taken);
  return 0;
}
