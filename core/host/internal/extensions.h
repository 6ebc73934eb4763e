// The host's extensions: child processes and temporary directories.
#pragma once

#include <plakar/connector.h>

#include <cstdint>
#include <mutex>
#include <string>

#include "core/base/env.h"
#include "core/base/result.h"

namespace plakar::host {

// The directory of one instance, made when it is first asked for, and removed with what is in it.
class TempArea {
 public:
  TempArea(Env env, std::string parent, std::uint64_t bytes_max)
      : env_(env), parent_(std::move(parent)), bytes_max_(bytes_max) {}
  ~TempArea() { remove(); }
  TempArea(const TempArea&) = delete;
  TempArea& operator=(const TempArea&) = delete;

  Result<std::string> path(std::uint64_t bytes_wanted);
  void remove() noexcept;

 private:
  const Env env_;
  const std::string parent_;
  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  std::string path_;  // guarded by mutex_; empty: there is none
};

// PLK_EXT_*; null for what this host does not have.
const void* host_extension(std::string_view id) noexcept;

}  // namespace plakar::host
