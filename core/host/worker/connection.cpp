#include "core/host/worker/connection.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/assert.h"
#include "core/base/secret.h"
#include "core/base/system_error.h"
#include "core/base/text.h"
#include "core/host/worker/messages.h"
#include "core/host/worker/start.h"

namespace plakar::host::worker {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// How long a call waits for what other calls use.
constexpr auto room_wait_max = 30s;
// A module that notices late that it was cancelled is not yet stuck.
constexpr auto cancel_time = 1s;
// Where the host's call has no descriptor to wait for.
constexpr auto cancel_poll = 50ms;
// A worker whose channel has ended has ended itself, or is about to.
constexpr auto end_patience = 500ms;
// SIGKILL leaves no choice; only a process in an uninterruptible wait takes its time.
constexpr auto end_wait_max = 1h;
constexpr std::size_t interrupt_lanes_max = 8;
constexpr std::size_t last_words_in_message_max = 300;

std::string own_directory() {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string_view whole(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::string(whole.substr(0, whole.rfind('/') + 1));
}

std::uint64_t aligned(std::uint64_t size) { return (size + 63) / 64 * 64; }

// The last line that says something.
std::string_view last_line(std::string_view words) {
  while (!words.empty() && (words.back() == '\n' || words.back() == ' ')) words.remove_suffix(1);
  const std::size_t newline = words.rfind('\n');
  if (newline != std::string_view::npos) words.remove_prefix(newline + 1);
  return words.substr(0, last_words_in_message_max);
}

}  // namespace

struct Connection::Lane {
  Fd socket;
  std::uint64_t number = 0;
  Frame frame;
};

enum class Connection::Wait : std::uint8_t { answered, gone, stuck_at_deadline, stuck_cancelled };

class Connection::Pending {
 public:
  ~Pending() { PLK_ASSERT(lane == nullptr); }  // finish() was called.

  Op op = Op::none;
  std::unique_ptr<Lane> lane;
  std::uint64_t number = 0;
  Arena::Slot slot;
  Extent room;  // Within the slot.
  Clock::time_point deadline = Clock::time_point::max();
  bool secret = false;
  // Why it could not even begin.
  plk_status failed = PLK_OK;
  std::string failure;
  Answer answer;
};

Connection::Connection(const WorkerSettings& settings, const plk_host_api& host,
                       plk_ctx* module_ctx)
    : settings_(settings),
      host_(host),
      reverse_(host, module_ctx),
      name_(settings.module_name),
      version_(settings.module_version) {}

Result<std::shared_ptr<Connection>> Connection::open(Supervisor& supervisor,
                                                     const WorkerSettings& settings,
                                                     const plk_host_api& host, plk_ctx* module_ctx,
                                                     std::function<void(const Ending&)> crashed) {
  std::shared_ptr<Connection> connection(new Connection(settings, host, module_ctx));
  connection->crashed_ = std::move(crashed);
  Fd opened;
  if (settings.module_file == nullptr) {
    opened = Fd(::open(settings.module_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened) return system_error(errno, "open", settings.module_path);
  }
  const Fd& file = opened ? opened : *settings.module_file;
  connection->arena_ = PLK_TRY(Arena::create(settings.arena_bytes));
  const std::string program =
      settings.program.empty() ? own_directory() + "plakar-worker" : settings.program;
  // The connection outlives the process: its destructor waits for the end.
  Connection* raw = connection.get();
  connection->process_ = PLK_TRY_CONTEXT(
      WorkerProcess::start(supervisor, program,
                           {.frame = [raw](Frame& frame) { raw->on_control(frame); },
                            .ended = [raw](const Ending& ending) { raw->on_end(ending); }}),
      "start a worker for " + settings.module_name);
  connection->alive_ = true;
  PLK_TRY(connection->say_start(file.get()));
  PLK_TRY(connection->await_ready());
  return connection;
}

Connection::~Connection() {
  if (process_ == nullptr) return;
  process_->expect_end();
  process_->kill("nobody needs it any more");
  process_->wait_for_end(end_wait_max);
}

Status Connection::say_start(int module_file) {
  Packer packer;
  pack(packer, Start{.build = build_id(),
                     .module_path = settings_.module_path,
                     .log_level = reverse_.log_level(),
                     .extensions = reverse_.extensions(),
                     .abi_minor = host_.abi_minor,
                     .permissions = settings_.permissions});
  if (packer.size() > frame_payload_max) {
    return Error(Errc::invalid_argument, "the permissions of a module name too many places");
  }
  const BytesView parts[] = {packer.view()};
  const int descriptors[] = {arena_->descriptor().get(), module_file};
  // That it has ended already is noticed while waiting.
  static_cast<void>(
      send_frame(process_->control(), {.type = FrameType::start}, parts, descriptors));
  return {};
}

Status Connection::await_ready() {
  std::unique_lock lock(mutex_);
  const bool heard = changed_.wait_for(lock, settings_.start_time,
                                       [this] { return ready_.has_value() || ended_; });
  if (!heard) {
    lock.unlock();
    process_->kill("it did not become ready in time");
    return Error(Errc::unavailable, "the worker for " + name_ + " did not become ready in time");
  }
  if (!ready_) {
    lock.unlock();
    return Error(Errc::unavailable,
                 "the worker for " + settings_.module_name + " " + end_description());
  }
  confinement_ = PLK_TRY(std::move(*ready_));
  return {};
}

void Connection::on_control(Frame& frame) {
  if (frame.header.type == FrameType::ready) {
    auto ready = unpack_ready(frame.payload());
    const std::scoped_lock lock(mutex_);
    if (ready_) return;
    if (!ready) {
      ready_ = Result<Confinement>(std::move(ready).error());
    } else if (ready->build != build_id()) {
      ready_ = Result<Confinement>(
          Error(Errc::unsupported, "plakar-worker is of another build than this program"));
    } else {
      ready_ = Result<Confinement>(ready->confinement);
    }
    changed_.notify_all();
    return;
  }
  Status fine;
  if (frame.header.type == FrameType::event) {
    fine = reverse_.event(frame, nullptr);
  } else if (frame.header.type == FrameType::reverse &&
             (frame.header.op == Op::tempdir_path || frame.header.op == Op::tempdir_remove)) {
    // From a thread of the module that runs no call. Only what does not wait is served here.
    if (const auto reply = reverse_.serve(frame, nullptr)) {
      const BytesView parts[] = {reply->payload.view()};
      fine = send_frame(process_->control(),
                        {.type = FrameType::reverse_answer,
                         .op = frame.header.op,
                         .call = frame.header.call,
                         .status = reply->status},
                        parts, {}, Waiting::not_allowed);
    } else {
      fine = reply.error();
    }
  } else {
    fine = Error(Errc::corrupt, "a frame that is not for the control channel");
  }
  if (!fine) process_->kill("it broke the rules of its control channel");
}

void Connection::on_end(const Ending& ending) {
  alive_ = false;
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    // Also where somebody else still holds the worker's end.
    for (Lane* lane : lanes_) ::shutdown(lane->socket.get(), SHUT_RDWR);
    changed_.notify_all();
  }
  reverse_.kill_children();
  if (!ending.planned) crashed_(ending);
}

void Connection::set_module(std::string name, std::string version) {
  const std::scoped_lock lock(mutex_);
  name_ = std::move(name);
  version_ = std::move(version);
}

bool Connection::alive() { return alive_; }

std::string Connection::end_description() {
  const Ending ending = process_->ending();
  std::string description = ending.describe();
  std::string words(last_line(ending.last_words));
  if (!words.empty()) {
    if (settings_.redactor != nullptr) words = settings_.redactor->redact(words);
    description += "; its last words: " + escape(words);
  }
  return description;
}

void Connection::stop() {
  process_->expect_end();
  if (alive_) {
    Packer none;
    call({.op = Op::shutdown, .arguments = &none});
    static_cast<void>(
        send_frame(process_->control(), {.type = FrameType::bye}, {}, {}, Waiting::not_allowed));
    process_->wait_for_end(1s);
  }
  process_->kill("nobody needs it any more");
  process_->wait_for_end(end_wait_max);
}

// --- Lanes ------------------------------------------------------------------------------------

Result<std::unique_ptr<Connection::Lane>> Connection::take_lane(Op op) {
  // What ends other calls does not wait behind them.
  const std::size_t lanes_max =
      settings_.lanes_max + (op == Op::interrupt ? interrupt_lanes_max : 0);
  std::unique_lock lock(mutex_);
  const bool free = changed_.wait_for(
      lock, room_wait_max, [&] { return ended_ || !idle_.empty() || lanes_.size() < lanes_max; });
  if (!free) return Error(Errc::conflict, "too many calls at once");
  if (ended_) return Error(Errc::unavailable, "the worker has ended");
  if (!idle_.empty()) {
    auto lane = std::move(idle_.back());
    idle_.pop_back();
    return lane;
  }
  // Under the lock, so that numbers count as the worker counts.
  ChannelPair channel = PLK_TRY(make_channel());
  auto lane = std::make_unique<Lane>();
  lane->socket = std::move(channel.ours);
  lane->number = lanes_.size();
  const int theirs[] = {channel.theirs.get()};
  PLK_TRY(send_frame(process_->control(), {.type = FrameType::lane, .handle = lane->number}, {},
                     theirs));
  lanes_.push_back(lane.get());
  return lane;
}

void Connection::give_back(std::unique_ptr<Lane> lane) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(lane));
  changed_.notify_one();
}

// --- Calls ------------------------------------------------------------------------------------

std::string Connection::subject(Op op) {
  const std::scoped_lock lock(mutex_);
  return name_ + (version_.empty() ? "" : " " + version_) + ": " + op_name(op);
}

plk_status Connection::worker_is_gone(Op op, plk_error* err) {
  // Its channel is cut before its end is known, and it may have closed that itself.
  if (!process_->wait_for_end(
          std::chrono::duration_cast<std::chrono::milliseconds>(end_patience))) {
    process_->kill("it closed its channel");
    process_->wait_for_end(settings_.grace);
  }
  return plk_fail(err, PLK_E_CRASHED, (subject(op) + ": the worker " + end_description()).c_str());
}

plk_status Connection::stuck(Op op, bool cancelled, plk_error* err) {
  const std::string what =
      cancelled ? " did not return after it was cancelled" : " did not return by its deadline";
  process_->kill(std::string(op_name(op)) + what);
  process_->wait_for_end(settings_.grace);
  return plk_fail(err, cancelled ? PLK_E_CANCELLED : PLK_E_TIMEOUT,
                  (subject(op) + what + ", so that its worker was killed").c_str());
}

Arena::Slot Connection::fill(const plk_bytes& data) {
  if (!alive_) return {};
  auto slot = arena_->take(data.len, 0ms);
  if (!slot) return {};
  std::memcpy(slot->memory().data(), data.ptr, data.len);
  return std::move(*slot);
}

Answer Connection::call(const Request& request) {
  return finish(begin(request), request.call, request.err);
}

std::shared_ptr<Connection::Pending> Connection::begin(const Request& request) {
  auto pending = std::make_shared<Pending>();
  pending->op = request.op;
  pending->secret = request.secret;
  std::array<char, 512> message;
  plk_error err{};
  err.struct_size = sizeof err;
  err.message = message.data();
  err.message_cap = static_cast<std::uint32_t>(message.size());
  pending->failed = prepare(request, *pending, &err);
  if (pending->failed != PLK_OK) {
    pending->failure.assign(err.message, std::min(err.message_len, err.message_cap));
  }
  return pending;
}

plk_status Connection::prepare(const Request& request, Pending& pending, plk_error* err) {
  if (!alive_) return worker_is_gone(request.op, err);
  const BytesView arguments =
      request.arguments == nullptr ? BytesView() : request.arguments->view();
  const bool in_arena = arguments.size() > inline_bytes_max;
  std::uint64_t data_bytes = 0;
  for (const plk_bytes& part : request.data) data_bytes += part.len;

  RequestPrefix prefix;
  const std::uint64_t packed_bytes = in_arena ? arguments.size() : 0;
  const std::uint64_t whole = aligned(data_bytes) + aligned(packed_bytes) + request.room_bytes;
  if (request.filled != nullptr && *request.filled) {
    pending.slot = std::move(*request.filled);
    prefix.data = {pending.slot.offset(), pending.slot.size()};
  } else if (whole != 0) {
    auto slot = arena_->take(whole, room_wait_max);
    if (!slot) {
      const bool never = slot.error().code() == Errc::out_of_space;
      return plk_fail(err, never ? PLK_E_NO_SPACE : PLK_E_BUSY,
                      (subject(request.op) + ": " + slot.error().message()).c_str());
    }
    pending.slot = std::move(*slot);
    if (request.secret) pending.slot.holds_secrets();
    std::byte* at = pending.slot.memory().data();
    for (const plk_bytes& part : request.data) {
      if (part.len != 0) std::memcpy(at, part.ptr, part.len);
      at += part.len;
    }
    prefix.data = {pending.slot.offset(), data_bytes};
    prefix.packed = {pending.slot.offset() + aligned(data_bytes), packed_bytes};
    if (in_arena) {
      std::memcpy(pending.slot.memory().data() + aligned(data_bytes), arguments.data(),
                  arguments.size());
    }
    pending.room = {aligned(data_bytes) + aligned(packed_bytes), request.room_bytes};
    prefix.room = {pending.slot.offset() + pending.room.offset, pending.room.size};
  }

  const bool clean_up = is_clean_up(request.op);
  std::int64_t remaining = request.call == nullptr ? -1 : host_.call_remaining_ms(request.call);
  if (clean_up || request.op == Op::load || request.op == Op::interrupt) {
    // Not the deadline of what is being cleaned up after, but one there is.
    const std::int64_t own = settings_.clean_up_time.count();
    remaining = remaining < 0 || clean_up ? own : std::min(remaining, own);
  }
  prefix.remaining_ms = remaining;
  if (remaining >= 0) pending.deadline = Clock::now() + std::chrono::milliseconds(remaining);

  auto lane = take_lane(request.op);
  if (!lane) {
    if (lane.error().code() == Errc::unavailable) return worker_is_gone(request.op, err);
    return plk_fail(err, PLK_E_BUSY, (subject(request.op) + ": " + lane.error().message()).c_str());
  }
  pending.lane = std::move(*lane);
  pending.number = next_call_++;
  const BytesView parts[] = {std::as_bytes(std::span(&prefix, 1)),
                             in_arena ? BytesView() : arguments};
  const Status sent = send_frame(pending.lane->socket.get(),
                                 {.type = FrameType::request,
                                  .op = request.op,
                                  .call = pending.number,
                                  .handle = request.handle,
                                  .flags = in_arena ? frame_flag::packed_in_arena : 0},
                                 parts);
  if (sent) return PLK_OK;
  give_back(std::move(pending.lane));
  return worker_is_gone(request.op, err);
}

Answer Connection::finish(std::shared_ptr<Pending> pending, plk_call* call, plk_error* err) {
  if (pending->failed != PLK_OK) {
    pending->answer.status = plk_fail(err, pending->failed, pending->failure.c_str());
    return std::move(pending->answer);
  }
  if (call != nullptr) {
    const std::scoped_lock lock(mutex_);
    waiting_[call] = {pending->lane->number, pending->number};
  }
  pending->answer.status = await(*pending, call, false, err);
  if (call != nullptr) {
    const std::scoped_lock lock(mutex_);
    waiting_.erase(call);
  }
  return std::move(pending->answer);
}

void Connection::abandon(std::shared_ptr<Pending> pending) {
  if (pending->failed != PLK_OK) return;
  cancel(*pending);
  await(*pending, nullptr, true, nullptr);
}

void Connection::cancel(const Pending& pending) {
  // Where it cannot be sent the worker is gone, or stuck, which is noticed anyway.
  static_cast<void>(send_frame(
      process_->control(),
      {.type = FrameType::cancel, .call = pending.number, .handle = pending.lane->number}, {}, {},
      Waiting::not_allowed));
}

plk_status Connection::broken(Op op, plk_error* err) {
  process_->kill("it answered " + std::string(op_name(op)) + " with what is no answer");
  return worker_is_gone(op, err);
}

void Connection::interrupt(std::uint64_t instance, plk_call* call) {
  std::pair<std::uint64_t, std::uint64_t> lane_and_number;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = waiting_.find(call);
    if (found == waiting_.end()) return;  // It has returned already.
    lane_and_number = found->second;
  }
  Packer packer;
  packer(lane_and_number.first);
  packer(lane_and_number.second);
  this->call({.op = Op::interrupt, .handle = instance, .arguments = &packer});
}

plk_status Connection::await(Pending& pending, plk_call* call, bool cancelled, plk_error* err) {
  Lane& lane = *pending.lane;
  const bool clean_up = is_clean_up(pending.op);
  if (clean_up) call = nullptr;
  const int cancel_fd = call == nullptr ? -1 : host_.call_cancel_fd(call);
  Clock::time_point kill_at = Clock::time_point::max();
  if (pending.deadline != Clock::time_point::max()) kill_at = pending.deadline + settings_.grace;
  if (cancelled) kill_at = std::min(kill_at, Clock::now() + cancel_time + settings_.grace);

  for (;;) {
    pollfd polled[] = {{lane.socket.get(), POLLIN, 0}, {cancelled ? -1 : cancel_fd, POLLIN, 0}};
    const auto now = Clock::now();
    if (now >= kill_at) {
      const plk_status status = stuck(pending.op, cancelled, err);
      give_back(std::move(pending.lane));
      return status;
    }
    Clock::duration wait = std::min<Clock::duration>(kill_at - now, 1h);
    const bool must_look = call != nullptr && cancel_fd < 0 && !cancelled;
    if (must_look) wait = std::min<Clock::duration>(wait, cancel_poll);
    const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    const int ready = ::poll(polled, 2, static_cast<int>(wait_ms));
    if (ready < 0) continue;  // EINTR

    if (polled[0].revents != 0) {
      bool answered = false;
      if (!read_lane(pending, call, answered)) {
        give_back(std::move(pending.lane));
        return worker_is_gone(pending.op, err);
      }
      if (answered) {
        const plk_status status = accept(pending, err);
        give_back(std::move(pending.lane));
        return status;
      }
    }
    if (!cancelled && call != nullptr && (polled[1].revents != 0 || must_look) &&
        host_.call_cancelled(call) != 0) {
      cancelled = true;
      kill_at = std::min(kill_at, Clock::now() + cancel_time + settings_.grace);
      cancel(pending);
    }
  }
}

// False when the worker is gone, or has to be.
bool Connection::read_lane(Pending& pending, plk_call* call, bool& answered) {
  Lane& lane = *pending.lane;
  Status fine = receive_frame(lane.socket.get(), lane.frame, Descriptors::refused);
  if (!fine && fine.error().code() != Errc::corrupt) return false;
  const FrameHeader header = lane.frame.header;
  if (fine && header.call != pending.number) {
    fine = Error(Errc::corrupt, "a frame of another call");
  }
  if (fine && header.type == FrameType::response && header.op == pending.op) {
    answered = true;
    return true;
  }
  if (fine && header.type == FrameType::event) {
    fine = reverse_.event(lane.frame, call);
  } else if (fine && header.type == FrameType::reverse) {
    auto reply = reverse_.serve(lane.frame, call);
    if (reply) {
      std::array<int, frame_descriptors_max> descriptors{};
      const std::size_t count = std::min(reply->descriptors.size(), descriptors.size());
      for (std::size_t i = 0; i < count; ++i) descriptors[i] = reply->descriptors[i].get();
      const BytesView parts[] = {reply->payload.view()};
      const Status sent = send_frame(lane.socket.get(),
                                     {.type = FrameType::reverse_answer,
                                      .op = header.op,
                                      .call = pending.number,
                                      .status = reply->status},
                                     parts, std::span(descriptors).first(count));
      if (header.op == Op::secret_refresh) reply->payload.wipe();
      return sent.has_value();
    }
    fine = reply.error();
  } else if (fine) {
    fine = Error(Errc::corrupt, "a frame that is not for a lane");
  }
  if (fine) return true;
  process_->kill("it wrote what is no message during " + std::string(op_name(pending.op)));
  return false;
}

// Copies the response, and nothing is looked at before.
plk_status Connection::accept(Pending& pending, plk_error* err) {
  const FrameHeader header = pending.lane->frame.header;
  const BytesView payload = pending.lane->frame.payload();
  ResponsePrefix prefix;
  if (payload.size() < sizeof prefix) return broken(pending.op, err);
  std::memcpy(&prefix, payload.data(), sizeof prefix);
  if (prefix.room_bytes > pending.room.size || prefix.packed_bytes > pending.room.size) {
    return broken(pending.op, err);
  }
  const BytesView room =
      pending.room.size == 0
          ? BytesView()
          : BytesView(pending.slot.memory()).subspan(pending.room.offset, pending.room.size);
  const bool in_arena = (header.flags & frame_flag::packed_in_arena) != 0;
  pending.answer.results =
      to_bytes(in_arena ? room.first(prefix.packed_bytes) : payload.subspan(sizeof prefix));

  if (header.status < 0) {
    const auto failure = unpack_failure(pending.answer.results);
    if (!failure) return broken(pending.op, err);
    plk_fail(err, header.status, failure->message.c_str());
    if (err != nullptr) {
      err->flags = failure->flags;
      err->sys_errno = failure->sys_errno;
      err->retry_after_ms = failure->retry_after_ms;
      std::memcpy(err->vendor, failure->vendor.data(), failure->vendor.size());
    }
    // PLK_E_CRASHED is the host's to say.
    return header.status == PLK_E_CRASHED ? plk_fail(err, PLK_E_UNKNOWN, failure->message.c_str())
                                          : header.status;
  }
  pending.answer.room = room.first(in_arena ? 0 : prefix.room_bytes);
  pending.answer.slot = std::move(pending.slot);
  return header.status;
}

}  // namespace plakar::host::worker
