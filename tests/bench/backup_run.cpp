// One backup from a directory into a store in a directory, to be measured from outside:
//
//   backup-run create STORE [PASSPHRASE]
//   backup-run backup STORE SOURCE [PASSPHRASE]
//
// A SOURCE `files:N` is made up: N different files of some 20 octets, 50 in each directory. The
// index is kept in STORE.cache.
//
// Prints what the backup says of itself, and how much memory the process took beside deriving the
// key, which needs 256 MiB for a moment.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
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
#include "core/kloset/state/index_cache.h"
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

// Many files, and no disk that has them.
class MadeUpSource final : public kloset::Source {
 public:
  explicit MadeUpSource(std::uint64_t count) : count_(count) {}

  kloset::SourceIdentity identity() const override {
    return {.type = "fs", .origin = "bench", .root = "/files"};
  }
  kloset::SourceTraits traits() const override { return {}; }
  Status ping() override { return {}; }
  Result<std::optional<kloset::SourceEstimate>> estimate() override {
    return std::optional<kloset::SourceEstimate>();
  }
  Result<bool> next(std::vector<kloset::Record>& batch) override {
    batch.clear();
    if (at_ == 0) {
      add_directory(batch, "/");
      add_directory(batch, "/files");
    }
    for (std::size_t n = 0; n < 256 && at_ < count_; ++n, ++at_) {
      if (at_ % (files_in_each * files_in_each) == 0) add_directory(batch, upper(at_));
      if (at_ % files_in_each == 0) add_directory(batch, lower(at_));
      kloset::Record& record = batch.emplace_back();
      record.path = lower(at_) + "/some file " + std::to_string(10 + at_ % files_in_each) + ".txt";
      record.mode = kloset::make_file_mode(FileType::regular, 0644);
      record.ino = at_;
      record.size = static_cast<std::int64_t>(content(record).size());
      record.mod_time = {static_cast<std::int64_t>(1'700'000'000 + at_), 123'456'789};
      record.username = record.groupname = "root";
    }
    return !batch.empty();
  }
  Result<std::unique_ptr<kloset::ContentReader>> open(const kloset::Record& record) override {
    return std::unique_ptr<kloset::ContentReader>(std::make_unique<Reader>(content(record)));
  }

 private:
  static constexpr std::uint64_t files_in_each = 50;

  class Reader final : public kloset::ContentReader {
   public:
    explicit Reader(std::string text) : text_(std::move(text)) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
      const std::size_t got = std::min(out.size(), text_.size() - at_);
      std::memcpy(out.data(), text_.data() + at_, got);
      at_ += got;
      return got;
    }

   private:
    std::string text_;
    std::size_t at_ = 0;
  };

  static std::string content(const kloset::Record& record) {
    return "content of " + std::to_string(record.ino);
  }
  // Fixed widths: the order of numbers is the order of names.
  static std::string upper(std::uint64_t at) {
    return "/files/" + std::to_string(100'000 + at / (files_in_each * files_in_each));
  }
  static std::string lower(std::uint64_t at) {
    return upper(at) + "/" + std::to_string(10'000'000 + at / files_in_each);
  }
  static void add_directory(std::vector<kloset::Record>& batch, std::string path) {
    kloset::Record& record = batch.emplace_back();
    record.kind = kloset::RecordKind::directory;
    record.path = std::move(path);
    record.mode = kloset::make_file_mode(FileType::directory, 0755);
  }

  std::uint64_t count_;
  std::uint64_t at_ = 0;
};

std::unique_ptr<kloset::Source> make_source(const std::string& name) {
  if (name.starts_with("files:")) {
    return std::make_unique<MadeUpSource>(std::stoull(name.substr(6)));
  }
  return connectors::make_fs_source(system_env(), {.root = name, .origin = "bench"},
                                    connectors::system_owner_names(), {});
}

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
  const auto repository = kloset::Repository::open(
      *store, env,
      [&]() -> Result<Secret> {
        return Secret(arguments.size() > 4 ? arguments[4] : std::string());
      },
      {.make_index = [&](const Uuid& id) {
        return kloset::open_cached_index(env.files, env.random, arguments[2] + ".cache", id);
      }});
  if (!repository) return fail(repository.error());
  const MonotonicTime opened = env.clock.monotonic();
  reset_peak();
  const auto source = make_source(arguments[3]);
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
  // As the program does.
  static_cast<void>(::mallopt(M_MMAP_THRESHOLD, 256 * 1024));
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc >= 3 && arguments[1] == "create") return plakar::create(arguments);
  if (argc >= 4 && arguments[1] == "backup") return plakar::back_up(arguments);
  std::fprintf(stderr,
               "usage: backup-run create STORE [PASSPHRASE]\n"
               "       backup-run backup STORE SOURCE [PASSPHRASE]\n");
  return 2;
}
