#include "core/connectors/fs/internal/tree_walk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/text.h"
#include "core/connectors/fs/internal/deep_path.h"

namespace plakar::connectors {
namespace {

using kloset::Record;

// Entries that a helper looks at before others hear of them.
constexpr std::size_t turn_size = 64;
// Of directories that are opened again on the way to one far below, every so many-th stays open,
// so that the way to the next one is shorter.
constexpr std::size_t levels_between_kept = 32;

std::size_t bytes_of(const Record& record) {
  std::size_t bytes = sizeof(Record) + record.path.size() + record.target.size();
  for (const auto& attribute : record.attributes) {
    bytes += sizeof(attribute) + attribute.name.size() + attribute.value.size();
  }
  return bytes;
}

// As far as it can be read.
Status list_names(const File& directory, NameList& names) {
  DirectoryBatch batch;
  auto more = directory.read_directory(batch);
  for (; more && *more; more = directory.read_directory(batch)) {
    for (const DirectoryEntry entry : batch) names.add(entry.name);
  }
  names.sort();
  if (!more) return std::move(more).error();
  return {};
}

}  // namespace

// A thread's work on one stop.
class TreeWalk::Turn {
 public:
  // With the mutex held.
  Turn(TreeWalk& walk, StopAt stop) : walk_(walk), stop_(stop) { stop->state = StopState::taken; }

  // The next entries of the directory. Without the mutex.
  void look(std::size_t count) {
    Stop::Listing& listing = stop_->listing;
    if (handle_ == nullptr && !begin()) return;
    for (; count > 0 && listing.next_name < listing.names.size(); --count) {
      if (walk_.cancel_.cancelled()) return;
      const std::string_view name = listing.names[listing.next_name++];
      const At at{*handle_, name};
      const auto stat = walk_.files_.stat(at);
      std::string path;
      path.reserve(path_.size() + 1 + name.size());
      path.append(path_).append("/").append(name);
      if (walk_.visitor_.visit(std::move(path), stat, at, found_)) {
        listing.below.add(name);
        listing.below_identities.push_back(identity_of(*stat));
      }
    }
  }

  // With the mutex held. False: there is no more.
  bool hand_over() {
    for (Record& record : found_) {
      walk_.bytes_ahead_ += bytes_of(record);
      stop_->records.push_back(std::move(record));
    }
    found_.clear();
    walk_.found_.notify_one();
    return stop_->listing.next_name < stop_->listing.names.size();
  }

  // With the mutex held, at the end.
  void give_back() {
    if (hand_over()) {
      stop_->state = StopState::ready;
      walk_.wanted_.notify_one();
      return;
    }
    stop_->state = StopState::done;
    Stop::Listing listing = std::exchange(stop_->listing, {});
    if (listing.below.empty()) return;
    if (handle_ != nullptr) walk_.keep_open(stop_->directory, std::move(handle_));
    listing.names = {};
    Stop rest{
        .state = StopState::rest, .directory = stop_->directory, .listing = std::move(listing)};
    ++rest.directory->users;
    walk_.stops_.insert(std::next(stop_), std::move(rest));
    walk_.wanted_.notify_all();
  }

 private:
  // False: nothing is to be looked at.
  bool begin() {
    Stop::Listing& listing = stop_->listing;
    path_ = walk_.path_of(stop_->directory);
    auto opened = walk_.open(stop_->directory);
    Status status = opened ? Status() : Status(std::move(opened).error());
    if (status) {
      handle_ = *std::move(opened);
      if (!std::exchange(listing.begun, true)) status = list_names(*handle_, listing.names);
    } else {
      listing.next_name = listing.names.size();
    }
    if (!status) walk_.visitor_.fail(path_.empty() ? "/" : path_, status.error(), found_);
    return handle_ != nullptr;
  }

  TreeWalk& walk_;
  const StopAt stop_;
  std::shared_ptr<const File> handle_;
  std::string path_;
  std::vector<Record> found_;
};

TreeWalk::TreeWalk(const FileSystem& files, TreeVisitor& visitor, std::string path,
                   FileIdentity identity, const flow::CancelToken& cancel)
    : files_(files), visitor_(visitor), cancel_(cancel), helpers_(cancel) {
  kept_open_.fill(directories_.end());
  const std::size_t path_size = path == "/" ? 0 : path.size();
  directories_.push_back({.parent = directories_.end(),
                          .self = {.name = std::move(path), .identity = identity},
                          .path_size = path_size,
                          .users = 1});
  stops_.push_back({.directory = directories_.begin()});
  listing_count_ = 1;
}

TreeWalk::~TreeWalk() {
  {
    const std::lock_guard guard(mutex_);
    ending_ = true;
  }
  wanted_.notify_all();
  static_cast<void>(helpers_.wait());
}

Result<bool> TreeWalk::next(std::vector<Record>& batch, std::size_t size_max) {
  std::unique_lock lock(mutex_);
  while (!stops_.empty() && batch.size() < size_max) {
    PLK_TRY(cancel_.check());
    if (broken_) return Error(Errc::internal, "a thread that walks a tree has ended too early");
    const StopAt first = stops_.begin();
    if (first->next_record < first->records.size()) {
      hand_out(*first, batch, size_max);
    } else if (first->state == StopState::done) {
      remove(first);
    } else if (first->state == StopState::rest) {
      take_from(first);
    } else if (first->state == StopState::ready) {
      Turn turn(*this, first);
      lock.unlock();
      turn.look(size_max - batch.size());
      lock.lock();
      turn.give_back();
      if (!has_helpers_ && stops_.size() > 1) {
        has_helpers_ = true;
        lock.unlock();
        for (std::size_t i = 0; i < helper_count; ++i) {
          helpers_.spawn("walk", [this](const flow::CancelToken& cancel) { return help(cancel); });
        }
        lock.lock();
      }
    } else if (!batch.empty()) {
      return true;
    } else {
      found_.wait(lock, [&] {
        return first->state != StopState::taken || first->next_record < first->records.size() ||
               broken_;
      });
    }
  }
  PLK_TRY(cancel_.check());
  return !batch.empty();
}

Status TreeWalk::help(const flow::CancelToken& cancel) {
  // When an exception ends this, what the helper has taken is never given back.
  struct Watch {
    TreeWalk& walk;
    bool returned = false;

    ~Watch() {
      if (returned) return;
      const std::lock_guard guard(walk.mutex_);
      walk.broken_ = true;
      walk.found_.notify_one();
    }
  };
  Watch watch{*this};
  std::unique_lock lock(mutex_);
  while (!ending_ && !cancel.cancelled()) {
    const StopAt stop = may_go_ahead() ? find_work() : stops_.end();
    if (stop == stops_.end()) {
      wanted_.wait(lock);
      continue;
    }
    Turn turn(*this, stop);
    do {
      lock.unlock();
      turn.look(turn_size);
      lock.lock();
    } while (turn.hand_over() && may_go_ahead() && !ending_ && !cancel.cancelled());
    turn.give_back();
  }
  watch.returned = true;
  return {};
}

// Once it is enough, it is until half of it has been handed out: else helpers would be woken for
// every record.
bool TreeWalk::may_go_ahead() {
  const std::size_t share = ahead_enough_ ? 2 : 1;
  ahead_enough_ =
      bytes_ahead_ >= bytes_ahead_max / share || listing_count_ >= directories_ahead_max / share;
  return !ahead_enough_;
}

TreeWalk::StopAt TreeWalk::find_work() {
  for (StopAt stop = stops_.begin(); stop != stops_.end(); ++stop) {
    if (stop->state == StopState::ready) return stop;
    if (stop->state == StopState::rest) return take_from(stop);
  }
  return stops_.end();
}

// The next directory of a rest becomes a stop, before what is left of it.
TreeWalk::StopAt TreeWalk::take_from(StopAt rest) {
  const DirectoryAt parent = rest->directory;
  const Stop::Listing& listing = rest->listing;
  Name name{.name = std::string(listing.below[rest->next_below]),
            .identity = listing.below_identities[rest->next_below]};
  ++rest->next_below;
  const std::size_t path_size = parent->path_size + 1 + name.name.size();
  const DirectoryAt directory = directories_.insert(
      directories_.end(),
      {.parent = parent, .self = std::move(name), .path_size = path_size, .users = 1});
  ++parent->users;
  const StopAt stop = stops_.insert(rest, {.directory = directory});
  ++listing_count_;
  if (rest->next_below == listing.below.size()) remove(rest);
  return stop;
}

void TreeWalk::hand_out(Stop& stop, std::vector<Record>& batch, std::size_t size_max) {
  const bool was_enough = ahead_enough_;
  while (batch.size() < size_max && stop.next_record < stop.records.size()) {
    Record& record = stop.records[stop.next_record++];
    bytes_ahead_ -= bytes_of(record);
    batch.push_back(std::move(record));
  }
  if (stop.next_record == stop.records.size()) {
    stop.records.clear();
    stop.next_record = 0;
  }
  if (was_enough && may_go_ahead()) wanted_.notify_all();
}

void TreeWalk::remove(StopAt stop) {
  const bool was_enough = ahead_enough_;
  if (stop->state != StopState::rest) --listing_count_;
  release(stop->directory);
  stops_.erase(stop);
  if (was_enough && may_go_ahead()) wanted_.notify_all();
}

void TreeWalk::release(DirectoryAt directory) {
  while (directory != directories_.end() && --directory->users == 0) {
    std::replace(kept_open_.begin(), kept_open_.end(), directory, directories_.end());
    const DirectoryAt parent = directory->parent;
    directories_.erase(directory);
    directory = parent;
  }
}

// The one that has been open for longest is closed for it. First in, first out, because one that is
// needed often is soon kept again.
void TreeWalk::keep_open(DirectoryAt directory, std::shared_ptr<const File> handle) {
  if (directory->handle != nullptr) return;
  DirectoryAt& place = kept_open_[kept_open_next_];
  kept_open_next_ = (kept_open_next_ + 1) % kept_open_.size();
  if (place != directories_.end()) place->handle = nullptr;
  place = directory;
  directory->handle = std::move(handle);
}

// From the nearest one above that is open.
Result<std::shared_ptr<const File>> TreeWalk::open(DirectoryAt directory) {
  if (directory->path_size > path_size_max) {
    return Error(Errc::invalid_argument,
                 "a path of more than " + std::to_string(path_size_max) + " bytes is not walked");
  }
  std::vector<DirectoryAt> closed;
  std::shared_ptr<const File> handle;
  {
    const std::lock_guard guard(mutex_);
    for (DirectoryAt at = directory; at != directories_.end(); at = at->parent) {
      handle = at->handle;
      if (handle != nullptr) break;
      closed.push_back(at);
    }
  }
  while (!closed.empty()) {
    const DirectoryAt at = closed.back();
    closed.pop_back();
    handle = PLK_TRY(open_from(handle.get(), at->self));
    // Not the one that was asked for: most have nothing below them.
    if (closed.size() == 1 || (!closed.empty() && closed.size() % levels_between_kept == 0)) {
      const std::lock_guard guard(mutex_);
      keep_open(at, handle);
    }
  }
  return handle;
}

Result<std::shared_ptr<const File>> TreeWalk::open_from(const File* parent,
                                                        const Name& directory) const {
  File opened =
      parent == nullptr
          ? PLK_TRY(open_directory(files_, directory.name, false))
          : PLK_TRY(files_.open({*parent, directory.name}, {.follow = false, .directory = true}));
  const FileStat stat = PLK_TRY(opened.stat());
  if (identity_of(stat) != directory.identity) {
    return Error(Errc::conflict, "open " + escape(opened.name()) +
                                     ": it was replaced by another directory meanwhile");
  }
  return std::make_shared<const File>(std::move(opened));
}

// Of "/": nothing.
std::string TreeWalk::path_of(DirectoryAt directory) const {
  std::string path(directory->path_size, '/');
  std::size_t end = path.size();
  for (; directory->parent != directories_.end(); directory = directory->parent) {
    const std::string& name = directory->self.name;
    end -= name.size();
    std::copy(name.begin(), name.end(), path.begin() + static_cast<std::ptrdiff_t>(end));
    --end;  // A slash.
  }
  std::copy_n(directory->self.name.begin(), end, path.begin());
  return path;
}

}  // namespace plakar::connectors
