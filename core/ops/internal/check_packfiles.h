// The part of a check that knows no snapshots: packfiles, as the states list them.
#pragma once

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/flow/thread_pool.h"
#include "core/kloset/repository/repository.h"
#include "core/ops/check.h"
#include "core/ops/internal/check_log.h"
#include "core/ops/internal/sound_blobs.h"

namespace plakar::ops {

// Every packfile that is not marked as deleted is there, its index can be read and says what the
// states say; in full, every byte of it is what it was. `sound` learns of every blob of which that
// is not known.
Status check_packfiles(kloset::Repository& repository, CheckDepth depth, flow::ThreadPool& pool,
                       CheckLog& log, SoundBlobs& sound, const flow::CancelToken& cancel);

}  // namespace plakar::ops
