// A connector of a module, opened with a configuration.
//
// Sees to it that no more calls are made at once than the connector takes, that what is opened from
// it is closed before it, and that every error says which module and which call it is from. The
// adapters to the engine's interfaces are made of one.
//
// Shared by what was opened from it. Thread rule: any thread but the module's own.
#pragma once

#include <plakar/connector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/redactor.h"
#include "core/base/result.h"
#include "core/base/secret.h"
#include "core/flow/cancel_token.h"
#include "core/host/module.h"

namespace plakar::host {

struct ConfigEntry {
  std::string key{};
  Secret value{};  // canonical text
  std::uint32_t type = PLK_T_STRING;
  std::uint32_t flags = 0;  // PLK_CFG_*
  std::int64_t integer = 0;
  double number = 0;
  // What the value was found by, where it is a secret that was referred to.
  std::string reference{};
};

struct OpenOptions {
  std::string protocol{};
  std::string location{};
  std::vector<ConfigEntry> config{};  // sorted by key
  std::uint32_t schema_version = 1;
  std::uint32_t flags = 0;  // PLK_OPEN_*
  std::string hostname{};
  std::string directory = "/";  // what relative paths are relative to
  std::uint32_t concurrency = 2;
  std::vector<std::string> excludes{};
};

// What plk_location says.
struct InstanceLocation {
  std::uint32_t flags = 0;  // PLK_LOC_*
  std::string origin{};
  std::string type{};
  std::string root{};
};

class Instance {
 public:
  // `cancel` is for everything that is done with the instance; opening is without I/O, and is not
  // cancelled.
  static Result<std::shared_ptr<Instance>> open(std::shared_ptr<Module> module,
                                                const plk_connector& connector, OpenOptions options,
                                                flow::CancelToken cancel);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  Module& module() const noexcept { return *module_; }
  const plk_connector& connector() const noexcept { return connector_; }
  plk_instance* raw() const noexcept { return raw_; }
  const InstanceLocation& location() const noexcept { return location_; }
  const flow::CancelToken& cancel() const noexcept { return cancel_; }
  bool has(std::uint64_t capability) const noexcept { return (connector_.caps & capability) != 0; }
  // How many calls at once are worth making.
  std::uint32_t concurrency() const noexcept { return concurrency_; }

  enum class Cancelling : std::uint8_t { obeyed, ignored };

  // Starts a call when there is room for one, and gives the room back when its body has returned.
  // A body owns what it uses: see module.h.
  std::unique_ptr<PendingCall> start(const char* name, CallKind kind, Module::Body body,
                                     Cancelling cancelling = Cancelling::obeyed);
  CallOutcome call(const char* name, CallKind kind, Module::Body body,
                   Cancelling cancelling = Cancelling::obeyed) {
    return start(name, kind, std::move(body), cancelling)->wait();
  }
  // Makes a call again, after a pause, while the module says that it may succeed later. For calls
  // that may be repeated whole. `make_body` makes a body for each.
  CallOutcome persist(const char* name, CallKind kind,
                      const std::function<Module::Body()>& make_body,
                      Cancelling cancelling = Cancelling::obeyed);
  // The same as call() for calls that do no more than succeed or fail.
  Status attempt(const char* name, CallKind kind, Module::Body body,
                 Cancelling cancelling = Cancelling::obeyed) {
    const CallOutcome outcome = call(name, kind, std::move(body), cancelling);
    if (!outcome.ok()) return error(name, outcome);
    return {};
  }
  Error error(std::string_view name, const CallOutcome& outcome) const {
    return module_error(*module_, name, outcome);
  }
  // Something that the module may not do: its bug, with what it was.
  Error broken(std::string_view name, std::string_view what) const;

  Status ping();

  // Keeps secrets out of texts for as long as there is the instance.
  void hide(std::vector<Redactor::Registration> secrets) { hidden_ = std::move(secrets); }

 private:
  class Gate;
  Instance(std::shared_ptr<Module> module, const plk_connector& connector, flow::CancelToken cancel,
           std::uint32_t concurrency);

  Status find_location();

  const std::shared_ptr<Module> module_;
  const plk_connector& connector_;
  const flow::CancelToken cancel_;
  const std::uint32_t concurrency_;
  const std::shared_ptr<Gate> gate_;        // with bodies under way
  const std::shared_ptr<Context> context_;  // with calls under way
  plk_instance* raw_ = nullptr;
  InstanceLocation location_;
  std::vector<Redactor::Registration> hidden_;
};

}  // namespace plakar::host
