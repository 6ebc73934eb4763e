// Any bytes as a gzip stream, and as plaintext.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/stream_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  plakar::fuzz::check_format(plakar::codec::Compression::gzip,
                             std::as_bytes(std::span(data, size)));
  return 0;
}
