#include "core/ops/testing/memory_side.h"

#include <doctest/doctest.h>

#include "core/base/text.h"
#include "core/kloset/snapshot/snapshot_reader.h"

namespace plakar::ops::testing {
namespace {

using kloset::Repository;

std::string noise(std::size_t size, std::uint32_t seed) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

}  // namespace

std::string SideParams::text() const {
  return std::string(encrypted ? "encrypted " : "plain ") + hashing + " " +
         (compression.empty() ? "none" : compression) + (small_chunks ? " small" : "");
}

kloset::StoreConfig make_config(const SideParams& params) {
  kloset::StoreConfig config = kloset::default_config();
  config.hashing.algorithm = params.hashing;
  if (params.compression.empty()) {
    config.compression.reset();
  } else {
    config.compression->algorithm = params.compression;
  }
  if (params.small_chunks) {
    config.chunking.size_min = 4096;
    config.chunking.size_normal = 16384;
    config.chunking.size_max = 65536;
  }
  return config;
}

kloset::KdfParams cheap_kdf() {
  kloset::KdfParams kdf = *kloset::default_kdf("ARGON2ID");
  kdf.argon2id->memory_kib = 8;
  kdf.argon2id->time = 1;
  return kdf;
}

Result<std::unique_ptr<Repository>> open_side(kloset::Store& store) {
  auto repository = PLK_TRY(Repository::open(
      store, system_env(), []() -> Result<Secret> { return Secret(side_passphrase); }, {}));
  PLK_TRY(repository->refresh());
  return repository;
}

MemorySide::MemorySide(const SideParams& params) {
  const Secret passphrase(side_passphrase);
  REQUIRE(Repository::create(store, make_config(params), params.encrypted ? &passphrase : nullptr,
                             cheap_kdf(), system_env()));
  repository = reopen();
}

std::unique_ptr<Repository> MemorySide::reopen() {
  auto opened = open_side(store);
  REQUIRE(opened);
  return *std::move(opened);
}

BackupReport MemorySide::back_up(const kloset::testing::MemoryTree& tree,
                                 const BackupOptions& options) {
  kloset::testing::MemorySource source(tree);
  RecordingObserver observer;
  auto report = backup(*repository, source, options, observer, {});
  REQUIRE(report);
  return *std::move(report);
}

std::map<std::string, std::string> describe(Repository& repository, const SnapshotId& id) {
  std::map<std::string, std::string> all;
  auto opened = kloset::SnapshotReader::open(repository, id);
  REQUIRE(opened);
  kloset::SnapshotReader& snapshot = *opened;
  kloset::SnapshotHeader header = snapshot.header();
  header.duration_ns = 0;
  kloset::HeaderSource& source = header.sources.front();
  source.roots = {};
  for (kloset::TreeIndex& index : source.indexes) index.value = {};
  // How a content was cut is a matter of the store.
  for (kloset::Totals* totals : {&source.summary.directory, &source.summary.below}) {
    totals->chunks = 0;
    totals->entropy_min = totals->entropy_max = totals->entropy_sum = totals->entropy_average = 0;
  }
  all["header"] = std::string(as_text(kloset::encode_header(header)));
  const Status walked = snapshot.walk(
      "/",
      [&](const kloset::VfsEntry& entry, const Mac&) -> Status {
        const std::string path = entry.path();
        for (const auto& attribute : PLK_TRY(snapshot.attributes(entry))) {
          all["attribute " + path + " " + attribute.name] = std::string(as_text(attribute.value));
        }
        if (!entry.object.is_zero()) {
          const Bytes content =
              PLK_TRY(kloset::load_object_content(repository, entry.object, 64u << 20));
          all["content " + path] = std::string(as_text(content));
        }
        kloset::VfsEntry same = entry;
        same.object = {};
        same.chunks = 0;
        same.entropy = 0;
        Bytes encoded;
        kloset::encode_vfs_entry(encoded, same);
        all["entry " + path] = std::string(as_text(encoded));
        return {};
      },
      [](const std::string& path, const Error& error) -> Status {
        return Error(error).context(path);
      });
  REQUIRE_MESSAGE(walked.has_value(), (walked ? "" : walked.error().message()));
  REQUIRE(snapshot.errors("/", [&](std::string_view path, std::string_view error) -> Status {
    all["error " + std::string(path)] = error;
    return {};
  }));
  return all;
}

kloset::testing::MemoryTree make_tree(int change) {
  kloset::testing::MemoryTree tree;
  tree.identity.root = "/data";
  tree.add_directory("/");
  tree.add_directory("/data");
  tree.add_file("/data/hello.txt", "hello world\n");
  tree.entries.back().record.attributes = {{.name = "security.empty", .value = {}},
                                           {.name = "user.note", .value = to_bytes("a note")}};
  tree.add_file("/data/empty", "");
  tree.add_file("/data/large", noise(150'000, 3));
  tree.add_file("/data/again", noise(150'000, 3));
  tree.add_symlink("/data/link", "hello.txt");
  tree.add_directory("/data/deep");
  tree.entries.back().record.attributes = {{.name = "user.note", .value = to_bytes("of a dir")}};
  tree.add_directory("/data/deep/er");
  tree.add_file("/data/deep/er/changing", "change " + std::to_string(change));
  tree.entries.back().record.mod_time.nanoseconds = static_cast<std::uint32_t>(change);
  tree.add_file("/data/deep/new\nline", "1");
  tree.add_file("/data/deep/\xff\xfe", "2");
  tree.add_directory("/data/empty dir");
  for (int i = 0; i < 60; ++i) {
    tree.add_file("/data/deep/er/file" + std::to_string(i), "content " + std::to_string(i));
  }
  auto& failed = tree.entries.emplace_back();
  failed.record.kind = kloset::RecordKind::error;
  failed.record.path = "/data/secret";
  failed.record.error = "permission denied";
  return tree;
}

void RecordingObserver::stored(const SnapshotId&, std::string_view path, std::uint64_t bytes,
                               bool known) {
  if (!known) read[std::string(path)] = bytes;
}

void RecordingObserver::failed(const SnapshotId&, std::string_view path, std::string_view error) {
  failures[std::string(path)] = error;
}

void RecordingObserver::stored(const kloset::Record& record, std::uint64_t bytes, bool reused) {
  if (!reused) read[record.path] = bytes;
}

void RecordingObserver::failed(std::string_view path, std::string_view error) {
  failures[std::string(path)] = error;
}

}  // namespace plakar::ops::testing
