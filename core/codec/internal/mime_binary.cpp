#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/codec/internal/mime_rules.h"

namespace plakar::codec::mime {

namespace {

using namespace std::string_view_literals;

unsigned byte_at(std::string_view octets, std::size_t at) {
  return static_cast<unsigned char>(octets[at]);
}

bool has_at(std::string_view octets, std::size_t at, std::string_view what) {
  return octets.size() >= at && octets.substr(at).starts_with(what);
}

bool among(std::string_view what, std::string_view list) {
  // `list` is entries of one length after each other.
  for (std::size_t at = 0; at + what.size() <= list.size(); at += what.size()) {
    if (list.substr(at, what.size()) == what) return true;
  }
  return false;
}

using Test = std::string_view (*)(std::string_view octets);

// A rule applies when `magic` is at `offset`; its answer is `type`, or what `test` says.
struct Rule {
  std::string_view magic;
  std::size_t offset;
  std::string_view type;
  Test test = nullptr;
};

std::string_view pdf(std::string_view octets) {
  // Mail headers and printer jobs come before many a PDF.
  return octets.substr(0, 1024).find("%PDF-") != std::string_view::npos ? "application/pdf" : "";
}

std::string_view pkcs7(std::string_view octets) {
  // An ASN.1 sequence whose first element is the object identifier 1.2.840.113549.1.7.x.
  constexpr std::string_view identifier = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"sv;
  if (octets.size() < 20) return "";
  const unsigned length = byte_at(octets, 1);
  if (length < 0x80 || length > 0x84) return "";
  return has_at(octets, 2 + (length - 0x80), identifier) ? "application/pkcs7-signature" : "";
}

std::string_view ogg(std::string_view octets) {
  if (octets.size() >= 37) {
    for (const std::string_view codec : {"\x7f"
                                         "FLAC"sv,
                                         "\x01vorbis"sv, "OpusHead"sv, "Speex   "sv}) {
      if (has_at(octets, 28, codec)) return "audio/ogg";
    }
    for (const std::string_view codec : {"\x80theora"sv, "fishead\0"sv, "\x01video\0\0\0"sv}) {
      if (has_at(octets, 28, codec)) return "video/ogg";
    }
  }
  return "application/ogg";
}

std::string_view png(std::string_view octets) {
  return has_at(octets, 37, "acTL") ? "image/vnd.mozilla.apng" : "image/png";
}

std::string_view jpeg2000(std::string_view octets) {
  if (octets.size() < 24 || (octets[6] != ' ' && octets[6] != '2') || octets[7] != ' ') return "";
  const std::string_view brand = octets.substr(20, 4);
  if (brand == "jp2 ") return "image/jp2";
  if (brand == "jpx ") return "image/jpx";
  if (brand == "jpm ") return "image/jpm";
  return "";
}

// The chunk type of RIFF, IFF and the like, which something has to follow.
std::string_view riff(std::string_view octets) {
  if (octets.size() < 13) return "";
  const std::string_view kind = octets.substr(8, 4);
  if (kind == "WEBP") return "image/webp";
  if (kind == "WAVE") return "audio/wav";
  if (kind == "AVI " && octets.size() >= 17 && has_at(octets, 12, "LIST")) return "video/x-msvideo";
  if (kind == "QLCM") return "audio/qcelp";
  return "";
}
std::string_view iff(std::string_view octets) {
  return octets.size() >= 13 && has_at(octets, 8, "AIFF") ? "audio/aiff" : "";
}

std::string_view elf(std::string_view octets) {
  if (octets.size() >= 18) {
    // e_type, in the file's byte order, which the detection does not look up.
    const unsigned first = byte_at(octets, 16);
    const unsigned second = byte_at(octets, 17);
    const unsigned type = second == 0 ? first : first == 0 ? second : 0;
    switch (type) {
      case 1:
        return "application/x-object";
      case 2:
        return "application/x-executable";
      case 3:
        return "application/x-sharedlib";
      case 4:
        return "application/x-coredump";
      default:
        break;
    }
  }
  return "application/x-elf";
}

std::string_view ar(std::string_view octets) {
  return has_at(octets, 8, "debian-binary") ? "application/vnd.debian.binary-package"
                                            : "application/x-archive";
}

// tar has no magic that all its dialects share, but a checksum of its first block.
std::string_view tar(std::string_view octets) {
  constexpr std::size_t block = 512;
  constexpr std::size_t sum_at = 148;
  constexpr std::size_t sum_bytes = 8;
  if (octets.size() < block) return "";

  std::string_view field = octets.substr(sum_at, sum_bytes);
  while (!field.empty() && (field.front() == ' ' || field.front() == '\0')) field.remove_prefix(1);
  field = field.substr(0, field.find('\0'));
  while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
  if (field.empty()) return "";
  std::int64_t recorded = 0;
  for (const char digit : field) {
    if (digit < '0' || digit > '7') return "";
    recorded = recorded * 8 + (digit - '0');
  }

  // The field itself counts as spaces. Some programs added up signed characters.
  std::int64_t as_unsigned = 0;
  std::int64_t as_signed = 0;
  for (std::size_t i = 0; i < block; ++i) {
    const bool in_field = i >= sum_at && i < sum_at + sum_bytes;
    as_unsigned += in_field ? ' ' : static_cast<unsigned char>(octets[i]);
    as_signed += in_field ? ' ' : static_cast<signed char>(octets[i]);
  }
  return recorded == as_unsigned || recorded == as_signed ? "application/x-tar" : "";
}

std::string_view bmp(std::string_view octets) {
  // The size of the header behind the file header tells its version.
  if (octets.size() < 18 || !has_at(octets, 15, "\0\0\0"sv)) return "";
  constexpr std::string_view sizes = "\x10\x18\x28\x30\x34\x38\x40\x6c\x7c";
  return sizes.find(octets[14]) != std::string_view::npos ? "image/bmp" : "";
}

std::string_view lotus(std::string_view octets) {
  if (octets.size() < 21) return "";
  const bool old = octets[2] == 0x02 && octets[6] != 0 && octets[7] == 0;
  const bool newer = octets[2] == 0x1a && byte_at(octets, 20) >= 1 && byte_at(octets, 20) <= 0x1f;
  return old || newer ? "application/vnd.lotus-1-2-3" : "";
}

std::string_view icon(std::string_view octets) {
  return has_at(octets, 0, "\0\0\1\0"sv) || has_at(octets, 0, "\0\0\2\0"sv) ? "image/x-icon" : "";
}

std::string_view mpeg_audio(std::string_view octets) {
  if (octets.size() < 3) return "";
  constexpr std::string_view layers = "\xe2\xe3\xf2\xf3\xfa\xfb";
  return layers.find(octets[1]) != std::string_view::npos ? "audio/mpeg" : "";
}

std::string_view mpeg_video(std::string_view octets) {
  return octets.size() >= 4 && byte_at(octets, 3) >= 0xb0 && byte_at(octets, 3) <= 0xbf
             ? "video/mpeg"
             : "";
}

std::string_view quicktime(std::string_view octets) {
  if (octets.size() < 12) return "";
  if (octets[0] == 0 && has_at(octets, 4, "ftypqt  ")) return "video/quicktime";
  for (const std::string_view atom : {"moov\0"sv, "mdat\0"sv, "free\0"sv, "skip\0"sv, "pnot\0"sv}) {
    if (has_at(octets, 4, atom)) return "video/quicktime";
  }
  return "";
}

// ISO base media: the brand after "ftyp".
std::string_view iso_media(std::string_view octets) {
  if (octets.size() < 12 || octets[0] != 0) return "";
  const std::string_view brand = octets.substr(8, 4);
  struct Brands {
    std::string_view type;
    std::string_view brands;
  };
  static constexpr Brands table[] = {
      {"image/avif", "avifavis"},
      {"video/3gpp", "3gp13gp23gp33gp43gp53gp63gp73gs73ge63ge73gg6"},
      {"video/3gpp2", "3g243g253g263g2a3g2b3g2cKDDI"},
      {"audio/mp4", "F4A F4B M4B M4P MSNVNDAS"},
      {"video/quicktime", "mqt "},
      {"audio/x-m4a", "M4A "},
      {"video/x-m4v", "M4V M4VHM4VP"},
      {"image/heic", "heicheix"},
      {"image/heic-sequence", "hevchevx"},
      {"image/heif", "mif1heimheisavic"},
      {"image/heif-sequence", "msf1hevmhevsavcs"},
      {"video/mj2", "mj2smjp2"},
      {"video/vnd.dvb.file",
       "dby1dsmsdts1dts2dts3dxo dmb1dmpfdrc1dv1adv1bdv2adv2bdv3adv3bdvr1dvt1"},
  };
  for (const Brands& row : table) {
    if (among(brand, row.brands)) return row.type;
  }
  return "video/mp4";
}

std::string_view matroska(std::string_view octets) {
  const std::string_view area = octets.substr(0, 4096);
  const auto found = area.find("\x42\x82");  // the element DocType
  if (found == std::string_view::npos || found + 2 >= area.size()) return "";
  // Its size is a number as wide as the zero bits at its start say.
  std::size_t width = 1;
  for (unsigned bit = 0x80; width < 8 && (byte_at(area, found + 2) & bit) == 0; bit >>= 1) ++width;
  if (has_at(area, found + 2 + width, "webm")) return "video/webm";
  if (has_at(area, found + 2 + width, "matroska")) return "video/x-matroska";
  return "";
}

// A Java class and a universal Mach-O binary share their magic. What follows is the version
// of the one and the number of architectures of the other.
std::string_view cafebabe(std::string_view octets) {
  if (octets.size() < 8) return "";
  const unsigned number = byte_at(octets, 7);
  if (number > 30) return "application/x-java-applet";
  return number < 20 ? "application/x-mach-binary" : "";
}

std::string_view chrome_extension(std::string_view octets) {
  if (octets.size() < 16) return "";
  const BytesView bytes = as_bytes(octets);
  const std::uint64_t zip = std::uint64_t{16} + load_le<std::uint32_t>(bytes.subspan(8)) +
                            load_le<std::uint32_t>(bytes.subspan(12));
  if (zip + 4 > octets.size()) return "";
  const std::string_view magic = octets.substr(static_cast<std::size_t>(zip), 4);
  const bool is_zip = magic.starts_with("PK") &&
                      (magic[2] == '\3' || magic[2] == '\5' || magic[2] == '\7') &&
                      (magic[3] == '\4' || magic[3] == '\6' || magic[3] == '\x08');
  return is_zip ? "application/x-chrome-extension" : "";
}

std::string_view truetype(std::string_view octets) {
  if (octets.size() < 16 || octets[4] != 0 || byte_at(octets, 5) > 48) return "";
  // The first table of the directory, which is sorted.
  constexpr std::string_view tables =
      "acntankravarbdatbhedblocbslncmapcvarcvt EBSCfdscfeatfmtxfondfpgmfvargaspgcidglyfgvarhdmx";
  constexpr std::string_view more =
      "headhheahmtxjustkernkerxlcarlocaltagmaxpmetamortmorxnameopbdOS/2";
  const std::string_view first = octets.substr(12, 4);
  return among(first, tables) || among(first, more) ? "font/ttf" : "";
}

std::string_view opentype(std::string_view octets) {
  // The table of PostScript outlines is among the first three.
  if (octets.size() < 49 || octets[4] != 0) return "";
  return octets.substr(12, 36).find("CFF ") != std::string_view::npos ? "font/otf" : "";
}

std::string_view embedded_opentype(std::string_view octets) {
  if (!has_at(octets, 34, "LP")) return "";
  const std::string_view version = octets.substr(8, 3);
  return version == "\1\0\0"sv || version == "\2\0\1"sv || version == "\2\0\2"sv
             ? "application/vnd.ms-fontobject"
             : "";
}

std::string_view shapefile(std::string_view octets) {
  // The index (.shx) has the same header as the shapes, except for the type of shape.
  if (octets.size() >= 112 && has_at(octets, 28, "\xe8\x03\0\0"sv) &&
      octets.substr(4, 20).find_first_not_of('\0') == std::string_view::npos) {
    constexpr std::string_view shapes =
        "\x00\x01\x03\x05\x08\x0b\x0d\x0f\x12\x15\x17\x19\x1c\x1f"sv;
    const bool known = shapes.find(octets[108]) != std::string_view::npos;
    if (known && has_at(octets, 109, "\0\0\0"sv)) return "application/vnd.shp";
  }
  return "application/vnd.shx";
}

std::string_view dbase(std::string_view octets) {
  if (octets.size() < 68) return "";
  constexpr std::string_view versions =
      "\x02\x03\x04\x05\x30\x31\x32\x42\x62\x7b\x82\x83\x87\x8a\x8b\x8e\xb3\xcb\xe5\xf4\xf5\xfb";
  if (versions.find(octets[0]) == std::string_view::npos) return "";
  const unsigned month = byte_at(octets, 2);
  const unsigned day = byte_at(octets, 3);
  if (month < 1 || month > 12 || day < 1 || day > 31) return "";
  const bool reserved = has_at(octets, 12, "\0\0"sv) && has_at(octets, 30, "\0\0"sv);
  return reserved && byte_at(octets, 28) <= 1 ? "application/x-dbf" : "";
}

std::string_view djvu(std::string_view octets) {
  if (octets.size() < 16) return "";
  return among(octets.substr(12, 4), "DJVUDJVMDJVITHUM") ? "image/vnd.djvu" : "";
}

std::string_view autocad(std::string_view octets) {
  if (octets.size() < 6) return "";
  constexpr std::string_view releases =
      "100210031004100610091012101410151018102110241032"
      "1.401.502.10";
  return among(octets.substr(2, 4), releases) ? "image/vnd.dwg" : "";
}

std::string_view marc(std::string_view octets) {
  if (octets.size() < 24 || !has_at(octets, 20, "4500")) return "";
  const std::string_view length = octets.substr(0, 5);
  if (length.find_first_not_of("0123456789") != std::string_view::npos) return "";
  return octets.substr(0, 2048).find('\x1e') != std::string_view::npos ? "application/marc" : "";
}

std::string_view zstandard(std::string_view octets) {
  if (octets.size() < 4) return "";
  const unsigned first = byte_at(octets, 0);
  const bool frame = first >= 0x22 && first <= 0x28 && has_at(octets, 1, "\xb5\x2f\xfd");
  const bool skippable = first >= 0x50 && first <= 0x5f && has_at(octets, 1, "\x2a\x4d\x18");
  return frame || skippable ? "application/zstd" : "";
}

std::string_view timezone(std::string_view octets) {
  if (octets.size() < 44) return "";
  const bool version = octets[4] == 0 || octets[4] == '2' || octets[4] == '3';
  return version && !has_at(octets, 36, "\0\0\0\0"sv) ? "application/tzif" : "";
}

std::string_view gltf(std::string_view octets) {
  return has_at(octets, 4, "\1\0\0\0"sv) || has_at(octets, 4, "\2\0\0\0"sv) ? "model/gltf-binary"
                                                                            : "";
}

std::string_view installshield(std::string_view octets) {
  if (octets.size() < 8 || octets[6] != 0) return "";
  return octets[7] == 1 || octets[7] == 2 || octets[7] == 4 ? "application/x-installshield" : "";
}

std::string_view font_collection(std::string_view octets) {
  return has_at(octets, 4, "\0\1\0\0"sv) || has_at(octets, 4, "\0\2\0\0"sv) ? "font/collection"
                                                                            : "";
}

std::string_view grib(std::string_view octets) {
  return octets.size() >= 8 && (octets[7] == 1 || octets[7] == 2) ? "application/grib" : "";
}

std::string_view bufr(std::string_view octets) {
  return octets.size() >= 8 && (octets[7] == 3 || octets[7] == 4) ? "application/bufr" : "";
}

std::string_view wordperfect(std::string_view octets) {
  return has_at(octets, 8, "\x01\x0a") ? "application/vnd.wordperfect" : "";
}

std::string_view framemaker(std::string_view octets) {
  return octets.substr(0, 512).find('\0') != std::string_view::npos ? "application/vnd.framemaker"
                                                                    : "";
}

std::string_view cpio_binary(std::string_view octets) {
  return octets.size() >= 6 ? "application/x-cpio" : "";
}

std::string_view zip(std::string_view octets) {
  if (octets.size() < 4) return "";
  const bool third = octets[2] == '\3' || octets[2] == '\5' || octets[2] == '\7';
  const bool fourth = octets[3] == '\4' || octets[3] == '\6' || octets[3] == '\x08';
  return third && fourth ? zip_type(octets) : "";
}

// In the order of the reference, because magics overlap: the first that fits is the answer.
constexpr Rule rules[] = {
    {"/* XPM */", 0, "image/x-xpixmap"},
    {"7z\xbc\xaf\x27\x1c", 0, "application/x-7z-compressed"},
    {"PK", 0, "", zip},
    {"", 0, "", pdf},
    {"%FDF", 0, "application/vnd.fdf"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0, "", ole_type},
    {"%!PS-Adobe-", 0, "application/postscript"},
    {"8BPS", 0, "image/vnd.adobe.photoshop"},
    {"-----BEGIN PKCS7", 0, "application/pkcs7-signature"},
    {"0", 0, "", pkcs7},
    {"OggS\0"sv, 0, "", ogg},
    {"\x89PNG\r\n\x1a\n", 0, "", png},
    {"\xff\xd8\xff", 0, "image/jpeg"},
    {"\xff\x0a", 0, "image/jxl"},
    {"\0\0\0\x0cJXL \r\n\x87\n"sv, 0, "image/jxl"},
    {"jP", 4, "", jpeg2000},
    {"\0\0\0\x0cJXS \r\n\x87\n"sv, 0, "image/jxs"},
    {"GIF87a", 0, "image/gif"},
    {"GIF89a", 0, "image/gif"},
    {"RIFF", 0, "", riff},
    {"MZ", 0, "application/vnd.microsoft.portable-executable"},
    {"\x7f"
     "ELF",
     0, "", elf},
    {"!<arch>", 0, "", ar},
    {"", 0, "", tar},
    {"xar!", 0, "application/x-xar"},
    {"BZh", 0, "application/x-bzip2"},
    {"SIMPLE  =                    T", 0, "application/fits"},
    {"II*\0"sv, 0, "image/tiff"},
    {"MM\0*"sv, 0, "image/tiff"},
    {"BM", 0, "", bmp},
    {"\0\0\x02\0"sv, 0, "", lotus},
    {"\0\0\x1a\0"sv, 0, "", lotus},
    {"\0\0"sv, 0, "", icon},
    {"ID3", 0, "audio/mpeg"},
    {"\xff", 0, "", mpeg_audio},
    {"fLaC\0\0\0\x22"sv, 0, "audio/flac"},
    {"MThd", 0, "audio/midi"},
    {"MAC \x96\x0f\0\0\x34\0\0\0\x18\0\0\0\x90\xe3"sv, 0, "audio/ape"},
    {"MPCK", 0, "audio/musepack"},
    {"#!AMR", 0, "audio/amr"},
    {"FORM", 0, "", iff},
    {".snd", 0, "audio/basic"},
    {"\0\0\x01"sv, 0, "", mpeg_video},
    {"", 4, "", quicktime},
    {"ftyp", 4, "", iso_media},
    {"\x1a\x45\xdf\xa3", 0, "", matroska},
    {"FLV\x01", 0, "video/x-flv"},
    {"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"sv, 0, "video/x-ms-asf"},
    {"\xff\xf1", 0, "audio/aac"},
    {"\xff\xf9", 0, "audio/aac"},
    {"Creative Voice File", 0, "audio/x-unknown"},
    {"#EXTM3U\n", 0, "application/vnd.apple.mpegurl"},
    {"#EXTM3U\r\n", 0, "application/vnd.apple.mpegurl"},
    {".RMF", 0, "application/vnd.rn-realmedia-vbr"},
    {"\x1f\x8b", 0, "application/gzip"},
    {"\xca\xfe\xba\xbe", 0, "", cafebabe},
    {"CWS", 0, "application/x-shockwave-flash"},
    {"FWS", 0, "application/x-shockwave-flash"},
    {"ZWS", 0, "application/x-shockwave-flash"},
    {"Cr24", 0, "", chrome_extension},
    {"\0\1\0\0"sv, 0, "", truetype},
    {"wOFF", 0, "font/woff"},
    {"wOF2", 0, "font/woff2"},
    {"OTTO", 0, "", opentype},
    {"ttcf", 0, "", font_collection},
    {"", 0, "", embedded_opentype},
    {"\0asm"sv, 0, "application/wasm"},
    {"\x00\x00\x27\x0a"sv, 0, "", shapefile},
    {"", 0, "", dbase},
    {"DICM", 128, "application/dicom"},
    {"Rar!\x1a\x07\0"sv, 0, "application/x-rar-compressed"},
    {"Rar!\x1a\x07\x01\0"sv, 0, "application/x-rar-compressed"},
    {"AT&TFORM", 0, "", djvu},
    {"BOOKMOBI", 60, "application/x-mobipocket-ebook"},
    {"ITOLITLS", 0, "application/x-ms-reader"},
    {"BPG\xfb", 0, "image/bpg"},
    {"\xd9\xd9\xf7", 0, "application/cbor"},
    {"SQLite format 3\0"sv, 0, "application/vnd.sqlite3"},
    {"AC", 0, "", autocad},
    {"NES\x1a", 0, "application/vnd.nintendo.snes.rom"},
    {"L\0\0\0\x01\x14\x02\0"sv, 0, "application/x-ms-shortcut"},
    {"\xfe\xed\xfa\xce", 0, "application/x-mach-binary"},
    {"\xfe\xed\xfa\xcf", 0, "application/x-mach-binary"},
    {"\xce\xfa\xed\xfe", 0, "application/x-mach-binary"},
    {"\xcf\xfa\xed\xfe", 0, "application/x-mach-binary"},
    {"icns", 0, "image/x-icns"},
    {"#?RADIANCE\n", 0, "image/vnd.radiance"},
    {"", 0, "", marc},
    {"Standard Jet DB", 4, "application/x-msaccess"},
    {"Standard ACE DB", 4, "application/x-msaccess"},
    {"", 0, "", zstandard},
    {"MSCF\0\0\0\0"sv, 0, "application/vnd.ms-cab-compressed"},
    {"\xed\xab\xee\xdb", 0, "application/x-rpm"},
    {"\xfd"
     "7zXZ\0"sv,
     0, "application/x-xz"},
    {"LZIP", 0, "application/lzip"},
    {"d8:announce", 0, "application/x-bittorrent"},
    {"070707", 0, "application/x-cpio"},
    {"070701", 0, "application/x-cpio"},
    {"070702", 0, "application/x-cpio"},
    {"\xc7\x71", 0, "", cpio_binary},
    {"TZif", 0, "", timezone},
    {"gimp xcf", 0, "image/x-xcf"},
    {"GPAT", 20, "image/x-gimp-pat"},
    {"GIMP", 20, "image/x-gimp-gbr"},
    {"glTF", 0, "", gltf},
    {"ISc(", 0, "", installshield},
    {"II\xbc\x01", 0, "image/jxr"},
    {"PAR1", 0, "application/vnd.apache.parquet"},
    {"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3", 0, "application/onenote"},
    {"ITSF\x03\0\0\0\x60\0\0\0"sv, 0, "application/vnd.ms-htmlhelp"},
    {"\xffWPC", 0, "", wordperfect},
    {"  0\nSECTION\n", 0, "image/vnd.dxf"},
    {"  0\r\nSECTION\r\n", 0, "image/vnd.dxf"},
    {"0\nSECTION\n", 0, "image/vnd.dxf"},
    {"0\r\nSECTION\r\n", 0, "image/vnd.dxf"},
    {"GRIB", 0, "", grib},
    {"HSP\x01\x9b\0"sv, 0, "application/x-os2-inf"},
    {"HSP\x10\x9b\0"sv, 0, "application/x-os2-hlp"},
    {"<MakerFile", 0, "", framemaker},
    {"<MakerDictionary", 0, "", framemaker},
    {"<BookFile", 0, "", framemaker},
    {"BUFR", 0, "", bufr},
};

}  // namespace

std::string_view binary_type(std::string_view octets) {
  for (const Rule& rule : rules) {
    if (!has_at(octets, rule.offset, rule.magic)) continue;
    const std::string_view type = rule.test != nullptr ? rule.test(octets) : rule.type;
    if (!type.empty()) return type;
  }
  return "";
}

std::string_view zlib_type(std::string_view octets) {
  if (octets.size() < 2 || octets[0] != 0x78) return "";
  constexpr std::string_view levels = "\x01\x20\x3f\x5e\x7d\x9c\xbb\xda\xf9";
  return levels.find(octets[1]) != std::string_view::npos ? "application/zlib" : "";
}

}  // namespace plakar::codec::mime
