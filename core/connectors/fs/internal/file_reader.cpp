#include "core/connectors/fs/internal/file_reader.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/text.h"

namespace plakar::connectors {
namespace {

// Of less, the kernel reads all ahead by itself.
constexpr std::uint64_t read_ahead_bytes_min = 256 * 1024;
// Holes of less than that are not looked for.
constexpr std::uint64_t hole_bytes_min = 64 * 1024;

class FileReader final : public kloset::ContentReader {
 public:
  FileReader(File file, const FileStat& stat, const FileVersion& expected, flow::CancelToken cancel)
      : file_(std::move(file)),
        expected_(expected),
        cancel_(std::move(cancel)),
        size_(stat.size),
        has_holes_(stat.size > stat.allocated_bytes &&
                   stat.size - stat.allocated_bytes >= hole_bytes_min) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    if (failed_) return Error(Errc::io, "read " + escape(file_.name()) + ": it failed before");
    PLK_TRY(cancel_.check());
    auto got = read_next(out);
    failed_ = !got;
    if (got) offset_ += *got;
    return got;
  }

  Status confirm() override {
    const FileStat now = PLK_TRY(file_.stat());
    if (now.size != expected_.size) {
      return changed("its size went from " + std::to_string(expected_.size) + " to " +
                     std::to_string(now.size) + " bytes");
    }
    if (now.modified != expected_.modified) return changed("it was written to");
    if (now.changed != expected_.changed) return changed("its metadata at least");
    return {};
  }

 private:
  static Error changed(const std::string& what) {
    return Error(Errc::conflict, "the file changed while it was read (" + what +
                                     "), and what was stored may be part old and part new: back "
                                     "it up again when nothing writes to it");
  }

  Result<std::size_t> read_next(std::span<std::byte> out) {
    if (has_holes_ && offset_ >= known_to_) find_next_data();
    if (offset_ < hole_to_) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), hole_to_ - offset_));
      std::fill_n(out.begin(), size, std::byte{0});
      return size;
    }
    if (offset_ < known_to_ && out.size() > known_to_ - offset_) {
      out = out.first(static_cast<std::size_t>(known_to_ - offset_));
    }
    return file_.read_at(offset_, out);
  }

  // Where the hole that begins here ends, if one does, and the data behind it. This is only a help:
  // on a failure all is read.
  void find_next_data() {
    has_holes_ = false;
    if (offset_ >= size_) return;
    const auto data = file_.find_data(offset_);
    if (!data) return;
    if (*data) {
      hole_to_ = (*data)->offset;
      known_to_ = (*data)->offset + (*data)->length;
      has_holes_ = true;
      return;
    }
    // Nothing but a hole, to the end as it is now.
    const auto stat = file_.stat();
    if (stat) hole_to_ = known_to_ = stat->size;
  }

  const File file_;
  const FileVersion expected_;
  const flow::CancelToken cancel_;
  const std::uint64_t size_;
  bool has_holes_;  // and more of them may follow
  std::uint64_t offset_ = 0;
  // Zeros to here, and from there on data, to where nobody has looked yet.
  std::uint64_t hole_to_ = 0;
  std::uint64_t known_to_ = 0;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<kloset::ContentReader> make_file_reader(File file, const FileStat& stat,
                                                        const FileVersion& expected,
                                                        flow::CancelToken cancel) {
  if (stat.size >= read_ahead_bytes_min) {
    file.advise(Advice::sequential, {.offset = 0, .length = stat.size});
  }
  return std::make_unique<FileReader>(std::move(file), stat, expected, std::move(cancel));
}

}  // namespace plakar::connectors
