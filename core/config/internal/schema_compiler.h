// From JSON to SchemaTree, with everything wrong in it refused.
#pragma once

#include "core/base/result.h"
#include "core/config/internal/schema_node.h"

namespace plakar::config {

Result<SchemaTree> compile_schema(const codec::Json& schema);

}  // namespace plakar::config
