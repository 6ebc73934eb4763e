// What a module gets from its host: the functions of plk_host_api, and what stands behind the
// handles that they take.
//
//   plk_ctx   a Context: who is asking, the module itself or one of its instances
//   plk_call  a Call: one operation, with its cancel and its deadline
//   plk_sink  a Sink: bytes of a limited number
//
// The functions may be called from any thread of a module, also by one that was abandoned: what
// they touch lives as long as any of that module's code may run.
#pragma once

#include <plakar/connector.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/env.h"
#include "core/base/redactor.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/flow/cancel_token.h"

namespace plakar::host {

inline constexpr std::size_t metrics_max = 1024;  // of one module

struct Metric {
  std::uint32_t kind = 0;  // PLK_METRIC_*
  std::string name{};
  std::string unit{};
  // Of a counter the sum, of a gauge the last value, of a histogram the sum of all.
  double value = 0;
  std::uint64_t count = 0;
};

struct Progress {
  std::uint64_t items_done = 0;
  std::uint64_t items_total = 0;  // 0: not known
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: not known
  std::string phase{};
};

// Finds what a reference to a secret stands for, "provider:path#field". Called by any thread.
using SecretResolver =
    std::function<Result<Secret>(std::string_view reference, const flow::CancelToken& cancel)>;

// What a host offers to all of its modules. Outlives them, also the retired ones: shared with them.
struct Services {
  Env env;
  SecretResolver resolve_secret{};  // empty: no references
  Redactor* redactor = nullptr;     // told of secrets; outlives the host
  // Told what modules report of their operations, by any of their threads.
  std::function<void(std::string_view module, const Progress&)> on_progress{};
  std::string temporary_directory = "/tmp";
  std::uint64_t temporary_bytes_max = std::uint64_t{1} << 30;
};

// Runs functions of a module on threads that are its own.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // PLK_E_BUSY when there is no thread left.
  virtual plk_status run(std::function<void()> task) = 0;
};

class TempArea;

// Who asks. Shared by who made it and by every call under way, so that one that was abandoned finds
// it still.
class Context {
 public:
  // `programs` are those that the module may start.
  Context(std::shared_ptr<const Services> services, std::string module, std::string version,
          std::vector<std::string> programs);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  plk_ctx* handle() noexcept { return reinterpret_cast<plk_ctx*>(this); }
  static Context& of(plk_ctx* ctx) noexcept { return *reinterpret_cast<Context*>(ctx); }

  const Services& services() const noexcept { return *services_; }
  const std::string& module() const noexcept { return module_; }
  const std::string& version() const noexcept { return version_; }
  const std::vector<std::string>& programs() const noexcept { return programs_; }
  TempArea& temporary() noexcept { return *temporary_; }

  // Set before the module knows the context.
  std::shared_ptr<TaskRunner> runner{};
  std::map<std::string, std::string, std::less<>> secret_references{};  // by key

  plk_status define_metric(std::uint32_t kind, std::string_view name, std::string_view unit,
                           std::uint32_t& id);
  void record_metric(std::uint32_t id, double value);
  std::vector<Metric> metrics() const;

 private:
  const std::shared_ptr<const Services> services_;
  const std::string module_;
  const std::string version_;
  const std::vector<std::string> programs_;
  const std::unique_ptr<TempArea> temporary_;
  mutable std::mutex mutex_;
  std::vector<Metric> metrics_;  // guarded by mutex_
};

// One operation.
class Call {
 public:
  Call(flow::CancelToken cancel, std::shared_ptr<Context> context)
      : cancel_(std::move(cancel)), context_(std::move(context)) {}

  plk_call* handle() noexcept { return reinterpret_cast<plk_call*>(this); }
  static Call& of(plk_call* call) noexcept { return *reinterpret_cast<Call*>(call); }

  const flow::CancelToken& cancel() const noexcept { return cancel_; }
  Context& context() noexcept { return *context_; }

 private:
  const flow::CancelToken cancel_;
  const std::shared_ptr<Context> context_;
};

// Takes bytes up to a limit. For the thread that makes the call, and those it joins.
class Sink {
 public:
  explicit Sink(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  ~Sink() { wipe(bytes); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  plk_sink* handle() noexcept { return reinterpret_cast<plk_sink*>(this); }
  static Sink& of(plk_sink* sink) noexcept { return *reinterpret_cast<Sink*>(sink); }

  plk_status write(BytesView more);
  // Something was refused: what is there is only a part.
  bool overflowed() const noexcept { return overflowed_; }

  Bytes bytes;

 private:
  const std::size_t bytes_max_;
  bool overflowed_ = false;
};

// The functions. Static.
const plk_host_api& host_api() noexcept;

// As the ABI has it.
inline plk_str to_plk(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline plk_bytes to_plk_bytes(std::string_view octets) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()};
}
inline plk_bytes to_plk_bytes(BytesView bytes) noexcept { return to_plk_bytes(as_text(bytes)); }

// Text and octets of a module's, as far as their pointers can be believed: a length without a
// pointer is nothing.
inline std::string_view from_plk(plk_str text) noexcept {
  return text.ptr == nullptr ? std::string_view() : std::string_view(text.ptr, text.len);
}
inline std::string_view from_plk(plk_bytes octets) noexcept {
  return octets.ptr == nullptr
             ? std::string_view()
             : std::string_view(reinterpret_cast<const char*>(octets.ptr), octets.len);
}

// Fills an error of a module's as far as its struct_size and its buffer reach, and returns
// `status`.
plk_status fill_error(plk_error* err, plk_status status, std::string_view message);

}  // namespace plakar::host
