#include "core/kloset/format/envelope.h"

#include <algorithm>

#include "core/base/secret.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view magic_written = "_KLOSET_";
constexpr std::string_view magic_old = "_PLAKAR_";

}  // namespace

void encode_envelope_header(std::span<std::byte, envelope_header_size> out, ResourceType type) {
  std::copy_n(as_bytes(magic_written).begin(), 8, out.begin());
  store_le(out.subspan(8), static_cast<std::uint32_t>(type));
  store_le(out.subspan(12), static_cast<std::uint32_t>(written_version(type)));
}

Result<Version> decode_envelope_header(BytesView header, ResourceType type) {
  const std::string name = to_name(type);
  if (header.size() < envelope_header_size) {
    return Error(Errc::corrupt, "too short to be a " + name);
  }
  const std::string_view magic = as_text(header.first(8));
  if (magic != magic_written && magic != magic_old) {
    return Error(Errc::corrupt, "not a " + name + ": it does not begin like an item of a store");
  }
  const auto found = static_cast<ResourceType>(load_le<std::uint32_t>(header.subspan(8)));
  if (found != type) {
    return Error(Errc::corrupt, "a " + to_name(found) + " where a " + name + " should be");
  }
  const auto version = static_cast<Version>(load_le<std::uint32_t>(header.subspan(12)));
  if (version > written_version(type)) {
    return Error(Errc::unsupported, name + " of version " + to_text(version) +
                                        "; this program knows versions up to " +
                                        to_text(written_version(type)));
  }
  return version;
}

Result<Envelope> split_envelope(BytesView item, ResourceType type) {
  if (item.size() < envelope_overhead) {
    return Error(Errc::corrupt, "too short to be a " + to_name(type));
  }
  const Version version = PLK_TRY(decode_envelope_header(item, type));
  Envelope envelope{.type = type,
                    .version = version,
                    .authenticated = item.first(item.size() - envelope_mac_size),
                    .body = {},
                    .mac = {}};
  envelope.body = envelope.authenticated.subspan(envelope_header_size);
  std::copy_n(item.last(envelope_mac_size).begin(), envelope_mac_size, envelope.mac.bytes.begin());
  return envelope;
}

Result<Envelope> open_envelope(BytesView item, ResourceType type, const crypto::StoreMac& mac) {
  Envelope envelope = PLK_TRY(split_envelope(item, type));
  if (!equal_constant_time(mac.compute(envelope.authenticated).view(), envelope.mac.view())) {
    return Error(Errc::corrupt, "the MAC of the " + to_name(type) + " does not match its bytes");
  }
  return envelope;
}

Bytes seal_envelope(ResourceType type, BytesView body, const crypto::StoreMac& mac) {
  Bytes item(envelope_header_size);
  item.reserve(body.size() + envelope_overhead);
  encode_envelope_header(std::span<std::byte, envelope_header_size>(item), type);
  append(item, body);
  append(item, mac.compute(item).view());
  return item;
}

}  // namespace plakar::kloset
