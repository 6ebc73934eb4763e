#include "core/base/testing/captured_log.h"

namespace plakar::testing {

std::vector<log::Record> CapturedLog::records() const {
  const std::scoped_lock lock(mutex_);
  return records_;
}

std::string CapturedLog::text() const {
  std::string out;
  for (const log::Record& record : records()) out.append(log::render_text(record)).append("\n");
  return out;
}

void CapturedLog::write(const log::Record& record) noexcept {
  const std::scoped_lock lock(mutex_);
  records_.push_back(record);
}

}  // namespace plakar::testing
