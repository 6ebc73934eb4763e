// What the archive reader and writer share: the description of one entry, and the byte
// streams that an archive is read from or written to.
//
// Names, link targets and attribute names are octets, exactly as the archive has them,
// whatever the locale of the process. The one exception is stated in archive_reader.h. Sources
// and sinks are called in the thread, and in the locale, of who calls the reader or writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/unix_time.h"

namespace plakar::codec {

enum class ArchiveFormat : std::uint8_t {
  tar,  // read: ustar, pax, GNU and v7; written: ustar, with pax records where needed
  tar_gzip,
  tar_zstd,
  zip,
};

enum class ArchiveEntryType : std::uint8_t {
  file,
  directory,
  symlink,
  hard_link,  // a second name of an earlier entry
  fifo,
  character_device,
  block_device,
  socket,
};

// "file", "directory", "symlink", "hard link", ...
std::string_view to_string(ArchiveEntryType type) noexcept;

struct ArchiveAttribute {
  std::string name;
  Bytes value;

  friend bool operator==(const ArchiveAttribute&, const ArchiveAttribute&) = default;
};

struct ArchiveEntry {
  std::string path;  // of a directory, too, without a slash at the end
  ArchiveEntryType type = ArchiveEntryType::file;
  std::uint32_t mode = 0;             // permissions, set-id and sticky bits (07777)
  std::optional<std::uint64_t> size;  // of a file's content, holes included; no value: unknown
  std::optional<UnixTime> modified;
  std::uint64_t user_id = 0;
  std::uint64_t group_id = 0;
  std::string user;
  std::string group;
  std::string link_target;  // of a symlink its text, of a hard link the path of the other entry
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::vector<ArchiveAttribute> attributes;  // extended attributes; tar only

  // Read only: what the archive says about this entry and we could not understand. The rest
  // of the entry may be wrong, so whoever restores it reports this.
  std::string warning;
};

// Where an archive comes from.
class ArchiveSource {
 public:
  virtual ~ArchiveSource() = default;

  // Fills some of `buffer`, which is not empty; 0 is the end.
  virtual Result<std::size_t> read(std::span<std::byte> buffer) = 0;

  // Only a source that knows its size can move; zip needs one that can.
  virtual std::optional<std::uint64_t> size() const { return std::nullopt; }
  // Where the next read starts; at most size().
  virtual Status seek(std::uint64_t offset);
};

// Where an archive goes, in pieces of up to 64 KiB.
class ArchiveSink {
 public:
  virtual ~ArchiveSink() = default;
  virtual Status write(BytesView bytes) = 0;
};

// An archive in memory, which outlives the source.
class BytesArchiveSource final : public ArchiveSource {
 public:
  explicit BytesArchiveSource(BytesView bytes) noexcept : bytes_(bytes) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override;
  std::optional<std::uint64_t> size() const override { return bytes_.size(); }
  Status seek(std::uint64_t offset) override;

 private:
  BytesView bytes_;
  std::size_t at_ = 0;
};

}  // namespace plakar::codec
