// The table: an aggregated state as a file, immutable once it has its name.
//
//   file       := header:page  states  packfiles  colours  snapshots  filter  locations
//   header     := "PLKINDEX" version:u32 page_size:u32 nonce:u64 repository:16 last_state:32
//                 page_count:u64  section{5}  filter_first_page:u64 filter_blocks:u64
//   section    := first_page:u64 page_count:u64 record_count:u64 home_count:u64
//   states     := id:32*                                    dense and sorted, as are the next three
//   packfiles  := mac:32 flags:u8 state:32 time:i64         packfile_registry.h
//   colours    := mac:32 type:u8 time:i64
//   snapshots  := id:32*                                    of which there is a location
//   filter     := block:64*                                 location_layer.h
//   locations  := location_record.h                         spread and sorted
//
// All integers are little-endian. Sections follow each other without a gap. Pages are those of
// page_file.h; the header is sealed with nonce 0, and is written last.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/file_system.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/state/delta.h"
#include "core/kloset/state/internal/dense_records.h"
#include "core/kloset/state/internal/location_layer.h"
#include "core/kloset/state/internal/packfile_registry.h"
#include "core/kloset/state/internal/page_file.h"

namespace plakar::kloset {

struct TableHeader {
  std::uint64_t nonce = 0;
  Uuid repository;
  StateId last_state;
  std::uint64_t page_count = 0;
  RecordPages states{};
  RecordPages packfiles{};
  RecordPages colours{};
  RecordPages snapshots{};
  LocationPages locations{};

  friend bool operator==(const TableHeader&, const TableHeader&) = default;
};

inline constexpr std::size_t state_record_size = 32;
inline constexpr std::size_t snapshot_record_size = 32;
inline constexpr std::size_t colour_record_size = RecordKey::size + 8;

// One page.
Bytes encode_table_header(const TableHeader& header);
// Errc::corrupt for what is none or does not fit together, Errc::unsupported for another version.
Result<TableHeader> decode_table_header(BytesView page);

// May be used from any thread.
class TableFile {
 public:
  // Checks the header and all sections before the filter; of the others that they are there. A
  // file that cannot be used is an error: Errc::not_found when there is none, Errc::corrupt,
  // Errc::unsupported, Errc::conflict when it belongs to another repository.
  static Result<std::unique_ptr<TableFile>> open(const FileSystem& files, At at,
                                                 const Uuid& repository,
                                                 std::shared_ptr<ResidentLimit> limit);

  const TableHeader& header() const noexcept { return header_; }
  const DenseRecords<state_record_size>& states() const noexcept { return states_; }
  const PackfileRecords& packfiles() const noexcept { return packfiles_; }
  const DenseRecords<colour_record_size>& colours() const noexcept { return colours_; }
  const DenseRecords<snapshot_record_size>& snapshots() const noexcept { return snapshots_; }
  const LocationLayer& locations() const noexcept { return locations_; }

 private:
  TableFile(const TableHeader& header, Mapping head, std::unique_ptr<PageFile> pages);

  TableHeader header_;
  Mapping head_;  // all before the filter: small, checked, and never mapped again
  std::unique_ptr<PageFile> pages_;
  DenseRecords<state_record_size> states_;
  PackfileRecords packfiles_;
  DenseRecords<colour_record_size> colours_;
  DenseRecords<snapshot_record_size> snapshots_;
  LocationLayer locations_;
};

}  // namespace plakar::kloset
