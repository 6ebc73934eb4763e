#include "core/kloset/testing/memory_source.h"

#include <algorithm>
#include <utility>

#include "core/base/text.h"

namespace plakar::kloset::testing {
namespace {

class MemoryReader final : public ContentReader {
 public:
  MemoryReader(const MemoryEntry& entry, flow::CancelToken cancel)
      : entry_(entry), cancel_(std::move(cancel)) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    PLK_TRY(cancel_.check());
    const BytesView rest = BytesView(entry_.content).subspan(offset_);
    if (rest.empty() && entry_.failure) return *entry_.failure;
    const std::size_t size = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), size, out.begin());
    offset_ += size;
    return size;
  }
  Status confirm() override { return entry_.change ? Status(*entry_.change) : Status(); }

 private:
  const MemoryEntry& entry_;
  flow::CancelToken cancel_;
  std::size_t offset_ = 0;
};

MemoryEntry& add(MemoryTree& tree, RecordKind kind, FileType type, std::uint32_t permissions,
                 std::string path) {
  MemoryEntry& entry = tree.entries.emplace_back();
  entry.record.kind = kind;
  entry.record.path = std::move(path);
  entry.record.mode = make_file_mode(type, permissions);
  entry.record.mod_time = {.seconds = 1'700'000'000, .nanoseconds = 5};
  entry.record.nlink = 1;
  return entry;
}

}  // namespace

void MemoryTree::add_directory(std::string path) {
  add(*this, RecordKind::directory, FileType::directory, 0755, std::move(path));
}

void MemoryTree::add_file(std::string path, std::string_view content) {
  add(*this, RecordKind::regular, FileType::regular, 0644, std::move(path)).content =
      to_bytes(content);
}

void MemoryTree::add_symlink(std::string path, std::string target) {
  add(*this, RecordKind::symlink, FileType::symlink, 0777, std::move(path)).record.target =
      std::move(target);
}

MemorySource::MemorySource(MemoryTree tree, flow::CancelToken cancel)
    : tree_(std::move(tree)), cancel_(std::move(cancel)) {
  std::uint64_t id = 0;
  for (MemoryEntry& entry : tree_.entries) {
    entry.record.id = ++id;
    if (entry.record.kind == RecordKind::regular && entry.record.size == 0) {
      entry.record.size = static_cast<std::int64_t>(entry.content.size());
    }
  }
}

Result<std::optional<SourceEstimate>> MemorySource::estimate() {
  SourceEstimate sum;
  for (const MemoryEntry& entry : tree_.entries) {
    ++sum.items;
    sum.bytes += entry.content.size();
  }
  return std::optional(sum);
}

Result<bool> MemorySource::next(std::vector<Record>& batch) {
  batch.clear();
  PLK_TRY(cancel_.check());
  while (next_ < tree_.entries.size() && batch.size() < tree_.batch_size) {
    batch.push_back(tree_.entries[next_++].record);
  }
  return !batch.empty();
}

Result<std::unique_ptr<ContentReader>> MemorySource::open(const Record& record) {
  PLK_TRY(cancel_.check());
  if (record.id == 0 || record.id > tree_.entries.size()) {
    return Error(Errc::not_found, "open " + escape(record.path) + ": not one of this source");
  }
  const MemoryEntry& entry = tree_.entries[static_cast<std::size_t>(record.id - 1)];
  return std::unique_ptr<ContentReader>(std::make_unique<MemoryReader>(entry, cancel_));
}

void MemorySource::acknowledge(const Record&, const Status& outcome) {
  ++acknowledged_;
  if (!outcome) ++failed_;
}

}  // namespace plakar::kloset::testing
