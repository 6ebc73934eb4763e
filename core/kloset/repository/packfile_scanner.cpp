#include "core/kloset/repository/packfile_scanner.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/base/secret.h"
#include "core/flow/parallel_for.h"
#include "core/kloset/format/envelope.h"

namespace plakar::kloset {
namespace {

// What one thread decodes before another may be given the rest.
constexpr std::uint64_t group_bytes_max = 512u << 10;
constexpr std::size_t group_blobs_max = 256;

// Metadata and chunks alike: the largest that anything may decode to.
constexpr std::size_t blob_size_max = std::max<std::size_t>(chunk_size_limit, object_size_max);

}  // namespace

// A part of a packfile's body, with the blobs that lie in it whole.
struct PackfileScanner::Piece {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::vector<PackfileRecord> blobs;
  Bytes buffer;

  std::span<std::byte> room() {
    const std::uint64_t size = end - begin;
    if (buffer.size() < size) {
      buffer.clear();
      buffer.resize(std::max(size, piece_size));
    }
    return std::span(buffer).first(size);
  }
  BytesView bytes() const { return BytesView(buffer).first(end - begin); }
};

// Cuts a body into pieces, between blobs.
class PackfileScanner::Pieces {
 public:
  Pieces(const PackfileContents& contents, std::uint64_t body_size)
      : blobs_(contents.records), body_size_(body_size) {
    std::sort(blobs_.begin(), blobs_.end(),
              [](const auto& a, const auto& b) { return a.offset < b.offset; });
  }

  // False at the end of the body.
  bool next(Piece& piece) {
    if (at_ == body_size_) return false;
    piece.blobs.clear();
    piece.begin = at_;
    piece.end = at_ + std::min(piece_size, body_size_ - at_);
    for (; next_ < blobs_.size() && blobs_[next_].offset < piece.end; ++next_) {
      const PackfileRecord& blob = blobs_[next_];
      const std::uint64_t blob_end = blob.offset + blob.length;
      // Behind one that it overlaps with, or longer than any: nobody writes that.
      if (blob.offset < piece.begin || blob.length > encoded_size_max(blob_size_max)) {
        left_out_.push_back(blob);
        continue;
      }
      if (blob_end > piece.end) {
        if (blob.offset > piece.begin) {
          piece.end = blob.offset;
          break;
        }
        piece.end = blob_end;
      }
      piece.blobs.push_back(blob);
    }
    at_ = piece.end;
    return true;
  }

  // What lies in no piece whole.
  const std::vector<PackfileRecord>& left_out() const noexcept { return left_out_; }

 private:
  std::vector<PackfileRecord> blobs_;  // by offset
  std::vector<PackfileRecord> left_out_;
  std::size_t next_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t body_size_;
};

PackfileScanner::PackfileScanner(Repository& repository, flow::ThreadPool& pool)
    : repository_(repository),
      pool_(pool),
      current_(std::make_unique<Piece>()),
      next_(std::make_unique<Piece>()) {}

PackfileScanner::~PackfileScanner() = default;

Result<std::unique_ptr<BlobVerifier>> PackfileScanner::take_verifier() {
  {
    const std::lock_guard guard(mutex_);
    if (!idle_.empty()) {
      auto idle = std::move(idle_.back());
      idle_.pop_back();
      return idle;
    }
  }
  return std::make_unique<BlobVerifier>(PLK_TRY(BlobVerifier::create(repository_)));
}

void PackfileScanner::give_back(std::unique_ptr<BlobVerifier> verifier) {
  const std::lock_guard guard(mutex_);
  idle_.push_back(std::move(verifier));
}

Status PackfileScanner::check_blobs(const Piece& piece, std::size_t first, std::size_t last,
                                    const Events& events) {
  auto verifier = PLK_TRY(take_verifier());
  const auto deliver = [&](std::size_t number, Result<BytesView> plain) -> Status {
    return events.blob(piece.blobs[number], plain);
  };
  const auto check = [&]() -> Status {
    for (std::size_t i = first; i < last; ++i) {
      const PackfileRecord& blob = piece.blobs[i];
      if (blob.type == ResourceType::random) continue;
      PLK_TRY(
          verifier->add(i, {.type = blob.type, .mac = blob.mac, .plain_size_max = blob_size_max},
                        piece.bytes().subspan(blob.offset - piece.begin, blob.length), deliver));
    }
    return verifier->flush(deliver);
  };
  Status outcome = check();
  verifier->clear();
  give_back(std::move(verifier));
  return outcome;
}

Status PackfileScanner::scan(const PackfileMac& mac, const PackfileContents& contents,
                             const Events& events, const flow::CancelToken& cancel) {
  const ItemName name = item_name(mac);
  Store& store = repository_.store();
  const std::uint64_t body_size = contents.size - envelope_overhead;
  const auto read = [&](std::uint64_t offset, std::span<std::byte> out) {
    return read_exactly(store, ItemKind::packfile, name, offset, out);
  };
  std::array<std::byte, envelope_header_size> header{};
  PLK_TRY(read(0, header));
  crypto::MacHasher body_mac = repository_.mac().hasher();
  crypto::MacHasher envelope_mac = repository_.mac().hasher();
  envelope_mac.update(header);

  Pieces pieces(contents, body_size);
  const auto load = [&](Piece& piece) {
    return read(envelope_header_size + piece.begin, piece.room());
  };
  bool more = pieces.next(*current_);
  if (more) PLK_TRY(load(*current_));
  std::vector<std::size_t> groups;  // where each begins
  while (more) {
    PLK_TRY(cancel.check());
    const Piece& piece = *current_;
    const bool more_follow = pieces.next(*next_);
    groups.clear();
    std::uint64_t group_bytes = group_bytes_max;
    for (std::size_t i = 0; i < piece.blobs.size(); ++i) {
      if (group_bytes >= group_bytes_max || i - groups.back() == group_blobs_max) {
        groups.push_back(i);
        group_bytes = 0;
      }
      group_bytes += piece.blobs[i].length;
    }
    groups.push_back(piece.blobs.size());
    // What cannot be divided comes first.
    const auto step = [&](std::size_t number) -> Status {
      switch (number) {
        case 0:
          return more_follow ? load(*next_) : Status();
        case 1:
          body_mac.update(piece.bytes());
          return {};
        case 2:
          envelope_mac.update(piece.bytes());
          return {};
        default:
          return check_blobs(piece, groups[number - 3], groups[number - 2], events);
      }
    };
    PLK_TRY(flow::parallel_for(pool_, groups.size() + 2, cancel,
                               [&](std::size_t first, std::size_t last) -> Status {
                                 for (std::size_t i = first; i < last; ++i) PLK_TRY(step(i));
                                 return {};
                               },
                               {.chunk = 1}));
    events.progress(piece.end - piece.begin);
    std::swap(current_, next_);
    more = more_follow;
  }
  for (const PackfileRecord& blob : pieces.left_out()) {
    PLK_TRY(events.blob(blob, Error(Errc::corrupt, "it lies where another blob lies")));
  }
  std::array<std::byte, envelope_mac_size> found{};
  PLK_TRY(read(envelope_header_size + body_size, found));
  if (body_mac.finish().bytes != mac.bytes) {
    return Error(Errc::corrupt, "the packfile's content does not match its name");
  }
  if (!equal_constant_time(envelope_mac.finish().view(), found)) {
    return Error(Errc::corrupt, "the MAC of the packfile's envelope does not match");
  }
  return {};
}

}  // namespace plakar::kloset
