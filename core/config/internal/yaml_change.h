// Changing a configuration file so that nothing but the intended change is made: what the
// documents of places and of policies have in common.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/config/internal/yaml_tree.h"

namespace plakar::config {

inline constexpr std::string_view config_version = "v1.0.0";  // of every file we write

// A text changed in one way, with or without literal blocks for values of several lines.
using YamlEdit = std::function<Result<std::string>(const YamlTree& tree, bool literal_blocks)>;

// Whether a changed file means what it should; an error where it cannot be read.
using YamlCheck = std::function<Result<bool>(const std::shared_ptr<const YamlTree>& changed)>;

// Applies an edit and succeeds only if `check` accepted the result. A literal block can swallow
// the blank lines or the comment after it; then the same edit with double quotes is tried.
Status change_yaml(const YamlTree& tree, const YamlEdit& edit, const YamlCheck& check);

// The edit that `tree` needs first to have a `version` and a mapping, maybe an empty one, at
// the key `section`; nothing where it has both. Comments alone count as nothing.
std::optional<YamlEdit> missing_header(const YamlTree& tree, std::string_view section);

// Whether the files say the same but for these top-level keys. Null is a file that says nothing.
bool same_besides(const YamlTree* a, const YamlTree* b, std::span<const std::string_view> keys);

// Names and keys have to fit on a line before a colon, for every YAML reader. `what` is for
// the message.
Status check_yaml_name(std::string_view name, std::string_view what);

std::string in_quotes(std::string_view text);

}  // namespace plakar::config
