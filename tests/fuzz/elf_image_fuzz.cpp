// Any bytes as a module: parsing stays within its limits, and what passes the preflight has a name,
// a version, and exports nothing but entries.
#include <cstddef>
#include <cstdint>

#include "core/codec/semver.h"
#include "core/host/elf_image.h"
#include "core/host/preflight.h"
#include "tests/fuzz/stream_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  using fuzz::require;
  const BytesView file(reinterpret_cast<const std::byte*>(data), size);
  const auto image = host::parse_elf(file);
  host::Platform platform = host::host_platform();
  platform.sanitized = true;
  const auto report = host::preflight(file, platform);
  if (!image) {
    require(!report);
    return 0;
  }
  require(image->defined.size() <= host::elf_listed_max);
  require(image->undefined.size() <= host::elf_listed_max);
  require(image->versions.size() <= host::elf_versions_max);
  require(image->notes.size() <= host::elf_notes_max);
  require(image->needed.size() <= host::elf_dynamic_max);
  for (const auto& symbol : image->undefined) {
    require(symbol.name.size() <= host::elf_name_bytes_max);
  }
  if (!report) return 0;
  require(!report->name.empty() && report->name.size() < 48);
  require(codec::parse_version(report->version).has_value());
  require(report->glibc_needed <= platform.glibc);
  for (const auto& symbol : image->defined) {
    require(symbol.name == "plk_entry_v1" || symbol.name == "plk_entry_v2");
  }
  return 0;
}
