// What a backup reads: a directory tree, a bucket, a database. Records are pulled in batches;
// the content of one is opened when somebody wants to read it.
//
// Life cycle: made for a location and options; next() until it returns false, with open() for
// records seen so far in between; then destroyed. next() is for one thread; open() and
// the readers it returns may be used from several at once, next to it, unless the source is
// sequential: then one record is opened, read to its end and released before the next batch.
//
// A failure of one entry is a record of kind `error`, and the scan goes on. A failing next() ends
// it, and with it the backup. Cancelling is noticed through the token given at the beginning.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/kloset/record.h"

namespace plakar::kloset {

// Equal type, origin and root mean the same source, whose last snapshot a backup builds on.
// Known from the start, without I/O.
struct SourceIdentity {
  std::string type;    // "fs"
  std::string origin;  // the host, or the endpoint
  std::string root;    // absolute and clean

  friend bool operator==(const SourceIdentity&, const SourceIdentity&) = default;
};

struct SourceTraits {
  // Can be scanned once only and in order: tar, stdin, dumps.
  bool sequential = false;
  // Its paths are files of this machine.
  bool local = false;
  // Can share a snapshot with other sources of the same type and origin.
  bool mergeable = true;
  // How many contents at once are worth reading.
  std::size_t concurrency = 2;
};

struct SourceEstimate {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

class ContentReader {
 public:
  virtual ~ContentReader() = default;

  // Up to `out.size()` bytes; 0 is the end. After an error every call fails.
  virtual Result<std::size_t> read(std::span<std::byte> out) = 0;

  // Asked behind the end: an error, saying what changed, where the content did meanwhile and what
  // was read may be of several moments. Nobody hears of it where a source cannot tell.
  virtual Status confirm() { return {}; }
};

class Source {
 public:
  virtual ~Source() = default;

  virtual SourceIdentity identity() const = 0;
  virtual SourceTraits traits() const = 0;
  // Whether it can be reached and read.
  virtual Status ping() = 0;
  // How much there is, for progress; nothing when that is not cheap to say. May run at the same
  // time as the scan, and has no effect on it.
  virtual Result<std::optional<SourceEstimate>> estimate() = 0;

  // Replaces the content of `batch` by the next records, in any order, parents not necessarily
  // first. False, with an empty batch, at the end.
  virtual Result<bool> next(std::vector<Record>& batch) = 0;

  // The content of a regular file or attribute.
  virtual Result<std::unique_ptr<ContentReader>> open(const Record& record) = 0;

  // What became of a record, once for each; a source that has to keep something for open() lets
  // it go.
  virtual void acknowledge(const Record& record, const Status& outcome) {
    static_cast<void>(record);
    static_cast<void>(outcome);
  }
};

}  // namespace plakar::kloset
