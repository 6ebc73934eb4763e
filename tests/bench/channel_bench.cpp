// What it costs to hand items from one thread to another. Yardsticks in the same run: copying
// as many bytes, and the simplest handover there is, one batch at a time under a mutex and
// two condition variables.
#include <benchmark/benchmark.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/flow/cancel_token.h"
#include "core/flow/channel.h"

namespace plakar::flow {
namespace {

constexpr std::size_t batch_items = 64;
constexpr std::int64_t round_items = 1 << 20;  // per iteration, to outweigh starting a thread

// As large as a reference to a chunk: a pointer, a length, a place.
struct Item {
  std::array<std::uint64_t, 4> words{};
};

void count_items(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * round_items);
  state.SetBytesProcessed(state.iterations() * round_items *
                          static_cast<std::int64_t>(sizeof(Item)));
}

// The rate in batches of 64, from `producers` threads to the measuring one.
void channel_batches(benchmark::State& state) {
  const auto producers = static_cast<std::size_t>(state.range(0));
  const auto capacity = static_cast<std::size_t>(state.range(1)) * batch_items;
  std::uint64_t sum = 0;
  for (auto _ : state) {
    Channel<Item> channel({.items = capacity, .producers = producers});
    std::vector<std::jthread> threads;
    for (std::size_t p = 0; p < producers; ++p) {
      threads.emplace_back([&] {
        std::vector<Item> batch;
        for (std::size_t sent = 0; sent < round_items / producers; sent += batch_items) {
          batch.resize(batch_items);
          if (!channel.push_batch(batch, {})) return;
        }
        channel.close();
      });
    }
    std::vector<Item> batch;
    while (true) {
      const auto more = channel.pop_batch(batch, batch_items, {});
      if (!more || !*more) break;
      for (const Item& item : batch) sum += item.words[0];
    }
  }
  benchmark::DoNotOptimize(sum);
  count_items(state);
}
BENCHMARK(channel_batches)
    ->ArgNames({"producers", "batches"})
    ->Args({1, 2})
    ->Args({1, 4})
    ->Args({1, 16})
    ->Args({2, 16})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void channel_single_items(benchmark::State& state) {
  std::uint64_t sum = 0;
  for (auto _ : state) {
    Channel<Item> channel({.items = 1024});
    const std::jthread producer([&] {
      for (std::int64_t i = 0; i < round_items; ++i) {
        if (!channel.push(Item{}, {})) return;
      }
      channel.close();
    });
    Item item;
    while (true) {
      const auto more = channel.pop(item, {});
      if (!more || !*more) break;
      sum += item.words[0];
    }
  }
  benchmark::DoNotOptimize(sum);
  count_items(state);
}
BENCHMARK(channel_single_items)->Unit(benchmark::kMillisecond)->UseRealTime();

// Both sides in one thread: the cost without any waiting or cache line changing hands.
void channel_one_thread(benchmark::State& state) {
  Channel<Item> channel({.items = batch_items});
  std::vector<Item> batch(batch_items);
  for (auto _ : state) {
    if (!channel.push_batch(batch, {}) || !channel.pop_batch(batch, batch_items, {})) break;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch_items));
}
BENCHMARK(channel_one_thread);

void raw_handover(benchmark::State& state) {
  std::uint64_t sum = 0;
  for (auto _ : state) {
    std::mutex mutex;
    std::condition_variable filled, emptied;
    std::vector<Item> slot;
    bool full = false;
    const std::jthread producer([&] {
      std::vector<Item> batch;
      for (std::int64_t sent = 0; sent < round_items; sent += batch_items) {
        batch.resize(batch_items);
        std::unique_lock lock(mutex);
        emptied.wait(lock, [&] { return !full; });
        slot.swap(batch);
        full = true;
        filled.notify_one();
      }
    });
    std::vector<Item> batch;
    for (std::int64_t received = 0; received < round_items; received += batch_items) {
      {
        std::unique_lock lock(mutex);
        filled.wait(lock, [&] { return full; });
        slot.swap(batch);
        full = false;
        emptied.notify_one();
      }
      for (const Item& item : batch) sum += item.words[0];
    }
  }
  benchmark::DoNotOptimize(sum);
  count_items(state);
}
BENCHMARK(raw_handover)->Unit(benchmark::kMillisecond)->UseRealTime();

// Twice, since an item moves into the channel and out of it.
void copy_twice(benchmark::State& state) {
  std::vector<Item> from(batch_items), ring(16 * batch_items), to(batch_items);
  std::size_t place = 0;
  for (auto _ : state) {
    for (std::int64_t moved = 0; moved < round_items; moved += batch_items) {
      std::memcpy(&ring[place], from.data(), batch_items * sizeof(Item));
      std::memcpy(to.data(), &ring[place], batch_items * sizeof(Item));
      place = (place + batch_items) % ring.size();
      benchmark::ClobberMemory();
    }
  }
  count_items(state);
}
BENCHMARK(copy_twice)->Unit(benchmark::kMillisecond);

void cancelled_check(benchmark::State& state) {
  const CancelSource source;
  const CancelToken token =
      state.range(0) == 0 ? source.token() : source.token().with_timeout(std::chrono::hours(1));
  for (auto _ : state) benchmark::DoNotOptimize(token.cancelled());
}
BENCHMARK(cancelled_check)->ArgName("deadline")->Arg(0)->Arg(1);

}  // namespace
}  // namespace plakar::flow
