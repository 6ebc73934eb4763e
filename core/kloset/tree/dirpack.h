// The listing of one directory: the content of an object that packs the entries of its direct
// children, ascending by name.
//
//   dirpack := frame*
//   frame   := kind:u8  length:u32  entry  id:32       length = size of entry + 32
//
// Kind 1 is a directory, 2 anything else; integers are little-endian; `id` is the MAC of the
// entry, by which it is also stored as a blob of its own. Frames are what listings, restores and
// comparisons with an older snapshot read.
#pragma once

#include <cstddef>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"

namespace plakar::kloset {

struct DirpackFrame {
  bool is_directory = false;
  BytesView entry;  // encoded
  Mac id;
};

inline constexpr std::size_t dirpack_frame_overhead = 1 + 4 + 32;

void append_frame(Bytes& out, const DirpackFrame& frame);

// Takes the first frame off `content`, which may be a part of a dirpack: false, and nothing
// taken, when the frame does not end within it. Errc::corrupt for what is no frame. The frame is a
// view of what was taken.
Result<bool> take_frame(BytesView& content, DirpackFrame& frame);

}  // namespace plakar::kloset
