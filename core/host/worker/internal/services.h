// The host, as a module in a worker sees it: plk_host_api. Some of it is answered here, some is
// asked of the real host on the lane of a call or on the control channel.
//
// Any thread may call. Lives as long as the process.
#pragma once

#include <plakar/connector.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/host/worker/channel.h"
#include "core/host/worker/packer.h"
#include "core/host/worker/start.h"

namespace plakar::host::worker {

class Services;

// What a module knows as plk_ctx: itself, number 0, or one of its instances.
struct Context {
  Services* services = nullptr;
  std::uint64_t instance = 0;

  plk_ctx* handle() noexcept { return reinterpret_cast<plk_ctx*>(this); }
  static Context& of(plk_ctx* ctx) noexcept { return *reinterpret_cast<Context*>(ctx); }
};

// What a module knows as plk_sink: room in the arena, which the host has the last word on.
struct Sink {
  std::span<std::byte> room;
  std::size_t used = 0;

  plk_sink* handle() noexcept { return reinterpret_cast<plk_sink*>(this); }
  static Sink& of(plk_sink* sink) noexcept { return *reinterpret_cast<Sink*>(sink); }
};

class Services {
 public:
  Services(int control, const Start& start);

  const plk_host_api& api() const noexcept { return api_; }
  Context& module_context() noexcept { return module_; }

  // What came on the control channel in answer to ask_control().
  void answered(const Frame& frame);

 private:
  friend struct ServiceFunctions;
  static constexpr std::size_t metrics_max = 1024;
  static constexpr int tasks_max = 64;

  void tell(std::uint64_t instance, Op op, BytesView arguments);
  // On the lane of the calling thread, if it has one; then on the control channel. The answer's
  // payload behind `status`.
  Status ask(std::uint64_t instance, Op op, BytesView arguments, Frame& answer);

  int control_;
  std::int32_t log_level_;
  std::uint32_t extensions_;
  plk_host_api api_{};
  Context module_;

  std::mutex mutex_;  // Guards what follows.
  std::map<std::string, std::uint32_t, std::less<>> metrics_;
  int tasks_ = 0;
  std::uint64_t next_question_ = 1;
  std::map<std::uint64_t, Frame*> open_questions_;  // Until answered; then with the null answer.
  std::condition_variable answer_came_;
};

}  // namespace plakar::host::worker
