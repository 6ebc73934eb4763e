// A policies.yml from anybody, and a change of it. Input: an octet that chooses the policy, one
// that chooses the key, one that chooses the value; then the file.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/assert.h"
#include "core/config/policies.h"

using namespace plakar;
using namespace plakar::config;

namespace {

constexpr std::array<std::string_view, 12> keys = {
    "since", "before", "name",    "tags",       "roots",    "latest",
    "days",  "weeks",  "per-day", "per-sunday", "group_by", "data-class"};
constexpr std::array<std::string_view, 10> values = {
    "3 months", "2026-01-01", "plain", "true", "7", "0", "tag", "a,!b, c", "'q': #x\n", ""};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 3), size - 3);
  const auto parsed = PoliciesDocument::parse(text, "f");
  if (!parsed) {
    PLK_ASSERT(parsed.error().code() == Errc::invalid_argument ||
               parsed.error().code() == Errc::unsupported);
    PLK_ASSERT(parsed.error().message().starts_with("f:"));
    return 0;
  }
  PLK_ASSERT(parsed->text() == text);
  const std::vector<Policy> before = parsed->policies();
  for (const Policy& policy : before) {
    // Shown policies are a file, but for its head, so that one program reads another's.
    std::string file = "policies:\n";
    std::string shown = render_yaml(policy);
    for (std::size_t at = 0; at < shown.size(); at = shown.find('\n', at) + 1) {
      file.append("  ").append(shown, at, shown.find('\n', at) + 1 - at);
    }
    const auto read = PoliciesDocument::parse(file, "f");
    PLK_ASSERT(read && read->policies() == std::vector<Policy>{policy});
    PLK_ASSERT(render_json(policy).ends_with("}\n"));
  }

  Policy target{.name = "new"};
  if (!before.empty() && data[0] % 4 != 0) target = before[data[0] % before.size()];
  const bool exists =
      std::ranges::any_of(before, [&](const Policy& policy) { return policy.name == target.name; });
  const Policy old = target;
  const UnixTime now{1'768'373'132, 0};
  if (!set_setting(target.settings, keys[data[1] % keys.size()], values[data[2] % values.size()],
                   now)) {
    PLK_ASSERT(target == old);
    return 0;
  }
  PoliciesDocument document = *parsed;
  const bool removing = exists && data[2] >= 200;
  const Status status = removing ? document.remove(target.name)
                        : exists ? document.replace(target)
                                 : document.add(target);
  if (!status) {
    PLK_ASSERT(document.text() == text && document.policies() == before);
    // A change that turns out to mean something else is noticed. In block style, as people and
    // programs write it, that never happens; yaml-cpp takes a `~` in the column of the keys for
    // one.
    PLK_ASSERT(status.error().code() != Errc::internal ||
               text.find_first_of("{[?!&~") != text.npos);
    return 0;
  }
  const auto again = PoliciesDocument::parse(document.text(), "f");
  PLK_ASSERT(again && again->policies() == document.policies());
  std::vector<Policy> intended = before;
  std::erase_if(intended, [&](const Policy& policy) { return policy.name == target.name; });
  if (!removing) intended.push_back(target);
  std::vector<Policy> result = document.policies();
  std::ranges::sort(intended, {}, &Policy::name);
  std::ranges::sort(result, {}, &Policy::name);
  PLK_ASSERT(result == intended);

  // Taking everything back leaves nothing that is ours.
  if (!removing) {
    target.settings = {};
    if (document.replace(target)) {
      PLK_ASSERT(document.find(target.name).value() == target);
    }
  }
  return 0;
}
