#include "core/codec/archive.h"

#include <doctest/doctest.h>
#include <locale.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "core/codec/archive_reader.h"
#include "core/codec/archive_writer.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace plakar::codec {
namespace {

using plakar::testing::TempDir;

struct Item {
  ArchiveEntry entry;
  std::string content;
};

class BytesSink final : public ArchiveSink {
 public:
  Status write(BytesView more) override {
    if (bytes.size() + more.size() > room) return Error(Errc::out_of_space, "full");
    append(bytes, more);
    return {};
  }

  Bytes bytes;
  std::size_t room = static_cast<std::size_t>(-1);
};

// Gives a few octets at a time, cannot seek, and may fail.
class TrickleSource final : public ArchiveSource {
 public:
  explicit TrickleSource(BytesView bytes, std::size_t fail_at = static_cast<std::size_t>(-1))
      : bytes_(bytes), fail_at_(fail_at) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    if (at_ >= fail_at_) return Error(Errc::unavailable, "the line is down");
    const std::size_t count =
        std::min({buffer.size(), bytes_.size() - at_, std::size_t{7}, fail_at_ - at_});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), count, buffer.begin());
    at_ += count;
    return count;
  }

 private:
  BytesView bytes_;
  std::size_t at_ = 0;
  std::size_t fail_at_;
};

Result<std::vector<Item>> read_all(ArchiveSource& source) {
  ArchiveReader reader = PLK_TRY(ArchiveReader::open(source));
  std::vector<Item> items;
  ArchiveEntry entry;
  while (PLK_TRY(reader.next(entry))) {
    Item item{entry, {}};
    std::byte buffer[1000];
    while (const std::size_t count = PLK_TRY(reader.read(buffer))) {
      item.content.append(as_text(BytesView(buffer, count)));
    }
    items.push_back(std::move(item));
  }
  return items;
}

Result<std::vector<Item>> read_all(BytesView bytes) {
  BytesArchiveSource source(bytes);
  return read_all(source);
}

Bytes write_all(ArchiveFormat format, const std::vector<Item>& items) {
  BytesSink sink;
  auto writer = ArchiveWriter::create(sink, format);
  REQUIRE(writer);
  for (const Item& item : items) {
    const auto begun = writer->begin(item.entry);
    REQUIRE_MESSAGE(begun, (begun ? "" : begun.error().message()));
    if (item.entry.type == ArchiveEntryType::file) {
      REQUIRE(writer->write(as_bytes(item.content)));
    }
  }
  REQUIRE(writer->finish());
  return std::move(sink.bytes);
}

Item file(std::string path, std::string content) {
  ArchiveEntry entry;
  entry.path = std::move(path);
  entry.mode = 0644;
  entry.size = content.size();
  entry.modified = UnixTime{1'700'000'000, 0};
  return {entry, std::move(content)};
}

Item link(std::string path, std::string target, ArchiveEntryType type = ArchiveEntryType::symlink) {
  Item item = file(std::move(path), "");
  item.entry.type = type;
  item.entry.mode = 0777;
  item.entry.link_target = std::move(target);
  return item;
}

Item directory(std::string path) {
  Item item = file(std::move(path), "");
  item.entry.type = ArchiveEntryType::directory;
  item.entry.mode = 0755;
  return item;
}

std::vector<Item> sample() {
  Item rich = file("dir/rich", "hello\n");
  rich.entry.mode = 04751;
  rich.entry.modified = UnixTime{1'700'000'000, 123'456'789};
  rich.entry.user_id = 3'000'000;  // past what seven octal digits hold
  rich.entry.group_id = 100;
  rich.entry.user = "bob";
  rich.entry.group = "users";
  rich.entry.attributes = {{"user.note", to_bytes(std::string_view("a\0b=\n", 5))},
                           {"security.capability", to_bytes("\xff\xfe")}};
  Item device = file("dir/null", "");
  device.entry.type = ArchiveEntryType::character_device;
  device.entry.device_major = 1;
  device.entry.device_minor = 3;
  Item fifo = file("dir/fifo", "");
  fifo.entry.type = ArchiveEntryType::fifo;
  return {directory("dir"),
          rich,
          file("dir/" + std::string(300, 'x'), std::string(70'000, 'y')),
          file("empty", ""),
          link("dir/link", "../empty"),
          link("second", "dir/rich", ArchiveEntryType::hard_link),
          fifo,
          device};
}

void check_equal(const Item& got, const Item& wanted) {
  INFO(wanted.entry.path);
  CHECK(got.entry.warning == "");
  CHECK(got.entry.path == wanted.entry.path);
  CHECK(got.entry.type == wanted.entry.type);
  CHECK(got.entry.mode == wanted.entry.mode);
  CHECK(got.entry.modified == wanted.entry.modified);
  CHECK(got.entry.user_id == wanted.entry.user_id);
  CHECK(got.entry.group_id == wanted.entry.group_id);
  CHECK(got.entry.user == wanted.entry.user);
  CHECK(got.entry.group == wanted.entry.group);
  CHECK(got.entry.link_target == wanted.entry.link_target);
  CHECK(got.entry.device_major == wanted.entry.device_major);
  CHECK(got.entry.device_minor == wanted.entry.device_minor);
  CHECK(std::is_permutation(got.entry.attributes.begin(), got.entry.attributes.end(),
                            wanted.entry.attributes.begin(), wanted.entry.attributes.end()));
  CHECK(got.content == wanted.content);
}

void check_equal(const Result<std::vector<Item>>& got, const std::vector<Item>& wanted) {
  REQUIRE_MESSAGE(got, (got ? "" : got.error().message()));
  REQUIRE(got->size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) check_equal((*got)[i], wanted[i]);
}

const std::vector<std::string>& odd_names() {
  static const std::vector<std::string> names = {"plain",
                                                 "sp ace",
                                                 "new\nline",
                                                 "back\\slash",
                                                 "\x01\x7f",
                                                 "\xc3\xa4 composed",
                                                 "a\xcc\x88 decomposed",
                                                 "latin1 \xe4",
                                                 "\xff\xfe\xc0\xaf",
                                                 "long latin1 " + std::string(200, '\xe4'),
                                                 "long " + std::string(150, 'a') + "\xc3\xa4"};
  return names;
}

// The locale of this thread for a test's duration.
class WithLocale {
 public:
  explicit WithLocale(const char* name)
      : mine_(newlocale(LC_ALL_MASK, name, nullptr)), before_(uselocale(mine_)) {}
  ~WithLocale() {
    uselocale(before_);
    freelocale(mine_);
  }
  WithLocale(const WithLocale&) = delete;
  WithLocale& operator=(const WithLocale&) = delete;

 private:
  locale_t mine_;
  locale_t before_;
};

// Passes on to others, and counts the calls in which the thread's locale is not `wanted_`.
class LocaleProbe final : public ArchiveSource, public ArchiveSink {
 public:
  explicit LocaleProbe(Bytes archive = {}) : archive_(std::move(archive)) {}

  Result<std::size_t> read(std::span<std::byte> buffer) override {
    look();
    return source_.read(buffer);
  }
  std::optional<std::uint64_t> size() const override {
    look();
    return source_.size();
  }
  Status seek(std::uint64_t offset) override {
    look();
    return source_.seek(offset);
  }
  Status write(BytesView bytes) override {
    look();
    return sink_.write(bytes);
  }

  int calls() const { return calls_; }
  int wrong_calls() const { return wrong_calls_; }

 private:
  void look() const {
    ++calls_;
    if (uselocale(nullptr) != wanted_) ++wrong_calls_;
  }

  Bytes archive_;
  BytesArchiveSource source_{archive_};
  BytesSink sink_;
  locale_t wanted_ = uselocale(nullptr);
  mutable int calls_ = 0;
  mutable int wrong_calls_ = 0;
};

Bytes slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return to_bytes(std::string(std::istreambuf_iterator<char>(in), {}));
}

void spill(const std::string& path, BytesView bytes) {
  std::ofstream out(path, std::ios::binary);
  out << as_text(bytes);
  REQUIRE(out.flush());
}

// A shell command in `dir`; true when it succeeds.
bool run(const TempDir& dir, const std::string& command) {
  return std::system(("cd '" + dir.path().string() + "' && " + command).c_str()) == 0;
}

bool has_program(const std::string& name) {
  return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

constexpr ArchiveFormat every_tar[] = {ArchiveFormat::tar, ArchiveFormat::tar_gzip,
                                       ArchiveFormat::tar_zstd};
constexpr ArchiveFormat every_format[] = {ArchiveFormat::tar, ArchiveFormat::tar_gzip,
                                          ArchiveFormat::tar_zstd, ArchiveFormat::zip};

TEST_SUITE("archive") {
  TEST_CASE("a tar gives back every kind of entry with everything known about it") {
    for (const ArchiveFormat format : every_tar) {
      const Bytes bytes = write_all(format, sample());
      check_equal(read_all(bytes), sample());
      TrickleSource trickle(bytes);
      check_equal(read_all(trickle), sample());
    }
  }

  TEST_CASE("a zip gives back files, directories and symlinks") {
    std::vector<Item> items = {directory("dir"), file("dir/a", std::string(70'000, 'y')),
                               file("empty", ""), link("dir/link", "../empty")};
    items[1].entry.mode = 0755;
    items[1].entry.user_id = 1000;
    check_equal(read_all(write_all(ArchiveFormat::zip, items)), items);
  }

  TEST_CASE("the format is found out from the content") {
    for (const ArchiveFormat format : every_format) {
      const Bytes bytes = write_all(format, {file("a", "b")});
      BytesArchiveSource source(bytes);
      CHECK(ArchiveReader::open(source)->format() == format);
    }
  }

  TEST_CASE("an archive of nothing is complete and empty") {
    for (const ArchiveFormat format : every_format) {
      const auto items = read_all(write_all(format, {}));
      REQUIRE_MESSAGE(items, (items ? "" : items.error().message()));
      CHECK(items->empty());
    }
  }

  TEST_CASE("equal content gives equal archives") {
    for (const ArchiveFormat format : every_tar) {
      CHECK(write_all(format, sample()) == write_all(format, sample()));
    }
  }

  TEST_CASE("names are octets in a tar, whatever the locale") {
    for (const char* locale : {"C", "C.UTF-8"}) {
      const WithLocale scope(locale);
      std::vector<Item> items;
      for (const std::string& name : odd_names()) {
        items.push_back(file(name, "x"));
        items.push_back(link("to " + name, name));
        items.push_back(link("hard " + name, name, ArchiveEntryType::hard_link));
      }
      items[0].entry.user = "j\xc3\xb6rg";
      items[3].entry.user = "j\xf6rg";
      check_equal(read_all(write_all(ArchiveFormat::tar, items)), items);
    }
  }

  TEST_CASE("names are octets in a zip, except as the header says") {
    for (const char* locale : {"C", "C.UTF-8"}) {
      const WithLocale scope(locale);
      std::vector<Item> items;
      for (const std::string& name : odd_names()) items.push_back(file(name, "x"));
      const Bytes bytes = write_all(ArchiveFormat::zip, items);
      for (Item& item : items) {
        if (item.entry.path.starts_with("a\xcc\x88")) item.entry.path = "\xc3\xa4 decomposed";
        if (item.entry.path == "back\\slash") item.entry.path = "back/slash";
      }
      check_equal(read_all(bytes), items);
    }
  }

  TEST_CASE("sources and sinks are called in the locale of who calls us") {
    const WithLocale scope("C.UTF-8");
    for (const ArchiveFormat format : every_format) {
      const std::vector<Item> items = {file("a", std::string(200'000, 'a')), file("\xe4", "b")};
      LocaleProbe source(write_all(format, items));
      check_equal(read_all(source), items);
      CHECK(source.calls() > 2);
      CHECK(source.wrong_calls() == 0);

      LocaleProbe sink;
      {
        auto writer = ArchiveWriter::create(sink, format);
        REQUIRE(writer);
        REQUIRE(writer->begin(file("a", "xyz").entry));
        REQUIRE(writer->write(as_bytes("xyz")));
        REQUIRE(writer->finish());
      }
      CHECK(sink.calls() > 0);
      CHECK(sink.wrong_calls() == 0);
    }
  }

  TEST_CASE("an archive may be read out of another one's content, in a locale of its own") {
    // Reading `inner_` from inside of a call for `outer` nests one change of locale in another.
    class Nested final : public ArchiveSource {
     public:
      Nested(BytesView outer, BytesView inner) : outer_(outer), inner_(inner) {}
      Result<std::size_t> read(std::span<std::byte> buffer) override {
        const locale_t before = uselocale(nullptr);
        {
          const WithLocale other("C.UTF-8");
          LocaleProbe source(to_bytes(inner_));
          PLK_TRY(read_all(source));
          wrong += source.wrong_calls();
        }
        if (uselocale(nullptr) != before) ++wrong;
        return outer_.read(buffer);
      }

      int wrong = 0;

     private:
      BytesArchiveSource outer_;
      BytesView inner_;
    };
    const WithLocale scope("C");
    const Bytes inner = write_all(ArchiveFormat::zip, {file("\xc3\xa4", "i")});
    const std::vector<Item> items = {file("\xe4", "b")};
    const Bytes outer = write_all(ArchiveFormat::tar, items);
    Nested source(outer, inner);
    const locale_t before = uselocale(nullptr);
    check_equal(read_all(source), items);
    CHECK(source.wrong == 0);
    CHECK(uselocale(nullptr) == before);
  }

  TEST_CASE("a name libarchive would respell is refused and the archive goes on") {
    BytesSink sink;
    auto writer = ArchiveWriter::create(sink, ArchiveFormat::tar);
    const auto refused = writer->begin(file("\xed\xa0\xbd\xed\xb2\xbe", "").entry);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::unsupported);
    REQUIRE(writer->begin(file("fine", "").entry));
    REQUIRE(writer->finish());
    check_equal(read_all(sink.bytes), {file("fine", "")});
  }

  TEST_CASE("content that is not read is skipped") {
    const Bytes bytes = write_all(ArchiveFormat::tar_gzip, sample());
    TrickleSource source(bytes);
    auto reader = ArchiveReader::open(source);
    ArchiveEntry entry;
    std::size_t count = 0;
    while (reader->next(entry).value()) {
      std::byte one;
      if (++count % 2 == 0) CHECK(reader->read({&one, 1}));
    }
    CHECK(count == sample().size());
    CHECK_FALSE(reader->next(entry).value());
  }

  TEST_CASE("an archive cut anywhere never reads as complete") {
    std::vector<Item> items = {file("a", "first"), link("l", "a"),
                               file("b", std::string(600, 'b'))};
    for (const ArchiveFormat format : every_format) {
      const Bytes bytes = write_all(format, items);
      // Of the two blocks at the end of a tar one is enough: nothing is missing then.
      const std::size_t complete = format == ArchiveFormat::tar ? bytes.size() - 512 : bytes.size();
      for (std::size_t length = 0; length < complete; ++length) {
        const auto got = read_all(BytesView(bytes).first(length));
        INFO("format ", static_cast<int>(format), " cut at ", length, " of ", bytes.size());
        REQUIRE_FALSE(got);
        REQUIRE(got.error().code() == Errc::corrupt);
      }
    }
  }

  TEST_CASE("a compressed tar with a wrong checksum does not read as complete") {
    Bytes bytes = write_all(ArchiveFormat::tar_gzip, {file("a", "content")});
    bytes[bytes.size() - 7] ^= std::byte{1};  // inside the CRC
    CHECK_FALSE(read_all(bytes));
  }

  TEST_CASE("no single damaged octet of compressed content goes unnoticed") {
    const std::vector<Item> items = {file("a", "some content that matters")};
    for (const ArchiveFormat format : {ArchiveFormat::tar_gzip, ArchiveFormat::zip}) {
      const Bytes bytes = write_all(format, items);
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        Bytes damaged = bytes;
        damaged[i] ^= std::byte{0x10};
        const auto got = read_all(damaged);
        if (!got) continue;
        // Names and times in headers have no checksum in these formats.
        REQUIRE(got->size() == 1);
        REQUIRE((*got)[0].content == items[0].content);
      }
    }
  }

  TEST_CASE("data behind the end of a tar is an error, zeros are not") {
    Bytes bytes = write_all(ArchiveFormat::tar, {file("a", "b")});
    bytes.resize(bytes.size() + 100'000);
    CHECK(read_all(bytes));
    bytes.back() = std::byte{1};
    CHECK_FALSE(read_all(bytes));

    // As `cat a.tar b.tar` makes it: the second half must not vanish silently.
    Bytes twice = write_all(ArchiveFormat::tar, {file("a", "b")});
    append(twice, Bytes(twice));
    CHECK_FALSE(read_all(twice));
  }

  TEST_CASE("gzip members in a row are one stream, padding is ignored, garbage is not") {
    const Bytes tar = write_all(ArchiveFormat::tar, {file("a", std::string(5'000, 'q'))});
    const TempDir dir;
    spill(dir / "t", tar);
    REQUIRE(run(dir, "head -c 1500 t | gzip > g; tail -c +1501 t | gzip >> g"));
    Bytes bytes = slurp(dir / "g");
    check_equal(read_all(bytes), {file("a", std::string(5'000, 'q'))});
    bytes.resize(bytes.size() + 700);
    CHECK(read_all(bytes));
    bytes.back() = std::byte{'x'};
    CHECK_FALSE(read_all(bytes));
  }

  TEST_CASE("what is no archive is corrupt") {
    for (const std::string_view text : {"", "x", "PK\3\4", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd"}) {
      const auto got = read_all(as_bytes(text));
      REQUIRE_FALSE(got);
      CHECK(got.error().code() == Errc::corrupt);
    }
    CHECK_FALSE(read_all(as_bytes(std::string(100'000, 'z'))));
  }

  TEST_CASE("an entry whose header is not understood is marked") {
    Bytes bytes = write_all(ArchiveFormat::tar, {file(std::string(300, 'x'), "content")});
    REQUIRE(as_text(bytes).substr(512, 9) == "310 path=");
    bytes[512] = std::byte{'z'};
    const auto items = read_all(bytes);
    REQUIRE(items);
    REQUIRE(items->size() == 1);
    CHECK((*items)[0].entry.warning != "");
    CHECK((*items)[0].content == "content");
  }

  TEST_CASE("the source's own error is what the caller sees") {
    for (const ArchiveFormat format : every_tar) {
      const Bytes bytes = write_all(format, sample());
      for (const std::size_t at : {std::size_t{0}, std::size_t{600}, bytes.size() - 1}) {
        if (at >= bytes.size()) continue;
        TrickleSource source(bytes, at);
        const auto got = read_all(source);
        REQUIRE_FALSE(got);
        CHECK(got.error().code() == Errc::unavailable);
      }
    }
  }

  TEST_CASE("a reader that failed repeats its error") {
    const Bytes bytes = write_all(ArchiveFormat::tar, {file("a", "b"), file("c", "d")});
    BytesArchiveSource source(BytesView(bytes).first(1'100));
    auto reader = ArchiveReader::open(source);
    ArchiveEntry entry;
    CHECK(reader->next(entry).value());
    const auto first = reader->next(entry);
    REQUIRE_FALSE(first);
    CHECK(reader->next(entry).error().message() == first.error().message());
    std::byte one;
    CHECK_FALSE(reader->read({&one, 1}));
  }

  TEST_CASE("a zip that cannot seek is refused before anything is taken from it") {
    const Bytes bytes = write_all(ArchiveFormat::zip, {file("a", "b")});
    TrickleSource source(bytes);
    CHECK(ArchiveReader::open(source).error().code() == Errc::unsupported);
  }
}

TEST_SUITE("archive writer") {
  TEST_CASE("content that differs from the announced size fails the archive") {
    for (const ArchiveFormat format : every_format) {
      for (const std::string_view content : {"ab", "abcd"}) {
        BytesSink sink;
        auto writer = ArchiveWriter::create(sink, format);
        REQUIRE(writer->begin(file("a", "abc").entry));
        const auto written = writer->write(as_bytes(content));
        CHECK(written.has_value() == (content.size() < 3));
        const auto finished = writer->finish();
        REQUIRE_FALSE(finished);
        CHECK(finished.error().code() == Errc::invalid_argument);
        CHECK_FALSE(writer->begin(file("b", "").entry));
      }
    }
  }

  TEST_CASE("a writer that is not finished leaves no complete archive") {
    for (const ArchiveFormat format : every_format) {
      BytesSink sink;
      {
        auto writer = ArchiveWriter::create(sink, format);
        REQUIRE(writer->begin(file("a", "abc").entry));
        REQUIRE(writer->write(as_bytes("abc")));
      }
      CHECK_FALSE(read_all(sink.bytes));
    }
  }

  TEST_CASE("the sink's own error is what the caller sees, and it stays") {
    for (const ArchiveFormat format : every_format) {
      BytesSink sink;
      sink.room = 0;
      auto writer = ArchiveWriter::create(sink, format);
      const std::string content(1 << 20, 'x');
      Status status = writer->begin(file("a", content).entry);
      if (status) status = writer->write(as_bytes(content));
      if (status) status = writer->finish();
      REQUIRE_FALSE(status);
      CHECK(status.error().code() == Errc::out_of_space);
      CHECK(writer->finish().error().code() == Errc::out_of_space);
    }
  }

  TEST_CASE("only a zip takes files of unknown size") {
    Item item = file("a", "abc");
    item.entry.size.reset();
    BytesSink sink;
    auto writer = ArchiveWriter::create(sink, ArchiveFormat::tar);
    CHECK(writer->begin(item.entry).error().code() == Errc::invalid_argument);
    const Bytes bytes = write_all(ArchiveFormat::zip, {item});
    check_equal(read_all(bytes), {item});
  }

  TEST_CASE("entries a format cannot express are refused") {
    const auto refused = [](ArchiveFormat format, const ArchiveEntry& entry) {
      BytesSink sink;
      auto writer = ArchiveWriter::create(sink, format);
      const auto begun = writer->begin(entry);
      return begun ? std::optional<Errc>() : begun.error().code();
    };
    Item socket = file("s", "");
    socket.entry.type = ArchiveEntryType::socket;
    Item fifo = file("f", "");
    fifo.entry.type = ArchiveEntryType::fifo;
    CHECK(refused(ArchiveFormat::tar, socket.entry) == Errc::unsupported);
    CHECK(refused(ArchiveFormat::zip, socket.entry) == Errc::unsupported);
    CHECK(refused(ArchiveFormat::zip, fifo.entry) == Errc::unsupported);
    CHECK(refused(ArchiveFormat::zip, link("h", "x", ArchiveEntryType::hard_link).entry) ==
          Errc::unsupported);
    CHECK(refused(ArchiveFormat::tar, file("", "").entry) == Errc::invalid_argument);
    CHECK(refused(ArchiveFormat::tar, file(std::string("a\0b", 3), "").entry) ==
          Errc::invalid_argument);
    CHECK(refused(ArchiveFormat::tar, link("l", "").entry) == Errc::invalid_argument);
  }

  TEST_CASE("sizes past four and eight GiB are announced in a tar") {
    for (const std::uint64_t size : {std::uint64_t{5} << 30, std::uint64_t{9} << 40}) {
      BytesSink sink;
      {
        auto writer = ArchiveWriter::create(sink, ArchiveFormat::tar);
        Item item = file("large", "");
        item.entry.size = size;
        REQUIRE(writer->begin(item.entry));
        REQUIRE(writer->write(Bytes(200'000)));
      }
      BytesArchiveSource source(sink.bytes);
      auto reader = ArchiveReader::open(source);
      ArchiveEntry entry;
      REQUIRE(reader->next(entry));
      CHECK(entry.size == size);
    }
  }
}

TEST_SUITE("archive and other programs") {
  TEST_CASE("tar extracts what we write") {
    if (!has_program("tar")) PLK_SKIP("no tar here");
    for (const ArchiveFormat format : {ArchiveFormat::tar, ArchiveFormat::tar_gzip}) {
      const TempDir dir;
      std::vector<Item> items = {directory("d"), file("d/a", std::string(100'000, 'a')),
                                 link("d/l", "a"), link("h", "d/a", ArchiveEntryType::hard_link)};
      for (const std::string& name : odd_names()) items.push_back(file(name, name));
      spill(dir / "t", write_all(format, items));
      REQUIRE(run(dir, "mkdir x && tar -xf t -C x 2>log"));
      CHECK(slurp(dir / "x/d/a") == to_bytes(std::string(100'000, 'a')));
      CHECK(std::filesystem::read_symlink(dir / "x/d/l") == "a");
      CHECK(std::filesystem::hard_link_count(dir / "x/h") == 2);
      for (const std::string& name : odd_names()) {
        INFO(name);
        CHECK(slurp(dir / ("x/" + name)) == to_bytes(name));
      }
      // Only names that are not UTF-8 may need the record it does not know.
      std::vector<Item> ordinary = {file("\xc3\xa4", "1"), file("a\xcc\x88", "2")};
      spill(dir / "t", write_all(format, ordinary));
      REQUIRE(run(dir, "tar -tf t >/dev/null 2>log && test ! -s log"));
    }
  }

  TEST_CASE("we read what tar writes, in each of its formats") {
    if (!has_program("tar")) PLK_SKIP("no tar here");
    const TempDir dir;
    REQUIRE(run(dir, "mkdir -p d/sub"));
    std::vector<std::string> names = odd_names();
    names.push_back("sub/" + std::string(90, 'n') + "1");
    for (const std::string& name : names) spill(dir / ("d/" + name), as_bytes(name));
    REQUIRE(run(dir,
                "ln -s sub d/link && ln d/plain d/zz && chmod 4711 d/plain && "
                "touch -d '2023-11-14 22:13:20.5 UTC' d/plain && mkfifo d/fifo"));
    for (const std::string format : {"ustar", "gnu", "pax", "oldgnu", "v7"}) {
      INFO(format);
      const bool old = format == "ustar" || format == "v7";
      // Old formats cannot hold the longest names, nor v7 a fifo.
      const std::string skip = old ? " --exclude='long*' --exclude='nnn*'" : "";
      REQUIRE(run(dir, "tar --format=" + format + skip + (format == "v7" ? " --exclude=fifo" : "") +
                           " -cf t d 2>/dev/null"));
      const auto items = read_all(slurp(dir / "t"));
      REQUIRE_MESSAGE(items, (items ? "" : items.error().message()));
      std::size_t found = 0;
      for (const Item& item : *items) {
        CHECK(item.entry.warning == "");
        if (item.entry.path == "d/plain") {
          CHECK(item.entry.mode == 04711);
          CHECK(item.entry.modified ==
                UnixTime{1'700'000'000, format == "pax" ? 500'000'000u : 0u});
        }
        if (item.entry.path == "d/link") {
          CHECK(item.entry.type == ArchiveEntryType::symlink);
          CHECK(item.entry.link_target == "sub");
        }
        if (item.entry.path == "d/fifo") CHECK(item.entry.type == ArchiveEntryType::fifo);
        if (item.entry.type != ArchiveEntryType::file) continue;
        // One of the two names of a file comes as a hard link to the other.
        const bool twin = item.content == "plain" && item.entry.path == "d/zz";
        CHECK((twin || item.entry.path == "d/" + item.content));
        ++found;
      }
      const auto left_out = [&](const std::string& name) {
        return old && (name.starts_with("long") || name.starts_with("sub/nnn"));
      };
      const auto expected = static_cast<std::size_t>(
          std::count_if(names.begin(), names.end(), [&](const auto& n) { return !left_out(n); }));
      CHECK(found == expected);
    }
  }

  TEST_CASE("holes of a sparse file read as zeros, the last one too") {
    if (!has_program("tar")) PLK_SKIP("no tar here");
    const TempDir dir;
    REQUIRE(run(dir,
                "printf begin > s && truncate -s 200000 s && printf middle >> s && "
                "truncate -s 900000 s && truncate -s 50000 hole"));
    const Bytes wanted = slurp(dir / "s");
    for (const char* format : {"gnu", "oldgnu", "pax --sparse-version=0.0",
                               "pax --sparse-version=0.1", "pax --sparse-version=1.0"}) {
      INFO(format);
      REQUIRE(run(dir, "tar -S --format=" + std::string(format) + " -cf t s hole"));
      const auto items = read_all(slurp(dir / "t"));
      REQUIRE_MESSAGE(items, (items ? "" : items.error().message()));
      REQUIRE(items->size() == 2);
      CHECK((*items)[0].entry.path == "s");
      CHECK((*items)[0].entry.size == 900'000u);
      CHECK(to_bytes((*items)[0].content) == wanted);
      CHECK((*items)[1].content == std::string(50'000, '\0'));
    }
  }

  TEST_CASE("unzip finds nothing wrong with what we write") {
    if (!has_program("unzip")) PLK_SKIP("no unzip here");
    const TempDir dir;
    Item unknown = file("unknown", std::string(100'000, 'u'));
    unknown.entry.size.reset();
    spill(dir / "z.zip", write_all(ArchiveFormat::zip, {directory("d"), file("d/a", "abc"), unknown,
                                                        file("\xc3\xa4", "1"), link("l", "d/a")}));
    REQUIRE(run(dir, "unzip -tq z.zip >log"));
    REQUIRE(run(dir, "unzip -q z.zip -d x"));
    CHECK(slurp(dir / "x/d/a") == to_bytes("abc"));
    CHECK(slurp(dir / "x/unknown") == to_bytes(std::string(100'000, 'u')));
    CHECK(std::filesystem::read_symlink(dir / "x/l") == "d/a");
  }

  TEST_CASE("Python reads our zip, UTF-8 marked as such and other names as they are") {
    if (!has_program("python3")) PLK_SKIP("no python3 here");
    const TempDir dir;
    spill(dir / "z.zip", write_all(ArchiveFormat::zip,
                                   {file("\xc3\xa4", "1"), file("\xe4", "2"), file("x y", "3")}));
    REQUIRE(run(dir,
                "python3 -c \"import zipfile; z = zipfile.ZipFile('z.zip'); "
                "assert z.testzip() is None; "
                "assert [i.filename for i in z.infolist()] == "
                "['\\u00e4', b'\\xe4'.decode('cp437'), 'x y']; "
                "assert z.read('\\u00e4') == b'1'\""));
  }

  TEST_CASE("we read what Python's zipfile writes") {
    if (!has_program("python3")) PLK_SKIP("no python3 here");
    const TempDir dir;
    REQUIRE(run(dir,
                "python3 -c \"import zipfile; z = zipfile.ZipFile('z.zip', 'w'); "
                "z.writestr('stored', b'abc'); "
                "z.writestr('\\u00e4/deflated', b'x' * 100000, zipfile.ZIP_DEFLATED); "
                "z.close()\""));
    const auto items = read_all(slurp(dir / "z.zip"));
    REQUIRE(items);
    REQUIRE(items->size() == 2);
    CHECK((*items)[0].content == "abc");
    CHECK((*items)[1].entry.path == "\xc3\xa4/deflated");
    CHECK((*items)[1].content == std::string(100'000, 'x'));
  }
}

}  // namespace
}  // namespace plakar::codec
