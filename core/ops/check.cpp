#include "core/ops/check.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/flow/thread_pool.h"
#include "core/kloset/format/envelope.h"
#include "core/kloset/state/delta.h"
#include "core/ops/internal/check_log.h"
#include "core/ops/internal/check_packfiles.h"
#include "core/ops/internal/check_snapshot.h"
#include "core/ops/internal/sound_blobs.h"

namespace plakar::ops {
namespace {

using kloset::Repository;
using kloset::StateId;

// What the state's envelope is guarded by; two states that have it in common are the same bytes.
Result<Mac> check_state(Repository& repository, kloset::BlobCodec& codec, const StateId& id) {
  const Bytes item = PLK_TRY(kloset::load_item(repository.store(), kloset::ItemKind::state,
                                               kloset::item_name(id), kloset::state_size_max));
  const auto envelope =
      PLK_TRY(kloset::open_envelope(item, kloset::ResourceType::state, repository.mac()));
  const BytesView plain = PLK_TRY(codec.decode(envelope.body, kloset::state_size_max));
  PLK_TRY(kloset::read_state(plain, envelope.version,
                             [](const kloset::StateEntry&) { return Status(); }));
  return envelope.mac;
}

Status check_states(Repository& repository, CheckLog& log, const flow::CancelToken& cancel) {
  std::vector<StateId> ids;
  PLK_TRY(
      repository.store().list(kloset::ItemKind::state, [&](const kloset::ItemInfo& item) -> Status {
        ids.push_back(StateId{.bytes = item.name.bytes});
        return {};
      }));
  const auto codec = PLK_TRY(repository.codec());
  // A state does not say which it is: that one has been put in another's place shows by there being
  // two of it.
  std::unordered_map<Mac, StateId> met;
  for (const StateId& id : ids) {
    PLK_TRY(cancel.check());
    log.add_state();
    auto sound = check_state(repository, *codec, id);
    if (sound) {
      const auto [other, is_new] = met.try_emplace(*sound, id);
      if (is_new) continue;
      sound = Error(Errc::corrupt, "it is state " + other->second.short_hex() + " again");
    }
    if (sound.error().code() == Errc::cancelled) return std::move(sound).error();
    log.damage(
        {.snapshot = {}, .where = "state " + id.short_hex(), .what = sound.error().message()});
  }
  return {};
}

}  // namespace

Result<CheckReport> check(Repository& repository, const CheckOptions& options,
                          CheckObserver& observer, const flow::CancelToken& cancel) {
  CheckLog log(observer);
  SoundBlobs sound(repository);
  if (options.store) {
    PLK_TRY(check_states(repository, log, cancel));
    // This thread works, too.
    const auto pool = PLK_TRY(flow::ThreadPool::start(
        {.name = "check", .threads = std::max<std::size_t>(2, options.threads) - 1}));
    PLK_TRY(check_packfiles(repository, options.depth, *pool, log, sound, cancel));
    // Objects were called sound before it was known whether their chunks are.
    if (sound.in_doubt()) sound.seen_objects().clear();
  } else if (options.depth == CheckDepth::full) {
    sound.doubt_everything();
  }
  std::vector<CheckTarget> targets = options.targets;
  if (targets.empty()) {
    for (const SnapshotId& id : repository.index().snapshots()) targets.push_back({.snapshot = id});
  }
  for (const CheckTarget& target : targets) {
    PLK_TRY(cancel.check());
    PLK_TRY(check_snapshot(repository, target, options.threads, log, sound, cancel));
    log.finish_snapshot(target.snapshot);
  }
  // What a damaged index did not find may be there all the same.
  PLK_TRY(repository.index().status());
  return log.report();
}

}  // namespace plakar::ops
