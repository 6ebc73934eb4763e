// What a snapshot records of one file, directory or other entry, of one extended attribute,
// and of one path that could not be read.
//
// Decoded structures are views of the bytes they were decoded from, which must outlive them; to
// keep one, keep the bytes. Encoded entries are canonical: genuine Plakar encodes entries
// that it takes over from an older snapshot again, and expects the same bytes (and hence the
// same id) to come out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/base/unix_time.h"
#include "core/kloset/format/file_mode.h"

namespace plakar::kloset {

struct FileInfo {
  std::string_view name;  // the last component; "/" for the root
  std::int64_t size = 0;  // bytes read of a regular file, what lstat says of others
  FileMode mode{};
  UnixTime mod_time;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint16_t nlink = 0;
  std::string_view username;
  std::string_view groupname;
  std::uint32_t flags = 0;

  // What decides that a file has not changed since the last snapshot: all but `flags`.
  bool same_file(const FileInfo& other) const noexcept;
};

// Reserved by the format, kept when read, never written by us.
struct Classification {
  struct Score {
    std::string_view key;
    double value = 0;
  };
  std::string_view analyzer;
  std::vector<std::string_view> classes;
  std::vector<Score> scores;
};
struct CustomMetadata {
  std::string_view key;
  BytesView value;
};

struct VfsEntry {
  std::uint32_t version = 0;
  std::string_view parent_path;
  FileInfo file_info;
  std::string_view symlink_target;
  Mac object;  // zero for what is not a regular file
  std::string_view content_type;
  double entropy = 0;
  std::uint64_t chunks = 0;
  std::vector<std::string_view> alternate_data_streams;
  BytesView security_descriptor;
  std::uint32_t file_attributes = 0;
  std::vector<std::string_view> extended_attributes;  // names, sorted
  std::vector<Classification> classifications;
  std::vector<CustomMetadata> custom_metadata;
  std::vector<std::string_view> tags;

  // "/parent/name", "/" for the root.
  std::string path() const;
};

enum class XattrKind : std::uint8_t { extended = 0, alternate_stream = 1, custom = 2 };

struct XattrEntry {
  std::uint32_t version = 0;
  std::string_view path;
  std::string_view name;
  std::int64_t size = 0;
  XattrKind kind = XattrKind::extended;
  Mac object;
};

struct ErrorEntry {
  std::uint32_t version = 0;
  std::string_view path;
  std::string_view error;
};

// Errc::corrupt for what is not such an entry, and for a name that could lead somewhere else:
// empty, ".", "..", with a slash or a NUL in it, or a parent path that is not absolute and clean.
Result<VfsEntry> decode_vfs_entry(BytesView bytes);
Result<XattrEntry> decode_xattr_entry(BytesView bytes);
Result<ErrorEntry> decode_error_entry(BytesView bytes);

// Appends the canonical encoding; the version written is 1.0.0 whatever the structure says.
void encode_vfs_entry(Bytes& out, const VfsEntry& entry);
void encode_xattr_entry(Bytes& out, const XattrEntry& entry);
void encode_error_entry(Bytes& out, const ErrorEntry& entry);

// The key of an attribute in the xattr tree: path, name and a separator, run together.
std::string xattr_key(std::string_view path, std::string_view name, XattrKind kind);

}  // namespace plakar::kloset
