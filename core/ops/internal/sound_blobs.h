// What a check knows of the blobs of a store: whether they are there, and which must be looked at
// again. Memory does not grow with the store, but with the damage in it, up to a limit.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "core/base/id.h"
#include "core/base/result.h"
#include "core/kloset/format/object.h"
#include "core/kloset/repository/repository.h"

namespace plakar::ops {

// Objects that were found sound, with their size. Of a fixed size: some are forgotten, and then
// looked at again. Two that are taken for one need 64 equal bits in keyed MACs, and some more.
// All functions may be called from any thread.
class SeenObjects {
 public:
  SeenObjects();

  void add(const Mac& object, std::uint64_t size) noexcept {
    at(object).store(fingerprint(object, size), std::memory_order_relaxed);
  }
  bool contains(const Mac& object, std::uint64_t size) const noexcept {
    return at(object).load(std::memory_order_relaxed) == fingerprint(object, size);
  }
  void clear() noexcept;

 private:
  static constexpr std::size_t slot_count = std::size_t{1} << 20;  // 8 MiB

  struct Free {
    void operator()(std::uint64_t* slots) const noexcept { std::free(slots); }
  };

  std::atomic_ref<std::uint64_t> at(const Mac& object) const noexcept {
    return std::atomic_ref(
        slots_[load_le<std::uint64_t>(BytesView(object.bytes).first<8>()) % slot_count]);
  }
  // Never 0, which is an empty slot.
  static std::uint64_t fingerprint(const Mac& object, std::uint64_t size) noexcept {
    return (load_le<std::uint64_t>(BytesView(object.bytes).subspan<8, 8>()) ^
            size * 0x9e3779b97f4a7c15u) |
           1;
  }

  // From calloc, so that slots that are never used take no memory.
  std::unique_ptr<std::uint64_t[], Free> slots_;
};

// Whether what an object says is possible: no chunk longer than any, and the MAC of an only chunk
// is that of all content. That of several is not computed: each has its own.
Status check_object(const kloset::Object& object);

class SoundBlobs {
 public:
  // `repository` outlives it.
  explicit SoundBlobs(kloset::Repository& repository) : repository_(repository) {}

  // While packfiles are read, from any thread: this blob of a packfile is not sound, or it is not
  // known of any blob in it whether it is.
  void doubt(const PackfileMac& packfile, kloset::ResourceType type, const Mac& blob);
  void doubt(const PackfileMac& packfile);
  // Where no packfile has been read.
  void doubt_everything() noexcept { in_doubt_ = everything_ = true; }
  bool in_doubt() const noexcept { return in_doubt_; }

  // Afterwards, from any thread: success for a blob of which the store has a copy that is not in
  // doubt, or one that turns out to be sound; else what is wrong with it.
  Status confirm(kloset::ResourceType type, const Mac& blob, std::size_t plain_size_max);
  // Where it lies, for messages.
  std::optional<PackfileMac> packfile_of(kloset::ResourceType type, const Mac& blob) const;

  SeenObjects& seen_objects() noexcept { return seen_; }

 private:
  // Beyond this whole packfiles are in doubt, or errors found anew.
  static constexpr std::size_t blobs_in_doubt_max = 100'000;
  static constexpr std::size_t known_damages_max = 10'000;

  struct Key {
    PackfileMac packfile;
    kloset::ResourceType type{};
    Mac blob;

    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept { return std::hash<Mac>()(key.blob); }
  };

  kloset::Repository& repository_;
  std::mutex mutex_;
  bool in_doubt_ = false;  // anything; these four are set before anybody asks
  bool everything_ = false;
  std::unordered_set<PackfileMac> packfiles_;
  std::unordered_set<Key, KeyHash> blobs_;
  std::unordered_map<Mac, Error> known_damages_;  // guarded by mutex_
  SeenObjects seen_;
};

}  // namespace plakar::ops
