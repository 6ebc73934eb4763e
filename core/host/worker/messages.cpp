#include "core/host/worker/messages.h"

#include <utility>

namespace plakar::host::worker {
namespace {

template <class T>
Result<std::pair<const T*, std::uint64_t>> unpack_batch(Unpacker& unpacker,
                                                        std::size_t packed_bytes_min) {
  const T* elements = nullptr;
  std::uint64_t count = 0;
  array_fields(unpacker, elements, count, packed_bytes_min);
  PLK_TRY(unpacker.finish());
  if (count > batch_count_max) {
    return Error(Errc::corrupt, "a worker sent more elements at once than it may");
  }
  return std::pair(elements, count);
}

}  // namespace

void pack(Packer& packer, const Failure& failure) {
  packer(failure.flags);
  packer(failure.sys_errno);
  packer(failure.retry_after_ms);
  packer.text(std::string_view(failure.message).substr(0, error_message_bytes_max));
  packer.text(std::string_view(failure.vendor).substr(0, sizeof(plk_error::vendor)));
}

Result<Failure> unpack_failure(BytesView bytes) {
  Unpacker unpacker(bytes);
  Failure failure;
  unpacker(failure.flags);
  unpacker(failure.sys_errno);
  unpacker(failure.retry_after_ms);
  failure.message = unpacker.text().substr(0, error_message_bytes_max);
  failure.vendor = unpacker.text().substr(0, sizeof(plk_error::vendor));
  PLK_TRY(unpacker.finish());
  return failure;
}

void pack(Packer& packer, const ModuleInfo& info) {
  packer.text(info.name);
  packer.text(info.version);
  packer(info.abi_minor_built);
  packer(info.abi_minor_required);
  packer(std::uint64_t{info.connectors.size()});
  for (const ConnectorInfo& connector : info.connectors) {
    packer(connector.kind);
    packer.text(connector.id);
    packer(connector.caps);
    packer(connector.config_schema_version);
    packer(connector.max_concurrency);
    packer(connector.functions);
  }
}

Result<ModuleInfo> unpack_module_info(BytesView bytes) {
  Unpacker unpacker(bytes);
  ModuleInfo info;
  info.name = unpacker.text();
  info.version = unpacker.text();
  unpacker(info.abi_minor_built);
  unpacker(info.abi_minor_required);
  const auto count = unpacker.value<std::uint64_t>();
  if (count > connectors_max) return Error(Errc::corrupt, "a module with too many connectors");
  for (std::uint64_t i = 0; i < count && !unpacker.failed(); ++i) {
    ConnectorInfo& connector = info.connectors.emplace_back();
    unpacker(connector.kind);
    connector.id = unpacker.text();
    unpacker(connector.caps);
    unpacker(connector.config_schema_version);
    unpacker(connector.max_concurrency);
    unpacker(connector.functions);
  }
  PLK_TRY(unpacker.finish());
  return info;
}

Result<Records> unpack_records(Unpacker& unpacker) {
  const auto [records, count] =
      PLK_TRY(unpack_batch<plk_record>(unpacker, record_packed_bytes_min));
  return Records{records, count};
}

Result<Names> unpack_names(Unpacker& unpacker) {
  const auto [names, count] = PLK_TRY(unpack_batch<plk_name>(unpacker, name_packed_bytes_min));
  return Names{names, count};
}

Result<Resources> unpack_resources(Unpacker& unpacker) {
  const auto [resources, count] =
      PLK_TRY(unpack_batch<plk_resource>(unpacker, resource_packed_bytes_min));
  return Resources{resources, count};
}

}  // namespace plakar::host::worker
