#include "core/kloset/testing/memory_destination.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/text.h"

namespace plakar::kloset::testing {
namespace {

// What a test may write.
constexpr std::size_t content_size_max = 64u << 20;

bool is_path(std::string_view path) {
  if (path == "/") return true;
  if (!path.starts_with('/') || path.ends_with('/')) return false;
  for (std::string_view rest = path.substr(1); !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    if (name.empty() || name == "." || name == "..") return false;
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
  return true;
}

// Content in memory is not taken up again: what is there is replaced.
bool replaces(Existing existing) {
  return existing == Existing::replace || existing == Existing::resume;
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

class MemoryDestination::Writer final : public ContentWriter {
 public:
  Writer(MemoryRestored& restored, Existing existing, flow::CancelToken cancel, Record record)
      : restored_(restored),
        existing_(existing),
        cancel_(std::move(cancel)),
        entry_{std::move(record)} {}

  Status write(BytesView bytes) override {
    PLK_TRY(check(bytes.size()));
    append(entry_.content, bytes);
    return {};
  }
  Status write_zeros(std::uint64_t size) override {
    PLK_TRY(check(size));
    entry_.content.resize(entry_.content.size() + static_cast<std::size_t>(size));
    return {};
  }
  Status commit() override {
    PLK_TRY(check(0));
    ended_ = true;
    const std::lock_guard guard(restored_.mutex);
    const std::string path = entry_.record.path;
    if (replaces(existing_)) {
      restored_.entries.insert_or_assign(path, std::move(entry_));
      return {};
    }
    const bool is_new = restored_.entries.try_emplace(path, std::move(entry_)).second;
    if (is_new || existing_ == Existing::skip) return {};
    return Error(Errc::already_exists, escape(path) + " exists already");
  }

 private:
  Status check(std::uint64_t size) const {
    PLK_TRY(cancel_.check());
    if (ended_) return Error(Errc::io, "the writer has ended");
    if (size <= content_size_max - entry_.content.size()) return {};
    return Error(Errc::out_of_space, "more than a test should write");
  }

  MemoryRestored& restored_;
  Existing existing_;
  flow::CancelToken cancel_;
  MemoryRestored::Entry entry_;
  bool ended_ = false;
};

Status MemoryDestination::check_place(const Record& record) const {
  if (!is_path(record.path)) {
    return Error(Errc::invalid_argument, escape(record.path) + " leads out of the destination");
  }
  if (record.path == "/") return {};
  const std::string parent = parent_of(record.path);
  if (parent != "/") {
    const auto found = restored_.entries.find(parent);
    if (found == restored_.entries.end()) {
      return Error(Errc::not_found, escape(parent) + " is not there");
    }
    if (found->second.record.kind != RecordKind::directory) {
      return Error(Errc::invalid_argument, escape(parent) + " is no directory");
    }
  }
  const auto found = restored_.entries.find(record.path);
  if (found == restored_.entries.end()) return {};
  const bool was_directory = found->second.record.kind == RecordKind::directory;
  if (was_directory == (record.kind == RecordKind::directory)) return {};
  return Error(Errc::already_exists, escape(record.path) + " exists, and is something else");
}

Result<std::unique_ptr<ContentWriter>> MemoryDestination::put(const Record& record) {
  PLK_TRY(cancel_.check());
  const std::lock_guard guard(restored_.mutex);
  PLK_TRY(check_place(record));
  std::unique_ptr<ContentWriter> none;
  const auto found = restored_.entries.find(record.path);
  if (found != restored_.entries.end() && !replaces(existing_)) {
    const bool both_directories =
        found->second.record.kind == RecordKind::directory && record.kind == RecordKind::directory;
    if (both_directories || existing_ == Existing::skip) return none;
    return Error(Errc::already_exists, escape(record.path) + " exists already");
  }
  switch (record.kind) {
    case RecordKind::regular:
      return std::unique_ptr<ContentWriter>(
          std::make_unique<Writer>(restored_, existing_, cancel_, record));
    case RecordKind::hardlink: {
      const auto first = restored_.entries.find(record.target);
      if (first == restored_.entries.end()) {
        return Error(Errc::not_found, escape(record.target) + " is not there");
      }
      MemoryRestored::Entry again = first->second;
      again.record.path = record.path;
      restored_.entries.insert_or_assign(record.path, std::move(again));
      return none;
    }
    case RecordKind::directory:
    case RecordKind::symlink:
    case RecordKind::special:
      restored_.entries.insert_or_assign(record.path, MemoryRestored::Entry{.record = record});
      return none;
    case RecordKind::error:
    case RecordKind::xattr:
      break;
  }
  return Error(Errc::unsupported, escape(record.path) + " is nothing that can be restored");
}

Status MemoryDestination::finish(
    const std::function<void(const std::string& path, const Error&)>&) {
  return cancel_.check();
}

}  // namespace plakar::kloset::testing
