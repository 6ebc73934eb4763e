#include "core/flow/memory_budget.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <latch>
#include <random>
#include <thread>
#include <vector>

#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::eventually;
using testing::Watchdog;

constexpr std::size_t page = Block::alignment;
const CancelToken forever;

bool aligned(const Block& block) {
  return reinterpret_cast<std::uintptr_t>(block.data()) % page == 0;
}

}  // namespace

TEST_SUITE("memory budget") {
  TEST_CASE("blocks are aligned, writable, of the size asked for, and cost whole pages") {
    MemoryBudget budget(10 * page);
    {
      const Block block = budget.acquire(page + 1, forever).value();
      CHECK(aligned(block));
      CHECK(block.size() == page + 1);
      std::memset(block.data(), 7, block.size());
      CHECK(budget.gauge().used == 2 * page);
      const Block empty = budget.acquire(0, forever).value();
      CHECK(empty.bytes().empty());
    }
    CHECK(budget.gauge().used == 0);
    CHECK(budget.gauge().used_peak == 2 * page);
  }

  TEST_CASE("more than the whole budget is refused at once") {
    MemoryBudget budget(2 * page + 1);
    CHECK(budget.acquire(2 * page + 2, forever).error().code() == Errc::invalid_argument);
    CHECK(budget.acquire(2 * page + 1, forever).error().code() == Errc::invalid_argument);
    CHECK(budget.acquire(~std::size_t{0}, forever).error().code() == Errc::invalid_argument);
    CHECK(budget.reserve(~std::size_t{0}, forever).error().code() == Errc::invalid_argument);
    CHECK_FALSE(budget.try_acquire(~std::size_t{0}));
    CHECK_FALSE(budget.try_reserve(2 * page + 2));
    CHECK(budget.reserve(2 * page + 1, forever));
  }

  TEST_CASE("a returned block is used again for the next of its size") {
    MemoryBudget budget(4 * page);
    std::byte* first = nullptr;
    {
      const Block block = budget.acquire(2 * page, forever).value();
      first = block.data();
      std::memset(block.data(), 7, 1);
    }
    CHECK(budget.gauge().kept == 2 * page);
    const Block again = budget.acquire(2 * page - 1, forever).value();
    CHECK(again.data() == first);
    CHECK(*again.data() == std::byte{7});
    CHECK(budget.gauge().kept == 0);
  }

  TEST_CASE("kept blocks give way to other sizes and to reservations") {
    MemoryBudget budget(4 * page);
    for (const std::size_t size : {page, 3 * page}) {
      const Block block = budget.acquire(size, forever).value();
    }
    CHECK(budget.gauge().kept == 4 * page);
    {
      const Block block = budget.acquire(2 * page, forever).value();
      CHECK(budget.gauge().kept == page);
    }
    const Reservation all = budget.reserve(4 * page, forever).value();
    CHECK(budget.gauge().kept == 0);
  }

  TEST_CASE("shrinking gives whole pages back, and the rest of the block stays as it was") {
    MemoryBudget budget(4 * page);
    Block block = budget.acquire(4 * page, forever).value();
    std::memset(block.data(), 7, block.size());
    block.shrink(page + 1);
    CHECK(budget.gauge().used == 2 * page);
    CHECK(block.size() == page + 1);
    CHECK(std::ranges::all_of(block.bytes(), [](std::byte b) { return b == std::byte{7}; }));
    const Block other = budget.acquire(2 * page, forever).value();
    block.shrink(page + 1);
    block.shrink(0);
    CHECK(block.bytes().empty());
    CHECK(budget.gauge().used == 2 * page);
    block = Block();
    CHECK(budget.gauge().kept == 0);
    block = budget.acquire(page, forever).value();
    block.shrink(1);
    block = Block();
    CHECK(budget.gauge().kept == page);  // still as it was acquired
  }

  TEST_CASE("both parts of a split block are given back, in any order") {
    MemoryBudget budget(4 * page);
    for (const bool tail_first : {false, true}) {
      Block head = budget.acquire(4 * page, forever).value();
      Block tail = head.split(page);
      CHECK(head.size() == page);
      CHECK(tail.data() == head.data() + page);
      CHECK(tail.size() == 3 * page);
      CHECK(budget.gauge().used == 4 * page);
      (tail_first ? tail : head) = Block();
      CHECK(budget.gauge().used == (tail_first ? 1 : 3) * page);
      Block& left = tail_first ? head : tail;
      std::memset(left.data(), 1, left.size());
      left = Block();
      CHECK(budget.gauge().kept == 0);
    }
    Block whole = budget.acquire(4 * page, forever).value();
    CHECK(whole.split(4 * page).bytes().empty());
    const Block all = whole.split(0);
    CHECK(whole.bytes().empty());
    CHECK(all.size() == 4 * page);
  }

  TEST_CASE("assigning over a block or a reservation gives the old one back") {
    MemoryBudget budget(4 * page);
    Block block = budget.acquire(page, forever).value();
    Block other = budget.acquire(2 * page, forever).value();
    block = std::move(other);
    CHECK(budget.gauge().used == 2 * page);
    Reservation reservation = budget.reserve(10, forever).value();
    Reservation more = budget.reserve(20, forever).value();
    reservation = std::move(more);
    CHECK(budget.gauge().used == 2 * page + 20);
    reservation.shrink(5);
    CHECK(budget.gauge().used == 2 * page + 5);
    CHECK(reservation.size() == 5);
  }

  TEST_CASE("who finds nothing left waits until another gives back") {
    const Watchdog dog("budget wait");
    MemoryBudget budget(2 * page);
    Block block = budget.acquire(2 * page, forever).value();
    CHECK_FALSE(budget.try_acquire(page));
    std::jthread waiter([&] { CHECK(budget.acquire(page, forever).value().size() == page); });
    REQUIRE(eventually([&] { return budget.gauge().waiting == 1; }));
    block = Block();
    waiter.join();
    CHECK(budget.gauge().used == 0);
  }

  TEST_CASE("a large request in line is not overtaken by small ones") {
    const Watchdog dog("budget fifo");
    MemoryBudget budget(4 * page);
    std::vector<int> order;
    Reservation held = budget.reserve(4 * page, forever).value();
    std::jthread large([&] {
      const auto all = budget.reserve(4 * page, forever);
      order.push_back(1);
    });
    REQUIRE(eventually([&] { return budget.gauge().waiting == 1; }));
    std::jthread small([&] {
      const auto one = budget.reserve(1, forever);
      order.push_back(2);
    });
    REQUIRE(eventually([&] { return budget.gauge().waiting == 2; }));
    held.shrink(page);
    CHECK_FALSE(budget.try_reserve(1));
    CHECK(budget.gauge().waiting == 2);
    held.shrink(0);
    large.join();
    small.join();
    CHECK(order == std::vector{1, 2});
  }

  TEST_CASE("a cancelled request holds nothing and lets the next one in") {
    const Watchdog dog("budget cancel");
    MemoryBudget budget(4 * page);
    const Reservation held = budget.reserve(3 * page, forever).value();
    const CancelSource source;
    std::jthread large(
        [&] { CHECK(budget.acquire(2 * page, source.token()).error().code() == Errc::cancelled); });
    REQUIRE(eventually([&] { return budget.gauge().waiting == 1; }));
    std::jthread small([&] { CHECK(budget.acquire(page, forever)); });
    REQUIRE(eventually([&] { return budget.gauge().waiting == 2; }));
    source.cancel("stop");
    large.join();
    small.join();
    CHECK(budget.gauge().used == 3 * page);
    CHECK(budget.acquire(page, source.token()).error().code() == Errc::cancelled);
  }

  TEST_CASE("a deadline ends the wait as unavailable") {
    const Watchdog dog("budget deadline");
    MemoryBudget budget(page);
    const Block block = budget.acquire(page, forever).value();
    CHECK(budget.acquire(1, forever.with_timeout(std::chrono::milliseconds(1))).error().code() ==
          Errc::unavailable);
  }

  TEST_CASE("under load the budget is never exceeded and everything comes back") {
    const Watchdog dog("budget stress");
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    MemoryBudget budget(32 * page);
    std::atomic<std::size_t> used = 0;
    std::atomic<bool> exceeded = false;
    std::vector<CancelSource> sources(4);
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        std::minstd_rand random(seed + t);
        for (int i = 0; i < 500; ++i) {
          const CancelSource call(sources[t].token());
          if (random() % 10 == 0) call.cancel("random");
          Result<Block> block = budget.acquire(1 + random() % (32 * page), call.token());
          if (!block) continue;
          const std::size_t cost = Block::rounded_up(block->size());
          if (used += cost; used > 32 * page) exceeded = true;
          std::memset(block->data(), static_cast<int>(t), std::min<std::size_t>(block->size(), 64));
          used -= cost;
          if (random() % 3 == 0) block->shrink(block->size() / 2);
          if (random() % 3 == 0) {
            const Block tail = block->split(block->size() / page / 2 * page);
          }
        }
      });
    }
    threads.clear();
    CHECK_FALSE(exceeded);
    CHECK(budget.gauge().used == 0);
    CHECK(budget.gauge().used_peak <= 32 * page);
    CHECK(budget.gauge().kept <= 32 * page);
  }
}

}  // namespace plakar::flow
