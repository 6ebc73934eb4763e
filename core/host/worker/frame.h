// What travels between the host and plakar-worker: frames, each one datagram of a
// SOCK_SEQPACKET socket.
//
//   frame   := header:32  payload, at most 16 KiB in all
//   header  := size:u32  type:u16  op:u16  call:u64  handle:u64  status:i32  flags:u32
//
// In the machine's own byte order: both ends are of one build, which is checked before anything
// else, and the format may change with every build. What does not fit into a frame travels in
// the arena (arena.h), and the frame says where.
//
//   type            from    on       op                 call, handle, status, payload
//   request         host    lane     which function     number of the call; the module's handle;
//                                                        RequestPrefix, arguments
//   response        worker  lane     that of request    the same call; what the function returned;
//                                                        ResponsePrefix, results or Failure
//   reverse         worker  lane     host function      the call within which it is asked;
//                                                        arguments
//   reverse_answer  host    lane     that of reverse    what the function returned; results, and
//                                                        descriptors by SCM_RIGHTS
//   event           worker  control  log, metric        nothing is answered
//   event           worker  lane     progress
//   cancel          host    control                     number of the call; the lane
//   lane            host    control                     number of the lane in `handle`; its socket
//                                                        by SCM_RIGHTS
//   start           host    control                     arena and module by SCM_RIGHTS; Start
//   ready           worker  control                     Ready
//   bye             host    control                     the worker ends
//
// The host trusts nothing that comes from a worker. A frame it cannot read ends that worker.
#pragma once

#include <cstddef>
#include <cstdint>

namespace plakar::host::worker {

enum class FrameType : std::uint16_t {
  request = 1,
  response,
  reverse,
  reverse_answer,
  event,
  cancel,
  lane,
  start,
  ready,
  bye,
};

// One for each function of connector.h that crosses, and for each that crosses back.
enum class Op : std::uint16_t {
  none = 0,

  load = 1,
  shutdown,
  config_check,
  config_choices,
  config_migrate,
  open,
  location,
  ping,
  interrupt,
  close,

  scan_open = 20,
  scan_next,
  record_open,
  scan_ack,
  scan_close,
  estimate,
  read,
  reader_close,

  export_open = 40,
  put_record,
  export_finish,
  export_close,
  write,
  write_zeros,
  commit,
  abort,

  create = 60,
  load_config,
  mode,
  used_bytes,
  list_open,
  list_next,
  list_close,
  object_size,
  get,
  put,
  del,
  get_open,
  upload_open,
  upload_write,
  upload_commit,
  upload_abort,
  finish,

  secret_get = 80,
  resources_open,
  resources_next,
  resources_close,

  log = 100,
  metric_define,
  metric_record,
  progress,

  secret_refresh = 110,
  process_spawn,
  process_wait,
  process_kill,
  tempdir_path,
  tempdir_remove,
};

// The name of the function in connector.h, for messages: "scan_next".
const char* op_name(Op op) noexcept;

// Functions that free a handle: never cancelled, with a deadline of their own.
bool is_clean_up(Op op) noexcept;

struct FrameHeader {
  std::uint32_t size = 0;  // Of the whole frame.
  FrameType type{};
  Op op = Op::none;
  std::uint64_t call = 0;
  std::uint64_t handle = 0;
  std::int32_t status = 0;
  std::uint32_t flags = 0;  // frame_flag::*
};
static_assert(sizeof(FrameHeader) == 32);

namespace frame_flag {
inline constexpr std::uint32_t packed_in_arena = 1;  // The arguments or results are in the arena.
}

inline constexpr std::size_t frame_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t frame_payload_max = frame_bytes_max - sizeof(FrameHeader);

// A part of the arena.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// In front of the arguments of a request. With packed_in_arena the arguments are in `packed`,
// and the payload ends here.
struct RequestPrefix {
  Extent data;  // Bytes for the function: of write(), of put().
  Extent room;  // Where the function may leave bytes: read(), batches, sinks.
  Extent packed;
  std::int64_t remaining_ms = -1;  // Until the deadline of the call; -1: none.
};
static_assert(sizeof(RequestPrefix) == 56);

// In front of the results in a response. With packed_in_arena the results are the first
// `packed_bytes` of the room; otherwise `room_bytes` of it are the function's bytes.
struct ResponsePrefix {
  std::uint64_t room_bytes = 0;
  std::uint64_t packed_bytes = 0;
};
static_assert(sizeof(ResponsePrefix) == 16);

// Arguments and results up to here are in the frame.
inline constexpr std::size_t inline_bytes_max = frame_payload_max - sizeof(RequestPrefix);

}  // namespace plakar::host::worker
