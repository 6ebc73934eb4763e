#include "core/host/worker/packer.h"

#include "core/base/secret.h"

namespace plakar::host::worker {

void Packer::wipe() noexcept {
  plakar::wipe(out_);
  out_.clear();
}

Status Unpacker::finish() const {
  if (failed_) return Error(Errc::corrupt, "a message between host and worker is cut short");
  if (!rest_.empty()) return Error(Errc::corrupt, "a message between host and worker is too long");
  return {};
}

}  // namespace plakar::host::worker
