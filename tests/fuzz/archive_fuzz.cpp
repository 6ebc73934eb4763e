// Any octets as an archive: reading ends in a verified end or an error, what was read can be
// written and read back equal, and the guard lets nothing outside.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/codec/archive_guard.h"
#include "core/codec/archive_reader.h"
#include "core/codec/archive_writer.h"

namespace {

using namespace plakar;
using namespace plakar::codec;

constexpr std::size_t max_entries = 200;
constexpr std::size_t max_content_bytes = std::size_t{1} << 20;

struct Item {
  ArchiveEntry entry;
  std::string content;
};

class BytesSink final : public ArchiveSink {
 public:
  Status write(BytesView more) override {
    append(bytes, more);
    return {};
  }
  Bytes bytes;
};

// What can be read before an error, the end, or more than a fuzzer has time for.
std::vector<Item> read_some(BytesView bytes) {
  std::vector<Item> items;
  BytesArchiveSource source(bytes);
  auto reader = ArchiveReader::open(source);
  if (!reader) return items;
  std::size_t content_bytes = 0;
  while (items.size() < max_entries) {
    Item item;
    const auto found = reader->next(item.entry);
    if (!found || !*found) return items;
    std::byte buffer[4096];
    while (content_bytes < max_content_bytes) {
      const auto count = reader->read(buffer);
      if (!count) return items;
      if (*count == 0) break;
      content_bytes += *count;
      item.content.append(as_text(BytesView(buffer, *count)));
    }
    if (content_bytes >= max_content_bytes) return items;
    if (item.entry.type == ArchiveEntryType::file) {
      PLK_ASSERT(!item.entry.size || *item.entry.size == item.content.size());
    }
    items.push_back(std::move(item));
  }
  return items;
}

void check_guard(const std::vector<Item>& items) {
  ArchiveGuard guard;
  for (const Item& item : items) {
    const auto path = guard.admit(item.entry);
    if (!path || path->empty()) continue;
    const std::string framed = "/" + *path + "/";
    PLK_ASSERT(framed.find("//") == std::string::npos);
    PLK_ASSERT(framed.find("/./") == std::string::npos);
    PLK_ASSERT(framed.find("/../") == std::string::npos);
    PLK_ASSERT(item.entry.type <= ArchiveEntryType::hard_link);
  }
}

void check_round_trip(const std::vector<Item>& items) {
  BytesSink sink;
  auto writer = ArchiveWriter::create(sink, ArchiveFormat::tar);
  PLK_ASSERT(writer);
  std::vector<const Item*> written;
  for (const Item& item : items) {
    ArchiveEntry entry = item.entry;
    if (entry.type == ArchiveEntryType::file) entry.size = item.content.size();
    if (!writer->begin(entry)) continue;
    if (entry.type == ArchiveEntryType::file) PLK_ASSERT(writer->write(as_bytes(item.content)));
    written.push_back(&item);
  }
  PLK_ASSERT(writer->finish());

  const std::vector<Item> again = read_some(sink.bytes);
  PLK_ASSERT(again.size() == written.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    PLK_ASSERT(again[i].entry.type == written[i]->entry.type);
    PLK_ASSERT(again[i].entry.mode == written[i]->entry.mode);
    PLK_ASSERT(again[i].entry.path == written[i]->entry.path);
    PLK_ASSERT(again[i].entry.link_target == written[i]->entry.link_target);
    if (again[i].entry.type == ArchiveEntryType::file) {
      PLK_ASSERT(again[i].content == written[i]->content);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto items = read_some(std::as_bytes(std::span(data, size)));
  check_guard(items);
  check_round_trip(items);
  return 0;
}
