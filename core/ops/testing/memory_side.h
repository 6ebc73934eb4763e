// A store in memory with its repository, and what is in a snapshot as text: for tests of whatever
// moves snapshots about.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/kloset/repository/repository.h"
#include "core/kloset/testing/memory_source.h"
#include "core/kloset/testing/memory_store.h"
#include "core/ops/backup.h"
#include "core/ops/sync.h"

namespace plakar::ops::testing {

// What a store can be made with.
struct SideParams {
  bool encrypted = false;
  std::string hashing = "BLAKE3";
  std::string compression = "LZ4";  // "": none
  bool small_chunks = false;

  std::string text() const;
};

struct MemorySide {
  explicit MemorySide(const SideParams& params = {});

  // Another process opens it again.
  std::unique_ptr<kloset::Repository> reopen();
  BackupReport back_up(const kloset::testing::MemoryTree& tree, const BackupOptions& options = {});

  kloset::testing::MemoryPlace place;
  kloset::testing::MemoryStore store{place};
  std::unique_ptr<kloset::Repository> repository;
};

// With a cheap derivation of the key, and this passphrase where the store is encrypted.
inline constexpr const char* side_passphrase = "of a side";
kloset::StoreConfig make_config(const SideParams& params);
kloset::KdfParams cheap_kdf();
Result<std::unique_ptr<kloset::Repository>> open_side(kloset::Store& store);

// Everything that a snapshot says but for what is named by keys, and for how long it took: header,
// entries, contents, attributes, errors, and the summary, by what it is.
std::map<std::string, std::string> describe(kloset::Repository& repository, const SnapshotId& id);

// Some of everything that a source can have; `change` makes it another tree.
kloset::testing::MemoryTree make_tree(int change = 0);

struct RecordingObserver final : SyncObserver, BackupObserver {
  void started(const SnapshotId&) override { ++started_count; }
  void stored(const SnapshotId&, std::string_view path, std::uint64_t bytes, bool known) override;
  void failed(const SnapshotId&, std::string_view path, std::string_view error) override;
  void finished(const SyncedSnapshot& snapshot) override { last = snapshot; }
  void given_up(const SnapshotId&, const Error& error) override { why = error.message(); }
  void stored(const kloset::Record& record, std::uint64_t bytes, bool reused) override;
  void failed(std::string_view path, std::string_view error) override;

  int started_count = 0;
  std::map<std::string, std::uint64_t> read;  // path to bytes
  std::map<std::string, std::string> failures;
  std::string why;
  SyncedSnapshot last;
};

}  // namespace plakar::ops::testing
