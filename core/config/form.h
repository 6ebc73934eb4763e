// What a user interface needs to draw a form for a schema, as JSON:
//
//   {"fields": [{"key": "port", "label": "Port", "kind": "integer", "required": false,
//                "secret": false, "hidden": false, "group": "main", "advanced": false,
//                "deprecated": false,
//                "description": ..., "placeholder": ..., "default": ..., "examples": [...],
//                "enum": [...], "dynamic_choices": true, "minimum": ..., "maximum": ...,
//                "min_length": ..., "max_length": ..., "pattern": ..., "format": ...,
//                "visible_when": {"field": "mode", "equals": ["y"]},
//                "required_when": [{"field": "mode", "equals": ["y"]}]}, ...],
//    "rules": [{"kind": "one_of", "forms": [["a"], ["b", "c"]], "fields": ["a", "b", "c"],
//               "message": "..."}, ...]}
//
// Members that say nothing are left out, but for those of the first two lines. Fields are in
// `x-order`, then in the schema's order. Only fields at the top level: others are kind "json".
//
//   kind    string, text (several lines), pem, json, yaml, integer, number, boolean, enum,
//           list (of single values)
//   group   `x-group`, else "advanced" or "main" by `x-advanced`
//   rules   one_of (exactly one form, "any": true for at least one), not_both, requires (the
//           first field needs the others)
//
// `location` is hidden: it is composed, not typed. A secret has no default and no examples.
// The form is a help: what counts is Schema::prepare, whose errors name the fields by pointer.
#pragma once

#include "core/codec/json.h"
#include "core/config/schema.h"

namespace plakar::config {

codec::Json form_descriptor(const Schema& schema);

}  // namespace plakar::config
