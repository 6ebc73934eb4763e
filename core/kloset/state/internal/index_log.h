// What was merged since a table was written, as a file beside it: few states make a small file
// again and not a large one.
//
//   file   := "PLKINLOG" version:u32 zero:u32 table_nonce:u64 repository:16 state_count:u64
//             checksum:u64  state*
//   state  := id:32 version:u32 length:u64 plaintext
//
// The checksum is XXH3 of all that is behind it, mixed into one of all before. Integers are
// little-endian. A log belongs to the one table with that nonce, and is read whole.
#pragma once

#include <cstdint>
#include <functional>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/state/index.h"

namespace plakar::kloset {

// A value, not thread-safe.
class IndexLog {
 public:
  struct Owner {
    std::uint64_t table_nonce = 0;
    Uuid repository;

    friend bool operator==(const Owner&, const Owner&) = default;
  };

  // Errc::corrupt for what is no log, is damaged, or is that of another table.
  static Result<IndexLog> decode(BytesView file, const Owner& owner);
  Bytes encode(const Owner& owner) const;

  void append(const StateText& state);
  // In the order in which they were appended. The first error ends it and is returned.
  Status for_each(const std::function<Status(const StateText&)>& visit) const;

  std::uint64_t state_count() const noexcept { return state_count_; }
  std::size_t size_bytes() const noexcept { return states_.size(); }
  // How much longer a state makes it.
  static std::size_t size_bytes(const StateText& state) noexcept;

 private:
  Bytes states_;  // as in the file
  std::uint64_t state_count_ = 0;
};

inline constexpr std::size_t index_log_header_size = 56;

}  // namespace plakar::kloset
