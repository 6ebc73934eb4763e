#include "core/codec/mime.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace plakar::codec {
namespace {

using namespace std::string_view_literals;

std::string type_of(std::string_view octets) { return detect_mime(as_bytes(octets)); }

std::string spaces(std::size_t count) { return std::string(count, ' '); }

// An OLE compound file whose root entry has the class `id`.
std::string ole(std::string_view id, std::string_view first_sector = {}) {
  std::string octets = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + std::string(3064, '\0');
  octets[26] = 3;
  octets[48] = 1;
  octets.replace(512, first_sector.size(), first_sector);
  octets.replace(1024 + 80, id.size(), id);
  return octets;
}

// The first block of a tar.
std::string tar_block(std::string_view name, bool signed_sum = false) {
  std::string block(512, '\0');
  block.replace(0, name.size(), name);
  block.replace(148, 8, "        ");
  int sum = 0;
  for (const char c : block)
    sum += signed_sum ? static_cast<signed char>(c) : static_cast<unsigned char>(c);
  std::string octal;
  for (int digit = 15; digit >= 0; digit -= 3)
    octal.push_back(static_cast<char>('0' + ((sum >> digit) & 7)));
  block.replace(148, 7, octal + '\0');
  return block;
}

TEST_SUITE("mime") {
  TEST_CASE("nothing behind the window counts") {
    const std::string text(mime_window_bytes, 'a');
    CHECK(type_of(text + std::string(1, '\0')) == "text/plain; charset=utf-8");
    CHECK(type_of(text.substr(1) + std::string(1, '\0')) == "application/octet-stream");
  }

  TEST_CASE("only the first 1024 octets of a text say what its charset is") {
    CHECK(type_of(std::string(1023, 'a') + "\xe9") == "text/plain; charset=iso-8859-1");
    CHECK(type_of(std::string(1024, 'a') + "\xe9") == "text/plain; charset=utf-8");
    CHECK(type_of("<html>" + spaces(900) + "<meta charset=big5>") == "text/html; charset=big5");
    CHECK(type_of("<html>" + spaces(1000) + "<meta charset=big5>") == "text/html; charset=utf-8");
  }

  TEST_CASE("JSON may be cut by the window, but not by the end of the file") {
    const std::string cut = "[\"" + std::string(3070, 'x');
    CHECK(type_of(cut) == "application/json");
    CHECK(type_of(cut.substr(0, 3071)) == "text/plain; charset=utf-8");
    CHECK(type_of(spaces(3068) + "[1 2") == "text/plain; charset=utf-8");
  }

  TEST_CASE("deeply nested JSON is JSON, and costs no stack") {
    CHECK(type_of(std::string(3'000'000, '[')) == "application/json");
    CHECK(type_of(std::string(1'500, '[') + std::string(1'500, ']')) == "application/json");
  }

  TEST_CASE("a table's last line may be cut, and ten records are enough") {
    std::string table;
    while (table.size() < mime_window_bytes) table += "a,b\n";
    CHECK(type_of(table.substr(0, mime_window_bytes - 3) + "x,y,z") == "text/csv");
    CHECK(type_of("a,b\na,b\na,b\na,b\na,b\na,b\na,b\na,b\na,b\na,b\nno table\n") == "text/csv");
    CHECK(type_of("a,b\na,b\na,b\na,b\na,b\na,b\na,b\na,b\na,b\nno table\n") ==
          "text/plain; charset=utf-8");
  }

  TEST_CASE("a PDF may start anywhere in the first KiB") {
    CHECK(type_of(spaces(1019) + "%PDF-1.4") == "application/pdf");
    CHECK(type_of(spaces(1020) + "%PDF-1.4") == "text/plain; charset=utf-8");
  }

  TEST_CASE("a tar is known by its checksum, signed or not") {
    CHECK(type_of(tar_block("file")) == "application/x-tar");
    CHECK(type_of(tar_block("f\xe4", true)) == "application/x-tar");
    CHECK(type_of(tar_block("BZh")) == "application/x-tar");
    CHECK(type_of(tar_block("MZ")) == "application/vnd.microsoft.portable-executable");
    std::string damaged = tar_block("file");
    damaged[0] = 'g';
    CHECK(type_of(damaged) == "application/octet-stream");
    CHECK(type_of(std::string(512, '\0')) == "application/octet-stream");
  }

  TEST_CASE("an OLE file is known by the class of its root or its first sector") {
    constexpr std::string_view tail = "\0\0\0\0\xc0\0\0\0\0\0\0\x46"sv;
    const auto with = [&](std::string_view id) {
      return type_of(ole(std::string(id) + std::string(tail)));
    };
    CHECK(with("\x84\x10\x0c\0"sv) == "application/x-ms-installer");
    CHECK(with("\x0b\x0d\x02\0"sv) == "application/vnd.ms-outlook");
    CHECK(with("\x10\x08\x02\0"sv) == "application/vnd.ms-excel");
    CHECK(with("\x20\x08\x02\0"sv) == "application/vnd.ms-excel");
    CHECK(with("\x06\x09\x02\0"sv) == "application/msword");
    CHECK(with("\x05\x09\x02\0"sv) == "application/x-ole-storage");
    CHECK(type_of(ole("\x10\x8d\x81\x64\x9b\x4f\xcf\x11\x86\xea\x00\xaa\x00\xb9\x29\xe8"sv)) ==
          "application/vnd.ms-powerpoint");
    CHECK(type_of(ole("", "\x09\x08\x10\0\0\x06\x05\0"sv)) == "application/vnd.ms-excel");
    CHECK(type_of(ole("", "\xfd\xff\xff\xff\x1f\0\0\0"sv)) == "application/vnd.ms-excel");
    CHECK(type_of(ole("", "\xfd\xff\xff\xff\x1e\0\0\0"sv)) == "application/vnd.ms-powerpoint");
    CHECK(type_of(ole("")) == "application/x-ole-storage");
    std::string wild = ole("");
    wild.replace(48, 4, "\xff\xff\xff\xff");
    CHECK(type_of(wild) == "application/x-ole-storage");
  }

  TEST_CASE("extensions are found without regard to case, in the last component only") {
    CHECK(mime_by_extension("index.html") == "text/html; charset=utf-8");
    CHECK(mime_by_extension("/a.tar/b.PNG") == "image/png");
    CHECK(mime_by_extension("archive.tar.gz") == "application/gzip");
    CHECK(mime_by_extension("/a.png/b") == "");
    CHECK(mime_by_extension("png") == "");
    CHECK(mime_by_extension("a.") == "");
    CHECK(mime_by_extension("") == "");
    CHECK(mime_by_extension("a.an-extension-longer-than-any") == "");
    CHECK(mime_by_extension("a.unknown") == "");
  }
}

}  // namespace
}  // namespace plakar::codec
