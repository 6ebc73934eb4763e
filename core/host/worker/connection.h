// Calls into one worker: the arena, the lanes, and for each call the wait for its answer, its
// cancellation or the worker's end.
//
// A lane is a socket for one call at a time. The thread that makes the call waits for the answer
// itself, and meanwhile does what the worker asks of the host within that call. Lanes are made as
// they are needed, and used again.
//
// Thread rule: any thread may call, any number at once.
#pragma once

#include <plakar/connector.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/redactor.h"
#include "core/base/result.h"
#include "core/host/worker/arena.h"
#include "core/host/worker/confine.h"
#include "core/host/worker/packer.h"
#include "core/host/worker/process.h"
#include "core/host/worker/reverse.h"
#include "core/host/worker/supervisor.h"

namespace plakar::host::worker {

struct WorkerSettings {
  std::string program;  // plakar-worker; empty: beside the running executable.
  std::string module_path;
  // What is loaded, where somebody has looked at the file before: that one, whatever has become of
  // its name. Empty: `module_path` is opened.
  std::shared_ptr<const Fd> module_file;
  // For messages, until the module has said it itself.
  std::string module_name;
  std::string module_version;
  Permissions permissions;
  std::uint64_t arena_bytes = std::uint64_t{1} << 30;  // Costs what is used of it at a time.
  std::uint32_t lanes_max = 64;
  // For what frees a handle, loads a module or stops it.
  std::chrono::milliseconds clean_up_time{10'000};
  // How long a call may take to return beyond its deadline or its being cancelled, before its
  // worker is killed.
  std::chrono::milliseconds grace{10'000};
  std::chrono::milliseconds start_time{10'000};
  const Redactor* redactor = nullptr;  // For what a worker leaves behind on stderr.
};

// One request, as the caller has it; everything lives until the call returns.
struct Request {
  Op op = Op::none;
  std::uint64_t handle = 0;
  const Packer* arguments = nullptr;
  std::span<const plk_bytes> data{};  // Passed on one behind the other.
  Arena::Slot* filled = nullptr;      // By fill(), in place of `data`: then without room.
  std::uint64_t room_bytes = 0;       // For what the function writes.
  bool secret = false;                // The arguments, or the room, hold secrets.
  plk_call* call = nullptr;           // The host's, or null: not cancelled, without a deadline.
  plk_error* err = nullptr;
};

// What came back. `results` is a copy, to be unpacked where the worker cannot change it;
// `room` is the worker's to change as long as the Answer exists: copy, then look.
struct Answer {
  plk_status status = PLK_E_INTERNAL;
  Bytes results;
  BytesView room;
  Arena::Slot slot;
};

class Connection {
 public:
  // Starts a worker, and waits until it is ready. `crashed` is told about every end that was not
  // planned, on the supervisor's thread.
  static Result<std::shared_ptr<Connection>> open(Supervisor& supervisor,
                                                  const WorkerSettings& settings,
                                                  const plk_host_api& host, plk_ctx* module_ctx,
                                                  std::function<void(const Ending&)> crashed);
  // Kills the worker, if stop() has not ended it.
  ~Connection();

  Answer call(const Request& request);

  // Copies what a later request is to pass on, while another one is under way. Empty where there
  // is no room at the moment, or no worker.
  Arena::Slot fill(const plk_bytes& data);

  // The same in two steps, with the time between them for something else. `err` and `call` of
  // the request are not used: they are finish()'s.
  // The Pending is shared by nobody: unique_ptr would need its definition here.
  class Pending;
  std::shared_ptr<Pending> begin(const Request& request);
  Answer finish(std::shared_ptr<Pending> pending, plk_call* call, plk_error* err);
  // Cancels it, and waits for that.
  void abandon(std::shared_ptr<Pending> pending);

  // Ends a worker whose results are none. Returns PLK_E_CRASHED.
  plk_status broken(Op op, plk_error* err);

  // Makes the module's function that waits within the host's `call` return; see connector.h.
  void interrupt(std::uint64_t instance, plk_call* call);

  // Ends the worker in good order; after it every call fails.
  void stop();
  bool alive();
  // Why not, once it is not.
  std::string end_description();
  pid_t process_id() const noexcept { return process_->id(); }
  const Confinement& confinement() const noexcept { return confinement_; }
  ReverseServices& reverse() noexcept { return reverse_; }
  void set_module(std::string name, std::string version);

 private:
  struct Lane;
  enum class Wait : std::uint8_t;

  Connection(const WorkerSettings& settings, const plk_host_api& host, plk_ctx* module_ctx);

  void on_control(Frame& frame);
  void on_end(const Ending& ending);
  Status say_start(int module_file);
  Status await_ready();

  Result<std::unique_ptr<Lane>> take_lane(Op op);
  void give_back(std::unique_ptr<Lane> lane);
  plk_status prepare(const Request& request, Pending& pending, plk_error* err);
  plk_status await(Pending& pending, plk_call* call, bool cancelled, plk_error* err);
  void cancel(const Pending& pending);
  bool read_lane(Pending& pending, plk_call* call, bool& answered);
  plk_status accept(Pending& pending, plk_error* err);
  plk_status worker_is_gone(Op op, plk_error* err);
  plk_status stuck(Op op, bool cancelled, plk_error* err);
  std::string subject(Op op);

  const WorkerSettings settings_;
  const plk_host_api& host_;
  ReverseServices reverse_;
  std::unique_ptr<Arena> arena_;
  std::shared_ptr<WorkerProcess> process_;
  std::function<void(const Ending&)> crashed_;
  Confinement confinement_;
  std::atomic<std::uint64_t> next_call_ = 1;
  std::atomic<bool> alive_ = false;

  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::string name_;
  std::string version_;
  std::optional<Result<Confinement>> ready_;
  bool ended_ = false;
  std::vector<std::unique_ptr<Lane>> idle_;
  std::vector<Lane*> lanes_;  // All, by number.
  // The host's calls that are being waited for: lane, and number of the call.
  std::unordered_map<plk_call*, std::pair<std::uint64_t, std::uint64_t>> waiting_;
};

}  // namespace plakar::host::worker
