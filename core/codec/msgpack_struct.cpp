#include "core/codec/msgpack_struct.h"

#include <bit>
#include <string>

#include "core/base/error.h"

namespace plakar::codec::detail {
namespace {

// The row with this key, or none. Nearly every map is in the order of its table, so the row
// after the last one found is tried before the others.
const MsgpackRow* find_row(std::span<const MsgpackRow> rows, std::size_t& next,
                           std::string_view key) {
  for (std::size_t tried = 0; tried < rows.size(); ++tried, ++next) {
    if (next >= rows.size()) next = 0;
    if (rows[next].key == key) return &rows[next++];
  }
  return nullptr;
}

Status read_row(MsgpackReader& in, const MsgpackRow& row, void* structure) {
  PLK_TRY_CONTEXT(row.read(in, structure), row.key);
  return {};
}

}  // namespace

Status read_rows(MsgpackReader& in, std::span<const MsgpackRow> rows, void* structure) {
  if (PLK_TRY(in.kind()) == MsgpackKind::array) {
    const std::size_t elements = PLK_TRY(in.array());
    if (elements == 0) return {};
    if (elements != rows.size()) {
      return Error(Errc::corrupt, "msgpack: a structure of " + std::to_string(rows.size()) +
                                      " fields as an array of " + std::to_string(elements));
    }
    for (const MsgpackRow& row : rows) PLK_TRY(read_row(in, row, structure));
    return {};
  }

  const std::size_t pairs = PLK_TRY(in.map());
  std::size_t next = 0;
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::string_view key = PLK_TRY(in.str());
    if (const MsgpackRow* row = find_row(rows, next, key)) {
      PLK_TRY(read_row(in, *row, structure));
    } else {
      PLK_TRY(in.skip());
    }
  }
  return {};
}

void write_rows(MsgpackWriter& out, std::span<const MsgpackRow> rows, const void* structure) {
  using WhenEmpty = MsgpackRow::WhenEmpty;

  std::uint64_t empty = 0;    // bit i: row i is, and that makes a difference
  std::uint64_t omitted = 0;  // of those, the ones that are left out
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].when_empty == WhenEmpty::write || !rows[i].is_empty(structure)) continue;
    empty |= std::uint64_t{1} << i;
    if (rows[i].when_empty == WhenEmpty::omit) omitted |= std::uint64_t{1} << i;
  }

  out.map(rows.size() - static_cast<std::size_t>(std::popcount(omitted)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (omitted >> i & 1) continue;
    out.str(rows[i].key);
    if (empty >> i & 1) {
      out.nil();
    } else {
      rows[i].write(out, structure);
    }
  }
}

bool all_rows_omitted(std::span<const MsgpackRow> rows, const void* structure) {
  for (const MsgpackRow& row : rows) {
    if (row.when_empty != MsgpackRow::WhenEmpty::omit || !row.is_empty(structure)) return false;
  }
  return true;
}

}  // namespace plakar::codec::detail
