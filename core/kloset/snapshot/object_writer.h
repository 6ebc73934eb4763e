// Stores the content of a file or attribute: cuts it into chunks, stores those that are new, and
// the object that lists them. The work of one thread; its buffer is used for one content after the
// other and grows to the largest chunk.
//
// Where another thread has time, the chunks of a large content are handed to it: cutting and the
// MAC of the whole have to follow the stream, everything else about a chunk does not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "core/kloset/blob_source.h"
#include "core/kloset/chunking/chunker.h"
#include "core/kloset/source.h"

namespace plakar::kloset {

struct StoredContent {
  Mac object;
  std::uint64_t size = 0;
  std::uint64_t chunks = 0;
  double entropy = 0;
  std::string content_type;
};

// Threads that may take chunks over. All functions may be called from any thread.
class ChunkHelpers {
 public:
  using Task = std::function<void()>;

  virtual ~ChunkHelpers() = default;

  // Whether an offer would be taken now.
  virtual bool wanted() const = 0;
  // Runs the task some time, in any thread; or refuses, because nobody has time.
  virtual bool offer(Task task) = 0;
  // Runs one task that waits, if there is one: what a thread does that waits for its own.
  virtual bool run_one() = 0;
};

// Not thread-safe; one for each thread.
class ObjectWriter {
 public:
  // All outlive the writer.
  ObjectWriter(BlobSink& sink, const Chunker& chunker, ChunkHelpers* helpers = nullptr);

  // Reads to the end. An error of the reader is returned with nothing stored that counts.
  Result<StoredContent> store(ContentReader& reader);
  Result<StoredContent> store(BytesView content);
  // The same for each of several small contents, together. Precondition: as many results.
  Status store_many(std::span<const BytesView> contents, std::span<StoredContent> results);

 private:
  class Chunks;

  // Appends to the first `have` octets of the buffer; false at the end of the stream.
  Result<bool> read_more(ContentReader& reader, std::size_t& have);

  BlobSink* sink_;
  const Chunker* chunker_;
  ChunkHelpers* helpers_;

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;

  // The last chunk that was a run of one octet: images are full of equal ones.
  struct Run {
    std::size_t size = 0;
    std::byte value{};
    Mac mac;
  };
  Run last_run_;
};

}  // namespace plakar::kloset
