// Stores that genuine Plakar v1.1.4 wrote, with the tree that was backed up into them:
// tests/compat/kloset-vectors.tar.gz, unpacked once for each test program.
//
//   plain nocomp sha256 multi    without encryption
//   enc                          passphrase `golden_passphrase`
//   plain.ptar enc.ptar          single-file archives
//   EXPECTED.txt                 kind, mode, size, mtime, content of every path
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace plakar::testing {

inline constexpr std::string_view golden_passphrase = "kloset test vector";

// The directory that holds them. Read-only: copy a store to change it.
const std::filesystem::path& golden_stores();

// The regular files below a sub-directory of a store, sorted.
std::vector<std::filesystem::path> golden_items(std::string_view store, std::string_view kind);

std::vector<std::byte> read_whole(const std::filesystem::path& file);

}  // namespace plakar::testing
