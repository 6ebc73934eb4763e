// A source of a few files in memory, and two trees that differ a little.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/kloset/source.h"
#include "core/ops/backup.h"

namespace plakar::testing {

using Tree = std::map<std::string, std::string>;  // path to content

class TextReader final : public kloset::ContentReader {
 public:
  explicit TextReader(std::string_view text) : text_(text) {}
  Result<std::size_t> read(std::span<std::byte> out) override {
    const std::size_t got = std::min(out.size(), text_.size());
    std::copy_n(as_bytes(text_).begin(), got, out.begin());
    text_.remove_prefix(got);
    return got;
  }

 private:
  std::string_view text_;
};

// Files in memory, all in "/".
class TreeSource final : public kloset::Source {
 public:
  explicit TreeSource(const Tree& tree) : tree_(tree) {}

  kloset::SourceIdentity identity() const override {
    return {.type = "test", .origin = "test", .root = "/"};
  }
  kloset::SourceTraits traits() const override { return {}; }
  Status ping() override { return {}; }
  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    return std::optional<kloset::SourceEstimate>();
  }
  Result<bool> next(std::vector<kloset::Record>& batch) override {
    batch.clear();
    if (done_) return false;
    done_ = true;
    for (const auto& [path, content] : tree_) {
      kloset::Record& record = batch.emplace_back();
      record.kind = kloset::RecordKind::regular;
      record.path = path;
      record.size = static_cast<std::int64_t>(content.size());
      record.mod_time = {static_cast<std::int64_t>(content.size()), 0};
    }
    return true;
  }
  Result<std::unique_ptr<kloset::ContentReader>> open(const kloset::Record& record) override {
    return std::unique_ptr<kloset::ContentReader>(
        std::make_unique<TextReader>(tree_.at(record.path)));
  }

 private:
  const Tree& tree_;
  bool done_ = false;
};

struct SilentObserver final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view, std::string_view) override {}
};

inline Tree first_tree() {
  Tree tree;
  for (int i = 0; i < 12; ++i) tree["/file" + std::to_string(i)] = std::string(2000, char('a' + i));
  tree["/empty"] = "";
  return tree;
}

inline Tree second_tree() {
  Tree tree = first_tree();
  tree["/file3"] = "changed";
  tree["/new"] = std::string(70'000, 'n');
  tree.erase("/file4");
  return tree;
}

}  // namespace plakar::testing
