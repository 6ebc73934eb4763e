// How the settings of a policy are laid out in YAML: which value is at which path.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/config/internal/yaml_edit.h"
#include "core/config/internal/yaml_tree.h"
#include "core/config/policies.h"

namespace plakar::config {

// One value, at "filters/since" or "periods/week/keep" below the policy. Paths never have a
// name from outside in them.
struct PolicyLeaf {
  std::vector<std::string> path;
  YamlContent content;
};

bool same_content(const YamlContent& a, const YamlContent& b);

// Everything that is set, in the order of genuine Plakar.
std::vector<PolicyLeaf> policy_leaves(const QuerySettings& settings);

// The leaves put together.
YamlContent policy_content(const QuerySettings& settings);

// Whether something is written at a path, even nothing.
bool has_leaf(const YamlTree& tree, YamlIndex policy, const std::vector<std::string>& path);

// Puts a value at its path below `policy`, the value of a key: as the other neighbours are
// ordered, with what is missing above it.
Result<std::string> put_leaf(const YamlTree& tree, bool literal_blocks, YamlIndex policy,
                             const PolicyLeaf& leaf);
// Removes what is at the path, and what is empty without it, but not the policy.
Result<std::string> erase_leaf(const YamlTree& tree, YamlIndex policy,
                               const std::vector<std::string>& path);

// The settings that a policy has. Unknown keys are passed over.
Result<QuerySettings> read_policy(const YamlTree& tree, YamlIndex policy);

}  // namespace plakar::config
