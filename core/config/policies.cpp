#include "core/config/policies.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/assert.h"
#include "core/codec/json.h"
#include "core/config/internal/policy_yaml.h"
#include "core/config/internal/yaml_change.h"
#include "core/config/internal/yaml_edit.h"
#include "core/config/internal/yaml_tree.h"

namespace plakar::config {
namespace {

using codec::Json;

constexpr std::string_view section_name = "policies";
constexpr std::size_t policies_max = 10'000;

Error missing(std::string_view name) {
  return Error(Errc::not_found, "policy " + in_quotes(name) + " does not exist");
}

bool same_policies(std::vector<Policy> a, std::vector<Policy> b) {
  std::ranges::sort(a, {}, &Policy::name);
  std::ranges::sort(b, {}, &Policy::name);
  return a == b;
}

YamlIndex section_of(const YamlTree& tree) {
  const auto pair = tree.find_pair(YamlTree::root, section_name);
  PLK_ASSERT(pair.has_value());  // with_header() made it
  return tree.value(YamlTree::root, *pair);
}

std::vector<Policy> without(std::vector<Policy> policies, std::string_view name) {
  std::erase_if(policies, [&](const Policy& policy) { return policy.name == name; });
  return policies;
}

const PolicyLeaf* find_leaf(const std::vector<PolicyLeaf>& leaves,
                            const std::vector<std::string>& path) {
  const auto found = std::ranges::find(leaves, path, &PolicyLeaf::path);
  return found == leaves.end() ? nullptr : &*found;
}

// In any order.
bool same_leaves(std::vector<PolicyLeaf> a, std::vector<PolicyLeaf> b) {
  std::ranges::sort(a, {}, &PolicyLeaf::path);
  std::ranges::sort(b, {}, &PolicyLeaf::path);
  return std::ranges::equal(a, b, [](const PolicyLeaf& x, const PolicyLeaf& y) {
    return x.path == y.path && same_content(x.content, y.content);
  });
}

// The policy as a pair of its section.
struct Slot {
  YamlIndex section;
  std::size_t pair;
};

Result<Slot> slot_of(const YamlTree& tree, std::string_view name) {
  const YamlIndex section = section_of(tree);
  const auto pair = tree.find_pair(section, name);
  if (!pair) {
    return Error(Errc::unsupported,
                 tree.name() + ": policy " + in_quotes(name) +
                     " is written in a way that cannot be changed; edit the file by hand");
  }
  return Slot{section, *pair};
}

Json json_of(const YamlContent& content) {
  switch (content.kind) {
    case YamlContent::Kind::text:
      return Json(std::string_view(content.scalar));
    case YamlContent::Kind::plain: {
      // `true`, a count, or a date.
      const auto parsed = codec::parse_json(content.scalar);
      return parsed ? *parsed : Json(std::string_view(content.scalar));
    }
    case YamlContent::Kind::list: {
      Json array = Json::array();
      for (const std::string& item : content.items) array.push_back(Json(std::string_view(item)));
      return array;
    }
    case YamlContent::Kind::mapping:
      break;
  }
  Json object = Json::object();
  for (const auto& [key, inner] : content.pairs) object.set(key, json_of(inner));
  return object;
}

}  // namespace

std::string render_yaml(const Policy& policy) {
  std::string text;
  append_yaml_pair(text, policy.name, policy_content(policy.settings), {});
  return text;
}

std::string render_json(const Policy& policy) {
  return codec::to_json(Json::object({{policy.name, json_of(policy_content(policy.settings))}})) +
         "\n";
}

// --- reading --------------------------------------------------------------------------

Result<PoliciesDocument> PoliciesDocument::parse(std::string text, std::string_view name) {
  return read(std::make_shared<const YamlTree>(PLK_TRY(YamlTree::parse(std::move(text), name))));
}

Result<PoliciesDocument> PoliciesDocument::read(std::shared_ptr<const YamlTree> shared) {
  PoliciesDocument document;
  document.tree_ = std::move(shared);
  const YamlTree& tree = *document.tree_;
  const auto error = [&](YamlIndex at, std::string_view message) {
    return tree.error(Errc::invalid_argument, tree[at].begin, message);
  };
  const YamlNode& top = tree[YamlTree::root];
  if (top.kind == YamlKind::null) return document;
  if (top.kind != YamlKind::mapping) return error(YamlTree::root, "policies should be here");
  if (const auto pair = tree.find_pair(YamlTree::root, "version")) {
    const YamlIndex value = tree.value(YamlTree::root, *pair);
    const std::string& version = tree[tree.resolve(value)].text;
    if (version != config_version) {
      return tree.error(
          Errc::unsupported, tree[value].begin,
          "this program knows version v1.0.0 of this file, not " + in_quotes(version));
    }
  }
  const auto pair = tree.find_pair(YamlTree::root, section_name);
  if (!pair) return document;
  const YamlIndex section = tree.resolve(tree.value(YamlTree::root, *pair));
  if (tree[section].kind == YamlKind::null) return document;
  if (tree[section].kind != YamlKind::mapping) return error(section, "policies should be here");
  if (tree.pair_count(section) > policies_max) return error(section, "more than 10000 policies");
  for (std::size_t i = 0; i < tree.pair_count(section); ++i) {
    const YamlIndex key = tree.key(section, i);
    if (tree[key].kind != YamlKind::scalar || !tree[key].tag.empty()) {
      return error(key, "the name of a policy should be here");
    }
    const YamlIndex value = tree.resolve(tree.value(section, i));
    if (tree[value].kind != YamlKind::mapping && tree[value].kind != YamlKind::null) {
      return error(value, "the settings of " + in_quotes(tree[key].text) + " should be here");
    }
    Policy policy{.name = tree[key].text};
    policy.settings = PLK_TRY(read_policy(tree, value));
    document.policies_.push_back(std::move(policy));
  }
  return document;
}

const std::string& PoliciesDocument::text() const noexcept { return tree_->text(); }

const Policy* PoliciesDocument::find_policy(std::string_view name) const noexcept {
  const auto found = std::ranges::find(policies_, name, &Policy::name);
  return found == policies_.end() ? nullptr : &*found;
}

Result<Policy> PoliciesDocument::find(std::string_view name) const {
  if (const Policy* policy = find_policy(name)) return *policy;
  return Error(Errc::not_found, "policy " + in_quotes(name) + " not found");
}

// --- changing -------------------------------------------------------------------------

Status PoliciesDocument::add(const Policy& policy) {
  PLK_TRY(check_yaml_name(policy.name, "name"));
  if (find_policy(policy.name) != nullptr) {
    return Error(Errc::already_exists, "policy " + in_quotes(policy.name) + " already exists");
  }
  std::vector<Policy> intended = policies_;
  intended.push_back(policy);
  const YamlEdit edit = [&](const YamlTree& tree, bool literal_blocks) {
    return YamlEditor(tree, literal_blocks)
        .insert(section_of(tree), policy.name, policy_content(policy.settings), YamlOrder::natural);
  };
  const PoliciesDocument document = PLK_TRY(with_header());
  *this = PLK_TRY(document.edited(edit, [&](const PoliciesDocument& changed) {
    return same_policies(changed.policies_, intended);
  }));
  return {};
}

// Value by value, so that what is not changed keeps its comments.
Status PoliciesDocument::replace(const Policy& policy) {
  const Policy* old = find_policy(policy.name);
  if (old == nullptr) return missing(policy.name);
  const std::vector<PolicyLeaf> before = policy_leaves(old->settings);
  const std::vector<PolicyLeaf> after = policy_leaves(policy.settings);
  PoliciesDocument document = PLK_TRY(with_header());
  std::vector<PolicyLeaf> leaves = before;
  // Makes the file say `leaves`, by one edit of the policy's value.
  const auto step = [&](const auto& edit_value) -> Status {
    const YamlEdit edit = [&](const YamlTree& tree, bool literal_blocks) -> Result<std::string> {
      const Slot slot = PLK_TRY(slot_of(tree, policy.name));
      return edit_value(tree, literal_blocks, tree.value(slot.section, slot.pair));
    };
    document = PLK_TRY(document.edited(edit, [&](const PoliciesDocument& changed) {
      const Policy* now = changed.find_policy(policy.name);
      return now != nullptr && same_leaves(policy_leaves(now->settings), leaves) &&
             same_policies(without(changed.policies_, policy.name),
                           without(policies_, policy.name));
    }));
    return {};
  };
  const auto erase = [&](const PolicyLeaf& leaf) {
    std::erase_if(leaves, [&](const PolicyLeaf& other) { return other.path == leaf.path; });
    return step([&](const YamlTree& tree, bool, YamlIndex value) {
      return erase_leaf(tree, value, leaf.path);
    });
  };
  const auto put = [&](const PolicyLeaf& leaf) {
    std::erase_if(leaves, [&](const PolicyLeaf& other) { return other.path == leaf.path; });
    leaves.push_back(leaf);
    return step([&](const YamlTree& tree, bool literal_blocks, YamlIndex value) {
      return put_leaf(tree, literal_blocks, value, leaf);
    });
  };

  const auto is_written = [&](const PolicyLeaf& leaf) {
    const YamlTree& tree = *document.tree_;
    const auto slot = slot_of(tree, policy.name);
    return slot && has_leaf(tree, tree.value(slot->section, slot->pair), leaf.path);
  };

  for (const PolicyLeaf& leaf : before) {
    if (find_leaf(after, leaf.path) == nullptr) PLK_TRY(erase(leaf));
  }
  for (const PolicyLeaf& leaf : after) {
    const PolicyLeaf* known = find_leaf(before, leaf.path);
    if (known != nullptr && same_content(known->content, leaf.content)) continue;
    // A list is replaced as a whole, also one without items, which is as if it were not there.
    if (!leaf.content.is_scalar() && is_written(leaf)) PLK_TRY(erase(leaf));
    PLK_TRY(put(leaf));
  }
  *this = std::move(document);
  return {};
}

Status PoliciesDocument::remove(std::string_view name) {
  if (find_policy(name) == nullptr) return missing(name);
  const YamlEdit edit = [&](const YamlTree& tree, bool) -> Result<std::string> {
    const Slot slot = PLK_TRY(slot_of(tree, name));
    return YamlEditor(tree, false).remove(slot.section, slot.pair);
  };
  const PoliciesDocument document = PLK_TRY(with_header());
  *this = PLK_TRY(document.edited(edit, [&](const PoliciesDocument& changed) {
    return same_policies(changed.policies_, without(policies_, name));
  }));
  return {};
}

// --- one step each --------------------------------------------------------------------

Result<PoliciesDocument> PoliciesDocument::edited(const YamlEdit& edit, const Check& accept) const {
  constexpr std::array<std::string_view, 2> ours{"version", section_name};
  PoliciesDocument changed;
  const auto check = [&](const std::shared_ptr<const YamlTree>& tree) -> Result<bool> {
    changed = PLK_TRY(read(tree));
    return accept(changed) && same_besides(tree_.get(), tree.get(), ours);
  };
  PLK_TRY(change_yaml(*tree_, edit, check));
  return changed;
}

Result<PoliciesDocument> PoliciesDocument::with_header() const {
  PoliciesDocument document = *this;
  while (const auto edit = missing_header(*document.tree_, section_name)) {
    document = PLK_TRY(document.edited(*edit, [&](const PoliciesDocument& changed) {
      return same_policies(changed.policies_, policies_);
    }));
  }
  return document;
}

}  // namespace plakar::config
