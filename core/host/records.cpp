#include "core/host/records.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "core/base/text.h"
#include "core/host/services.h"
#include "core/host/status_map.h"

namespace plakar::host {
namespace {

using kloset::ContentIdentity;
using kloset::Record;
using kloset::RecordKind;

constexpr std::uint32_t nanoseconds_max = 999'999'999;

Error broken(std::string_view what, const plk_record& record) {
  const std::string_view path = from_plk(record.path);
  return Error(Errc::corrupt, std::string(what) + ", of " +
                                  escape(path.substr(0, std::min<std::size_t>(path.size(), 200))));
}

bool has(const plk_record& record, std::uint64_t member) noexcept {
  return (record.valid & member) != 0;
}

RecordKind kind_of(std::uint32_t type) noexcept {
  switch (type) {
    case PLK_R_FILE:
      return RecordKind::regular;
    case PLK_R_DIR:
      return RecordKind::directory;
    case PLK_R_SYMLINK:
      return RecordKind::symlink;
    case PLK_R_XATTR:
      return RecordKind::xattr;
    case PLK_R_ERROR:
      return RecordKind::error;
    default:
      return RecordKind::special;
  }
}

FileType file_type_of(std::uint32_t type) noexcept {
  switch (type) {
    case PLK_R_FILE:
    case PLK_R_XATTR:
      return FileType::regular;
    case PLK_R_DIR:
      return FileType::directory;
    case PLK_R_SYMLINK:
      return FileType::symlink;
    case PLK_R_FIFO:
      return FileType::fifo;
    case PLK_R_CHAR:
      return FileType::character_device;
    case PLK_R_BLOCK:
      return FileType::block_device;
    case PLK_R_SOCKET:
      return FileType::socket;
    default:
      return FileType::unknown;
  }
}

std::uint32_t default_mode(std::uint32_t type) noexcept {
  return type == PLK_R_DIR ? 0750 : type == PLK_R_SYMLINK ? 0777 : 0640;
}

Result<std::string> member(plk_bytes octets, std::size_t size_max, std::string_view what,
                           const plk_record& record) {
  const std::string_view text = from_plk(octets);
  if (octets.ptr == nullptr && octets.len != 0) return broken("a length without a pointer", record);
  if (text.size() > size_max) return broken(std::string(what) + " is too long", record);
  if (text.find('\0') != std::string_view::npos) {
    return broken("NUL in " + std::string(what), record);
  }
  return std::string(text);
}

Status import_attributes(const plk_record& record, ImportedRecord& imported) {
  if (record.xattr_count == 0) return {};
  if (record.xattrs == nullptr || record.xattr_stride < sizeof(plk_xattr)) {
    return broken("attributes that are not there", record);
  }
  if (record.xattr_count > record_xattrs_max) return broken("too many attributes", record);
  auto& attributes = imported.record.attributes;
  for (std::uint64_t i = 0; i < record.xattr_count; ++i) {
    const plk_xattr& xattr = *PLK_AT(plk_xattr, record.xattrs, record.xattr_stride, i);
    if (xattr.kind != PLK_XATTR_EXTENDED) {
      imported.lost_attributes = true;
      continue;
    }
    std::string name =
        PLK_TRY(member(xattr.name, xattr_name_bytes_max, "the name of an attribute", record));
    if (name.empty()) return broken("an attribute without a name", record);
    const std::string_view value = from_plk(xattr.value);
    if (value.size() > xattr_value_bytes_max) return broken("too large an attribute", record);
    attributes.push_back({.name = std::move(name), .value = to_bytes(value)});
  }
  std::ranges::sort(attributes, {}, &kloset::RecordAttribute::name);
  if (std::ranges::adjacent_find(attributes, {}, &kloset::RecordAttribute::name) !=
      attributes.end()) {
    return broken("an attribute twice", record);
  }
  return {};
}

}  // namespace

bool is_clean_path(std::string_view path) noexcept {
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string_view::npos) {
    return false;
  }
  if (path == "/") return true;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(end);
  }
  return true;
}

plk_record record_at(const void* records, std::uint32_t stride, std::uint64_t i) noexcept {
  plk_record record{};
  std::memcpy(&record, static_cast<const char*>(records) + std::uint64_t{stride} * i,
              std::min<std::size_t>(stride, sizeof record));
  return record;
}

Result<ImportedRecord> import_record(const plk_record& from) {
  ImportedRecord imported;
  Record& record = imported.record;
  record.id = from.id;
  record.kind = kind_of(from.type);
  record.path = PLK_TRY(member(from.path, record_path_bytes_max, "a path", from));
  if (!is_clean_path(record.path)) return broken("a path that is not absolute and clean", from);
  if (from.id > record_id_max) return broken("an id of 2^56 or more", from);
  if (from.type == PLK_R_HARDLINK) return broken("a hard link, which only exporters get", from);
  if (record.kind == RecordKind::error) {
    const std::string_view message = from_plk(from.error_message);
    record.error = message.empty() ? std::string(describe(from.error_code))
                                   : escape(message.substr(0, call_message_bytes_max));
    return imported;
  }

  record.mode =
      kloset::make_file_mode(file_type_of(from.type),
                             has(from, PLK_V_MODE) ? from.mode & 07777U : default_mode(from.type));
  if (has(from, PLK_V_SIZE)) {
    if (from.size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return broken("a size that no file has", from);
    }
    record.size = static_cast<std::int64_t>(from.size);
  }
  if (has(from, PLK_V_MTIME)) {
    if (from.mtime.nanoseconds > nanoseconds_max) {
      return broken("nanoseconds that are more than a second", from);
    }
    record.mod_time = {.seconds = from.mtime.seconds, .nanoseconds = from.mtime.nanoseconds};
  }
  if (has(from, PLK_V_UID)) record.uid = from.uid;
  if (has(from, PLK_V_GID)) record.gid = from.gid;
  if (has(from, PLK_V_DEV)) record.dev = from.dev;
  if (has(from, PLK_V_INO)) record.ino = from.ino;
  if (has(from, PLK_V_NLINK)) {
    record.nlink = static_cast<std::uint16_t>(
        std::min<std::uint64_t>(from.nlink, std::numeric_limits<std::uint16_t>::max()));
  }
  if (has(from, PLK_V_USER)) {
    record.username = PLK_TRY(member(from.user, xattr_name_bytes_max, "a user's name", from));
  }
  if (has(from, PLK_V_GROUP)) {
    record.groupname = PLK_TRY(member(from.group, xattr_name_bytes_max, "a group's name", from));
  }

  if (record.kind == RecordKind::symlink) {
    record.target = PLK_TRY(member(from.target, record_target_bytes_max, "a target", from));
    if (record.target.empty()) return broken("a link without a target", from);
  }
  if (record.kind == RecordKind::xattr) {
    if (from.xattr_kind != PLK_XATTR_EXTENDED) imported.lost_attributes = true;
    record.xattr_name =
        PLK_TRY(member(from.xattr_name, xattr_name_bytes_max, "the name of an attribute", from));
    if (record.xattr_name.empty()) return broken("an attribute without a name", from);
  }
  const bool has_data = (from.flags & PLK_RF_HAS_DATA) != 0;
  const bool wants_data = record.kind == RecordKind::regular || record.kind == RecordKind::xattr;
  if (wants_data && !has_data) return broken("a file without content", from);

  if ((from.flags & PLK_RF_VOLATILE) != 0) {
    record.identity = ContentIdentity::never;
  } else if (has(from, PLK_V_CHANGE_TOKEN)) {
    record.identity = ContentIdentity::by_token;
    record.change_token = std::string(from_plk(from.change_token));
    if (record.change_token.size() > xattr_name_bytes_max) {
      return broken("too long a change token", from);
    }
  } else if (!has(from, PLK_V_MTIME) || !has(from, PLK_V_SIZE)) {
    // Nothing is known by which a change would show.
    record.identity = ContentIdentity::never;
  }
  PLK_TRY(import_attributes(from, imported));
  return imported;
}

ExportedRecord::ExportedRecord(const Record& record) {
  record_.id = record.id;
  record_.valid = PLK_V_MODE | PLK_V_UID | PLK_V_GID;
  switch (record.kind) {
    case RecordKind::directory:
      record_.type = PLK_R_DIR;
      break;
    case RecordKind::regular:
      record_.type = PLK_R_FILE;
      record_.flags = PLK_RF_HAS_DATA;
      record_.valid |= PLK_V_SIZE;
      break;
    case RecordKind::symlink:
      record_.type = PLK_R_SYMLINK;
      break;
    case RecordKind::hardlink:
      record_.type = PLK_R_HARDLINK;
      break;
    case RecordKind::xattr:
      record_.type = PLK_R_XATTR;
      record_.flags = PLK_RF_HAS_DATA;
      break;
    case RecordKind::error:
      record_.type = PLK_R_ERROR;
      break;
    case RecordKind::special:
      switch (kloset::file_type(record.mode)) {
        case FileType::character_device:
          record_.type = PLK_R_CHAR;
          break;
        case FileType::block_device:
          record_.type = PLK_R_BLOCK;
          break;
        case FileType::socket:
          record_.type = PLK_R_SOCKET;
          break;
        default:
          record_.type = PLK_R_FIFO;
          break;
      }
      break;
  }
  record_.path = to_plk_bytes(record.path);
  record_.target = to_plk_bytes(record.target);
  record_.mode = kloset::permissions(record.mode);
  record_.size = static_cast<std::uint64_t>(std::max<std::int64_t>(record.size, 0));
  if (record.mod_time != UnixTime()) {
    record_.valid |= PLK_V_MTIME;
    record_.mtime = {.seconds = record.mod_time.seconds,
                     .nanoseconds = record.mod_time.nanoseconds,
                     .reserved0 = 0};
  }
  record_.uid = record.uid;
  record_.gid = record.gid;
  if (record.nlink != 0) record_.valid |= PLK_V_NLINK;
  record_.nlink = record.nlink;
  if (!record.username.empty()) record_.valid |= PLK_V_USER;
  record_.user = to_plk_bytes(record.username);
  if (!record.groupname.empty()) record_.valid |= PLK_V_GROUP;
  record_.group = to_plk_bytes(record.groupname);
  for (const kloset::RecordAttribute& attribute : record.attributes) {
    xattrs_.push_back({.name = to_plk_bytes(attribute.name),
                       .value = to_plk_bytes(attribute.value),
                       .kind = PLK_XATTR_EXTENDED,
                       .reserved0 = 0});
  }
  record_.xattrs = xattrs_.data();
  record_.xattr_count = xattrs_.size();
  record_.xattr_stride = sizeof(plk_xattr);
}

}  // namespace plakar::host
