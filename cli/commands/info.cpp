#include <algorithm>
#include <ctime>
#include <iomanip>
#include <ostream>
#include <string>
#include <vector>

#include "cli/commands/command.h"
#include "cli/commands/lex_options.h"
#include "cli/commands/open_store.h"
#include "cli/commands/snapshot_argument.h"
#include "cli/exit_code.h"
#include "core/base/base64.h"
#include "core/base/hex.h"
#include "core/base/text.h"
#include "core/codec/json.h"
#include "core/kloset/snapshot/snapshot_reader.h"
#include "core/ops/json_view.h"

namespace plakar::cli {
namespace {

std::string size_text(std::uint64_t bytes) {
  return format_size(bytes) + " (" + std::to_string(bytes) + " bytes)";
}

// "2026-11-24 01:39:10.94282693 -0500 EST", as Go prints a local time.
std::string local_time(UnixTime time) {
  const std::time_t seconds = time.seconds;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[64];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  std::string out = text;
  if (time.nanoseconds != 0) {
    std::string digits = std::to_string(1'000'000'000 + std::uint64_t{time.nanoseconds}).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    out += "." + digits;
  }
  std::strftime(text, sizeof text, " %z %Z", &local);
  return out + text;
}

void print_encryption(std::ostream& out, const kloset::EncryptionParams& encryption) {
  const kloset::KdfParams& kdf = encryption.kdf;
  out << "Encryption:\n - SubkeyAlgorithm: " << encryption.subkey_algorithm
      << "\n - DataAlgorithm: " << encryption.data_algorithm
      << "\n - ChunkSize: " << encryption.segment_size
      << "\n - Canary: " << to_hex(encryption.canary) << "\n - KDF: " << kdf.kdf
      << "\n   - Salt: " << to_hex(kdf.salt) << '\n';
  if (kdf.argon2id) {
    out << "   - SaltSize: " << kdf.argon2id->salt_size
        << "\n   - KeyLen: " << kdf.argon2id->key_size << "\n   - Time: " << kdf.argon2id->time
        << "\n   - Memory: " << kdf.argon2id->memory_kib
        << "\n   - Thread: " << int{kdf.argon2id->threads} << '\n';
  }
  if (kdf.scrypt) {
    out << "   - SaltSize: " << kdf.scrypt->salt_size << "\n   - KeyLen: " << kdf.scrypt->key_size
        << "\n   - N: " << kdf.scrypt->n << "\n   - R: " << kdf.scrypt->r
        << "\n   - P: " << kdf.scrypt->p << '\n';
  }
  if (kdf.pbkdf2) {
    out << "   - SaltSize: " << kdf.pbkdf2->salt_size << "\n   - KeyLen: " << kdf.pbkdf2->key_size
        << "\n   - Iterations: " << kdf.pbkdf2->iterations
        << "\n   - Hashing: " << kdf.pbkdf2->hashing << '\n';
  }
}

void print_config(std::ostream& out, const kloset::StoreConfig& config) {
  out << "Version: v1.0.0\nTimestamp: " << local_time(config.timestamp)
      << "\nRepositoryID: " << config.repository_id.text()
      << "\nPackfile:\n - MaxSize: " << size_text(config.packfile.size_max)
      << "\nChunking:\n - Algorithm: " << config.chunking.algorithm
      << "\n - MinSize: " << size_text(config.chunking.size_min)
      << "\n - NormalSize: " << size_text(config.chunking.size_normal)
      << "\n - MaxSize: " << size_text(config.chunking.size_max)
      << "\nHashing:\n - Algorithm: " << config.hashing.algorithm
      << "\n - Bits: " << config.hashing.bits << '\n';
  if (config.compression) {
    out << "Compression:\n - Algorithm: " << config.compression->algorithm
        << "\n - Level: " << config.compression->level << '\n';
  }
  if (config.encryption) print_encryption(out, *config.encryption);
}

Status print_store(Context& context, OpenStore& store) {
  std::uint64_t logical = 0;
  bool damaged = false;
  const auto headers = PLK_TRY(load_headers(context, *store.repository, damaged));
  for (const kloset::SnapshotHeader& header : headers) {
    const kloset::Summary& summary = header.source().summary;
    logical += summary.directory.size + summary.below.size;
  }
  const auto used = PLK_TRY(store.medium->used_bytes());
  const kloset::StoreConfig& config = store.repository->config();
  if (context.options.json) {
    codec::Json snapshots =
        codec::Json::object({{"total", std::uint64_t{headers.size()}}, {"logical_size", logical}});
    snapshots.set("storage_size", used ? codec::Json(*used) : codec::Json(-1));
    codec::Json json = codec::Json::object({{"location", store.location}});
    json.set("snapshots", std::move(snapshots));
    json.set("configuration", ops::to_json(config));
    context.out << codec::to_json(json) << '\n';
  } else {
    print_config(context.out, config);
    context.out << "Snapshots: " << headers.size() << '\n';
    if (used) context.out << "Storage size: " << size_text(*used) << '\n';
    context.out << "Logical size: " << size_text(logical) << '\n';
  }
  if (!damaged) return {};
  return Error(Errc::corrupt, "not all snapshots could be read");
}

void print_summary(std::ostream& out, const kloset::Summary& summary) {
  const kloset::Totals& own = summary.directory;
  const kloset::Totals& below = summary.below;
  const auto sum = [&](std::string_view label, std::uint64_t kloset::Totals::* count) {
    out << " - " << label << ": " << own.*count + below.*count << '\n';
  };
  out << "Summary:\n";
  sum("Directories", &kloset::Totals::directories);
  sum("Files", &kloset::Totals::files);
  sum("Symlinks", &kloset::Totals::symlinks);
  sum("Devices", &kloset::Totals::devices);
  sum("Pipes", &kloset::Totals::pipes);
  sum("Sockets", &kloset::Totals::sockets);
  sum("Setuid", &kloset::Totals::setuid);
  sum("Setgid", &kloset::Totals::setgid);
  sum("Sticky", &kloset::Totals::sticky);
  sum("Objects", &kloset::Totals::objects);
  sum("Chunks", &kloset::Totals::chunks);
  out << " - MinSize: " << size_text(std::min(own.size_min, below.size_min))
      << "\n - MaxSize: " << size_text(std::max(own.size_max, below.size_max))
      << "\n - Size: " << size_text(own.size + below.size) << "\n - MinModTime: "
      << local_time({.seconds = std::min(own.mod_time_min, below.mod_time_min)})
      << "\n - MaxModTime: "
      << local_time({.seconds = std::max(own.mod_time_max, below.mod_time_max)}) << '\n'
      << std::fixed << std::setprecision(6)
      << " - MinEntropy: " << std::min(own.entropy_min, below.entropy_min)
      << "\n - MaxEntropy: " << std::max(own.entropy_max, below.entropy_max) << '\n'
      << std::defaultfloat;
  sum("HiEntropy", &kloset::Totals::high_entropy);
  sum("LoEntropy", &kloset::Totals::low_entropy);
  sum("MIMEAudio", &kloset::Totals::mime_audio);
  sum("MIMEVideo", &kloset::Totals::mime_video);
  sum("MIMEImage", &kloset::Totals::mime_image);
  sum("MIMEText", &kloset::Totals::mime_text);
  sum("MIMEApplication", &kloset::Totals::mime_application);
  sum("MIMEOther", &kloset::Totals::mime_other);
  sum("Errors", &kloset::Totals::errors);
}

void print_list(std::ostream& out, std::string_view label, const std::vector<std::string>& items) {
  if (items.empty()) return;
  out << label << ": ";
  for (std::size_t i = 0; i < items.size(); ++i) out << (i == 0 ? "" : ", ") << escape(items[i]);
  out << '\n';
}

void print_snapshot(std::ostream& out, const kloset::SnapshotHeader& header) {
  const kloset::HeaderSource& source = header.source();
  out << "Version: v1.0.0\nSnapshotID: " << header.identifier.hex()
      << "\nTimestamp: " << local_time(header.timestamp)
      << "\nDuration: " << format_duration(std::chrono::nanoseconds(header.duration_ns))
      << "\nName: " << escape(header.name) << "\nEnvironment: " << escape(header.environment)
      << "\nPerimeter: " << escape(header.perimeter) << "\nCategory: " << escape(header.category)
      << '\n';
  if (!header.job.empty()) out << "Job: " << escape(header.job) << '\n';
  if (!header.dataset.empty()) out << "Dataset: " << escape(header.dataset) << '\n';
  print_list(out, "DataClasses", header.data_classes);
  print_list(out, "Tags", header.tags);
  if (header.identity.identifier != Uuid()) {
    out << "Identity:\n - Identifier: " << header.identity.identifier.text()
        << "\n - PublicKey: " << to_base64(header.identity.public_key) << '\n';
  }
  out << "VFS:\n - Root: " << source.roots.vfs.hex() << "\n - Xattrs: " << source.roots.xattrs.hex()
      << "\n - Errors: " << source.roots.errors.hex()
      << "\nImporter:\n - Type: " << escape(source.importer.type)
      << "\n - Origin: " << escape(source.importer.origin)
      << "\n - Directory: " << escape(source.importer.directory) << "\nContext:\n";
  constexpr std::pair<std::string_view, std::string_view> shown[] = {
      {"MachineID", "MachineID"},
      {"Hostname", "Hostname"},
      {"Username", "Username"},
      {"OperatingSystem", "OperatingSystem"},
      {"Architecture", "Architecture"},
      {"NumCPU", "NumCPU"},
      {"GOMAXPROCS", "MaxProcs"},
      {"ProcessID", "ProcessID"},
      {"Client", "Client"},
      {"CommandLine", "CommandLine"}};
  for (const auto& [label, key] : shown) {
    out << " - " << label << ": " << escape(header.find_context(key)) << '\n';
  }
  print_summary(out, source.summary);
}

Status print_errors(Context& context, kloset::SnapshotReader& snapshot, std::string_view path) {
  return snapshot.errors(path, [&](std::string_view where, std::string_view what) -> Status {
    PLK_TRY(context.cancel.check());
    if (context.options.json) {
      // A path that is not UTF-8 is shown as it is shown elsewhere.
      const auto text = [](std::string_view raw) {
        return is_utf8(raw) ? std::string(raw) : escape(raw);
      };
      context.out << codec::to_json(
                         codec::Json::object({{"path", text(where)}, {"error", text(what)}}))
                  << '\n';
      return {};
    }
    context.out << escape(where) << ": " << escape(what) << '\n';
    return {};
  });
}

Status run(Context& context, OpenStore& store, const std::vector<std::string>& words, bool errors) {
  if (words.empty()) return print_store(context, store);
  const SnapshotPath where = PLK_TRY(find_snapshot(context, *store.repository, words[0]));
  auto snapshot = PLK_TRY(kloset::SnapshotReader::open(*store.repository, where.id));
  if (errors) return print_errors(context, snapshot, where.path);
  if (context.options.json) {
    context.out << codec::to_json(ops::to_json(snapshot.header())) << '\n';
  } else {
    print_snapshot(context.out, snapshot.header());
  }
  return {};
}

}  // namespace

int run_info(Context& context, std::span<const std::string> arguments) {
  bool errors = false;
  FlagSet flags;
  flags.boolean("errors", errors, "show what could not be backed up, and why");
  std::vector<std::string> words;
  if (const auto done = lex_options(context, "info", flags, arguments, words)) return *done;
  if (words.size() > 1) return fail(context, "too many arguments");
  OpenStore store;
  if (const auto done = open_store(context, store)) return *done;
  const Status done = run(context, store, words, errors);
  return done ? exit_ok : fail(context, done.error());
}

}  // namespace plakar::cli
