// Records of the connector ABI as records of the engine, and back. What a module gives is believed
// only as far as it makes sense.
//
// Pure functions; safe from any thread.
#pragma once

#include <plakar/connector.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/kloset/record.h"

namespace plakar::host {

// A run with several sources tells them apart by the upper bits.
inline constexpr std::uint64_t record_id_max = (std::uint64_t{1} << 56) - 1;
inline constexpr std::size_t record_path_bytes_max = 64 * 1024;
inline constexpr std::size_t record_target_bytes_max = 64 * 1024;
inline constexpr std::size_t record_xattrs_max = 4096;
inline constexpr std::size_t xattr_name_bytes_max = 4096;
inline constexpr std::size_t xattr_value_bytes_max = 1024 * 1024;

// Begins with a slash, has no NUL and no empty, "." or ".." part; "/" is one.
bool is_clean_path(std::string_view path) noexcept;

// Element `i` of an array with a stride: what the other side does not have is zero, and what we do
// not know is left out.
plk_record record_at(const void* records, std::uint32_t stride, std::uint64_t i) noexcept;

struct ImportedRecord {
  kloset::Record record;
  // Attributes that are neither extended attributes nor known to the engine were left out.
  bool lost_attributes = false;
};

// Errc::corrupt, with what is wrong, for what no file can be.
Result<ImportedRecord> import_record(const plk_record& record);

// A record for a module. Refers to `record`, and owns what else it points to.
class ExportedRecord {
 public:
  explicit ExportedRecord(const kloset::Record& record);
  ExportedRecord(const ExportedRecord&) = delete;
  ExportedRecord& operator=(const ExportedRecord&) = delete;

  const plk_record& get() const noexcept { return record_; }

 private:
  plk_record record_{};
  std::vector<plk_xattr> xattrs_;
};

}  // namespace plakar::host
