#include "core/codec/json.h"

#include <charconv>

#include "core/base/assert.h"

namespace plakar::codec {

namespace {

Error wrong_member(std::string_view name, std::string_view expected, const Json* found) {
  std::string message = "member " + to_json(Json(name));
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

}  // namespace plakar::codec
