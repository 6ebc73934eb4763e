// The codec of the `version` fields inside blobs: any is read, 1.0.0 is written.
#pragma once

#include "core/codec/msgpack_struct.h"
#include "core/kloset/format/resource.h"

namespace plakar::kloset {

struct StoredVersion {
  static Status read(codec::MsgpackReader& in, std::uint32_t& value) {
    value = PLK_TRY(in.u32());
    return {};
  }
  static void write(codec::MsgpackWriter& out, std::uint32_t) {
    out.u32(static_cast<std::uint32_t>(version_1_0_0));
  }
  static bool is_empty(std::uint32_t) { return false; }
};

}  // namespace plakar::kloset
