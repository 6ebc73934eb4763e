// What the code under test logs, from debug on, for as long as this exists.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "core/base/log.h"
#include "core/base/redactor.h"
#include "core/base/testing/stepped_clock.h"

namespace plakar::testing {

class CapturedLog final : private log::Sink {
 public:
  std::vector<log::Record> records() const;
  // One line each, as render_text() writes them.
  std::string text() const;

  Redactor& redactor() noexcept { return redactor_; }
  SteppedClock& clock() noexcept { return clock_; }

 private:
  void write(const log::Record& record) noexcept override;

  mutable std::mutex mutex_;
  std::vector<log::Record> records_;  // Guarded by mutex_.
  Redactor redactor_;
  SteppedClock clock_;
  log::Logger logger_{*this, redactor_, clock_, log::Level::debug};
  log::Installed installed_{logger_};
};

}  // namespace plakar::testing
