// A host for tests of modules: a plk_host_api that remembers what it was told, and calls that
// can be cancelled.
#pragma once

#include <plakar/connector.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/fd.h"

namespace plakar::host::worker::testing {

// A plk_call.
class TrialCall {
 public:
  explicit TrialCall(std::int64_t remaining_ms = -1)
      : event_(::eventfd(0, EFD_CLOEXEC)), remaining_ms_(remaining_ms) {}

  plk_call* handle() { return reinterpret_cast<plk_call*>(this); }
  static TrialCall& of(plk_call* call) { return *reinterpret_cast<TrialCall*>(call); }

  void cancel() {
    cancelled_ = true;
    ::eventfd_write(event_.get(), 1);
  }
  bool cancelled() const { return cancelled_; }
  int descriptor() const { return event_.get(); }
  std::int64_t remaining_ms() const {
    if (remaining_ms_ < 0) return -1;
    const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - made_);
    return std::max<std::int64_t>(remaining_ms_ - gone.count(), 0);
  }

  std::atomic<int> progress_count = 0;

 private:
  Fd event_;
  std::atomic<bool> cancelled_ = false;
  std::int64_t remaining_ms_;
  std::chrono::steady_clock::time_point made_ = std::chrono::steady_clock::now();
};

// A plk_error with room for its message.
struct TrialError {
  TrialError() {
    err.struct_size = sizeof err;
    err.message = message.data();
    err.message_cap = static_cast<std::uint32_t>(message.size());
  }
  std::string text() const { return {message.data(), std::min(err.message_len, err.message_cap)}; }

  std::array<char, 4096> message{};
  plk_error err{};
};

// A plk_sink.
struct TrialSink {
  plk_sink* handle() { return reinterpret_cast<plk_sink*>(this); }
  std::string content;
};

// plk_ctx is a TrialHost: of the module and of every instance.
class TrialHost {
 public:
  TrialHost();

  plk_ctx* ctx() { return reinterpret_cast<plk_ctx*>(this); }
  plk_entry_args entry_args() {
    return {sizeof(plk_entry_args), PLK_ABI_MAJOR, PLK_ABI_MINOR, 0, &api_, ctx()};
  }

  bool has_temporary() {
    const std::scoped_lock lock(mutex);
    return temporary;
  }

  std::mutex mutex;  // Guards what follows.
  std::vector<std::string> log;
  double metric = 0;
  int children = 0;
  bool temporary = false;
  std::string refreshed = "fresh";

 private:
  friend struct TrialFunctions;
  plk_host_api api_{};
};

// A configuration.
class TrialConfig {
 public:
  TrialConfig& set(const std::string& key, const std::string& value, std::uint32_t flags = 0);
  TrialConfig& set(const std::string& key, std::int64_t value);
  const plk_config* config();

 private:
  struct Entry {
    std::string key;
    std::string value;
    std::uint32_t flags = 0;
    std::int64_t number = 0;
  };
  std::vector<Entry> values_;
  std::vector<plk_cfg_entry> entries_;
  plk_config config_{};
};

}  // namespace plakar::host::worker::testing
