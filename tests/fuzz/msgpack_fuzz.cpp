// Any bytes as msgpack. What can be read can be written again, and reading that gives the
// same; a structure that decodes is a fixed point of encoding and decoding.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "core/codec/msgpack_struct.h"
#include "tests/compat/msgpack/structures.h"

namespace plakar {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

Status transcribe(codec::MsgpackReader& in, codec::MsgpackWriter& out, std::size_t depth);

Status transcribe_elements(codec::MsgpackReader& in, codec::MsgpackWriter& out, std::size_t count,
                           std::size_t depth) {
  if (count > 0 && depth == codec::MsgpackReader::max_depth) {
    return Error(Errc::corrupt, "nested too deeply");
  }
  for (std::size_t i = 0; i < count; ++i) PLK_TRY(transcribe(in, out, depth + 1));
  return {};
}

// Reads one value of any kind and writes it in its canonical form.
Status transcribe(codec::MsgpackReader& in, codec::MsgpackWriter& out, std::size_t depth) {
  switch (PLK_TRY(in.kind())) {
    case codec::MsgpackKind::nil:
      require(in.take_nil());
      out.nil();
      return {};
    case codec::MsgpackKind::boolean:
      out.boolean(PLK_TRY(in.boolean()));
      return {};
    case codec::MsgpackKind::integer:
      if (auto number = in.i64()) {
        out.plain_int(*number);
      } else {
        out.u64(PLK_TRY(in.u64()));
      }
      return {};
    case codec::MsgpackKind::real:
      out.f64(PLK_TRY(in.f64()));
      return {};
    case codec::MsgpackKind::text:
      out.str(PLK_TRY(in.str()));
      return {};
    case codec::MsgpackKind::binary:
      out.bin(PLK_TRY(in.bin()));
      return {};
    case codec::MsgpackKind::array: {
      const std::size_t count = PLK_TRY(in.array());
      out.array(count);
      return transcribe_elements(in, out, count, depth);
    }
    case codec::MsgpackKind::map: {
      const std::size_t pairs = PLK_TRY(in.map());
      out.map(pairs);
      return transcribe_elements(in, out, 2 * pairs, depth);
    }
    case codec::MsgpackKind::extension:
      if (auto time = in.time()) {
        out.time(*time);
      } else {
        PLK_TRY(in.skip());
        out.nil();
      }
      return {};
  }
  std::abort();
}

void check_any_value(BytesView input) {
  codec::MsgpackReader in(input);
  Bytes first;
  codec::MsgpackWriter first_out(first);
  const Status status = transcribe(in, first_out, 0);

  codec::MsgpackReader skipping(input);
  require(skipping.skip().has_value() == status.has_value());
  if (!status) return;
  require(skipping.position() == in.position());

  codec::MsgpackReader again(first);
  Bytes second;
  codec::MsgpackWriter second_out(second);
  require(transcribe(again, second_out, 0).has_value());
  require(again.at_end());
  require(first == second);
}

template <class T>
void check_structure(BytesView input) {
  const auto value = codec::msgpack_decode<T>(input);
  if (!value) {
    require(value.error().code() == Errc::corrupt);
    return;
  }
  const Bytes encoded = codec::msgpack_encode(*value);
  const auto again = codec::msgpack_decode<T>(encoded);
  require(again.has_value());
  require(codec::msgpack_encode(*again) == encoded);
}

}  // namespace
}  // namespace plakar

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plakar;
  const BytesView input = std::as_bytes(std::span(data, size));
  check_any_value(input);
  check_structure<compat::Config>(input);
  check_structure<compat::Entry>(input);
  check_structure<compat::Object>(input);
  check_structure<compat::Snapshot>(input);
  check_structure<compat::Summary>(input);
  check_structure<compat::TreeNode>(input);
  check_structure<compat::TreeRoot>(input);
  check_structure<compat::XattrEntry>(input);
  return 0;
}
