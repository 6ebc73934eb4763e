// A module that is loaded: its tables, and a way to call what is in them.
//
// The tables are those of <plakar/connector.h>, wherever the code behind them runs: in this process
// they are the module's own, of a worker they are ours and pass everything on. Whoever uses a
// module (instance.h and the adapters) sees no difference; only how calls are made and given up
// differs, and that is here.
//
//   in process   a call runs on a thread of the module's own pool, while its caller waits. One that
//                does not return in time is abandoned: its caller gets an error, the module is
//                wedged, and nothing of it is called again.
//   in a worker  a call may run in the caller's thread: the tables do not hang, as the process
//                behind them is killed.
//
// A body may therefore outlive the call, in a thread that nobody waits for. It owns all it uses:
// buffers, strings, state. It does not own the module, nor an instance.
//
// Life cycle: loaded, and used for as long as anybody shares it; then stopped: shutdown() is
// called, its threads are joined, and its code stays mapped (retired) or, if the host was asked for
// that and it is possible, is taken out. The last owner is never one of the module's own threads.
//
// Thread rule: any thread but the module's own may call.
#pragma once

#include <plakar/connector.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"
#include "core/host/services.h"
#include "core/host/status_map.h"

namespace plakar::host {

// How long calls may take. The module is told its deadline; behind it, or after a cancel, it has
// the grace to return before it counts as stuck.
struct CallLimits {
  std::chrono::nanoseconds quick = std::chrono::minutes(1);
  std::chrono::nanoseconds transfer = std::chrono::minutes(30);
  std::chrono::nanoseconds cleanup = std::chrono::seconds(10);
  std::chrono::nanoseconds grace = std::chrono::seconds(10);
};

enum class CallKind : std::uint8_t {
  quick,     // looks at arguments, touches little
  transfer,  // may move data
  cleanup,   // frees something: not cancelled, whatever happens
};

struct CallSpec {
  const char* name;  // "put", for messages
  CallKind kind = CallKind::transfer;
  flow::CancelToken cancel{};
  std::shared_ptr<Context> context{};
  // Makes the call return, where the connector offers that.
  void(PLK_CALL* interrupt)(plk_instance*, plk_call*) = nullptr;
  plk_instance* instance = nullptr;
};

// A call under way.
class PendingCall {
 public:
  virtual ~PendingCall() = default;  // waits, too
  // How it ended. Called once.
  virtual CallOutcome wait() = 0;
};

enum class ModuleState : std::uint8_t {
  active,
  wedged,    // a call did not return; nothing of it is called any more
  stopped,   // shutdown() has returned, and its threads have ended
  retired,   // stopped, and its code is still mapped
  unmapped,  // stopped, and gone
};
std::string_view to_string(ModuleState state) noexcept;

class Module {
 public:
  // Calls functions of the tables, with the call and the error that they take.
  using Body = std::function<plk_status(plk_call*, plk_error*)>;

  virtual ~Module() = default;

  virtual const std::string& name() const noexcept = 0;
  virtual const std::string& version() const noexcept = 0;
  // Lives as long as the module.
  virtual const plk_plugin& plugin() const noexcept = 0;
  virtual ModuleState state() const noexcept = 0;

  // Starts a call, or one that fails at once: that is for wait() to say. It may be over when this
  // returns.
  virtual std::unique_ptr<PendingCall> start(const CallSpec& spec, Body body) = 0;
  CallOutcome call(const CallSpec& spec, Body body) { return start(spec, std::move(body))->wait(); }

  // A context for an instance.
  virtual std::shared_ptr<Context> make_context() = 0;
  // The module's own.
  virtual Context& context() noexcept = 0;

  // Null if there is none.
  const plk_connector* find(std::uint32_t kind, std::string_view id) const noexcept;
};

// "s3 1.4.2: put: no such bucket (NoSuchBucket)"
Error module_error(const Module& module, std::string_view call, const CallOutcome& outcome);

// Whether a plug-in's tables can be used: magic, sizes, names, versions, functions. `name` and
// `version` are those of its note. Errc::unsupported, with what was expected and what was found.
Status check_plugin(const plk_plugin* plugin, std::string_view name, std::string_view version,
                    std::uint32_t host_minor);

}  // namespace plakar::host
