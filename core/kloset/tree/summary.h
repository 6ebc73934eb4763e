// What is in a directory and below it, in numbers. One a directory, and that of "/" again in
// the snapshot's header, where listings find a snapshot's size. Informational: nothing but
// display depends on it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/kloset/format/file_mode.h"

namespace plakar::kloset {

// Of the direct children (`directory`), or of all that is below these (`below`).
struct Totals {
  std::uint64_t directories = 0;
  std::uint64_t files = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t devices = 0;
  std::uint64_t pipes = 0;
  std::uint64_t sockets = 0;
  std::uint64_t children = 0;
  std::uint64_t setuid = 0;
  std::uint64_t setgid = 0;
  std::uint64_t sticky = 0;
  std::uint64_t objects = 0;
  std::uint64_t chunks = 0;
  std::uint64_t size_min = 0;
  std::uint64_t size_max = 0;
  std::uint64_t size_average = 0;  // of `directory` only
  std::uint64_t size = 0;
  std::int64_t mod_time_min = 0;
  std::int64_t mod_time_max = 0;
  double entropy_min = 0;
  double entropy_max = 0;
  double entropy_sum = 0;      // of `directory` only
  double entropy_average = 0;  // of `directory` only
  std::uint64_t high_entropy = 0;
  std::uint64_t low_entropy = 0;
  std::uint64_t mime_audio = 0;
  std::uint64_t mime_video = 0;
  std::uint64_t mime_image = 0;
  std::uint64_t mime_text = 0;
  std::uint64_t mime_application = 0;
  std::uint64_t mime_other = 0;
  std::uint64_t errors = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

// What a summary needs to know of an entry that is not a directory.
struct SummaryItem {
  FileMode mode{};
  std::uint64_t size = 0;  // plaintext of a regular file, else 0
  std::int64_t mod_time = 0;
  double entropy = 0;
  std::uint64_t chunks = 0;
  bool has_object = false;
  std::string_view content_type{};
};

// Filled child by child in ascending order of their names, then finish(). Minima start at 0,
// which also means "none yet": a child with 0 resets them. The format says so.
struct Summary {
  Totals directory;
  Totals below;

  void add(const SummaryItem& item);
  // A child directory with its own, finished summary.
  void add(const Summary& child);
  void add_errors(std::uint64_t count) noexcept { below.errors += count; }
  void finish();

  friend bool operator==(const Summary&, const Summary&) = default;
};

Result<Summary> decode_summary(BytesView bytes);
void encode_summary(Bytes& out, const Summary& summary);

}  // namespace plakar::kloset
