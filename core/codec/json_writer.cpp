#include "core/codec/json.h"

#include <charconv>
#include <cmath>

#include "core/base/assert.h"

namespace plakar::codec {

namespace {

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

}  // namespace

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
