#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/query_options.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/commands/snapshot_line.h"
#include "cli/exit_code.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/json_view.h"

namespace plakar::cli {
namespace {

struct LsFlags {
  bool full_ids = false;
  bool recursive = false;
  bool tags = false;
};

std::string right(std::string text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

// The local names of the numbers that entries hold, else the numbers, as `ls` does it.
class LocalNames {
 public:
  const std::string& user(std::uint64_t id) {
    const auto [place, is_new] = users_.try_emplace(id);
    if (is_new) {
      passwd entry{};
      passwd* found = nullptr;
      ::getpwuid_r(static_cast<uid_t>(id), &entry, buffer_.data(), buffer_.size(), &found);
      place->second = found == nullptr ? std::to_string(id) : found->pw_name;
    }
    return place->second;
  }
  const std::string& group(std::uint64_t id) {
    const auto [place, is_new] = groups_.try_emplace(id);
    if (is_new) {
      ::group entry{};
      ::group* found = nullptr;
      ::getgrgid_r(static_cast<gid_t>(id), &entry, buffer_.data(), buffer_.size(), &found);
      place->second = found == nullptr ? std::to_string(id) : found->gr_name;
    }
    return place->second;
  }

 private:
  std::array<char, 65536> buffer_{};
  std::map<std::uint64_t, std::string> users_;
  std::map<std::uint64_t, std::string> groups_;
};

// As JSON, one entry a line, where that is asked for.
void print_entry(Context& context, const kloset::VfsEntry& entry, const Mac& id,
                 std::string_view name, LocalNames& names) {
  std::ostream& out = context.out;
  if (context.options.json) {
    out << codec::to_json(ops::to_json(entry, id)) << '\n';
    return;
  }
  const kloset::FileInfo& info = entry.file_info;
  out << format_rfc3339(info.mod_time) << ' ' << kloset::to_text(info.mode) << ' '
      << right(names.user(info.uid), 8) << ' ' << right(names.group(info.gid), 8) << ' '
      << right(format_size(info.size < 0 ? 0 : static_cast<std::uint64_t>(info.size)), 8) << ' '
      << escape(name);
  if (!entry.symlink_target.empty()) out << " -> " << escape(entry.symlink_target);
  out << '\n';
}

Status list_entries(Context& context, kloset::Repository& repository, const std::string& argument,
                    const LsFlags& flags) {
  const SnapshotPath where = PLK_TRY(find_snapshot(context, repository, argument));
  auto snapshot = PLK_TRY(kloset::SnapshotReader::open(repository, where.id));
  const auto found = PLK_TRY(snapshot.resolve(where.path));
  if (!found) return Error(Errc::not_found, where.path + ": file does not exist");
  const kloset::VfsEntry& start = **found;
  const std::string path = start.path();
  LocalNames names;
  if (!kloset::is_directory(start.file_info.mode)) {
    print_entry(context, start, (*found).id(),
                flags.recursive ? std::string_view(path) : start.file_info.name, names);
    return {};
  }
  if (!flags.recursive) {
    return snapshot.list(path, [&](const kloset::VfsEntry& entry, const Mac& id) -> Status {
      PLK_TRY(context.cancel.check());
      print_entry(context, entry, id, entry.file_info.name, names);
      return {};
    });
  }
  Status damage;
  PLK_TRY(snapshot.walk(
      path,
      [&](const kloset::VfsEntry& entry, const Mac& id) -> Status {
        PLK_TRY(context.cancel.check());
        const std::string entry_path = entry.path();
        if (entry_path != path) print_entry(context, entry, id, entry_path, names);
        return {};
      },
      [&](const std::string& at, const Error& error) -> Status {
        if (damage) damage = Error(error).context(at);
        return {};
      }));
  return damage;
}

}  // namespace

int run_ls(Context& context, std::span<const std::string> arguments) {
  LsFlags options;
  FlagSet flags;
  flags.boolean("uuid", options.full_ids, "show whole snapshot identifiers");
  flags.boolean("recursive", options.recursive, "list directories with all that is below them");
  flags.boolean("tags", options.tags, "show the tags of snapshots");
  config::QuerySettings settings;
  add_query_options(flags, settings);
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "ls", flags, arguments, words)) return *done;
  if (words.size() > 1) return fail(context, "too many arguments");
  warn_about_dates(context, settings);
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  if (!words.empty()) {
    const Status listed = list_entries(context, *store.repository, words[0], options);
    return listed ? exit_ok : fail(context, listed.error());
  }

  bool damaged = false;
  const auto headers = load_kept(context, *store.repository, settings, damaged);
  if (!headers) return fail(context, headers.error());
  for (const kloset::SnapshotHeader& header : *headers) {
    if (context.options.json) {
      context.out << codec::to_json(ops::to_json(header)) << '\n';
      continue;
    }
    context.out << snapshot_line(header, {.full_id = options.full_ids, .tags = options.tags})
                << '\n';
  }
  return damaged ? exit_failure : exit_ok;
}

}  // namespace plakar::cli
