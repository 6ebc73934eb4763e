// A schema and an instance from anybody. Input: both as JSON, with a NUL between.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/config/form.h"
#include "core/config/schema.h"

using namespace plakar;
using namespace plakar::config;
using codec::Json;

namespace {

// The texts of the instance that are values, and so may be secrets.
void collect_texts(const Json& value, std::vector<std::string>& texts) {
  if (const auto text = value.as_string()) texts.emplace_back(*text);
  for (const Json& item : value.items()) collect_texts(item, texts);
  for (const codec::JsonMember& member : value.members()) collect_texts(member.value, texts);
}

bool has_marked_key(const Json& value, std::string_view mark) {
  const auto below = [&](const Json& inner) { return has_marked_key(inner, mark); };
  return std::ranges::any_of(value.items(), below) ||
         std::ranges::any_of(value.members(), [&](const codec::JsonMember& member) {
           return member.name.find(mark) != std::string::npos || below(member.value);
         });
}

void check_errors(const std::vector<FieldError>& errors, const std::vector<std::string>& values) {
  PLK_ASSERT(errors.size() <= 2 * field_errors_max);
  for (const FieldError& error : errors) {
    PLK_ASSERT(!error.keyword.empty() && !error.message.empty());
    PLK_ASSERT(error.pointer.empty() || error.pointer.starts_with('/'));
    for (const std::string& value : values) {
      PLK_ASSERT(error.message.find(value) == std::string::npos);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t split = input.find('\0');
  if (split == input.npos) return 0;
  const std::string_view schema_text = input.substr(0, split);
  const std::string_view instance_text = input.substr(split + 1);
  const auto schema_json = codec::parse_json(schema_text);
  const auto instance = codec::parse_json(instance_text);
  if (!schema_json || !instance) return 0;

  const auto schema = Schema::compile(*schema_json);
  if (!schema) {
    PLK_ASSERT(schema.error().code() == Errc::invalid_argument);
    return 0;
  }

  // Values that stand neither in the schema nor in a key nor in a message of ours can get
  // into a message only by mistake.
  constexpr std::string_view mark = "hunter2";
  std::vector<std::string> values;
  if (schema_text.find(mark) == schema_text.npos) collect_texts(*instance, values);
  std::erase_if(values, [&](const std::string& text) { return !text.starts_with(mark); });
  if (has_marked_key(*instance, mark)) values.clear();

  check_errors(schema->validate(*instance), values);
  const Schema::Prepared prepared = schema->prepare(*instance);
  check_errors(prepared.errors, values);

  // What is right stays right: checking again what was prepared changes no verdict, unless
  // the schema's own defaults are wrong.
  if (prepared.errors.empty() && schema_text.find("default") == schema_text.npos) {
    PLK_ASSERT(schema->validate(prepared.value).empty());
  }
  (void)schema->masked(prepared.value);
  (void)codec::to_json(form_descriptor(*schema));
  return 0;
}
