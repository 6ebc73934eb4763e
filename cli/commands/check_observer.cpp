#include "cli/commands/check_observer.h"

#include <string>

namespace plakar::cli {

CheckObserver::CheckObserver(Context& context, OpenStore& store, EventScope& scope)
    : context_(context),
      store_(store),
      scope_(scope),
      begin_(context.env.clock.monotonic()),
      read_(store.store->bytes_read()),
      written_(store.store->bytes_written()) {}

void CheckObserver::checked(const SnapshotId& snapshot, std::string_view path) {
  scope_.snapshot = snapshot;
  context_.renderer->path_ok(scope_, {.path = path});
}

void CheckObserver::damaged(const ops::Damage& damage) {
  scope_.snapshot = damage.snapshot.value_or(SnapshotId{});
  std::string what = damage.what;
  if (damage.packfile) what += " (packfile " + damage.packfile->short_hex() + ")";
  context_.renderer->path_failed(scope_, damage.where, what);
}

void CheckObserver::finished(const SnapshotId& snapshot, std::uint64_t damages) {
  scope_.snapshot = snapshot;
  report(damages);
}

void CheckObserver::report(std::uint64_t damages) {
  const MonotonicTime now = context_.env.clock.monotonic();
  const std::uint64_t read = store_.store->bytes_read();
  const std::uint64_t written = store_.store->bytes_written();
  context_.renderer->result(scope_, {.errors = damages,
                                     .duration = now - begin_,
                                     .store_read = read - read_,
                                     .store_written = written - written_});
  begin_ = now;
  read_ = read;
  written_ = written;
}

}  // namespace plakar::cli
