#include "core/host/in_process.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/base/clock.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/host/internal/module_pool.h"
#include "core/host/internal/shared_image.h"
#include "core/host/judged_file.h"

namespace plakar::host {
namespace {

using Entry = decltype(plk_entry_v1);

// What this process has, for as long as it lives; no destructor of a static object touches it.
struct Ledger {
  std::mutex mutex;
  std::vector<std::shared_ptr<LoadedModule>> modules;
  // Of modules that were abandoned: their code may use these at any time.
  std::vector<std::shared_ptr<Context>> contexts;
};

Ledger& ledger() {
  static Ledger& instance = *new Ledger;
  return instance;
}

// One call: what its thread and its caller share.
struct Exchange {
  Exchange(const CallSpec& call_spec, flow::CancelToken cancel, Module::Body call_body)
      : spec(call_spec), call(std::move(cancel), call_spec.context), body(std::move(call_body)) {}

  void run() {
    const plk_status result = body(call.handle(), error.get());
    // Whatever it owned goes before its caller goes on.
    body = {};
    const std::lock_guard lock(mutex);
    status = result;
    done = true;
    changed.notify_all();
  }

  const CallSpec spec;
  Call call;
  ErrorBuffer error;
  Module::Body body;  // the thread's until `done`

  std::mutex mutex;
  std::condition_variable changed;
  plk_status status = PLK_OK;  // these guarded by mutex
  bool done = false;
  bool interrupting = false;
  bool cancelled = false;
};

class InProcessModule;

class InProcessCall final : public PendingCall {
 public:
  InProcessCall(InProcessModule& module, std::shared_ptr<Exchange> exchange)
      : module_(module), exchange_(std::move(exchange)) {}
  explicit InProcessCall(InProcessModule& module, CallOutcome outcome)
      : module_(module), outcome_(std::move(outcome)) {}
  ~InProcessCall() override {
    if (exchange_ != nullptr) wait();
  }

  CallOutcome wait() override;

 private:
  InProcessModule& module_;
  std::shared_ptr<Exchange> exchange_;  // null: over
  CallOutcome outcome_;
};

// Tasks of the module's own, on its pool. Shared with every context: who was abandoned may ask for
// one at any time.
class Tasks final : public TaskRunner {
 public:
  explicit Tasks(ModulePool& pool)
      : pool_(&pool), running_(std::make_shared<std::atomic<int>>(0)) {}

  plk_status run(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    if (pool_ == nullptr) return PLK_E_BUSY;
    ++*running_;
    const bool started = pool_->submit([running = running_, task = std::move(task)] {
      task();
      --*running;
    });
    if (started) return PLK_OK;
    --*running_;
    return PLK_E_BUSY;
  }

  // No more of them; whether some are still running.
  bool end() {
    const std::lock_guard lock(mutex_);
    pool_ = nullptr;
    return *running_ != 0;
  }

 private:
  std::mutex mutex_;
  ModulePool* pool_;  // guarded by mutex_
  const std::shared_ptr<std::atomic<int>> running_;
};

class InProcessModule final : public Module {
 public:
  InProcessModule(std::shared_ptr<const Services> services, ModuleReport report, std::string path,
                  LoadOptions options)
      : services_(std::move(services)),
        report_(std::move(report)),
        options_(std::move(options)),
        pool_(report_.name),
        tasks_(std::make_shared<Tasks>(pool_)),
        context_(make_context()),
        record_(std::make_shared<LoadedModule>(LoadedModule{
            .name = report_.name, .version = report_.version, .path = std::move(path)})) {}
  ~InProcessModule() override { stop(); }

  // Runs the code of the library for the first time.
  Status load(Fd file) {
    {
      const std::lock_guard lock(ledger().mutex);
      ledger().modules.push_back(record_);
    }
    // Shared: a constructor that hangs has the thread that runs it, and what it works on.
    struct Loading {
      Fd file;
      std::string name;
      std::unique_ptr<SharedImage> image;
      std::optional<Error> error;
      const plk_plugin* plugin = nullptr;
    };
    auto loading = std::make_shared<Loading>();
    loading->file = std::move(file);
    loading->name = report_.name + "-" + report_.version;
    const auto run = [loading](plk_call*, plk_error*) -> plk_status {
      auto image = SharedImage::load(std::move(loading->file), loading->name);
      if (!image) {
        loading->error = image.error();
        return PLK_E_ABI;
      }
      loading->image = *std::move(image);
      return PLK_OK;
    };
    const CallOutcome loaded =
        call({.name = "load", .kind = CallKind::quick, .context = context_}, run);
    if (loading->error) return *loading->error;
    if (!loaded.ok()) return module_error(*this, "load", loaded);
    image_ = std::move(loading->image);

    auto* const entry = reinterpret_cast<Entry*>(image_->find(module_entry.data()));
    if (entry == nullptr) return Error(Errc::unsupported, "its entry cannot be found");
    const CallOutcome entered =
        call({.name = "plk_entry_v1", .kind = CallKind::quick, .context = context_},
             [loading, entry, context = context_](plk_call*, plk_error* err) {
               const plk_entry_args args{.struct_size = sizeof args,
                                         .abi_major = PLK_ABI_MAJOR,
                                         .abi_minor = host_api().abi_minor,
                                         .flags = 0,
                                         .host = &host_api(),
                                         .ctx = context->handle()};
               return entry(&args, &loading->plugin, err);
             });
    if (!entered.ok()) return module_error(*this, "plk_entry_v1", entered);
    PLK_TRY(
        check_plugin(loading->plugin, report_.name, report_.version, options_.platform.abi_minor));
    plugin_ = loading->plugin;
    return {};
  }

  const std::string& name() const noexcept override { return report_.name; }
  const std::string& version() const noexcept override { return report_.version; }
  const plk_plugin& plugin() const noexcept override { return *plugin_; }
  ModuleState state() const noexcept override {
    return wedged_ ? ModuleState::wedged : ModuleState::active;
  }
  Context& context() noexcept override { return *context_; }

  std::shared_ptr<Context> make_context() override {
    auto context =
        std::make_shared<Context>(services_, report_.name, report_.version, options_.programs);
    context->runner = tasks_;
    return context;
  }

  std::unique_ptr<PendingCall> start(const CallSpec& spec, Body body) override {
    if (wedged_) {
      return std::make_unique<InProcessCall>(
          *this, CallOutcome{.status = PLK_E_CRASHED,
                             .message = "an earlier call did not return, and the module is not "
                                        "used any more; run its package in a worker"});
    }
    const bool is_cleanup = spec.kind == CallKind::cleanup;
    if (!is_cleanup && spec.cancel.cancelled()) {
      return std::make_unique<InProcessCall>(*this, cancelled(spec.cancel));
    }
    const flow::CancelToken base = is_cleanup ? flow::CancelToken() : spec.cancel;
    auto exchange = std::make_shared<Exchange>(
        spec, base.with_timeout(limit(spec.kind), services_->env.clock), std::move(body));
    if (!pool_.submit([exchange] { exchange->run(); })) {
      return std::make_unique<InProcessCall>(
          *this, CallOutcome{.status = PLK_E_BUSY, .message = "no thread is left to call it"});
    }
    return std::make_unique<InProcessCall>(*this, std::move(exchange));
  }

  static CallOutcome cancelled(const flow::CancelToken& cancel) {
    const Error error = cancel.error();
    return {.status = error.code() == Errc::cancelled ? PLK_E_CANCELLED : PLK_E_TIMEOUT,
            .message = error.message()};
  }

  Clock& clock() const noexcept { return services_->env.clock; }
  std::chrono::nanoseconds grace() const noexcept { return options_.limits.grace; }
  ModulePool& pool() noexcept { return pool_; }

  // A call did not return.
  CallOutcome wedge(const char* call) {
    wedged_ = true;
    set_state(ModuleState::wedged);
    log::error("a connector does not return and is given up",
               {{"module", name()}, {"version", version()}, {"call", call}});
    return {.status = PLK_E_CRASHED,
            .message =
                "it did not return in time and was given up; run the package in a worker, "
                "which can be ended"};
  }

 private:
  std::chrono::nanoseconds limit(CallKind kind) const noexcept {
    switch (kind) {
      case CallKind::quick:
        return options_.limits.quick;
      case CallKind::transfer:
        return options_.limits.transfer;
      case CallKind::cleanup:
        return options_.limits.cleanup;
    }
    return options_.limits.quick;
  }

  void set_state(ModuleState state) {
    const std::lock_guard lock(ledger().mutex);
    record_->state = state;
  }

  void stop() {
    if (plugin_ != nullptr && !wedged_) {
      call({.name = "shutdown", .kind = CallKind::cleanup, .context = context_},
           [shutdown = plugin_->shutdown](plk_call*, plk_error*) {
             shutdown();
             return PLK_OK;
           });
    }
    if (tasks_->end() && !wedged_) wedge("run");
    if (wedged_) {
      pool_.abandon();
      const std::lock_guard lock(ledger().mutex);
      ledger().contexts.push_back(context_);
      return;  // the image keeps itself
    }
    pool_.stop();
    if (image_ == nullptr) return;
    const bool removed = may_unmap() && image_->unload();
    set_state(removed ? ModuleState::unmapped : ModuleState::retired);
    if (!removed) return;
    const std::lock_guard lock(ledger().mutex);
    std::erase(ledger().modules, record_);
  }

  // Only where nothing can be left of it: neither threads nor what the linker keeps.
  bool may_unmap() const {
    if (options_.unload != Unload::unmap || !report_.kept_because.empty()) return false;
    if (plugin_ == nullptr) return false;
    for (std::uint32_t i = 0; i < plugin_->connector_count; ++i) {
      if ((plugin_->connectors[i]->caps & PLK_CAP_OWN_THREADS) != 0) return false;
    }
    return true;
  }

  const std::shared_ptr<const Services> services_;
  const ModuleReport report_;
  const LoadOptions options_;
  std::atomic<bool> wedged_ = false;
  ModulePool pool_;
  const std::shared_ptr<Tasks> tasks_;
  const std::shared_ptr<Context> context_;
  const std::shared_ptr<LoadedModule> record_;  // shared with the ledger, which guards its state
  std::unique_ptr<SharedImage> image_;
  const plk_plugin* plugin_ = nullptr;
};

CallOutcome InProcessCall::wait() {
  if (exchange_ == nullptr) return std::move(outcome_);
  const std::shared_ptr<Exchange> exchange = std::move(exchange_);
  Exchange& shared = *exchange;
  const flow::CancelToken& cancel = shared.call.cancel();
  const bool is_cleanup = shared.spec.kind == CallKind::cleanup;
  const flow::CancelCallback notice(is_cleanup ? flow::CancelToken() : shared.spec.cancel, [&] {
    const std::lock_guard lock(shared.mutex);
    shared.cancelled = true;
    shared.changed.notify_all();
  });

  Clock& clock = module_.clock();
  std::unique_lock lock(shared.mutex);
  std::optional<MonotonicTime> give_up;
  while (!shared.done || shared.interrupting) {
    const MonotonicTime now = clock.monotonic();
    if (!give_up && (shared.cancelled || now >= cancel.deadline())) {
      give_up = now + module_.grace();
      if (shared.spec.interrupt != nullptr && !shared.done) {
        shared.interrupting = true;
        const bool sent = module_.pool().submit([exchange] {
          exchange->spec.interrupt(exchange->spec.instance, exchange->call.handle());
          const std::lock_guard inner(exchange->mutex);
          exchange->interrupting = false;
          exchange->changed.notify_all();
        });
        if (!sent) shared.interrupting = false;
      }
      continue;
    }
    if (give_up && now >= *give_up) {
      lock.unlock();
      return module_.wedge(shared.spec.name);
    }
    clock.wait_until(lock, shared.changed, give_up.value_or(cancel.deadline()));
  }
  const CallOutcome outcome = shared.error.outcome(shared.status);
  // Whatever a module makes of a cancel, it was one.
  if (!outcome.ok() && !is_cleanup && shared.spec.cancel.cancelled()) {
    return InProcessModule::cancelled(shared.spec.cancel);
  }
  return outcome;
}

}  // namespace

Result<std::shared_ptr<Module>> load_in_process(std::shared_ptr<const Services> services,
                                                const std::string& path,
                                                const LoadOptions& options) {
  JudgedFile opened =
      PLK_TRY_CONTEXT(judge_file(path, options.platform, options.sha256), "module " + escape(path));
  auto module = std::make_shared<InProcessModule>(std::move(services), std::move(opened.report),
                                                  std::move(opened.path), options);
  PLK_TRY_CONTEXT(module->load(std::move(opened.file)), "module " + escape(path));
  return std::shared_ptr<Module>(std::move(module));
}

std::vector<LoadedModule> loaded_modules() {
  std::vector<LoadedModule> modules;
  const std::lock_guard lock(ledger().mutex);
  for (const auto& module : ledger().modules) modules.push_back(*module);
  return modules;
}

}  // namespace plakar::host
