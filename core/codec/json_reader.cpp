#include "core/codec/json.h"

// The only source that includes Boost.JSON.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <charconv>
#include <cmath>

namespace plakar::codec {

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
      return stop("member " + to_json(Json(*twice)) + " occurs twice in the object that ends here",
                  code);
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
    if (digits.find_first_of(".eE") == std::string::npos) {
      // An identifier or a counter: rounded it would be another one.
      return stop("an integer too large for 64 bits", code);
    }
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

// Parser, writer and destructor recurse once per level.
constexpr std::size_t max_depth_ceiling = 512;

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

}  // namespace plakar::codec
