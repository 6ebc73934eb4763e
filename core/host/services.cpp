#include "core/host/services.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstring>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/host/internal/extensions.h"
#include "core/host/status_map.h"

namespace plakar::host {
namespace {

// Longer messages and more data are cut: a log is for people.
constexpr std::size_t log_text_max = 4096;
constexpr std::uint64_t log_pairs_max = 32;
constexpr std::size_t metric_name_max = 128;

log::Level level_of(std::int32_t level) noexcept {
  if (level >= PLK_LOG_ERROR) return log::Level::error;
  if (level == PLK_LOG_WARN) return log::Level::warn;
  return level == PLK_LOG_INFO ? log::Level::info : log::Level::debug;
}

std::string cut(std::string_view text, std::size_t size_max = log_text_max) {
  return std::string(text.substr(0, size_max));
}

std::int32_t PLK_CALL log_enabled(plk_ctx*, std::int32_t level) {
  return log::is_enabled(level_of(level)) ? 1 : 0;
}

void PLK_CALL write_log(plk_ctx* ctx, const plk_log_record* record) {
  if (record == nullptr || !log::is_enabled(level_of(record->level))) return;
  const Context& context = Context::of(ctx);
  std::string data;
  const std::uint64_t pairs =
      record->kv == nullptr ? 0 : std::min(record->kv_count / 2, log_pairs_max);
  for (std::uint64_t i = 0; i < pairs && data.size() < log_text_max; ++i) {
    data += (data.empty() ? "" : " ") + cut(from_plk(record->kv[2 * i])) + "=" +
            cut(from_plk(record->kv[2 * i + 1]));
  }
  const std::string message = cut(from_plk(record->message));
  const std::string target = cut(from_plk(record->target));
  const log::Fields fields = {{"module", context.module()}, {"part", target}, {"data", data}};
  switch (level_of(record->level)) {
    case log::Level::error:
      return log::error(message, fields);
    case log::Level::warn:
      return log::warn(message, fields);
    case log::Level::info:
      return log::info(message, fields);
    case log::Level::debug:
      return log::debug(message, fields);
  }
}

plk_status PLK_CALL metric_define(plk_ctx* ctx, std::uint32_t kind, plk_str name, plk_str unit,
                                  std::uint32_t* id) {
  return Context::of(ctx).define_metric(kind, from_plk(name), from_plk(unit), *id);
}

void PLK_CALL metric_record(plk_ctx* ctx, std::uint32_t id, double value) {
  Context::of(ctx).record_metric(id, value);
}

void PLK_CALL report_progress(plk_call* call, const plk_progress* progress) {
  const Context& context = Call::of(call).context();
  const auto& tell = context.services().on_progress;
  if (!tell || progress == nullptr) return;
  tell(context.module(), {.items_done = progress->items_done,
                          .items_total = progress->items_total,
                          .bytes_done = progress->bytes_done,
                          .bytes_total = progress->bytes_total,
                          .phase = escape(cut(from_plk(progress->phase)))});
}

std::int32_t PLK_CALL call_cancelled(plk_call* call) {
  return Call::of(call).cancel().cancelled() ? 1 : 0;
}

std::int32_t PLK_CALL call_cancel_fd(plk_call* call) {
  return Call::of(call).cancel().fd().value_or(-1);
}

std::int64_t PLK_CALL call_remaining_ms(plk_call* call) {
  const flow::CancelToken& cancel = Call::of(call).cancel();
  if (cancel.deadline() == MonotonicTime::max()) return -1;
  return std::chrono::ceil<std::chrono::milliseconds>(cancel.remaining()).count();
}

plk_status PLK_CALL sink_write(plk_sink* sink, const void* data, std::uint64_t size) {
  if (data == nullptr && size != 0) return PLK_E_INVALID_ARG;
  return Sink::of(sink).write({static_cast<const std::byte*>(data), size});
}

plk_status PLK_CALL secret_refresh(plk_ctx* ctx, plk_call* call, plk_str key, void* value,
                                   std::uint64_t cap, std::uint64_t* size, plk_error* err) {
  const Context& context = Context::of(ctx);
  const auto reference = context.secret_references.find(from_plk(key));
  const auto& resolve = context.services().resolve_secret;
  if (reference == context.secret_references.end() || !resolve) {
    return fill_error(err, PLK_E_NOT_FOUND, "this key holds no reference to a secret");
  }
  const auto secret = resolve(reference->second, Call::of(call).cancel());
  if (!secret) {
    return fill_error(err, status_of(secret.error().code()), secret.error().message());
  }
  const BytesView bytes = secret->reveal();
  *size = bytes.size();
  if (bytes.size() > cap) {
    return fill_error(err, PLK_E_INVALID_ARG, "the secret is larger than the buffer");
  }
  if (!bytes.empty()) std::memcpy(value, bytes.data(), bytes.size());
  return PLK_OK;
}

// What join() waits for; shared with the thread that runs it.
struct Task {
  std::mutex mutex;
  std::condition_variable ended;
  bool over = false;
};

struct TaskHandle {
  std::shared_ptr<Task> task;
};

plk_status PLK_CALL run_task(plk_ctx* ctx, void(PLK_CALL* function)(void*), void* argument,
                             plk_task** task) {
  Context& context = Context::of(ctx);
  if (context.runner == nullptr || function == nullptr) return PLK_E_UNSUPPORTED;
  auto shared = std::make_shared<Task>();
  const plk_status started = context.runner->run([shared, function, argument] {
    function(argument);
    const std::lock_guard lock(shared->mutex);
    shared->over = true;
    shared->ended.notify_all();
  });
  if (started != PLK_OK) return started;
  *task = reinterpret_cast<plk_task*>(new TaskHandle{std::move(shared)});
  return PLK_OK;
}

void PLK_CALL join_task(plk_ctx*, plk_task* task) {
  const std::unique_ptr<TaskHandle> handle(reinterpret_cast<TaskHandle*>(task));
  std::unique_lock lock(handle->task->mutex);
  handle->task->ended.wait(lock, [&] { return handle->task->over; });
}

const void* PLK_CALL find_extension(plk_ctx*, const char* id) {
  return id == nullptr ? nullptr : host_extension(id);
}

}  // namespace

Context::Context(std::shared_ptr<const Services> services, std::string module, std::string version,
                 std::vector<std::string> programs)
    : services_(std::move(services)),
      module_(std::move(module)),
      version_(std::move(version)),
      programs_(std::move(programs)),
      temporary_(std::make_unique<TempArea>(services_->env, services_->temporary_directory,
                                            services_->temporary_bytes_max)) {}

Context::~Context() = default;

plk_status Context::define_metric(std::uint32_t kind, std::string_view name, std::string_view unit,
                                  std::uint32_t& id) {
  if (kind < PLK_METRIC_COUNTER || kind > PLK_METRIC_HISTOGRAM || name.empty() ||
      name.size() > metric_name_max || unit.size() > metric_name_max) {
    return PLK_E_INVALID_ARG;
  }
  const std::lock_guard lock(mutex_);
  const auto known = std::ranges::find(metrics_, name, &Metric::name);
  if (known != metrics_.end()) {
    if (known->kind != kind) return PLK_E_CONFLICT;
    id = static_cast<std::uint32_t>(known - metrics_.begin());
    return PLK_OK;
  }
  if (metrics_.size() == metrics_max) return PLK_E_NO_SPACE;
  id = static_cast<std::uint32_t>(metrics_.size());
  metrics_.push_back({.kind = kind, .name = std::string(name), .unit = std::string(unit)});
  return PLK_OK;
}

void Context::record_metric(std::uint32_t id, double value) {
  if (!std::isfinite(value)) return;
  const std::lock_guard lock(mutex_);
  if (id >= metrics_.size()) return;
  Metric& metric = metrics_[id];
  ++metric.count;
  metric.value = metric.kind == PLK_METRIC_GAUGE ? value : metric.value + value;
}

std::vector<Metric> Context::metrics() const {
  const std::lock_guard lock(mutex_);
  return metrics_;
}

plk_status Sink::write(BytesView more) {
  if (overflowed_ || more.size() > bytes_max_ - bytes.size()) {
    overflowed_ = true;
    return PLK_E_NO_SPACE;
  }
  // Grown by hand: what is in it may be a secret, and a reallocation would leave a copy behind.
  if (bytes.capacity() - bytes.size() < more.size()) {
    Bytes larger;
    larger.reserve(std::min(bytes_max_, std::max(2 * bytes.size() + more.size(), std::size_t{64})));
    append(larger, bytes);
    wipe(bytes);
    bytes = std::move(larger);
  }
  append(bytes, more);
  return PLK_OK;
}

const plk_host_api& host_api() noexcept {
  static constexpr plk_host_api api = {
      .struct_size = sizeof(plk_host_api),
      .abi_minor = PLK_ABI_MINOR,
      .log_enabled = log_enabled,
      .log = write_log,
      .metric_define = metric_define,
      .metric_record = metric_record,
      .progress = report_progress,
      .call_cancelled = call_cancelled,
      .call_cancel_fd = call_cancel_fd,
      .call_remaining_ms = call_remaining_ms,
      .sink_write = sink_write,
      .secret_refresh = secret_refresh,
      .run = run_task,
      .join = join_task,
      .extension = find_extension,
  };
  return api;
}

plk_status fill_error(plk_error* err, plk_status status, std::string_view message) {
  if (err == nullptr) return status;
  err->code = status;
  err->flags = 0;
  err->message_len = static_cast<std::uint32_t>(message.size());
  if (err->message == nullptr) return status;
  std::size_t size = std::min<std::size_t>(message.size(), err->message_cap);
  // Never a part of a sequence.
  while (size > 0 && size < message.size() && (message[size] & 0xC0) == 0x80) --size;
  if (size > 0) std::memcpy(err->message, message.data(), size);
  return status;
}

}  // namespace plakar::host
