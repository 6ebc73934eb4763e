// Sorts records of a key and a value each, however many there are, in bounded memory: what does not
// fit is written to a file in sorted runs, which are merged when they are read. The file has no
// name and goes with the sorter.
//
// Life cycle: add() any number of times, finish() once, then next() until it returns false. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/file_system.h"
#include "core/base/random.h"
#include "core/base/result.h"

namespace plakar::kloset {

// Where what does not fit in memory goes.
struct SpillPlace {
  const FileSystem* files = nullptr;  // null: nowhere, everything stays in memory
  Random* random = nullptr;
  std::string directory;
};

class RecordSorter {
 public:
  enum class Order : std::uint8_t { ascending, descending };  // of keys, octet by octet

  // What `place` refers to outlives the sorter. About `memory_bytes` are used, and at least what
  // merging takes: 4 KiB for each run.
  RecordSorter(SpillPlace place, std::size_t memory_bytes, Order order);
  ~RecordSorter();
  RecordSorter(RecordSorter&&) noexcept;

  Status add(std::string_view key, BytesView value);
  Status finish();

  // Steps to the next record; false at the end. Of equal keys the one added first comes first.
  Result<bool> next();
  // Of the record stepped to, valid until the next step.
  std::string_view key() const noexcept { return key_; }
  BytesView value() const noexcept { return value_; }

 private:
  class Run;

  // Where a record begins in records_.
  struct Place {
    std::size_t offset;
  };

  std::string_view key_at(std::size_t offset) const noexcept;
  void sort();
  Status spill();
  bool comes_before(const Run& a, const Run& b) const noexcept;

  SpillPlace spill_place_;
  std::size_t memory_bytes_;
  Order order_;

  Bytes records_;
  std::vector<Place> places_;
  std::size_t at_ = 0;  // in places_, while reading

  File file_;
  std::vector<std::uint64_t> ends_;  // of the runs in file_
  std::vector<std::unique_ptr<Run>> heap_;
  bool stepped_ = false;  // the first of heap_ is the current record

  std::string_view key_;
  BytesView value_;
};

}  // namespace plakar::kloset
