#include "core/host/in_worker.h"

#include <charconv>
#include <utility>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/host/judged_file.h"
#include "core/host/worker/module.h"

namespace plakar::host {
namespace {

// "*:443": any host, one port. Other ports are not opened by what cannot be understood.
std::optional<std::uint16_t> port_of(std::string_view rule) {
  const std::size_t colon = rule.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  rule.remove_prefix(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(rule.data(), rule.data() + rule.size(), port);
  if (error != std::errc() || end != rule.data() + rule.size()) return std::nullopt;
  return port;
}

worker::Permissions permissions_of(const ManifestPermissions& manifest) {
  worker::Permissions made;
  made.all_network = false;
  for (const std::string& rule : manifest.network) {
    if (rule == "*" || rule == "*:*") made.all_network = true;
    if (const auto port = port_of(rule)) made.tcp_ports.push_back(*port);
  }
  made.all_files = false;
  for (const std::string& rule : manifest.filesystem) {
    if (rule == "location" || rule == "*") made.all_files = true;
    if (rule.starts_with('/')) made.write_paths.push_back(rule);
  }
  return made;
}

class EndedCall final : public PendingCall {
 public:
  explicit EndedCall(CallOutcome outcome) : outcome_(std::move(outcome)) {}
  CallOutcome wait() override { return std::move(outcome_); }

 private:
  CallOutcome outcome_;
};

class WorkerBackedModule final : public Module {
 public:
  WorkerBackedModule(std::shared_ptr<const Services> services, ModuleReport report,
                     WorkerOptions options)
      : services_(std::move(services)),
        report_(std::move(report)),
        options_(std::move(options)),
        context_(make_context()) {}
  ~WorkerBackedModule() override {
    if (worker_ == nullptr) return;
    call({.name = "shutdown", .kind = CallKind::cleanup, .context = context_},
         [shutdown = worker_->plugin().shutdown](plk_call*, plk_error*) {
           shutdown();
           return PLK_OK;
         });
  }

  Status load(worker::Supervisor& supervisor, JudgedFile file) {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    worker::WorkerModuleSettings settings;
    settings.worker.program = options_.program;
    settings.worker.module_path = file.path;
    settings.worker.module_file = std::make_shared<const Fd>(std::move(file.file));
    settings.worker.module_name = report_.name;
    settings.worker.module_version = report_.version;
    settings.worker.permissions = permissions_of(options_.permissions);
    settings.worker.clean_up_time = duration_cast<milliseconds>(options_.limits.cleanup);
    settings.worker.grace = duration_cast<milliseconds>(options_.limits.grace);
    settings.worker.redactor = services_->redactor;
    const plk_entry_args entry{.struct_size = sizeof entry,
                               .abi_major = PLK_ABI_MAJOR,
                               .abi_minor = host_api().abi_minor,
                               .flags = 0,
                               .host = &host_api(),
                               .ctx = context_->handle()};
    worker_ = PLK_TRY(
        worker::WorkerModule::create(supervisor, services_->env.clock, std::move(settings), entry));
    PLK_TRY(check_plugin(&worker_->plugin(), report_.name, report_.version,
                         options_.platform.abi_minor));
    tell_of_gaps();
    return {};
  }

  const std::string& name() const noexcept override { return report_.name; }
  const std::string& version() const noexcept override { return report_.version; }
  const plk_plugin& plugin() const noexcept override { return worker_->plugin(); }
  ModuleState state() const noexcept override { return ModuleState::active; }
  Context& context() noexcept override { return *context_; }
  std::shared_ptr<Context> make_context() override {
    return std::make_shared<Context>(services_, report_.name, report_.version,
                                     options_.permissions.process);
  }
  std::unique_ptr<PendingCall> start(const CallSpec& spec, Body body) override {
    // At once, in the caller's thread: the tables of a worker do not hang, and are ahead of who
    // reads by themselves. Not later, when somebody waits: until then an instance that takes a
    // call at a time would take no other.
    return std::make_unique<EndedCall>(run(spec, std::move(body)));
  }

 private:
  CallOutcome run(const CallSpec& spec, Body body) {
    const bool is_cleanup = spec.kind == CallKind::cleanup;
    if (!is_cleanup && spec.cancel.cancelled()) return cancelled(spec.cancel);
    const flow::CancelToken base = is_cleanup ? flow::CancelToken() : spec.cancel;
    Call call(base.with_timeout(limit(spec.kind), services_->env.clock), spec.context);
    ErrorBuffer error;
    plk_status status = PLK_OK;
    {
      // The cancel itself goes with the call; this is for connectors that wait where they cannot
      // see it.
      const flow::CancelCallback notice(base, [&] {
        if (spec.interrupt != nullptr) spec.interrupt(spec.instance, call.handle());
      });
      status = body(call.handle(), error.get());
      body = {};
    }
    CallOutcome outcome = error.outcome(status);
    if (!outcome.ok() && !is_cleanup && spec.cancel.cancelled()) return cancelled(spec.cancel);
    // What the worker's end says already, module_error() says again.
    for (const std::string& said :
         {report_.name + " " + report_.version + ": ", std::string(spec.name) + ": "}) {
      if (outcome.message.starts_with(said)) outcome.message.erase(0, said.size());
    }
    return outcome;
  }

  static CallOutcome cancelled(const flow::CancelToken& cancel) {
    const Error error = cancel.error();
    return {.status = error.code() == Errc::cancelled ? PLK_E_CANCELLED : PLK_E_TIMEOUT,
            .message = error.message()};
  }

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

  // A kernel without Landlock or seccomp leaves a module more than its manifest asks for.
  void tell_of_gaps() const {
    const worker::Permissions asked = permissions_of(options_.permissions);
    const worker::Confinement enforced = worker_->confinement();
    if ((asked.all_files || enforced.files) && (asked.all_network || enforced.network) &&
        enforced.calls) {
      return;
    }
    log::warn("this kernel does not hold a connector to its permissions",
              {{"module", name()}, {"version", version()}});
  }

  const std::shared_ptr<const Services> services_;
  const ModuleReport report_;
  const WorkerOptions options_;
  const std::shared_ptr<Context> context_;
  std::unique_ptr<worker::WorkerModule> worker_;
};

}  // namespace

Result<std::shared_ptr<Module>> load_in_worker(std::shared_ptr<const Services> services,
                                               worker::Supervisor& supervisor,
                                               const std::string& path,
                                               const WorkerOptions& options) {
  JudgedFile file =
      PLK_TRY_CONTEXT(judge_file(path, options.platform, options.sha256), "module " + escape(path));
  auto module = std::make_shared<WorkerBackedModule>(std::move(services), file.report, options);
  PLK_TRY_CONTEXT(module->load(supervisor, std::move(file)), "module " + escape(path));
  return std::shared_ptr<Module>(std::move(module));
}

}  // namespace plakar::host
