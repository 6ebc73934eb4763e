// What a store holds, as JSON for programs: the shapes that genuine Plakar's HTTP API has, field
// for field, so that what reads one reads the other.
//
// Identifiers are 64 hexadecimal digits, bytes base64 or null, durations nanoseconds, modes the
// format's own bits, versions `major << 16 | minor << 8 | patch`. Text that is not UTF-8 is
// escaped.
//
// Pure functions; any thread.
#pragma once

#include "core/codec/json.h"
#include "core/kloset/repository/config.h"
#include "core/kloset/snapshot/header.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/summary.h"

namespace plakar::ops {

codec::Json to_json(const kloset::StoreConfig& config);
codec::Json to_json(const kloset::SnapshotHeader& header);
codec::Json to_json(const kloset::Summary& summary);
codec::Json to_json(const kloset::FileInfo& info);
// An entry; `id` is the MAC that names it.
codec::Json to_json(const kloset::VfsEntry& entry, const Mac& id);

}  // namespace plakar::ops
