// A shared library in this process: the one place that knows Boost.DLL.
//
// What is loaded is the open file that was judged, by way of its descriptor, and not whatever has
// its name by then. Two libraries never share an object of the dynamic linker: a file that was
// loaded before comes as a copy in memory, with data of its own. See docs/decisions.
//
// Life cycle: load(), find(), then either keep(), after which it stays for as long as the process
// does, or unload(). Destroyed without either it is kept.
//
// Thread rule: none of its own; load() runs the library's constructors in the calling thread.
#pragma once

#include <memory>
#include <string>

#include "core/base/fd.h"
#include "core/base/result.h"

namespace plakar::host {

class SharedImage {
 public:
  // `file` is open for reading; `name` is for maps of memory and for messages.
  static Result<std::unique_ptr<SharedImage>> load(Fd file, const std::string& name);
  ~SharedImage();
  SharedImage(const SharedImage&) = delete;
  SharedImage& operator=(const SharedImage&) = delete;

  // The address of a function; null if there is none.
  void* find(const char* symbol) const;
  // Takes it out of the process. False when it is still there: then it is kept.
  bool unload();
  void keep() noexcept;

 private:
  struct Loaded;
  explicit SharedImage(std::unique_ptr<Loaded> loaded);

  std::unique_ptr<Loaded> loaded_;
};

// Copies a file into memory that nobody can change any more.
Result<Fd> sealed_copy(int file, const std::string& name);

}  // namespace plakar::host
