// The entries of one directory of a snapshot, one after the other, ascending by name. There are two
// places that have them: the dirpack, which is quick, and the VFS tree with the blobs of entries.
// Either takes little memory, however many entries there are.
//
// Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/blob_source.h"
#include "core/kloset/snapshot/object_reader.h"
#include "core/kloset/tree/entry.h"
#include "core/kloset/tree/tree_reader.h"

namespace plakar::kloset {

class Listing {
 public:
  virtual ~Listing() = default;

  // Steps to the next entry; false at the end. After an error only the destructor may be called.
  virtual Result<bool> next() = 0;

  // The entry stepped to last, valid until the next step: decoded, encoded, and by its id.
  const VfsEntry& entry() const noexcept { return entry_; }
  BytesView encoded() const noexcept { return encoded_; }
  const Mac& id() const noexcept { return id_; }

 protected:
  // Errc::corrupt for what is no entry, and for one that does not belong into `directory` or
  // behind the entry before.
  Status step_to(BytesView encoded, const Mac& id, std::string_view directory);

 private:
  VfsEntry entry_;
  BytesView encoded_;
  Mac id_;
  std::string last_name_;
};

// `content` is the directory's dirpack.
std::unique_ptr<Listing> make_dirpack_listing(ObjectReader content, std::string directory);

// From the tree, beginning behind the name `after`. Entries that cannot be read are passed over:
// `failed` hears of each, with its path, and decides whether to go on. `blobs` and `vfs` outlive
// the listing.
using EntryFailed = std::function<Status(std::string_view path, const Error& error)>;
std::unique_ptr<Listing> make_tree_listing(BlobSource& blobs, TreeReader& vfs,
                                           std::string directory, std::string_view after,
                                           EntryFailed failed);

// Whether another copy of what could not be read may be of use.
bool is_damage(const Error& error) noexcept;

}  // namespace plakar::kloset
