// JSON Schema for the options of connectors: what a package says its settings must be.
//
// A subset of draft 2020-12: type, properties, required, additionalProperties,
// patternProperties, dependentRequired, enum, const, pattern, format, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf, minLength, maxLength, items, minItems,
// maxItems, uniqueItems, allOf, anyOf, oneOf, not, if, then, else, $ref (within the schema),
// $defs; title, description, default, examples, deprecated, readOnly, writeOnly,
// contentMediaType, contentEncoding, $schema, $id, $comment. An unknown keyword is an error,
// because a misspelt one would check nothing. Names beginning with `x-` are free; these have
// a meaning here:
//
//   x-aliases      other names of a field, as in ["secret_key"]
//   x-secret       the same as writeOnly
//   x-ignore-case  texts of `enum` in any case; the schema's spelling is what comes out
//   x-order x-group x-advanced x-placeholder x-choices    for forms (form.h)
//
// `pattern` is RE2 and linear. `format` is checked for uri, email, hostname, ipv4, ipv6,
// date, date-time and uuid; other formats are notes. Lengths are characters.
//
// Options are texts in files and on command lines, and typed in JSON; both are accepted
// wherever the schema says what a text must mean: "5432" and 5432 for an integer and for a
// text, the twelve spellings of true and false (1 t T true True TRUE ...), `a, b` for a list
// of single values. An empty text is "not set" for everything but a text that may be empty.
//
// Any field may be {"$secret": "provider:path#field"} instead of its value. It counts as
// present and as right, since nobody knows the value here.
//
// No message contains a value of the instance: values can be secrets.
//
// Compiled once; after that any number of threads may use it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/codec/json.h"
#include "core/config/places.h"

namespace plakar::config {

inline constexpr std::size_t schema_nodes_max = 10'000;
inline constexpr std::size_t schema_patterns_max = 256;
inline constexpr std::size_t schema_depth_max = 128;  // of schemas within schemas, by any way
// What checking one instance may cost, in visits of schemas; more is an error of the instance.
inline constexpr std::size_t schema_steps_max = 200'000;
inline constexpr std::size_t field_errors_max = 100;

struct FieldError {
  std::string pointer;     // RFC 6901, into the instance; of what is missing where it would be
  std::string keyword;     // "required", "type", "x-aliases", ...
  std::string message;     // "port: must be at most 65535"
  std::string suggestion;  // a name or choice that may have been meant, or empty

  friend bool operator==(const FieldError&, const FieldError&) = default;
};

struct SchemaTree;

class Schema {
 public:
  // Errc::invalid_argument: "/properties/port/minimun: unknown keyword, did you mean minimum?".
  static Result<Schema> compile(const codec::Json& schema);

  // Checks an instance as it is, with nothing converted.
  std::vector<FieldError> validate(const codec::Json& instance) const;

  struct Prepared {
    codec::Json value;  // with names, types and defaults of the schema
    std::vector<FieldError> errors;
  };
  // Aliases, then types, then the check, then defaults. With errors the value is as far as it
  // got, for a form to show again; it is not for use.
  Prepared prepare(const codec::Json& instance) const;
  Prepared prepare(const Options& options) const;

  // Whether the value of a top-level field must not be shown: marked so, or, in a schema that
  // marks nothing, with a telling name (is_secret_field).
  bool is_secret(std::string_view key) const;
  // `value` for people: secrets at any depth are "********".
  codec::Json masked(const codec::Json& value) const;

  const SchemaTree& tree() const noexcept { return *tree_; }

 private:
  explicit Schema(std::shared_ptr<const SchemaTree> tree) : tree_(std::move(tree)) {}

  std::shared_ptr<const SchemaTree> tree_;  // shared between copies, which never change it
};

// {"$secret": "provider:path#field"}
bool is_secret_reference(const codec::Json& value);

// A prepared value as connectors get it: everything is text. Lists are joined with commas,
// objects are JSON.
std::string option_text(const codec::Json& value);

}  // namespace plakar::config
