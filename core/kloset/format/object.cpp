#include "core/kloset/format/object.h"

#include "core/codec/msgpack_struct.h"
#include "core/kloset/format/stored_version.h"

namespace plakar::kloset {

using codec::field;

constexpr auto msgpack_fields(const ChunkRef*) {
  return std::array{field<&ChunkRef::version, StoredVersion>("version"),
                    field<&ChunkRef::content>("contentMAC"), field<&ChunkRef::length>("length"),
                    field<&ChunkRef::entropy>("entropy"), field<&ChunkRef::flags>("flags")};
}

constexpr auto msgpack_fields(const Object*) {
  return std::array{field<&Object::version, StoredVersion>("version"),
                    field<&Object::content>("contentMAC"),
                    field<&Object::chunks>("chunks"),
                    field<&Object::content_type>("content_type").omit_empty(),
                    field<&Object::entropy>("entropy").omit_empty(),
                    field<&Object::flags>("flags")};
}

std::uint64_t Object::size() const noexcept {
  std::uint64_t sum = 0;
  for (const ChunkRef& chunk : chunks) sum += chunk.length;
  return sum;
}

Result<Object> decode_object(BytesView bytes) {
  Object object = PLK_TRY(codec::msgpack_decode<Object>(bytes));
  if (object.chunks.empty()) return Error(Errc::corrupt, "an object without chunks");
  return object;
}

void encode_object(Bytes& out, const Object& object) { codec::msgpack_encode(out, object); }

}  // namespace plakar::kloset
