#include "core/kloset/testing/memory_blobs.h"

namespace plakar::kloset::testing {
namespace {

crypto::StoreMac test_mac() {
  const Bytes key(32);
  return *crypto::StoreMac::create(crypto::HashAlgorithm::blake3, Secret(key));
}

class Stream final : public MacStream {
 public:
  explicit Stream(crypto::MacHasher hasher) : hasher_(std::move(hasher)) {}
  void update(BytesView bytes) override { hasher_.update(bytes); }
  Mac finish() override { return hasher_.finish(); }

 private:
  crypto::MacHasher hasher_;
};

}  // namespace

MemoryBlobs::MemoryBlobs() : mac_(test_mac()) {}

Result<Bytes> MemoryBlobs::load(ResourceType type, const Mac& mac, std::size_t plain_size_max) {
  ++loads;
  const auto found = items.find({type, mac});
  if (found == items.end()) {
    return Error(Errc::not_found, to_name(type) + " " + mac.short_hex() + " is not there");
  }
  if (found->second.size() > plain_size_max) {
    return Error(Errc::corrupt, to_name(type) + " " + mac.short_hex() + " is too large");
  }
  return found->second;
}

Result<Mac> MemoryBlobs::put(ResourceType type, BytesView plain) {
  const Mac name = mac(plain);
  const std::lock_guard guard(mutex_);
  items.try_emplace({type, name}, plain.begin(), plain.end());
  return name;
}

std::unique_ptr<MacStream> MemoryBlobs::mac_stream() const {
  return std::make_unique<Stream>(mac_.hasher());
}

}  // namespace plakar::kloset::testing
