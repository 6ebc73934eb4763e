#include "tests/support/golden_stores.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/support/temp_dir.h"

namespace plakar::testing {
namespace {

struct Unpacked {
  TempDir directory;

  Unpacked() {
    const std::string command = "tar -xzf '" PLAKAR_SOURCE_DIR
                                "/tests/compat/kloset-vectors.tar.gz' -C '" +
                                directory.path().string() + "'";
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  }
};

}  // namespace

const std::filesystem::path& golden_stores() {
  static const Unpacked unpacked;
  return unpacked.directory.path();
}

std::vector<std::filesystem::path> golden_items(std::string_view store, std::string_view kind) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(golden_stores() / store / kind)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::byte> read_whole(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot open " + file.string());
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

}  // namespace plakar::testing
