#include "core/host/instance.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/base/random.h"
#include "core/base/text.h"
#include "core/flow/poll.h"

namespace plakar::host {
namespace {

// Where a connector leaves it to the host.
constexpr std::uint32_t concurrency_default = 16;
constexpr std::uint32_t concurrency_max = 128;

// How often a call is made again that the module says may succeed later, and how long between.
constexpr int retries_max = 5;
constexpr std::chrono::milliseconds retry_pause_min{200};
constexpr std::chrono::milliseconds retry_pause_max{10'000};

constexpr std::string_view architecture() noexcept {
#if defined(__x86_64__)
  return "amd64";
#else
  return "arm64";
#endif
}

// The arguments of open(), and what they point to.
struct OpenState {
  OpenOptions options;
  std::vector<plk_cfg_entry> entries;
  std::vector<plk_bytes> excludes;
  plk_config config{};
  plk_open_args args{};
  plk_instance* instance = nullptr;

  void lay_out(plk_ctx* ctx) {
    for (const ConfigEntry& entry : options.config) {
      entries.push_back({.key = to_plk(entry.key),
                         .value = to_plk(entry.value.reveal_text()),
                         .type = entry.type,
                         .flags = entry.flags,
                         .i = entry.integer,
                         .d = entry.number});
    }
    for (const std::string& exclude : options.excludes) excludes.push_back(to_plk_bytes(exclude));
    config = {.struct_size = sizeof config,
              .entry_stride = sizeof(plk_cfg_entry),
              .entries = entries.data(),
              .count = entries.size(),
              .schema_version = options.schema_version,
              .reserved0 = 0};
    args.struct_size = sizeof args;
    args.flags = options.flags;
    args.ctx = ctx;
    args.protocol = to_plk(options.protocol);
    args.location = to_plk(options.location);
    args.config = &config;
    args.hostname = to_plk(options.hostname);
    args.os = to_plk("linux");
    args.arch = to_plk(architecture());
    args.cwd = to_plk_bytes(options.directory);
    args.concurrency = options.concurrency;
    args.excludes = excludes.data();
    args.exclude_count = excludes.size();
  }
};

struct LocationState {
  plk_location location{};
  InstanceLocation found;
};

class FailedCall final : public PendingCall {
 public:
  explicit FailedCall(CallOutcome outcome) : outcome_(std::move(outcome)) {}
  CallOutcome wait() override { return std::move(outcome_); }

 private:
  CallOutcome outcome_;
};

}  // namespace

// Lets as many in as there is room for.
class Instance::Gate {
 public:
  explicit Gate(std::uint32_t room) : room_(room) {}

  Status enter(const flow::CancelToken& cancel) {
    {
      const std::lock_guard lock(mutex_);
      if (room_ > 0) {
        --room_;
        return {};
      }
    }
    const flow::CancelCallback notice(cancel, [this] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    while (room_ == 0) {
      PLK_TRY(cancel.check());
      if (closed_) {
        return Error(Errc::io, "a call that was made before did not return");
      }
      cancel.clock().wait_until(lock, changed_, cancel.deadline());
    }
    --room_;
    return {};
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    ++room_;
    changed_.notify_one();
  }
  // Somebody is in there for ever.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t room_;  // these guarded by mutex_
  bool closed_ = false;
};

namespace {

// Tells those who wait for room when a call was given up.
template <class Close>
class GuardedCall final : public PendingCall {
 public:
  GuardedCall(std::unique_ptr<PendingCall> inner, Close close)
      : inner_(std::move(inner)), close_(std::move(close)) {}
  ~GuardedCall() override {
    if (inner_ != nullptr) wait();
  }
  CallOutcome wait() override {
    CallOutcome outcome = std::exchange(inner_, nullptr)->wait();
    if (outcome.status == PLK_E_CRASHED) close_();
    return outcome;
  }

 private:
  std::unique_ptr<PendingCall> inner_;
  Close close_;
};

}  // namespace

Result<std::shared_ptr<Instance>> Instance::open(std::shared_ptr<Module> module,
                                                 const plk_connector& connector,
                                                 OpenOptions options, flow::CancelToken cancel) {
  std::uint32_t concurrency = 1;
  if ((connector.caps & PLK_CAP_CONCURRENT) != 0) {
    concurrency = connector.max_concurrency == 0 ? concurrency_default : connector.max_concurrency;
    concurrency = std::min(concurrency, concurrency_max);
  }
  std::shared_ptr<Instance> instance(
      new Instance(std::move(module), connector, std::move(cancel), concurrency));
  for (const ConfigEntry& entry : options.config) {
    if (!entry.reference.empty()) {
      instance->context_->secret_references[entry.key] = entry.reference;
    }
  }
  auto state = std::make_shared<OpenState>();
  state->options = std::move(options);
  state->lay_out(instance->context_->handle());
  PLK_TRY(instance->attempt(
      "open", CallKind::quick,
      [state, &connector](plk_call* call, plk_error* err) {
        state->args.call = call;
        const plk_status status = connector.open(&state->args, &state->instance, err);
        if (status == PLK_OK && state->instance == nullptr) {
          return fill_error(err, PLK_E_INTERNAL, "it succeeded and gave no instance");
        }
        return status;
      },
      Cancelling::ignored));
  instance->raw_ = state->instance;
  PLK_TRY(instance->find_location());
  return instance;
}

Instance::Instance(std::shared_ptr<Module> module, const plk_connector& connector,
                   flow::CancelToken cancel, std::uint32_t concurrency)
    : module_(std::move(module)),
      connector_(connector),
      cancel_(std::move(cancel)),
      concurrency_(concurrency),
      gate_(std::make_shared<Gate>(concurrency)),
      context_(module_->make_context()) {}

Instance::~Instance() {
  if (raw_ == nullptr) return;
  static_cast<void>(call("close", CallKind::cleanup,
                         [close = connector_.close, raw = raw_](plk_call* call, plk_error*) {
                           close(raw, call);
                           return PLK_OK;
                         }));
}

std::unique_ptr<PendingCall> Instance::start(const char* name, CallKind kind, Module::Body body,
                                             Cancelling cancelling) {
  const flow::CancelToken cancel = cancelling == Cancelling::ignored || kind == CallKind::cleanup
                                       ? flow::CancelToken()
                                       : cancel_;
  if (const Status entered = gate_->enter(cancel); !entered) {
    const bool cancelled = entered.error().code() != Errc::io;
    return std::make_unique<FailedCall>(
        CallOutcome{.status = cancelled ? PLK_E_CANCELLED : PLK_E_CRASHED,
                    .message = entered.error().message()});
  }
  // Left when the body goes, run or not.
  std::shared_ptr<void> room(nullptr, [gate = gate_](void*) { gate->leave(); });
  const CallSpec spec{.name = name,
                      .kind = kind,
                      .cancel = cancel,
                      .context = context_,
                      .interrupt = has(PLK_CAP_INTERRUPT) ? connector_.interrupt : nullptr,
                      .instance = raw_};
  auto inner =
      module_->start(spec, [body = std::move(body), room = std::move(room)](
                               plk_call* call, plk_error* err) { return body(call, err); });
  auto close = [gate = gate_] { gate->close(); };
  return std::make_unique<GuardedCall<decltype(close)>>(std::move(inner), std::move(close));
}

CallOutcome Instance::persist(const char* name, CallKind kind,
                              const std::function<Module::Body()>& make_body,
                              Cancelling cancelling) {
  std::chrono::milliseconds pause = retry_pause_min;
  for (int attempt = 0;; ++attempt) {
    CallOutcome outcome = call(name, kind, make_body(), cancelling);
    if (!outcome.is_retryable() || attempt == retries_max) return outcome;
    // Half of it by chance, so that many who were refused together do not come back together.
    std::array<std::byte, 4> chance;
    context_->services().env.random.fill(chance);
    const auto half = pause / 2;
    const auto wait = half + half * (load_le<std::uint32_t>(chance) % 1024) / 1024;
    const auto slept = flow::poll_or_cancel(
        -1, 0, cancelling == Cancelling::ignored ? flow::CancelToken() : cancel_,
        std::max<std::chrono::milliseconds>(wait, outcome.retry_after));
    if (!slept) return {.status = PLK_E_CANCELLED, .message = slept.error().message()};
    pause = std::min(pause * 2, retry_pause_max);
  }
}

Error Instance::broken(std::string_view name, std::string_view what) const {
  return Error(Errc::io, module_->name() + " " + module_->version() + ": " + std::string(name) +
                             ": the connector is broken: " + std::string(what));
}

Status Instance::find_location() {
  auto state = std::make_shared<LocationState>();
  PLK_TRY(attempt(
      "location", CallKind::quick,
      [state, raw = raw_, location = connector_.location](plk_call*, plk_error* err) {
        state->location.struct_size = sizeof state->location;
        const plk_status status = location(raw, &state->location, err);
        if (status != PLK_OK) return status;
        // Copied while the module is there to vouch for them.
        state->found = {.flags = state->location.flags,
                        .origin = std::string(from_plk(state->location.origin)),
                        .type = std::string(from_plk(state->location.type)),
                        .root = std::string(from_plk(state->location.root))};
        return status;
      },
      Cancelling::ignored));
  if (!is_utf8(state->found.origin) || !is_utf8(state->found.type) || state->found.type.empty()) {
    return broken("location", "origin and type are to be text, and there is to be a type");
  }
  if (!state->found.root.starts_with('/')) return broken("location", "the root is not absolute");
  location_ = std::move(state->found);
  return {};
}

Status Instance::ping() {
  return attempt("ping", CallKind::transfer,
                 [ping = connector_.ping, raw = raw_](plk_call* call, plk_error* err) {
                   return ping(raw, call, err);
                 });
}

}  // namespace plakar::host
