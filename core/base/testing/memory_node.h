// What a MemoryDisk is made of: nodes with a present and a durable half, and the changes
// between the two. Used by memory_disk.cpp alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file_types.h"
#include "core/base/testing/memory_disk.h"
#include "core/base/testing/seeded_random.h"
#include "core/base/testing/sparse_content.h"

namespace plakar::testing {

// One step between the durable content and the present one.
struct ContentChange {
  enum class Kind : std::uint8_t { write, resize, punch };

  Kind kind = Kind::write;
  std::uint64_t offset = 0;  // Of resize: the new size.
  std::uint64_t length = 0;  // Of punch.
  Bytes bytes{};             // Of write.
};

void apply(const ContentChange& change, SparseContent& content);

struct MemoryNode {
  using Pointer = std::shared_ptr<MemoryNode>;
  using Entries = std::map<std::string, Pointer, std::less<>>;

  struct Attributes {
    std::uint32_t mode = 0;
    FileOwner owner;
    UnixTime accessed;
    UnixTime modified;
    std::map<std::string, Bytes, std::less<>> xattrs;
  };

  FileType type = FileType::regular;
  std::uint64_t inode = 0;
  DeviceNumber special;
  std::string target;  // Of a symlink.
  UnixTime changed;
  std::uint64_t links = 0;  // Names of it, without a directory's `.` and `..`.

  Attributes attributes;
  Attributes durable_attributes;

  SparseContent content;
  SparseContent durable_content;
  std::vector<ContentChange> unsynced;

  Entries entries;
  Entries durable_entries;
  std::weak_ptr<MemoryNode> parent;  // Of a directory; the parent's `entries` own this.

  void change(ContentChange change);
  // What can be of the content when power fails now.
  SparseContent surviving_content(Survival survival, SeededRandom& random) const;
};

// Names that appear or go together: one for a creation, two for a rename.
struct NameChange {
  struct Edit {
    MemoryNode::Pointer directory;
    std::string name;
    MemoryNode::Pointer node;  // Null: the name goes.
  };

  std::vector<Edit> edits;

  bool touches(const MemoryNode& directory) const;
};

void apply(const NameChange::Edit& edit, MemoryNode::Entries& entries);

// A copy of what lies under `root`, durable throughout, with `names` that may survive.
MemoryNode::Pointer surviving_tree(const MemoryNode::Pointer& root,
                                   const std::vector<NameChange>& names,
                                   const CrashOptions& options);

}  // namespace plakar::testing
