// The modules that were built for tests.
#pragma once

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace plakar::host::testing {

inline Bytes module_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  return to_bytes(content);
}

}  // namespace plakar::host::testing
