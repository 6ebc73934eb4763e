#include "core/codec/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <limits>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/codec/internal/archive_locale.h"

namespace plakar::codec {

namespace {

constexpr int block_bytes = 64 << 10;

struct FreeWriter {
  void operator()(archive* handle) const noexcept { archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const noexcept { archive_entry_free(entry); }
};

// A surrogate spelled as one character of three octets.
bool has_encoded_surrogate(std::string_view text) noexcept {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xed' && static_cast<unsigned char>(text[i + 1]) >= 0xa0) return true;
  }
  return false;
}

unsigned file_type(ArchiveEntryType type) {
  switch (type) {
    case ArchiveEntryType::file:
      return AE_IFREG;
    case ArchiveEntryType::directory:
      return AE_IFDIR;
    case ArchiveEntryType::symlink:
      return AE_IFLNK;
    case ArchiveEntryType::hard_link:
      return AE_IFREG;
    case ArchiveEntryType::fifo:
      return AE_IFIFO;
    case ArchiveEntryType::character_device:
      return AE_IFCHR;
    case ArchiveEntryType::block_device:
      return AE_IFBLK;
    case ArchiveEntryType::socket:
      return AE_IFSOCK;
  }
  return AE_IFREG;
}

}  // namespace

class ArchiveWriter::Impl {
 public:
  Impl(ArchiveSink& sink, ArchiveFormat format)
      : sink_(&sink), format_(format), handle_(archive_write_new()), entry_(archive_entry_new()) {
    if (!handle_ || !entry_) throw std::bad_alloc();
  }
  ~Impl() {
    // Freeing it completes the archive, into nothing: libarchive's own way to abandon one
    // leaks the state of its filters. A write that fails ends the padding of an entry that
    // did not get all of its content.
    abandoned_ = true;
    const ArchiveLocaleScope scope(ArchiveLocale::utf8);
    handle_.reset();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status start() {
    if (!ArchiveLocaleScope::available(ArchiveLocale::utf8)) {
      return Error(Errc::unsupported, "this system has no locale C.UTF-8");
    }
    const ArchiveLocaleScope scope(ArchiveLocale::utf8);
    archive* const a = handle_.get();
    bool ready = true;
    if (format_ == ArchiveFormat::zip) {
      ready = archive_write_set_format_zip(a) == ARCHIVE_OK;
    } else {
      // libarchive's own way to write attributes doubles them for the sake of its past.
      ready = archive_write_set_format_pax(a) == ARCHIVE_OK &&
              archive_write_set_format_option(a, "pax", "xattrheader", "SCHILY") == ARCHIVE_OK;
    }
    if (format_ == ArchiveFormat::tar_gzip) {
      // Equal content gives equal archives: no time of writing in the header.
      ready = ready && archive_write_add_filter_gzip(a) == ARCHIVE_OK &&
              archive_write_set_filter_option(a, "gzip", "timestamp", nullptr) == ARCHIVE_OK;
    } else if (format_ == ArchiveFormat::tar_zstd) {
      ready = ready && archive_write_add_filter_zstd(a) == ARCHIVE_OK;
    }
    ready = ready && archive_write_set_bytes_per_block(a, block_bytes) == ARCHIVE_OK &&
            archive_write_set_bytes_in_last_block(a, 1) == ARCHIVE_OK &&
            archive_write_open2(a, this, nullptr, on_write, nullptr, nullptr) == ARCHIVE_OK;
    if (!ready || sink_error_) return fail();
    return {};
  }

  Status begin(const ArchiveEntry& entry) {
    PLK_ASSERT(!finished_);
    if (failed_) return *failed_;
    PLK_TRY(end_entry());
    PLK_TRY(check(entry));
    fill(entry);

    // libarchive marks names in a zip as UTF-8 when the locale is.
    const bool raw = format_ == ArchiveFormat::zip && !is_utf8(entry.path);
    const ArchiveLocaleScope scope(raw ? ArchiveLocale::c : ArchiveLocale::utf8);
    const int code = archive_write_header(handle_.get(), entry_.get());
    if (sink_error_) return fail();
    if (code == ARCHIVE_FAILED) {
      return Error(Errc::unsupported, escape(entry.path) + ": " + message());
    }
    // A warning is about names that are not UTF-8, which then are written as they are.
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return fail();
    in_entry_ = true;
    written_ = 0;
    const bool has_content = entry.type == ArchiveEntryType::file;
    announced_ = has_content ? entry.size : std::optional<std::uint64_t>(0);
    return {};
  }

  Status write(BytesView bytes) {
    PLK_ASSERT(!finished_);
    if (failed_) return *failed_;
    PLK_ASSERT(in_entry_);
    if (announced_ && bytes.size() > *announced_ - written_) {
      return fail(Error(Errc::invalid_argument, "more content than the entry announced"));
    }
    const ArchiveLocaleScope scope(ArchiveLocale::utf8);
    while (!bytes.empty()) {
      const auto count = archive_write_data(handle_.get(), bytes.data(), bytes.size());
      if (count <= 0 || sink_error_) return fail();
      written_ += static_cast<std::uint64_t>(count);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
  }

  Status finish() {
    PLK_ASSERT(!finished_);
    if (failed_) return *failed_;
    PLK_TRY(end_entry());
    const ArchiveLocaleScope scope(ArchiveLocale::utf8);
    if (archive_write_close(handle_.get()) != ARCHIVE_OK || sink_error_) return fail();
    finished_ = true;
    return {};
  }

 private:
  static la_ssize_t on_write(archive*, void* self, const void* data, std::size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    if (impl.abandoned_) return -1;
    // libarchive is not told of a failure, after which it could not be freed without a leak.
    // The method that called it looks.
    if (impl.sink_error_) return static_cast<la_ssize_t>(size);
    const CallersLocaleScope scope;
    auto done = impl.sink_->write(BytesView(static_cast<const std::byte*>(data), size));
    if (!done) impl.sink_error_ = std::move(done).error();
    return static_cast<la_ssize_t>(size);
  }

  Error fail() {
    if (sink_error_) return fail(*sink_error_);
    if (archive_errno(handle_.get()) == ENOMEM) throw std::bad_alloc();
    return fail(Error(Errc::internal, "archive: " + message()));
  }
  Error fail(Error error) {
    failed_ = std::move(error);
    return *failed_;
  }

  std::string message() const {
    const char* const text = archive_error_string(handle_.get());
    return text != nullptr ? text : "unknown error";
  }

  Status end_entry() {
    if (!in_entry_) return {};
    in_entry_ = false;
    // libarchive would fill it up with zeros.
    if (announced_ && written_ != *announced_) {
      return fail(Error(Errc::invalid_argument, "less content than the entry announced"));
    }
    const ArchiveLocaleScope scope(ArchiveLocale::utf8);
    if (archive_write_finish_entry(handle_.get()) != ARCHIVE_OK || sink_error_) return fail();
    return {};
  }

  // What libarchive would change silently.
  Status check(const ArchiveEntry& entry) const {
    const auto refuse = [&entry](Errc code, std::string_view why) {
      return Error(code, escape(entry.path) + ": " + std::string(why));
    };
    if (entry.path.empty()) return refuse(Errc::invalid_argument, "an entry without a name");
    const bool tar = format_ != ArchiveFormat::zip;
    for (const std::string* text : {&entry.path, &entry.link_target, &entry.user, &entry.group}) {
      if (text->find('\0') != std::string::npos) {
        return refuse(Errc::invalid_argument, "a name with a NUL in it");
      }
      if (tar && has_encoded_surrogate(*text)) {
        return refuse(Errc::unsupported, "a name with surrogates cannot be written to a tar");
      }
    }
    for (const ArchiveAttribute& attribute : entry.attributes) {
      if (attribute.name.empty() ||
          attribute.name.find_first_of(std::string_view("\0=", 2)) != std::string::npos) {
        return refuse(Errc::unsupported, "an extended attribute with this name");
      }
    }
    const bool link =
        entry.type == ArchiveEntryType::symlink || entry.type == ArchiveEntryType::hard_link;
    if (link && entry.link_target.empty()) {
      return refuse(Errc::invalid_argument, "a link without a target");
    }
    constexpr auto size_max = static_cast<std::uint64_t>(std::numeric_limits<la_int64_t>::max());
    if (entry.size.value_or(0) > size_max || entry.user_id > size_max ||
        entry.group_id > size_max) {
      return refuse(Errc::invalid_argument, "a number above 2^63-1");
    }
    if (entry.modified && entry.modified->nanoseconds > 999'999'999) {
      return refuse(Errc::invalid_argument, "a time with more than a second of nanoseconds");
    }
    if (tar && entry.type == ArchiveEntryType::file && !entry.size) {
      return refuse(Errc::invalid_argument, "a tar needs the size of a file before its content");
    }
    switch (entry.type) {
      case ArchiveEntryType::file:
      case ArchiveEntryType::directory:
      case ArchiveEntryType::symlink:
        return {};
      case ArchiveEntryType::hard_link:
      case ArchiveEntryType::fifo:
      case ArchiveEntryType::character_device:
      case ArchiveEntryType::block_device:
        if (tar) return {};
        break;
      case ArchiveEntryType::socket:
        break;
    }
    return refuse(Errc::unsupported,
                  "this format has no entry of type " + std::string(to_string(entry.type)));
  }

  void fill(const ArchiveEntry& from) {
    archive_entry* const to = entry_.get();
    archive_entry_clear(to);
    archive_entry_copy_pathname(to, from.path.c_str());
    archive_entry_set_filetype(to, file_type(from.type));
    archive_entry_set_perm(to, from.mode & 07777);
    if (from.type != ArchiveEntryType::file) {
      archive_entry_set_size(to, 0);
    } else if (from.size) {
      archive_entry_set_size(to, static_cast<la_int64_t>(*from.size));
    }
    if (from.modified) {
      archive_entry_set_mtime(to, from.modified->seconds,
                              static_cast<long>(from.modified->nanoseconds));
    }
    archive_entry_set_uid(to, static_cast<la_int64_t>(from.user_id));
    archive_entry_set_gid(to, static_cast<la_int64_t>(from.group_id));
    if (!from.user.empty()) archive_entry_copy_uname(to, from.user.c_str());
    if (!from.group.empty()) archive_entry_copy_gname(to, from.group.c_str());
    if (from.type == ArchiveEntryType::symlink) {
      archive_entry_copy_symlink(to, from.link_target.c_str());
    } else if (from.type == ArchiveEntryType::hard_link) {
      archive_entry_copy_hardlink(to, from.link_target.c_str());
    }
    if (from.type == ArchiveEntryType::character_device ||
        from.type == ArchiveEntryType::block_device) {
      archive_entry_set_rdevmajor(to, from.device_major);
      archive_entry_set_rdevminor(to, from.device_minor);
    }
    for (const ArchiveAttribute& attribute : from.attributes) {
      archive_entry_xattr_add_entry(to, attribute.name.c_str(), attribute.value.data(),
                                    attribute.value.size());
    }
  }

  ArchiveSink* sink_;
  ArchiveFormat format_;
  bool finished_ = false;
  bool abandoned_ = false;
  bool in_entry_ = false;
  std::optional<std::uint64_t> announced_;  // of the current entry
  std::uint64_t written_ = 0;
  std::optional<Error> sink_error_;
  std::optional<Error> failed_;
  std::unique_ptr<archive, FreeWriter> handle_;
  std::unique_ptr<archive_entry, FreeEntry> entry_;
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::create(ArchiveSink& sink, ArchiveFormat format) {
  auto impl = std::make_unique<Impl>(sink, format);
  PLK_TRY(impl->start());
  return ArchiveWriter(std::move(impl));
}

Status ArchiveWriter::begin(const ArchiveEntry& entry) { return impl_->begin(entry); }
Status ArchiveWriter::write(BytesView bytes) { return impl_->write(bytes); }
Status ArchiveWriter::finish() { return impl_->finish(); }

}  // namespace plakar::codec
