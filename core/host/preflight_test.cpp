#include "core/host/preflight.h"

#include <doctest/doctest.h>
#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <random>

#include "core/host/elf_image.h"
#include "core/host/testing/module_file.h"

namespace plakar::host {
namespace {

Bytes module(const std::string& name) {
  return testing::module_bytes(std::string(PLK_HOST_MODULES "/") + name + ".so");
}

// What is said about a module that is refused.
std::string refusal(BytesView file, const Platform& platform = host_platform()) {
  const auto report = preflight(file, platform);
  REQUIRE_FALSE(report);
  return report.error().message();
}

std::string refusal(const std::string& name) { return refusal(module(name)); }

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

template <class T>
void patch(Bytes& file, std::size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof value);
}

TEST_SUITE("preflight") {
  TEST_CASE("a good module is accepted, and says who it is") {
    const auto report = preflight(module("minimal"), host_platform());
    REQUIRE(report);
    CHECK(report->name == "minimal");
    CHECK(report->version == "1.2.3");
    CHECK(report->abi_minor_required == 0);
    CHECK(report->kept_because.empty());
    CHECK(report->refusals.empty());
  }

  TEST_CASE("what is no module at all is told from what is a bad one") {
    CHECK(contains(refusal(as_bytes("")), "no ELF file"));
    CHECK(contains(refusal(as_bytes("#!/bin/sh\n")), "no ELF file"));
    CHECK(contains(refusal(as_bytes("\x7f"
                                    "ELF")),
                   "cut off"));
    CHECK(contains(refusal(testing::module_bytes("/proc/self/exe")), "found a program"));
  }

  TEST_CASE("a module cut off anywhere is refused") {
    const Bytes whole = module("minimal");
    // Behind the segments there are only sections, which nobody reads.
    for (std::size_t size = 0; size < whole.size(); size += 61) {
      CAPTURE(size);
      const auto report = preflight(BytesView(whole).first(size), host_platform());
      if (report) {
        CHECK(size > 1024);
        CHECK(report->name == "minimal");
      }
    }
    CHECK_FALSE(preflight(BytesView(whole).first(0x400), host_platform()));
  }

  TEST_CASE("modules for other machines, systems and word sizes are refused") {
    Bytes file = module("minimal");
    patch(file, offsetof(Elf64_Ehdr, e_machine), std::uint16_t{EM_RISCV});
    CHECK(contains(refusal(file), "found one for riscv; install the package for this machine"));
    file = module("minimal");
    patch(file, EI_OSABI, std::uint8_t{ELFOSABI_FREEBSD});
    CHECK(contains(refusal(file), "expected a module for Linux"));
    file = module("minimal");
    patch(file, EI_CLASS, std::uint8_t{ELFCLASS32});
    CHECK(contains(refusal(file), "64 bits"));
    file = module("minimal");
    patch(file, offsetof(Elf64_Ehdr, e_type), std::uint16_t{ET_REL});
    CHECK(contains(refusal(file), "found an object file"));
  }

  TEST_CASE("a module without identity, or with one that cannot be right, is refused") {
    CHECK(contains(refusal("minimal-without-note"), "no PLK_NOTE"));
    CHECK(contains(refusal("minimal-odd-name"), "found \"Odd name\""));
    CHECK(contains(refusal("minimal-odd-version"), "expected a version like 1.4.2, found \"one\""));
    // Nothing of them ran to find that out.
    CHECK(std::getenv("PLK_TEST_MODULE_RAN") == nullptr);
  }

  TEST_CASE("a module for a newer host is refused, and both sides are named") {
    const std::string text = refusal("minimal-newer");
    CHECK(contains(text, "expected a module for ABI 1.0 or older, found one that needs 1.7"));
    CHECK(contains(text, "use a newer Plakar"));
    Bytes file = module("minimal");
    const std::string_view all = as_text(file);
    const std::size_t note = all.find(std::string_view("PLK\0", 4), 0);
    REQUIRE(note != std::string_view::npos);
    patch(file, note + 4, std::uint32_t{2});
    CHECK(contains(refusal(file), "expected connector ABI 1.x, found 2.0"));
  }

  TEST_CASE("exports other than the entry are refused by name, and so is none") {
    CHECK(contains(refusal("minimal-stray"), "found minimal_stray; link with"));
    CHECK(contains(refusal("minimal-without-entry"), "expected the function plk_entry_v1"));
  }

  TEST_CASE("libraries and symbols that are not the C library's are refused by name") {
    CHECK(contains(refusal("minimal-zlib"), "found libz.so.1; link the others statically"));
    if (host_platform().sanitized) return;
    CHECK(contains(refusal("minimal-unresolved"), "found minimal_not_defined_anywhere"));
  }

  TEST_CASE("what takes hold of the whole process is refused") {
    CHECK(contains(refusal("minimal-search-path"), "DT_RUNPATH"));
    CHECK(contains(refusal("minimal-executable-stack"), "a stack that is not executable"));
  }

  TEST_CASE("a newer glibc, and another C library, are refused") {
    Platform old = host_platform();
    if (old.libc != Libc::gnu) return;
    const auto report = preflight(module("minimal"), old);
    REQUIRE(report);
    CHECK(report->glibc_needed > std::pair(2u, 0u));
    old.glibc = {2, 1};
    CHECK(contains(refusal(module("minimal"), old), "expected a module for glibc 2.1 or older"));
    Platform other = host_platform();
    other.libc = Libc::musl;
    CHECK(contains(refusal(module("minimal"), other),
                   "expected a module for musl, found one for glibc"));
  }

  TEST_CASE("a module that can never be unloaded is accepted, and known for it") {
    const auto report = preflight(module("minimal-kept"), host_platform());
    REQUIRE(report);
    CHECK(contains(report->kept_because, "nodelete"));
  }

  TEST_CASE("changed bytes are refused or leave a report, and never harm") {
    const Bytes whole = module("minimal");
    const unsigned seed = 20'250'101;
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 3000; ++round) {
      Bytes file = whole;
      for (int change = 0; change < 4; ++change) {
        // Most of what is read is near the beginning.
        const std::size_t at = random() % (change % 2 == 0 ? 2048 : file.size());
        file[at] = static_cast<std::byte>(random());
      }
      const auto report = inspect_module(file, host_platform());
      if (report && report->refusals.empty()) CHECK_FALSE(report->name.empty());
    }
  }
}

}  // namespace
}  // namespace plakar::host
