// manifest.yaml: what a package says of itself and of its connectors, without any of its code.
//
// A subset of YAML: no anchors, aliases, tags or duplicate keys, as two readers could disagree
// about them. Read before anything of a package is trusted.
//
// Pure functions of text; safe from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/codec/json.h"

namespace plakar::host {

inline constexpr std::size_t manifest_bytes_max = 256 * 1024;
inline constexpr std::size_t manifest_depth_max = 16;
inline constexpr std::size_t manifest_nodes_max = 20'000;
inline constexpr std::size_t manifest_connectors_max = 64;

struct ManifestConnector {
  std::string id{};
  std::uint32_t kind = 0;  // PLK_KIND_*
  std::vector<std::string> protocols{};
  std::string category{};     // `class`
  std::string subcategory{};  // `subclass`
  std::string library{};      // of these two, one
  std::string executable{};
  std::string validator{};                          // a path in the package, or empty
  std::map<std::string, std::string> validators{};  // of single protocols
  std::uint32_t config_schema_version = 1;
  std::uint32_t location_flags = 0;  // PLK_LOC_*
  std::uint64_t caps = 0;            // PLK_CAP_*
  codec::Json migrations{};          // as they are written
};

struct ManifestPermissions {
  std::vector<std::string> network{};
  std::vector<std::string> process{};
  std::vector<std::string> filesystem{};
};

struct Manifest {
  std::string name{};
  std::string version{};
  std::string display_name{};
  std::string description{};
  std::string homepage{};
  std::string repository{};
  std::string license{};
  std::string contact{};
  std::string tier{};
  std::vector<std::string> tags{};
  std::string api_version{};
  std::string abi_required{};
  std::string isolation{};  // "in_process", "worker", "worker_per_instance", or empty
  std::string unload{};     // "auto", "retain", or empty
  ManifestPermissions permissions{};
  std::vector<ManifestConnector> connectors{};
  // Keys that nobody knows: errors for who builds a package, warnings for who installs one.
  std::vector<std::string> unknown_keys{};
};

// Errc::invalid_argument, beginning with `name`, for what is no manifest; Errc::unsupported for one
// that passes a limit.
Result<Manifest> parse_manifest(std::string_view text, std::string_view name = "manifest.yaml");

// The YAML of a manifest as JSON in which every scalar is a text. For who needs more of it.
Result<codec::Json> parse_manifest_yaml(std::string_view text, std::string_view name);

// The word of a manifest: "storage". Empty for a kind that is not known.
std::string_view manifest_type(std::uint32_t kind) noexcept;

}  // namespace plakar::host
