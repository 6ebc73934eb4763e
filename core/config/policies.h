// policies.yml: named settings of which snapshots are kept, shared with genuine Plakar. Its
// text, and what it means.
//
//   version: v1.0.0
//   policies:
//       weekly:
//           filters:
//               since: 2026-03-29T10:00:00Z
//               since_expr: 3 months          # ours
//               tags:
//                   - db
//           periods:
//               week:
//                   keep: 12
//                   cap: 1
//           group_by: name
//
// A date that was given as an interval is stored twice: as the instant that it meant when it was
// written, which is all that genuine Plakar reads and writes, and as what was said, which is what
// we go by, so that "3 months" stays three months. Genuine Plakar drops the second when it changes
// the file.
//
// Changes replace only what they are about, as those of places_document.h, and under the same
// conditions. Keys that we do not know stay.
//
// A value; threads may share it unchanged.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/config/query_settings.h"

namespace plakar::config {

struct Policy {
  std::string name;
  QuerySettings settings{};

  friend bool operator==(const Policy&, const Policy&) = default;
};

// As genuine Plakar prints one: YAML of several stands one after the other, JSON is a line.
std::string render_yaml(const Policy& policy);
std::string render_json(const Policy& policy);

class YamlTree;

class PoliciesDocument {
 public:
  // `name` is the file, for messages: "name:line:column: why". Errc::invalid_argument for what is
  // no list of policies, Errc::unsupported for a version other than v1.0.0. Nothing but white
  // space and comments is an empty list.
  static Result<PoliciesDocument> parse(std::string text, std::string_view name);

  const std::string& text() const noexcept;
  // In the order of the file.
  const std::vector<Policy>& policies() const noexcept { return policies_; }
  // Errc::not_found: `policy "n" not found`.
  Result<Policy> find(std::string_view name) const;

  // Each of these changes everything it is asked to, or nothing. Errc::already_exists and
  // Errc::not_found: `policy "n" already exists`, `policy "n" does not exist`.
  Status add(const Policy& policy);
  Status replace(const Policy& policy);
  Status remove(std::string_view name);

 private:
  using YamlEdit = std::function<Result<std::string>(const YamlTree& tree, bool literal_blocks)>;
  using Check = std::function<bool(const PoliciesDocument& changed)>;

  PoliciesDocument() = default;

  static Result<PoliciesDocument> read(std::shared_ptr<const YamlTree> tree);

  const Policy* find_policy(std::string_view name) const noexcept;
  // With one change made, if that makes the policies what `accept` wants.
  Result<PoliciesDocument> edited(const YamlEdit& edit, const Check& accept) const;
  Result<PoliciesDocument> with_header() const;

  std::vector<Policy> policies_;
  std::shared_ptr<const YamlTree> tree_;  // shared between copies, which never change it
};

}  // namespace plakar::config
