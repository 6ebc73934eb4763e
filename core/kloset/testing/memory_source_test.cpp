#include "core/kloset/testing/memory_source.h"

#include <doctest/doctest.h>

#include "tests/suites/source_suite.h"

namespace plakar::kloset::testing {

TEST_SUITE("memory source") {
  TEST_CASE("is a source") {
    plakar::testing::run_source_suite([](const std::vector<plakar::testing::SourceEntry>& entries) {
      MemoryTree tree;
      for (const auto& entry : entries) {
        if (entry.kind == RecordKind::directory) tree.add_directory(entry.path);
        if (entry.kind == RecordKind::regular) tree.add_file(entry.path, entry.content);
        if (entry.kind == RecordKind::symlink) tree.add_symlink(entry.path, entry.content);
      }
      return plakar::testing::SourcePlace{.root = "", .open = [tree](flow::CancelToken cancel) {
                                            return std::make_unique<MemorySource>(tree, cancel);
                                          }};
    });
  }

  TEST_CASE("a failure comes behind the content, and outcomes are counted") {
    MemoryTree tree;
    tree.add_file("/f", "abc");
    tree.entries.back().failure = Error(Errc::io, "cut off");
    MemorySource source(tree);
    std::vector<Record> batch;
    REQUIRE(source.next(batch));
    const auto reader = source.open(batch.front());
    REQUIRE(reader);
    Bytes buffer(10);
    CHECK((*reader)->read(buffer) == 3);
    CHECK((*reader)->read(buffer).error().message() == "cut off");
    source.acknowledge(batch.front(), Error(Errc::io, "cut off"));
    source.acknowledge(batch.front(), {});
    CHECK(source.acknowledged() == 2);
    CHECK(source.failed() == 1);
  }
}

}  // namespace plakar::kloset::testing
