#include "core/base/testing/memory_node.h"

#include <algorithm>
#include <utility>

namespace plakar::testing {
namespace {

// For a random survival: half of the time everything or nothing, which mixtures would hit
// rarely.
Survival decide(Survival survival, SeededRandom& random) {
  if (survival != Survival::random) return survival;
  switch (random.below(4)) {
    case 0:
      return Survival::lost;
    case 1:
      return Survival::kept;
    default:
      return Survival::random;
  }
}

// Some of the sectors of a write arrive: those up to one, or any.
void apply_torn(const ContentChange& write, SparseContent& content, SeededRandom& random) {
  const std::uint64_t sector = random.coin() ? 512 : 4096;
  const bool prefix = random.coin();
  const BytesView bytes = write.bytes;
  std::uint64_t lost_from = bytes.size() + 1;
  if (prefix) lost_from = random.below(bytes.size() + 1);
  for (std::size_t done = 0; done < bytes.size();) {
    const std::uint64_t at = write.offset + done;
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(bytes.size() - done, sector - at % sector));
    const bool arrives = prefix ? done + count <= lost_from : random.coin();
    if (arrives) content.write(at, bytes.subspan(done, count));
    done += count;
  }
  // The size may have been recorded all the same; then the rest reads as zeros.
  const std::uint64_t end = write.offset + bytes.size();
  if (content.size() < end && random.coin()) content.resize(end);
}

class TreeCopier {
 public:
  TreeCopier(const std::vector<NameChange>& names, const CrashOptions& options)
      : random_(options.seed), options_(options) {
    const Survival survival = decide(options.names, random_);
    for (const NameChange& change : names) {
      const bool kept = survival == Survival::random ? random_.coin() : survival == Survival::kept;
      if (!kept) continue;
      for (const NameChange::Edit& edit : change.edits) {
        apply(edit, surviving_entries(*edit.directory));
      }
    }
  }

  MemoryNode::Pointer copy(const MemoryNode::Pointer& from) {
    const auto [known, is_new] = copies_.try_emplace(from.get());
    if (!is_new) return known->second;
    const MemoryNode::Pointer made = known->second = std::make_shared<MemoryNode>();
    made->type = from->type;
    made->inode = from->inode;
    made->special = from->special;
    made->target = from->target;
    made->changed = from->changed;
    const Survival content = decide(options_.content, random_);
    const bool new_attributes =
        content == Survival::random ? random_.coin() : content == Survival::kept;
    made->attributes = new_attributes ? from->attributes : from->durable_attributes;
    made->durable_attributes = made->attributes;
    made->content = from->surviving_content(content, random_);
    made->durable_content = made->content;
    for (const auto& [name, child] : surviving_entries(*from)) add(made, name, child);
    made->durable_entries = made->entries;
    return made;
  }

 private:
  void add(const MemoryNode::Pointer& directory, const std::string& name,
           const MemoryNode::Pointer& child) {
    // A directory that was moved twice, of which the middle survived, would have two names.
    if (child->type == FileType::directory && copies_.contains(child.get())) return;
    const MemoryNode::Pointer made = copy(child);
    made->parent = directory;
    ++made->links;
    directory->entries[name] = made;
  }

  MemoryNode::Entries& surviving_entries(const MemoryNode& directory) {
    return entries_.try_emplace(&directory, directory.durable_entries).first->second;
  }

  SeededRandom random_;
  const CrashOptions& options_;
  std::map<const MemoryNode*, MemoryNode::Entries> entries_;
  std::map<const MemoryNode*, MemoryNode::Pointer> copies_;
};

}  // namespace

void apply(const ContentChange& change, SparseContent& content) {
  switch (change.kind) {
    case ContentChange::Kind::write:
      content.write(change.offset, change.bytes);
      break;
    case ContentChange::Kind::resize:
      content.resize(change.offset);
      break;
    case ContentChange::Kind::punch:
      content.punch(change.offset, change.length);
      break;
  }
}

void MemoryNode::change(ContentChange change) {
  apply(change, content);
  unsynced.push_back(std::move(change));
}

SparseContent MemoryNode::surviving_content(Survival survival, SeededRandom& random) const {
  SparseContent out = durable_content;
  if (survival == Survival::lost) return out;
  for (const ContentChange& change : unsynced) {
    const std::uint64_t fate = survival == Survival::kept ? 3 : random.below(4);
    if (fate == 0) continue;
    if (fate == 1 && change.kind == ContentChange::Kind::write) {
      apply_torn(change, out, random);
    } else {
      apply(change, out);
    }
  }
  return out;
}

bool NameChange::touches(const MemoryNode& directory) const {
  return std::any_of(edits.begin(), edits.end(),
                     [&](const Edit& edit) { return edit.directory.get() == &directory; });
}

void apply(const NameChange::Edit& edit, MemoryNode::Entries& entries) {
  if (edit.node == nullptr) {
    entries.erase(edit.name);
  } else {
    entries[edit.name] = edit.node;
  }
}

MemoryNode::Pointer surviving_tree(const MemoryNode::Pointer& root,
                                   const std::vector<NameChange>& names,
                                   const CrashOptions& options) {
  return TreeCopier(names, options).copy(root);
}

}  // namespace plakar::testing
