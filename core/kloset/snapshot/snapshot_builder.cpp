#include "core/kloset/snapshot/snapshot_builder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/flow/channel.h"
#include "core/flow/task_group.h"
#include "core/kloset/format/object.h"
#include "core/kloset/snapshot/internal/listing_key.h"
#include "core/kloset/tree/dirpack.h"
#include "core/kloset/tree/path.h"
#include "core/kloset/tree/summary.h"
#include "core/kloset/tree/tree_writer.h"

namespace plakar::kloset {
namespace {

using Order = RecordSorter::Order;

constexpr std::string_view octet_stream = "application/octet-stream";

VfsEntry made_up_directory(std::string_view path) {
  VfsEntry entry;
  entry.parent_path = parent_of(path);
  entry.file_info.name = name_of(path);
  entry.file_info.mode = static_cast<FileMode>(mode_directory | 0750);
  entry.file_info.mod_time = {0, 0};
  return entry;
}

// "text/plain; charset=utf-8" without what follows the semicolon.
std::string_view media_type(std::string_view content_type) {
  return content_type.substr(0, content_type.find(';'));
}

SummaryItem summary_item(const VfsEntry& entry) {
  const FileInfo& info = entry.file_info;
  const bool has_object = is_regular(info.mode) && entry.symlink_target.empty();
  return {.mode = info.mode,
          .size = has_object ? static_cast<std::uint64_t>(info.size) : 0,
          .mod_time = info.mod_time.seconds,
          .entropy = entry.entropy,
          .chunks = entry.chunks,
          .has_object = has_object,
          .content_type = entry.content_type};
}

// The order of paths, which is by depth first, as one of octets.
std::string path_key(std::string_view path) {
  const auto depth = static_cast<std::uint32_t>(std::count(path.begin(), path.end(), '/'));
  std::string key;
  key.reserve(4 + path.size());
  for (const unsigned shift : {24u, 16u, 8u, 0u}) key += static_cast<char>(depth >> shift & 0xff);
  return key += path;
}
std::string_view path_of_key(std::string_view key) noexcept { return key.substr(4); }

Mac mac_at(BytesView bytes) {
  Mac mac;
  std::memcpy(mac.bytes.data(), bytes.data(), mac.bytes.size());
  return mac;
}

// What a record of the listings is.
enum class Kind : std::uint8_t {
  marker,     // of a directory that has an entry; with an empty name, so that it comes first
  error,      // of a path in the directory
  made_up,    // an entry that gives way to any other; encoded
  directory,  // an entry: its id, and encoded
  other,
};

Bytes record_value(Kind kind, const Mac& id, BytesView encoded) {
  Bytes value;
  value.reserve(1 + id.bytes.size() + encoded.size());
  value.push_back(static_cast<std::byte>(kind));
  append(value, id.view());
  append(value, encoded);
  return value;
}

// Stores a tree of what comes in descending order. Of equal keys, which come as they were added,
// the last counts.
template <class KeyText>
Result<Mac> store_tree(BlobSink& sink, ResourceType root_type, KeyOrder order, RecordSorter& sorter,
                       const KeyText& text) {
  PLK_TRY(sorter.finish());
  TreeWriter tree(sink, root_type, order);
  std::string key;
  Mac value;
  bool has_key = false;
  while (PLK_TRY(sorter.next())) {
    if (has_key && sorter.key() != key) PLK_TRY(tree.add(text(key), value));
    key = sorter.key();
    value = mac_at(sorter.value());
    has_key = true;
  }
  if (has_key) PLK_TRY(tree.add(text(key), value));
  return tree.finish();
}

// An entry on its way from its listing to the trees that find it by path.
struct Filed {
  std::string path;
  Mac id;
  std::string media_type;  // empty: it is in no tree of content types
};
using FiledBatch = std::vector<Filed>;
constexpr std::size_t filed_batch_size = 256;
constexpr std::size_t filed_batches_waiting_max = 8;

// Stores a listing, chunk by chunk where it is a large one.
class ListingWriter {
 public:
  ListingWriter(BlobSink& sink, const Chunker& chunker) : sink_(&sink), chunker_(&chunker) {}

  Status add(const DirpackFrame& frame) {
    append_frame(content_, frame);
    // A chunk is cut when its end cannot depend on what follows.
    while (content_.size() >= chunker_->size_max()) {
      PLK_TRY(store_chunk(chunker_->cut(content_), Last::unknown));
    }
    return {};
  }

  Result<Mac> finish() {
    while (!content_.empty() || object_.chunks.empty()) {
      const std::size_t size = chunker_->cut(content_);
      PLK_TRY(store_chunk(size, size == content_.size() ? Last::yes : Last::unknown));
    }
    object_.content = object_.chunks.size() == 1 ? object_.chunks[0].content : whole_->finish();
    object_.content_type = octet_stream;
    Bytes encoded;
    encode_object(encoded, object_);
    object_ = Object();
    whole_.reset();
    return sink_->put(ResourceType::object, encoded);
  }

 private:
  enum class Last : std::uint8_t { yes, unknown };

  Status store_chunk(std::size_t size, Last last) {
    const BytesView chunk = BytesView(content_).first(size);
    const bool is_only = object_.chunks.empty() && last == Last::yes;
    if (whole_ == nullptr && !is_only) whole_ = sink_->mac_stream();
    if (whole_ != nullptr) whole_->update(chunk);
    object_.chunks.push_back({.version = 0,
                              .content = PLK_TRY(sink_->put(ResourceType::chunk, chunk)),
                              .length = static_cast<std::uint32_t>(size),
                              .entropy = 0,
                              .flags = 0});
    content_.erase(content_.begin(), content_.begin() + static_cast<std::ptrdiff_t>(size));
    return {};
  }

  BlobSink* sink_;
  const Chunker* chunker_;
  Bytes content_;
  Object object_;
  std::unique_ptr<MacStream> whole_;  // once there is more than one chunk
};

}  // namespace

// Everything that was added, on its way to where it belongs.
class SnapshotBuilder::Sorted {
 public:
  explicit Sorted(const Options& options)
      : listings(options.spill, options.memory_bytes / 2, Order::ascending),
        directories(options.spill, options.memory_bytes / 16, Order::ascending),
        vfs(options.spill, options.memory_bytes / 8, Order::descending),
        content_types(options.spill, options.memory_bytes / 8, Order::descending),
        made(options.spill, options.memory_bytes / 16, Order::descending),
        errors(options.spill, options.memory_bytes / 16, Order::descending),
        xattrs(options.spill, options.memory_bytes / 16, Order::descending) {}

  RecordSorter listings;       // by entry_key(): a kind, an id, and the entry
  RecordSorter directories;    // by directory_key(): whether there is an entry of it
  RecordSorter vfs;            // by path_key(): the id of the entry
  RecordSorter content_types;  // by type and path: the same
  RecordSorter made;           // by path of a directory: listing and summary
  RecordSorter errors;         // by path
  RecordSorter xattrs;         // by path_key() of path and name together

  Status file(const FiledBatch& batch) {
    for (const Filed& entry : batch) {
      PLK_TRY(vfs.add(path_key(entry.path), entry.id.view()));
      if (entry.media_type.empty()) continue;
      std::string key = "/";
      key.append(entry.media_type).append(entry.path);
      PLK_TRY(content_types.add(key, entry.id.view()));
    }
    return {};
  }

  bool passed = false;  // the listings are being gone through: nothing comes in any more
  std::optional<std::string> last_needed;
  // The root is in no listing. The one added last counts.
  struct Root {
    Bytes encoded;
    Mac id;
  };
  std::optional<Root> root;
  bool root_is_other = false;
};

// Goes through the listings. What is to be found by path goes to `filed`.
class SnapshotBuilder::Pass {
 public:
  Pass(SnapshotBuilder& builder, const LeftOut& left_out, flow::Channel<FiledBatch>& filed,
       const flow::CancelToken& cancel)
      : filed_(filed),
        cancel_(cancel),
        builder_(builder),
        sorted_(*builder.sorted_),
        sink_(*builder.sink_),
        left_out_(left_out),
        listing_(sink_, *builder.chunker_) {}

  // The root's summary.
  Result<Summary> run() {
    PLK_TRY(sorted_.listings.finish());
    bool more = PLK_TRY(sorted_.listings.next());
    while (more) {
      const std::string key(split_entry_key(sorted_.listings.key()).directory);
      PLK_TRY(begin(key));
      while (more && split_entry_key(sorted_.listings.key()).directory == key) {
        more = PLK_TRY(take_name());
      }
      PLK_TRY(end());
    }
    while (!levels_.empty()) PLK_TRY(close());
    PLK_TRY(filed_.push(std::move(batch_), cancel_));
    return std::move(root_summary_);
  }

 private:
  struct Level {
    std::string key;
    std::string path;
    Mac listing;
    Summary summary;
  };

  Status begin(const std::string& key) {
    while (!levels_.empty() && !is_key_within(key, levels_.back().key)) PLK_TRY(close());
    directory_ = {.key = key, .path = directory_path(key), .listing = {}, .summary = {}};
    is_blocked_ = std::any_of(blocked_.begin(), blocked_.end(),
                              [&](const auto& other) { return is_key_within(key, other); });
    is_directory_ = false;
    return {};
  }

  // All records of one name; false behind the last of all.
  Result<bool> take_name() {
    RecordSorter& records = sorted_.listings;
    const std::string name(split_entry_key(records.key()).name);
    std::optional<Kind> kind;
    bool was_directory = false;
    bool has_error = false;
    bool more = true;
    do {
      const BytesView value = records.value();
      const auto one = static_cast<Kind>(value[0]);
      if (one == Kind::marker) is_directory_ = true;
      if (one == Kind::error) has_error = true;
      if (one == Kind::made_up || one == Kind::directory) was_directory = true;
      const bool counts =
          one == Kind::directory || one == Kind::other || (one == Kind::made_up && !kind);
      if (counts) {
        kind = one;
        id_ = mac_at(value.subspan(1));
        encoded_.assign(value.begin() + 33, value.end());
      }
      more = PLK_TRY(records.next());
    } while (more && has_name(records.key(), name));
    if (has_error && is_directory_) directory_.summary.add_errors(1);
    if (kind) PLK_TRY(take_entry(*kind, name));
    if (kind == Kind::other && was_directory) {
      blocked_.insert(directory_key(join(directory_.path, name)));
    }
    return more;
  }

  bool has_name(std::string_view key, std::string_view name) const {
    const EntryKeyParts parts = split_entry_key(key);
    return parts.directory == directory_.key && parts.name == name;
  }

  Status take_entry(Kind kind, const std::string& name) {
    const std::string path = join(directory_.path, name);
    if (is_blocked_) {
      return kind == Kind::made_up ? Status()
                                   : leave_out(path, "it lies below what is no directory");
    }
    if (kind == Kind::made_up) id_ = PLK_TRY(sink_.put(ResourceType::vfs_entry, encoded_));
    PLK_TRY(listing_.add({.is_directory = kind != Kind::other, .entry = encoded_, .id = id_}));
    return file(path, kind != Kind::other);
  }

  // Where the entry at hand belongs beside the listing.
  Status file(const std::string& path, bool is_directory) {
    const VfsEntry entry = PLK_TRY(decode_vfs_entry(encoded_));
    if (!is_directory) directory_.summary.add(summary_item(entry));
    batch_.push_back(
        {.path = path, .id = id_, .media_type = std::string(media_type(entry.content_type))});
    return batch_.size() < filed_batch_size ? Status()
                                            : filed_.push(std::exchange(batch_, {}), cancel_);
  }

  Status end() {
    // Of a path that is only the parent of errors there is no listing.
    if (is_blocked_ || !is_directory_) return {};
    if (directory_.key.empty()) PLK_TRY(add_root());
    directory_.listing = PLK_TRY(listing_.finish());
    levels_.push_back(std::move(directory_));
    return {};
  }

  Status add_root() {
    if (sorted_.root) {
      id_ = sorted_.root->id;
      encoded_ = std::move(sorted_.root->encoded);
    } else {
      encoded_.clear();
      encode_vfs_entry(encoded_, made_up_directory("/"));
      id_ = PLK_TRY(sink_.put(ResourceType::vfs_entry, encoded_));
    }
    return file("/", true);
  }

  // Everything in the innermost directory is known.
  Status close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    level.summary.finish();
    Bytes encoded;
    encode_summary(encoded, level.summary);
    const Mac summary = PLK_TRY(sink_.put(ResourceType::vfs_summary, encoded));
    Bytes both = to_bytes(level.listing.view());
    append(both, summary.view());
    PLK_TRY(sorted_.made.add(level.path, both));
    if (levels_.empty()) {
      root_summary_ = std::move(level.summary);
    } else {
      levels_.back().summary.add(level.summary);
    }
    return {};
  }

  Status leave_out(const std::string& path, std::string_view why) {
    left_out_(path, why);
    return builder_.add_error(path, why);
  }

  flow::Channel<FiledBatch>& filed_;
  const flow::CancelToken& cancel_;
  FiledBatch batch_;
  SnapshotBuilder& builder_;
  Sorted& sorted_;
  BlobSink& sink_;
  const LeftOut& left_out_;
  ListingWriter listing_;
  std::vector<Level> levels_;      // from the root to the directory that is gone through
  std::set<std::string> blocked_;  // keys of paths that are no directories, and were taken for some
  Summary root_summary_;

  Level directory_;
  bool is_blocked_ = false;
  bool is_directory_ = false;
  Mac id_;  // of the entry at hand, and encoded
  Bytes encoded_;
};

SnapshotBuilder::SnapshotBuilder(BlobSink& sink, const Chunker& chunker, const Options& options)
    : sink_(&sink), chunker_(&chunker), sorted_(std::make_unique<Sorted>(options)) {}
SnapshotBuilder::~SnapshotBuilder() = default;

Status SnapshotBuilder::add_entry(const VfsEntry& entry) {
  Bytes encoded;
  encode_vfs_entry(encoded, entry);
  const Mac id = PLK_TRY(sink_->put(ResourceType::vfs_entry, encoded));
  add_stored_entry(entry, encoded, id);
  return {};
}

void SnapshotBuilder::add_stored_entry(const VfsEntry& entry, BytesView encoded, const Mac& id) {
  if (!failure_) return;
  const bool is_dir = is_directory(entry.file_info.mode);
  failure_ = [&]() -> Status {
    if (entry.file_info.name == "/") {
      sorted_->root_is_other = !is_dir;
      sorted_->root.reset();
      if (is_dir) sorted_->root = Sorted::Root{.encoded = to_bytes(encoded), .id = id};
      return {};
    }
    PLK_TRY(
        sorted_->listings.add(entry_key(entry.parent_path, entry.file_info.name),
                              record_value(is_dir ? Kind::directory : Kind::other, id, encoded)));
    PLK_TRY(add_needed(entry.parent_path));
    return is_dir ? add_directory(entry.path()) : Status();
  }();
}

Status SnapshotBuilder::add_directory(std::string_view path) {
  PLK_TRY(sorted_->directories.add(directory_key(path), as_bytes("+")));
  return sorted_->listings.add(entry_key(path, ""), record_value(Kind::marker, {}, {}));
}

// Those of one directory mostly come together.
Status SnapshotBuilder::add_needed(std::string_view directory) {
  if (sorted_->last_needed == directory) return {};
  sorted_->last_needed = directory;
  return sorted_->directories.add(directory_key(directory), as_bytes("-"));
}

Status SnapshotBuilder::add_error(std::string_view path, std::string_view error) {
  Bytes encoded;
  encode_error_entry(encoded, {.version = 0, .path = path, .error = error});
  const Mac id = PLK_TRY(sink_->put(ResourceType::error_entry, encoded));
  PLK_TRY(sorted_->errors.add(path, id.view()));
  // An error of the root is in no directory.
  if (path == "/" || sorted_->passed) return {};
  return sorted_->listings.add(entry_key(parent_of(path), name_of(path)),
                               record_value(Kind::error, {}, {}));
}

Status SnapshotBuilder::add_xattr(const XattrEntry& entry) {
  Bytes encoded;
  encode_xattr_entry(encoded, entry);
  const Mac id = PLK_TRY(sink_->put(ResourceType::xattr_entry, encoded));
  return sorted_->xattrs.add(path_key(xattr_key(entry.path, entry.name, entry.kind)), id.view());
}

Status SnapshotBuilder::make_up_ancestors() {
  Sorted& sorted = *sorted_;
  // The root is always there: as what was added, or made up when its listing is.
  PLK_TRY(add_directory("/"));
  PLK_TRY(sorted.directories.finish());
  std::vector<std::string> present;  // from the root to the directory looked at last
  const auto make_up = [&](const std::string& key) -> Status {
    const std::string path = directory_path(key);
    Bytes encoded;
    encode_vfs_entry(encoded, made_up_directory(path));
    PLK_TRY(sorted.listings.add(entry_key(parent_of(path), name_of(path)),
                                record_value(Kind::made_up, {}, encoded)));
    return sorted.listings.add(entry_key(path, ""), record_value(Kind::marker, {}, {}));
  };
  bool more = PLK_TRY(sorted.directories.next());
  while (more) {
    const std::string key(sorted.directories.key());
    bool has_entry = false;
    do {
      has_entry = has_entry || as_text(sorted.directories.value()) == "+";
      more = PLK_TRY(sorted.directories.next());
    } while (more && sorted.directories.key() == key);
    while (!present.empty() && !is_key_within(key, present.back())) present.pop_back();
    // Those between the last that is there and this one.
    const std::size_t from = present.empty() ? 0 : present.back().size();
    for (std::size_t end = key.find('\0', from + 1); end != std::string::npos;
         end = key.find('\0', end + 1)) {
      present.push_back(key.substr(0, end));
      PLK_TRY(make_up(present.back()));
    }
    if (!has_entry) PLK_TRY(make_up(key));
    present.push_back(key);
  }
  return {};
}

Result<HeaderSource> SnapshotBuilder::finish(Importer importer, const LeftOut& left_out,
                                             const flow::CancelToken& cancel) {
  if (!failure_) return failure_.error();
  Sorted& sorted = *sorted_;
  if (sorted.root_is_other) {
    constexpr std::string_view why = "the root is no directory";
    left_out("/", why);
    PLK_TRY(add_error("/", why));
  }
  PLK_TRY(make_up_ancestors());
  sorted.passed = true;

  HeaderSource source;
  source.importer = std::move(importer);
  Mac content_types;
  Mac dirpacks;
  Mac summaries;
  {
    // What goes through the listings, and what sorts by path what comes out of them, work side by
    // side, and then each stores trees.
    flow::Channel<FiledBatch> filed({.items = filed_batches_waiting_max});
    flow::TaskGroup tasks(cancel);
    tasks.spawn("listings", [&](const flow::CancelToken& token) -> Status {
      source.summary = PLK_TRY(Pass(*this, left_out, filed, token).run());
      filed.close();
      PLK_TRY(store_directories(dirpacks, summaries));
      source.roots.errors = PLK_TRY(store_tree(*sink_, ResourceType::error_root, KeyOrder::bytes,
                                               sorted.errors, std::identity()));
      source.roots.xattrs = PLK_TRY(
          store_tree(*sink_, ResourceType::xattr_root, KeyOrder::path, sorted.xattrs, path_of_key));
      return {};
    });
    tasks.spawn("paths", [&](const flow::CancelToken& token) -> Status {
      for (FiledBatch batch; PLK_TRY(filed.pop(batch, token));) PLK_TRY(sorted.file(batch));
      content_types = PLK_TRY(store_tree(*sink_, ResourceType::btree_root, KeyOrder::bytes,
                                         sorted.content_types, std::identity()));
      source.roots.vfs = PLK_TRY(
          store_tree(*sink_, ResourceType::vfs_root, KeyOrder::path, sorted.vfs, path_of_key));
      return {};
    });
    PLK_TRY(tasks.wait());
  }
  for (const auto& [name, root] :
       {std::pair<std::string_view, const Mac&>("content-type", content_types),
        {"dirpack", dirpacks},
        {"summary", summaries}}) {
    source.indexes.push_back({.name = std::string(name), .type = "btree", .value = root});
  }
  return source;
}

Status SnapshotBuilder::store_directories(Mac& dirpacks, Mac& summaries) {
  RecordSorter& made = sorted_->made;
  PLK_TRY(made.finish());
  TreeWriter listing_tree(*sink_, ResourceType::btree_root, KeyOrder::bytes);
  TreeWriter summary_tree(*sink_, ResourceType::btree_root, KeyOrder::bytes);
  while (PLK_TRY(made.next())) {
    PLK_TRY(listing_tree.add(made.key(), mac_at(made.value())));
    PLK_TRY(summary_tree.add(made.key(), mac_at(made.value().subspan(32))));
  }
  dirpacks = PLK_TRY(listing_tree.finish());
  summaries = PLK_TRY(summary_tree.finish());
  return {};
}

}  // namespace plakar::kloset
