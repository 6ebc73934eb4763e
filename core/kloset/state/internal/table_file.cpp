#include "core/kloset/state/internal/table_file.h"

#include <array>
#include <utility>

#include "core/base/text.h"

namespace plakar::kloset {
namespace {

constexpr std::string_view magic = "PLKINDEX";
constexpr std::uint32_t table_version = 1;
constexpr PageId header_id{.nonce = 0, .number = 0};

class Reader {
 public:
  explicit Reader(BytesView bytes) noexcept : rest_(bytes) {}

  template <class T>
  void operator()(T& value) noexcept {
    value = load_le<T>(rest_);
    rest_ = rest_.subspan(sizeof value);
  }
  template <std::size_t size>
  void operator()(std::array<std::byte, size>& bytes) noexcept {
    std::memcpy(bytes.data(), rest_.data(), size);
    rest_ = rest_.subspan(size);
  }

 private:
  BytesView rest_;
};

class Writer {
 public:
  explicit Writer(Bytes& out) noexcept : out_(&out) {}

  template <class T>
  void operator()(T value) {
    append_le(*out_, value);
  }
  template <std::size_t size>
  void operator()(const std::array<std::byte, size>& bytes) {
    append(*out_, bytes);
  }

 private:
  Bytes* out_;
};

// The one list of what is in a header, for both directions.
template <class Field, class Header>
void visit_fields(Field& field, Header& header) {
  field(header.nonce);
  field(header.repository.bytes);
  field(header.last_state.bytes);
  field(header.page_count);
  for (auto* section : {&header.states, &header.packfiles, &header.colours, &header.snapshots,
                        &header.locations.records}) {
    field(section->first_page);
    field(section->page_count);
    field(section->record_count);
    field(section->home_count);
  }
  field(header.locations.filter_first_page);
  field(header.locations.filter_blocks);
}

bool follows(std::uint64_t& end, std::uint64_t first, std::uint64_t count,
             std::uint64_t page_count) noexcept {
  if (first != end || count > page_count - end) return false;
  end += count;
  return true;
}

// Whether every section is where the one before ends, and the last ends with the file.
bool is_gapless(const TableHeader& header) noexcept {
  std::uint64_t end = 1;
  if (header.page_count < end) return false;
  for (const RecordPages* section :
       {&header.states, &header.packfiles, &header.colours, &header.snapshots}) {
    if (!follows(end, section->first_page, section->page_count, header.page_count)) return false;
  }
  const LocationPages& locations = header.locations;
  return follows(end, locations.filter_first_page, filter_page_count(locations.filter_blocks),
                 header.page_count) &&
         follows(end, locations.records.first_page, locations.records.page_count,
                 header.page_count) &&
         locations.records.home_count <= locations.records.page_count && end == header.page_count;
}

}  // namespace

Bytes encode_table_header(const TableHeader& header) {
  Bytes page = to_bytes(magic);
  append_le(page, table_version);
  append_le(page, static_cast<std::uint32_t>(page_size));
  Writer writer(page);
  visit_fields(writer, header);
  page.resize(page_size);
  seal_page(page, header_id);
  return page;
}

Result<TableHeader> decode_table_header(BytesView page) {
  if (page.size() != page_size || as_text(page.first(magic.size())) != magic) {
    return Error(Errc::corrupt, "not an index table");
  }
  // Before the checksum, which another version may compute in another way.
  if (load_le<std::uint32_t>(page.subspan(magic.size())) != table_version) {
    return Error(Errc::unsupported, "an index table of another version");
  }
  TableHeader header;
  Reader reader(page.subspan(magic.size() + 8));
  visit_fields(reader, header);
  if (!is_sealed_page(page, header_id) ||
      load_le<std::uint32_t>(page.subspan(magic.size() + 4)) != page_size || !is_gapless(header)) {
    return Error(Errc::corrupt, "the header of the index table is damaged");
  }
  return header;
}

TableFile::TableFile(const TableHeader& header, Mapping head, std::unique_ptr<PageFile> pages)
    : header_(header),
      head_(std::move(head)),
      pages_(std::move(pages)),
      states_(head_.bytes().data(), header.states),
      packfiles_(head_.bytes().data(), header.packfiles),
      colours_(head_.bytes().data(), header.colours),
      snapshots_(head_.bytes().data(), header.snapshots),
      locations_(*pages_, header.locations) {}

Result<std::unique_ptr<TableFile>> TableFile::open(const FileSystem& files, At at,
                                                   const Uuid& repository,
                                                   std::shared_ptr<ResidentLimit> limit) {
  File file = PLK_TRY(files.open(at, {.follow = false}));
  const FileStat stat = PLK_TRY(file.stat());
  const auto damaged = [&](std::string_view how) {
    return Error(Errc::corrupt, escape(at.describe()) + ": " + std::string(how));
  };
  if (stat.type != FileType::regular || stat.size < page_size) return damaged("no index table");
  Bytes page(page_size);
  PLK_TRY(file.read_exactly(0, page));
  const TableHeader header = PLK_TRY_CONTEXT(decode_table_header(page), escape(at.describe()));
  if (header.repository != repository) {
    return Error(Errc::conflict, escape(at.describe()) + ": the index table of another repository");
  }
  if (stat.size / page_size != header.page_count || stat.size % page_size != 0) {
    return damaged("the index table is not as long as it should be");
  }
  const std::uint64_t head_pages = header.locations.filter_first_page;
  Mapping head = PLK_TRY(file.map({0, head_pages * page_size}));
  const BytesView bytes = head.bytes();
  for (std::uint64_t i = 1; i < head_pages; ++i) {
    if (!is_sealed_page(bytes.subspan(i * page_size, page_size), {header.nonce, i})) {
      return damaged("page " + std::to_string(i) + " is damaged");
    }
  }
  if (!DenseRecords<state_record_size>::is_dense(bytes.data(), header.states) ||
      !PackfileRecords::is_dense(bytes.data(), header.packfiles) ||
      !DenseRecords<colour_record_size>::is_dense(bytes.data(), header.colours) ||
      !DenseRecords<snapshot_record_size>::is_dense(bytes.data(), header.snapshots)) {
    return damaged("the index table contradicts itself");
  }
  auto pages =
      PLK_TRY(PageFile::map(std::move(file), header.page_count, header.nonce, std::move(limit)));
  return std::unique_ptr<TableFile>(new TableFile(header, std::move(head), std::move(pages)));
}

}  // namespace plakar::kloset
