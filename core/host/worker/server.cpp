#include "core/host/worker/server.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "core/base/secret.h"
#include "core/host/worker/arena.h"
#include "core/host/worker/channel.h"
#include "core/host/worker/internal/dispatch.h"
#include "core/host/worker/internal/lane.h"
#include "core/host/worker/internal/services.h"
#include "core/host/worker/internal/thread.h"
#include "core/host/worker/messages.h"
#include "core/host/worker/start.h"

namespace plakar::host::worker {
namespace {

// What the host's end of life looks like from here; sysexits' EX_PROTOCOL otherwise.
constexpr int exit_host_gone = 0;
constexpr int exit_protocol = 76;

// stderr is what the host shows of a worker that has ended.
void complain(std::string_view sentence) {
  std::fprintf(stderr, "plakar-worker: %.*s\n", static_cast<int>(sentence.size()), sentence.data());
}

[[noreturn]] void end_process(int status) { ::_exit(status); }

class Server {
 public:
  Server(int control, Mapping arena, const Start& start, Fd module_file, const Loader& loader)
      : control_(control),
        arena_(std::move(arena)),
        services_(control, start),
        dispatcher_(services_, lanes_, loader, start, std::move(module_file)) {}

  int run();

 private:
  bool add_lane(Fd socket);
  void serve_lane(Lane& lane);
  void serve_request(Lane& lane, Frame& frame, Packer& out);
  void respond(const Lane& lane, const FrameHeader& request, plk_status status,
               const plk_error& err, std::span<std::byte> room, Packer& out,
               std::uint64_t room_bytes);

  int control_;
  Mapping arena_;
  Lanes lanes_;
  Services services_;
  Dispatcher dispatcher_;
};

int Server::run() {
  const auto frame = std::make_unique<Frame>();
  for (;;) {
    if (!receive_frame(control_, *frame, Descriptors::accepted)) return exit_host_gone;
    switch (frame->header.type) {
      case FrameType::lane:
        if (frame->descriptor_count != 1 || !add_lane(std::move(frame->descriptors[0]))) {
          complain("the system gives no thread for a lane");
          return exit_protocol;
        }
        break;
      case FrameType::cancel:
        if (Lane* lane = lanes_.at(frame->header.handle)) lane->cancel(frame->header.call);
        break;
      case FrameType::reverse_answer:
        services_.answered(*frame);
        break;
      case FrameType::bye:
        return 0;
      case FrameType::request:
      case FrameType::response:
      case FrameType::reverse:
      case FrameType::event:
      case FrameType::start:
      case FrameType::ready:
        complain("the host sent a frame that is not for here");
        return exit_protocol;
    }
  }
}

bool Server::add_lane(Fd socket) {
  Lane& lane = lanes_.add(std::move(socket));
  pthread_t thread;
  if (!start_module_thread(thread, [this, &lane] { serve_lane(lane); })) return false;
  ::pthread_detach(thread);
  return true;
}

void Server::serve_lane(Lane& lane) {
  const auto frame = std::make_unique<Frame>();
  Packer out;
  while (receive_frame(lane.socket(), *frame, Descriptors::refused)) {
    if (frame->header.type != FrameType::request || frame->payload_size < sizeof(RequestPrefix)) {
      complain("the host sent a frame that is no request");
      end_process(exit_protocol);
    }
    serve_request(lane, *frame, out);
  }
}

void Server::serve_request(Lane& lane, Frame& frame, Packer& out) {
  const FrameHeader header = frame.header;
  RequestPrefix prefix;
  std::memcpy(&prefix, frame.payload().data(), sizeof prefix);
  const auto data = arena_.at(prefix.data);
  const auto room = arena_.at(prefix.room);
  const auto packed = arena_.at(prefix.packed);
  if (!data || !room || !packed) {
    complain("the host named memory outside the arena");
    end_process(exit_protocol);
  }
  const bool in_arena = (header.flags & frame_flag::packed_in_arena) != 0;
  const BytesView arguments =
      in_arena ? BytesView(*packed) : frame.payload().subspan(sizeof prefix);

  std::array<char, error_message_bytes_max> message;
  plk_error err{};
  err.struct_size = sizeof err;
  err.message = message.data();
  err.message_cap = static_cast<std::uint32_t>(message.size());
  out.clear();
  lane.begin(header.call, prefix.remaining_ms);
  Exchange exchange{.op = header.op,
                    .handle = header.handle,
                    .in = Unpacker(arguments),
                    .data = *data,
                    .room = *room,
                    .call = lane.call(),
                    .err = &err,
                    .out = out};
  const plk_status status = dispatcher_.run(exchange);
  lane.end();
  // The configuration had secrets in it.
  if (header.op == Op::open || header.op == Op::config_choices) {
    wipe(std::span(frame.bytes).first(sizeof header + frame.payload_size));
  }
  respond(lane, header, status, err, *room, out, exchange.room_bytes);
}

void Server::respond(const Lane& lane, const FrameHeader& request, plk_status status,
                     const plk_error& err, std::span<std::byte> room, Packer& out,
                     std::uint64_t room_bytes) {
  FrameHeader header{.type = FrameType::response,
                     .op = request.op,
                     .call = request.call,
                     .handle = request.handle,
                     .status = status};
  ResponsePrefix prefix;
  if (status >= 0 && out.size() > inline_bytes_max && out.size() > room.size()) {
    // Only what a connector says of itself has no limit of its own, as its location.
    header.status = status = PLK_E_NO_SPACE;
    out.clear();
    pack(out, Failure{.message = "what the connector answers does not fit into a message"});
  } else if (status < 0) {
    out.clear();
    Failure failure{
        .flags = err.flags, .sys_errno = err.sys_errno, .retry_after_ms = err.retry_after_ms};
    failure.message.assign(err.message, std::min(err.message_len, err.message_cap));
    failure.vendor.assign(err.vendor, ::strnlen(err.vendor, sizeof err.vendor));
    pack(out, failure);
  } else if (out.size() > inline_bytes_max) {
    std::memcpy(room.data(), out.view().data(), out.size());
    prefix.packed_bytes = out.size();
    header.flags = frame_flag::packed_in_arena;
  } else {
    prefix.room_bytes = room_bytes;
  }
  const BytesView in_frame =
      (header.flags & frame_flag::packed_in_arena) != 0 ? BytesView() : out.view();
  const BytesView parts[] = {std::as_bytes(std::span(&prefix, 1)), in_frame};
  // A host that is gone is noticed on the control channel.
  static_cast<void>(send_frame(lane.socket(), header, parts));
}

Status say_ready(int control, const Confinement& confinement) {
  Packer packer;
  pack(packer, Ready{build_id(), confinement});
  const BytesView parts[] = {packer.view()};
  return send_frame(control, {.type = FrameType::ready}, parts);
}

}  // namespace

int serve(int control, const Loader& loader) {
  const auto frame = std::make_unique<Frame>();
  if (!receive_frame(control, *frame, Descriptors::accepted)) return exit_host_gone;
  if (frame->header.type != FrameType::start || frame->descriptor_count != 2) {
    complain("the host did not begin with a start");
    return exit_protocol;
  }
  auto start = unpack_start(frame->payload());
  if (start && start->build != build_id()) {
    complain("the host is of another build");
    static_cast<void>(say_ready(control, {}));
    return exit_protocol;
  }
  if (!start) {
    complain(start.error().message());
    return exit_protocol;
  }
  auto arena = map_arena(frame->descriptors[0]);
  frame->descriptors[0] = Fd();
  Fd module_file = std::move(frame->descriptors[1]);
  if (!arena) {
    complain(arena.error().message());
    return exit_protocol;
  }
  const auto confinement = confine(start->permissions, module_file);
  if (!confinement) {
    complain(confinement.error().message());
    return exit_protocol;
  }
  if (!say_ready(control, *confinement)) return exit_host_gone;
  // Never destroyed: lanes may be within the module when this thread is done.
  auto* server = new Server(control, std::move(*arena), *start, std::move(module_file), loader);
  return server->run();
}

}  // namespace plakar::host::worker
