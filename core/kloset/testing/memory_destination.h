// A destination in memory, for tests.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "core/flow/cancel_token.h"
#include "core/kloset/destination.h"

namespace plakar::kloset::testing {

// What was restored, by path. Outlives the destinations that write to it.
struct MemoryRestored {
  struct Entry {
    Record record;
    Bytes content{};
  };

  std::mutex mutex;
  std::map<std::string, Entry> entries;  // guarded by mutex
};

class MemoryDestination final : public Destination {
 public:
  explicit MemoryDestination(MemoryRestored& restored, Existing existing = Existing::replace,
                             flow::CancelToken cancel = {})
      : restored_(restored), existing_(existing), cancel_(std::move(cancel)) {}

  DestinationTraits traits() const override {
    return {.concurrency = 2, .hardlinks = true, .xattrs = true};
  }
  std::string location() const override { return "memory:"; }
  Status ping() override { return cancel_.check(); }
  Result<std::unique_ptr<ContentWriter>> put(const Record& record) override;
  Status finish(const std::function<void(const std::string& path, const Error&)>& report) override;

 private:
  class Writer;

  // With the mutex held.
  Status check_place(const Record& record) const;

  MemoryRestored& restored_;
  Existing existing_;
  flow::CancelToken cancel_;
};

}  // namespace plakar::kloset::testing
