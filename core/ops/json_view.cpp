#include "core/ops/json_view.h"

#include <string>
#include <string_view>

#include "core/base/base64.h"
#include "core/base/text.h"

namespace plakar::ops {
namespace {

using codec::Json;

constexpr std::uint32_t version_1_0_0 = 1u << 16;

std::string text(std::string_view value) {
  return is_utf8(value) ? std::string(value) : escape(value);
}

Json bytes(BytesView value) {
  if (value.empty()) return nullptr;
  return to_base64(value);
}

std::string time(UnixTime value) { return format_rfc3339(value, TimePrecision::nanoseconds); }

template <class Strings>
Json list(const Strings& values) {
  Json json = Json::array();
  for (const auto& value : values) json.push_back(text(value));
  return json;
}

Json pairs(const std::vector<kloset::KeyValue>& values) {
  Json json = Json::array();
  for (const auto& [key, value] : values) {
    json.push_back(Json::object({{"key", text(key)}, {"value", text(value)}}));
  }
  return json;
}

Json totals_json(const kloset::Totals& totals, bool is_own) {
  Json json = Json::object();
  json.set("directories", totals.directories);
  json.set("files", totals.files);
  json.set("symlinks", totals.symlinks);
  json.set("devices", totals.devices);
  json.set("pipes", totals.pipes);
  json.set("sockets", totals.sockets);
  json.set("children", totals.children);
  json.set("setuid", totals.setuid);
  json.set("setgid", totals.setgid);
  json.set("sticky", totals.sticky);
  json.set("objects", totals.objects);
  json.set("chunks", totals.chunks);
  json.set("min_size", totals.size_min);
  json.set("max_size", totals.size_max);
  if (is_own) json.set("avg_size", totals.size_average);
  json.set("size", totals.size);
  json.set("min_mod_time", totals.mod_time_min);
  json.set("max_mod_time", totals.mod_time_max);
  json.set("min_entropy", totals.entropy_min);
  json.set("max_entropy", totals.entropy_max);
  if (is_own) {
    json.set("sum_entropy", totals.entropy_sum);
    json.set("avg_entropy", totals.entropy_average);
  }
  json.set("hi_entropy", totals.high_entropy);
  json.set("lo_entropy", totals.low_entropy);
  json.set("MIME_audio", totals.mime_audio);
  json.set("MIME_video", totals.mime_video);
  json.set("MIME_image", totals.mime_image);
  json.set("MIME_text", totals.mime_text);
  json.set("MIME_application", totals.mime_application);
  json.set("MIME_other", totals.mime_other);
  json.set("errors", totals.errors);
  return json;
}

Json source_json(const kloset::HeaderSource& source) {
  Json indexes = Json::array();
  for (const kloset::TreeIndex& index : source.indexes) {
    indexes.push_back(Json::object(
        {{"name", text(index.name)}, {"type", text(index.type)}, {"value", index.value.hex()}}));
  }
  return Json::object({{"importer", Json::object({{"type", text(source.importer.type)},
                                                  {"origin", text(source.importer.origin)},
                                                  {"directory", text(source.importer.directory)}})},
                       {"context", pairs(source.context)},
                       {"root", Json::object({{"root", source.roots.vfs.hex()},
                                              {"xattrs", source.roots.xattrs.hex()},
                                              {"errors", source.roots.errors.hex()}})},
                       {"indexes", std::move(indexes)},
                       {"summary", to_json(source.summary)}});
}

Json encryption_json(const kloset::EncryptionParams& encryption) {
  const kloset::KdfParams& kdf = encryption.kdf;
  Json derivation = Json::object({{"KDF", kdf.kdf}, {"salt", bytes(kdf.salt)}});
  if (kdf.argon2id) {
    derivation.set("argon2id", Json::object({{"SaltSize", kdf.argon2id->salt_size},
                                             {"Time", kdf.argon2id->time},
                                             {"Memory", kdf.argon2id->memory_kib},
                                             {"Threads", kdf.argon2id->threads},
                                             {"KeyLen", kdf.argon2id->key_size}}));
  }
  if (kdf.scrypt) {
    derivation.set("scrypt", Json::object({{"SaltSize", kdf.scrypt->salt_size},
                                           {"N", kdf.scrypt->n},
                                           {"R", kdf.scrypt->r},
                                           {"P", kdf.scrypt->p},
                                           {"KeyLen", kdf.scrypt->key_size}}));
  }
  if (kdf.pbkdf2) {
    derivation.set("pbkdf2", Json::object({{"SaltSize", kdf.pbkdf2->salt_size},
                                           {"Iterations", kdf.pbkdf2->iterations},
                                           {"KeyLen", kdf.pbkdf2->key_size},
                                           {"Hashing", kdf.pbkdf2->hashing}}));
  }
  return Json::object({{"subkey_algorithm", encryption.subkey_algorithm},
                       {"data_algorithm", encryption.data_algorithm},
                       {"chunk_size", encryption.segment_size},
                       {"KDF_params", std::move(derivation)},
                       {"canary", bytes(encryption.canary)}});
}

}  // namespace

Json to_json(const kloset::StoreConfig& config) {
  Json json = Json::object();
  json.set("version", version_1_0_0);
  json.set("timestamp", time(config.timestamp));
  json.set("repository_id", config.repository_id.text());
  json.set("packfile", Json::object({{"min_size", config.packfile.size_min},
                                     {"avg_size", config.packfile.size_average},
                                     {"max_size", config.packfile.size_max}}));
  json.set("chunking", Json::object({{"algorithm", config.chunking.algorithm},
                                     {"min_size", config.chunking.size_min},
                                     {"normal_size", config.chunking.size_normal},
                                     {"max_size", config.chunking.size_max}}));
  json.set("hashing",
           Json::object({{"algorithm", config.hashing.algorithm}, {"bits", config.hashing.bits}}));
  if (const auto& compression = config.compression) {
    json.set("compression", Json::object({{"algorithm", compression->algorithm},
                                          {"level", compression->level},
                                          {"window_size", compression->window_size},
                                          {"chunk_size", compression->chunk_size},
                                          {"block_size", compression->block_size},
                                          {"enable_CRC", compression->enable_crc}}));
  } else {
    json.set("compression", nullptr);
  }
  json.set("encryption", config.encryption ? encryption_json(*config.encryption) : Json(nullptr));
  return json;
}

Json to_json(const kloset::Summary& summary) {
  return Json::object({{"directory", totals_json(summary.directory, true)},
                       {"below", totals_json(summary.below, false)}});
}

Json to_json(const kloset::SnapshotHeader& header) {
  Json classifications = Json::array();
  for (const kloset::HeaderClassification& analysis : header.classifications) {
    Json classes = Json::array();
    for (const auto& [name, probability] : analysis.classes) {
      classes.push_back(Json::object({{"name", text(name)}, {"probability", probability}}));
    }
    classifications.push_back(
        Json::object({{"analyzer", text(analysis.analyzer)}, {"classes", std::move(classes)}}));
  }
  Json sources = Json::array();
  for (const kloset::HeaderSource& source : header.sources) sources.push_back(source_json(source));

  Json json = Json::object();
  json.set("version", header.version);
  json.set("identifier", header.identifier.hex());
  json.set("timestamp", time(header.timestamp));
  json.set("duration", header.duration_ns);
  json.set("identity", Json::object({{"identifier", header.identity.identifier.text()},
                                     {"public_key", bytes(header.identity.public_key)}}));
  json.set("name", text(header.name));
  json.set("category", text(header.category));
  json.set("environment", text(header.environment));
  json.set("perimeter", text(header.perimeter));
  json.set("job", text(header.job));
  json.set("replicas", header.replicas);
  json.set("dataset", text(header.dataset));
  json.set("data_classes", list(header.data_classes));
  json.set("classifications", std::move(classifications));
  json.set("tags", list(header.tags));
  json.set("context", pairs(header.context));
  json.set("sources", std::move(sources));
  return json;
}

Json to_json(const kloset::FileInfo& info) {
  Json json = Json::object();
  json.set("name", text(info.name));
  json.set("size", info.size);
  json.set("mode", kloset::bits(info.mode));
  json.set("mod_time", time(info.mod_time));
  json.set("dev", info.dev);
  json.set("ino", info.ino);
  json.set("uid", info.uid);
  json.set("gid", info.gid);
  json.set("nlink", info.nlink);
  json.set("username", text(info.username));
  json.set("groupname", text(info.groupname));
  json.set("flags", info.flags);
  return json;
}

Json to_json(const kloset::VfsEntry& entry, const Mac& id) {
  Json json = Json::object();
  json.set("version", entry.version);
  json.set("parent_path", text(entry.parent_path));
  json.set("file_info", to_json(entry.file_info));
  if (!entry.symlink_target.empty()) json.set("symlink_target", text(entry.symlink_target));
  if (!entry.object.is_zero()) {
    json.set("object", Json::object({{"version", version_1_0_0},
                                     {"contentMAC", entry.object.hex()},
                                     {"content_type", text(entry.content_type)},
                                     {"entropy", entry.entropy},
                                     {"flags", 0}}));
  }
  if (!entry.content_type.empty()) json.set("content_type", text(entry.content_type));
  if (entry.entropy != 0) json.set("entropy", entry.entropy);
  if (entry.chunks != 0) json.set("chunks", entry.chunks);
  json.set("alternate_data_streams", list(entry.alternate_data_streams));
  json.set("security_descriptor", entry.security_descriptor.empty()
                                      ? std::string()
                                      : to_base64(entry.security_descriptor));
  json.set("file_attributes", entry.file_attributes);
  json.set("extended_attributes", list(entry.extended_attributes));
  Json classifications = Json::array();
  for (const kloset::Classification& analysis : entry.classifications) {
    classifications.push_back(
        Json::object({{"analyzer", text(analysis.analyzer)}, {"classes", list(analysis.classes)}}));
  }
  json.set("classifications", std::move(classifications));
  Json metadata = Json::array();
  for (const kloset::CustomMetadata& item : entry.custom_metadata) {
    metadata.push_back(Json::object({{"key", text(item.key)}, {"value", bytes(item.value)}}));
  }
  json.set("custom_metadata", std::move(metadata));
  json.set("tags", list(entry.tags));
  json.set("mac", id.hex());
  return json;
}

}  // namespace plakar::ops
