#include "core/kloset/repository/blob_reader.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "core/kloset/format/envelope.h"

namespace plakar::kloset {

Result<BlobReader> BlobReader::create(Repository& repository) {
  return BlobReader(repository, PLK_TRY(BlobVerifier::create(repository)));
}

Status BlobReader::read(std::span<const WantedBlob> wanted, const DeliverBlob& deliver,
                        const flow::CancelToken& cancel) {
  verifier_.clear();
  places_.clear();
  std::vector<std::size_t> elsewhere;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const WantedBlob& blob = wanted[i];
    const auto found = repository_->index().find(blob.type, blob.mac);
    if (found && found->length <= encoded_size_max(blob.plain_size_max)) {
      places_.push_back({.number = i,
                         .packfile = found->packfile,
                         .offset = found->offset,
                         .length = found->length});
    } else {
      elsewhere.push_back(i);
    }
  }
  std::sort(places_.begin(), places_.end(), [](const Place& a, const Place& b) {
    return std::tie(a.packfile, a.offset, a.number) < std::tie(b.packfile, b.offset, b.number);
  });
  for (std::size_t first = 0; first < places_.size();) {
    PLK_TRY(cancel.check());
    const Place& start = places_[first];
    std::uint64_t end = start.offset + start.length;
    std::size_t last = first + 1;
    for (; last < places_.size() && places_[last].packfile == start.packfile; ++last) {
      const Place& next = places_[last];
      const std::uint64_t next_end = std::max(end, next.offset + next.length);
      if (next.offset > end && next.offset - end > gap_size_max) break;
      if (next_end - start.offset > range_size_max) break;
      end = next_end;
    }
    PLK_TRY(read_range(wanted, first, last, deliver));
    first = last;
  }
  for (const std::size_t number : elsewhere) {
    PLK_TRY(cancel.check());
    PLK_TRY(load_alone(wanted[number], number, deliver));
  }
  return {};
}

Status BlobReader::read_range(std::span<const WantedBlob> wanted, std::size_t first,
                              std::size_t last, const DeliverBlob& deliver) {
  // Damaged locations may overlap: then the first is not the one that ends last.
  const std::uint64_t begin = places_[first].offset;
  std::uint64_t end = begin;
  for (std::size_t i = first; i < last; ++i) {
    end = std::max(end, places_[i].offset + places_[i].length);
  }
  if (buffer_.size() < end - begin) {
    buffer_.clear();
    buffer_.resize(end - begin);
  }
  const auto range = std::span(buffer_).first(end - begin);
  const auto got = repository_->store().read(ItemKind::packfile, item_name(places_[first].packfile),
                                             envelope_header_size + begin, range);
  if (!got && got.error().code() == Errc::cancelled) return got.error();
  const std::size_t size = got ? *got : 0;

  // What is wanted several times is decoded once, for the first of these.
  const auto is_same = [&](std::size_t a, std::size_t b) {
    const WantedBlob& one = wanted[places_[a].number];
    const WantedBlob& other = wanted[places_[b].number];
    return places_[a].offset == places_[b].offset && one.type == other.type && one.mac == other.mac;
  };
  std::vector<std::size_t> failed;
  const auto deliver_all = [&](std::size_t place, Result<BytesView> plain) -> Status {
    for (std::size_t i = place; i < last && is_same(place, i); ++i) {
      const std::size_t number = places_[i].number;
      const WantedBlob& blob = wanted[number];
      if (!plain || plain->size() > blob.plain_size_max) {
        failed.push_back(number);
      } else if (i == place || blob.out.empty()) {
        PLK_TRY(deliver(number, *plain));
      } else {
        std::copy(plain->begin(), plain->end(), blob.out.begin());
        PLK_TRY(deliver(number, BytesView(blob.out).first(plain->size())));
      }
    }
    return {};
  };
  for (std::size_t i = first; i < last; ++i) {
    if (i > first && is_same(i - 1, i)) continue;
    const Place& place = places_[i];
    const std::uint64_t at = place.offset - begin;
    if (place.length > size || at > size - place.length) {
      PLK_TRY(deliver_all(i, Error(Errc::corrupt, "the packfile ends before it")));
    } else {
      PLK_TRY(verifier_.add(i, wanted[place.number], range.subspan(at, place.length), deliver_all));
    }
  }
  PLK_TRY(verifier_.flush(deliver_all));
  for (const std::size_t number : failed) PLK_TRY(load_alone(wanted[number], number, deliver));
  return {};
}

Status BlobReader::load_alone(const WantedBlob& blob, std::size_t number,
                              const DeliverBlob& deliver) {
  auto loaded = repository_->load(blob.type, blob.mac, blob.plain_size_max);
  if (!loaded) {
    if (loaded.error().code() == Errc::cancelled) return std::move(loaded).error();
    return deliver(number, std::move(loaded).error());
  }
  if (blob.out.empty()) return deliver(number, BytesView(*loaded));
  std::copy(loaded->begin(), loaded->end(), blob.out.begin());
  return deliver(number, BytesView(blob.out).first(loaded->size()));
}

}  // namespace plakar::kloset
