#include <cstdint>

#include "core/base/bytes.h"
#include "core/codec/internal/mime_rules.h"

namespace plakar::codec::mime {

namespace {

using namespace std::string_view_literals;

struct ZipName {
  std::string_view name;
  std::string_view rest;   // behind the name
  bool java_mark = false;  // the extra field that the jar tool writes first
};

// The next local header of a zip, found by its magic: lengths in it may be missing.
std::optional<ZipName> take_zip_name(std::string_view& octets) {
  constexpr std::string_view magic = "PK\3\4";
  constexpr std::size_t header_bytes = 30;
  const auto found = octets.find(magic);
  if (found == std::string_view::npos || octets.size() - found < header_bytes) return {};
  const std::string_view header = octets.substr(found);
  const std::size_t name_bytes = load_le<std::uint16_t>(as_bytes(header.substr(26, 2)));
  if (header.size() - header_bytes < name_bytes) return {};
  octets = header.substr(header_bytes + name_bytes);
  const bool extra = load_le<std::uint16_t>(as_bytes(header.substr(28, 2))) > 0;
  return ZipName{header.substr(header_bytes, name_bytes), octets,
                 extra && octets.starts_with("\xfe\xca")};
}

template <class Match>
bool any_zip_name(std::string_view octets, Match&& match) {
  while (const auto entry = take_zip_name(octets)) {
    if (match(entry->name)) return true;
  }
  return false;
}

// An Office document starts with one of the entries that describe it, or with its content.
bool is_office(std::string_view octets, std::string_view content) {
  std::string_view rest = octets;
  const auto first = take_zip_name(rest);
  if (!first) return false;
  if (first->name.starts_with(content)) return true;
  bool describes = first->name == "[Content_Types].xml";
  for (const std::string_view folder : {"_rels/"sv, "docProps/"sv, "customXml/"sv, "[trash]/"sv}) {
    describes = describes || first->name.starts_with(folder);
  }
  return describes &&
         any_zip_name(rest, [&](std::string_view name) { return name.starts_with(content); });
}

bool is_android(std::string_view name) {
  return name == "AndroidManifest.xml" || name == "classes.dex" || name == "resources.arsc" ||
         name == "res/drawable" ||
         name == "META-INF/com/android/build/gradle/app-metadata.properties";
}

}  // namespace

std::string_view zip_type(std::string_view octets) {
  if (is_office(octets, "word/")) {
    return "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
  }
  if (is_office(octets, "ppt/")) {
    return "application/vnd.openxmlformats-officedocument.presentationml.presentation";
  }
  if (is_office(octets, "xl/")) {
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  }

  // Formats that store their type, uncompressed, as the first entry "mimetype".
  constexpr std::size_t mimetype_at = 30;
  constexpr std::string_view name = "mimetype";
  std::string_view stored = octets.substr(std::min(octets.size(), mimetype_at));
  stored = stored.starts_with(name) ? stored.substr(name.size()) : std::string_view();
  if (stored.starts_with("application/epub+zip")) return "application/epub+zip";

  if (any_zip_name(octets, is_android)) return "application/vnd.android.package-archive";
  std::string_view rest = octets;
  if (const auto first = take_zip_name(rest)) {
    const bool manifest = first->name == "META-INF/MANIFEST.MF" || first->name == "META-INF/";
    if (manifest || first->java_mark) return "application/java-archive";
  }

  // Longer names first: a template's type starts with the document's.
  for (const std::string_view type :
       {"application/vnd.oasis.opendocument.text-template"sv,
        "application/vnd.oasis.opendocument.text"sv,
        "application/vnd.oasis.opendocument.spreadsheet-template"sv,
        "application/vnd.oasis.opendocument.spreadsheet"sv,
        "application/vnd.oasis.opendocument.presentation-template"sv,
        "application/vnd.oasis.opendocument.presentation"sv,
        "application/vnd.oasis.opendocument.graphics-template"sv,
        "application/vnd.oasis.opendocument.graphics"sv,
        "application/vnd.oasis.opendocument.formula"sv,
        "application/vnd.oasis.opendocument.chart"sv, "application/vnd.sun.xml.calc"sv}) {
    if (stored.starts_with(type)) return type;
  }

  if (any_zip_name(octets, [](std::string_view entry) { return entry == "doc.kml"; })) {
    return "application/vnd.google-earth.kmz";
  }
  if (is_office(octets, "visio/")) return "application/vnd.ms-visio.drawing.main+xml";
  return "application/zip";
}

std::string_view ole_type(std::string_view octets) {
  // The class of the root entry, the first of the directory, 80 octets into it.
  std::string_view root_class;
  if (octets.size() >= 512) {
    const BytesView bytes = as_bytes(octets);
    const bool large = octets[26] == 4 && octets[27] == 0;
    const std::uint64_t sector = large ? 4096 : 512;
    const std::uint64_t at =
        sector * (1 + std::uint64_t{load_le<std::uint32_t>(bytes.subspan(48))}) + 80;
    if (at + 16 < octets.size()) root_class = octets.substr(static_cast<std::size_t>(at), 16);
  }
  const auto is_class = [&](std::string_view id) {
    return root_class.starts_with(id) && !root_class.empty();
  };
  constexpr std::string_view tail = "\0\0\0\0\xc0\0\0\0\0\0\0\x46"sv;
  const auto is_short_class = [&](std::string_view id) {
    return is_class(id) && root_class.substr(4) == tail;
  };
  // What comes first behind the header tells old documents without a class.
  const std::string_view first = octets.size() >= 520 ? octets.substr(512, 8) : std::string_view();

  if (is_short_class("\x84\x10\x0c\0"sv)) return "application/x-ms-installer";
  if (is_short_class("\x0b\x0d\x02\0"sv)) return "application/vnd.ms-outlook";

  if (is_short_class("\x10\x08\x02\0"sv) || is_short_class("\x20\x08\x02\0"sv)) {
    return "application/vnd.ms-excel";
  }
  if (first.starts_with("\x09\x08\x10\0\0\x06\x05\0"sv)) return "application/vnd.ms-excel";
  constexpr std::string_view excel_marks = "\x10\x1f\x22\x23\x28\x29";
  if (first.starts_with("\xfd\xff\xff\xff") &&
      excel_marks.find(first[4]) != std::string_view::npos) {
    return "application/vnd.ms-excel";
  }

  if (is_class("\x01\x12\x02\0\0\0\0\0\0\xc0\0\0\0\0\0\x46"sv)) {
    return "application/vnd.ms-publisher";
  }

  if (is_class("\x10\x8d\x81\x64\x9b\x4f\xcf\x11\x86\xea\x00\xaa\x00\xb9\x29\xe8"sv) ||
      is_class("\x70\xae\x7b\xea\x3b\xfb\xcd\x11\xa9\x03\x00\xaa\x00\x51\x0e\xa3"sv)) {
    return "application/vnd.ms-powerpoint";
  }
  if (first.starts_with("\xa0\x46\x1d\xf0") || first.starts_with("\x00\x6e\x1e\xf0"sv) ||
      first.starts_with("\x0f\x00\xe8\x03"sv)) {
    return "application/vnd.ms-powerpoint";
  }
  if (first.starts_with("\xfd\xff\xff\xff") && first.substr(6) == "\0\0"sv) {
    return "application/vnd.ms-powerpoint";
  }

  if (is_short_class("\x06\x09\x02\0"sv) || is_short_class("\x07\x09\x02\0"sv) ||
      is_short_class("\x00\x09\x02\0"sv)) {
    return "application/msword";
  }
  return "application/x-ole-storage";
}

}  // namespace plakar::codec::mime
