#include "core/base/testing/file_filters.h"

#include <algorithm>

namespace plakar::testing {
namespace {

bool transfers_bytes(CallKind kind) {
  return kind == CallKind::read || kind == CallKind::write || kind == CallKind::read_at ||
         kind == CallKind::write_at || kind == CallKind::copy_range;
}

std::string_view word_for(Survival survival) {
  switch (survival) {
    case Survival::lost:
      return "lost";
    case Survival::kept:
      return "kept";
    case Survival::random:
      return "random";
  }
  return {};
}

}  // namespace

std::vector<FileCall> RecordingFileCalls::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

std::vector<FileCall> RecordingFileCalls::calls(CallKind kind) const {
  std::vector<FileCall> out = calls();
  std::erase_if(out, [&](const FileCall& call) { return call.kind != kind; });
  return out;
}

void RecordingFileCalls::clear() {
  const std::scoped_lock lock(mutex_);
  calls_.clear();
}

CallResult RecordingFileCalls::around(FileCall& call, const std::function<CallResult()>& next) {
  call.result = next();
  const std::scoped_lock lock(mutex_);
  calls_.push_back(call);
  return call.result;
}

bool FaultyFileCalls::fired() const {
  const std::scoped_lock lock(mutex_);
  return fired_;
}

std::uint64_t FaultyFileCalls::matched() const {
  const std::scoped_lock lock(mutex_);
  return matched_;
}

bool FaultyFileCalls::is_hit(const FileCall& call) {
  if (fault_.kind && *fault_.kind != call.kind) return false;
  if (fault_.short_length && !transfers_bytes(call.kind)) return false;
  if (call.path.find(fault_.path_contains) == std::string::npos) return false;
  const std::scoped_lock lock(mutex_);
  ++matched_;
  const bool hit = fault_.repeats ? matched_ >= fault_.nth : matched_ == fault_.nth;
  fired_ = fired_ || hit;
  return hit;
}

CallResult FaultyFileCalls::around(FileCall& call, const std::function<CallResult()>& next) {
  if (!is_hit(call)) return next();
  if (fault_.short_length) {
    call.length = std::min(call.length, *fault_.short_length);
    return next();
  }
  if (call.kind == CallKind::sync && disk_ != nullptr) disk_->lose_unsynced(call.file);
  // Linux closes the descriptor whatever close() reports; the rest has not happened.
  if (fault_.happens || call.kind == CallKind::close || call.kind == CallKind::unmap) {
    static_cast<void>(next());
  }
  return -fault_.error;
}

std::uint64_t CrashPoints::states_checked() const {
  const std::scoped_lock lock(mutex_);
  return states_;
}

CallResult CrashPoints::around(FileCall& call, const std::function<CallResult()>& next) {
  call.result = next();
  if (!changes_disk(call.kind)) return call.result;
  CrashPoint point;
  {
    const std::scoped_lock lock(mutex_);
    point.call = ++calls_;
    states_ += 4 + settings_.random_states;
  }
  const auto check_state = [&](const CrashOptions& options) {
    point.options = options;
    point.description = "after call " + std::to_string(point.call) + ", " + call.describe() +
                        ": content " + std::string(word_for(options.content)) + ", names " +
                        std::string(word_for(options.names)) + ", seed " +
                        std::to_string(options.seed);
    const auto after = disk_->crash(options);
    check_(*after, point);
  };
  for (const Survival content : {Survival::lost, Survival::kept}) {
    for (const Survival names : {Survival::lost, Survival::kept}) {
      check_state({.content = content, .names = names, .seed = settings_.seed});
    }
  }
  for (std::uint64_t i = 0; i < settings_.random_states; ++i) {
    check_state({.content = Survival::random,
                 .names = Survival::random,
                 .seed = settings_.seed + point.call * settings_.random_states + i});
  }
  return call.result;
}

}  // namespace plakar::testing
