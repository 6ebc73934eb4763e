#include "core/host/manifest/manifest.h"

#include <plakar/connector.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "core/base/text.h"
#include "core/codec/semver.h"

namespace plakar::host {
namespace {

using codec::Json;

template <class T>
struct Word {
  std::string_view word;
  T value;
};

constexpr std::array<Word<std::uint32_t>, 5> types{{
    {"importer", PLK_KIND_IMPORTER},
    {"exporter", PLK_KIND_EXPORTER},
    {"storage", PLK_KIND_STORAGE},
    {"secret_provider", PLK_KIND_SECRETS},
    {"inventory", PLK_KIND_INVENTORY},
}};
constexpr std::array<Word<std::uint64_t>, 12> caps{{
    {"concurrent", PLK_CAP_CONCURRENT},
    {"sequential", PLK_CAP_SEQUENTIAL},
    {"resume", PLK_CAP_RESUME},
    {"range", PLK_CAP_RANGE},
    {"put_if_absent", PLK_CAP_PUT_IF_ABSENT},
    {"strong_list", PLK_CAP_STRONG_LIST},
    {"sorted_list", PLK_CAP_SORTED_LIST},
    {"interrupt", PLK_CAP_INTERRUPT},
    {"own_threads", PLK_CAP_OWN_THREADS},
    {"change_token", PLK_CAP_CHANGE_TOKEN},
    {"spawns", PLK_CAP_SPAWNS},
    {"hardlinks", PLK_CAP_HARDLINKS},
}};
constexpr std::array<Word<std::uint32_t>, 6> location_flags{{
    {"localfs", PLK_LOC_LOCALFS},
    {"file", PLK_LOC_FILE},
    {"stream", PLK_LOC_STREAM},
    {"needack", PLK_LOC_NEEDACK},
    {"nomerge", PLK_LOC_NOMERGE},
    {"exportxattr", PLK_LOC_EXPORTXATTR},
}};

template <class T, std::size_t N>
std::optional<T> find_word(const std::array<Word<T>, N>& words, std::string_view word) {
  const auto found = std::ranges::find(words, word, &Word<T>::word);
  if (found == words.end()) return std::nullopt;
  return found->value;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

bool is_protocol(std::string_view text) {
  return text.size() >= 2 && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '.' ||
                  c == '-';
         });
}

// Within the package, wherever that is.
bool is_inner_path(std::string_view path) {
  if (path.starts_with("./")) path.remove_prefix(2);
  if (path.empty() || path.front() == '/' || path.size() > 1024) return false;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, end);
    if (part.empty() || part == "." || part == "..") return false;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return true;
}

class Reader {
 public:
  explicit Reader(std::string_view file) : file_(file) {}

  Result<Manifest> read(const Json& root) {
    if (!root.is_object()) return wrong("", "a mapping is expected");
    constexpr std::array texts = {"display_name", "description", "homepage", "repository",
                                  "license",      "contact",     "tier",     "api_version",
                                  "abi_required", "isolation",   "unload"};
    const std::array targets = {
        &manifest_.display_name, &manifest_.description, &manifest_.homepage,
        &manifest_.repository,   &manifest_.license,     &manifest_.contact,
        &manifest_.tier,         &manifest_.api_version, &manifest_.abi_required,
        &manifest_.isolation,    &manifest_.unload};
    static_assert(texts.size() == targets.size());
    for (const codec::JsonMember& member : root.members()) {
      const std::string& key = member.name;
      const auto text = std::ranges::find(texts, key);
      if (key == "name") {
        manifest_.name = PLK_TRY(to_text(member.value, key));
      } else if (key == "version") {
        manifest_.version = PLK_TRY(to_text(member.value, key));
      } else if (key == "tags") {
        manifest_.tags = PLK_TRY(to_texts(member.value, key));
      } else if (key == "permissions") {
        PLK_TRY(read_permissions(member.value));
      } else if (key == "connectors") {
        PLK_TRY(read_connectors(member.value));
      } else if (text != texts.end()) {
        *targets[static_cast<std::size_t>(text - texts.begin())] =
            PLK_TRY(to_text(member.value, key));
      } else if (key != "replaces" && key != "platform" && !key.starts_with("x-")) {
        manifest_.unknown_keys.push_back(key);
      }
    }
    if (!is_name(manifest_.name)) return wrong("name", "1 to 64 of a-z, 0-9 and - are expected");
    // Stored without `v`; genuine packages have it.
    if (manifest_.version.starts_with('v')) manifest_.version.erase(0, 1);
    if (!codec::parse_version(manifest_.version)) {
      return wrong("version", "a version like 1.4.2 is expected");
    }
    PLK_TRY(check_choice("isolation", manifest_.isolation,
                         std::array{"in_process", "worker", "worker_per_instance"}));
    PLK_TRY(check_choice("unload", manifest_.unload, std::array{"auto", "retain"}));
    if (manifest_.connectors.empty()) return wrong("connectors", "at least one is expected");
    return std::move(manifest_);
  }

 private:
  Error wrong(std::string_view pointer, std::string_view what) const {
    return Error(Errc::invalid_argument, file_ + ": " + escape(pointer) +
                                             (pointer.empty() ? "" : ": ") + std::string(what));
  }

  template <std::size_t N>
  Status check_choice(std::string_view key, const std::string& value,
                      const std::array<const char*, N>& choices) const {
    if (value.empty() || std::ranges::find(choices, value) != choices.end()) return {};
    std::string all;
    for (const char* choice : choices) all += (all.empty() ? "" : ", ") + std::string(choice);
    return wrong(key, "one of " + all + " is expected");
  }

  Result<std::string> to_text(const Json& value, std::string_view key) const {
    const auto text = value.as_string();
    if (!text) return wrong(key, "a text is expected");
    return std::string(*text);
  }

  Result<std::vector<std::string>> to_texts(const Json& value, const std::string& key) const {
    if (!value.is_array()) return wrong(key, "a list is expected");
    std::vector<std::string> texts;
    for (const Json& item : value.items()) texts.push_back(PLK_TRY(to_text(item, key)));
    return texts;
  }

  template <class T, std::size_t N>
  Result<T> to_flags(const Json& value, const std::string& key,
                     const std::array<Word<T>, N>& words) const {
    T flags = 0;
    for (const std::string& word : PLK_TRY(to_texts(value, key))) {
      const auto flag = find_word(words, word);
      if (!flag) return wrong(key, "\"" + escape(word) + "\" is not known");
      flags |= *flag;
    }
    return flags;
  }

  Status read_permissions(const Json& value) {
    if (!value.is_object()) return wrong("permissions", "a mapping is expected");
    for (const codec::JsonMember& member : value.members()) {
      const std::string key = "permissions/" + member.name;
      if (member.name == "network") {
        manifest_.permissions.network = PLK_TRY(to_texts(member.value, key));
      } else if (member.name == "process") {
        manifest_.permissions.process = PLK_TRY(to_texts(member.value, key));
      } else if (member.name == "filesystem") {
        manifest_.permissions.filesystem = PLK_TRY(to_texts(member.value, key));
      } else {
        manifest_.unknown_keys.push_back(key);
      }
    }
    return {};
  }

  Status read_connectors(const Json& value) {
    if (!value.is_array()) return wrong("connectors", "a list is expected");
    if (value.size() > manifest_connectors_max) {
      return Error(Errc::unsupported, file_ + ": too many connectors");
    }
    std::set<std::string> ids;
    std::set<std::pair<std::uint32_t, std::string>> served;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string where = "connectors/" + std::to_string(i);
      ManifestConnector connector = PLK_TRY(read_connector(value.items()[i], where));
      if (!ids.insert(connector.id).second) return wrong(where + "/id", "it is there twice");
      for (const std::string& protocol : connector.protocols) {
        if (!served.emplace(connector.kind, protocol).second) {
          return wrong(where + "/protocols", "\"" + protocol + "\" is another connector's already");
        }
      }
      manifest_.connectors.push_back(std::move(connector));
    }
    return {};
  }

  Result<std::string> to_path(const Json& value, const std::string& key) const {
    std::string path = PLK_TRY(to_text(value, key));
    if (!is_inner_path(path)) return wrong(key, "a path within the package is expected");
    if (path.starts_with("./")) path.erase(0, 2);
    return path;
  }

  Result<ManifestConnector> read_connector(const Json& value, const std::string& where) {
    if (!value.is_object()) return wrong(where, "a mapping is expected");
    ManifestConnector connector;
    for (const codec::JsonMember& member : value.members()) {
      const std::string key = where + "/" + member.name;
      const std::string_view name = member.name;
      if (name == "id") {
        connector.id = PLK_TRY(to_text(member.value, key));
      } else if (name == "type") {
        const auto kind = find_word(types, PLK_TRY(to_text(member.value, key)));
        if (!kind) {
          return wrong(key,
                       "one of importer, exporter, storage, secret_provider, inventory is "
                       "expected");
        }
        connector.kind = *kind;
      } else if (name == "protocols") {
        connector.protocols = PLK_TRY(to_texts(member.value, key));
      } else if (name == "class") {
        connector.category = PLK_TRY(to_text(member.value, key));
      } else if (name == "subclass") {
        connector.subcategory = PLK_TRY(to_text(member.value, key));
      } else if (name == "library") {
        connector.library = PLK_TRY(to_path(member.value, key));
      } else if (name == "executable") {
        connector.executable = PLK_TRY(to_path(member.value, key));
      } else if (name == "validator") {
        connector.validator = PLK_TRY(to_path(member.value, key));
      } else if (name == "protocol_validators") {
        if (!member.value.is_object()) return wrong(key, "a mapping is expected");
        for (const codec::JsonMember& one : member.value.members()) {
          connector.validators[one.name] = PLK_TRY(to_path(one.value, key + "/" + one.name));
        }
      } else if (name == "config_schema_version") {
        const std::string text = PLK_TRY(to_text(member.value, key));
        const char* const end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, connector.config_schema_version);
        if (parsed.ec != std::errc() || parsed.ptr != end)
          return wrong(key, "a number is expected");
      } else if (name == "location_flags") {
        connector.location_flags = PLK_TRY(to_flags(member.value, key, location_flags));
      } else if (name == "caps") {
        connector.caps = PLK_TRY(to_flags(member.value, key, caps));
      } else if (name == "migrations") {
        connector.migrations = member.value;
      } else if (name != "extra_files" && name != "homepage" && name != "license" &&
                 name != "args" && !name.starts_with("x-")) {
        manifest_.unknown_keys.push_back(key);
      }
    }
    if (connector.kind == 0) return wrong(where + "/type", "it is missing");
    if (connector.library.empty() == connector.executable.empty()) {
      return wrong(where, "either a library or an executable is expected");
    }
    // Genuine Plakar's connectors have none.
    if (connector.id.empty() && !connector.executable.empty()) {
      connector.id = std::string(manifest_type(connector.kind)) + "-" + where.substr(11);
    }
    if (!is_name(connector.id)) {
      return wrong(where + "/id", "1 to 64 of a-z, 0-9 and - are expected");
    }
    for (const std::string& protocol : connector.protocols) {
      if (!is_protocol(protocol)) {
        return wrong(where + "/protocols", "\"" + escape(protocol) + "\" is no protocol");
      }
    }
    const bool has_location =
        connector.kind != PLK_KIND_SECRETS && connector.kind != PLK_KIND_INVENTORY;
    if (has_location && connector.protocols.empty()) {
      return wrong(where + "/protocols", "at least one is expected");
    }
    return connector;
  }

  const std::string file_;
  Manifest manifest_;
};

}  // namespace

std::string_view manifest_type(std::uint32_t kind) noexcept {
  const auto found = std::ranges::find(types, kind, &Word<std::uint32_t>::value);
  return found == types.end() ? std::string_view() : found->word;
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view name) {
  return Reader(name).read(PLK_TRY(parse_manifest_yaml(text, name)));
}

}  // namespace plakar::host
