#include "core/host/worker/channel.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "core/base/assert.h"
#include "core/base/system_error.h"

namespace plakar::host::worker {
namespace {

constexpr std::size_t parts_max = 4;

union Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int) * frame_descriptors_max)];
};

void attach(msghdr& message, Control& control, std::span<const int> descriptors) {
  std::memset(&control, 0, sizeof control);
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
}

void take_descriptors(msghdr& message, Frame& frame) {
  for (cmsghdr* at = CMSG_FIRSTHDR(&message); at != nullptr; at = CMSG_NXTHDR(&message, at)) {
    if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (at->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int raw = -1;
      std::memcpy(&raw, CMSG_DATA(at) + i * sizeof raw, sizeof raw);
      Fd owned(raw);
      if (frame.descriptor_count < frame_descriptors_max) {
        frame.descriptors[frame.descriptor_count++] = std::move(owned);
      }
    }
  }
}

}  // namespace

Result<ChannelPair> make_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return system_error(errno, "socketpair");
  }
  return ChannelPair{Fd(ends[0]), Fd(ends[1])};
}

Status send_frame(int socket, FrameHeader header, std::span<const BytesView> parts,
                  std::span<const int> descriptors, Waiting waiting) {
  PLK_ASSERT(parts.size() <= parts_max && descriptors.size() <= frame_descriptors_max);
  iovec vector[1 + parts_max];
  vector[0] = {&header, sizeof header};
  std::size_t size = sizeof header;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    // sendmsg() does not write through it.
    vector[1 + i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    size += parts[i].size();
  }
  PLK_ASSERT(size <= frame_bytes_max);
  header.size = static_cast<std::uint32_t>(size);

  msghdr message{};
  message.msg_iov = vector;
  message.msg_iovlen = 1 + parts.size();
  Control control;
  if (!descriptors.empty()) attach(message, control, descriptors);

  const int flags = MSG_NOSIGNAL | (waiting == Waiting::not_allowed ? MSG_DONTWAIT : 0);
  while (::sendmsg(socket, &message, flags) < 0) {
    if (errno == EINTR) continue;
    if (errno == EPIPE || errno == ECONNRESET || errno == EAGAIN) {
      return Error(Errc::unavailable, "the other side of the worker's channel is gone, or full");
    }
    return system_error(errno, "send to a worker's channel");
  }
  return {};
}

Status receive_frame(int socket, Frame& frame, Descriptors descriptors) {
  for (std::size_t i = 0; i < frame.descriptor_count; ++i) frame.descriptors[i] = Fd();
  frame.descriptor_count = 0;
  frame.payload_size = 0;

  iovec vector{frame.bytes.data(), frame.bytes.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  Control control;
  const bool accepted = descriptors == Descriptors::accepted;
  if (accepted) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
  }
  // Without room for them the kernel drops descriptors, before they are ours.
  ssize_t size = 0;
  while ((size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno == EINTR) continue;
    if (errno == ECONNRESET) return Error(Errc::unavailable, "the worker's channel was cut");
    return system_error(errno, "receive from a worker's channel");
  }
  if (accepted) take_descriptors(message, frame);
  if (size == 0) return Error(Errc::unavailable, "the worker's channel has ended");

  if ((message.msg_flags & MSG_TRUNC) != 0 ||
      static_cast<std::size_t>(size) < sizeof(FrameHeader)) {
    return Error(Errc::corrupt, "a message on the worker's channel is no frame");
  }
  std::memcpy(&frame.header, frame.bytes.data(), sizeof frame.header);
  if (frame.header.size != static_cast<std::size_t>(size)) {
    return Error(Errc::corrupt, "a frame on the worker's channel has another size than it says");
  }
  frame.payload_size = static_cast<std::size_t>(size) - sizeof(FrameHeader);
  return {};
}

}  // namespace plakar::host::worker
