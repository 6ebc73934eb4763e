#include "core/kloset/tree/summary.h"

#include <array>

#include "core/codec/msgpack_struct.h"
#include "core/kloset/tree/summary_codec.h"

namespace plakar::kloset {
namespace {

using codec::field;
using codec::MsgpackField;

constexpr double entropy_low = 2.0;
constexpr double entropy_high = 7.0;

constexpr auto directory_fields(const Totals*) {
  return std::array{field<&Totals::directories>("directories").omit_empty(),
                    field<&Totals::files>("files").omit_empty(),
                    field<&Totals::symlinks>("symlinks").omit_empty(),
                    field<&Totals::devices>("devices").omit_empty(),
                    field<&Totals::pipes>("pipes").omit_empty(),
                    field<&Totals::sockets>("sockets").omit_empty(),
                    field<&Totals::children>("children").omit_empty(),
                    field<&Totals::setuid>("setuid").omit_empty(),
                    field<&Totals::setgid>("setgid").omit_empty(),
                    field<&Totals::sticky>("sticky").omit_empty(),
                    field<&Totals::objects>("objects").omit_empty(),
                    field<&Totals::chunks>("chunks").omit_empty(),
                    field<&Totals::size_min>("min_size").omit_empty(),
                    field<&Totals::size_max>("max_size").omit_empty(),
                    field<&Totals::size_average>("avg_size").omit_empty(),
                    field<&Totals::size>("size").omit_empty(),
                    field<&Totals::mod_time_min>("min_mod_time").omit_empty(),
                    field<&Totals::mod_time_max>("max_mod_time").omit_empty(),
                    field<&Totals::entropy_min>("min_entropy").omit_empty(),
                    field<&Totals::entropy_max>("max_entropy").omit_empty(),
                    field<&Totals::entropy_sum>("sum_entropy").omit_empty(),
                    field<&Totals::entropy_average>("avg_entropy").omit_empty(),
                    field<&Totals::high_entropy>("hi_entropy").omit_empty(),
                    field<&Totals::low_entropy>("lo_entropy").omit_empty(),
                    field<&Totals::mime_audio>("MIME_audio").omit_empty(),
                    field<&Totals::mime_video>("MIME_video").omit_empty(),
                    field<&Totals::mime_image>("MIME_image").omit_empty(),
                    field<&Totals::mime_text>("MIME_text").omit_empty(),
                    field<&Totals::mime_application>("MIME_application").omit_empty(),
                    field<&Totals::mime_other>("MIME_other").omit_empty(),
                    field<&Totals::errors>("errors").omit_empty()};
}

// The same rows without the averages and the sum, and with `errors` always there.
constexpr auto below_fields(const Totals*) {
  constexpr auto all = directory_fields(nullptr);
  constexpr std::size_t left_out = 3;
  std::array<MsgpackField<Totals>, all.size() - left_out> rows{};
  std::size_t at = 0;
  for (const auto& row : all) {
    const std::string_view key = row.row.key;
    if (key != "avg_size" && key != "sum_entropy" && key != "avg_entropy") rows[at++] = row;
  }
  rows[at - 1] = field<&Totals::errors>("errors");
  return rows;
}

constexpr auto summary_fields(const Summary*) {
  return std::array{
      field<&Summary::directory, codec::MsgpackTable<Totals, directory_fields>>("directory")
          .omit_empty(),
      field<&Summary::below, codec::MsgpackTable<Totals, below_fields>>("below")};
}

using SummaryTable = codec::MsgpackTable<Summary, summary_fields>;

// The members that are simply summed up.
constexpr auto counters = std::to_array<std::uint64_t Totals::*>(
    {&Totals::directories, &Totals::files,        &Totals::symlinks,    &Totals::devices,
     &Totals::pipes,       &Totals::sockets,      &Totals::children,    &Totals::setuid,
     &Totals::setgid,      &Totals::sticky,       &Totals::objects,     &Totals::chunks,
     &Totals::size,        &Totals::high_entropy, &Totals::low_entropy, &Totals::mime_audio,
     &Totals::mime_video,  &Totals::mime_image,   &Totals::mime_text,   &Totals::mime_application,
     &Totals::mime_other,  &Totals::errors});

template <class T>
void lower(T& minimum, T value) {
  if (minimum == 0 || value < minimum) minimum = value;
}
template <class T>
void raise(T& maximum, T value) {
  if (maximum == 0 || value > maximum) maximum = value;
}

std::uint64_t& type_counter(Totals& totals, FileMode mode) {
  if (has(mode, mode_symlink)) return totals.symlinks;
  if (has(mode, mode_device)) return totals.devices;
  if (has(mode, mode_fifo)) return totals.pipes;
  if (has(mode, mode_socket)) return totals.sockets;
  return totals.files;
}

std::uint64_t& mime_counter(Totals& totals, std::string_view type) {
  if (type.starts_with("text/")) return totals.mime_text;
  if (type.starts_with("image/")) return totals.mime_image;
  if (type.starts_with("audio/")) return totals.mime_audio;
  if (type.starts_with("video/")) return totals.mime_video;
  if (type.starts_with("application/")) return totals.mime_application;
  return totals.mime_other;
}

}  // namespace

void Summary::add(const SummaryItem& item) {
  Totals& d = directory;
  ++d.children;
  ++type_counter(d, item.mode);
  d.setuid += has(item.mode, mode_setuid) ? 1 : 0;
  d.setgid += has(item.mode, mode_setgid) ? 1 : 0;
  d.sticky += has(item.mode, mode_sticky) ? 1 : 0;
  if (item.has_object) {
    ++d.objects;
    d.chunks += item.chunks;
  }
  lower(d.mod_time_min, item.mod_time);
  raise(d.mod_time_max, item.mod_time);
  lower(d.size_min, item.size);
  raise(d.size_max, item.size);
  lower(d.entropy_min, item.entropy);
  raise(d.entropy_max, item.entropy);
  if (item.entropy <= entropy_low) {
    ++d.low_entropy;
  } else if (item.entropy >= entropy_high) {
    ++d.high_entropy;
  }
  if (!item.content_type.empty()) ++mime_counter(d, item.content_type);
  d.size += item.size;
  d.entropy_sum += item.entropy;
}

void Summary::add(const Summary& child) {
  ++directory.children;
  ++directory.directories;
  for (const auto counter : counters) {
    below.*counter += child.below.*counter + child.directory.*counter;
  }
  for (const Totals* part : {&child.below, &child.directory}) {
    lower(below.size_min, part->size_min);
    raise(below.size_max, part->size_max);
    lower(below.mod_time_min, part->mod_time_min);
    raise(below.mod_time_max, part->mod_time_max);
    lower(below.entropy_min, part->entropy_min);
    raise(below.entropy_max, part->entropy_max);
  }
}

void Summary::finish() {
  if (directory.files == 0) return;
  directory.size_average = directory.size / directory.files;
  directory.entropy_average = directory.entropy_sum / static_cast<double>(directory.files);
}

Status SummaryCodec::read(codec::MsgpackReader& in, Summary& value) {
  return SummaryTable::read(in, value);
}

void SummaryCodec::write(codec::MsgpackWriter& out, const Summary& value) {
  SummaryTable::write(out, value);
}

Result<Summary> decode_summary(BytesView bytes) {
  codec::MsgpackReader in(bytes);
  Summary summary;
  PLK_TRY(SummaryTable::read(in, summary));
  return summary;
}

void encode_summary(Bytes& out, const Summary& summary) {
  codec::MsgpackWriter writer(out);
  SummaryTable::write(writer, summary);
}

}  // namespace plakar::kloset
