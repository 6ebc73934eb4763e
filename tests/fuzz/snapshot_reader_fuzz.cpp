// A sound snapshot of which the input changes, swaps and loses blobs, names left as they were: more
// than anybody can do who does not have the keys, and all that somebody can who does. Everything
// that reads a snapshot ends, after few loads, visits a path once and after its parent, and calls
// damage damage.
//
//   input  := change*
//   change := what:1 blob:1 position:2 value:1
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/crypto/store_mac.h"
#include "core/kloset/snapshot/object_writer.h"
#include "core/kloset/snapshot/snapshot_builder.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/kloset/tree/path.h"
#include "tests/fuzz/structure_checks.h"

namespace plakar {
namespace {

using kloset::ResourceType;
using kloset::SnapshotReader;
using kloset::VfsEntry;

constexpr std::size_t changes_max = 32;
constexpr std::size_t change_size = 5;
// Of one operation on a snapshot of some thirty blobs.
constexpr std::size_t loads_max = 5'000;

const SnapshotId snapshot_id{.bytes = {std::byte{1}}};

class Blobs final : public kloset::BlobSource, public kloset::BlobSink {
 public:
  Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t plain_size_max) override {
    ++loads;
    const auto found = items.find({type, mac});
    if (found == items.end()) return Error(Errc::not_found, "no such blob");
    if (found->second.size() > plain_size_max) return Error(Errc::corrupt, "too large");
    return found->second;
  }
  bool has(ResourceType type, const Mac& mac) const override { return items.contains({type, mac}); }

  Result<Mac> put(ResourceType type, BytesView plain) override {
    const Mac name = mac(plain);
    static std::mutex mutex;  // a snapshot is built by two threads
    const std::lock_guard guard(mutex);
    items.try_emplace({type, name}, plain.begin(), plain.end());
    return name;
  }
  Mac mac(BytesView plain) const override {
    static const auto key =
        crypto::StoreMac::create(crypto::HashAlgorithm::blake3, Secret(std::size_t{32}));
    return key->compute(plain);
  }
  // Contents here have one chunk.
  std::unique_ptr<kloset::MacStream> mac_stream() const override { return nullptr; }

  std::map<std::pair<ResourceType, Mac>, Bytes> items;
  std::size_t loads = 0;
};

Blobs make_snapshot() {
  Blobs blobs;
  const auto chunker = *kloset::Chunker::create(kloset::default_chunking());
  kloset::SnapshotBuilder builder(blobs, chunker);
  kloset::ObjectWriter writer(blobs, chunker);
  const auto add = [&](std::string_view path, std::uint32_t mode, std::string_view target,
                       std::vector<std::string_view> attributes) {
    VfsEntry entry;
    entry.parent_path = kloset::parent_of(path);
    entry.file_info.name = kloset::name_of(path);
    entry.file_info.mode = static_cast<kloset::FileMode>(mode);
    entry.symlink_target = target;
    entry.extended_attributes = std::move(attributes);
    if (mode == 0644) {
      const auto stored = writer.store(as_bytes(path));
      entry.object = stored->object;
      entry.file_info.size = static_cast<std::int64_t>(stored->size);
    }
    fuzz::require(builder.add_entry(entry).has_value());
  };
  add("/d", kloset::mode_directory | 0755, {}, {});
  add("/d/a", 0644, {}, {"user.note"});
  add("/d/b", kloset::mode_directory | 0755, {}, {});
  add("/d/b/x", 0644, {}, {});
  add("/d/b/y", kloset::mode_symlink | 0777, "../b/./x", {});
  add("/d/c", kloset::mode_symlink | 0777, "/d/b", {});
  fuzz::require(builder
                    .add_xattr({.version = 0,
                                .path = "/d/a",
                                .name = "user.note",
                                .size = 5,
                                .kind = kloset::XattrKind::extended,
                                .object = writer.store(as_bytes("value"))->object})
                    .has_value());
  fuzz::require(builder.add_error("/d/gone", "it went away").has_value());
  kloset::SnapshotHeader header;
  header.identifier = snapshot_id;
  header.sources.push_back(builder
                               .finish({.type = "fs", .origin = "o", .directory = "/d"},
                                       [](std::string_view, std::string_view) {})
                               .value());
  blobs.items[{ResourceType::snapshot, Mac{.bytes = snapshot_id.bytes}}] = encode_header(header);
  return blobs;
}

void change(Blobs& blobs, std::span<const std::uint8_t> input) {
  std::vector<std::pair<ResourceType, Mac>> names;
  for (const auto& [name, bytes] : blobs.items) names.push_back(name);
  for (std::size_t i = 0; i < changes_max && input.size() >= change_size; ++i) {
    const auto& name = names[input[1] % names.size()];
    const std::size_t position = input[2] + std::size_t{256} * input[3];
    const auto& other = names[input[4] % names.size()];
    Bytes& blob = blobs.items[name];
    switch (input[0] % 5) {
      case 0:
        if (!blob.empty()) blob[position % blob.size()] = static_cast<std::byte>(input[4]);
        break;
      case 1:
        blob.resize(position % (blob.size() + 1));
        break;
      case 2:
        blob = Bytes(blobs.items[other]);
        break;
      case 3: {  // The name of another blob, where one may be.
        if (blob.size() < other.second.bytes.size()) break;
        const std::size_t at = position % (blob.size() - other.second.bytes.size() + 1);
        std::copy(other.second.bytes.begin(), other.second.bytes.end(),
                  blob.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      }
      default:
        blob.insert(blob.begin() + static_cast<std::ptrdiff_t>(position % (blob.size() + 1)),
                    static_cast<std::byte>(input[4]));
    }
    input = input.subspan(change_size);
  }
}

void require_damage(const Error& error) { fuzz::require(kloset::is_damage(error)); }

void read_content(SnapshotReader& snapshot, const VfsEntry& entry) {
  auto reader = snapshot.open_file(entry);
  if (!reader) {
    fuzz::require(reader.error().code() == Errc::invalid_argument ||
                  kloset::is_damage(reader.error()));
    return;
  }
  std::uint64_t read = 0;
  Bytes out(3);
  for (;;) {
    const auto got = reader->read(out);
    if (!got) {
      require_damage(got.error());
      // Another attempt is the same again.
      fuzz::require(!reader->read(out));
      return;
    }
    if (*got == 0) break;
    read += *got;
  }
  fuzz::require(read == reader->size());
  reader->seek(reader->size() / 2);
  Bytes chunk(1);
  const auto got = reader->read(chunk);
  fuzz::require(got && *got == (read == 0 ? 0u : 1u));
}

void read_everything(Blobs& blobs) {
  auto opened = SnapshotReader::open(blobs, snapshot_id);
  if (!opened) return require_damage(opened.error());
  SnapshotReader& snapshot = *opened;
  const auto bounded = [&blobs] {
    fuzz::require(blobs.loads <= loads_max);
    blobs.loads = 0;
  };

  std::set<std::string> visited;
  std::vector<std::string> paths{"/", "/d/b/y", "/d/c/x", "/d/c/../c/y"};
  const Status walked = snapshot.walk(
      "/",
      [&](const VfsEntry& entry, const Mac&) -> Status {
        const std::string path = entry.path();
        fuzz::require(visited.insert(path).second);
        if (path != "/" && kloset::parent_of(path) != "/") {
          fuzz::require(visited.contains(std::string(kloset::parent_of(path))));
        }
        paths.push_back(path);
        read_content(snapshot, entry);
        const auto attributes = snapshot.attributes(entry);
        if (!attributes) require_damage(attributes.error());
        return {};
      },
      [](const std::string&, const Error& error) -> Status {
        require_damage(error);
        return {};
      });
  if (!walked) require_damage(walked.error());
  bounded();

  for (const std::string& path : paths) {
    const auto found = snapshot.find(path);
    if (!found) require_damage(found.error());
    if (found && *found) fuzz::require((**found)->path() == path);
    const auto resolved = snapshot.resolve(path);
    if (!resolved) {
      fuzz::require(resolved.error().code() == Errc::invalid_argument ||
                    kloset::is_damage(resolved.error()));
    }
    const auto summary = snapshot.summary(path);
    if (!summary) require_damage(summary.error());
    (void)snapshot.list(path, [](const VfsEntry&, const Mac&) { return Status(); });
    bounded();
  }
  const Status errors =
      snapshot.errors("/", [](std::string_view, std::string_view) { return Status(); });
  if (!errors) require_damage(errors.error());
  bounded();
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  static const Blobs sound = make_snapshot();
  Blobs blobs = sound;
  change(blobs, std::span(data, size));
  read_everything(blobs);
  return 0;
}
