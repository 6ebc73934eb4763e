// The structs of connector.h as bytes. One `fields` for both directions: see packer.h.
//
// An element of an array whose stride is shorter than its struct here (a module of an older
// minor) is copied into a zeroed struct first; what a newer module appended is left out.
#pragma once

#include <plakar/connector.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/host/worker/packer.h"

namespace plakar::host::worker {

// Limits of what crosses. What a module makes beyond them is its error.
inline constexpr std::uint64_t batch_count_max = std::uint64_t{1} << 16;
inline constexpr std::uint64_t error_message_bytes_max = 2048;
inline constexpr std::uint64_t connectors_max = 64;

// Element `i` of an array with a stride that may be another minor's.
template <class T>
T element(const void* base, std::uint32_t stride, std::uint64_t i) {
  T value{};
  std::memcpy(&value, static_cast<const char*>(base) + std::size_t{stride} * i,
              std::min<std::size_t>(stride, sizeof value));
  return value;
}

// An array behind its count. `packed_bytes_min` is the least that one element takes.
template <class Codec, class T>
void array_fields(Codec& codec, const T*& elements, std::uint64_t& count,
                  std::size_t packed_bytes_min) {
  codec(count);
  if constexpr (Codec::packs) {
    for (std::uint64_t i = 0; i < count; ++i) {
      T copy = elements[i];
      fields(codec, copy);
    }
  } else {
    T* values = codec.template array<T>(count, packed_bytes_min);
    if (codec.failed()) count = 0;
    for (std::uint64_t i = 0; i < count; ++i) fields(codec, values[i]);
    elements = values;
  }
}

// The same for elements that may grow: `base` and `stride`.
template <class T, class Codec>
void strided_fields(Codec& codec, const void*& base, std::uint32_t& stride, std::uint64_t& count,
                    std::size_t packed_bytes_min) {
  codec(count);
  if constexpr (Codec::packs) {
    for (std::uint64_t i = 0; i < count; ++i) {
      T copy = element<T>(base, stride, i);
      fields(codec, copy);
    }
  } else {
    T* values = codec.template array<T>(count, packed_bytes_min);
    if (codec.failed()) count = 0;
    for (std::uint64_t i = 0; i < count; ++i) fields(codec, values[i]);
    base = values;
    stride = sizeof(T);
  }
}

template <class Codec>
void fields(Codec& codec, plk_str& text) {
  codec(text);
}

template <class Codec>
void fields(Codec& codec, plk_bytes& bytes) {
  codec(bytes);
}

template <class Codec>
void fields(Codec& codec, plk_cfg_entry& entry) {
  codec(entry.key);
  codec(entry.value);
  codec(entry.type);
  codec(entry.flags);
  codec(entry.i);
  codec(entry.d);
}

template <class Codec>
void fields(Codec& codec, plk_config& config) {
  strided_fields<plk_cfg_entry>(codec, config.entries, config.entry_stride, config.count, 40);
  codec(config.schema_version);
  if constexpr (!Codec::packs) config.struct_size = sizeof config;
}

// All but ctx, call and config, which are not values.
template <class Codec>
void fields(Codec& codec, plk_open_args& args) {
  codec(args.flags);
  codec(args.protocol);
  codec(args.location);
  codec(args.hostname);
  codec(args.os);
  codec(args.arch);
  codec(args.cwd);
  codec(args.concurrency);
  array_fields(codec, args.excludes, args.exclude_count, 8);
  if constexpr (!Codec::packs) args.struct_size = sizeof args;
}

template <class Codec>
void fields(Codec& codec, plk_location& location) {
  codec(location.flags);
  codec(location.origin);
  codec(location.type);
  codec(location.root);
  if constexpr (!Codec::packs) location.struct_size = sizeof location;
}

template <class Codec>
void fields(Codec& codec, plk_scan_args& args) {
  codec(args.max_batch);
  codec(args.max_unacked);
  codec(args.resume_token);
  if constexpr (!Codec::packs) args.struct_size = sizeof args;
}

template <class Codec>
void fields(Codec& codec, plk_export_args& args) {
  codec(args.flags);
  codec(args.items_total);
  codec(args.bytes_total);
  codec(args.existing);
  if constexpr (!Codec::packs) args.struct_size = sizeof args;
}

template <class Codec>
void fields(Codec& codec, plk_xattr& xattr) {
  codec(xattr.name);
  codec(xattr.value);
  codec(xattr.kind);
}

// The least that a record takes.
inline constexpr std::size_t record_packed_bytes_min = 196;

template <class Codec>
void fields(Codec& codec, plk_record& record) {
  codec(record.id);
  codec(record.valid);
  codec(record.type);
  codec(record.flags);
  codec(record.path);
  codec(record.target);
  strided_fields<plk_xattr>(codec, record.xattrs, record.xattr_stride, record.xattr_count, 20);
  codec(record.xattr_kind);
  codec(record.xattr_name);
  codec(record.size);
  codec(record.mtime);
  codec(record.ctime);
  codec(record.btime);
  codec(record.mode);
  codec(record.file_attrs);
  codec(record.uid);
  codec(record.gid);
  codec(record.dev);
  codec(record.ino);
  codec(record.nlink);
  codec(record.rdev);
  codec(record.user);
  codec(record.group);
  codec(record.change_token);
  codec(record.error_code);
  codec(record.error_message);
}

template <class Codec>
void fields(Codec& codec, plk_object& object) {
  codec(object.ns);
  codec(object.key);
  codec(object.flags);
  if constexpr (!Codec::packs) object.struct_size = sizeof object;
}

inline constexpr std::size_t name_packed_bytes_min = 36;

template <class Codec>
void fields(Codec& codec, plk_name& name) {
  codec(name.key);
  codec(name.valid);
  codec(name.size);
  codec(name.mtime);
}

inline constexpr std::size_t resource_packed_bytes_min = 84;

template <class Codec>
void fields(Codec& codec, plk_resource& resource) {
  codec(resource.urn);
  codec(resource.name);
  codec(resource.region);
  codec(resource.service);
  codec(resource.resource);
  codec(resource.category);
  codec(resource.subcategory);
  array_fields(codec, resource.tags, resource.tag_count, 8);
  array_fields(codec, resource.endpoints, resource.endpoint_count, 8);
  codec(resource.details);
  codec(resource.error_code);
}

template <class Codec>
void fields(Codec& codec, plk_log_record& record) {
  codec(record.level);
  codec(record.target);
  codec(record.message);
  array_fields(codec, record.kv, record.kv_count, 8);
  if constexpr (!Codec::packs) record.struct_size = sizeof record;
}

template <class Codec>
void fields(Codec& codec, plk_progress& progress) {
  codec(progress.items_done);
  codec(progress.items_total);
  codec(progress.bytes_done);
  codec(progress.bytes_total);
  codec(progress.phase);
  if constexpr (!Codec::packs) progress.struct_size = sizeof progress;
}

template <class Codec>
void fields(Codec& codec, plk_spawn_args& args) {
  codec(args.flags);
  array_fields(codec, args.argv, args.argc, 8);
  array_fields(codec, args.env, args.env_count, 8);
  codec(args.cwd);
  if constexpr (!Codec::packs) args.struct_size = sizeof args;
}

// What a failed call says, in place of its results.
struct Failure {
  std::uint32_t flags = 0;
  std::int32_t sys_errno = 0;
  std::uint64_t retry_after_ms = 0;
  std::string message{};
  std::string vendor{};  // At most 48 bytes.
};
void pack(Packer& packer, const Failure& failure);
Result<Failure> unpack_failure(BytesView bytes);

// Which optional functions a connector has, and of which kind its table is.
namespace has {
inline constexpr std::uint32_t config_check = 1U << 0;
inline constexpr std::uint32_t config_choices = 1U << 1;
inline constexpr std::uint32_t config_migrate = 1U << 2;
inline constexpr std::uint32_t interrupt = 1U << 3;
inline constexpr std::uint32_t scan_ack = 1U << 4;
inline constexpr std::uint32_t estimate = 1U << 5;
inline constexpr std::uint32_t write_zeros = 1U << 6;
inline constexpr std::uint32_t get_open = 1U << 7;
inline constexpr std::uint32_t uploads = 1U << 8;
inline constexpr std::uint32_t finish = 1U << 9;
}  // namespace has

struct ConnectorInfo {
  std::uint32_t kind = 0;
  std::string id;
  std::uint64_t caps = 0;
  std::uint32_t config_schema_version = 0;
  std::uint32_t max_concurrency = 0;
  std::uint32_t functions = 0;  // has::*

  friend bool operator==(const ConnectorInfo&, const ConnectorInfo&) = default;
};

// A module, as its worker describes it once it is loaded.
struct ModuleInfo {
  std::string name;
  std::string version;
  std::uint32_t abi_minor_built = 0;
  std::uint32_t abi_minor_required = 0;
  std::vector<ConnectorInfo> connectors;

  friend bool operator==(const ModuleInfo&, const ModuleInfo&) = default;
};
void pack(Packer& packer, const ModuleInfo& info);
Result<ModuleInfo> unpack_module_info(BytesView bytes);

// Batches: a count, then the elements. What is returned lives as long as `unpacker`, and what
// that was made of.
struct Records {
  const plk_record* records = nullptr;
  std::uint64_t count = 0;
};
struct Names {
  const plk_name* names = nullptr;
  std::uint64_t count = 0;
};
struct Resources {
  const plk_resource* resources = nullptr;
  std::uint64_t count = 0;
};
Result<Records> unpack_records(Unpacker& unpacker);
Result<Names> unpack_names(Unpacker& unpacker);
Result<Resources> unpack_resources(Unpacker& unpacker);

}  // namespace plakar::host::worker
