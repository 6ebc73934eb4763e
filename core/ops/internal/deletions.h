// Where deletions have to be written to be merged behind what they delete.
//
// A state is merged behind its parent, and that is all that every program keeps to. States that are
// not each other's ancestors come by time for us, and in the order of a listing for genuine
// Plakar, which names as parent what its cache knew: without a cache, nothing. A packfile whose
// deletion it merges before the packfile itself is one that it looks for blobs in, for good. So a
// deletion goes into a state whose ancestors have what it deletes; where that is on another branch
// than the newest state, into one of its own there.
#pragma once

#include <functional>
#include <span>

#include "core/base/result.h"
#include "core/kloset/repository/repository.h"
#include "core/kloset/state/delta.h"

namespace plakar::ops {

// Publishes `entries` as the state `id`, but for deletions that belong behind other states than the
// newest one: these follow as states of their own. Where something is deleted every state of the
// store is read. `guard` has to hold before each is published. The repository is refreshed already;
// when it fails some may have been published.
Status publish_in_order(kloset::Repository& repository, const kloset::StateId& id,
                        std::span<const kloset::StateEntry> entries,
                        const std::function<Status()>& guard);

}  // namespace plakar::ops
