// The file-system connector: scanning a tree, reading its files, and making files, each beside the
// bare system calls for the same work. Warm caches; run on a quiet machine.
#include <benchmark/benchmark.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "core/base/file_system.h"
#include "core/connectors/fs/destination.h"
#include "core/connectors/fs/source.h"

namespace {

using namespace plakar;

// As in a source tree: twelve files a directory, 14 KB each.
constexpr std::size_t directory_count = 1'000;
constexpr std::size_t files_each = 12;
constexpr std::size_t file_count = directory_count * files_each;
constexpr std::size_t file_bytes = 14'000;

struct ScratchDirectory {
  ScratchDirectory()
      : path((std::filesystem::temp_directory_path() / "plakar-bench-XXXXXX").string()) {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  std::string path;
};

std::string directory_path(std::size_t directory) {
  return "/group-" + std::to_string(directory / 32) + "/directory-" + std::to_string(directory);
}

std::string file_path(std::size_t file) {
  return directory_path(file / files_each) + "/some-file-" + std::to_string(file) + ".txt";
}

const std::string& tree() {
  static const ScratchDirectory root;
  static const bool made = [] {
    const Bytes content(file_bytes, std::byte{'x'});
    for (std::size_t i = 0; i < file_count; ++i) {
      const std::string path = root.path + file_path(i);
      if (i % files_each == 0) {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
      }
      const auto file = system_files().open(
          path, {.access = Access::write, .create = Create::always_new, .mode = 0644});
      if (!file || !file->write(content)) std::abort();
    }
    return true;
  }();
  benchmark::DoNotOptimize(made);
  return root.path;
}

std::unique_ptr<kloset::Source> make_source(bool xattrs) {
  return connectors::make_fs_source(system_env(),
                                    {.root = tree(), .origin = "bench", .xattrs = xattrs},
                                    connectors::system_owner_names(), {});
}

std::vector<kloset::Record> scan(kloset::Source& source) {
  std::vector<kloset::Record> all;
  std::vector<kloset::Record> batch;
  while (source.next(batch).value()) {
    for (kloset::Record& record : batch) all.push_back(std::move(record));
  }
  return all;
}

std::size_t list_and_stat(int parent, const char* name) {
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  DIR* directory = ::fdopendir(fd);
  if (directory == nullptr) std::abort();
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    struct stat got;
    ::fstatat(fd, entry->d_name, &got, AT_SYMLINK_NOFOLLOW);
    ++count;
    if (S_ISDIR(got.st_mode)) count += list_and_stat(fd, child.c_str());
  }
  ::closedir(directory);
  return count;
}

void fs_scan_system_calls(benchmark::State& state) {
  std::size_t count = 0;
  for (auto _ : state) count += list_and_stat(AT_FDCWD, tree().c_str());
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(fs_scan_system_calls)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void fs_scan(benchmark::State& state) {
  tree();
  std::size_t count = 0;
  std::vector<kloset::Record> batch;
  for (auto _ : state) {
    const auto source = make_source(state.range(0) != 0);
    while (source->next(batch).value()) count += batch.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(fs_scan)
    ->ArgName("xattrs")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void fs_estimate(benchmark::State& state) {
  tree();
  std::size_t count = 0;
  for (auto _ : state) count += make_source(false)->estimate().value()->items;
  state.SetItemsProcessed(static_cast<std::int64_t>(count));
}
BENCHMARK(fs_estimate)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

// Each of `threads` takes the next of the files until there are no more.
template <class Work>
void share_files(std::size_t threads, Work work) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&] {
      for (std::size_t file = next++; file < file_count; file = next++) work(file);
    });
  }
}

void fs_read_files_system_calls(benchmark::State& state) {
  const std::string root = tree();
  for (auto _ : state) {
    share_files(static_cast<std::size_t>(state.range(0)), [&](std::size_t i) {
      thread_local std::vector<char> buffer(64 * 1024);
      const int fd = ::open((root + file_path(i)).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      struct stat got;
      ::fstat(fd, &got);
      benchmark::DoNotOptimize(::pread(fd, buffer.data(), buffer.size(), 0));
      ::close(fd);
    });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(fs_read_files_system_calls)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void fs_read_files(benchmark::State& state) {
  const auto source = make_source(false);
  std::vector<kloset::Record> files = scan(*source);
  std::erase_if(files, [](const kloset::Record& record) {
    return record.kind != kloset::RecordKind::regular;
  });
  if (files.size() != file_count) std::abort();
  for (auto _ : state) {
    share_files(static_cast<std::size_t>(state.range(0)), [&](std::size_t i) {
      thread_local Bytes buffer(64 * 1024);
      const auto reader = source->open(files[i]).value();
      while (reader->read(buffer).value() > 0) {
      }
    });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(fs_read_files)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

void fs_make_files_system_calls(benchmark::State& state) {
  const std::string content(file_bytes, 'x');
  for (auto _ : state) {
    state.PauseTiming();
    ScratchDirectory root;
    state.ResumeTiming();
    for (std::size_t i = 0; i < directory_count; ++i) {
      if (i % 32 == 0) ::mkdir((root.path + "/group-" + std::to_string(i / 32)).c_str(), 0700);
      ::mkdir((root.path + directory_path(i)).c_str(), 0700);
    }
    share_files(static_cast<std::size_t>(state.range(0)), [&](std::size_t i) {
      const int fd = ::open((root.path + file_path(i)).c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
      if (::write(fd, content.data(), content.size()) < 0) std::abort();
      const std::array<timespec, 2> times{timespec{0, UTIME_OMIT}, timespec{1'000'000'000, 5}};
      ::fchmod(fd, 0644);
      ::futimens(fd, times.data());
      ::close(fd);
    });
    state.PauseTiming();
    std::filesystem::remove_all(root.path);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(fs_make_files_system_calls)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

kloset::Record record_at(std::string path, FileType type, std::uint32_t mode) {
  kloset::Record record;
  record.path = std::move(path);
  record.kind =
      type == FileType::directory ? kloset::RecordKind::directory : kloset::RecordKind::regular;
  record.mode = kloset::make_file_mode(type, mode);
  record.mod_time = {.seconds = 1'000'000'000, .nanoseconds = 5};
  record.nlink = 1;
  return record;
}

// The owner is what the process has anyway, and still one call more than the yardstick makes;
// renaming is another.
void fs_make_files(benchmark::State& state) {
  const Bytes content(file_bytes, std::byte{'x'});
  for (auto _ : state) {
    state.PauseTiming();
    ScratchDirectory root;
    const auto destination = connectors::make_fs_destination(system_env(), {.root = root.path}, {});
    state.ResumeTiming();
    for (std::size_t i = 0; i < directory_count; ++i) {
      if (i % 32 == 0) {
        static_cast<void>(
            destination
                ->put(record_at("/group-" + std::to_string(i / 32), FileType::directory, 0755))
                .value());
      }
      static_cast<void>(
          destination->put(record_at(directory_path(i), FileType::directory, 0755)).value());
    }
    share_files(static_cast<std::size_t>(state.range(0)), [&](std::size_t i) {
      const auto writer =
          destination->put(record_at(file_path(i), FileType::regular, 0644)).value();
      if (!writer->write(content) || !writer->commit()) std::abort();
    });
    if (!destination->finish([](const std::string&, const Error&) { std::abort(); })) std::abort();
    state.PauseTiming();
    std::filesystem::remove_all(root.path);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(fs_make_files)
    ->ArgName("threads")
    ->Arg(1)
    ->Arg(2)
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
