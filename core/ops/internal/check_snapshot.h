// The part of a check that goes through one snapshot: what it names is there, and sound as far as
// is known, and what it says twice is the same both times.
#pragma once

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/repository/repository.h"
#include "core/ops/check.h"
#include "core/ops/internal/check_log.h"
#include "core/ops/internal/sound_blobs.h"

namespace plakar::ops {

// Damage goes to the log. An error is a cancel.
Status check_snapshot(kloset::Repository& repository, const CheckTarget& target,
                      std::size_t threads, CheckLog& log, SoundBlobs& sound,
                      const flow::CancelToken& cancel);

}  // namespace plakar::ops
