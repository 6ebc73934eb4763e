// The content of a file, of an attribute or of a directory's listing: which chunks, in which
// order. An object's id is the MAC of these bytes; `content` is the MAC of what all chunks hold
// together, which for an object of one chunk is the chunk's own MAC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"

namespace plakar::kloset {

struct ChunkRef {
  std::uint32_t version = 0;
  Mac content;
  std::uint32_t length = 0;  // plaintext
  double entropy = 0;
  std::uint32_t flags = 0;
};

// A decoded object is a view of its bytes, as far as `content_type` goes.
struct Object {
  std::uint32_t version = 0;
  Mac content;
  std::vector<ChunkRef> chunks;  // at least one; an empty file has one empty chunk
  std::string_view content_type;
  double entropy = 0;
  std::uint32_t flags = 0;

  std::uint64_t size() const noexcept;
};

// Errc::corrupt for what is not an object, and for one without chunks.
Result<Object> decode_object(BytesView bytes);
// The version written is 1.0.0 whatever the structures say.
void encode_object(Bytes& out, const Object& object);

}  // namespace plakar::kloset
