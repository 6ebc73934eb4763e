// Stores the content of a file or attribute: cuts it into chunks, stores those that are new, and
// the object that lists them. The work of one thread; its buffer is used for one content after the
// other and grows to twice the largest chunk.
#pragma once

#include <cstdint>
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

// Not thread-safe; one for each thread.
class ObjectWriter {
 public:
  // Both outlive the writer.
  ObjectWriter(BlobSink& sink, const Chunker& chunker) : sink_(&sink), chunker_(&chunker) {}

  // Reads to the end. An error of the reader is returned with nothing stored that counts.
  Result<StoredContent> store(ContentReader& reader);
  Result<StoredContent> store(BytesView content);

 private:
  BlobSink* sink_;
  const Chunker* chunker_;
  Bytes buffer_;
};

}  // namespace plakar::kloset
