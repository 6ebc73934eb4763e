#include "core/host/preflight.h"

#include <elf.h>
#include <plakar/connector.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#include "core/base/text.h"
#include "core/codec/semver.h"
#include "core/host/elf_image.h"

namespace plakar::host {
namespace {

using GlibcVersion = std::pair<unsigned, unsigned>;

// More names than this are counted, not listed.
constexpr std::size_t names_shown_max = 5;

std::string to_text(GlibcVersion version) {
  return std::to_string(version.first) + "." + std::to_string(version.second);
}

std::string machine_name(std::uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_AARCH64:
      return "aarch64";
    case EM_386:
      return "i386";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv";
    case EM_PPC64:
      return "ppc64";
    case EM_S390:
      return "s390";
    default:
      return "machine " + std::to_string(machine);
  }
}

// "2.36" behind "GLIBC_". Nothing for GLIBC_PRIVATE and the like.
std::optional<GlibcVersion> parse_glibc(std::string_view text) {
  GlibcVersion version;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.first);
  if (error != std::errc() || dot == end || *dot != '.') return std::nullopt;
  // A third part, as in 2.2.5, says nothing here.
  if (std::from_chars(dot + 1, end, version.second).ec != std::errc()) return std::nullopt;
  return version;
}

std::string list_names(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names.first(std::min(names.size(), names_shown_max))) {
    text += (text.empty() ? "" : ", ") + escape(name);
  }
  if (names.size() > names_shown_max) {
    text += " and " + std::to_string(names.size() - names_shown_max) + " more";
  }
  return text;
}

enum class Library : std::uint8_t { gnu_libc, musl_libc, runtime, sanitizer, stranger };

Library classify(std::string_view name) {
  // Of both C libraries; musl has empty files of these names.
  constexpr std::array gnu = {"libc.so.6",  "libm.so.6",    "libdl.so.2",     "libpthread.so.0",
                              "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1"};
  constexpr std::array runtimes = {"libstdc++.so.6", "libgcc_s.so.1"};
  if (std::ranges::find(gnu, name) != gnu.end() || name.starts_with("ld-linux")) {
    return Library::gnu_libc;
  }
  if (name == "libc.so" || name.starts_with("libc.musl-") || name.starts_with("ld-musl-")) {
    return Library::musl_libc;
  }
  if (std::ranges::find(runtimes, name) != runtimes.end()) return Library::runtime;
  for (const std::string_view sanitizer : {"libasan.", "libubsan.", "libtsan.", "liblsan."}) {
    if (name.starts_with(sanitizer)) return Library::sanitizer;
  }
  return Library::stranger;
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// Text of a fixed size, padded with NUL.
std::optional<std::string> padded_text(BytesView field) {
  const std::string_view text = as_text(field);
  const std::size_t end = text.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(0, end));
}

class Inspection {
 public:
  Inspection(const ElfImage& image, const Platform& platform)
      : image_(image), platform_(platform) {}

  ModuleReport run() && {
    // A file of another kind has nothing else worth saying.
    if (!check_kind()) return std::move(report_);
    check_identity();
    check_exports();
    check_libraries();
    check_versions();
    check_undefined();
    check_hygiene();
    find_what_keeps_it();
    return std::move(report_);
  }

 private:
  void refuse(std::string expected, std::string found, std::string next) {
    report_.refusals.push_back("expected " + std::move(expected) + ", found " + std::move(found) +
                               "; " + std::move(next));
  }

  bool check_kind() {
    if (image_.machine != platform_.machine) {
      refuse("a module for " + machine_name(platform_.machine),
             "one for " + machine_name(image_.machine), "install the package for this machine");
      return false;
    }
    if (image_.os_abi != ELFOSABI_SYSV && image_.os_abi != ELFOSABI_GNU) {
      refuse("a module for Linux", "system " + std::to_string(image_.os_abi),
             "install the package for this machine");
      return false;
    }
    if (image_.type != ET_DYN || !image_.has_dynamic) {
      refuse("a shared library",
             image_.type == ET_REL ? "an object file" : "a file of another kind",
             "link it with -shared");
      return false;
    }
    if (image_.has_interpreter) {
      refuse("a shared library", "a program", "link it with -shared");
      return false;
    }
    return true;
  }

  void check_identity() {
    const ElfNote* identity = nullptr;
    for (const ElfNote& note : image_.notes) {
      if (note.owner != "PLK" || note.type != 1) continue;
      if (identity != nullptr) {
        refuse("one PLK_NOTE", "several", "keep the one with the package's name");
        return;
      }
      identity = &note;
    }
    if (identity == nullptr) {
      refuse("the identity of a module", "no PLK_NOTE",
             "add PLK_NOTE(name, version, 0) to one source file, and rebuild");
      return;
    }
    const BytesView content = identity->content;
    if (content.size() < 96) {
      refuse("a PLK_NOTE of 96 bytes", std::to_string(content.size()),
             "rebuild it with <plakar/connector.h>");
      return;
    }
    const auto major = load_le<std::uint32_t>(content);
    report_.abi_minor_built = load_le<std::uint32_t>(content.subspan(4));
    report_.abi_minor_required = load_le<std::uint32_t>(content.subspan(8));
    if (major != PLK_ABI_MAJOR) {
      refuse("connector ABI " + std::to_string(PLK_ABI_MAJOR) + ".x",
             std::to_string(major) + "." + std::to_string(report_.abi_minor_built),
             major > PLK_ABI_MAJOR ? "use a newer Plakar, or an older version of the package"
                                   : "use a newer version of the package");
      return;
    }
    if (report_.abi_minor_required > platform_.abi_minor) {
      refuse("a module for ABI 1." + std::to_string(platform_.abi_minor) + " or older",
             "one that needs 1." + std::to_string(report_.abi_minor_required),
             "use a newer Plakar, or an older version of the package");
    }
    if (report_.abi_minor_required > report_.abi_minor_built) {
      refuse("a module that needs no newer ABI than it was built with",
             "one built with 1." + std::to_string(report_.abi_minor_built) + " that needs 1." +
                 std::to_string(report_.abi_minor_required),
             "correct the third argument of PLK_NOTE");
    }
    const auto name = padded_text(content.subspan(16, 48));
    const auto version = padded_text(content.subspan(64, 32));
    if (name && is_name(*name)) {
      report_.name = *name;
    } else {
      refuse("a name of a-z, 0-9 and -", name ? "\"" + escape(*name) + "\"" : "one without an end",
             "correct PLK_NOTE");
    }
    if (version && codec::parse_version(*version)) {
      report_.version = *version;
    } else {
      refuse("a version like 1.4.2",
             version ? "\"" + escape(*version) + "\"" : "one without an end", "correct PLK_NOTE");
    }
  }

  void check_exports() {
    bool has_entry = false;
    std::vector<std::string> strays;
    for (const ElfSymbol& symbol : image_.defined) {
      if (symbol.name == module_entry && symbol.is_function) {
        has_entry = true;
      } else if (symbol.name != "plk_entry_v2") {
        strays.push_back(symbol.name);
      }
    }
    if (!has_entry) {
      refuse("the function " + std::string(module_entry), "none of that name among its exports",
             "define it as PLK_ENTRY, and link with the SDK's connector.map");
    }
    if (!strays.empty()) {
      refuse("no export but " + std::string(module_entry), list_names(strays),
             "link with the SDK's connector.map and -Wl,--exclude-libs,ALL");
    }
  }

  void check_libraries() {
    std::vector<std::string> strays;
    for (const std::string& name : image_.needed) {
      switch (classify(name)) {
        case Library::gnu_libc:
          if (platform_.libc != Libc::gnu) refuse_libc("musl", "glibc");
          break;
        case Library::musl_libc:
          if (platform_.libc != Libc::musl) refuse_libc("glibc", "musl");
          break;
        case Library::runtime:
          report_.warnings.push_back("it uses the system's " + name +
                                     "; link with -static-libstdc++ -static-libgcc");
          break;
        case Library::sanitizer:
          if (!platform_.sanitized) strays.push_back(name);
          break;
        case Library::stranger:
          strays.push_back(name);
          break;
      }
    }
    if (!strays.empty()) {
      refuse("no library but the C library", list_names(strays),
             "link the others statically: a second version in the process would break both");
    }
  }

  void refuse_libc(const std::string& expected, const std::string& found) {
    if (libc_refused_) return;
    libc_refused_ = true;
    refuse("a module for " + expected, "one for " + found,
           "install the package for this C library");
  }

  void check_versions() {
    if (platform_.libc != Libc::gnu) return;
    constexpr std::string_view prefix = "GLIBC_";
    std::vector<std::string> odd;
    for (const ElfVersionNeed& need : image_.versions) {
      if (!need.version.starts_with(prefix)) continue;
      const std::string_view number = std::string_view(need.version).substr(prefix.size());
      if (number.starts_with("ABI_")) {
        // Features of the linker itself: GLIBC_ABI_DT_RELR came with 2.36.
        report_.glibc_needed = std::max(report_.glibc_needed, GlibcVersion(2, 36));
      } else if (const auto version = parse_glibc(number)) {
        report_.glibc_needed = std::max(report_.glibc_needed, *version);
      } else {
        odd.push_back(need.version);
      }
    }
    if (report_.glibc_needed > platform_.glibc) {
      refuse("a module for glibc " + to_text(platform_.glibc) + " or older",
             "one that needs " + to_text(report_.glibc_needed),
             "use a build of the package for an older system");
    }
    if (!odd.empty()) {
      refuse("public functions of glibc", list_names(odd), "use what glibc documents");
    }
  }

  void check_undefined() {
    // musl gives its symbols no versions, so that there is nothing to tell them by.
    if (platform_.libc != Libc::gnu) return;
    // A sanitizer stands before half of the C library, without versions.
    if (platform_.sanitized) return;
    std::vector<std::string> strays;
    for (const ElfSymbol& symbol : image_.undefined) {
      if (symbol.is_weak || !symbol.version.empty()) continue;
      strays.push_back(symbol.name);
    }
    if (!strays.empty()) {
      refuse("every symbol to be the C library's or its own", list_names(strays),
             "link what defines them, with -Wl,-z,defs");
    }
  }

  void check_hygiene() {
    if (image_.has_search_path) {
      refuse("no DT_RPATH and no DT_RUNPATH", "one", "link without -rpath");
    }
    if (image_.has_text_relocations) {
      refuse("code that is the same everywhere", "text relocations", "compile with -fPIC");
    }
    if (image_.has_executable_stack) {
      refuse("a stack that is not executable", "one that is", "link with -Wl,-z,noexecstack");
    }
    if (image_.has_writable_code) {
      refuse("code that cannot be written to", "a segment that is writable and executable",
             "link without -N");
    }
    if (image_.has_static_tls) {
      report_.warnings.push_back(
          "it takes static thread-local storage, of which a process has little; compile with "
          "-ftls-model=global-dynamic");
    }
  }

  void find_what_keeps_it() {
    for (const ElfNote& note : image_.notes) {
      if (note.owner == "Go") report_.kept_because = "it has Go's runtime in it";
    }
    for (const ElfSymbol& symbol : image_.defined) {
      if (symbol.is_unique) report_.kept_because = "it has unique symbols";
    }
    if (image_.is_never_unloaded) report_.kept_because = "it is linked with -z nodelete";
  }

  const ElfImage& image_;
  const Platform& platform_;
  ModuleReport report_;
  bool libc_refused_ = false;
};

}  // namespace

Platform host_platform() {
  Platform platform;
#if defined(__x86_64__)
  platform.machine = EM_X86_64;
#elif defined(__aarch64__)
  platform.machine = EM_AARCH64;
#else
#error "modules are not known on this machine"
#endif
#if defined(__GLIBC__)
  platform.libc = Libc::gnu;
  platform.glibc = parse_glibc(::gnu_get_libc_version()).value_or(GlibcVersion());
#else
  platform.libc = Libc::musl;
#endif
  platform.abi_minor = PLK_ABI_MINOR;
#if defined(PLK_HOST_SANITIZED)
  platform.sanitized = true;
#endif
  return platform;
}

Result<ModuleReport> inspect_module(BytesView file, const Platform& platform) {
  if (file.size() > module_bytes_max) {
    return Error(Errc::unsupported, "it is larger than " + format_size(module_bytes_max));
  }
  const ElfImage image = PLK_TRY(parse_elf(file));
  return Inspection(image, platform).run();
}

Result<ModuleReport> preflight(BytesView file, const Platform& platform) {
  ModuleReport report = PLK_TRY(inspect_module(file, platform));
  if (report.refusals.empty()) return report;
  std::string all;
  for (const std::string& refusal : report.refusals) all += (all.empty() ? "" : ". ") + refusal;
  return Error(Errc::unsupported, std::move(all));
}

}  // namespace plakar::host
