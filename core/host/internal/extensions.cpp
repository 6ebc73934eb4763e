#include "core/host/internal/extensions.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "core/base/file_system.h"
#include "core/base/hex.h"
#include "core/base/process.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/flow/poll.h"
#include "core/host/services.h"
#include "core/host/status_map.h"

namespace plakar::host {
namespace {

constexpr std::uint64_t argument_count_max = 4096;

// A child, as modules know it: plk_process.
struct Child {
  std::unique_ptr<Process> process;

  ~Child() {
    // It leads its group: what it started goes with it.
    static_cast<void>(process->kill(SIGKILL));
  }
};

std::vector<std::string> texts(const plk_bytes* items, std::uint64_t count) {
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < count; ++i) all.emplace_back(from_plk(items[i]));
  return all;
}

StreamSetting stream(std::uint32_t flags, std::uint32_t flag) {
  return {.kind = (flags & flag) != 0 ? Stream::pipe : Stream::null};
}

plk_status PLK_CALL spawn(plk_ctx* ctx, plk_call*, const plk_spawn_args* args, plk_pipes* pipes,
                          plk_process** process, plk_error* err) {
  const Context& context = Context::of(ctx);
  if (args == nullptr || pipes == nullptr || args->argc == 0 || args->argv == nullptr ||
      args->argc > argument_count_max || args->env_count > argument_count_max ||
      (args->env == nullptr && args->env_count != 0)) {
    return fill_error(err, PLK_E_INVALID_ARG, "a program needs a name");
  }
  std::vector<std::string> argv = texts(args->argv, args->argc);
  const auto& programs = context.programs();
  if (std::ranges::find(programs, argv.front()) == programs.end()) {
    return fill_error(err, PLK_E_PERMISSION,
                      "the package's permissions do not name the program " + escape(argv.front()));
  }
  Command command{.program = argv.front()};
  command.arguments.assign(argv.begin() + 1, argv.end());
  command.environment = texts(args->env, args->env_count);
  command.directory = args->cwd.len == 0 ? "/" : std::string(from_plk(args->cwd));
  command.input = stream(args->flags, PLK_SPAWN_STDIN);
  command.output = stream(args->flags, PLK_SPAWN_STDOUT);
  command.errors = stream(args->flags, PLK_SPAWN_STDERR);
  command.own_group = true;
  auto started = context.services().env.processes.start(command);
  if (!started) {
    return fill_error(err, status_of(started.error().code()), started.error().message());
  }
  Process& child = **started;
  pipes->stdin_fd = child.input.release();
  pipes->stdout_fd = child.output.release();
  pipes->stderr_fd = child.errors.release();
  *process = reinterpret_cast<plk_process*>(new Child{*std::move(started)});
  return PLK_OK;
}

plk_status PLK_CALL wait(plk_process* process, plk_call* call, plk_exit* ended, plk_error* err) {
  auto* child = reinterpret_cast<Child*>(process);
  const int descriptor = child->process->end_descriptor();
  if (descriptor >= 0) {
    const auto over = flow::poll_or_cancel(descriptor, POLLIN, Call::of(call).cancel());
    if (!over) return fill_error(err, status_of(over.error().code()), over.error().message());
  }
  const auto status = child->process->wait();
  if (!status) return fill_error(err, PLK_E_IO, status.error().message());
  ended->code = status->code;
  ended->signal = status->signal;
  delete child;
  return PLK_OK;
}

void PLK_CALL kill_child(plk_process* process) { delete reinterpret_cast<Child*>(process); }

plk_status PLK_CALL temp_path(plk_ctx* ctx, std::uint64_t bytes_wanted, void* path,
                              std::uint64_t cap, std::uint64_t* size, plk_error* err) {
  const auto found = Context::of(ctx).temporary().path(bytes_wanted);
  if (!found) return fill_error(err, status_of(found.error().code()), found.error().message());
  *size = found->size();
  if (found->size() > cap) {
    return fill_error(err, PLK_E_INVALID_ARG, "the path is longer than the buffer");
  }
  std::memcpy(path, found->data(), found->size());
  return PLK_OK;
}

void PLK_CALL temp_remove(plk_ctx* ctx) { Context::of(ctx).temporary().remove(); }

constexpr plk_process_ops process_ops = {.struct_size = sizeof(plk_process_ops),
                                         .reserved0 = 0,
                                         .spawn = spawn,
                                         .wait = wait,
                                         .kill = kill_child};
constexpr plk_tempdir_ops tempdir_ops = {.struct_size = sizeof(plk_tempdir_ops),
                                         .reserved0 = 0,
                                         .path = temp_path,
                                         .remove = temp_remove};

}  // namespace

Result<std::string> TempArea::path(std::uint64_t bytes_wanted) {
  if (bytes_wanted > bytes_max_) {
    return Error(Errc::out_of_space, "a connector gets at most " + std::to_string(bytes_max_) +
                                         " bytes of temporary files");
  }
  const std::lock_guard lock(mutex_);
  if (path_.empty()) {
    std::array<std::byte, 12> digits;
    env_.random.fill(digits);
    std::string path = parent_ + "/plakar-" + to_hex(digits);
    PLK_TRY(env_.files.make_directory(path, 0700));
    path_ = std::move(path);
  }
  return path_;
}

void TempArea::remove() noexcept {
  const std::lock_guard lock(mutex_);
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  path_.clear();
}

const void* host_extension(std::string_view id) noexcept {
  if (id == PLK_EXT_PROCESS) return &process_ops;
  if (id == PLK_EXT_TEMPDIR) return &tempdir_ops;
  return nullptr;
}

}  // namespace plakar::host
