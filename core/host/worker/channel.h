// One end of a socket that carries frames: SOCK_SEQPACKET, so that a frame arrives whole or not
// at all, and the end of the other side is seen.
//
// Thread rule: any number of threads may send on one end, one may receive.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/base/fd.h"
#include "core/base/result.h"
#include "core/host/worker/frame.h"

namespace plakar::host::worker {

struct ChannelPair {
  Fd ours;
  Fd theirs;
};
Result<ChannelPair> make_channel();

// Sends a frame whose payload is the `parts`, one behind the other, and `descriptors` with it,
// which stay the caller's. `header.size` is set here. Errc::unavailable when the other side is
// gone; a payload that is too large is our bug.
enum class Waiting : std::uint8_t { allowed, not_allowed };
Status send_frame(int socket, FrameHeader header, std::span<const BytesView> parts,
                  std::span<const int> descriptors = {}, Waiting waiting = Waiting::allowed);

inline constexpr std::size_t frame_descriptors_max = 4;

// Where a frame is received: reused, as it is large.
struct Frame {
  FrameHeader header;
  std::size_t payload_size = 0;
  std::array<Fd, frame_descriptors_max> descriptors;  // The first `descriptor_count` of them.
  std::size_t descriptor_count = 0;
  alignas(8) std::array<std::byte, frame_bytes_max> bytes;

  BytesView payload() const noexcept {
    return BytesView(bytes).subspan(sizeof(FrameHeader), payload_size);
  }
};

// Receives a frame, waiting for it. Errc::unavailable at the end of the other side, which
// includes its death; Errc::corrupt for what is no frame. With `refused`, descriptors that came
// along never enter this process.
enum class Descriptors : std::uint8_t { refused, accepted };
Status receive_frame(int socket, Frame& frame, Descriptors descriptors);

}  // namespace plakar::host::worker
