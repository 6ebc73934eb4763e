#include "core/codec/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/base/assert.h"

namespace plakar::codec {

namespace {

// Parser, writer and destructor recurse once per level.
constexpr std::size_t max_depth_ceiling = 512;

// Octets of the UTF-8 character that `text` (not empty) starts with, or 0 if it starts with
// none: overlong forms, surrogates and numbers past U+10FFFF are not characters.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return continues(1, low, high) && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return continues(1, low, high) && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// Appends `text` between quotes.
void append_quoted(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  const auto escape = [&out](unsigned code) {
    const char escaped[] = {'\\', 'u', '0', '0', digits[code >> 4], digits[code & 15]};
    out.append(escaped, sizeof escaped);
  };

  out.push_back('"');
  std::size_t plain = 0;  // [plain, at) is to be copied as it is
  std::size_t at = 0;
  const auto flush = [&] { out.append(text.substr(plain, at - plain)); };
  while (at < text.size()) {
    const auto octet = static_cast<unsigned char>(text[at]);
    if (octet >= 0x20 && octet < 0x7f && octet != '"' && octet != '\\') {
      ++at;
      continue;
    }
    std::size_t length = 1;
    if (octet >= 0x80) {
      length = utf8_length(text.substr(at));
      const bool c1_control =
          octet == 0xc2 && length == 2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
      if (length > 0 && !c1_control) {
        at += length;
        continue;
      }
    }
    flush();
    if (length == 0) {
      out.append("\xef\xbf\xbd");
      length = 1;
    } else if (length == 2) {
      escape(static_cast<unsigned char>(text[at + 1]));
    } else {
      switch (octet) {
        case '"':
          out.append("\\\"");
          break;
        case '\\':
          out.append("\\\\");
          break;
        case '\b':
          out.append("\\b");
          break;
        case '\f':
          out.append("\\f");
          break;
        case '\n':
          out.append("\\n");
          break;
        case '\r':
          out.append("\\r");
          break;
        case '\t':
          out.append("\\t");
          break;
        default:
          escape(octet);
      }
    }
    at += length;
    plain = at;
  }
  flush();
  out.push_back('"');
}

template <class Integer>
void append_integer(std::string& out, Integer value) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value);
  out.append(digits, end.ptr);
}

void append_double(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out.append("null");
    return;
  }
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value);
  const std::string_view text(digits, static_cast<std::size_t>(end.ptr - digits));
  out.append(text);
  // Without it, the reader would take it for an integer.
  if (text.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

std::string quoted(std::string_view name) {
  std::string text;
  append_quoted(text, name);
  return text;
}

Error wrong_member(std::string_view name, std::string_view expected, const Json* found) {
  std::string message = "member " + quoted(name);
  if (found == nullptr) {
    message.append(" is missing, expected ").append(expected);
  } else {
    message.append(" is ").append(to_string(found->type()));
    message.append(", expected ").append(expected);
  }
  return Error(Errc::invalid_argument, std::move(message));
}

template <class T>
Result<T> member_or_error(std::optional<T> value, std::string_view name, std::string_view expected,
                          const Json* found) {
  if (!value) return wrong_member(name, expected, found);
  return *std::move(value);
}

}  // namespace

std::string_view to_string(JsonType type) noexcept {
  switch (type) {
    case JsonType::null:
      return "null";
    case JsonType::boolean:
      return "boolean";
    case JsonType::integer:
      return "integer";
    case JsonType::number:
      return "number";
    case JsonType::string:
      return "string";
    case JsonType::array:
      return "array";
    case JsonType::object:
      return "object";
  }
  return "null";
}

// --- the value ------------------------------------------------------------------------

Json Json::array(std::initializer_list<Json> items) {
  Json json;
  json.value_ = std::vector<Json>(items);
  return json;
}

Json Json::object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  Json json;
  json.value_ = std::vector<JsonMember>();
  for (const auto& [name, value] : members) json.set(name, value);
  return json;
}

JsonType Json::type() const noexcept {
  static constexpr JsonType types[] = {JsonType::null,    JsonType::boolean, JsonType::integer,
                                       JsonType::integer, JsonType::number,  JsonType::string,
                                       JsonType::array,   JsonType::object};
  static_assert(std::size(types) == std::variant_size_v<decltype(value_)>);
  return types[value_.index()];
}

std::optional<bool> Json::as_bool() const noexcept {
  if (const auto* value = std::get_if<bool>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::int64_t> Json::as_int64() const noexcept {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  return std::nullopt;
}

std::optional<std::uint64_t> Json::as_uint64() const noexcept {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
  const auto* value = std::get_if<std::int64_t>(&value_);
  if (value != nullptr && *value >= 0) return static_cast<std::uint64_t>(*value);
  return std::nullopt;
}

std::optional<double> Json::as_double() const noexcept {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<std::string_view> Json::as_string() const noexcept {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  return std::nullopt;
}

std::span<const Json> Json::items() const noexcept {
  if (const auto* items = std::get_if<std::vector<Json>>(&value_)) return *items;
  return {};
}

std::span<Json> Json::items() noexcept {
  if (auto* items = std::get_if<std::vector<Json>>(&value_)) return *items;
  return {};
}

std::span<const JsonMember> Json::members() const noexcept {
  if (const auto* members = std::get_if<std::vector<JsonMember>>(&value_)) return *members;
  return {};
}

std::size_t Json::size() const noexcept { return is_object() ? members().size() : items().size(); }

const Json* Json::find(std::string_view name) const noexcept {
  for (const JsonMember& member : members()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Json* Json::find(std::string_view name) noexcept {
  return const_cast<Json*>(std::as_const(*this).find(name));
}

const Json* Json::at_pointer(std::string_view pointer) const {
  const Json* at = this;
  std::string token;
  while (!pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view raw = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(raw.size());

    token.clear();
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '~') {
        token.push_back(raw[i]);
        continue;
      }
      if (++i == raw.size() || (raw[i] != '0' && raw[i] != '1')) return nullptr;
      token.push_back(raw[i] == '0' ? '~' : '/');
    }

    if (at->is_object()) {
      at = at->find(token);
      if (at == nullptr) return nullptr;
      continue;
    }
    // "-", the element after the last, names nothing to read.
    if (token.empty() || (token.size() > 1 && token.front() == '0')) return nullptr;
    std::size_t index = 0;
    const char* const end = token.data() + token.size();
    const auto parsed = std::from_chars(token.data(), end, index);
    if (parsed.ec != std::errc() || parsed.ptr != end) return nullptr;
    if (index >= at->items().size()) return nullptr;
    at = &at->items()[index];
  }
  return at;
}

Result<bool> Json::require_bool(std::string_view name) const {
  const Json* found = find(name);
  return member_or_error(found != nullptr ? found->as_bool() : std::nullopt, name, "boolean",
                         found);
}

Result<std::int64_t> Json::require_int64(std::string_view name) const {
  const Json* found = find(name);
  return member_or_error(found != nullptr ? found->as_int64() : std::nullopt, name,
                         "integer below 2^63", found);
}

Result<std::uint64_t> Json::require_uint64(std::string_view name) const {
  const Json* found = find(name);
  return member_or_error(found != nullptr ? found->as_uint64() : std::nullopt, name,
                         "integer that is not negative", found);
}

Result<double> Json::require_double(std::string_view name) const {
  const Json* found = find(name);
  return member_or_error(found != nullptr ? found->as_double() : std::nullopt, name, "number",
                         found);
}

Result<std::string_view> Json::require_string(std::string_view name) const {
  const Json* found = find(name);
  return member_or_error(found != nullptr ? found->as_string() : std::nullopt, name, "string",
                         found);
}

Result<std::span<const Json>> Json::require_array(std::string_view name) const {
  const Json* found = find(name);
  if (found == nullptr || !found->is_array()) return wrong_member(name, "array", found);
  return found->items();
}

Result<const Json*> Json::require_object(std::string_view name) const {
  const Json* found = find(name);
  if (found == nullptr || !found->is_object()) return wrong_member(name, "object", found);
  return found;
}

Json& Json::push_back(Json item) {
  if (is_null()) value_ = std::vector<Json>();
  auto* items = std::get_if<std::vector<Json>>(&value_);
  PLK_ASSERT(items != nullptr);
  return items->emplace_back(std::move(item));
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) value_ = std::vector<JsonMember>();
  auto* members = std::get_if<std::vector<JsonMember>>(&value_);
  PLK_ASSERT(members != nullptr);
  if (Json* found = find(name)) return *found = std::move(value);
  return members->emplace_back(JsonMember{std::string(name), std::move(value)}).value;
}

bool Json::erase(std::string_view name) noexcept {
  auto* members = std::get_if<std::vector<JsonMember>>(&value_);
  if (members == nullptr) return false;
  return std::erase_if(*members, [name](const JsonMember& m) { return m.name == name; }) != 0;
}

bool operator==(const Json& a, const Json& b) noexcept { return a.value_ == b.value_; }

// --- the reader -----------------------------------------------------------------------

// Turns parser events into a value. Everything that is open sits in `open_`.
class JsonBuilder {
 public:
  using Code = boost::json::error_code;

  // Names that Boost.JSON asks of a handler.
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  explicit JsonBuilder(std::size_t max_nodes) : nodes_left_(max_nodes) {}

  Json take() { return std::move(root_); }
  // Why the builder stopped the parser; empty when it did not.
  const std::string& complaint() const noexcept { return complaint_; }

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }

  bool on_array_begin(Code& code) { return begin(std::vector<Json>(), code); }
  bool on_object_begin(Code& code) { return begin(std::vector<JsonMember>(), code); }
  bool on_array_end(std::size_t, Code&) { return end(); }
  bool on_object_end(std::size_t, Code& code) {
    const std::string* twice =
        find_duplicate(std::get<std::vector<JsonMember>>(open_.back().value_));
    if (twice != nullptr) {
      return stop("member " + quoted(*twice) + " occurs twice in the object that ends here", code);
    }
    return end();
  }

  bool on_key_part(std::string_view part, std::size_t, Code&) { return keep(part); }
  bool on_key(std::string_view last, std::size_t, Code&) {
    auto& members = std::get<std::vector<JsonMember>>(open_.back().value_);
    members.push_back({finish(last), Json()});
    return true;
  }
  bool on_string_part(std::string_view part, std::size_t, Code&) { return keep(part); }
  bool on_string(std::string_view last, std::size_t, Code& code) {
    return add(Json(finish(last)), code);
  }

  bool on_number_part(std::string_view part, Code&) { return keep(part); }
  bool on_int64(std::int64_t value, std::string_view, Code& code) {
    text_.clear();
    return add(Json(value), code);
  }
  bool on_uint64(std::uint64_t value, std::string_view, Code& code) {
    text_.clear();
    return add(Json(value), code);
  }
  bool on_double(double approximate, std::string_view last, Code& code) {
    // Boost 1.81 may be off by one unit in the last place, so the digits are read again.
    const std::string digits = finish(last);
    double value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (parsed.ec == std::errc::result_out_of_range) {
      // Both too large and too small end here. Nobody means an error by 1e-400.
      if (!(std::fabs(approximate) < 1)) return stop("a number too large for a double", code);
      value = std::copysign(0.0, approximate);
    }
    return add(Json(value), code);
  }
  bool on_bool(bool value, Code& code) { return add(Json(value), code); }
  bool on_null(Code& code) { return add(Json(), code); }
  bool on_comment_part(std::string_view, Code&) { return true; }
  bool on_comment(std::string_view, Code&) { return true; }

 private:
  bool stop(std::string complaint, Code& code) {
    complaint_ = std::move(complaint);
    code = boost::json::error::exception;
    return false;
  }

  bool keep(std::string_view part) {
    text_.append(part);
    return true;
  }

  std::string finish(std::string_view last) {
    if (text_.empty()) return std::string(last);
    text_.append(last);
    return std::exchange(text_, {});
  }

  bool count(Code& code) {
    if (nodes_left_ == 0) return stop("too many values", code);
    --nodes_left_;
    return true;
  }

  template <class Container>
  bool begin(Container container, Code& code) {
    if (!count(code)) return false;
    open_.emplace_back().value_ = std::move(container);
    return true;
  }

  bool end() {
    Json done = std::move(open_.back());
    open_.pop_back();
    place(std::move(done));
    return true;
  }

  bool add(Json value, Code& code) {
    if (!count(code)) return false;
    place(std::move(value));
    return true;
  }

  void place(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (auto* items = std::get_if<std::vector<Json>>(&open_.back().value_)) {
      items->push_back(std::move(value));
    } else {
      std::get<std::vector<JsonMember>>(open_.back().value_).back().value = std::move(value);
    }
  }

  static const std::string* find_duplicate(const std::vector<JsonMember>& members) {
    constexpr std::size_t few = 16;
    if (members.size() <= few) {
      for (std::size_t i = 1; i < members.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (members[i].name == members[j].name) return &members[i].name;
        }
      }
      return nullptr;
    }
    std::vector<const std::string*> names;
    names.reserve(members.size());
    for (const JsonMember& member : members) names.push_back(&member.name);
    const auto less = [](const std::string* a, const std::string* b) { return *a < *b; };
    const auto equal = [](const std::string* a, const std::string* b) { return *a == *b; };
    std::sort(names.begin(), names.end(), less);
    const auto twice = std::adjacent_find(names.begin(), names.end(), equal);
    return twice != names.end() ? *twice : nullptr;
  }

  Json root_;
  std::vector<Json> open_;
  std::string text_;  // what came so far of a string, name or number in parts
  std::string complaint_;
  std::size_t nodes_left_;
};

namespace {

Error error_at(std::string_view text, std::size_t offset, std::string_view what) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::string_view row = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto column = 1 + std::count_if(row.begin(), row.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                      });
  std::string message =
      "JSON, line " + std::to_string(line) + ", column " + std::to_string(column) + ": ";
  message.append(what);
  return Error(Errc::invalid_argument, std::move(message));
}

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(Errc::invalid_argument, "JSON: " + std::to_string(text.size()) +
                                             " bytes, more than the limit of " +
                                             std::to_string(limits.max_bytes));
  }
  boost::json::parse_options options;
  options.max_depth = std::min(limits.max_depth, max_depth_ceiling);

  boost::json::basic_parser<JsonBuilder> parser(options, limits.max_nodes);
  boost::json::error_code code;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (code) {
    const std::string& complaint = parser.handler().complaint();
    return error_at(text, used, complaint.empty() ? code.message() : complaint);
  }
  if (used < text.size()) return error_at(text, used, "text after the value");
  return parser.handler().take();
}

// --- the writer -----------------------------------------------------------------------

std::string to_json(const Json& value, JsonStyle style) {
  std::string out;
  JsonWriter(out, style).value(value);
  return out;
}

JsonWriter& JsonWriter::begin_object() { return begin('{'); }
JsonWriter& JsonWriter::end_object() { return end('}'); }
JsonWriter& JsonWriter::begin_array() { return begin('['); }
JsonWriter& JsonWriter::end_array() { return end(']'); }

JsonWriter& JsonWriter::key(std::string_view name) {
  PLK_ASSERT(depth_ > 0 && !after_key_);
  before_value();
  append_quoted(*out_, name);
  out_->append(style_ == JsonStyle::pretty ? ": " : ":");
  after_key_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::nullptr_t) { return literal("null"); }

JsonWriter& JsonWriter::value(double value) {
  before_value();
  append_double(*out_, value);
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  before_value();
  append_quoted(*out_, text);
  return *this;
}

JsonWriter& JsonWriter::value(const Json& json) {
  switch (json.type()) {
    case JsonType::null:
      return value(nullptr);
    case JsonType::boolean:
      return value(*json.as_bool());
    case JsonType::integer:
      if (const auto number = json.as_int64()) return value(*number);
      return value(*json.as_uint64());
    case JsonType::number:
      return value(*json.as_double());
    case JsonType::string:
      return value(*json.as_string());
    case JsonType::array:
      begin_array();
      for (const Json& item : json.items()) value(item);
      return end_array();
    case JsonType::object:
      begin_object();
      for (const JsonMember& member : json.members()) key(member.name).value(member.value);
      return end_object();
  }
  return *this;
}

JsonWriter& JsonWriter::end_line() {
  PLK_ASSERT(depth_ == 0 && !after_key_ && !first_);
  out_->push_back('\n');
  first_ = true;
  return *this;
}

void JsonWriter::before_value() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  // At the outermost level there is one value; inside, all but the first follow a comma.
  PLK_ASSERT(depth_ > 0 || first_);
  if (!first_) out_->push_back(',');
  if (depth_ > 0) line_break();
  first_ = false;
}

void JsonWriter::line_break() {
  if (style_ == JsonStyle::compact) return;
  out_->push_back('\n');
  out_->append(2 * depth_, ' ');
}

JsonWriter& JsonWriter::begin(char bracket) {
  before_value();
  out_->push_back(bracket);
  ++depth_;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
  PLK_ASSERT(depth_ > 0 && !after_key_);
  --depth_;
  if (!first_) line_break();
  out_->push_back(bracket);
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::literal(std::string_view text) {
  before_value();
  out_->append(text);
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  before_value();
  append_integer(*out_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::uint64_t value) {
  before_value();
  append_integer(*out_, value);
  return *this;
}

}  // namespace plakar::codec
