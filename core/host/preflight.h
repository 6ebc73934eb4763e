// Whether a module may be loaded, judged by its bytes: nothing of it runs before.
//
// A module is a shared library that exports the entry of the connector ABI and nothing else, needs
// nothing but the C library it was built for, and carries an identity (PLK_NOTE of
// <plakar/connector.h>) that says for which hosts it was built. What would only crash later, or
// take hold of the whole process, is refused now, with what was expected, what was found, and what
// to do.
//
// That protects from mistakes, mix-ups and damage. A module that is accepted is code, and can do
// what its process can; whom to trust is the package manager's question.
//
// Pure functions of bytes; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::host {

// The largest file that is looked at.
inline constexpr std::size_t module_bytes_max = std::size_t{256} << 20;
inline constexpr std::string_view module_entry = "plk_entry_v1";

enum class Libc : std::uint8_t { gnu, musl };

// What modules have to fit.
struct Platform {
  std::uint16_t machine = 0;  // EM_* of <elf.h>
  Libc libc = Libc::gnu;
  std::pair<unsigned, unsigned> glibc{};  // the version, of Libc::gnu
  std::uint32_t abi_minor = 0;
  // The host is built with a sanitizer, and offers its functions to modules.
  bool sanitized = false;
};

// This process.
Platform host_platform();

struct ModuleReport {
  std::string name{};
  std::string version{};
  std::uint32_t abi_minor_built = 0;
  std::uint32_t abi_minor_required = 0;
  std::pair<unsigned, unsigned> glibc_needed{};
  std::vector<std::string> warnings{};
  // Why it can never be taken out of the process again; empty if it can.
  std::string kept_because{};
  // Every reason not to load it. Not empty: refused.
  std::vector<std::string> refusals{};
};

// All that can be said about a module; errors are those of parse_elf().
Result<ModuleReport> inspect_module(BytesView file, const Platform& platform);

// The report of a module that may be loaded. Errc::unsupported with every reason otherwise.
Result<ModuleReport> preflight(BytesView file, const Platform& platform);

}  // namespace plakar::host
