// Frames, packers, the arena: what host and worker say to each other.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "core/host/worker/arena.h"
#include "core/host/worker/channel.h"
#include "core/host/worker/messages.h"

namespace plakar::host::worker {
namespace {

using namespace std::chrono_literals;

plk_str str(std::string_view text) { return {text.data(), text.size()}; }
plk_bytes octets(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string_view view(const plk_bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), bytes.len};
}

template <class T>
std::size_t packed_bytes(T value) {
  Packer packer;
  fields(packer, value);
  return packer.size();
}

TEST_CASE("an empty element takes the least that its array is checked with") {
  CHECK(packed_bytes(plk_record{}) == record_packed_bytes_min);
  CHECK(packed_bytes(plk_name{}) == name_packed_bytes_min);
  CHECK(packed_bytes(plk_resource{}) == resource_packed_bytes_min);
  CHECK(packed_bytes(plk_cfg_entry{}) == 40);
  CHECK(packed_bytes(plk_xattr{}) == 20);
}

TEST_CASE("a record comes out as it went in") {
  plk_xattr xattrs[2] = {{octets("user.a"), octets("1"), PLK_XATTR_EXTENDED, 0},
                         {octets("user.b"), octets(""), PLK_XATTR_CUSTOM, 0}};
  plk_record record{};
  record.id = 7;
  record.valid = PLK_V_SIZE | PLK_V_RDEV;
  record.type = PLK_R_FILE;
  record.flags = PLK_RF_HAS_DATA;
  record.path = octets(std::string_view("/a\0b", 4));
  record.xattrs = xattrs;
  record.xattr_count = 2;
  record.xattr_stride = sizeof(plk_xattr);
  record.mtime = {-5, 999'999'999, 0};
  record.rdev = 1;
  record.error_code = PLK_E_IO;
  record.error_message = str("broken");
  Packer packer;
  packer(std::uint64_t{1});
  fields(packer, record);

  Unpacker unpacker(packer.view());
  const auto records = unpack_records(unpacker);
  REQUIRE(records);
  REQUIRE(records->count == 1);
  const plk_record& got = records->records[0];
  CHECK(got.id == 7);
  CHECK(got.valid == record.valid);
  CHECK(view(got.path) == std::string_view("/a\0b", 4));
  REQUIRE(got.xattr_count == 2);
  const auto second = element<plk_xattr>(got.xattrs, got.xattr_stride, 1);
  CHECK(view(second.name) == "user.b");
  CHECK(second.kind == PLK_XATTR_CUSTOM);
  CHECK(got.mtime.seconds == -5);
  CHECK(got.mtime.nanoseconds == 999'999'999);
  CHECK(got.error_code == PLK_E_IO);
  CHECK(std::string_view(got.error_message.ptr, got.error_message.len) == "broken");
}

TEST_CASE("every shortened message is corrupt") {
  plk_xattr xattr{octets("user.a"), octets("value"), PLK_XATTR_EXTENDED, 0};
  plk_record record{};
  record.path = octets("/path");
  record.xattrs = &xattr;
  record.xattr_count = 1;
  record.xattr_stride = sizeof xattr;
  Packer packer;
  packer(std::uint64_t{2});
  fields(packer, record);
  fields(packer, record);
  for (std::size_t size = 0; size < packer.size(); ++size) {
    Unpacker unpacker(packer.view().first(size));
    CHECK_FALSE(unpack_records(unpacker));
  }
  Bytes longer = to_bytes(packer.view());
  longer.push_back({});
  Unpacker unpacker(longer);
  CHECK_FALSE(unpack_records(unpacker));
}

TEST_CASE("a count that the bytes cannot hold allocates nothing") {
  Packer packer;
  packer(~std::uint64_t{0});
  Unpacker records(packer.view());
  CHECK_FALSE(unpack_records(records));
  Unpacker text(packer.view());
  CHECK(text.text().empty());
  CHECK(text.failed());
}

TEST_CASE("an element of an older minor is read as one whose new members are zero") {
  // What came before 1.0's `error_message`, say.
  std::vector<char> array(2 * 64, '\x01');
  const auto record = element<plk_record>(array.data(), 64, 1);
  CHECK(record.id == 0x0101010101010101);
  CHECK(record.rdev == 0);
  CHECK(record.error_message.ptr == nullptr);
}

TEST_CASE("a module's description and a failure come out as they went in") {
  const ModuleInfo info{"s3", "1.2.3", 0, 0, {{PLK_KIND_STORAGE, "s3-storage", 5, 3, 8, 7}}};
  Packer packer;
  pack(packer, info);
  const auto got = unpack_module_info(packer.view());
  REQUIRE(got);
  CHECK(*got == info);
  CHECK_FALSE(unpack_module_info(packer.view().first(packer.size() - 1)));

  packer.clear();
  pack(packer, Failure{PLK_ERRF_RETRYABLE, 5, 100, std::string(9000, 'x'), "SlowDown"});
  const auto failure = unpack_failure(packer.view());
  REQUIRE(failure);
  CHECK(failure->message.size() == error_message_bytes_max);
  CHECK(failure->vendor == "SlowDown");
  CHECK(failure->retry_after_ms == 100);
}

TEST_CASE("a frame arrives as it was sent, with its descriptors") {
  auto pair = make_channel();
  REQUIRE(pair);
  const std::string a = "hello ";
  const std::string b(12'000, 'b');
  const BytesView parts[] = {as_bytes(a), as_bytes(b)};
  const int descriptor[] = {pair->ours.get()};
  FrameHeader header{.type = FrameType::request, .op = Op::get, .call = 3, .handle = 4};
  REQUIRE(send_frame(pair->ours.get(), header, parts, descriptor));
  REQUIRE(send_frame(pair->ours.get(), header, parts, descriptor));

  auto frame = std::make_unique<Frame>();
  REQUIRE(receive_frame(pair->theirs.get(), *frame, Descriptors::accepted));
  CHECK(frame->header.op == Op::get);
  CHECK(frame->header.call == 3);
  CHECK(as_text(frame->payload()) == a + b);
  CHECK(frame->descriptor_count == 1);
  CHECK((::fcntl(frame->descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(receive_frame(pair->theirs.get(), *frame, Descriptors::refused));
  CHECK(frame->descriptor_count == 0);

  pair->ours = Fd();
  const Status ended = receive_frame(pair->theirs.get(), *frame, Descriptors::refused);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code() == Errc::unavailable);
  CHECK_FALSE(send_frame(pair->theirs.get(), header, parts));
}

TEST_CASE("what is no frame is corrupt") {
  auto pair = make_channel();
  REQUIRE(pair);
  auto frame = std::make_unique<Frame>();
  const auto received_as = [&](const std::string& datagram) {
    REQUIRE(::send(pair->ours.get(), datagram.data(), datagram.size(), 0) ==
            static_cast<ssize_t>(datagram.size()));
    const Status status = receive_frame(pair->theirs.get(), *frame, Descriptors::refused);
    return status ? Errc::internal : status.error().code();
  };
  CHECK(received_as("x") == Errc::corrupt);
  CHECK(received_as(std::string(32, '\0')) == Errc::corrupt);
  CHECK(received_as(std::string(40, '\x28')) == Errc::corrupt);
  CHECK(received_as(std::string(20'000, 'x')) == Errc::corrupt);
}

TEST_CASE("slots do not overlap, and all of the arena comes back") {
  auto arena = Arena::create(64 * 1024);
  REQUIRE(arena);
  {
    std::vector<Arena::Slot> slots;
    for (int i = 0; i < 16; ++i) {
      auto slot = (*arena)->take(4000, 0ms);
      REQUIRE(slot);
      CHECK(slot->memory().size() == 4000);
      slot->memory()[0] = static_cast<std::byte>(i);
      slots.push_back(std::move(*slot));
    }
    for (int i = 0; i < 16; ++i) {
      CHECK(slots[static_cast<std::size_t>(i)].memory()[0] == static_cast<std::byte>(i));
    }
    const auto none = (*arena)->take(1, 0ms);
    REQUIRE_FALSE(none);
    CHECK(none.error().code() == Errc::unavailable);
    // Every second one, then the others: neighbours are joined again.
    for (std::size_t i = 0; i < 16; i += 2) slots[i] = Arena::Slot();
  }
  CHECK((*arena)->used_bytes() == 0);
  CHECK((*arena)->take(64 * 1024, 0ms));
  const auto more = (*arena)->take(64 * 1024 + 1, 0ms);
  REQUIRE_FALSE(more);
  CHECK(more.error().code() == Errc::out_of_space);
}

TEST_CASE("a slot with secrets is overwritten when it is given back") {
  auto arena = Arena::create(64 * 1024);
  REQUIRE(arena);
  auto seen = map_arena((*arena)->descriptor());
  REQUIRE(seen);
  {
    auto slot = (*arena)->take(100, 0ms);
    REQUIRE(slot);
    slot->memory()[99] = std::byte{9};
    CHECK((*seen->at({slot->offset(), 100}))[99] == std::byte{9});
    slot->holds_secrets();
  }
  CHECK((*seen->at({0, 100}))[99] == std::byte{0});
}

TEST_CASE("an extent outside the arena is none") {
  auto arena = Arena::create(64 * 1024);
  REQUIRE(arena);
  auto seen = map_arena((*arena)->descriptor());
  REQUIRE(seen);
  CHECK(seen->at({0, 64 * 1024}));
  CHECK_FALSE(seen->at({1, 64 * 1024}));
  CHECK_FALSE(seen->at({~std::uint64_t{0}, 2}));
  CHECK_FALSE(seen->at({4096, ~std::uint64_t{0}}));
  CHECK(seen->at({~std::uint64_t{0}, 0})->empty());
  CHECK_FALSE(map_arena(Fd(::open("/dev/null", O_RDWR | O_CLOEXEC))));
}

}  // namespace
}  // namespace plakar::host::worker
