#include "core/host/worker/testing/trial_host.h"

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <thread>

namespace plakar::host::worker::testing {

struct TrialFunctions {
  static TrialHost& host(plk_ctx* ctx) { return *reinterpret_cast<TrialHost*>(ctx); }

  static int32_t log_enabled(plk_ctx*, int32_t level) { return level >= PLK_LOG_INFO ? 1 : 0; }
  static void log(plk_ctx* ctx, const plk_log_record* record) {
    const std::scoped_lock lock(host(ctx).mutex);
    std::string line(record->message.ptr, record->message.len);
    for (std::uint64_t i = 0; i < record->kv_count; ++i) {
      line += ' ' + std::string(record->kv[i].ptr, record->kv[i].len);
    }
    host(ctx).log.push_back(std::move(line));
  }
  static plk_status metric_define(plk_ctx*, uint32_t, plk_str, plk_str, uint32_t* id) {
    *id = 77;
    return PLK_OK;
  }
  static void metric_record(plk_ctx* ctx, uint32_t id, double value) {
    const std::scoped_lock lock(host(ctx).mutex);
    if (id == 77) host(ctx).metric += value;
  }
  static void progress(plk_call* call, const plk_progress*) {
    if (call != nullptr) ++TrialCall::of(call).progress_count;
  }
  static int32_t call_cancelled(plk_call* call) {
    return call != nullptr && TrialCall::of(call).cancelled() ? 1 : 0;
  }
  static int32_t call_cancel_fd(plk_call* call) {
    return call == nullptr ? -1 : TrialCall::of(call).descriptor();
  }
  static int64_t call_remaining_ms(plk_call* call) {
    return call == nullptr ? -1 : TrialCall::of(call).remaining_ms();
  }
  static plk_status sink_write(plk_sink* sink, const void* data, uint64_t size) {
    reinterpret_cast<TrialSink*>(sink)->content.append(static_cast<const char*>(data), size);
    return PLK_OK;
  }
  static plk_status secret_refresh(plk_ctx* ctx, plk_call*, plk_str key, void* value, uint64_t cap,
                                   uint64_t* size, plk_error* err) {
    if (std::string_view(key.ptr, key.len) != "password") {
      return plk_fail(err, PLK_E_NOT_FOUND, "this key holds no reference");
    }
    const std::string& fresh = host(ctx).refreshed;
    *size = fresh.size();
    if (fresh.size() > cap) return plk_fail(err, PLK_E_INVALID_ARG, "does not fit");
    std::memcpy(value, fresh.data(), fresh.size());
    return PLK_OK;
  }

  static plk_status run(plk_ctx*, void (*function)(void*), void* argument, plk_task** task) {
    *task = reinterpret_cast<plk_task*>(new std::thread(function, argument));
    return PLK_OK;
  }
  static void join(plk_ctx*, plk_task* task) {
    const std::unique_ptr<std::thread> thread(reinterpret_cast<std::thread*>(task));
    thread->join();
  }

  // A child that is a pipe: what is to be its output lies in it.
  struct Child {
    TrialHost* host;
  };
  static plk_status spawn(plk_ctx* ctx, plk_call*, const plk_spawn_args* args, plk_pipes* pipes,
                          plk_process** process, plk_error* err) {
    const plk_bytes& program = args->argv[0];
    if (std::string_view(reinterpret_cast<const char*>(program.ptr), program.len) != "allowed") {
      return plk_fail(err, PLK_E_PERMISSION, "the manifest does not name it");
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return plk_fail(err, PLK_E_IO, "pipe");
    const plk_bytes& word = args->argv[args->argc - 1];
    static_cast<void>(!::write(ends[1], word.ptr, word.len));
    ::close(ends[1]);
    pipes->stdin_fd = pipes->stderr_fd = -1;
    pipes->stdout_fd = ends[0];
    const std::scoped_lock lock(host(ctx).mutex);
    ++host(ctx).children;
    *process = reinterpret_cast<plk_process*>(new Child{&host(ctx)});
    return PLK_OK;
  }
  static void end(plk_process* process) {
    const std::unique_ptr<Child> child(reinterpret_cast<Child*>(process));
    const std::scoped_lock lock(child->host->mutex);
    --child->host->children;
  }
  static plk_status wait(plk_process* process, plk_call*, plk_exit* ended, plk_error*) {
    ended->code = 3;
    ended->signal = 0;
    end(process);
    return PLK_OK;
  }
  static plk_status tempdir_path(plk_ctx* ctx, uint64_t, void* path, uint64_t cap, uint64_t* size,
                                 plk_error* err) {
    constexpr std::string_view name = "/tmp/trial";
    *size = name.size();
    if (cap < name.size()) return plk_fail(err, PLK_E_INVALID_ARG, "does not fit");
    std::memcpy(path, name.data(), name.size());
    const std::scoped_lock lock(host(ctx).mutex);
    host(ctx).temporary = true;
    return PLK_OK;
  }
  static void tempdir_remove(plk_ctx* ctx) {
    const std::scoped_lock lock(host(ctx).mutex);
    host(ctx).temporary = false;
  }
  static const void* extension(plk_ctx*, const char* id) {
    static constexpr plk_process_ops process{sizeof process, 0, spawn, wait, end};
    static constexpr plk_tempdir_ops tempdir{sizeof tempdir, 0, tempdir_path, tempdir_remove};
    if (std::strcmp(id, PLK_EXT_PROCESS) == 0) return &process;
    if (std::strcmp(id, PLK_EXT_TEMPDIR) == 0) return &tempdir;
    return nullptr;
  }
};

TrialHost::TrialHost() {
  using F = TrialFunctions;
  api_ = {sizeof api_,
          PLK_ABI_MINOR,
          F::log_enabled,
          F::log,
          F::metric_define,
          F::metric_record,
          F::progress,
          F::call_cancelled,
          F::call_cancel_fd,
          F::call_remaining_ms,
          F::sink_write,
          F::secret_refresh,
          F::run,
          F::join,
          F::extension};
}

TrialConfig& TrialConfig::set(const std::string& key, const std::string& value,
                              std::uint32_t flags) {
  values_.push_back({key, value, flags, 0});
  return *this;
}

TrialConfig& TrialConfig::set(const std::string& key, std::int64_t value) {
  values_.push_back({key, std::to_string(value), 0, value});
  return *this;
}

const plk_config* TrialConfig::config() {
  std::ranges::sort(values_, {}, &Entry::key);
  entries_.clear();
  for (const Entry& value : values_) {
    entries_.push_back({{value.key.data(), value.key.size()},
                        {value.value.data(), value.value.size()},
                        PLK_T_STRING,
                        value.flags,
                        value.number,
                        0});
  }
  config_ = {sizeof config_, sizeof(plk_cfg_entry), entries_.data(), entries_.size(), 1, 0};
  return &config_;
}

}  // namespace plakar::host::worker::testing
