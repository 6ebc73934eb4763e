// Blobs in memory, for tests: named as a store of its own would name them, and open to tampering.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "core/crypto/store_mac.h"
#include "core/kloset/blob_source.h"

namespace plakar::kloset::testing {

// Only put() may be called from several threads.
class MemoryBlobs final : public BlobSource, public BlobSink {
 public:
  using Items = std::map<std::pair<ResourceType, Mac>, Bytes>;

  MemoryBlobs();

  Result<Bytes> load(ResourceType type, const Mac& mac, std::size_t plain_size_max) override;
  bool has(ResourceType type, const Mac& mac) const override { return items.contains({type, mac}); }

  Result<Mac> put(ResourceType type, BytesView plain) override;
  Mac mac(BytesView plain) const override { return mac_.compute(plain); }
  std::unique_ptr<MacStream> mac_stream() const override;

  // What load() gets, under whatever name: hand-made blobs and damage.
  Items items;
  // How often load() was called.
  std::size_t loads = 0;

 private:
  crypto::StoreMac mac_;
  std::mutex mutex_;
};

}  // namespace plakar::kloset::testing
