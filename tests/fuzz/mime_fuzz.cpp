// Any octets have a type, the same one every time, that depends on the window alone.
#include <algorithm>
#include <cstdint>
#include <string>

#include "core/base/assert.h"
#include "core/codec/mime.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using namespace plakar::codec;

  const BytesView octets = std::as_bytes(std::span(data, size));
  const std::string type = detect_mime(octets);
  PLK_ASSERT(type.find('/') != std::string::npos);

  // A copy of the window's own size, so that a read behind it is noticed.
  const Bytes window = to_bytes(octets.first(std::min(size, mime_window_bytes)));
  PLK_ASSERT(detect_mime(window) == type);
  if (window.size() == mime_window_bytes) {
    Bytes longer = window;
    longer.resize(2 * mime_window_bytes, std::byte{'x'});
    PLK_ASSERT(detect_mime(longer) == type);
  }

  const std::string_view known = mime_by_extension(as_text(octets));
  PLK_ASSERT(known.empty() || known.find('/') != std::string_view::npos);
  return 0;
}
