// What FileSystem costs beside the bare system calls: both in the same run, on warm files.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/file_system.h"

namespace {

using namespace plakar;

constexpr std::size_t file_count = 1000;
constexpr std::size_t file_bytes = 4800;  // The median of a source tree.

struct Tree {
  Tree() : path((std::filesystem::temp_directory_path() / "plakar-bench-XXXXXX").string()) {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
    directory = system_files().open(path, {.directory = true}).value();
    const Bytes content(file_bytes, std::byte{'x'});
    for (std::size_t i = 0; i < file_count; ++i) {
      names.push_back("file-" + std::to_string(i));
      const File file = system_files()
                            .open({directory, names.back()},
                                  {.access = Access::write, .create = Create::always_new})
                            .value();
      if (!file.write(content)) std::abort();
    }
  }
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  std::string path;
  File directory;
  std::vector<std::string> names;
};

const Tree& tree() {
  static const Tree instance;
  return instance;
}

void read_files_system_calls(benchmark::State& state) {
  const int directory = tree().directory.handle();
  std::vector<char> buffer(64 * 1024);
  for (auto _ : state) {
    for (const std::string& name : tree().names) {
      const int fd = ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC);
      struct stat got;
      ::fstat(fd, &got);
      benchmark::DoNotOptimize(::pread(fd, buffer.data(), buffer.size(), 0));
      ::close(fd);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(read_files_system_calls);

void read_files_file_system(benchmark::State& state) {
  const FileSystem& files = system_files();
  Bytes buffer(64 * 1024);
  for (auto _ : state) {
    for (const std::string& name : tree().names) {
      const File file = files.open({tree().directory, name}).value();
      benchmark::DoNotOptimize(file.stat().value().size);
      benchmark::DoNotOptimize(file.read_at(0, buffer).value());
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(read_files_file_system);

void walk_system_calls(benchmark::State& state) {
  for (auto _ : state) {
    for (const auto& entry : std::filesystem::directory_iterator(tree().path)) {
      struct stat got;
      ::fstatat(tree().directory.handle(), entry.path().filename().c_str(), &got,
                AT_SYMLINK_NOFOLLOW);
      benchmark::DoNotOptimize(got.st_size);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(walk_system_calls);

void walk_file_system(benchmark::State& state) {
  const FileSystem& files = system_files();
  DirectoryBatch batch;
  for (auto _ : state) {
    const File directory = files.open(tree().path, {.directory = true}).value();
    while (directory.read_directory(batch).value()) {
      for (const DirectoryEntry entry : batch) {
        benchmark::DoNotOptimize(files.stat({directory, entry.name}).value().size);
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(file_count));
}
BENCHMARK(walk_file_system);

}  // namespace
