// Three filters for tests of code that uses files.
//
//   RecordingFileCalls  what was called, in which order
//   FaultyFileCalls     a call fails, or does less than asked
//   CrashPoints         power fails after each call
//
// To let every single call of some work fail:
//
//   for (std::uint64_t nth = 1;; ++nth) {
//     MemoryDisk disk;
//     FaultyFileCalls faulty(disk, {.nth = nth, .error = EIO});
//     const Status done = work(FileSystem(faulty));
//     if (!faulty.fired()) break;  // There was no nth call: all have been tried.
//     ...                          // What must hold although that call failed.
//   }
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/testing/file_call_filter.h"
#include "core/base/testing/memory_disk.h"

namespace plakar::testing {

class RecordingFileCalls final : public FileCallFilter {
 public:
  using FileCallFilter::FileCallFilter;

  std::vector<FileCall> calls() const;
  // Those of one kind.
  std::vector<FileCall> calls(CallKind kind) const;
  void clear();

 private:
  CallResult around(FileCall& call, const std::function<CallResult()>& next) override;

  mutable std::mutex mutex_;
  std::vector<FileCall> calls_;
};

struct Fault {
  std::uint64_t nth = 1;              // Of the calls that match, from 1.
  std::optional<CallKind> kind = {};  // Any, if not set.
  std::string path_contains = {};     // Any, if empty.
  int error = EIO;
  // Set: the call succeeds, for at most so many bytes. Other than 0, which writes may not
  // return.
  std::optional<std::uint64_t> short_length = {};
  bool repeats = false;  // This and every later one that matches.
  bool happens = false;  // The call is done, and then reported as failed.
};

// A sync that fails on a MemoryDisk loses what was not durable, as on Linux.
class FaultyFileCalls final : public FileCallFilter {
 public:
  FaultyFileCalls(FileCalls& inner, Fault fault)
      : FileCallFilter(inner), fault_(std::move(fault)) {}
  FaultyFileCalls(MemoryDisk& inner, Fault fault)
      : FileCallFilter(inner), disk_(&inner), fault_(std::move(fault)) {}

  bool fired() const;
  // How many calls matched.
  std::uint64_t matched() const;

 private:
  CallResult around(FileCall& call, const std::function<CallResult()>& next) override;
  bool is_hit(const FileCall& call);

  MemoryDisk* disk_ = nullptr;
  const Fault fault_;
  mutable std::mutex mutex_;
  std::uint64_t matched_ = 0;  // Guarded by mutex_.
  bool fired_ = false;         // Guarded by mutex_.
};

struct CrashPoint {
  std::uint64_t call = 0;   // The number of changing calls so far.
  std::string description;  // For a test's CAPTURE: the last call, and what was lost.
  CrashOptions options;
};

struct CrashSettings {
  std::uint64_t seed = 0;
  // Beside content and names lost or kept, which makes four.
  std::uint64_t random_states = 8;
};

// Lets work go on undisturbed, and after each call that changes the disk hands the states in
// which power could have left it to `check`, in the same thread.
class CrashPoints final : public FileCallFilter {
 public:
  using Settings = CrashSettings;
  using Check = std::function<void(MemoryDisk& after, const CrashPoint& point)>;

  CrashPoints(MemoryDisk& disk, Check check, const Settings& settings = {})
      : FileCallFilter(disk), disk_(&disk), check_(std::move(check)), settings_(settings) {}

  std::uint64_t states_checked() const;

 private:
  CallResult around(FileCall& call, const std::function<CallResult()>& next) override;

  MemoryDisk* disk_;
  const Check check_;
  const Settings settings_;
  mutable std::mutex mutex_;
  std::uint64_t calls_ = 0;   // Guarded by mutex_.
  std::uint64_t states_ = 0;  // Guarded by mutex_.
};

}  // namespace plakar::testing
