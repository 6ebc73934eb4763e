// One thing that a source found, or that a destination is to make: an entry of a tree, the
// report that one could not be read, or an extended attribute too large to travel with its entry.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/unix_time.h"
#include "core/kloset/format/file_mode.h"

namespace plakar::kloset {

enum class RecordKind : std::uint8_t {
  directory,
  regular,   // has content
  symlink,   // has a target
  special,   // fifo, socket, device: nothing but its metadata
  hardlink,  // to destinations only: another name of the regular file at `target`
  error,     // from sources only: `path` could not be read, `error` says why
  xattr,     // has content: the value of attribute `xattr_name` of the entry at `path`
};

// Whether unchanged metadata means unchanged content.
enum class ContentIdentity : std::uint8_t {
  by_metadata,  // as file systems have it: size, times, inode
  by_token,     // only if `change_token` is equal too
  never,        // streams and dumps: read each time
};

struct RecordAttribute {
  std::string name;  // with its namespace: "user.note"
  Bytes value;
};

struct Record {
  std::uint64_t id = 0;  // unique in a scan
  RecordKind kind = RecordKind::regular;
  // Absolute, clean, slash-separated octets, unique among the entries of a scan.
  std::string path;
  std::string target;

  FileMode mode{};
  std::int64_t size = 0;  // of regular files a hint: what is read counts
  UnixTime mod_time;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint16_t nlink = 0;
  std::string username;
  std::string groupname;

  std::vector<RecordAttribute> attributes;  // sorted by name
  std::string xattr_name;                   // of an xattr record
  ContentIdentity identity = ContentIdentity::by_metadata;
  std::string change_token;
  std::string error;
};

}  // namespace plakar::kloset
