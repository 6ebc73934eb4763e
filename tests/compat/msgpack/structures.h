// The structures of the *.bin files beside this one, as specs/kloset-format.md defines them:
// enough to prove that tables and codec reproduce stored bytes. Shared by test, fuzzer and
// benchmark of the codec; the structures that the product uses live in core/kloset.
//
// The files are blobs cut out of stores written by the reference tool: CONFIG without its
// envelope, and unencoded blobs of a store with neither compression nor encryption.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/codec/msgpack_struct.h"

namespace plakar::compat {

using codec::field;
using codec::plain_int_field;
using plakar::UnixTime;

struct PackfileSettings {
  std::uint64_t min_size = 0;
  std::uint64_t avg_size = 0;
  std::uint64_t max_size = 0;
};
constexpr auto msgpack_fields(const PackfileSettings*) {
  return std::array{field<&PackfileSettings::min_size>("MinSize"),
                    field<&PackfileSettings::avg_size>("AvgSize"),
                    field<&PackfileSettings::max_size>("MaxSize")};
}

struct ChunkingSettings {
  std::string algorithm;
  std::uint32_t min_size = 0;
  std::uint32_t normal_size = 0;
  std::uint32_t max_size = 0;
};
constexpr auto msgpack_fields(const ChunkingSettings*) {
  return std::array{field<&ChunkingSettings::algorithm>("Algorithm"),
                    field<&ChunkingSettings::min_size>("MinSize"),
                    field<&ChunkingSettings::normal_size>("NormalSize"),
                    field<&ChunkingSettings::max_size>("MaxSize")};
}

struct HashingSettings {
  std::string algorithm;
  std::uint32_t bits = 0;
};
constexpr auto msgpack_fields(const HashingSettings*) {
  return std::array{field<&HashingSettings::algorithm>("Algorithm"),
                    field<&HashingSettings::bits>("Bits")};
}

struct CompressionSettings {
  std::string algorithm;
  std::int64_t level = 0;
  std::int64_t window_size = 0;
  std::int64_t chunk_size = 0;
  std::int64_t block_size = 0;
  bool enable_crc = false;
};
constexpr auto msgpack_fields(const CompressionSettings*) {
  return std::array{field<&CompressionSettings::algorithm>("Algorithm"),
                    plain_int_field<&CompressionSettings::level>("Level"),
                    plain_int_field<&CompressionSettings::window_size>("WindowSize"),
                    plain_int_field<&CompressionSettings::chunk_size>("ChunkSize"),
                    plain_int_field<&CompressionSettings::block_size>("BlockSize"),
                    field<&CompressionSettings::enable_crc>("EnableCRC")};
}

struct Argon2Settings {
  std::uint32_t salt_size = 0;
  std::uint32_t time = 0;
  std::uint32_t memory = 0;
  std::uint8_t threads = 0;
  std::uint32_t key_length = 0;
};
constexpr auto msgpack_fields(const Argon2Settings*) {
  return std::array{field<&Argon2Settings::salt_size>("SaltSize"),
                    field<&Argon2Settings::time>("Time"), field<&Argon2Settings::memory>("Memory"),
                    field<&Argon2Settings::threads>("Threads"),
                    field<&Argon2Settings::key_length>("KeyLen")};
}

struct KeyDerivationSettings {
  std::string function;
  Bytes salt;
  std::optional<Argon2Settings> argon2id;
};
constexpr auto msgpack_fields(const KeyDerivationSettings*) {
  return std::array{field<&KeyDerivationSettings::function>("KDF"),
                    field<&KeyDerivationSettings::salt>("Salt"),
                    field<&KeyDerivationSettings::argon2id>("argon2id").omit_empty()};
}

struct EncryptionSettings {
  std::string subkey_algorithm;
  std::string data_algorithm;
  std::int64_t chunk_size = 0;
  KeyDerivationSettings key_derivation;
  Bytes canary;
};
constexpr auto msgpack_fields(const EncryptionSettings*) {
  return std::array{field<&EncryptionSettings::subkey_algorithm>("SubKeyAlgorithm"),
                    field<&EncryptionSettings::data_algorithm>("DataAlgorithm"),
                    plain_int_field<&EncryptionSettings::chunk_size>("ChunkSize"),
                    field<&EncryptionSettings::key_derivation>("KDFParams"),
                    field<&EncryptionSettings::canary>("Canary")};
}

struct Config {
  UnixTime timestamp;
  std::array<std::byte, 16> repository_id{};
  PackfileSettings packfile;
  ChunkingSettings chunking;
  HashingSettings hashing;
  std::optional<CompressionSettings> compression;
  std::optional<EncryptionSettings> encryption;
};
constexpr auto msgpack_fields(const Config*) {
  return std::array{
      field<&Config::timestamp>("Timestamp"),  field<&Config::repository_id>("RepositoryID"),
      field<&Config::packfile>("Packfile"),    field<&Config::chunking>("Chunking"),
      field<&Config::hashing>("Hashing"),      field<&Config::compression>("Compression"),
      field<&Config::encryption>("Encryption")};
}

struct Chunk {
  std::uint32_t version = 0;
  Mac content_mac;
  std::uint32_t length = 0;
  double entropy = 0;
  std::uint32_t flags = 0;
};
constexpr auto msgpack_fields(const Chunk*) {
  return std::array{field<&Chunk::version>("version"), field<&Chunk::content_mac>("contentMAC"),
                    field<&Chunk::length>("length"), field<&Chunk::entropy>("entropy"),
                    field<&Chunk::flags>("flags")};
}

struct Object {
  std::uint32_t version = 0;
  Mac content_mac;
  std::vector<Chunk> chunks;
  std::string content_type;
  double entropy = 0;
  std::uint32_t flags = 0;
};
constexpr auto msgpack_fields(const Object*) {
  return std::array{field<&Object::version>("version"),
                    field<&Object::content_mac>("contentMAC"),
                    field<&Object::chunks>("chunks"),
                    field<&Object::content_type>("content_type").omit_empty(),
                    field<&Object::entropy>("entropy").omit_empty(),
                    field<&Object::flags>("flags")};
}

struct TreeRoot {
  std::uint32_t version = 0;
  std::int64_t order = 0;
  std::int64_t count = 0;
  Mac root;
};
constexpr auto msgpack_fields(const TreeRoot*) {
  return std::array{field<&TreeRoot::version>("Version"),
                    plain_int_field<&TreeRoot::order>("Order"),
                    plain_int_field<&TreeRoot::count>("Count"), field<&TreeRoot::root>("Root")};
}

struct TreeNode {
  std::uint32_t version = 0;
  std::vector<std::string_view> keys;
  std::vector<Mac> pointers;
  std::vector<Mac> values;
  std::optional<Mac> prev;
  std::optional<Mac> next;
};
constexpr auto msgpack_fields(const TreeNode*) {
  return std::array{field<&TreeNode::version>("version"),
                    field<&TreeNode::keys>("keys").nil_if_empty(),
                    field<&TreeNode::pointers>("pointers").nil_if_empty(),
                    field<&TreeNode::values>("values").nil_if_empty(),
                    field<&TreeNode::prev>("prev").omit_empty(),
                    field<&TreeNode::next>("next").omit_empty()};
}

struct XattrEntry {
  std::uint32_t version = 0;
  std::string path;
  std::string name;
  std::int64_t size = 0;
  std::uint8_t type = 0;
  Mac object;
};
constexpr auto msgpack_fields(const XattrEntry*) {
  return std::array{field<&XattrEntry::version>("version"), field<&XattrEntry::path>("path"),
                    field<&XattrEntry::name>("name"),       field<&XattrEntry::size>("size"),
                    field<&XattrEntry::type>("type"),       field<&XattrEntry::object>("object")};
}

// Both halves of a summary.
struct Totals {
  std::uint64_t directories = 0, files = 0, symlinks = 0, devices = 0, pipes = 0, sockets = 0;
  std::uint64_t children = 0, setuid = 0, setgid = 0, sticky = 0, objects = 0, chunks = 0;
  std::uint64_t min_size = 0, max_size = 0, avg_size = 0, size = 0;
  std::int64_t min_mod_time = 0, max_mod_time = 0;
  double min_entropy = 0, max_entropy = 0, sum_entropy = 0, avg_entropy = 0;
  std::uint64_t hi_entropy = 0, lo_entropy = 0;
  std::uint64_t mime_audio = 0, mime_video = 0, mime_image = 0, mime_text = 0;
  std::uint64_t mime_application = 0, mime_other = 0, errors = 0;
};
constexpr auto msgpack_fields(const Totals*) {
  return std::array{field<&Totals::directories>("directories").omit_empty(),
                    field<&Totals::files>("files").omit_empty(),
                    field<&Totals::symlinks>("symlinks").omit_empty(),
                    field<&Totals::devices>("devices").omit_empty(),
                    field<&Totals::pipes>("pipes").omit_empty(),
                    field<&Totals::sockets>("sockets").omit_empty(),
                    field<&Totals::children>("children").omit_empty(),
                    field<&Totals::setuid>("setuid").omit_empty(),
                    field<&Totals::setgid>("setgid").omit_empty(),
                    field<&Totals::sticky>("sticky").omit_empty(),
                    field<&Totals::objects>("objects").omit_empty(),
                    field<&Totals::chunks>("chunks").omit_empty(),
                    field<&Totals::min_size>("min_size").omit_empty(),
                    field<&Totals::max_size>("max_size").omit_empty(),
                    field<&Totals::avg_size>("avg_size").omit_empty(),
                    field<&Totals::size>("size").omit_empty(),
                    field<&Totals::min_mod_time>("min_mod_time").omit_empty(),
                    field<&Totals::max_mod_time>("max_mod_time").omit_empty(),
                    field<&Totals::min_entropy>("min_entropy").omit_empty(),
                    field<&Totals::max_entropy>("max_entropy").omit_empty(),
                    field<&Totals::sum_entropy>("sum_entropy").omit_empty(),
                    field<&Totals::avg_entropy>("avg_entropy").omit_empty(),
                    field<&Totals::hi_entropy>("hi_entropy").omit_empty(),
                    field<&Totals::lo_entropy>("lo_entropy").omit_empty(),
                    field<&Totals::mime_audio>("MIME_audio").omit_empty(),
                    field<&Totals::mime_video>("MIME_video").omit_empty(),
                    field<&Totals::mime_image>("MIME_image").omit_empty(),
                    field<&Totals::mime_text>("MIME_text").omit_empty(),
                    field<&Totals::mime_application>("MIME_application").omit_empty(),
                    field<&Totals::mime_other>("MIME_other").omit_empty(),
                    field<&Totals::errors>("errors").omit_empty()};
}

// The half about what lies deeper lacks three fields, and always writes its errors.
constexpr auto below_fields(const Totals* tag) {
  std::array<codec::MsgpackField<Totals>, 28> below{};
  std::size_t count = 0;
  for (const auto& each : msgpack_fields(tag)) {
    const std::string_view key = each.row.key;
    if (key == "avg_size" || key == "sum_entropy" || key == "avg_entropy") continue;
    below[count++] = key == "errors" ? field<&Totals::errors>("errors") : each;
  }
  return below;
}

struct Summary {
  Totals directory;
  Totals below;
};
constexpr auto msgpack_fields(const Summary*) {
  return std::array{field<&Summary::directory>("directory").omit_empty(),
                    field<&Summary::below, codec::MsgpackTable<Totals, below_fields>>("below")};
}

struct FileInfo {
  std::string name;
  std::int64_t size = 0;
  std::uint32_t mode = 0;
  UnixTime mod_time;
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint16_t nlink = 0;
  std::string username;
  std::string groupname;
  std::uint32_t flags = 0;
};
constexpr auto msgpack_fields(const FileInfo*) {
  return std::array{field<&FileInfo::name>("name"),
                    field<&FileInfo::size>("size"),
                    field<&FileInfo::mode>("mode"),
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

struct Entry {
  std::uint32_t version = 0;
  std::string parent_path;
  FileInfo file_info;
  std::optional<Summary> summary;
  std::string symlink_target;
  Mac object;
  std::string content_type;
  double entropy = 0;
  std::uint64_t chunks = 0;
  std::vector<std::string> extended_attributes;
  std::vector<std::string> tags;
};
constexpr auto msgpack_fields(const Entry*) {
  return std::array{field<&Entry::version>("version"),
                    field<&Entry::parent_path>("parent_path"),
                    field<&Entry::file_info>("file_info"),
                    field<&Entry::summary>("summary"),
                    field<&Entry::symlink_target>("symlink_target").omit_empty(),
                    field<&Entry::object>("object"),
                    field<&Entry::content_type>("content_type").omit_empty(),
                    field<&Entry::entropy>("entropy").omit_empty(),
                    field<&Entry::chunks>("chunks").omit_empty(),
                    field<&Entry::extended_attributes>("extended_attributes").omit_empty(),
                    field<&Entry::tags>("tags").omit_empty()};
}

struct Identity {
  std::array<std::byte, 16> identifier{};
  Bytes public_key;
};
constexpr auto msgpack_fields(const Identity*) {
  return std::array{field<&Identity::identifier>("identifier"),
                    field<&Identity::public_key>("public_key").nil_if_empty()};
}

struct KeyValue {
  std::string key;
  std::string value;
};
constexpr auto msgpack_fields(const KeyValue*) {
  return std::array{field<&KeyValue::key>("key"), field<&KeyValue::value>("value")};
}

struct Importer {
  std::string type;
  std::string origin;
  std::string directory;
};
constexpr auto msgpack_fields(const Importer*) {
  return std::array{field<&Importer::type>("type"), field<&Importer::origin>("origin"),
                    field<&Importer::directory>("directory")};
}

struct SourceRoots {
  Mac root;
  Mac xattrs;
  Mac errors;
};
constexpr auto msgpack_fields(const SourceRoots*) {
  return std::array{field<&SourceRoots::root>("root"), field<&SourceRoots::xattrs>("xattrs"),
                    field<&SourceRoots::errors>("errors")};
}

struct Index {
  std::string name;
  std::string type;
  Mac value;
};
constexpr auto msgpack_fields(const Index*) {
  return std::array{field<&Index::name>("name"), field<&Index::type>("type"),
                    field<&Index::value>("value")};
}

struct Source {
  Importer importer;
  std::vector<KeyValue> context;
  SourceRoots root;
  std::vector<Index> indexes;
  Summary summary;
};
constexpr auto msgpack_fields(const Source*) {
  return std::array{field<&Source::importer>("importer"), field<&Source::context>("context"),
                    field<&Source::root>("root"), field<&Source::indexes>("indexes"),
                    field<&Source::summary>("summary")};
}

struct Snapshot {
  std::uint32_t version = 0;
  SnapshotId identifier;
  UnixTime timestamp;
  std::int64_t duration = 0;
  Identity identity;
  std::string name;
  std::string category;
  std::string environment;
  std::string perimeter;
  std::string job;
  std::uint32_t replicas = 0;
  std::string dataset;
  std::vector<std::string> data_classes;
  std::vector<std::string> classifications;  // always empty here
  std::vector<std::string> tags;
  std::vector<KeyValue> context;
  std::vector<Source> sources;
};
constexpr auto msgpack_fields(const Snapshot*) {
  return std::array{field<&Snapshot::version>("version"),
                    field<&Snapshot::identifier>("identifier"),
                    field<&Snapshot::timestamp>("timestamp"),
                    field<&Snapshot::duration>("duration"),
                    field<&Snapshot::identity>("identity"),
                    field<&Snapshot::name>("name"),
                    field<&Snapshot::category>("category"),
                    field<&Snapshot::environment>("environment"),
                    field<&Snapshot::perimeter>("perimeter"),
                    field<&Snapshot::job>("job"),
                    field<&Snapshot::replicas>("replicas"),
                    field<&Snapshot::dataset>("dataset"),
                    field<&Snapshot::data_classes>("data_classes"),
                    field<&Snapshot::classifications>("classifications"),
                    field<&Snapshot::tags>("tags"),
                    field<&Snapshot::context>("context"),
                    field<&Snapshot::sources>("sources")};
}

}  // namespace plakar::compat
