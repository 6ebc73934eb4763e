#include "core/kloset/snapshot/object_writer.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/codec/mime.h"
#include "core/kloset/chunking/entropy.h"
#include "core/kloset/format/object.h"

namespace plakar::kloset {
namespace {

// How much is read, cut and hashed at a time, so that it is read from the cache but once.
constexpr std::size_t tile_size = 256 * 1024;

class BytesReader final : public ContentReader {
 public:
  explicit BytesReader(BytesView bytes) : bytes_(bytes) {}

  Result<std::size_t> read(std::span<std::byte> out) override {
    const std::size_t got = std::min(out.size(), bytes_.size());
    std::copy_n(bytes_.begin(), got, out.begin());
    bytes_ = bytes_.subspan(got);
    return got;
  }

 private:
  BytesView bytes_;
};

bool is_run(BytesView bytes) noexcept {
  return bytes.size() > 1 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

ChunkRef chunk_ref(const Mac& mac, std::size_t size, double entropy) {
  return {.version = 0,
          .content = mac,
          .length = static_cast<std::uint32_t>(size),
          .entropy = entropy,
          .flags = 0};
}

Result<ChunkRef> store_chunk(BlobSink& sink, BytesView chunk) {
  const double entropy = compute_entropy(chunk);
  return chunk_ref(PLK_TRY(sink.put(ResourceType::chunk, chunk)), chunk.size(), entropy);
}

}  // namespace

// The chunks of one content in their order, some of them on the way in other threads.
class ObjectWriter::Chunks {
 public:
  // What is on the way uses the object.
  ~Chunks() { await(); }
  explicit Chunks(ChunkHelpers* helpers) : helpers_(helpers) {}

  void add(const ChunkRef& chunk) {
    const std::lock_guard guard(mutex_);
    chunks_.push_back(chunk);
  }

  // False: refused, and nothing was added.
  bool offer(BlobSink& sink, BytesView chunk) {
    if (helpers_ == nullptr || !helpers_->wanted()) return false;
    std::size_t index;
    {
      const std::lock_guard guard(mutex_);
      index = chunks_.size();
      chunks_.emplace_back();
      ++on_the_way_;
    }
    // A function object can be copied, and so can a pointer that is shared.
    auto bytes = std::make_shared<const Bytes>(to_bytes(chunk));
    const bool taken = helpers_->offer([this, &sink, index, bytes = std::move(bytes)] {
      complete(index, store_chunk(sink, *bytes));
    });
    if (taken) return true;
    const std::lock_guard guard(mutex_);
    chunks_.pop_back();
    --on_the_way_;
    return false;
  }

  bool is_empty() const {
    const std::lock_guard guard(mutex_);
    return chunks_.empty();
  }

  Result<std::vector<ChunkRef>> take() {
    await();
    if (failure_) return *std::move(failure_);
    return std::move(chunks_);
  }

 private:
  void complete(std::size_t index, Result<ChunkRef> stored) {
    const std::lock_guard guard(mutex_);
    if (stored) {
      chunks_[index] = *stored;
    } else if (!failure_) {
      failure_ = std::move(stored).error();
    }
    --on_the_way_;
    // With the mutex held: whoever waits may destroy this as soon as it is released.
    completed_.notify_all();
  }

  void await() {
    std::unique_lock lock(mutex_);
    while (on_the_way_ > 0) {
      lock.unlock();
      const bool ran = helpers_->run_one();
      lock.lock();
      // What does not wait any more is being run.
      if (!ran) completed_.wait(lock, [this] { return on_the_way_ == 0; });
    }
  }

  ChunkHelpers* helpers_;
  mutable std::mutex mutex_;
  std::condition_variable completed_;
  std::vector<ChunkRef> chunks_;  // these guarded by mutex_
  std::size_t on_the_way_ = 0;
  std::optional<Error> failure_;
};

ObjectWriter::ObjectWriter(BlobSink& sink, const Chunker& chunker, ChunkHelpers* helpers)
    : sink_(&sink), chunker_(&chunker), helpers_(helpers) {}

Result<StoredContent> ObjectWriter::store(BytesView content) {
  BytesReader reader(content);
  return store(reader);
}

Result<bool> ObjectWriter::read_more(ContentReader& reader, std::size_t& have) {
  if (capacity_ < have + tile_size) {
    const std::size_t wanted =
        std::max(have + tile_size, std::min(2 * capacity_, chunker_->size_max() + 2 * tile_size));
    auto grown = std::make_unique_for_overwrite<std::byte[]>(wanted);
    if (have > 0) std::memcpy(grown.get(), buffer_.get(), have);
    buffer_ = std::move(grown);
    capacity_ = wanted;
  }
  const std::size_t got = PLK_TRY(reader.read({buffer_.get() + have, tile_size}));
  have += got;
  return got > 0;
}

Result<StoredContent> ObjectWriter::store(ContentReader& reader) {
  StoredContent stored;
  std::unique_ptr<MacStream> whole;  // of all chunks together, once there are two
  Chunks chunks(helpers_);
  std::size_t have = 0;
  bool at_end = !PLK_TRY(read_more(reader, have));
  for (bool is_last = false; !is_last;) {
    Chunker::Cut cut(*chunker_);
    std::optional<std::size_t> end;
    for (std::size_t hashed = 0;;) {
      end = cut.find({buffer_.get(), have});
      const std::size_t ready = end.value_or(have);
      if (whole != nullptr) whole->update({buffer_.get() + hashed, ready - hashed});
      hashed = ready;
      if (end || at_end) break;
      at_end = !PLK_TRY(read_more(reader, have));
    }
    const std::size_t size = end.value_or(have);
    if (size == have && !at_end) at_end = !PLK_TRY(read_more(reader, have));
    is_last = at_end && size == have;
    const BytesView chunk(buffer_.get(), size);
    if (chunks.is_empty()) {
      stored.content_type = codec::detect_mime(chunk);
      // The MAC of a single chunk is that of the whole.
      if (!is_last) whole = sink_->mac_stream();
      if (!is_last) whole->update(chunk);
    }
    stored.size += size;
    if (is_run(chunk)) {
      if (last_run_.size != size || last_run_.value != chunk[0]) {
        last_run_.mac = PLK_TRY(sink_->put(ResourceType::chunk, chunk));
        last_run_.size = size;
        last_run_.value = chunk[0];
      }
      chunks.add(chunk_ref(last_run_.mac, size, 0));
    } else if (is_last || !chunks.offer(*sink_, chunk)) {
      chunks.add(PLK_TRY(store_chunk(*sink_, chunk)));
    }
    std::memmove(buffer_.get(), buffer_.get() + size, have - size);
    have -= size;
  }

  Object object;
  object.chunks = PLK_TRY(chunks.take());
  stored.chunks = object.chunks.size();
  double sum = 0;
  for (const ChunkRef& chunk : object.chunks) {
    sum += chunk.entropy * static_cast<double>(chunk.length);
  }
  if (stored.size > 0) stored.entropy = sum / static_cast<double>(stored.size);
  object.content = whole == nullptr ? object.chunks[0].content : whole->finish();
  object.content_type = stored.content_type;
  object.entropy = stored.entropy;
  Bytes encoded;
  encode_object(encoded, object);
  stored.object = PLK_TRY(sink_->put(ResourceType::object, encoded));
  return stored;
}

Status ObjectWriter::store_many(std::span<const BytesView> contents,
                                std::span<StoredContent> results) {
  std::vector<BlobToPut> chunks;
  std::vector<std::size_t> singles;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    if (chunker_->cut(contents[i]) < contents[i].size()) {
      results[i] = PLK_TRY(store(contents[i]));
      continue;
    }
    singles.push_back(i);
    chunks.push_back({.type = ResourceType::chunk, .plain = contents[i]});
  }
  PLK_TRY(sink_->put_many(chunks));

  Bytes encoded;
  std::vector<std::size_t> ends;
  for (std::size_t n = 0; n < singles.size(); ++n) {
    const BytesView content = contents[singles[n]];
    StoredContent& stored = results[singles[n]];
    stored.size = content.size();
    stored.chunks = 1;
    const double entropy = compute_entropy(content);
    // As the sum over chunks is divided, which may round.
    const auto size = static_cast<double>(content.size());
    stored.entropy = content.empty() ? 0 : entropy * size / size;
    stored.content_type = codec::detect_mime(content);
    Object object;
    object.content = chunks[n].mac;
    object.chunks.push_back(chunk_ref(chunks[n].mac, content.size(), entropy));
    object.content_type = stored.content_type;
    object.entropy = stored.entropy;
    encode_object(encoded, object);
    ends.push_back(encoded.size());
  }
  std::vector<BlobToPut> objects;
  for (std::size_t n = 0, begin = 0; n < singles.size(); begin = ends[n], ++n) {
    objects.push_back({.type = ResourceType::object,
                       .plain = BytesView(encoded).subspan(begin, ends[n] - begin)});
  }
  PLK_TRY(sink_->put_many(objects));
  for (std::size_t n = 0; n < singles.size(); ++n) results[singles[n]].object = objects[n].mac;
  return {};
}

}  // namespace plakar::kloset
