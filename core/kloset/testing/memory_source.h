// A source in memory, for tests.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/flow/cancel_token.h"
#include "core/kloset/source.h"

namespace plakar::kloset::testing {

struct MemoryEntry {
  Record record;
  Bytes content{};
  // Reading fails with it, behind the content.
  std::optional<Error> failure{};
  // What confirm() says.
  std::optional<Error> change{};
};

// Entries as a source would find them: parents too, ids and sizes filled in by the source.
struct MemoryTree {
  SourceIdentity identity{.type = "memory", .origin = "test", .root = "/"};
  SourceTraits traits{};
  std::size_t batch_size = 2;
  std::vector<MemoryEntry> entries{};

  void add_directory(std::string path);
  void add_file(std::string path, std::string_view content);
  void add_symlink(std::string path, std::string target);
};

class MemorySource final : public Source {
 public:
  explicit MemorySource(MemoryTree tree, flow::CancelToken cancel = {});

  SourceIdentity identity() const override { return tree_.identity; }
  SourceTraits traits() const override { return tree_.traits; }
  Status ping() override { return cancel_.check(); }
  Result<std::optional<SourceEstimate>> estimate() override;
  Result<bool> next(std::vector<Record>& batch) override;
  Result<std::unique_ptr<ContentReader>> open(const Record& record) override;
  void acknowledge(const Record& record, const Status& outcome) override;

  // How many records were acknowledged, and with a failure.
  std::size_t acknowledged() const noexcept { return acknowledged_; }
  std::size_t failed() const noexcept { return failed_; }

 private:
  MemoryTree tree_;
  flow::CancelToken cancel_;
  std::size_t next_ = 0;
  std::atomic<std::size_t> acknowledged_ = 0;
  std::atomic<std::size_t> failed_ = 0;
};

}  // namespace plakar::kloset::testing
