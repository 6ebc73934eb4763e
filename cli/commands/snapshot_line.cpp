#include "cli/commands/snapshot_line.h"

#include <chrono>

#include "core/base/text.h"

namespace plakar::cli {
namespace {

constexpr std::size_t column_width = 10;

std::string right(const std::string& text) {
  return text.size() < column_width ? std::string(column_width - text.size(), ' ') + text : text;
}

}  // namespace

std::string snapshot_line(const kloset::SnapshotHeader& header, const SnapshotColumns& columns) {
  const kloset::Summary& summary = header.source().summary;
  std::string line = format_rfc3339(header.timestamp) + ' ';
  line += right(columns.full_id ? header.identifier.hex() : header.identifier.short_hex());
  line += right(format_size(summary.directory.size + summary.below.size));
  if (columns.duration) {
    line += right(format_duration(
        std::chrono::round<std::chrono::seconds>(std::chrono::nanoseconds(header.duration_ns))));
  }
  line += ' ' + escape(header.source().importer.directory);
  if (columns.tags && !header.tags.empty()) {
    line += " tags=";
    for (std::size_t i = 0; i < header.tags.size(); ++i) {
      line += (i == 0 ? "" : ",") + escape(header.tags[i]);
    }
  }
  return line;
}

}  // namespace plakar::cli
