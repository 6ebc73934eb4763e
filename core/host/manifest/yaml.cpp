#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include "core/base/text.h"
#include "core/host/manifest/manifest.h"

namespace plakar::host {
namespace {

using codec::Json;

// Thrown through yaml-cpp, and caught where it was called.
struct Refused {
  YAML::Mark mark;
  std::string what;
  Errc code = Errc::invalid_argument;
};

class Builder final : public YAML::EventHandler {
 public:
  Json take() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (std::exchange(started_, true)) throw Refused{mark, "a second document"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    add(mark, Json());
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { throw Refused{mark, "an alias"}; }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    add(mark, Json(value));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    begin(mark, Json::array());
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    begin(mark, Json::object());
  }
  void OnMapEnd() override { end(); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    throw Refused{mark, "an anchor"};
  }

 private:
  struct Level {
    Json value;
    YAML::Mark mark;
    std::string key{};
    bool has_key = false;
  };

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) throw Refused{mark, "an anchor"};
    // "?" and "!" are what plain and quoted scalars have without any.
    if (!tag.empty() && tag != "?" && tag != "!") throw Refused{mark, "a tag"};
    if (++nodes_ > manifest_nodes_max) throw Refused{mark, "too much in it", Errc::unsupported};
  }
  void begin(const YAML::Mark& mark, Json value) {
    if (levels_.size() == manifest_depth_max) {
      throw Refused{mark, "too deep", Errc::unsupported};
    }
    levels_.push_back({.value = std::move(value), .mark = mark});
  }
  void end() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    add(level.mark, std::move(level.value));
  }
  void add(const YAML::Mark& mark, Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
      return;
    }
    if (!std::exchange(level.has_key, !level.has_key)) {
      const auto key = value.as_string();
      if (!key) throw Refused{mark, "a key that is no text"};
      if (level.value.find(*key) != nullptr) throw Refused{mark, "a key twice: " + escape(*key)};
      level.key = *key;
      return;
    }
    level.value.set(level.key, std::move(value));
  }

  Json root_;
  std::vector<Level> levels_;
  std::size_t nodes_ = 0;
  bool started_ = false;
};

bool is_control(char c) noexcept {
  const auto octet = static_cast<unsigned char>(c);
  return (octet < 0x20 && c != '\n' && c != '\r' && c != '\t') || octet == 0x7f;
}

Error error_at(std::string_view name, const YAML::Mark& mark, Errc code, std::string_view what) {
  return Error(code, std::string(name) + ":" + std::to_string(mark.line + 1) + ":" +
                         std::to_string(mark.column + 1) + ": " + std::string(what));
}

}  // namespace

Result<Json> parse_manifest_yaml(std::string_view text, std::string_view name) {
  if (text.size() > manifest_bytes_max) {
    return Error(Errc::unsupported, std::string(name) + ": it is larger than 256 KiB");
  }
  if (!is_utf8(text) || std::ranges::any_of(text, is_control)) {
    return Error(Errc::invalid_argument, std::string(name) + ": it is not text in UTF-8");
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder).take();
  } catch (const Refused& refused) {
    return error_at(name, refused.mark, refused.code, refused.what);
  } catch (const YAML::Exception& e) {
    return error_at(name, e.mark, Errc::invalid_argument, escape(e.msg));
  }
}

}  // namespace plakar::host
