#include "core/codec/compression.h"

#include <string>

#include "core/base/error.h"

namespace plakar::codec {

std::string_view compression_name(Compression compression) noexcept {
  switch (compression) {
    case Compression::none:
      return "";
    case Compression::lz4:
      return "LZ4";
    case Compression::gzip:
      return "GZIP";
    case Compression::zstd:
      return "ZSTD";
  }
  return "";
}

Result<Compression> compression_from_name(std::string_view name) {
  for (Compression known : {Compression::lz4, Compression::gzip, Compression::zstd}) {
    if (name == compression_name(known)) return known;
  }
  return Error(Errc::unsupported, "unknown compression algorithm \"" + std::string(name) + "\"");
}

}  // namespace plakar::codec
