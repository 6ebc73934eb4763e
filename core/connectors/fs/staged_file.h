// A file that is there whole or not at all: written front to back under a temporary name, past
// the page cache where that is possible, made durable, and renamed.
//
//   StagedFile file = PLK_TRY(StagedFile::create(env, {.directory = dir, .prefix = "tmp."}));
//   PLK_TRY(file.write(bytes));
//   PLK_TRY(file.seal());
//   PLK_TRY(file.publish(dir, "name", Replace::yes));
//
// Fresh pages of the page cache cost two core-seconds a gigabyte, and what was packed is not read
// again soon. Written directly, in large aligned pieces into space that was reserved, the same
// bytes cost a twentieth of that and take a fifth of the time. While one piece is being written,
// by a thread of `writers`, the next is filled.
//
// While it is under way the file is locked: who removes leftovers can tell it from one, even
// after its machine has slept for days.
//
// A failure is for good. After a sync that failed the kernel may have dropped what it could not
// write, and would call the next one a success: the bytes have to be written again, to another
// file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/env.h"
#include "core/base/file_types.h"
#include "core/base/result.h"
#include "core/flow/thread_pool.h"

namespace plakar::connectors {

// Not thread-safe. Destroyed before publish() has succeeded it removes the temporary file.
class StagedFile {
 public:
  // How much is collected before it is written. Larger pieces were not faster.
  static constexpr std::size_t piece_size = 2u << 20;

  struct Options {
    std::string directory;
    // The temporary name is this and 16 random digits.
    std::string_view prefix = "tmp.";
    std::uint32_t mode = 0600;
    // How large it may become. Up to a piece it is written through the page cache; for more,
    // space is reserved, within reason.
    std::uint64_t size_hint = 0;
    // Null: everything happens in the caller's thread. Outlives the file, which never occupies
    // more than one of the threads.
    flow::ThreadPool* writers = nullptr;
  };

  static Result<StagedFile> create(Env env, const Options& options);
  // Removes what crashes have left in a directory: files with such names that nobody has locked
  // and that were not written to for a day, since other machines may not see our locks. Nothing
  // of it has to succeed.
  static void remove_leftovers(Env env, const std::string& directory, std::string_view prefix);
  StagedFile(StagedFile&&) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  Status write(BytesView bytes);
  // How much was written so far.
  std::uint64_t size() const noexcept;
  const std::string& temporary_path() const noexcept;

  // Everything written is on the disk, under the temporary name. Called once.
  Status seal();
  // Gives the sealed file its name, durably. Errc::not_found: the directory is missing; make it
  // and call again. Errc::already_exists, with Replace::no: that name exists. When the last step
  // fails, which makes the name durable, a name that was new is taken back.
  Status publish(const std::string& directory, std::string_view name, Replace replace);

 private:
  class State;

  explicit StagedFile(std::unique_ptr<State> state) noexcept;

  std::unique_ptr<State> state_;
};

}  // namespace plakar::connectors
