// Bytes at places: a file, or one behind a server that answers requests for ranges. What an
// archive is read through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/base/file_system.h"
#include "core/base/result.h"

namespace plakar::connectors {

// All functions may be called from any thread.
class RangeReader {
 public:
  virtual ~RangeReader() = default;

  // How many bytes there are. Errc::not_found when there is nothing at all.
  virtual Result<std::uint64_t> size() = 0;
  // Fills `out` from `offset` on. Fewer bytes mean the end.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
};

// The file is opened now: what is read later is of one file, whatever becomes of the name.
// Errc::invalid_argument for what is not a regular file. `files` outlives the reader.
Result<std::unique_ptr<RangeReader>> open_file_reader(const FileSystem& files,
                                                      const std::string& path);

}  // namespace plakar::connectors
