#include "tests/suites/source_suite.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

namespace plakar::testing {
namespace {

using kloset::ContentReader;
using kloset::Record;
using kloset::RecordKind;
using kloset::Source;

std::string long_content() {
  std::string text;
  for (std::uint64_t i = 0; i < 200'000; ++i) text += static_cast<char>(i * i % 251);
  return text;
}

const std::vector<SourceEntry>& sample_tree() {
  static const std::vector<SourceEntry> tree{
      {.path = "/a", .kind = RecordKind::directory},
      {.path = "/a/empty", .kind = RecordKind::directory},
      {.path = "/a/file", .content = "hello"},
      {.path = "/a/link", .kind = RecordKind::symlink, .content = "../z"},
      {.path = "/a/long", .content = long_content()},
      {.path = "/a/none", .content = ""},
      {.path = "/a b", .kind = RecordKind::directory},
      {.path = "/a b/new\nline", .content = "1"},
      {.path = "/a b/\xff\xfe", .content = "2"},
      {.path = "/a b/" + std::string(255, 'n'), .content = "3"},
      {.path = "/z", .content = "last"},
  };
  return tree;
}

std::string read_all(ContentReader& reader, std::size_t piece) {
  std::string text;
  Bytes buffer(piece);
  while (true) {
    const auto got = reader.read(buffer);
    if (!got) return "error: " + got.error().message();
    if (*got > piece) return "error: more than there is room for";
    if (*got == 0) break;
    text += as_text(BytesView(buffer).first(*got));
  }
  const auto again = reader.read(buffer);
  if (!again || *again != 0) return "error: something behind the end";
  const Status confirmed = reader.confirm();
  return confirmed ? text : "error: " + confirmed.error().message();
}

std::string content_of(Source& source, const Record& record, std::size_t piece) {
  const auto reader = source.open(record);
  return reader ? read_all(**reader, piece) : "error: " + reader.error().message();
}

// Hands each batch to `visit` before it asks for the next one.
template <class Visit>
void scan(Source& source, Visit visit) {
  std::vector<Record> batch(3);
  while (true) {
    const auto more = source.next(batch);
    REQUIRE(more);
    if (!*more) break;
    REQUIRE_FALSE(batch.empty());
    visit(batch);
  }
  CHECK(batch.empty());
  const auto after = source.next(batch);
  REQUIRE(after);
  CHECK_FALSE(*after);
}

bool is_absolute_and_clean(const std::string& path) {
  return path.starts_with('/') && (path == "/" || !path.ends_with('/')) &&
         path.find("//") == std::string::npos && path.find("/./") == std::string::npos &&
         path.find("/../") == std::string::npos;
}

}  // namespace

void run_source_suite(
    const std::function<SourcePlace(const std::vector<SourceEntry>& tree)>& make_place) {
  const SourcePlace place = make_place(sample_tree());

  SUBCASE("everything is recorded once, as what it is") {
    const auto source = place.open({});
    std::map<std::string, Record> found;
    std::set<std::uint64_t> ids;
    scan(*source, [&](const std::vector<Record>& batch) {
      for (const Record& record : batch) {
        CAPTURE(record.path);
        CHECK(record.kind != RecordKind::error);
        CHECK(is_absolute_and_clean(record.path));
        CHECK(ids.insert(record.id).second);
        CHECK(found.emplace(record.path, record).second);
        source->acknowledge(record, {});
      }
    });
    std::size_t below = 0;
    for (const auto& [path, record] : found) {
      if (path.starts_with(place.root + "/") && path != "/") ++below;
    }
    CHECK(below == sample_tree().size());
    for (const SourceEntry& entry : sample_tree()) {
      CAPTURE(entry.path);
      const auto at = found.find(place.root + entry.path);
      REQUIRE(at != found.end());
      const Record& record = at->second;
      CHECK(record.kind == entry.kind);
      if (entry.kind == RecordKind::symlink) CHECK(record.target == entry.content);
      CHECK(kloset::is_directory(record.mode) == (entry.kind == RecordKind::directory));
      CHECK(kloset::is_regular(record.mode) == (entry.kind == RecordKind::regular));
    }
  }

  SUBCASE("content is the same in pieces of any size, and ends once") {
    for (const std::size_t piece : {1000u, 4099u, 1u << 20}) {
      const auto source = place.open({});
      std::size_t read = 0;
      scan(*source, [&](const std::vector<Record>& batch) {
        for (const Record& record : batch) {
          for (const SourceEntry& entry : sample_tree()) {
            if (entry.kind != RecordKind::regular || record.path != place.root + entry.path)
              continue;
            CHECK(content_of(*source, record, piece) == entry.content);
            ++read;
          }
          source->acknowledge(record, {});
        }
      });
      CHECK(read == 7);
    }
  }

  SUBCASE("a content not read to its end, or not opened, is no one's loss") {
    const auto source = place.open({});
    std::size_t seen = 0;
    scan(*source, [&](const std::vector<Record>& batch) {
      for (const Record& record : batch) {
        ++seen;
        if (record.kind != RecordKind::regular || seen % 2 == 0) continue;
        const auto reader = source->open(record);
        REQUIRE(reader);
        Bytes byte(1);
        CHECK((*reader)->read(byte));
      }
    });
    CHECK(seen >= sample_tree().size());
  }

  SUBCASE("several threads read at once, and while the scan goes on") {
    const auto source = place.open({});
    if (source->traits().sequential) return;
    std::vector<Record> files;
    std::atomic<int> wrong = 0;
    std::vector<std::jthread> readers;
    scan(*source, [&](const std::vector<Record>& batch) {
      for (const Record& record : batch) {
        if (record.path != place.root + "/a/long" && record.path != place.root + "/z") continue;
        for (int i = 0; i < 3; ++i) {
          readers.emplace_back([&source, &wrong, record] {
            const std::string wanted = record.path.ends_with("z") ? "last" : long_content();
            if (content_of(*source, record, 5000) != wanted) ++wrong;
          });
        }
      }
    });
    readers.clear();
    CHECK(wrong == 0);
  }

  SUBCASE("who it is stays the same, and asking costs nothing") {
    const auto source = place.open({});
    const auto identity = source->identity();
    CHECK_FALSE(identity.type.empty());
    CHECK(is_absolute_and_clean(identity.root));
    CHECK(source->ping());
    scan(*source, [](const std::vector<Record>&) {});
    CHECK(source->identity() == identity);
    CHECK(place.open({})->identity() == identity);
  }

  SUBCASE("an estimate is about right, and does not disturb the scan") {
    const auto source = place.open({});
    const auto estimate = source->estimate();
    REQUIRE(estimate);
    std::size_t seen = 0;
    scan(*source, [&](const std::vector<Record>& batch) { seen += batch.size(); });
    CHECK(seen >= sample_tree().size());
    if (!*estimate) return;
    CHECK((*estimate)->items >= sample_tree().size());
    CHECK((*estimate)->items <= seen);
    CHECK((*estimate)->bytes == long_content().size() + 5 + 4 + 3);
  }

  SUBCASE("two scans of the same tree find the same") {
    const auto paths = [&] {
      std::vector<std::string> all;
      scan(*place.open({}), [&](const std::vector<Record>& batch) {
        for (const Record& record : batch) all.push_back(record.path);
      });
      return all;
    };
    CHECK(paths() == paths());
  }

  SUBCASE("a cancel ends the scan, opening and reading") {
    const flow::CancelSource cancel;
    const auto source = place.open(cancel.token());
    std::vector<Record> batch;
    std::vector<Record> files;
    std::unique_ptr<ContentReader> reader;
    while (reader == nullptr) {
      const auto more = source->next(batch);
      REQUIRE(more);
      REQUIRE(*more);
      for (const Record& record : batch) {
        if (record.kind != RecordKind::regular || reader != nullptr) continue;
        auto opened = source->open(record);
        REQUIRE(opened);
        reader = *std::move(opened);
        files.push_back(record);
      }
    }
    cancel.cancel("test");
    Bytes buffer(100);
    CHECK(reader->read(buffer).error().code() == Errc::cancelled);
    CHECK(source->open(files.front()).error().code() == Errc::cancelled);
    CHECK(source->next(batch).error().code() == Errc::cancelled);
  }
}

}  // namespace plakar::testing
