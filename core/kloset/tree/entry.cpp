#include "core/kloset/tree/entry.h"

#include <utility>

#include "core/codec/msgpack_struct.h"
#include "core/kloset/format/stored_version.h"
#include "core/kloset/tree/path.h"

namespace plakar::kloset {

using codec::field;
using codec::MsgpackReader;
using codec::MsgpackWriter;

namespace {

// Enumerations are stored as the integers below them.
template <class Enum, class Stored>
struct EnumCodec {
  static Status read(MsgpackReader& in, Enum& value) {
    Stored stored{};
    PLK_TRY(codec::MsgpackCodec<Stored>::read(in, stored));
    value = static_cast<Enum>(stored);
    return {};
  }
  static void write(MsgpackWriter& out, Enum value) {
    codec::MsgpackCodec<Stored>::write(out, static_cast<Stored>(value));
  }
  static bool is_empty(Enum value) { return static_cast<Stored>(value) == 0; }
};
using FileModeCodec = EnumCodec<FileMode, std::uint32_t>;
using XattrKindCodec = EnumCodec<XattrKind, std::uint8_t>;

// The summary that stores of before 1.1 had here: passed over when read, nil when written. It
// needs no member; the table wants one, and `version` is as good as any.
struct NoSummary {
  static Status read(MsgpackReader& in, std::uint32_t&) { return in.skip(); }
  static void write(MsgpackWriter& out, std::uint32_t) { out.nil(); }
  static bool is_empty(std::uint32_t) { return false; }
};

}  // namespace

constexpr auto msgpack_fields(const FileInfo*) {
  return std::array{field<&FileInfo::name>("name"),
                    field<&FileInfo::size>("size"),
                    field<&FileInfo::mode, FileModeCodec>("mode"),
                    field<&FileInfo::mod_time>("mod_time"),
                    field<&FileInfo::dev>("dev"),
                    field<&FileInfo::ino>("ino"),
                    field<&FileInfo::uid>("uid"),
                    field<&FileInfo::gid>("gid"),
                    field<&FileInfo::nlink>("nlink"),
                    field<&FileInfo::username>("username"),
                    field<&FileInfo::groupname>("groupname"),
                    field<&FileInfo::flags>("flags")};
}

constexpr auto msgpack_fields(const Classification::Score*) {
  return std::array{field<&Classification::Score::key>("key"),
                    field<&Classification::Score::value>("value")};
}

constexpr auto msgpack_fields(const Classification*) {
  return std::array{field<&Classification::analyzer>("analyzer"),
                    field<&Classification::classes>("classes"),
                    field<&Classification::scores>("scores")};
}

constexpr auto msgpack_fields(const CustomMetadata*) {
  return std::array{field<&CustomMetadata::key>("key"), field<&CustomMetadata::value>("value")};
}

constexpr auto msgpack_fields(const VfsEntry*) {
  return std::array{field<&VfsEntry::version, StoredVersion>("version"),
                    field<&VfsEntry::parent_path>("parent_path"),
                    field<&VfsEntry::file_info>("file_info"),
                    field<&VfsEntry::version, NoSummary>("summary"),
                    field<&VfsEntry::symlink_target>("symlink_target").omit_empty(),
                    field<&VfsEntry::object>("object"),
                    field<&VfsEntry::content_type>("content_type").omit_empty(),
                    field<&VfsEntry::entropy>("entropy").omit_empty(),
                    field<&VfsEntry::chunks>("chunks").omit_empty(),
                    field<&VfsEntry::alternate_data_streams>("alternate_data_streams").omit_empty(),
                    field<&VfsEntry::security_descriptor>("security_descriptor").omit_empty(),
                    field<&VfsEntry::file_attributes>("file_attributes").omit_empty(),
                    field<&VfsEntry::extended_attributes>("extended_attributes").omit_empty(),
                    field<&VfsEntry::classifications>("classifications").omit_empty(),
                    field<&VfsEntry::custom_metadata>("custom_metadata").omit_empty(),
                    field<&VfsEntry::tags>("tags").omit_empty()};
}

constexpr auto msgpack_fields(const XattrEntry*) {
  return std::array{field<&XattrEntry::version, StoredVersion>("version"),
                    field<&XattrEntry::path>("path"),
                    field<&XattrEntry::name>("name"),
                    field<&XattrEntry::size>("size"),
                    field<&XattrEntry::kind, XattrKindCodec>("type"),
                    field<&XattrEntry::object>("object")};
}

constexpr auto msgpack_fields(const ErrorEntry*) {
  return std::array{field<&ErrorEntry::version, StoredVersion>("version"),
                    field<&ErrorEntry::path>("name"), field<&ErrorEntry::error>("error")};
}

bool FileInfo::same_file(const FileInfo& other) const noexcept {
  return name == other.name && size == other.size && mode == other.mode &&
         mod_time == other.mod_time && dev == other.dev && ino == other.ino && uid == other.uid &&
         gid == other.gid && nlink == other.nlink && username == other.username &&
         groupname == other.groupname;
}

std::string VfsEntry::path() const { return join(parent_path, file_info.name); }

Result<VfsEntry> decode_vfs_entry(BytesView bytes) {
  VfsEntry entry = PLK_TRY(codec::msgpack_decode<VfsEntry>(bytes));
  const bool is_root = entry.file_info.name == "/";
  const bool parent_ok = is_clean_path(entry.parent_path) || (is_root && entry.parent_path.empty());
  if (!parent_ok || (is_root ? entry.parent_path.size() > 1 : !is_name(entry.file_info.name))) {
    return Error(Errc::corrupt, "an entry whose name or parent path is not one");
  }
  return entry;
}

Result<XattrEntry> decode_xattr_entry(BytesView bytes) {
  return codec::msgpack_decode<XattrEntry>(bytes);
}

Result<ErrorEntry> decode_error_entry(BytesView bytes) {
  return codec::msgpack_decode<ErrorEntry>(bytes);
}

void encode_vfs_entry(Bytes& out, const VfsEntry& entry) { codec::msgpack_encode(out, entry); }
void encode_xattr_entry(Bytes& out, const XattrEntry& entry) { codec::msgpack_encode(out, entry); }
void encode_error_entry(Bytes& out, const ErrorEntry& entry) { codec::msgpack_encode(out, entry); }

std::string xattr_key(std::string_view path, std::string_view name, XattrKind kind) {
  std::string key(path);
  key += name;
  switch (kind) {
    case XattrKind::extended:
      return key += ':';
    case XattrKind::alternate_stream:
      return key += '@';
    case XattrKind::custom:
      return key += '%';
  }
  return key += '#';
}

}  // namespace plakar::kloset
