#include "core/host/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string_view>

namespace plakar::host {
namespace {

static_assert(std::endian::native == std::endian::little, "the structures are used as they are");

Error corrupt(std::string_view what) {
  return Error(Errc::corrupt, "not a usable shared library: " + std::string(what));
}

Error too_much(std::string_view what) {
  return Error(Errc::unsupported, "too many " + std::string(what) + " for a connector module");
}

// A structure at the beginning of `from`, which may lie anywhere.
template <class T>
std::optional<T> structure(BytesView from) {
  if (from.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, from.data(), sizeof value);
  return value;
}

template <class T>
std::optional<T> element(BytesView table, std::uint64_t index) {
  if (index >= table.size() / sizeof(T)) return std::nullopt;
  return structure<T>(table.subspan(static_cast<std::size_t>(index) * sizeof(T)));
}

// `size` bytes of `file` from `offset` on.
std::optional<BytesView> range(BytesView file, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) return std::nullopt;
  return file.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// The entries of the dynamic section that are looked at; of one given twice, the last counts, as
// for the linker.
struct Dynamic {
  std::vector<std::uint64_t> needed;
  std::map<std::int64_t, std::uint64_t> values;

  std::optional<std::uint64_t> find(std::int64_t tag) const {
    const auto found = values.find(tag);
    if (found == values.end()) return std::nullopt;
    return found->second;
  }
  std::uint64_t flags(std::int64_t tag) const { return find(tag).value_or(0); }
};

class Parser {
 public:
  explicit Parser(BytesView file) : file_(file) {}

  Result<ElfImage> parse() && {
    PLK_TRY(read_header());
    PLK_TRY(read_segments());
    if (image_.has_dynamic) {
      PLK_TRY(read_dynamic());
      PLK_TRY(read_versions());
      PLK_TRY(read_symbols());
    }
    return std::move(image_);
  }

 private:
  Status read_header() {
    const auto header = structure<Elf64_Ehdr>(file_);
    if (file_.size() < SELFMAG || std::memcmp(file_.data(), ELFMAG, SELFMAG) != 0) {
      return corrupt("it is no ELF file");
    }
    if (!header) return corrupt("it is cut off in its header");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
      return Error(Errc::unsupported,
                   "expected ELF of 64 bits, little-endian, found another; install the package "
                   "for this machine");
    }
    if (header->e_phentsize != sizeof(Elf64_Phdr)) return corrupt("its program headers are odd");
    if (header->e_phnum > elf_segments_max) return too_much("segments");
    image_.type = header->e_type;
    image_.machine = header->e_machine;
    image_.os_abi = header->e_ident[EI_OSABI];
    const auto table =
        range(file_, header->e_phoff, std::uint64_t{header->e_phnum} * sizeof(Elf64_Phdr));
    if (!table) return corrupt("it is cut off in its program headers");
    for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
      segments_.push_back(*element<Elf64_Phdr>(*table, i));
    }
    return {};
  }

  Status read_segments() {
    bool has_stack = false;
    for (const Elf64_Phdr& segment : segments_) {
      const auto content = range(file_, segment.p_offset, segment.p_filesz);
      switch (segment.p_type) {
        case PT_LOAD:
          if (!content) return corrupt("it is cut off");
          if (segment.p_filesz > segment.p_memsz) return corrupt("a segment is odd");
          if ((segment.p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) image_.has_writable_code = true;
          break;
        case PT_INTERP:
          image_.has_interpreter = true;
          break;
        case PT_DYNAMIC:
          image_.has_dynamic = true;
          if (!content) return corrupt("it is cut off in its dynamic section");
          dynamic_ = *content;
          break;
        case PT_NOTE:
          if (!content) return corrupt("it is cut off in its notes");
          PLK_TRY(read_notes(*content, segment.p_align == 8 ? 8 : 4));
          break;
        case PT_GNU_STACK:
          has_stack = true;
          if ((segment.p_flags & PF_X) != 0) image_.has_executable_stack = true;
          break;
        default:
          break;
      }
    }
    // Without a word about it, the linker makes the stack executable.
    if (!has_stack) image_.has_executable_stack = true;
    return {};
  }

  Status read_notes(BytesView notes, std::uint64_t alignment) {
    while (!notes.empty()) {
      const auto header = structure<Elf64_Nhdr>(notes);
      if (!header) return corrupt("a note is cut off");
      const auto owner = range(notes, sizeof *header, header->n_namesz);
      const std::uint64_t at = align_up(sizeof *header + header->n_namesz, alignment);
      const auto content = range(notes, at, header->n_descsz);
      if (!owner || !content) return corrupt("a note is cut off");
      if (image_.notes.size() == elf_notes_max) return too_much("notes");
      std::string_view name = as_text(*owner);
      if (!name.empty() && name.back() == '\0') name.remove_suffix(1);
      // Nobody's note that is looked at is larger.
      constexpr std::size_t note_bytes_max = 4096;
      image_.notes.push_back(
          {.owner = std::string(name.substr(0, elf_name_bytes_max)),
           .type = header->n_type,
           .content = to_bytes(content->first(std::min(content->size(), note_bytes_max)))});
      const std::uint64_t end = align_up(at + header->n_descsz, alignment);
      notes = notes.subspan(static_cast<std::size_t>(std::min<std::uint64_t>(end, notes.size())));
    }
    return {};
  }

  // What is in the file from a virtual address on, to the end of its segment.
  std::optional<BytesView> at_address(std::uint64_t address) const {
    for (const Elf64_Phdr& segment : segments_) {
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr) continue;
      const std::uint64_t inside = address - segment.p_vaddr;
      if (inside >= segment.p_filesz) continue;
      return file_.subspan(static_cast<std::size_t>(segment.p_offset + inside),
                           static_cast<std::size_t>(segment.p_filesz - inside));
    }
    return std::nullopt;
  }

  std::optional<BytesView> table_of(std::int64_t tag) const {
    const auto address = tags_.find(tag);
    return address ? at_address(*address) : std::nullopt;
  }

  Result<std::string> name_at(std::uint64_t offset) const {
    if (offset >= names_.size()) return corrupt("a name lies outside of its table");
    const BytesView rest = names_.subspan(static_cast<std::size_t>(offset));
    const std::string_view text =
        as_text(rest.first(std::min(rest.size(), elf_name_bytes_max + 1)));
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos) return corrupt("a name has no end");
    return std::string(text.substr(0, end));
  }

  Status read_dynamic() {
    const std::size_t count = dynamic_.size() / sizeof(Elf64_Dyn);
    if (count > elf_dynamic_max) return too_much("dynamic entries");
    for (std::size_t i = 0; i < count; ++i) {
      const Elf64_Dyn entry = *element<Elf64_Dyn>(dynamic_, i);
      if (entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED) tags_.needed.push_back(entry.d_un.d_val);
      tags_.values[entry.d_tag] = entry.d_un.d_val;
    }
    image_.has_search_path = tags_.find(DT_RPATH) || tags_.find(DT_RUNPATH);
    image_.has_text_relocations =
        tags_.find(DT_TEXTREL) || (tags_.flags(DT_FLAGS) & DF_TEXTREL) != 0;
    image_.has_static_tls = (tags_.flags(DT_FLAGS) & DF_STATIC_TLS) != 0;
    image_.is_never_unloaded = (tags_.flags(DT_FLAGS_1) & DF_1_NODELETE) != 0;

    const auto names = table_of(DT_STRTAB);
    const std::uint64_t names_size = tags_.flags(DT_STRSZ);
    if (!names || names_size > names->size()) return corrupt("it has no table of names");
    names_ = names->first(static_cast<std::size_t>(names_size));
    for (const std::uint64_t at : tags_.needed) image_.needed.push_back(PLK_TRY(name_at(at)));
    return {};
  }

  // DT_VERNEED: a list of libraries, with a list of versions each; both go by relative offsets.
  Status read_versions() {
    if (!tags_.find(DT_VERNEED)) return {};
    const auto table = table_of(DT_VERNEED);
    if (!table) return corrupt("its versions lie outside of it");
    BytesView at = *table;
    for (std::uint64_t i = tags_.flags(DT_VERNEEDNUM); i > 0; --i) {
      const auto library = structure<Elf64_Verneed>(at);
      if (!library) return corrupt("its versions are cut off");
      const std::string name = PLK_TRY(name_at(library->vn_file));
      if (library->vn_aux > at.size()) return corrupt("its versions are cut off");
      BytesView version_at = at.subspan(library->vn_aux);
      for (std::uint32_t j = library->vn_cnt; j > 0; --j) {
        const auto version = structure<Elf64_Vernaux>(version_at);
        if (!version) return corrupt("its versions are cut off");
        if (image_.versions.size() == elf_versions_max) return too_much("versions");
        image_.versions.push_back(
            {.library = name, .version = PLK_TRY(name_at(version->vna_name))});
        version_names_[version->vna_other & 0x7fffU] = image_.versions.back().version;
        if (j == 1) break;
        // An offset of 0 would go round in a circle, and is cut short by the count.
        if (version->vna_next > version_at.size()) return corrupt("its versions are cut off");
        version_at = version_at.subspan(version->vna_next);
      }
      if (i == 1) break;
      if (library->vn_next == 0 || library->vn_next > at.size()) {
        return corrupt("its versions are cut off");
      }
      at = at.subspan(library->vn_next);
    }
    return {};
  }

  // How many symbols there are: only the hash tables tell.
  Result<std::uint64_t> count_symbols() const {
    if (tags_.find(DT_HASH)) {
      const auto table = table_of(DT_HASH);
      const auto count = table ? element<std::uint32_t>(*table, 1) : std::nullopt;
      if (!count) return corrupt("its symbols cannot be counted");
      return std::uint64_t{*count};
    }
    const auto table = table_of(DT_GNU_HASH);
    if (!table) return corrupt("its symbols cannot be counted");
    const auto buckets = element<std::uint32_t>(*table, 0);
    const auto first = element<std::uint32_t>(*table, 1);
    const auto filter_words = element<std::uint32_t>(*table, 2);
    if (!buckets || !first || !filter_words) return corrupt("its symbols cannot be counted");
    if (*buckets > elf_symbols_max || *first > elf_symbols_max) return too_much("symbols");
    // In words of 32 bits: a header of 4, the filter, the buckets, the chains.
    const std::uint64_t buckets_at = 4 + std::uint64_t{*filter_words} * 2;
    const std::uint64_t chains_at = buckets_at + *buckets;
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < *buckets; ++i) {
      const auto begin = element<std::uint32_t>(*table, buckets_at + i);
      if (!begin) return corrupt("its symbols cannot be counted");
      last = std::max<std::uint64_t>(last, *begin);
    }
    if (last < *first) return std::uint64_t{*first};
    for (; last < elf_symbols_max; ++last) {
      const auto hash = element<std::uint32_t>(*table, chains_at + (last - *first));
      if (!hash) return corrupt("its symbols cannot be counted");
      if ((*hash & 1) != 0) return last + 1;
    }
    return too_much("symbols");
  }

  Status read_symbols() {
    const auto table = table_of(DT_SYMTAB);
    if (!table) return corrupt("it has no symbols");
    const std::uint64_t count = PLK_TRY(count_symbols());
    if (count > elf_symbols_max) return too_much("symbols");
    const auto versions = table_of(DT_VERSYM);
    for (std::uint64_t i = 1; i < count; ++i) {
      const auto symbol = element<Elf64_Sym>(*table, i);
      if (!symbol) return corrupt("its symbols are cut off");
      const auto binding = ELF64_ST_BIND(symbol->st_info);
      const auto visibility = ELF64_ST_VISIBILITY(symbol->st_other);
      if (binding == STB_LOCAL || visibility == STV_HIDDEN || visibility == STV_INTERNAL) continue;
      const auto type = ELF64_ST_TYPE(symbol->st_info);
      // The names of a version script's versions; they are no code and no data.
      if (symbol->st_shndx == SHN_ABS && type == STT_OBJECT && symbol->st_size == 0) continue;
      const bool undefined = symbol->st_shndx == SHN_UNDEF;
      auto& list = undefined ? image_.undefined : image_.defined;
      if (list.size() == elf_listed_max) continue;
      ElfSymbol found{.name = PLK_TRY(name_at(symbol->st_name)),
                      .is_function = type == STT_FUNC,
                      .is_weak = binding == STB_WEAK,
                      .is_unique = binding == STB_GNU_UNIQUE};
      if (undefined && versions) {
        const auto number = element<std::uint16_t>(*versions, i);
        const auto version = version_names_.find(number.value_or(0) & 0x7fffU);
        if (version != version_names_.end()) found.version = version->second;
      }
      list.push_back(std::move(found));
    }
    return {};
  }

  BytesView file_;
  ElfImage image_;
  std::vector<Elf64_Phdr> segments_;
  BytesView dynamic_;
  BytesView names_;
  Dynamic tags_;
  std::map<std::uint32_t, std::string> version_names_;
};

}  // namespace

Result<ElfImage> parse_elf(BytesView file) { return Parser(file).parse(); }

}  // namespace plakar::host
