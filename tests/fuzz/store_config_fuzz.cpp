// CONFIG is read before anything about the store is known, and in clear: any bytes may be there.
// What is read whole is written again to something that is read as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/crypto/kdf.h"
#include "core/kloset/repository/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::kloset;
  auto read = decode_config(to_bytes(BytesView(reinterpret_cast<const std::byte*>(data), size)));
  if (!read) return 0;
  static_cast<void>(verify_config(*read, nullptr));
  Bytes sealed = seal_config(read->config, nullptr);
  if (sealed.size() > config_size_max) return 0;  // Widths that are ours may take more room.
  auto again = decode_config(sealed);
  if (!again || !verify_config(*again, nullptr)) std::abort();
  if (seal_config(again->config, nullptr) != sealed) std::abort();
  return 0;
}
