#include "core/host/worker/start.h"

#include "core/base/version.h"

namespace plakar::host::worker {
namespace {

constexpr std::uint64_t places_max = 256;

void pack_paths(Packer& packer, const std::vector<std::string>& paths) {
  packer(std::uint64_t{paths.size()});
  for (const std::string& path : paths) packer.text(path);
}

std::vector<std::string> unpack_paths(Unpacker& unpacker) {
  std::vector<std::string> paths;
  const auto count = unpacker.value<std::uint64_t>();
  if (count > places_max) unpacker.fail();
  for (std::uint64_t i = 0; i < count && !unpacker.failed(); ++i) {
    paths.emplace_back(unpacker.text());
  }
  return paths;
}

}  // namespace

std::string build_id() { return std::string(version()) + "/" PLAKAR_WIRE_DIGEST; }

void pack(Packer& packer, const Start& start) {
  packer.text(start.build);
  packer.text(start.module_path);
  packer(start.log_level);
  packer(start.extensions);
  packer(start.abi_minor);
  packer(std::uint8_t{start.permissions.all_files});
  packer(std::uint8_t{start.permissions.all_network});
  packer(std::uint64_t{start.permissions.tcp_ports.size()});
  for (const std::uint16_t port : start.permissions.tcp_ports) packer(port);
  pack_paths(packer, start.permissions.read_paths);
  pack_paths(packer, start.permissions.write_paths);
  packer(start.permissions.memory_bytes_max);
  packer(start.permissions.descriptors_max);
}

Result<Start> unpack_start(BytesView bytes) {
  Unpacker unpacker(bytes);
  Start start;
  start.build = unpacker.text();
  // The rest may be another build's.
  if (start.build != build_id()) return start;
  start.module_path = unpacker.text();
  unpacker(start.log_level);
  unpacker(start.extensions);
  unpacker(start.abi_minor);
  start.permissions.all_files = unpacker.value<std::uint8_t>() != 0;
  start.permissions.all_network = unpacker.value<std::uint8_t>() != 0;
  const auto ports = unpacker.value<std::uint64_t>();
  if (ports > places_max) unpacker.fail();
  for (std::uint64_t i = 0; i < ports && !unpacker.failed(); ++i) {
    start.permissions.tcp_ports.push_back(unpacker.value<std::uint16_t>());
  }
  start.permissions.read_paths = unpack_paths(unpacker);
  start.permissions.write_paths = unpack_paths(unpacker);
  unpacker(start.permissions.memory_bytes_max);
  unpacker(start.permissions.descriptors_max);
  PLK_TRY(unpacker.finish());
  return start;
}

void pack(Packer& packer, const Ready& ready) {
  packer.text(ready.build);
  packer(std::uint8_t{ready.confinement.files});
  packer(std::uint8_t{ready.confinement.network});
  packer(std::uint8_t{ready.confinement.calls});
}

Result<Ready> unpack_ready(BytesView bytes) {
  Unpacker unpacker(bytes);
  Ready ready;
  ready.build = unpacker.text().substr(0, 256);
  ready.confinement.files = unpacker.value<std::uint8_t>() != 0;
  ready.confinement.network = unpacker.value<std::uint8_t>() != 0;
  ready.confinement.calls = unpacker.value<std::uint8_t>() != 0;
  PLK_TRY(unpacker.finish());
  return ready;
}

}  // namespace plakar::host::worker
