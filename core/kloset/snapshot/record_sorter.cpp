#include "core/kloset/snapshot/record_sorter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/base/hex.h"

namespace plakar::kloset {
namespace {

constexpr std::size_t header_size = 8;  // the lengths of key and value
constexpr std::size_t buffer_size_min = 4 * 1024;
constexpr std::size_t buffer_size_max = 256 * 1024;

std::size_t key_size_at(const std::byte* record) noexcept {
  return load_le<std::uint32_t>({record, 4});
}
std::size_t value_size_at(const std::byte* record) noexcept {
  return load_le<std::uint32_t>({record + 4, 4});
}

}  // namespace

// A run that is read from the file, front to back.
class RecordSorter::Run {
 public:
  Run(const File& file, std::uint64_t begin, std::uint64_t end, std::size_t number,
      std::size_t buffer_size)
      : file_(&file), at_(begin), end_(end), number_(number), buffer_(buffer_size) {}

  Result<bool> next() {
    begin_ += size_;
    size_ = 0;
    if (begin_ == filled_ && at_ == end_) return false;
    PLK_TRY(fill(header_size));
    const std::size_t size =
        header_size + key_size_at(buffer_.data() + begin_) + value_size_at(buffer_.data() + begin_);
    PLK_TRY(fill(size));
    size_ = size;
    return true;
  }

  std::string_view key() const noexcept {
    return as_text(
        BytesView(buffer_).subspan(begin_ + header_size, key_size_at(buffer_.data() + begin_)));
  }
  BytesView value() const noexcept {
    const std::byte* record = buffer_.data() + begin_;
    return {record + header_size + key_size_at(record), value_size_at(record)};
  }
  std::size_t number() const noexcept { return number_; }

 private:
  // Until there are `size` octets from begin_ on.
  Status fill(std::size_t size) {
    if (filled_ - begin_ >= size) return {};
    std::memmove(buffer_.data(), buffer_.data() + begin_, filled_ - begin_);
    filled_ -= begin_;
    begin_ = 0;
    if (buffer_.size() < size) buffer_.resize(size);
    const auto room =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - filled_, end_ - at_));
    PLK_TRY(file_->read_exactly(at_, std::span(buffer_).subspan(filled_, room)));
    at_ += room;
    filled_ += room;
    if (filled_ < size) return Error(Errc::corrupt, "a file of sorted records ends too soon");
    return {};
  }

  const File* file_;
  std::uint64_t at_;
  std::uint64_t end_;
  std::size_t number_;
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;  // of the record at begin_
  std::size_t filled_ = 0;
};

RecordSorter::RecordSorter(SpillPlace place, std::size_t memory_bytes, Order order)
    : spill_place_(std::move(place)), memory_bytes_(memory_bytes), order_(order) {}
RecordSorter::~RecordSorter() = default;
RecordSorter::RecordSorter(RecordSorter&&) noexcept = default;

std::string_view RecordSorter::key_at(std::size_t offset) const noexcept {
  return as_text(
      BytesView(records_).subspan(offset + header_size, key_size_at(records_.data() + offset)));
}

Status RecordSorter::add(std::string_view key, BytesView value) {
  const std::size_t size = header_size + key.size() + value.size();
  const std::size_t used = records_.size() + places_.size() * sizeof(Place);
  if (spill_place_.files != nullptr && !places_.empty() && used + size > memory_bytes_) {
    PLK_TRY(spill());
  }
  // Its own growth would double it, past what it may take.
  if (spill_place_.files != nullptr && records_.capacity() - records_.size() < size) {
    records_.reserve(
        std::max(records_.size() + size, std::min(2 * records_.capacity(), memory_bytes_)));
  }
  places_.push_back({.offset = records_.size()});
  append_le(records_, static_cast<std::uint32_t>(key.size()));
  append_le(records_, static_cast<std::uint32_t>(value.size()));
  append(records_, as_bytes(key));
  append(records_, value);
  return {};
}

void RecordSorter::sort() {
  const auto before = [this](const Place& a, const Place& b) {
    const int order = key_at(a.offset).compare(key_at(b.offset));
    if (order == 0) return a.offset < b.offset;
    return order_ == Order::ascending ? order < 0 : order > 0;
  };
  // Much of what is sorted comes in order.
  if (!std::is_sorted(places_.begin(), places_.end(), before)) {
    std::sort(places_.begin(), places_.end(), before);
  }
}

Status RecordSorter::spill() {
  sort();
  if (!file_) {
    std::array<std::byte, 8> digits{};
    spill_place_.random->fill(digits);
    const std::string path = spill_place_.directory + "/plakar-sort-" + to_hex(digits);
    file_ = PLK_TRY(spill_place_.files->open(
        path, {.access = Access::read_write, .create = Create::always_new, .follow = false}));
    PLK_TRY(spill_place_.files->remove_file(path));
  }
  std::uint64_t at = ends_.empty() ? 0 : ends_.back();
  Bytes buffer;
  buffer.reserve(buffer_size_max);
  const auto flush = [&]() -> Status {
    PLK_TRY(file_.write_at(at, buffer));
    at += buffer.size();
    buffer.clear();
    return {};
  };
  for (const Place& place : places_) {
    const std::byte* record = records_.data() + place.offset;
    const std::size_t size = header_size + key_size_at(record) + value_size_at(record);
    if (!buffer.empty() && buffer.size() + size > buffer_size_max) PLK_TRY(flush());
    append(buffer, BytesView(record, size));
  }
  PLK_TRY(flush());
  ends_.push_back(at);
  records_.clear();
  places_.clear();
  return {};
}

bool RecordSorter::comes_before(const Run& a, const Run& b) const noexcept {
  const int order = a.key().compare(b.key());
  if (order == 0) return a.number() < b.number();
  return order_ == Order::ascending ? order < 0 : order > 0;
}

Status RecordSorter::finish() {
  if (ends_.empty()) {
    sort();
    return {};
  }
  if (!places_.empty()) PLK_TRY(spill());
  records_ = Bytes();
  places_ = std::vector<Place>();
  const std::size_t buffer_size =
      std::clamp(memory_bytes_ / ends_.size(), buffer_size_min, buffer_size_max);
  std::uint64_t begin = 0;
  for (std::size_t number = 0; number < ends_.size(); ++number) {
    auto run = std::make_unique<Run>(file_, begin, ends_[number], number, buffer_size);
    begin = ends_[number];
    if (PLK_TRY(run->next())) heap_.push_back(std::move(run));
  }
  std::make_heap(heap_.begin(), heap_.end(),
                 [this](const auto& a, const auto& b) { return comes_before(*b, *a); });
  return {};
}

Result<bool> RecordSorter::next() {
  if (ends_.empty()) {
    if (at_ == places_.size()) return false;
    const std::size_t offset = places_[at_++].offset;
    const std::byte* record = records_.data() + offset;
    key_ = key_at(offset);
    value_ = {record + header_size + key_.size(), value_size_at(record)};
    return true;
  }
  const auto after = [this](const auto& a, const auto& b) { return comes_before(*b, *a); };
  if (std::exchange(stepped_, true)) {
    std::pop_heap(heap_.begin(), heap_.end(), after);
    if (PLK_TRY(heap_.back()->next())) {
      std::push_heap(heap_.begin(), heap_.end(), after);
    } else {
      heap_.pop_back();
    }
  }
  if (heap_.empty()) {
    stepped_ = false;
    return false;
  }
  key_ = heap_.front()->key();
  value_ = heap_.front()->value();
  return true;
}

}  // namespace plakar::kloset
