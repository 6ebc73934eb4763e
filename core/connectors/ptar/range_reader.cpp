#include "core/connectors/ptar/range_reader.h"

#include <utility>

#include "core/base/text.h"

namespace plakar::connectors {
namespace {

class FileReader final : public RangeReader {
 public:
  explicit FileReader(File file) : file_(std::move(file)) {}

  Result<std::uint64_t> size() override {
    const FileStat stat = PLK_TRY(file_.stat());
    return stat.size;
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    return file_.read_up_to(offset, out);
  }

 private:
  const File file_;
};

}  // namespace

Result<std::unique_ptr<RangeReader>> open_file_reader(const FileSystem& files,
                                                      const std::string& path) {
  // Opening a fifo would wait for somebody to write to it.
  File file = PLK_TRY(files.open(path, {.nonblocking = true}));
  const FileStat stat = PLK_TRY(file.stat());
  if (stat.type != FileType::regular) {
    return Error(Errc::invalid_argument, escape(path) + " is not a regular file");
  }
  return std::unique_ptr<RangeReader>(std::make_unique<FileReader>(std::move(file)));
}

}  // namespace plakar::connectors
