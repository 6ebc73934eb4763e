// Where a restore writes: a directory, a bucket, a database.
//
// Life cycle: put() for each record, parents before their children, each name once; finish(),
// once, last; then destroyed. Paths are relative to the destination, but still begin with a
// slash: "/" is the destination's own root. put() and the writers it returns may be used from
// several threads at once, as far as `traits().concurrency` says.
//
// A failing put() or writer is the failure of that one record; the restore goes on and reports it.
// A failing finish() is one of the restore.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/kloset/record.h"

namespace plakar::kloset {

struct DestinationTraits {
  std::size_t concurrency = 2;
  // Takes records of kind hardlink, for other names of a file that was put with `nlink` > 1 and
  // committed. Where it does not, or refuses one, it gets full copies.
  bool hardlinks = false;
  bool xattrs = false;  // takes the attributes of records
  // Content may come in any order and from several threads: ContentWriter::write_at().
  bool random_access = false;
  // May leave files alone: worth asking before their content is read.
  bool skips = false;
};

// What to do about a file that is there already. Directories are always used as they are; a
// directory where something else is to be, or the other way round, is always Errc::already_exists.
enum class Existing : std::uint8_t {
  replace,
  skip,
  fail,
  // Replaces, but for regular files whose size, time and mode are those of the record: to take up
  // a restore that was interrupted. Only for who trusts what lies there.
  resume,
};

// The content of one regular file. Destroyed without commit() it leaves nothing.
class ContentWriter {
 public:
  virtual ~ContentWriter() = default;

  virtual Status write(BytesView bytes) = 0;
  // The next `size` bytes are zeros: a hole, where the destination has such a thing.
  virtual Status write_zeros(std::uint64_t size) = 0;
  // Instead of these two, where the destination has random access: somewhere in the file, whose
  // size is that of its record, and which is zeros where nothing is written. From any thread. Cheap
  // where pages of memory hold pages of the file.
  virtual Status write_at(std::uint64_t offset, BytesView bytes) {
    static_cast<void>(offset);
    static_cast<void>(bytes);
    return Error(Errc::unsupported, "the destination takes content front to back");
  }
  // Sets the metadata and makes it visible under its name, whole.
  virtual Status commit() = 0;
};

class Destination {
 public:
  virtual ~Destination() = default;

  virtual DestinationTraits traits() const = 0;
  virtual std::string location() const = 0;
  virtual Status ping() = 0;

  // A writer for a regular file, null for everything else and for a file that is skipped.
  // Errc::unsupported for what this destination cannot hold.
  virtual Result<std::unique_ptr<ContentWriter>> put(const Record& record) = 0;

  // What can only be done at the end: owners, modes and times of directories, deepest first.
  // Every failure is given to `report` with the path it is about.
  virtual Status finish(
      const std::function<void(const std::string& path, const Error&)>& report) = 0;
};

}  // namespace plakar::kloset
