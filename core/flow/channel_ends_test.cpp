#include "core/flow/channel_ends.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <string>
#include <string_view>
#include <thread>

#include "core/flow/memory_budget.h"
#include "core/flow/task_group.h"
#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::eventually;
using testing::Watchdog;

constexpr std::size_t page = Block::alignment;

struct Item {
  Block block;
  int number = 0;
};

struct ItemSize {
  std::uint64_t operator()(const Item& item) const noexcept { return item.block.size(); }
};

using ItemChannel = Channel<Item, ItemSize>;
using ItemSource = ChannelSource<Item, ItemSize>;
using ItemSink = ChannelSink<Item, ItemSize>;

// read -> change (two workers) -> write, as a backup has it: blocks of a budget, bounded
// channels, one token.
class Pipeline {
 public:
  static constexpr int items = 400;
  static constexpr std::size_t budget_bytes = 8 * page;

  // A stage asks `fault` before each item.
  using Fault = std::function<Status(const char* stage, int number)>;

  Status run(const CancelToken& cancel, const Fault& fault) {
    TaskGroup stages(cancel);
    stages.spawn("read", [&](const CancelToken& token) -> Status {
      ItemSink out(raw_, token);
      for (int i = 0; i < items; ++i) {
        PLK_TRY(fault("read", i));
        Item item{PLK_TRY(budget_.acquire(page, token)), i};
        item.block.bytes()[0] = static_cast<std::byte>(i);
        PLK_TRY(out.push(std::move(item)));
      }
      raw_.close();
      return {};
    });
    for (int worker = 0; worker < 2; ++worker) {
      stages.spawn("change", [&](const CancelToken& token) -> Status {
        ItemSource in(raw_, token);
        ItemSink out(changed_, token);
        PLK_TRY(change(in, out, fault));
        changed_.close();
        return {};
      });
    }
    stages.spawn("write", [&](const CancelToken& token) -> Status {
      ItemSource in(changed_, token);
      for (Item item; PLK_TRY(in.next(item));) {
        PLK_TRY(fault("write", item.number));
        sum_ += std::to_integer<int>(item.block.bytes()[0]);
        ++written_;
      }
      complete_ = true;
      return {};
    });
    return stages.wait();
  }

  int written() const { return written_; }
  int sum() const { return sum_; }
  bool complete() const { return complete_; }
  MemoryGauge memory() const { return budget_.gauge(); }
  ChannelGauge raw() const { return raw_.gauge(); }

 private:
  static Status change(Source<Item>& in, Sink<Item>& out, const Fault& fault) {
    for (Item item; PLK_TRY(in.next(item));) {
      PLK_TRY(fault("change", item.number));
      item.block.bytes()[0] ^= std::byte{1};
      PLK_TRY(out.push(std::move(item)));
    }
    return {};
  }

  MemoryBudget budget_{budget_bytes};  // outlives the channels, which may hold its blocks
  ItemChannel raw_{{.items = 16, .weight = 3 * page}};
  ItemChannel changed_{{.items = 2, .producers = 2}};
  int written_ = 0;
  int sum_ = 0;
  bool complete_ = false;
};

Status no_fault(const char*, int) { return {}; }

}  // namespace

TEST_SUITE("pipeline") {
  TEST_CASE("all items pass three stages within the memory budget") {
    const Watchdog dog("pipeline");
    Pipeline pipeline;
    CHECK(pipeline.run({}, no_fault));
    int sum = 0;
    for (int i = 0; i < Pipeline::items; ++i) sum += (i & 0xff) ^ 1;
    CHECK(pipeline.complete());
    CHECK(pipeline.written() == Pipeline::items);
    CHECK(pipeline.sum() == sum);
    CHECK(pipeline.memory().used == 0);
    CHECK(pipeline.memory().used_peak <= Pipeline::budget_bytes);
    CHECK(pipeline.raw().weight_peak <= 3 * page);
  }

  TEST_CASE("a stage that stands still stops those before it, not at the end but at the bound") {
    const Watchdog dog("back-pressure");
    Pipeline pipeline;
    std::latch open(1);
    std::atomic<int> read = 0;
    std::jthread runner([&] {
      CHECK(pipeline.run({}, [&](const char* stage, int number) -> Status {
        if (stage[0] == 'w') open.wait();
        if (stage[0] == 'r') read = number;
        return {};
      }));
    });
    // 3 in the first channel, 2 with the workers, 2 in the second channel, 1 with the writer
    // are 8 blocks, the whole budget; the reader waits for the block of the ninth, number 8.
    CHECK(eventually([&] {
      return pipeline.memory().waiting + pipeline.raw().producers_waiting == 1 &&
             pipeline.memory().used == Pipeline::budget_bytes;
    }));
    CHECK(read <= 8);
    open.count_down();
    runner.join();
    CHECK(pipeline.complete());
  }

  TEST_CASE("a failure anywhere ends all stages with that error, and nothing looks complete") {
    for (const char* const failing : {"read", "change", "write"}) {
      CAPTURE(failing);
      const Watchdog dog(failing);
      Pipeline pipeline;
      const Status status = pipeline.run({}, [&](const char* stage, int number) -> Status {
        if (stage == std::string_view(failing) && number == 100) {
          return Error(Errc::io, std::string(failing) + " broke");
        }
        return {};
      });
      REQUIRE_FALSE(status);
      CHECK(status.error().message() == std::string(failing) + " broke");
      CHECK_FALSE(pipeline.complete());
      CHECK(pipeline.written() < Pipeline::items);
    }
  }

  TEST_CASE("a cancel from outside ends all stages, wherever they wait") {
    for (const char* const cancelled_in : {"read", "change", "write"}) {
      CAPTURE(cancelled_in);
      const Watchdog dog(cancelled_in);
      Pipeline pipeline;
      const CancelSource job;
      const Status status = pipeline.run(job.token(), [&](const char* stage, int number) -> Status {
        if (stage == std::string_view(cancelled_in) && number == 50) job.cancel("interrupted");
        return {};
      });
      REQUIRE_FALSE(status);
      CHECK(status.error().code() == Errc::cancelled);
      CHECK(status.error().message() == "interrupted");
      CHECK_FALSE(pipeline.complete());
    }
  }
}

}  // namespace plakar::flow
