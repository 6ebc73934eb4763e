#include "core/ops/merged_source.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/base/assert.h"
#include "core/kloset/tree/path.h"

namespace plakar::ops {
namespace {

using kloset::ContentReader;
using kloset::Record;
using kloset::RecordKind;
using kloset::Source;

// The deepest directory that both paths are in or are.
std::string_view common_directory(std::string_view a, std::string_view b) {
  while (!kloset::is_within(b, a)) a = kloset::parent_of(a);
  return a;
}

class MergedSource final : public Source {
 public:
  MergedSource(std::vector<Source*> sources, kloset::SourceIdentity identity)
      : sources_(std::move(sources)), identity_(std::move(identity)) {
    for (const Source* source : sources_) {
      for (std::string path = source->identity().root; path != "/";) {
        path = kloset::parent_of(path);
        shared_.insert(path);
      }
      const kloset::SourceTraits traits = source->traits();
      traits_.sequential = traits_.sequential || traits.sequential;
      traits_.local = traits_.local && traits.local;
      traits_.concurrency = std::min(traits_.concurrency, traits.concurrency);
    }
  }

  kloset::SourceIdentity identity() const override { return identity_; }
  kloset::SourceTraits traits() const override { return traits_; }

  Status ping() override {
    for (Source* source : sources_) PLK_TRY(source->ping());
    return {};
  }

  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    kloset::SourceEstimate sum;
    for (Source* source : sources_) {
      const auto one = PLK_TRY(source->estimate());
      if (!one) return std::optional<kloset::SourceEstimate>();
      sum.items += one->items;
      sum.bytes += one->bytes;
    }
    return std::optional(sum);
  }

  Result<bool> next(std::vector<Record>& batch) override {
    for (; at_ < sources_.size(); ++at_) {
      while (PLK_TRY(sources_[at_]->next(batch))) {
        std::erase_if(batch, [this](const Record& record) {
          if (!was_passed_on(record)) return false;
          sources_[at_]->acknowledge(record, {});
          return true;
        });
        // A number that is unique among all, and from which the source's own comes back.
        for (Record& record : batch) record.id = record.id * sources_.size() + at_;
        if (!batch.empty()) return true;
      }
    }
    batch.clear();
    return false;
  }

  Result<std::unique_ptr<ContentReader>> open(const Record& record) override {
    return source_of(record).open(own(record));
  }

  void acknowledge(const Record& record, const Status& outcome) override {
    source_of(record).acknowledge(own(record), outcome);
  }

 private:
  // Of the directories above the roots, by kind: an error about one is not the directory.
  bool was_passed_on(const Record& record) {
    if (!shared_.contains(record.path)) return false;
    return !passed_on_.emplace(record.path, record.kind, record.xattr_name).second;
  }

  Source& source_of(const Record& record) const { return *sources_[record.id % sources_.size()]; }
  Record own(Record record) const {
    record.id /= sources_.size();
    return record;
  }

  std::vector<Source*> sources_;
  kloset::SourceIdentity identity_;
  kloset::SourceTraits traits_{.sequential = false, .local = true, .concurrency = 64};
  std::set<std::string, std::less<>> shared_;  // the directories above the roots
  std::set<std::tuple<std::string, RecordKind, std::string>> passed_on_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::unique_ptr<Source>> merge_sources(std::vector<Source*> sources) {
  PLK_ASSERT(!sources.empty());
  kloset::SourceIdentity identity = sources.front()->identity();
  std::vector<std::pair<std::string, Source*>> by_root;
  for (Source* source : sources) {
    kloset::SourceIdentity one = source->identity();
    const bool together = one.type == identity.type && one.origin == identity.origin &&
                          (sources.size() == 1 || source->traits().mergeable);
    if (!together) return Error(Errc::unsupported, "multi-source backup not supported yet");
    by_root.emplace_back(std::move(one.root), source);
  }
  std::stable_sort(by_root.begin(), by_root.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });

  // "/a!" stands between "/a" and "/a/b": the neighbour is not enough to look at.
  std::vector<Source*> kept;
  std::vector<std::string> roots;
  for (auto& [root, source] : by_root) {
    const bool nested = std::any_of(roots.begin(), roots.end(), [&path = root](const auto& other) {
      return kloset::is_within(path, other);
    });
    if (nested) continue;
    kept.push_back(source);
    roots.push_back(std::move(root));
  }
  identity.root = roots.front();
  for (const std::string& root : roots) {
    identity.root = std::string(common_directory(identity.root, root));
  }
  return std::unique_ptr<Source>(
      std::make_unique<MergedSource>(std::move(kept), std::move(identity)));
}

}  // namespace plakar::ops
