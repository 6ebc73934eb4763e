#include "core/kloset/state/internal/index_log.h"

#include <algorithm>

#include "core/base/checksum.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view magic = "PLKINLOG";
constexpr std::uint32_t log_version = 1;
constexpr std::size_t checksum_at = index_log_header_size - sizeof(std::uint64_t);
constexpr std::size_t state_head_size = 32 + 4 + 8;

std::uint64_t checksum(BytesView head, BytesView states) noexcept {
  return xxh3_64(head, xxh3_64(states));
}

Bytes encode_head(const IndexLog::Owner& owner, std::uint64_t state_count) {
  Bytes head = to_bytes(magic);
  append_le(head, log_version);
  append_le(head, std::uint32_t{0});
  append_le(head, owner.table_nonce);
  append(head, owner.repository.view());
  append_le(head, state_count);
  return head;
}

}  // namespace

std::size_t IndexLog::size_bytes(const StateText& state) noexcept {
  return state_head_size + state.plain.size();
}

void IndexLog::append(const StateText& state) {
  plakar::append(states_, state.id.view());
  append_le(states_, static_cast<std::uint32_t>(state.version));
  append_le(states_, std::uint64_t{state.plain.size()});
  plakar::append(states_, state.plain);
  ++state_count_;
}

Bytes IndexLog::encode(const Owner& owner) const {
  Bytes file = encode_head(owner, state_count_);
  append_le(file, checksum(file, states_));
  plakar::append(file, states_);
  return file;
}

Result<IndexLog> IndexLog::decode(BytesView file, const Owner& owner) {
  const Error corrupt(Errc::corrupt, "not the log of this index table");
  if (file.size() < index_log_header_size) return corrupt;
  IndexLog log;
  log.state_count_ = load_le<std::uint64_t>(file.subspan(checksum_at - 8));
  const Bytes head = encode_head(owner, log.state_count_);
  const BytesView states = file.subspan(index_log_header_size);
  if (!std::ranges::equal(file.first(checksum_at), head) ||
      load_le<std::uint64_t>(file.subspan(checksum_at)) != checksum(head, states)) {
    return corrupt;
  }
  log.states_ = to_bytes(states);
  std::uint64_t count = 0;
  PLK_TRY(log.for_each([&](const StateText&) -> Status {
    ++count;
    return {};
  }));
  if (count != log.state_count_) return corrupt;
  return log;
}

Status IndexLog::for_each(const std::function<Status(const StateText&)>& visit) const {
  BytesView rest = states_;
  while (!rest.empty()) {
    if (rest.size() < state_head_size) {
      return Error(Errc::corrupt, "the log of the index ends in the middle of a state");
    }
    StateText state{.id = {}, .version = {}, .plain = {}};
    std::copy_n(rest.begin(), state.id.bytes.size(), state.id.bytes.begin());
    state.version = static_cast<Version>(load_le<std::uint32_t>(rest.subspan(32)));
    const auto length = load_le<std::uint64_t>(rest.subspan(36));
    rest = rest.subspan(state_head_size);
    if (length > rest.size()) {
      return Error(Errc::corrupt, "the log of the index ends in the middle of a state");
    }
    state.plain = rest.first(length);
    rest = rest.subspan(length);
    PLK_TRY(visit(state));
  }
  return {};
}

}  // namespace plakar::kloset
