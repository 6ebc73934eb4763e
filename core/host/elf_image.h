// What a shared library says of itself, read from its bytes without loading it: hostile input.
//
// Read is what the dynamic linker would read, by way of the program headers: sections can be
// stripped or lie. ELF of 64 bits, little-endian. Nothing here judges; that is preflight.h.
//
// Pure functions of bytes; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::host {

// Limits that no library in use comes near.
inline constexpr std::size_t elf_segments_max = 256;
inline constexpr std::size_t elf_dynamic_max = 4096;
inline constexpr std::size_t elf_symbols_max = 1'000'000;
inline constexpr std::size_t elf_versions_max = 4096;
inline constexpr std::size_t elf_notes_max = 256;
inline constexpr std::size_t elf_name_bytes_max = 4096;  // C++ names are long
// Symbols that exist but are not listed are still counted.
inline constexpr std::size_t elf_listed_max = 4096;

struct ElfSymbol {
  std::string name;
  std::string version{};  // "GLIBC_2.34", of an undefined symbol
  bool is_function = false;
  bool is_weak = false;
  bool is_unique = false;  // STB_GNU_UNIQUE: shared by all libraries of the process

  friend bool operator==(const ElfSymbol&, const ElfSymbol&) = default;
};

struct ElfVersionNeed {
  std::string library;
  std::string version;

  friend bool operator==(const ElfVersionNeed&, const ElfVersionNeed&) = default;
};

struct ElfNote {
  std::string owner;
  std::uint32_t type = 0;
  Bytes content;
};

struct ElfImage {
  std::uint16_t type = 0;  // ET_*
  std::uint16_t machine = 0;
  std::uint8_t os_abi = 0;
  bool has_dynamic = false;
  bool has_interpreter = false;  // a program, also where its type is ET_DYN
  bool has_search_path = false;  // DT_RPATH, DT_RUNPATH
  bool has_text_relocations = false;
  bool has_executable_stack = false;
  bool has_writable_code = false;
  bool has_static_tls = false;
  bool is_never_unloaded = false;  // DF_1_NODELETE
  std::vector<std::string> needed{};
  std::vector<ElfVersionNeed> versions{};
  std::vector<ElfSymbol> defined{};    // visible to others; without names of versions
  std::vector<ElfSymbol> undefined{};  // at most elf_listed_max of each
  std::vector<ElfNote> notes{};
};

// Errc::corrupt for what is no ELF, is cut off or contradicts itself, Errc::unsupported for ELF of
// another width or byte order, and for what passes a limit.
Result<ElfImage> parse_elf(BytesView file);

}  // namespace plakar::host
