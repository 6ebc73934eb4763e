#include "core/connectors/fs/internal/item_file.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "core/base/files.h"
#include "core/base/hex.h"
#include "core/base/random.h"

namespace plakar::connectors {
namespace {

// What direct writes have to be multiples of, on every device there is.
constexpr std::size_t alignment = 4096;
// The larger the pieces, the better the device; from here on it gets only a little better.
constexpr std::size_t buffer_size = 2u << 20;

std::string temporary_name(Random& random) {
  std::array<std::byte, 8> digits{};
  random.fill(digits);
  return "tmp." + to_hex(digits);
}

}  // namespace

void ItemFile::FreeBuffer::operator()(std::byte* buffer) const noexcept { std::free(buffer); }

ItemFile::ItemFile(Env env, File file, std::string path, bool direct, std::uint64_t size_hint)
    : env_(env),
      file_(std::move(file)),
      path_(std::move(path)),
      direct_(direct),
      size_hint_(size_hint),
      buffer_(static_cast<std::byte*>(std::aligned_alloc(alignment, buffer_size))) {
  if (buffer_ == nullptr) throw std::bad_alloc();
}

ItemFile::~ItemFile() {
  if (path_.empty()) return;
  static_cast<void>(file_.close());
  static_cast<void>(env_.files.remove_file(path_));
}

Result<std::unique_ptr<ItemFile>> ItemFile::create(Env env, const std::string& directory,
                                                   std::uint64_t size_hint) {
  const std::string path = directory + "/" + temporary_name(env.random);
  OpenOptions options{.access = Access::write, .create = Create::always_new, .mode = 0600};
  // Not worth it for what fits in one buffer.
  options.direct = size_hint > buffer_size;
  bool direct = options.direct;
  auto file = env.files.open(path, options);
  if (!file && direct && file.error().code() == Errc::unsupported) {
    // Some file systems create the file before they find that they cannot open it like this.
    static_cast<void>(env.files.remove_file(path));
    direct = options.direct = false;
    file = env.files.open(path, options);
  }
  if (!file) return std::move(file).error();
  return std::unique_ptr<ItemFile>(new ItemFile(env, *std::move(file), path, direct, size_hint));
}

Status ItemFile::write(BytesView bytes) {
  if (failed_) return Error(Errc::io, "write " + path_ + ": an earlier write failed");
  while (!bytes.empty()) {
    const std::size_t piece = std::min(bytes.size(), buffer_size - filled_);
    std::copy_n(bytes.begin(), piece, buffer_.get() + filled_);
    filled_ += piece;
    bytes = bytes.subspan(piece);
    if (filled_ == buffer_size) PLK_TRY(flush());
  }
  return {};
}

Status ItemFile::flush() {
  if (!allocated_ && size_hint_ > buffer_size) {
    allocated_ = true;
    // Only a help: a file system that cannot reserve space goes on without.
    static_cast<void>(file_.allocate(Allocate::keep_size, {.offset = 0, .length = size_hint_}));
  }
  const Extent range{.offset = written_, .length = filled_};
  Status done = file_.write_at(written_, BytesView(buffer_.get(), filled_));
  failed_ = !done;
  if (!done) return done;
  written_ += filled_;
  filled_ = 0;
  if (!direct_) file_.write_back(Writeback::start, range);
  return {};
}

// The last piece is no multiple of anything: written whole, and cut off again.
Status ItemFile::flush_tail() {
  const std::uint64_t size = written_ + filled_;
  if (direct_) {
    const std::size_t padded = (filled_ + alignment - 1) / alignment * alignment;
    std::fill(buffer_.get() + filled_, buffer_.get() + padded, std::byte{0});
    filled_ = padded;
  }
  if (filled_ > 0) PLK_TRY(flush());
  // Also gives back what was reserved and not used.
  if (direct_ || allocated_) PLK_TRY(file_.truncate(size));
  return {};
}

Status ItemFile::publish(const std::string& path_directory, const std::string& path,
                         kloset::PutMode mode) {
  if (failed_) return Error(Errc::io, "write " + path_ + ": an earlier write failed");
  failed_ = true;  // Until everything has gone well.
  PLK_TRY(flush_tail());
  PLK_TRY(file_.sync(SyncScope::data));
  if (!direct_) file_.advise(Advice::dont_need, {.offset = 0, .length = written_});
  PLK_TRY(file_.close());
  const bool only_new = mode == kloset::PutMode::if_absent;
  Status renamed = env_.files.rename(path_, path, only_new ? Replace::no : Replace::yes);
  if (!renamed && only_new && renamed.error().code() == Errc::unsupported) {
    // No rename that refuses to replace: a link refuses as well.
    PLK_TRY(env_.files.link(path_, path));
    renamed = env_.files.remove_file(path_);
  }
  if (!renamed) return renamed;
  path_.clear();
  return sync_directory(env_.files, path_directory);
}

}  // namespace plakar::connectors
