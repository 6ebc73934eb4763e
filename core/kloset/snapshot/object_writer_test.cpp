#include "core/kloset/snapshot/object_writer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/testing/seeded_random.h"
#include "core/kloset/snapshot/object_reader.h"
#include "core/kloset/testing/memory_blobs.h"

namespace plakar::kloset {
namespace {

using testing::MemoryBlobs;

Chunker small_chunker() {
  auto chunker = Chunker::create({"fastcdc-v1.0.0", 4096, 16384, 65536});
  REQUIRE(chunker);
  return *chunker;
}

// Comes in pieces of odd sizes, and may fail behind the last.
class Pieces final : public ContentReader {
 public:
  explicit Pieces(BytesView bytes, bool fails = false) : bytes_(bytes), fails_(fails) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    if (bytes_.empty() && fails_) return Error(Errc::io, "broken");
    step_ = step_ * 7 % 9973 + 1;
    const std::size_t size = std::min({out.size(), bytes_.size(), step_});
    std::copy_n(bytes_.begin(), size, out.begin());
    bytes_ = bytes_.subspan(size);
    return size;
  }

 private:
  BytesView bytes_;
  bool fails_;
  std::size_t step_ = 11;
};

// A sink for several threads, in front of one for one.
class LockedBlobs final : public BlobSink {
 public:
  explicit LockedBlobs(MemoryBlobs& blobs) : blobs_(blobs) {}
  Result<Mac> put(ResourceType type, BytesView plain) override {
    const std::lock_guard guard(mutex_);
    if (type == ResourceType::chunk && failing_after && chunks_++ >= *failing_after) {
      return Error(Errc::out_of_space, "full");
    }
    return blobs_.put(type, plain);
  }
  Mac mac(BytesView plain) const override { return blobs_.mac(plain); }
  std::unique_ptr<MacStream> mac_stream() const override { return blobs_.mac_stream(); }

  std::optional<int> failing_after;

 private:
  std::mutex mutex_;
  MemoryBlobs& blobs_;
  int chunks_ = 0;
};

// One thread that helps, and refuses every third offer.
class OneHelper final : public ChunkHelpers {
 public:
  OneHelper() : thread_([this](const std::stop_token& stop) { work(stop); }) {}

  bool wanted() const override { return true; }
  bool offer(Task task) override {
    const std::lock_guard guard(mutex_);
    if (++offers_ % 3 == 0 || tasks_.size() > 4) return false;
    tasks_.push_back(std::move(task));
    return true;
  }
  bool run_one() override {
    Task task;
    {
      const std::lock_guard guard(mutex_);
      if (tasks_.empty()) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    ++ran;
    return true;
  }

  std::atomic<int> ran = 0;

 private:
  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!run_one()) std::this_thread::yield();
    }
  }

  std::mutex mutex_;
  std::deque<Task> tasks_;
  int offers_ = 0;
  std::jthread thread_;  // last: ends before what it uses
};

Bytes content_of(MemoryBlobs& blobs, const Mac& object) {
  auto content = load_object_content(blobs, object, 1u << 30);
  REQUIRE(content);
  return *std::move(content);
}

// Noise with runs of one octet in it, longer and shorter than chunks.
Bytes mixed(plakar::testing::SeededRandom& random) {
  Bytes content;
  for (int part = 0; part < 6; ++part) {
    append(content, random.bytes(random.below(100'000)));
    content.resize(content.size() + random.below(200'000), std::byte{0});
  }
  return content;
}

}  // namespace

TEST_SUITE("object writer") {
  TEST_CASE("content comes back as it was, and its MACs are those of chunks and whole") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    const Chunker chunker = small_chunker();
    MemoryBlobs blobs;
    ObjectWriter writer(blobs, chunker);
    for (int round = 0; round < 20; ++round) {
      const Bytes content = round == 0 ? Bytes() : mixed(random);
      Pieces reader(content);
      const auto stored = writer.store(reader);
      REQUIRE(stored);
      CHECK(stored->size == content.size());
      CHECK(content_of(blobs, stored->object) == content);
      const auto object = decode_object(blobs.items.at({ResourceType::object, stored->object}));
      REQUIRE(object);
      CHECK(object->content == blobs.mac(content));
      CHECK(object->chunks.size() == stored->chunks);
      BytesView rest = content;
      for (const ChunkRef& chunk : object->chunks) {
        CHECK(chunk.length == chunker.cut(rest));
        rest = rest.subspan(chunk.length);
      }
      // However the bytes come.
      const auto again = writer.store(content);
      REQUIRE(again);
      CHECK(again->object == stored->object);
      CHECK(again->entropy == stored->entropy);
    }
  }

  TEST_CASE("with help from other threads the same is stored") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    const Chunker chunker = small_chunker();
    MemoryBlobs blobs;
    LockedBlobs sink(blobs);
    OneHelper helper;
    ObjectWriter alone(sink, chunker);
    ObjectWriter helped(sink, chunker, &helper);
    for (int round = 0; round < 20; ++round) {
      const Bytes content = mixed(random);
      const auto wanted = alone.store(content);
      const auto stored = helped.store(content);
      REQUIRE(wanted);
      REQUIRE(stored);
      CHECK(stored->object == wanted->object);
      CHECK(stored->chunks == wanted->chunks);
    }
    CHECK(helper.ran > 0);
  }

  TEST_CASE("a sink that fails in another thread, and a reader that fails, end the content") {
    const Chunker chunker = small_chunker();
    MemoryBlobs blobs;
    LockedBlobs sink(blobs);
    plakar::testing::SeededRandom random(1);
    const Bytes content = random.bytes(2'000'000);
    OneHelper helper;
    ObjectWriter writer(sink, chunker, &helper);
    Pieces broken(content, true);
    const auto cut_off = writer.store(broken);
    REQUIRE_FALSE(cut_off);
    CHECK(cut_off.error().message() == "broken");
    sink.failing_after = 5;
    const auto full = writer.store(content);
    REQUIRE_FALSE(full);
    CHECK(full.error().code() == Errc::out_of_space);
  }

  TEST_CASE("contents stored together are those stored one by one") {
    const std::uint64_t seed = plakar::testing::test_seed();
    CAPTURE(seed);
    plakar::testing::SeededRandom random(seed);
    const Chunker chunker = small_chunker();
    std::vector<Bytes> contents{Bytes(), Bytes(1, std::byte{7})};
    for (int i = 0; i < 60; ++i) contents.push_back(random.bytes(random.below(20'000)));
    contents.push_back(contents[5]);
    std::vector<BytesView> views(contents.begin(), contents.end());
    MemoryBlobs blobs;
    ObjectWriter writer(blobs, chunker);
    std::vector<StoredContent> together(contents.size());
    REQUIRE(writer.store_many(views, together));
    for (std::size_t i = 0; i < contents.size(); ++i) {
      CAPTURE(i);
      const auto alone = writer.store(contents[i]);
      REQUIRE(alone);
      CHECK(together[i].object == alone->object);
      CHECK(together[i].size == alone->size);
      CHECK(together[i].chunks == alone->chunks);
      CHECK(together[i].entropy == alone->entropy);
      CHECK(together[i].content_type == alone->content_type);
    }
  }
}

}  // namespace plakar::kloset
