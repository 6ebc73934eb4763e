// A file that becomes an item: written front to back under a temporary name, past the page cache
// where that is possible, made durable, and renamed into place.
//
// Fresh page-cache pages cost half a core-second and more a gigabyte, and what was packed is not
// read again soon; written directly in large aligned pieces the same bytes cost next to nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/env.h"
#include "core/base/file_system.h"
#include "core/base/result.h"
#include "core/kloset/store.h"

namespace plakar::connectors {

// Not thread-safe. Destroyed without publish() it removes the temporary file.
class ItemFile {
 public:
  // A new file `tmp.<random>` in `directory`. Space for `size_hint` bytes is reserved once there
  // is more than a buffer full of content.
  static Result<std::unique_ptr<ItemFile>> create(Env env, const std::string& directory,
                                                  std::uint64_t size_hint);
  ~ItemFile();
  ItemFile(const ItemFile&) = delete;
  ItemFile& operator=(const ItemFile&) = delete;

  Status write(BytesView bytes);
  // Durable under `path`, in the directory `path_directory`, when it returns success. Called
  // once, last.
  Status publish(const std::string& path_directory, const std::string& path, kloset::PutMode mode);

 private:
  ItemFile(Env env, File file, std::string path, bool direct, std::uint64_t size_hint);

  Status flush();
  Status flush_tail();

  struct FreeBuffer {
    void operator()(std::byte* buffer) const noexcept;
  };

  Env env_;
  File file_;
  std::string path_;  // empty once there is nothing to remove
  bool direct_;
  bool failed_ = false;
  bool allocated_ = false;
  std::uint64_t size_hint_;
  std::uint64_t written_ = 0;
  std::unique_ptr<std::byte, FreeBuffer> buffer_;
  std::size_t filled_ = 0;
};

}  // namespace plakar::connectors
