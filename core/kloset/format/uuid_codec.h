// UUIDs are stored like any array of bytes.
#pragma once

#include "core/base/id.h"
#include "core/codec/msgpack_struct.h"

namespace plakar::kloset {

struct UuidCodec {
  static Status read(codec::MsgpackReader& in, Uuid& value) { return in.fixed_bin(value.bytes); }
  static void write(codec::MsgpackWriter& out, const Uuid& value) { out.bin(value.bytes); }
  static bool is_empty(const Uuid&) { return false; }
};

}  // namespace plakar::kloset
