#include "core/host/worker/reverse.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "core/base/secret.h"
#include "core/host/worker/messages.h"
#include "core/host/worker/start.h"

namespace plakar::host::worker {
namespace {

constexpr std::uint64_t secret_bytes_max = 8 * 1024;
constexpr std::uint64_t path_bytes_max = 4096;
constexpr std::array levels = {PLK_LOG_TRACE, PLK_LOG_DEBUG, PLK_LOG_INFO, PLK_LOG_WARN,
                               PLK_LOG_ERROR};

// Somewhere for the host to write why it failed.
class Details {
 public:
  Details() {
    err_.struct_size = sizeof err_;
    err_.message = message_.data();
    err_.message_cap = static_cast<std::uint32_t>(message_.size());
  }
  plk_error* err() { return &err_; }
  ReverseServices::Reply failure(plk_status status) const {
    ReverseServices::Reply reply;
    reply.status = status;
    pack(reply.payload, Failure{.flags = err_.flags,
                                .sys_errno = err_.sys_errno,
                                .retry_after_ms = err_.retry_after_ms,
                                .message = std::string(
                                    err_.message, std::min(err_.message_len, err_.message_cap))});
    return reply;
  }

 private:
  std::array<char, 512> message_{};
  plk_error err_{};
};

ReverseServices::Reply refused(plk_status status, const char* why) {
  Details details;
  plk_fail(details.err(), status, why);
  return details.failure(status);
}

}  // namespace

ReverseServices::~ReverseServices() { kill_children(); }

std::int32_t ReverseServices::log_level() const {
  for (const std::int32_t level : levels) {
    if (host_.log_enabled(module_ctx_, level) != 0) return level;
  }
  return PLK_LOG_ERROR + 1;
}

std::uint32_t ReverseServices::extensions() const {
  return (processes() != nullptr ? host_has::process : 0) |
         (tempdirs() != nullptr ? host_has::tempdir : 0);
}

std::uint64_t ReverseServices::add_instance(plk_ctx* ctx) {
  const std::scoped_lock lock(mutex_);
  instances_.emplace(next_instance_, ctx);
  return next_instance_++;
}

void ReverseServices::remove_instance(std::uint64_t instance) {
  const std::scoped_lock lock(mutex_);
  instances_.erase(instance);
}

plk_ctx* ReverseServices::context(std::uint64_t instance) {
  const std::scoped_lock lock(mutex_);
  const auto found = instances_.find(instance);
  return found == instances_.end() ? module_ctx_ : found->second;
}

const plk_process_ops* ReverseServices::processes() const {
  return static_cast<const plk_process_ops*>(host_.extension(module_ctx_, PLK_EXT_PROCESS));
}

const plk_tempdir_ops* ReverseServices::tempdirs() const {
  return static_cast<const plk_tempdir_ops*>(host_.extension(module_ctx_, PLK_EXT_TEMPDIR));
}

Status ReverseServices::event(const Frame& frame, plk_call* call) {
  Unpacker unpacker(frame.payload());
  if (frame.header.op == Op::log) {
    plk_log_record record{};
    fields(unpacker, record);
    PLK_TRY(unpacker.finish());
    host_.log(context(frame.header.handle), &record);
    return {};
  }
  if (frame.header.op == Op::progress && call != nullptr) {
    plk_progress progress{};
    fields(unpacker, progress);
    PLK_TRY(unpacker.finish());
    host_.progress(call, &progress);
    return {};
  }
  if (frame.header.op == Op::metric_define) {
    const auto number = unpacker.value<std::uint32_t>();
    const auto kind = unpacker.value<std::uint32_t>();
    const auto name = unpacker.value<plk_str>();
    const auto unit = unpacker.value<plk_str>();
    PLK_TRY(unpacker.finish());
    std::uint32_t id = 0;
    const plk_status status = host_.metric_define(module_ctx_, kind, name, unit, &id);
    const std::scoped_lock lock(mutex_);
    if (status == PLK_OK && metrics_.size() < metrics_max) metrics_.emplace(number, id);
    return {};
  }
  if (frame.header.op == Op::metric_record) {
    const auto number = unpacker.value<std::uint32_t>();
    const auto value = unpacker.value<double>();
    PLK_TRY(unpacker.finish());
    std::unique_lock lock(mutex_);
    const auto found = metrics_.find(number);
    if (found == metrics_.end()) return {};
    const std::uint32_t id = found->second;
    lock.unlock();
    host_.metric_record(context(frame.header.handle), id, value);
    return {};
  }
  if (frame.header.op == Op::process_kill) {
    const auto number = unpacker.value<std::uint64_t>();
    PLK_TRY(unpacker.finish());
    kill_child(number);
    return {};
  }
  if (frame.header.op == Op::progress) return {};  // Of a call without a plk_call.
  return Error(Errc::corrupt, "a worker reported what is no event");
}

Result<ReverseServices::Reply> ReverseServices::serve(const Frame& frame, plk_call* call) {
  Unpacker arguments(frame.payload());
  Reply reply;
  switch (frame.header.op) {
    case Op::secret_refresh:
      reply = refresh(arguments, call);
      break;
    case Op::process_spawn:
      reply = spawn(arguments, call);
      break;
    case Op::process_wait:
      reply = wait(arguments, call);
      break;
    case Op::tempdir_path:
      reply = tempdir_path(arguments);
      break;
    case Op::tempdir_remove: {
      const auto instance = arguments.value<std::uint64_t>();
      if (const auto* ops = tempdirs(); ops != nullptr && arguments.finish()) {
        ops->remove(context(instance));
      }
      break;
    }
    default:
      return Error(Errc::corrupt, "a worker asked for what is no function of the host");
  }
  PLK_TRY(arguments.finish());
  return reply;
}

ReverseServices::Reply ReverseServices::refresh(Unpacker& arguments, plk_call* call) {
  const auto instance = arguments.value<std::uint64_t>();
  const auto key = arguments.value<plk_str>();
  const auto cap = std::min(arguments.value<std::uint64_t>(), secret_bytes_max);
  if (!arguments.finish()) return {};
  Details details;
  Secret value(cap);
  std::uint64_t size = 0;
  const plk_status status = host_.secret_refresh(
      context(instance), call, key, value.writable().data(), cap, &size, details.err());
  if (status != PLK_OK && status != PLK_E_INVALID_ARG) return details.failure(status);
  Reply reply;
  reply.status = status;
  reply.payload(size);
  reply.payload.text(status == PLK_OK ? value.reveal_text().substr(0, size) : std::string_view());
  return reply;
}

ReverseServices::Reply ReverseServices::spawn(Unpacker& arguments, plk_call* call) {
  const auto instance = arguments.value<std::uint64_t>();
  plk_spawn_args args{};
  fields(arguments, args);
  if (!arguments.finish()) return {};
  const plk_process_ops* ops = processes();
  if (ops == nullptr) return refused(PLK_E_UNSUPPORTED, "this host starts no programs");
  {
    const std::scoped_lock lock(mutex_);
    if (children_.size() >= children_max) {
      return refused(PLK_E_BUSY, "the module has started too many programs");
    }
  }
  Details details;
  plk_pipes pipes{};
  pipes.struct_size = sizeof pipes;
  plk_process* process = nullptr;
  const plk_status status =
      ops->spawn(context(instance), call, &args, &pipes, &process, details.err());
  if (status != PLK_OK) return details.failure(status);

  Reply reply;
  std::uint32_t given = 0;
  const auto give = [&](std::uint32_t which, std::int32_t descriptor) {
    if ((args.flags & which) == 0 || descriptor < 0) return;
    given |= which;
    reply.descriptors.emplace_back(descriptor);
  };
  give(PLK_SPAWN_STDIN, pipes.stdin_fd);
  give(PLK_SPAWN_STDOUT, pipes.stdout_fd);
  give(PLK_SPAWN_STDERR, pipes.stderr_fd);
  const std::scoped_lock lock(mutex_);
  reply.payload(next_child_);
  reply.payload(given);
  children_.emplace(next_child_++, Child{.process = process});
  return reply;
}

ReverseServices::Reply ReverseServices::wait(Unpacker& arguments, plk_call* call) {
  const auto number = arguments.value<std::uint64_t>();
  if (!arguments.finish()) return {};
  plk_process* process = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = children_.find(number);
    if (found == children_.end() || found->second.waited_for) {
      return refused(PLK_E_INVALID_ARG, "there is no such program to wait for");
    }
    found->second.waited_for = true;
    process = found->second.process;
  }
  Details details;
  plk_exit ended{};
  ended.struct_size = sizeof ended;
  const plk_status status = processes()->wait(process, call, &ended, details.err());
  bool doomed = false;
  {
    const std::scoped_lock lock(mutex_);
    Child& child = children_[number];
    child.waited_for = false;
    doomed = child.doomed && status != PLK_OK;
    if (status == PLK_OK) children_.erase(number);
  }
  if (doomed) kill_child(number);
  if (status != PLK_OK) return details.failure(status);
  Reply reply;
  reply.payload(ended.code);
  reply.payload(ended.signal);
  return reply;
}

ReverseServices::Reply ReverseServices::tempdir_path(Unpacker& arguments) {
  const auto instance = arguments.value<std::uint64_t>();
  const auto wanted = arguments.value<std::uint64_t>();
  if (!arguments.finish()) return {};
  const plk_tempdir_ops* ops = tempdirs();
  if (ops == nullptr) return refused(PLK_E_UNSUPPORTED, "this host has no temporary directories");
  Details details;
  std::string path(path_bytes_max, '\0');
  std::uint64_t size = 0;
  const plk_status status =
      ops->path(context(instance), wanted, path.data(), path.size(), &size, details.err());
  if (status != PLK_OK) return details.failure(status);
  Reply reply;
  reply.payload.text(std::string_view(path).substr(0, size));
  return reply;
}

void ReverseServices::kill_child(std::uint64_t number) {
  plk_process* process = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    const auto found = children_.find(number);
    if (found == children_.end()) return;
    if (found->second.waited_for) {
      found->second.doomed = true;
      return;
    }
    process = found->second.process;
    children_.erase(found);
  }
  if (const plk_process_ops* ops = processes()) ops->kill(process);
}

void ReverseServices::kill_children() {
  std::vector<std::uint64_t> numbers;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [number, child] : children_) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) kill_child(number);
}

}  // namespace plakar::host::worker
