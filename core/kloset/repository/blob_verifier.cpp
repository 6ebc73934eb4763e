#include "core/kloset/repository/blob_verifier.h"

#include <algorithm>
#include <utility>

#include "core/base/secret.h"

namespace plakar::kloset {
namespace {

Error wrong_content() { return Error(Errc::corrupt, "its content does not match its MAC"); }

}  // namespace

std::uint64_t encoded_size_max(std::size_t plain_size_max) noexcept {
  return std::uint64_t{plain_size_max} + plain_size_max / 8 + 65536;
}

BlobVerifier::BlobVerifier(Repository& repository, Repository::CodecLease codec)
    : repository_(&repository), codec_(std::move(codec)), arena_(arena_size) {
  waiting_.reserve(waiting_count_max);
}

Result<BlobVerifier> BlobVerifier::create(Repository& repository) {
  return BlobVerifier(repository, PLK_TRY(repository.codec()));
}

Status BlobVerifier::add(std::size_t number, const WantedBlob& blob, BytesView encoded,
                         const DeliverBlob& deliver) {
  const bool has_place = !blob.out.empty();
  BytesView plain;
  if (!is_named_by_mac(blob.type)) {
    auto decoded = blob.type == ResourceType::random
                       ? Result<BytesView>(encoded)
                       : codec_->decode(encoded, blob.plain_size_max, UnitGuard::none);
    if (!decoded || !has_place) return deliver(number, std::move(decoded));
    if (decoded->size() > blob.out.size()) return deliver(number, wrong_content());
    std::copy(decoded->begin(), decoded->end(), blob.out.begin());
    return deliver(number, BytesView(blob.out).first(decoded->size()));
  }
  if (has_place) {
    const auto size = codec_->decode_into(encoded, blob.out);
    if (!size) return deliver(number, size.error());
    plain = BytesView(blob.out).first(*size);
  } else {
    const auto decoded = codec_->decode(encoded, blob.plain_size_max);
    if (!decoded) return deliver(number, decoded.error());
    plain = *decoded;
  }
  if (plain.size() > small_size_max) {
    if (!equal_constant_time(repository_->mac().compute(plain).view(), blob.mac.view())) {
      return deliver(number, wrong_content());
    }
    return deliver(number, plain);
  }
  if (!has_place) {
    if (plain.size() > arena_.size() - arena_used_) PLK_TRY(flush(deliver));
    const auto room = std::span(arena_).subspan(arena_used_, plain.size());
    std::copy(plain.begin(), plain.end(), room.begin());
    arena_used_ += plain.size();
    plain = room;
  }
  waiting_.push_back({.number = number, .mac = blob.mac, .plain = plain});
  return waiting_.size() < waiting_count_max ? Status() : flush(deliver);
}

Status BlobVerifier::flush(const DeliverBlob& deliver) {
  inputs_.clear();
  for (const Waiting& one : waiting_) inputs_.push_back(one.plain);
  macs_.resize(inputs_.size());
  repository_->mac().compute_many(inputs_, macs_);
  Status outcome;
  for (std::size_t i = 0; i < waiting_.size() && outcome; ++i) {
    const Waiting& one = waiting_[i];
    outcome = equal_constant_time(macs_[i].view(), one.mac.view())
                  ? deliver(one.number, one.plain)
                  : deliver(one.number, wrong_content());
  }
  clear();
  return outcome;
}

void BlobVerifier::clear() noexcept {
  waiting_.clear();
  arena_used_ = 0;
}

}  // namespace plakar::kloset
