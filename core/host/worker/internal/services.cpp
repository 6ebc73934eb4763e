#include "core/host/worker/internal/services.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "core/base/secret.h"
#include "core/host/worker/internal/lane.h"
#include "core/host/worker/internal/thread.h"
#include "core/host/worker/messages.h"

namespace plakar::host::worker {

// A child that the host runs for a module: plk_process.
struct ChildProcess {
  Services* services;
  std::uint64_t number;

  plk_process* handle() noexcept { return reinterpret_cast<plk_process*>(this); }
  static ChildProcess* of(plk_process* process) noexcept {
    return reinterpret_cast<ChildProcess*>(process);
  }
};

namespace {

// A function of the module on a thread of its own: plk_task.
struct Task {
  pthread_t thread{};

  plk_task* handle() noexcept { return reinterpret_cast<plk_task*>(this); }
  static Task* of(plk_task* task) noexcept { return reinterpret_cast<Task*>(task); }
};

// What fits into a frame, with room for what stands beside it.
constexpr std::size_t event_bytes_max = frame_payload_max - 256;
constexpr std::uint64_t secret_bytes_max = 8 * 1024;

bool fits(const Packer& packer) { return packer.size() <= frame_payload_max; }

// The details of a failure that the host reported.
plk_status take_failure(const Frame& answer, plk_error* err) {
  const plk_status status = answer.header.status;
  const auto failure = unpack_failure(answer.payload());
  if (!failure) return plk_fail(err, status, "the host said no more");
  plk_fail(err, status, failure->message.c_str());
  if (err != nullptr) {
    err->flags = failure->flags;
    err->sys_errno = failure->sys_errno;
    err->retry_after_ms = failure->retry_after_ms;
  }
  return status;
}

plk_status host_gone(plk_error* err) {
  return plk_fail(err, PLK_E_SHUTDOWN, "the host does not answer any more");
}

}  // namespace

// The functions of the tables. They get at the private parts of Services.
struct ServiceFunctions {
  static int32_t log_enabled(plk_ctx* ctx, int32_t level) {
    return ctx != nullptr && level >= Context::of(ctx).services->log_level_ ? 1 : 0;
  }

  static void log(plk_ctx* ctx, const plk_log_record* record) {
    if (log_enabled(ctx, record->level) == 0) return;
    const Context& context = Context::of(ctx);
    plk_log_record whole = *record;
    Packer packer;
    fields(packer, whole);
    if (packer.size() > event_bytes_max) {
      // The message is worth more than the data.
      packer.clear();
      whole.kv_count = 0;
      whole.target.len = std::min<std::uint64_t>(whole.target.len, 256);
      whole.message.len = std::min<std::uint64_t>(whole.message.len, event_bytes_max - 1024);
      fields(packer, whole);
    }
    context.services->tell(context.instance, Op::log, packer.view());
  }

  static plk_status metric_define(plk_ctx* ctx, uint32_t kind, plk_str name, plk_str unit,
                                  uint32_t* id) {
    Services& services = *Context::of(ctx).services;
    const std::string key(name.ptr, name.len);
    if (key.size() > 256 || unit.len > 256) return PLK_E_INVALID_ARG;
    const std::scoped_lock lock(services.mutex_);
    auto found = services.metrics_.find(key);
    if (found == services.metrics_.end()) {
      if (services.metrics_.size() >= metrics_max()) return PLK_E_NO_SPACE;
      const auto number = static_cast<std::uint32_t>(services.metrics_.size());
      found = services.metrics_.emplace(key, number).first;
      Packer packer;
      packer(number);
      packer(kind);
      packer(name);
      packer(unit);
      services.tell(0, Op::metric_define, packer.view());
    }
    *id = found->second;
    return PLK_OK;
  }
  static std::size_t metrics_max() { return Services::metrics_max; }

  static void metric_record(plk_ctx* ctx, uint32_t id, double value) {
    const Context& context = Context::of(ctx);
    Packer packer;
    packer(id);
    packer(value);
    context.services->tell(context.instance, Op::metric_record, packer.view());
  }

  static void progress(plk_call* call, const plk_progress* progress) {
    if (call == nullptr) return;
    plk_progress whole = *progress;
    whole.phase.len = std::min<std::uint64_t>(whole.phase.len, 1024);
    Packer packer;
    fields(packer, whole);
    Lane::of(call)->tell(Op::progress, packer.view());
  }

  static int32_t call_cancelled(plk_call* call) {
    return call != nullptr && Lane::of(call)->cancelled() ? 1 : 0;
  }
  static int32_t call_cancel_fd(plk_call* call) {
    return call == nullptr ? -1 : Lane::of(call)->cancel_descriptor();
  }
  static int64_t call_remaining_ms(plk_call* call) {
    return call == nullptr ? -1 : Lane::of(call)->remaining_ms();
  }

  static plk_status sink_write(plk_sink* sink, const void* data, uint64_t size) {
    Sink& into = Sink::of(sink);
    if (size > into.room.size() - into.used) return PLK_E_NO_SPACE;
    if (size != 0) std::memcpy(into.room.data() + into.used, data, size);
    into.used += size;
    return PLK_OK;
  }

  static plk_status secret_refresh(plk_ctx* ctx, plk_call* call, plk_str key, void* value,
                                   uint64_t cap, uint64_t* size, plk_error* err) {
    const Context& context = Context::of(ctx);
    Lane* lane = call != nullptr ? Lane::of(call) : Lane::current();
    if (lane == nullptr) return plk_fail(err, PLK_E_INVALID_ARG, "secret_refresh needs a call");
    Packer packer;
    packer(context.instance);
    packer(key);
    packer(std::min(cap, secret_bytes_max));
    if (!fits(packer)) return plk_fail(err, PLK_E_INVALID_ARG, "no key is as long");
    const auto answer = std::make_unique<Frame>();
    if (!lane->ask(Op::secret_refresh, packer.view(), *answer)) return host_gone(err);

    const plk_status status = answer->header.status;
    if (status != PLK_OK && status != PLK_E_INVALID_ARG) return take_failure(*answer, err);
    Unpacker unpacker(answer->payload());
    *size = unpacker.value<std::uint64_t>();
    const std::string_view secret = unpacker.text();
    if (status == PLK_OK && secret.size() <= cap) {
      std::memcpy(value, secret.data(), secret.size());
    }
    plakar::wipe(answer->bytes);
    if (status != PLK_OK) return plk_fail(err, status, "the secret does not fit into the buffer");
    return PLK_OK;
  }

  static plk_status run(plk_ctx* ctx, void (*function)(void*), void* argument, plk_task** task) {
    Services& services = *Context::of(ctx).services;
    {
      const std::scoped_lock lock(services.mutex_);
      if (services.tasks_ >= Services::tasks_max) return PLK_E_BUSY;
      ++services.tasks_;
    }
    auto started = std::make_unique<Task>();
    if (!start_module_thread(started->thread, [function, argument] { function(argument); })) {
      const std::scoped_lock lock(services.mutex_);
      --services.tasks_;
      return PLK_E_BUSY;
    }
    *task = started.release()->handle();
    return PLK_OK;
  }

  static void join(plk_ctx* ctx, plk_task* task) {
    const std::unique_ptr<Task> joined(Task::of(task));
    ::pthread_join(joined->thread, nullptr);
    Services& services = *Context::of(ctx).services;
    const std::scoped_lock lock(services.mutex_);
    --services.tasks_;
  }

  static plk_status spawn(plk_ctx* ctx, plk_call* call, const plk_spawn_args* args,
                          plk_pipes* pipes, plk_process** process, plk_error* err) {
    const Context& context = Context::of(ctx);
    Lane* lane = call != nullptr ? Lane::of(call) : Lane::current();
    if (lane == nullptr) return plk_fail(err, PLK_E_INVALID_ARG, "spawn needs a call");
    Packer packer;
    packer(context.instance);
    plk_spawn_args whole = *args;
    fields(packer, whole);
    if (!fits(packer)) {
      return plk_fail(err, PLK_E_INVALID_ARG,
                      "arguments and environment of a program are 15 KiB at most in a worker");
    }
    const auto answer = std::make_unique<Frame>();
    if (!lane->ask(Op::process_spawn, packer.view(), *answer)) return host_gone(err);
    if (answer->header.status != PLK_OK) return take_failure(*answer, err);
    Unpacker unpacker(answer->payload());
    const auto number = unpacker.value<std::uint64_t>();
    const auto given = unpacker.value<std::uint32_t>();
    pipes->stdin_fd = pipes->stdout_fd = pipes->stderr_fd = -1;
    std::size_t next = 0;
    const auto take = [&](std::uint32_t which, std::int32_t& descriptor) {
      if ((given & which) != 0 && next < answer->descriptor_count) {
        descriptor = answer->descriptors[next++].release();
      }
    };
    take(PLK_SPAWN_STDIN, pipes->stdin_fd);
    take(PLK_SPAWN_STDOUT, pipes->stdout_fd);
    take(PLK_SPAWN_STDERR, pipes->stderr_fd);
    *process = (new ChildProcess{context.services, number})->handle();
    return PLK_OK;
  }

  static plk_status wait(plk_process* process, plk_call* call, plk_exit* ended, plk_error* err) {
    ChildProcess* child = ChildProcess::of(process);
    Lane* lane = call != nullptr ? Lane::of(call) : Lane::current();
    if (lane == nullptr) return plk_fail(err, PLK_E_INVALID_ARG, "wait needs a call");
    Packer packer;
    packer(child->number);
    const auto answer = std::make_unique<Frame>();
    if (!lane->ask(Op::process_wait, packer.view(), *answer)) return host_gone(err);
    if (answer->header.status != PLK_OK) return take_failure(*answer, err);
    Unpacker unpacker(answer->payload());
    unpacker(ended->code);
    unpacker(ended->signal);
    delete child;
    return PLK_OK;
  }

  static void kill(plk_process* process) {
    const std::unique_ptr<ChildProcess> child(ChildProcess::of(process));
    if (child == nullptr) return;
    Packer packer;
    packer(child->number);
    child->services->tell(0, Op::process_kill, packer.view());
  }

  static plk_status tempdir_path(plk_ctx* ctx, uint64_t bytes_wanted, void* path, uint64_t cap,
                                 uint64_t* size, plk_error* err) {
    const Context& context = Context::of(ctx);
    Packer packer;
    packer(bytes_wanted);
    const auto answer = std::make_unique<Frame>();
    if (!context.services->ask(context.instance, Op::tempdir_path, packer.view(), *answer)) {
      return host_gone(err);
    }
    if (answer->header.status != PLK_OK) return take_failure(*answer, err);
    Unpacker unpacker(answer->payload());
    const std::string_view name = unpacker.text();
    *size = name.size();
    if (name.size() > cap) return plk_fail(err, PLK_E_INVALID_ARG, "the path does not fit");
    std::memcpy(path, name.data(), name.size());
    return PLK_OK;
  }

  static void tempdir_remove(plk_ctx* ctx) {
    const Context& context = Context::of(ctx);
    const auto answer = std::make_unique<Frame>();
    static_cast<void>(context.services->ask(context.instance, Op::tempdir_remove, {}, *answer));
  }

  static const void* extension(plk_ctx* ctx, const char* id) {
    static constexpr plk_process_ops process_ops{sizeof(plk_process_ops), 0, spawn, wait, kill};
    static constexpr plk_tempdir_ops tempdir_ops{sizeof(plk_tempdir_ops), 0, tempdir_path,
                                                 tempdir_remove};
    const std::uint32_t extensions = Context::of(ctx).services->extensions_;
    if (std::strcmp(id, PLK_EXT_PROCESS) == 0 && (extensions & host_has::process) != 0) {
      return &process_ops;
    }
    if (std::strcmp(id, PLK_EXT_TEMPDIR) == 0 && (extensions & host_has::tempdir) != 0) {
      return &tempdir_ops;
    }
    return nullptr;
  }
};

Services::Services(int control, const Start& start)
    : control_(control), log_level_(start.log_level), extensions_(start.extensions) {
  using F = ServiceFunctions;
  module_ = {this, 0};
  api_ = {.struct_size = sizeof api_,
          .abi_minor = PLK_ABI_MINOR,
          .log_enabled = F::log_enabled,
          .log = F::log,
          .metric_define = F::metric_define,
          .metric_record = F::metric_record,
          .progress = F::progress,
          .call_cancelled = F::call_cancelled,
          .call_cancel_fd = F::call_cancel_fd,
          .call_remaining_ms = F::call_remaining_ms,
          .sink_write = F::sink_write,
          .secret_refresh = F::secret_refresh,
          .run = F::run,
          .join = F::join,
          .extension = F::extension};
}

void Services::tell(std::uint64_t instance, Op op, BytesView arguments) {
  const BytesView parts[] = {arguments};
  // Without a host there is nobody to tell.
  static_cast<void>(
      send_frame(control_, {.type = FrameType::event, .op = op, .handle = instance}, parts));
}

Status Services::ask(std::uint64_t instance, Op op, BytesView arguments, Frame& answer) {
  Packer packer;
  packer(instance);
  packer.raw(arguments.data(), arguments.size());
  if (Lane* lane = Lane::current()) return lane->ask(op, packer.view(), answer);

  std::unique_lock lock(mutex_);
  const std::uint64_t question = next_question_++;
  open_questions_.emplace(question, &answer);
  lock.unlock();
  const BytesView parts[] = {packer.view()};
  PLK_TRY(send_frame(control_, {.type = FrameType::reverse, .op = op, .call = question}, parts));
  lock.lock();
  answer_came_.wait(lock, [&] { return open_questions_.find(question)->second == nullptr; });
  open_questions_.erase(question);
  return {};
}

void Services::answered(const Frame& frame) {
  const std::scoped_lock lock(mutex_);
  const auto found = open_questions_.find(frame.header.call);
  if (found == open_questions_.end() || found->second == nullptr) return;
  Frame& answer = *found->second;
  answer.header = frame.header;
  answer.payload_size = frame.payload_size;
  std::memcpy(answer.bytes.data(), frame.bytes.data(), frame.bytes.size());
  found->second = nullptr;
  answer_came_.notify_all();
}

}  // namespace plakar::host::worker
