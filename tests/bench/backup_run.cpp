// One backup from a directory into a store in a directory, to be measured from outside:
//
//   backup-run create STORE [PASSPHRASE]
//   backup-run backup STORE SOURCE [PASSPHRASE]
//
// Prints what the backup says of itself, and how much memory the process took beside deriving the
// key, which needs 256 MiB for a moment.
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/connectors/fs/source.h"
#include "core/connectors/fs/store.h"
#include "core/kloset/repository/keys.h"
#include "core/kloset/repository/repository.h"
#include "core/ops/backup.h"

namespace plakar {
namespace {

struct Quiet final : ops::BackupObserver {
  void stored(const kloset::Record&, std::uint64_t, bool) override {}
  void failed(std::string_view path, std::string_view error) override {
    std::fprintf(stderr, "failed: %.*s: %.*s\n", static_cast<int>(path.size()), path.data(),
                 static_cast<int>(error.size()), error.data());
  }
};

int fail(const Error& error) {
  std::fprintf(stderr, "backup-run: %s\n", error.message().c_str());
  return 1;
}

// Forgets the peak of resident memory so far; without effect where the kernel does not allow it.
void reset_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

std::string peak() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("VmHWM")) return line;
  }
  return "VmHWM unknown";
}

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

int create(const std::vector<std::string>& arguments) {
  const auto store = connectors::make_fs_store(system_env(), arguments[2], {});
  const bool encrypted = arguments.size() > 3;
  const Secret secret(encrypted ? arguments[3] : std::string());
  const auto made =
      kloset::Repository::create(*store, kloset::default_config(), encrypted ? &secret : nullptr,
                                 *kloset::default_kdf("ARGON2ID"), system_env());
  return made ? 0 : fail(made.error());
}

int back_up(const std::vector<std::string>& arguments) {
  const Env env = system_env();
  const MonotonicTime begin = env.clock.monotonic();
  const auto store = connectors::make_fs_store(env, arguments[2], {});
  const auto repository =
      kloset::Repository::open(*store, env,
                               [&]() -> Result<Secret> {
                                 return Secret(arguments.size() > 4 ? arguments[4] : std::string());
                               },
                               {});
  if (!repository) return fail(repository.error());
  const MonotonicTime opened = env.clock.monotonic();
  reset_peak();
  const auto source = connectors::make_fs_source(env, {.root = arguments[3], .origin = "bench"},
                                                 connectors::system_owner_names(), {});
  Quiet observer;
  const auto report = ops::backup(**repository, *source, {.hostname = "bench"}, observer, {});
  if (!report) return fail(report.error());
  struct ::rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "open %.3f s, backup %.3f s, user %ld.%03ld sys %ld.%03ld, %lu entries, %lu reused, %lu "
      "bytes "
      "read, %lu errors, %lu new blobs, %lu bytes written, %s\n",
      seconds(opened - begin), seconds(env.clock.monotonic() - opened), usage.ru_utime.tv_sec,
      usage.ru_utime.tv_usec / 1000, usage.ru_stime.tv_sec, usage.ru_stime.tv_usec / 1000,
      report->entries, report->files_reused, report->bytes_read, report->errors,
      report->stored.blobs_new, report->stored.written_bytes, peak().c_str());
  return 0;
}

}  // namespace
}  // namespace plakar

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc >= 3 && arguments[1] == "create") return plakar::create(arguments);
  if (argc >= 4 && arguments[1] == "backup") return plakar::back_up(arguments);
  std::fprintf(stderr,
               "usage: backup-run create STORE [PASSPHRASE]\n"
               "       backup-run backup STORE SOURCE [PASSPHRASE]\n");
  return 2;
}
