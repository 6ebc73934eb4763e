#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

#include "core/codec/msgpack_struct.h"
#include "tests/compat/msgpack/structures.h"

namespace plakar::codec {
namespace {

Bytes read_golden(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  return to_bytes(text);
}

// Stored bytes, decoded and encoded again; empty if they do not decode.
template <class T>
Bytes recoded(BytesView stored) {
  auto value = msgpack_decode<T>(stored);
  if (!value) MESSAGE(value.error().message());
  return value ? msgpack_encode(*value) : Bytes();
}

const std::map<std::string, std::function<Bytes(BytesView)>> recoders = {
    {"config-enc", recoded<compat::Config>},        {"config-nocomp", recoded<compat::Config>},
    {"config-plain", recoded<compat::Config>},      {"config-sha256", recoded<compat::Config>},
    {"entry-directory", recoded<compat::Entry>},    {"entry-file", recoded<compat::Entry>},
    {"entry-file-xattr", recoded<compat::Entry>},   {"entry-root", recoded<compat::Entry>},
    {"entry-symlink", recoded<compat::Entry>},      {"object-dirpack", recoded<compat::Object>},
    {"object-two-chunks", recoded<compat::Object>}, {"snapshot", recoded<compat::Snapshot>},
    {"summary", recoded<compat::Summary>},          {"summary-empty", recoded<compat::Summary>},
    {"tree-leaf", recoded<compat::TreeNode>},       {"tree-leaf-empty", recoded<compat::TreeNode>},
    {"tree-root", recoded<compat::TreeRoot>},       {"xattr-entry", recoded<compat::XattrEntry>},
};

}  // namespace

TEST_SUITE("msgpack golden files") {
  TEST_CASE("decoding and encoding reproduces what the reference tool stored") {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(PLK_MSGPACK_GOLDEN)) {
      if (entry.path().extension() != ".bin") continue;
      ++files;
      const std::string name = entry.path().stem();
      CAPTURE(name);
      const auto recoder = recoders.find(name);
      REQUIRE(recoder != recoders.end());
      const Bytes stored = read_golden(entry.path());
      REQUIRE_FALSE(stored.empty());
      CHECK(recoder->second(stored) == stored);

      MsgpackReader in(stored);
      CHECK(in.skip());
      CHECK(in.at_end());

      for (std::size_t size = 0; size < stored.size(); ++size) {
        MsgpackReader truncated(BytesView(stored).first(size));
        CHECK_FALSE(truncated.skip());
        CHECK(truncated.position() == 0);
      }
    }
    CHECK(files == recoders.size());
  }

  TEST_CASE("decoded fields have the values of the specification") {
    const auto config = msgpack_decode<compat::Config>(
        read_golden(std::filesystem::path(PLK_MSGPACK_GOLDEN) / "config-plain.bin"));
    REQUIRE(config);
    CHECK(config->timestamp == UnixTime{1795241883, 523757384});
    CHECK(config->packfile.max_size == 67108864);
    CHECK(config->chunking.algorithm == "fastcdc-v1.0.0");
    REQUIRE(config->compression);
    CHECK(config->compression->algorithm == "LZ4");
    CHECK(config->compression->level == 131072);
    CHECK(config->compression->window_size == -1);
    CHECK_FALSE(config->encryption);
  }
}

}  // namespace plakar::codec
