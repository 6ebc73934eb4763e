#include "core/connectors/fs/staged_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/base/clock.h"
#include "core/base/file_system.h"
#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/base/unix_time.h"

namespace plakar::connectors {
namespace {

// What direct writes have to be multiples of, on every device there is.
constexpr std::size_t alignment = 4096;
// A hint may be any number; packfiles have 64 MiB.
constexpr std::uint64_t reserved_size_max = std::uint64_t{256} << 20;
constexpr std::chrono::hours leftover_age{24};

static_assert(StagedFile::piece_size % alignment == 0);

std::string temporary_name(std::string_view prefix, Random& random) {
  std::array<std::byte, 8> digits{};
  random.fill(digits);
  return std::string(prefix) + to_hex(digits);
}

struct FreeBuffer {
  void operator()(std::byte* buffer) const noexcept { std::free(buffer); }
};
using Buffer = std::unique_ptr<std::byte, FreeBuffer>;

Buffer make_buffer() {
  Buffer buffer(static_cast<std::byte*>(std::aligned_alloc(alignment, StagedFile::piece_size)));
  if (buffer == nullptr) throw std::bad_alloc();
  return buffer;
}

}  // namespace

class StagedFile::State {
 public:
  State(Env env, const Options& options, std::string path, File file, bool direct)
      : env_(env),
        options_(options),
        path_(std::move(path)),
        file_(std::move(file)),
        direct_(direct) {}

  ~State() {
    group_.reset();  // Waits for the piece that is being written.
    if (path_.empty()) return;
    static_cast<void>(file_.close());
    static_cast<void>(env_.files.remove_file(path_));
  }

  Status write(BytesView bytes) {
    if (failed_) return earlier_failure();
    while (!bytes.empty()) {
      if (filling_ == nullptr) filling_ = make_buffer();
      const std::size_t part = std::min(bytes.size(), piece_size - filled_);
      std::copy_n(bytes.begin(), part, filling_.get() + filled_);
      filled_ += part;
      bytes = bytes.subspan(part);
      if (filled_ < piece_size) break;
      Status begun = begin_piece();
      failed_ = !begun;
      if (!begun) return begun;
    }
    return {};
  }

  Status seal() {
    if (failed_) return earlier_failure();
    Status sealed = write_rest_and_sync();
    failed_ = !sealed;
    return sealed;
  }

  Status publish(const std::string& directory, std::string_view name, Replace replace) {
    if (failed_ || path_.empty()) return earlier_failure();
    const std::string path = directory + "/" + std::string(name);
    const bool was_new = PLK_TRY(move_to(path, replace));
    Status durable = sync_directory(env_.files, directory);
    // What was there before is not brought back by this: then the new content stays, which is
    // whole.
    if (!durable && was_new) static_cast<void>(env_.files.remove_file(path));
    return durable;
  }

  std::uint64_t size() const noexcept { return begun_ + filled_; }
  const std::string& path() const noexcept { return path_; }

 private:
  Error earlier_failure() const {
    return Error(Errc::io, "write " + escape(file_.name()) + ": it failed before");
  }

  // Hands the full buffer over and goes on with the other one, once that is free.
  Status begin_piece() {
    PLK_TRY(await_piece());
    std::swap(filling_, writing_);
    const std::uint64_t offset = begun_;
    const BytesView piece(writing_.get(), filled_);
    begun_ += filled_;
    filled_ = 0;
    if (options_.writers != nullptr) {
      if (!group_) group_ = std::make_unique<flow::PoolGroup>(*options_.writers);
      const bool spawned = group_->spawn(
          [this, offset, piece](const flow::CancelToken&) { return write_piece(offset, piece); });
      return spawned ? Status() : await_piece();
    }
    return write_piece(offset, piece);
  }

  Status await_piece() { return group_ ? group_->wait() : Status(); }

  // In a thread of the pool, while nobody else touches the file.
  Status write_piece(std::uint64_t offset, BytesView piece) {
    if (offset == 0 && piece.size() == piece_size && options_.size_hint > piece_size) {
      // Only a help: a file system that cannot reserve space goes on without.
      static_cast<void>(
          file_.allocate(Allocate::keep_size,
                         {.offset = 0, .length = std::min(options_.size_hint, reserved_size_max)}));
      reserved_ = true;
    }
    Status written = file_.write_at(offset, piece);
    const bool refused =
        !written && direct_ && offset == 0 && written.error().code() == Errc::invalid_argument;
    if (refused) {
      // A device with larger blocks than all others, or a file system that finds out only now
      // that it cannot.
      PLK_TRY(reopen_through_cache());
      written = file_.write_at(offset, piece);
    }
    if (written && !direct_) {
      file_.write_back(Writeback::start, {.offset = offset, .length = piece.size()});
    }
    return written;
  }

  Status reopen_through_cache() {
    file_ = PLK_TRY(env_.files.open(path_, {.access = Access::write}));
    static_cast<void>(file_.lock(LockMode::exclusive, Wait::no));
    direct_ = false;
    return {};
  }

  Status write_rest_and_sync() {
    PLK_TRY(await_piece());
    const std::uint64_t size = begun_ + filled_;
    if (filled_ > 0) {
      std::size_t length = filled_;
      if (direct_) {
        // The last piece is a multiple of nothing: filled up, and cut off again below.
        length = (filled_ + alignment - 1) / alignment * alignment;
        std::fill(filling_.get() + filled_, filling_.get() + length, std::byte{0});
      }
      PLK_TRY(write_piece(begun_, BytesView(filling_.get(), length)));
    }
    // Gives back, too, what was reserved and not needed.
    if (direct_ || reserved_) PLK_TRY(file_.truncate(size));
    PLK_TRY(file_.sync(SyncScope::data));
    if (!direct_ && size > piece_size) {
      file_.advise(Advice::dont_need, {.offset = 0, .length = size});
    }
    filling_.reset();
    writing_.reset();
    return {};
  }

  // Whether the name was new.
  Result<bool> move_to(const std::string& path, Replace replace) {
    bool was_new = true;
    Status moved = env_.files.rename(path_, path, Replace::no);
    if (!moved && moved.error().code() == Errc::unsupported) moved = move_to_new(path);
    if (!moved && moved.error().code() == Errc::already_exists && replace == Replace::yes) {
      was_new = false;
      moved = env_.files.rename(path_, path, Replace::yes);
    }
    if (!moved) return std::move(moved).error();
    path_.clear();
    // Everything is on the disk: closing has nothing left to say.
    static_cast<void>(file_.close());
    return was_new;
  }

  // Where no rename refuses to replace, a link does; where there are no links either, looking
  // beforehand is the best there is.
  Status move_to_new(const std::string& path) {
    Status linked = env_.files.link(path_, path);
    if (linked) {
      static_cast<void>(env_.files.remove_file(path_));
      return {};
    }
    const Errc why = linked.error().code();
    if (why != Errc::unsupported && why != Errc::permission_denied) return linked;
    if (PLK_TRY(env_.files.find(path))) {
      return Error(Errc::already_exists, escape(path) + " exists already");
    }
    return env_.files.rename(path_, path, Replace::yes);
  }

  Env env_;
  const Options options_;
  std::string path_;  // empty once there is nothing to remove
  File file_;
  bool direct_;
  bool reserved_ = false;
  bool failed_ = false;
  std::uint64_t begun_ = 0;  // written, or being written
  std::size_t filled_ = 0;
  Buffer filling_;
  Buffer writing_;
  std::unique_ptr<flow::PoolGroup> group_;  // with one piece at most
};

Result<StagedFile> StagedFile::create(Env env, const Options& options) {
  std::string path = options.directory + "/" + temporary_name(options.prefix, env.random);
  OpenOptions how{
      .access = Access::write, .create = Create::always_new, .mode = options.mode, .follow = false};
  how.direct = options.size_hint > piece_size;
  auto file = env.files.open(path, how);
  if (!file && how.direct && file.error().code() == Errc::unsupported) {
    // Some file systems create the file before they find that they cannot open it like this.
    static_cast<void>(env.files.remove_file(path));
    how.direct = false;
    file = env.files.open(path, how);
  }
  if (!file) return std::move(file).error();
  // Where there are no locks, age alone has to tell leftovers.
  static_cast<void>(file->lock(LockMode::exclusive, Wait::no));
  return StagedFile(
      std::make_unique<State>(env, options, std::move(path), *std::move(file), how.direct));
}

void StagedFile::remove_leftovers(Env env, const std::string& directory, std::string_view prefix) {
  const auto entries = list_directory(env.files, directory);
  if (!entries) return;
  const WallTime oldest = env.clock.wall() - leftover_age;
  for (const OwnedDirectoryEntry& entry : *entries) {
    if (!entry.name.starts_with(prefix)) continue;
    const std::string path = directory + "/" + entry.name;
    const auto stat = env.files.stat(path);
    const bool is_old =
        stat && stat->type == FileType::regular && to_wall_time(stat->modified) < oldest;
    if (!is_old) continue;
    const auto file = env.files.open(path, {.follow = false});
    if (file && file->lock(LockMode::exclusive, Wait::no)) {
      static_cast<void>(env.files.remove_file(path));
    }
  }
}

StagedFile::StagedFile(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
StagedFile::StagedFile(StagedFile&&) noexcept = default;
StagedFile::~StagedFile() = default;

Status StagedFile::write(BytesView bytes) { return state_->write(bytes); }
std::uint64_t StagedFile::size() const noexcept { return state_->size(); }
const std::string& StagedFile::temporary_path() const noexcept { return state_->path(); }
Status StagedFile::seal() { return state_->seal(); }
Status StagedFile::publish(const std::string& directory, std::string_view name, Replace replace) {
  return state_->publish(directory, name, replace);
}

}  // namespace plakar::connectors
