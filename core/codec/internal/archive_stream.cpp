#include "core/codec/internal/archive_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace plakar::codec {

namespace {

constexpr std::size_t buffer_bytes = std::size_t{64} << 10;

// The compressed side of a decompressor: a buffer filled from a source.
class Input {
 public:
  explicit Input(std::unique_ptr<ArchiveSource> source) : source_(std::move(source)) {}

  BytesView rest() const noexcept { return BytesView(buffer_).subspan(at_, end_ - at_); }
  void consume(std::size_t count) noexcept { at_ += count; }

  // Makes sure that `rest` is not empty unless the source has ended.
  Status fill() {
    if (at_ < end_) return {};
    at_ = 0;
    end_ = PLK_TRY(source_->read(buffer_));
    return {};
  }

  // True when nothing but zeros is left. They are consumed up to the first other octet.
  Result<bool> skip_zeros_to_end() {
    for (;;) {
      PLK_TRY(fill());
      const BytesView left = rest();
      if (left.empty()) return true;
      const auto other =
          std::find_if(left.begin(), left.end(), [](std::byte b) { return b != std::byte{0}; });
      consume(static_cast<std::size_t>(other - left.begin()));
      if (other != left.end()) return false;
    }
  }

 private:
  std::unique_ptr<ArchiveSource> source_;
  Bytes buffer_ = Bytes(buffer_bytes);
  std::size_t at_ = 0;
  std::size_t end_ = 0;
};

class Gunzip final : public ArchiveSource {
 public:
  explicit Gunzip(std::unique_ptr<ArchiveSource> compressed) : input_(std::move(compressed)) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) throw std::bad_alloc();
  }
  ~Gunzip() override { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    if (ended_) return std::size_t{0};
    // zlib counts in 32 bits.
    const std::size_t room = std::min(buffer.size(), buffer_bytes);
    for (;;) {
      PLK_TRY(input_.fill());
      const BytesView rest = input_.rest();

      // zlib does not write to its input, its type only predates const.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest.data()));
      stream_.avail_in = static_cast<uInt>(rest.size());
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      input_.consume(rest.size() - stream_.avail_in);
      const std::size_t made = room - stream_.avail_out;

      if (code == Z_STREAM_END) {
        PLK_TRY(start_next_member());
      } else if (code == Z_MEM_ERROR) {
        throw std::bad_alloc();
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return Error(
            Errc::corrupt,
            std::string("gzip: ") + (stream_.msg != nullptr ? stream_.msg : "the data is damaged"));
      }
      if (made > 0 || ended_) return made;
      // Only now: without input there can still be output waiting inside zlib.
      if (rest.empty()) return Error(Errc::corrupt, "gzip: the compressed data is cut off");
    }
  }

 private:
  Status start_next_member() {
    // A member starts with 1f: a zero is padding, and only padding may follow it.
    PLK_TRY(input_.fill());
    const bool padding = input_.rest().empty() || input_.rest()[0] == std::byte{0};
    if (!padding) {
      inflateReset(&stream_);
      return {};
    }
    if (!PLK_TRY(input_.skip_zeros_to_end())) {
      return Error(Errc::corrupt, "gzip: something else follows the compressed data");
    }
    ended_ = true;
    return {};
  }

  Input input_;
  z_stream stream_ = {};
  bool ended_ = false;
};

class Unzstd final : public ArchiveSource {
 public:
  explicit Unzstd(std::unique_ptr<ArchiveSource> compressed)
      : input_(std::move(compressed)), stream_(ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
  }

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    for (;;) {
      PLK_TRY(input_.fill());
      const BytesView rest = input_.rest();
      if (rest.empty() && !in_frame_) return std::size_t{0};
      if (!in_frame_ && rest[0] == std::byte{0}) {
        if (PLK_TRY(input_.skip_zeros_to_end())) return std::size_t{0};
        return Error(Errc::corrupt, "zstd: something else follows the compressed data");
      }

      ZSTD_inBuffer in{rest.data(), rest.size(), 0};
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const std::size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(left) != 0) {
        return Error(Errc::corrupt, std::string("zstd: ") + ZSTD_getErrorName(left));
      }
      input_.consume(in.pos);
      in_frame_ = left != 0;
      if (out.pos > 0) return out.pos;
      // Only now: without input there can still be output waiting inside the decompressor.
      if (rest.empty()) return Error(Errc::corrupt, "zstd: the compressed data is cut off");
    }
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const noexcept { ZSTD_freeDStream(stream); }
  };

  Input input_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  bool in_frame_ = false;
};

}  // namespace

Result<std::size_t> HeadedSource::read(std::span<std::byte> buffer) {
  if (used_ == head_.size()) return source_->read(buffer);
  const std::size_t count = std::min(buffer.size(), head_.size() - used_);
  std::memcpy(buffer.data(), head_.data() + used_, count);
  used_ += count;
  return count;
}

std::unique_ptr<ArchiveSource> make_gunzip(std::unique_ptr<ArchiveSource> compressed) {
  return std::make_unique<Gunzip>(std::move(compressed));
}

std::unique_ptr<ArchiveSource> make_unzstd(std::unique_ptr<ArchiveSource> compressed) {
  return std::make_unique<Unzstd>(std::move(compressed));
}

}  // namespace plakar::codec
