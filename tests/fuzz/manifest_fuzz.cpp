// Any text as a manifest: within its limits, and what is accepted leads nowhere outside.
#include <cstddef>
#include <cstdint>

#include "core/host/manifest/manifest.h"
#include "tests/fuzz/stream_checks.h"

namespace {

void check_path(const std::string& path) {
  using plakar::fuzz::require;
  require(!path.starts_with('/') && ("/" + path + "/").find("/../") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using fuzz::require;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = host::parse_manifest(text);
  if (!manifest) return 0;
  require(text.size() <= host::manifest_bytes_max);
  require(!manifest->name.empty() && manifest->name.size() <= 64);
  require(!manifest->connectors.empty());
  require(manifest->connectors.size() <= host::manifest_connectors_max);
  for (const auto& connector : manifest->connectors) {
    require(!host::manifest_type(connector.kind).empty());
    require(connector.library.empty() != connector.executable.empty());
    check_path(connector.library);
    check_path(connector.executable);
    check_path(connector.validator);
    for (const auto& [protocol, path] : connector.validators) check_path(path);
  }
  return 0;
}
