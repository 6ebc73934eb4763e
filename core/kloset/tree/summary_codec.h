// How a summary is stored, for the structures that hold one.
#pragma once

#include "core/codec/msgpack_struct.h"
#include "core/kloset/tree/summary.h"

namespace plakar::kloset {

struct SummaryCodec {
  static Status read(codec::MsgpackReader& in, Summary& value);
  static void write(codec::MsgpackWriter& out, const Summary& value);
  static bool is_empty(const Summary&) { return false; }  // `below.errors` is always written
};

}  // namespace plakar::kloset
