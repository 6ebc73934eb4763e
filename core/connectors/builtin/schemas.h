// What the options of built-in connectors may be, as JSON Schemas: the same for checks, for error
// messages, and for forms.
#pragma once

#include <optional>
#include <string_view>

#include "core/config/places.h"
#include "core/config/schema.h"

namespace plakar::connectors {

// For options whose location is absolute and has its scheme; nothing where no connector is built
// in for that scheme.
std::optional<config::Schema> connector_schema(config::PlaceKind kind, std::string_view scheme);

}  // namespace plakar::connectors
