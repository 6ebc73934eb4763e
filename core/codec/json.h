// A JSON value, read strictly (RFC 8259) and written so that it reads back the same.
//
// Objects keep the order of their members, and no name occurs twice: two parsers that
// disagree about which of two members counts are a way to smuggle a setting past a check.
// Integers are exact from -2^63 to 2^64-1, larger ones an error; a number with a fraction or an
// exponent is a double and stays one. Strings are octets: what `parse_json` yields is valid
// UTF-8, what a caller puts in need not be, and the writer repairs it.
//
// A plain value: copies are deep, threads may share one that nobody changes.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.h"

namespace plakar::codec {

class Json;
struct JsonMember;

enum class JsonType : std::uint8_t { null, boolean, integer, number, string, array, object };

// "null", "boolean", "integer", "number", "string", "array" or "object".
std::string_view to_string(JsonType type) noexcept;

class Json {
 public:
  Json() noexcept;  // null
  Json(std::nullptr_t) noexcept;
  // Not from pointers: they would convert to bool silently.
  Json(std::same_as<bool> auto value) noexcept : value_(value) {}
  Json(std::signed_integral auto value) noexcept : Json(Integer{}, std::int64_t{value}) {}
  Json(std::unsigned_integral auto value) noexcept
    requires(!std::same_as<decltype(value), bool>)
      : Json(Integer{}, std::uint64_t{value}) {}
  Json(double value) noexcept;
  Json(std::string value) noexcept;
  Json(std::string_view value);
  Json(const char* value);
  Json(const Json& other);
  Json(Json&& other) noexcept;  // `other` keeps its type, with nothing in it
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();

  static Json array(std::initializer_list<Json> items = {});
  // Of two members with one name the later counts, as with `set`.
  static Json object(std::initializer_list<std::pair<std::string_view, Json>> members = {});

  // An integer beyond 2^63-1 is also JsonType::integer.
  JsonType type() const noexcept;
  bool is_null() const noexcept { return type() == JsonType::null; }
  bool is_array() const noexcept { return type() == JsonType::array; }
  bool is_object() const noexcept { return type() == JsonType::object; }

  // The value, if it has that type. An integer is refused where it does not fit; as_double
  // takes integers too, rounded. Views and pointers live as long as the value is unchanged.
  std::optional<bool> as_bool() const noexcept;
  std::optional<std::int64_t> as_int64() const noexcept;
  std::optional<std::uint64_t> as_uint64() const noexcept;
  std::optional<double> as_double() const noexcept;
  std::optional<std::string_view> as_string() const noexcept;

  // Elements of an array and members of an object; empty for every other type.
  std::span<const Json> items() const noexcept;
  std::span<Json> items() noexcept;
  std::span<const JsonMember> members() const noexcept;

  // The number of items or members; 0 for every other type.
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }

  // The member called `name`, or null when there is none or this is no object. Linear in
  // the number of members: objects are records here; walk `members()` of large ones.
  const Json* find(std::string_view name) const noexcept;
  Json* find(std::string_view name) noexcept;

  // What an RFC 6901 pointer ("/spec/ports/0") leads to, or null; also for text that is no
  // pointer. "" is the value itself.
  const Json* at_pointer(std::string_view pointer) const;

  // The member called `name`, for decoders: missing or of another type is
  // Errc::invalid_argument with a message naming it. So is calling it on a non-object.
  Result<bool> require_bool(std::string_view name) const;
  Result<std::int64_t> require_int64(std::string_view name) const;
  Result<std::uint64_t> require_uint64(std::string_view name) const;
  Result<double> require_double(std::string_view name) const;
  Result<std::string_view> require_string(std::string_view name) const;
  Result<std::span<const Json>> require_array(std::string_view name) const;
  Result<const Json*> require_object(std::string_view name) const;  // never null

  // Appends to an array; null becomes an array first. Precondition: one of the two.
  Json& push_back(Json item);
  // Replaces the member called `name` in its place, or appends it; null becomes an object
  // first. Precondition: one of the two. Returns the stored value. Linear, like `find`.
  Json& set(std::string_view name, Json value);
  // Removes a member, and says whether there was one.
  bool erase(std::string_view name) noexcept;

  // Members compare in order; an integer and a double are never equal.
  friend bool operator==(const Json& a, const Json& b) noexcept;

 private:
  friend class JsonBuilder;  // the parser's, which checks names of whole objects at once

  struct Integer {};
  Json(Integer, std::int64_t value) noexcept;
  Json(Integer, std::uint64_t value) noexcept;

  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
               std::vector<Json>, std::vector<JsonMember>>
      value_;
};

struct JsonMember {
  std::string name;
  Json value;

  friend bool operator==(const JsonMember&, const JsonMember&) noexcept = default;
};

// What a text may cost. Memory stays below max_bytes plus about 200 octets per node.
struct JsonLimits {
  std::size_t max_depth = 64;  // of arrays and objects in each other; never more than 512
  std::size_t max_bytes = std::size_t{16} << 20;
  std::size_t max_nodes = 1'000'000;  // values of every type, the outermost included
};

// Reads one JSON text. Errors are Errc::invalid_argument and give line and column (from 1,
// in characters): anything that is not RFC 8259, such as comments, trailing commas or text
// after the value; invalid UTF-8; a duplicate name; a number no double can hold; a limit.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

enum class JsonStyle : std::uint8_t {
  compact,  // one line, no spaces
  pretty,   // two spaces per level, a line per value, no newline at the end
};

// The text of a value, always valid UTF-8: an octet that is part of no UTF-8 character
// becomes U+FFFD. Control characters are escaped, DEL and U+0080 to U+009F too, so that a
// name cannot talk to a terminal. Doubles have the fewest digits that read back as the same
// double; NaN and the infinities become null, as in JavaScript.
std::string to_json(const Json& value, JsonStyle style = JsonStyle::compact);

// Appends JSON to a string piece by piece, for lists too long to be a value and for event
// streams (JSON lines: one writer, style compact, `end_line` after each value). The calls
// must spell one value: a key before each value inside an object, each `begin` ended by its
// own `end`. What is not that is a bug, and where it is noticed an assertion.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out, JsonStyle style = JsonStyle::compact) noexcept
      : out_(&out), style_(style) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::nullptr_t);
  JsonWriter& value(std::same_as<bool> auto value) { return literal(value ? "true" : "false"); }
  JsonWriter& value(std::signed_integral auto value) { return integer(std::int64_t{value}); }
  JsonWriter& value(std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>)
  {
    return integer(std::uint64_t{value});
  }
  JsonWriter& value(double value);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const Json& value);

  // key(name).value(value)
  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  // Ends a line after a complete value; the next one may follow.
  JsonWriter& end_line();

 private:
  void before_value();
  void line_break();
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  JsonWriter& literal(std::string_view text);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& integer(std::uint64_t value);

  std::string* out_;
  std::size_t depth_ = 0;
  JsonStyle style_;
  bool first_ = true;       // nothing yet inside the innermost bracket
  bool after_key_ = false;  // the next value is a member's
};

// --- inline, because values move through vectors; here, where JsonMember is complete ---

inline Json::Json() noexcept = default;
inline Json::Json(std::nullptr_t) noexcept {}
inline Json::Json(double value) noexcept : value_(value) {}
inline Json::Json(std::string value) noexcept : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(Integer, std::int64_t value) noexcept : value_(value) {}
inline Json::Json(Integer, std::uint64_t value) noexcept {
  // Each integer has one representation, so that equality is that of the numbers.
  if (std::in_range<std::int64_t>(value)) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = value;
  }
}
inline Json::Json(const Json& other) = default;
inline Json::Json(Json&& other) noexcept = default;
// What is assigned may be a part of what it is assigned to, and goes with it: it is held first.
inline Json& Json::operator=(const Json& other) {
  Json copy(other);
  value_.swap(copy.value_);
  return *this;
}
inline Json& Json::operator=(Json&& other) noexcept {
  Json taken(std::move(other));
  value_.swap(taken.value_);
  return *this;
}
inline Json::~Json() = default;

}  // namespace plakar::codec
