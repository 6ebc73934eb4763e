#include "core/kloset/snapshot/object_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/codec/mime.h"
#include "core/kloset/chunking/entropy.h"
#include "core/kloset/format/object.h"

namespace plakar::kloset {
namespace {

// What a file of unknown or small size is read into at first.
constexpr std::size_t buffer_size_min = 256 * 1024;

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

// The unread part of a stream: `begin` to `end` of the buffer.
struct Window {
  Bytes& buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool at_end = false;

  BytesView view() const noexcept { return BytesView(buffer).subspan(begin, end - begin); }

  // Reads until there are `size` bytes, or the stream has no more.
  Status fill(ContentReader& reader, std::size_t size) {
    while (!at_end && end - begin < size) {
      if (end == buffer.size()) make_room(size);
      const std::size_t got = PLK_TRY(reader.read(std::span(buffer).subspan(end)));
      at_end = got == 0;
      end += got;
    }
    return {};
  }

 private:
  // Moves what is left to the front, or grows; twice the largest chunk, so that bytes are moved
  // once and not for each chunk.
  void make_room(std::size_t size) {
    if (begin >= size) {
      std::memmove(buffer.data(), buffer.data() + begin, end - begin);
      end -= begin;
      begin = 0;
      return;
    }
    buffer.resize(std::min(2 * size, std::max(buffer_size_min, 2 * buffer.size())));
    if (end < buffer.size()) return;
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
  }
};

}  // namespace

Result<StoredContent> ObjectWriter::store(BytesView content) {
  BytesReader reader(content);
  return store(reader);
}

Result<StoredContent> ObjectWriter::store(ContentReader& reader) {
  Window window{.buffer = buffer_};
  StoredContent stored;
  Object object;
  std::unique_ptr<MacStream> whole;  // of all chunks together, once there are two
  double entropy_sum = 0;
  do {
    PLK_TRY(window.fill(reader, chunker_->size_max()));
    const BytesView rest = window.view();
    const std::size_t size = chunker_->cut(rest);
    const BytesView chunk = rest.first(size);
    if (size == 0 && !object.chunks.empty()) break;
    if (object.chunks.empty()) stored.content_type = codec::detect_mime(chunk);
    const bool is_last = window.at_end && size == rest.size();
    if (!is_last && whole == nullptr) whole = sink_->mac_stream();
    if (whole != nullptr) whole->update(chunk);
    const double entropy = compute_entropy(chunk);
    entropy_sum += entropy * static_cast<double>(size);
    object.chunks.push_back({.version = 0,
                             .content = PLK_TRY(sink_->put(ResourceType::chunk, chunk)),
                             .length = static_cast<std::uint32_t>(size),
                             .entropy = entropy,
                             .flags = 0});
    stored.size += size;
    window.begin += size;
  } while (!window.at_end || window.begin < window.end);

  stored.chunks = object.chunks.size();
  if (stored.size > 0) stored.entropy = entropy_sum / static_cast<double>(stored.size);
  object.content = object.chunks.size() == 1 ? object.chunks[0].content : whole->finish();
  object.content_type = stored.content_type;
  object.entropy = stored.entropy;
  Bytes encoded;
  encode_object(encoded, object);
  stored.object = PLK_TRY(sink_->put(ResourceType::object, encoded));
  return stored;
}

}  // namespace plakar::kloset
