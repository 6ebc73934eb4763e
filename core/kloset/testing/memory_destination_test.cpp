#include "core/kloset/testing/memory_destination.h"

#include <doctest/doctest.h>

#include "tests/suites/destination_suite.h"

namespace plakar::kloset::testing {
namespace {

class MemoryPlaceOfFiles final : public plakar::testing::DestinationPlace {
 public:
  std::unique_ptr<Destination> open(Existing existing, flow::CancelToken cancel) override {
    return std::make_unique<MemoryDestination>(restored_, existing, std::move(cancel));
  }
  std::map<std::string, plakar::testing::RestoredEntry> look() override {
    std::map<std::string, plakar::testing::RestoredEntry> found;
    for (const auto& [path, entry] : restored_.entries) {
      if (path == "/") continue;
      auto& shown = found[path];
      shown = {.kind = entry.record.kind,
               .content = entry.record.kind == RecordKind::symlink ? entry.record.target
                                                                   : plakar::to_text(entry.content),
               .permissions = permissions(entry.record.mode),
               .mod_time = entry.record.mod_time};
      for (const auto& attribute : entry.record.attributes) {
        shown.attributes[attribute.name] = plakar::to_text(attribute.value);
      }
    }
    return found;
  }

 private:
  MemoryRestored restored_;
};

}  // namespace

TEST_SUITE("memory destination") {
  TEST_CASE("is a destination") {
    plakar::testing::run_destination_suite([] { return std::make_unique<MemoryPlaceOfFiles>(); });
  }
}

}  // namespace plakar::kloset::testing
