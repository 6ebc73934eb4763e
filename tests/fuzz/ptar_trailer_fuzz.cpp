// An archive of any bytes: its trailer is refused, or everything it names lies in the file.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/connectors/ptar/layout.h"
#include "core/connectors/ptar/store.h"
#include "core/kloset/store.h"

namespace {

using namespace plakar;
using namespace plakar::connectors;

void require(bool condition) {
  if (!condition) std::abort();
}

class Archive final : public RangeReader {
 public:
  explicit Archive(BytesView bytes) : bytes_(bytes) {}

  Result<std::uint64_t> size() override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) override {
    // Nobody asks for what the trailer cannot have promised.
    require(offset <= bytes_.size());
    const BytesView rest = bytes_.subspan(static_cast<std::size_t>(offset));
    const std::size_t got = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), got, out.begin());
    return got;
  }

 private:
  BytesView bytes_;
};

void check_layout(BytesView bytes) {
  if (bytes.size() < archive_trailer_size) return;
  const BytesView trailer = bytes.last(archive_trailer_size);
  const auto layout = decode_archive_trailer(trailer, bytes.size());
  if (!layout) {
    require(layout.error().code() == Errc::corrupt);
    return;
  }
  require(std::ranges::equal(encode_archive_trailer(*layout), trailer));
  std::uint64_t sum = archive_header_size + archive_trailer_size;
  for (const Extent& extent : {layout->config, layout->packfile, layout->state}) {
    if (extent.length > 0) require(extent.offset + extent.length <= bytes.size());
    sum += extent.length;
  }
  require(sum <= bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes = std::as_bytes(std::span(data, size));
  check_layout(bytes);
  const auto store = make_archive_reader(std::make_unique<Archive>(bytes), "fuzz", {});
  const auto config = store->load_config();
  if (config) require(!config->empty() && config->size() <= kloset::config_size_max);
  for (const auto kind : {kloset::ItemKind::packfile, kloset::ItemKind::state}) {
    const auto item = kloset::load_item(*store, kind, {}, size);
    if (item) require(item->size() < size);
  }
  return 0;
}
