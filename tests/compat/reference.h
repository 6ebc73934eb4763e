// A genuine `plakar`, run beside our engine, and the tree that both are given.
#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/process.h"
#include "tests/support/temp_dir.h"

namespace plakar::compat {

inline constexpr const char* passphrase = "two-way passphrase";

inline void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

inline std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// A tree with something of everything that both programs record.
inline void make_tree(const std::filesystem::path& root) {
  write(root / "hello.txt", "hello world\n");
  write(root / "empty", "");
  write(root / "dir/large.bin", noise(3'500'000, 1));
  write(root / "dir/zeros", std::string(300'000, '\0'));
  write(root / "dir/deep/er/still/file", "deep");
  write(root / "names/\xc3\xa9 \xc3\xbc.txt", "not ascii");
  write(root / "names/new\nline", "newline");
  for (int i = 0; i < 150; ++i) {
    write(root / "many" / ("file" + std::to_string(i)), "content " + std::to_string(i));
  }
  std::filesystem::create_directory(root / "empty-dir");
  std::filesystem::create_symlink("hello.txt", root / "link");
  std::filesystem::create_hard_link(root / "hello.txt", root / "hard");
  REQUIRE(::mkfifo((root / "fifo").c_str(), 0640) == 0);
  REQUIRE(::chmod((root / "hello.txt").c_str(), 04755) == 0);
}

// Runs the genuine program in a home of its own, with an empty cache each time.
struct Reference {
  explicit Reference(std::string path) : program(std::move(path)) {}

  std::string program;
  testing::TempDir home;
  int runs = 0;

  struct Answer {
    int code;
    std::string text;
  };
  Answer run(std::vector<std::string> arguments) {
    Command command{.program = program, .arguments = std::move(arguments)};
    // Another one, and not one that was emptied: the process that has the last one may be about to
    // leave it.
    command.environment = {"HOME=" + home.path().string(),
                           "XDG_CACHE_HOME=" + (home / ("cache" + std::to_string(++runs))),
                           "PATH=/usr/bin:/bin", "PLAKAR_PASSPHRASE=" + std::string(passphrase)};
    const auto result =
        plakar::run(system_processes(), command, {}, {.output_bytes_max = 16u << 20});
    REQUIRE(result);
    return {result->status.code, to_text(result->output) + to_text(result->errors)};
  }
  Answer at(const std::string& store, std::vector<std::string> arguments) {
    std::vector<std::string> all{"-cpu", "2", "at", store};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(std::move(all));
  }
};

inline std::map<std::string, std::string> files_of(const std::filesystem::path& root) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().lexically_relative(root)] =
        std::string((std::istreambuf_iterator<char>(in)), {});
  }
  return files;
}

inline bool has_error(const std::string& text) {
  return text.find("KO") != std::string::npos || text.find("failed") != std::string::npos ||
         text.find("missing") != std::string::npos || text.find("error:") != std::string::npos;
}

}  // namespace plakar::compat
