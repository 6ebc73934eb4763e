#include "core/flow/channel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/flow/testing/watchdog.h"

namespace plakar::flow {
namespace {

using testing::eventually;
using testing::Watchdog;

const CancelToken forever;

struct Length {
  std::uint64_t operator()(const std::string& text) const noexcept { return text.size(); }
};

// As heavy as its last digit; zero is a weight too.
struct LastDigit {
  std::uint64_t operator()(std::size_t number) const noexcept { return number % 10; }
};

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

MonotonicTime past() { return system_clock().monotonic() - std::chrono::seconds(1); }

}  // namespace

TEST_SUITE("channel") {
  TEST_CASE("items come out in order, and the end after the last") {
    Channel<int> channel({.items = 3});
    for (int i = 0; i < 3; ++i) CHECK(channel.push(int{i}, forever));
    channel.close();
    int item = -1;
    for (int i = 0; i < 3; ++i) {
      CHECK(channel.pop(item, forever).value());
      CHECK(item == i);
    }
    CHECK_FALSE(channel.pop(item, forever).value());
    CHECK_FALSE(channel.pop(item, forever).value());
    CHECK(item == 2);
  }

  TEST_CASE("a channel with several producers ends when the last has closed") {
    Channel<int> channel({.items = 2, .producers = 2});
    channel.close();
    CHECK(channel.push(1, forever));
    channel.close();
    CHECK(channel.push(1, forever).error().code() == Errc::cancelled);
    int item = 0;
    CHECK(channel.pop(item, forever).value());
    CHECK_FALSE(channel.pop(item, forever).value());
  }

  TEST_CASE("move-only items pass, and a refused one stays with the caller") {
    Channel<std::unique_ptr<int>> channel({.items = 1});
    auto item = std::make_unique<int>(7);
    CHECK(channel.push(std::move(item), forever));
    CHECK(item == nullptr);
    channel.fail(Error(Errc::io, "gone"));
    item = std::make_unique<int>(8);
    CHECK_FALSE(channel.push(std::move(item), forever));
    CHECK(*item == 8);
    std::vector<std::unique_ptr<int>> batch;
    batch.push_back(std::move(item));
    CHECK_FALSE(channel.push_batch(batch, forever));
    CHECK(*batch.at(0) == 8);
  }

  TEST_CASE("a popped batch has what is there, up to the number asked for") {
    Channel<int> channel({.items = 8});
    std::vector<int> batch = numbers(5);
    CHECK(channel.push_batch(batch, forever));
    CHECK(batch.empty());
    CHECK(channel.pop_batch(batch, 3, forever).value());
    CHECK(batch == numbers(3));
    CHECK(channel.pop_batch(batch, 3, forever).value());
    CHECK(batch == std::vector{3, 4});
    channel.close();
    CHECK_FALSE(channel.pop_batch(batch, 3, forever).value());
    CHECK(batch.empty());
  }

  TEST_CASE("a batch larger than the channel goes through in order") {
    const Watchdog dog("large batch");
    Channel<int> channel({.items = 3});
    std::jthread producer([&] {
      std::vector<int> batch = numbers(1000);
      CHECK(channel.push_batch(batch, forever));
      CHECK(batch.empty());
      channel.close();
    });
    std::vector<int> all;
    for (std::vector<int> batch; channel.pop_batch(batch, 7, forever).value();) {
      all.insert(all.end(), batch.begin(), batch.end());
    }
    CHECK(all == numbers(1000));
    CHECK(channel.gauge().items_peak <= 3);
  }

  TEST_CASE("batches of different producers do not mix") {
    const Watchdog dog("batches mix");
    Channel<int> channel({.items = 4, .producers = 3});
    std::vector<std::jthread> producers;
    for (int id = 0; id < 3; ++id) {
      producers.emplace_back([&, id] {
        for (int round = 0; round < 100; ++round) {
          std::vector<int> batch(10, id);
          CHECK(channel.push_batch(batch, forever));
        }
        channel.close();
      });
    }
    std::vector<int> all;
    for (int item = 0; channel.pop(item, forever).value();) all.push_back(item);
    REQUIRE(all.size() == 3000);
    bool mixed = false;
    for (std::size_t i = 0; i < all.size(); ++i) mixed |= all[i] != all[i - i % 10];
    CHECK_FALSE(mixed);
  }

  TEST_CASE("try_push never waits and never overtakes") {
    Channel<int> channel({.items = 1});
    int item = 1;
    CHECK(channel.try_push(item).value());
    CHECK_FALSE(channel.try_push(item).value());
    channel.close();
    CHECK(channel.try_push(item).error().code() == Errc::cancelled);
  }

  TEST_CASE("the weight of the items is bounded, and one that is heavier passes alone") {
    const Watchdog dog("weight");
    Channel<std::string, Length> channel({.items = 100, .weight = 10});
    CHECK(channel.push("1234", forever));
    CHECK(channel.push("123456", forever));
    std::string item(1, 'x');
    CHECK_FALSE(channel.try_push(item).value());
    CHECK(channel.gauge().weight == 10);
    CHECK(channel.pop(item, forever).value());
    CHECK(channel.pop(item, forever).value());
    CHECK(channel.push(std::string(50, 'x'), forever));
    item.assign(1, 'y');
    CHECK_FALSE(channel.try_push(item).value());
    CHECK(channel.pop(item, forever).value());
    CHECK(item.size() == 50);
    CHECK(channel.gauge().weight == 0);
  }

  TEST_CASE("a waiting heavy item is not overtaken by light ones") {
    const Watchdog dog("heavy item");
    Channel<std::string, Length> channel({.items = 100, .weight = 10});
    CHECK(channel.push("12345678", forever));
    std::jthread heavy([&] { CHECK(channel.push("heavy", forever)); });
    REQUIRE(eventually([&] { return channel.gauge().producers_waiting == 1; }));
    std::string light(1, 'l');
    CHECK_FALSE(channel.try_push(light).value());
    CHECK(channel.pop(light, forever).value());
    CHECK(channel.pop(light, forever).value());
    CHECK(light == "heavy");
  }

  TEST_CASE("a failure reaches every waiter, and the first failure stays") {
    const Watchdog dog("failure reaches");
    Channel<int> full({.items = 1}), empty({.items = 1});
    CHECK(full.push(1, forever));
    std::atomic<int> told = 0;
    std::vector<std::jthread> waiters;
    for (int i = 0; i < 3; ++i) {
      waiters.emplace_back([&] { told += full.push(2, forever).error().message() == "first"; });
      waiters.emplace_back([&] {
        int item = 0;
        told += empty.pop(item, forever).error().message() == "first";
      });
    }
    REQUIRE(eventually([&] { return full.gauge().producers_waiting == 3; }));
    REQUIRE(eventually([&] { return empty.gauge().consumers_waiting == 3; }));
    for (auto* channel : {&full, &empty}) {
      channel->fail(Error(Errc::corrupt, "first"));
      channel->fail(Error(Errc::io, "second"));
    }
    waiters.clear();
    CHECK(told == 6);
    int item = 0;
    CHECK(full.pop(item, forever).error().code() == Errc::corrupt);
    full.close();
    CHECK(full.pop(item, forever).error().code() == Errc::corrupt);
  }

  TEST_CASE("a failure drops what is queued without holding the lock") {
    // Its destructor asks the channel something: with the lock held that would hang.
    struct Curious {
      Channel<Curious>* channel;
      int* destroyed;
      Curious(Channel<Curious>* c, int* d) : channel(c), destroyed(d) {}
      Curious(Curious&& o) noexcept
          : channel(std::exchange(o.channel, nullptr)), destroyed(o.destroyed) {}
      ~Curious() {
        if (channel == nullptr) return;
        CHECK(channel->gauge().items == 0);
        ++*destroyed;
      }
    };
    const Watchdog dog("drop");
    int destroyed = 0;
    Channel<Curious> channel({.items = 4});
    for (int i = 0; i < 3; ++i) CHECK(channel.push(Curious(&channel, &destroyed), forever));
    channel.fail(Error(Errc::io, "broken"));
    CHECK(destroyed == 3);
    CHECK(channel.gauge().weight == 0);
  }

  TEST_CASE("items left in a channel are destroyed with it") {
    const auto watched = std::make_shared<int>();
    {
      Channel<std::shared_ptr<int>> channel({.items = 3});
      for (int i = 0; i < 3; ++i) CHECK(channel.push(std::shared_ptr(watched), forever));
      std::shared_ptr<int> item;
      CHECK(channel.pop(item, forever).value());
      CHECK(channel.push(std::move(item), forever));
      CHECK(watched.use_count() == 4);
    }
    CHECK(watched.use_count() == 1);
  }

  TEST_CASE("a cancel wakes those who wait and stops those who would not have") {
    const Watchdog dog("cancel wakes");
    Channel<int> full({.items = 1}), empty({.items = 1});
    CHECK(full.push(1, forever));
    const CancelSource source;
    std::jthread pusher([&] { CHECK(full.push(2, source.token()).error().message() == "stop"); });
    std::jthread popper([&] {
      int item = 0;
      CHECK(empty.pop(item, source.token()).error().message() == "stop");
    });
    REQUIRE(eventually([&] { return full.gauge().producers_waiting == 1; }));
    REQUIRE(eventually([&] { return empty.gauge().consumers_waiting == 1; }));
    source.cancel("stop");
    pusher.join();
    popper.join();
    int item = 0;
    CHECK(full.pop(item, source.token()).error().code() == Errc::cancelled);
    CHECK(empty.push(1, source.token()).error().code() == Errc::cancelled);
    // Other tokens go on.
    CHECK(full.pop(item, forever).value());
  }

  TEST_CASE("a deadline ends a wait as unavailable") {
    const Watchdog dog("deadline");
    Channel<int> channel({.items = 1});
    int item = 0;
    CHECK(channel.pop(item, forever.with_timeout(std::chrono::milliseconds(1))).error().code() ==
          Errc::unavailable);
    CHECK(channel.push(1, forever.with_deadline(past())).error().code() == Errc::unavailable);
  }

  TEST_CASE("a cancelled consumer passes its wake-up on to the next") {
    // Two wait; one item is pushed as the first is cancelled: the other must get it.
    const Watchdog dog("baton");
    for (int round = 0; round < 200; ++round) {
      Channel<int> channel({.items = 1});
      const CancelSource source;
      std::atomic<int> got = 0;
      std::jthread first([&] {
        int item = 0;
        const auto popped = channel.pop(item, source.token());
        if (popped) ++got;
      });
      REQUIRE(eventually([&] { return channel.gauge().consumers_waiting == 1; }));
      std::jthread second([&] {
        int item = 0;
        if (channel.pop(item, forever).value()) ++got;
      });
      REQUIRE(eventually([&] { return channel.gauge().consumers_waiting == 2; }));
      std::jthread canceller([&] { source.cancel("stop"); });
      CHECK(channel.push(1, forever));
      first.join();
      if (got == 1) channel.close();
      second.join();
      CHECK(got >= 1);
    }
  }
}

TEST_SUITE("channel stress") {
  TEST_CASE("every item arrives once, with any mix of producers, consumers and batches") {
    const Watchdog dog("stress");
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::minstd_rand random(seed);
    auto up_to = [&](unsigned n) { return 1 + static_cast<std::size_t>(random() % n); };
    for (int round = 0; round < 60; ++round) {
      const std::size_t producers = up_to(4), consumers = up_to(4), per_producer = 2000;
      const ChannelLimits limits{.items = up_to(100), .weight = up_to(300), .producers = producers};
      Channel<std::size_t, LastDigit> channel(limits);
      std::vector<std::atomic<int>> seen(producers * per_producer);
      std::vector<std::jthread> threads;
      for (std::size_t p = 0; p < producers; ++p) {
        threads.emplace_back([&, p, batch_max = up_to(50)] {
          std::vector<std::size_t> batch;
          for (std::size_t i = 0; i < per_producer; ++i) {
            batch.push_back(p * per_producer + i);
            if (batch.size() < batch_max && i + 1 < per_producer) continue;
            CHECK(channel.push_batch(batch, forever));
          }
          channel.close();
        });
      }
      for (std::size_t c = 0; c < consumers; ++c) {
        threads.emplace_back([&, batch_max = up_to(50)] {
          std::vector<std::size_t> last(producers, 0);
          bool ordered = true;
          for (std::vector<std::size_t> batch;
               channel.pop_batch(batch, batch_max, forever).value();) {
            for (const std::size_t item : batch) {
              ++seen[item];
              ordered &= item >= last[item / per_producer];
              last[item / per_producer] = item;
            }
          }
          CHECK(ordered);
        });
      }
      threads.clear();
      bool once = true;
      for (const auto& count : seen) once &= count == 1;
      CHECK(once);
      CHECK(channel.gauge().items == 0);
      CHECK(channel.gauge().items_peak <= limits.items);
      CHECK(channel.gauge().weight == 0);
      CHECK(channel.gauge().weight_peak <= std::max<std::uint64_t>(limits.weight, 9));
    }
  }

  TEST_CASE("cancels, failures and ends at random moments leave nobody waiting and no item") {
    const Watchdog dog("endings");
    const unsigned seed = std::random_device{}();
    CAPTURE(seed);
    std::minstd_rand random(seed);
    const auto counted = std::make_shared<int>();  // its use count is the number of items
    for (int round = 0; round < 200; ++round) {
      {
        Channel<std::shared_ptr<int>> channel({.items = 1 + random() % 8, .producers = 1});
        const CancelSource source;
        std::array<CancelSource, 4> own{CancelSource(source.token()), CancelSource(source.token()),
                                        CancelSource(source.token()), CancelSource(source.token())};
        std::latch go(5);
        std::vector<std::jthread> threads;
        for (std::size_t t = 0; t < 4; ++t) {
          threads.emplace_back([&, t, cancel = own[t].token()] {
            go.arrive_and_wait();
            std::vector<std::shared_ptr<int>> batch;
            while (true) {
              if (t % 2 == 0) {
                batch.assign(3, counted);
                if (!channel.push_batch(batch, cancel)) return;
              } else {
                const auto more = channel.pop_batch(batch, 2, cancel);
                if (!more || !*more) return;
              }
            }
          });
        }
        go.arrive_and_wait();
        for (auto i = random() % 50; i > 0; --i) std::this_thread::yield();
        own[random() % 4].cancel("one");
        for (auto i = random() % 50; i > 0; --i) std::this_thread::yield();
        switch (random() % 3) {
          case 0:
            source.cancel("all");
            break;
          case 1:
            channel.fail(Error(Errc::io, "broken"));
            break;
          case 2:
            // Those whose partners are gone would wait for ever: that is what tokens are for.
            channel.close();
            own[1].cancel("consumer");
            own[3].cancel("consumer");
            break;
        }
        threads.clear();
      }
      CHECK(counted.use_count() == 1);
    }
  }

  TEST_CASE("closing while others push loses nothing that was accepted") {
    const Watchdog dog("close and push");
    for (int round = 0; round < 200; ++round) {
      Channel<int> channel({.items = 4});
      std::latch go(2);
      int accepted = 0;
      std::jthread producer([&] {
        go.arrive_and_wait();
        while (channel.push(1, forever)) ++accepted;
      });
      go.arrive_and_wait();
      int item = 0, received = 0;
      for (int i = round % 7; i > 0; --i) received += channel.pop(item, forever).value();
      channel.close();
      while (channel.pop(item, forever).value()) ++received;
      producer.join();
      CHECK(received == accepted);
    }
  }
}

}  // namespace plakar::flow
