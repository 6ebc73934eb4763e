#include "core/codec/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/codec/internal/archive_locale.h"
#include "core/codec/internal/archive_stream.h"
#include "core/codec/internal/zip_directory.h"

namespace plakar::codec {

namespace {

// A multiple of the tar block, so that libarchive looks at blocks in place and what it has
// not consumed at the end is in the last buffer.
constexpr std::size_t feed_bytes = std::size_t{64} << 10;
constexpr std::uint64_t tar_block_bytes = 512;

bool starts_with(BytesView bytes, std::string_view magic) {
  return as_text(bytes).starts_with(magic);
}

std::string text_or_empty(const char* text) { return text != nullptr ? text : ""; }

void strip_trailing_slashes(std::string& path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
}

// Reads until `buffer` is full or the source ends.
Result<std::size_t> read_fully(ArchiveSource& source, std::span<std::byte> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const std::size_t count = PLK_TRY(source.read(buffer.subspan(filled)));
    if (count == 0) break;
    filled += count;
  }
  return filled;
}

bool only_zeros(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

// The caller's source, called in the caller's locale wherever the call comes from.
class CallersSource final : public ArchiveSource {
 public:
  explicit CallersSource(ArchiveSource& source) noexcept : source_(&source) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    const CallersLocaleScope scope;
    return source_->read(buffer);
  }
  std::optional<std::uint64_t> size() const override {
    const CallersLocaleScope scope;
    return source_->size();
  }
  Status seek(std::uint64_t offset) override {
    const CallersLocaleScope scope;
    return source_->seek(offset);
  }

 private:
  ArchiveSource* source_;
};

struct FreeReader {
  void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};

}  // namespace

class ArchiveReader::Impl {
 public:
  Impl(ArchiveFormat format, std::unique_ptr<ArchiveSource> source)
      : format_(format),
        source_(std::move(source)),
        locale_(format == ArchiveFormat::zip ? ArchiveLocale::utf8 : ArchiveLocale::c),
        handle_(archive_read_new()) {
    if (!handle_) throw std::bad_alloc();
  }

  ArchiveFormat format() const noexcept { return format_; }

  // `no_entries`: a zip that starts with its end record.
  Status start(bool no_entries) {
    if (!ArchiveLocaleScope::available(locale_)) {
      return Error(Errc::unsupported, "this system has no locale C.UTF-8");
    }
    const ArchiveLocaleScope scope(locale_);
    archive* const a = handle_.get();
    archive_read_set_read_callback(a, on_read);
    archive_read_set_callback_data(a, this);
    if (format_ == ArchiveFormat::zip) {
      archive_read_support_format_zip_seekable(a);
      archive_read_set_seek_callback(a, on_seek);
      seekable_size_ = source_->size();
      directory_ = PLK_TRY(read_zip_directory(*source_));
      if (directory_.bytes > zip_directory_bytes_max) {
        return Error(Errc::unsupported, "zip: the directory is larger than 64 MiB");
      }
      PLK_TRY(source_->seek(0));
      if (no_entries && directory_.entries == 0) {
        ended_ = true;  // libarchive does not know a zip of nothing.
        return {};
      }
    } else {
      archive_read_support_format_tar(a);
    }
    if (archive_read_open1(a) != ARCHIVE_OK) return fail();
    return {};
  }

  Result<bool> next(ArchiveEntry& entry) {
    if (failed_) return *failed_;
    in_entry_ = false;
    if (ended_) return false;
    const ArchiveLocaleScope scope(locale_);
    archive_entry* found = nullptr;
    const int code = archive_read_next_header(handle_.get(), &found);
    if (code == ARCHIVE_EOF) {
      PLK_TRY(check_end());
      ended_ = true;
      return false;
    }
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return fail();

    entry = ArchiveEntry();
    if (code == ARCHIVE_WARN) entry.warning = warning();
    PLK_TRY(describe(found, entry));
    ++entries_;
    in_entry_ = entry.type == ArchiveEntryType::file || entry.type == ArchiveEntryType::hard_link;
    at_end_ = false;
    delivered_ = 0;
    block_ = {};
    block_offset_ = 0;
    // A hole at the end of a sparse file has no block; any other lack of data is an error.
    sparse_ = archive_entry_sparse_count(found) > 0;
    size_ = entry.type == ArchiveEntryType::file ? entry.size : std::nullopt;
    return true;
  }

  Result<std::size_t> read(std::span<std::byte> buffer) {
    if (failed_) return *failed_;
    if (!in_entry_ || buffer.empty()) return std::size_t{0};
    const ArchiveLocaleScope scope(locale_);
    while (delivered_ == block_offset_ && block_.empty() && !at_end_) PLK_TRY(load_block());
    if (delivered_ < block_offset_) {
      const std::uint64_t hole = block_offset_ - delivered_;
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(hole, buffer.size()));
      std::memset(buffer.data(), 0, count);
      delivered_ += count;
      return count;
    }
    const std::size_t count = std::min(buffer.size(), block_.size());
    if (count > 0) std::memcpy(buffer.data(), block_.data(), count);
    block_ = block_.subspan(count);
    delivered_ += count;
    block_offset_ = delivered_;
    return count;
  }

 private:
  static la_ssize_t on_read(archive*, void* self, const void** out) {
    return static_cast<Impl*>(self)->feed(out);
  }
  static la_int64_t on_seek(archive*, void* self, la_int64_t offset, int whence) {
    return static_cast<Impl*>(self)->move(offset, whence);
  }

  la_ssize_t feed(const void** out) {
    auto filled = read_fully(*source_, buffer_);
    if (!filled) {
      source_error_ = std::move(filled).error();
      return ARCHIVE_FATAL;
    }
    *out = buffer_.data();
    fed_ = *filled;
    fed_bytes_ += fed_;
    return static_cast<la_ssize_t>(fed_);
  }

  la_int64_t move(la_int64_t offset, int whence) {
    // Only zip asks, and libarchive names offsets from the start or the end.
    const auto size = static_cast<la_int64_t>(*seekable_size_);
    if (whence == SEEK_END) offset += size;
    if (whence == SEEK_CUR || offset < 0 || offset > size) return ARCHIVE_FATAL;
    auto moved = source_->seek(static_cast<std::uint64_t>(offset));
    if (!moved) {
      source_error_ = std::move(moved).error();
      return ARCHIVE_FATAL;
    }
    return offset;
  }

  // libarchive's last complaint, or the source's error that caused it; kept for ever.
  Error fail() {
    if (source_error_) return fail(*source_error_);
    const int code = archive_errno(handle_.get());
    if (code == ENOMEM) throw std::bad_alloc();
    return fail(Error(Errc::corrupt, name() + message()));
  }
  Error fail(Error error) {
    failed_ = std::move(error);
    return *failed_;
  }

  std::string name() const { return format_ == ArchiveFormat::zip ? "zip: " : "tar: "; }
  std::string message() const { return text_or_empty(archive_error_string(handle_.get())); }

  std::string warning() const {
    // The locale makes every name that is not ASCII "unconvertible", and libarchive then
    // does what we want: it takes the octets.
    std::string text = message();
    if (format_ != ArchiveFormat::zip &&
        text.find("can't be converted from") != std::string::npos) {
      return {};
    }
    return text.empty() ? "damaged header" : text;
  }

  Status describe(archive_entry* from, ArchiveEntry& entry) {
    const char* const path = archive_entry_pathname(from);
    if (path == nullptr) {
      return fail(Error(Errc::corrupt,
                        name() + "an entry's name is not what it is marked as: " + entry.warning));
    }
    entry.path = path;
    if (const char* target = archive_entry_hardlink(from)) {
      entry.type = ArchiveEntryType::hard_link;
      entry.link_target = target;
    } else {
      switch (archive_entry_filetype(from)) {
        case AE_IFREG:
          entry.type = ArchiveEntryType::file;
          break;
        case AE_IFDIR:
          entry.type = ArchiveEntryType::directory;
          break;
        case AE_IFLNK:
          entry.type = ArchiveEntryType::symlink;
          break;
        case AE_IFIFO:
          entry.type = ArchiveEntryType::fifo;
          break;
        case AE_IFCHR:
          entry.type = ArchiveEntryType::character_device;
          break;
        case AE_IFBLK:
          entry.type = ArchiveEntryType::block_device;
          break;
        case AE_IFSOCK:
          entry.type = ArchiveEntryType::socket;
          break;
        default:
          return fail(Error(Errc::corrupt, name() + "an entry of unknown type"));
      }
    }
    if (entry.type == ArchiveEntryType::directory) strip_trailing_slashes(entry.path);
    if (entry.type == ArchiveEntryType::symlink) {
      entry.link_target = text_or_empty(archive_entry_symlink(from));
    }
    entry.mode = static_cast<std::uint32_t>(archive_entry_perm(from)) & 07777;
    if (archive_entry_size_is_set(from) != 0) {
      const auto size = archive_entry_size(from);
      if (size < 0) return fail(Error(Errc::corrupt, name() + "an entry of negative size"));
      entry.size = static_cast<std::uint64_t>(size);
    }
    if (archive_entry_mtime_is_set(from) != 0) {
      const long nanoseconds = archive_entry_mtime_nsec(from);
      entry.modified =
          UnixTime{archive_entry_mtime(from), nanoseconds < 0 || nanoseconds > 999'999'999
                                                  ? 0
                                                  : static_cast<std::uint32_t>(nanoseconds)};
    }
    entry.user_id = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_uid(from), 0));
    entry.group_id = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_gid(from), 0));
    entry.user = text_or_empty(archive_entry_uname(from));
    entry.group = text_or_empty(archive_entry_gname(from));
    entry.device_major = static_cast<std::uint32_t>(archive_entry_rdevmajor(from));
    entry.device_minor = static_cast<std::uint32_t>(archive_entry_rdevminor(from));

    archive_entry_xattr_reset(from);
    const char* attribute = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(from, &attribute, &value, &size) == ARCHIVE_OK) {
      const auto* const octets = static_cast<const std::byte*>(value);
      entry.attributes.push_back({text_or_empty(attribute), Bytes(octets, octets + size)});
    }
    return {};
  }

  Status load_block() {
    const void* data = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int code = archive_read_data_block(handle_.get(), &data, &size, &offset);
    if (code == ARCHIVE_EOF) {
      at_end_ = true;
      if (size_ && sparse_ && *size_ > delivered_) block_offset_ = *size_;
      if (size_ && *size_ != block_offset_) {
        return fail(Error(Errc::corrupt, name() + "an entry is shorter than it says"));
      }
      return {};
    }
    // A wrong checksum or length of a zip entry is only a warning to libarchive.
    if (code != ARCHIVE_OK) return fail();
    if (offset < 0 || static_cast<std::uint64_t>(offset) < delivered_) {
      return fail(Error(Errc::corrupt, name() + "the parts of a sparse file overlap"));
    }
    block_ = BytesView(static_cast<const std::byte*>(data), size);
    block_offset_ = static_cast<std::uint64_t>(offset);
    return {};
  }

  // libarchive takes the end of the stream for the end of a tar. We do not: a copy that
  // stopped between two entries looks exactly like that.
  Status check_end() {
    if (format_ == ArchiveFormat::zip) {
      // Without zip64 the count is of 16 bits, and some writers let it wrap.
      const bool equal =
          directory_.entries == entries_ || directory_.entries == (entries_ & 0xffff);
      if (equal) return {};
      return fail(Error(Errc::corrupt, "zip: the directory has not the entries it says"));
    }
    const auto consumed = static_cast<std::uint64_t>(archive_filter_bytes(handle_.get(), 0));
    const auto header = static_cast<std::uint64_t>(archive_read_header_position(handle_.get()));
    if (consumed < header + tar_block_bytes) {
      return fail(Error(Errc::corrupt, "tar: the end mark is missing, so the archive is cut off"));
    }
    // Padding, and the checksum of a compressed stream, come after the mark.
    const std::uint64_t left = fed_bytes_ - std::min(consumed, fed_bytes_);
    BytesView rest = BytesView(buffer_).first(fed_).last(
        static_cast<std::size_t>(std::min<std::uint64_t>(left, fed_)));
    while (only_zeros(rest)) {
      auto filled = source_->read(buffer_);
      if (!filled) return fail(std::move(filled).error());
      if (*filled == 0) return {};
      rest = BytesView(buffer_).first(*filled);
    }
    return fail(Error(Errc::corrupt, "tar: there is data after the end mark"));
  }

  ArchiveFormat format_;
  std::unique_ptr<ArchiveSource> source_;
  ArchiveLocale locale_;
  std::optional<std::uint64_t> seekable_size_;
  Bytes buffer_ = Bytes(feed_bytes);
  std::size_t fed_ = 0;          // of the buffer, the last time
  std::uint64_t fed_bytes_ = 0;  // ever
  ZipDirectory directory_;
  std::uint64_t entries_ = 0;  // so far
  bool ended_ = false;
  std::optional<Error> source_error_;
  std::optional<Error> failed_;

  // The current entry.
  bool in_entry_ = false;
  bool at_end_ = false;
  bool sparse_ = false;
  std::optional<std::uint64_t> size_;
  std::uint64_t delivered_ = 0;
  BytesView block_;                 // not delivered yet; libarchive's, until the next call
  std::uint64_t block_offset_ = 0;  // where the block belongs; before it is a hole

  std::unique_ptr<archive, FreeReader> handle_;  // first to go: it calls back
};

ArchiveReader::ArchiveReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(ArchiveSource& source) {
  Bytes head(tar_block_bytes);
  head.resize(PLK_TRY(read_fully(source, head)));

  using namespace std::string_view_literals;
  auto format = ArchiveFormat::tar;
  std::unique_ptr<ArchiveSource> stream = std::make_unique<CallersSource>(source);
  const bool no_entries = starts_with(head, "PK\5\6"sv);
  if (starts_with(head, "PK\3\4"sv) || no_entries) {
    if (!source.size()) {
      return Error(Errc::unsupported, "zip: cannot be read from a stream, only from a file");
    }
    format = ArchiveFormat::zip;
  } else {
    const bool gzip = starts_with(head, "\x1f\x8b"sv);
    const bool zstd = starts_with(head, "\x28\xb5\x2f\xfd"sv);
    stream = std::make_unique<HeadedSource>(std::move(head), std::move(stream));
    if (gzip) {
      format = ArchiveFormat::tar_gzip;
      stream = make_gunzip(std::move(stream));
    } else if (zstd) {
      format = ArchiveFormat::tar_zstd;
      stream = make_unzstd(std::move(stream));
    }
  }
  auto impl = std::make_unique<Impl>(format, std::move(stream));
  PLK_TRY(impl->start(no_entries));
  return ArchiveReader(std::move(impl));
}

ArchiveFormat ArchiveReader::format() const noexcept { return impl_->format(); }
Result<bool> ArchiveReader::next(ArchiveEntry& entry) { return impl_->next(entry); }
Result<std::size_t> ArchiveReader::read(std::span<std::byte> buffer) { return impl_->read(buffer); }

}  // namespace plakar::codec
