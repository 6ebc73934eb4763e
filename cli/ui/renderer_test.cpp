#include "cli/ui/renderer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "core/base/env.h"

namespace plakar::cli {
namespace {

const EventScope import{.workflow = "import", .repository = {}, .job = {}};
const EventScope backup{.workflow = "backup", .repository = {}, .job = {}};

struct Output {
  std::ostringstream out;
  std::ostringstream err;
  Env env = system_env();
};

}  // namespace

TEST_SUITE("renderer") {
  TEST_CASE("the live picture says that trees are built, and then that they are committed") {
    Output at;
    const auto live = make_live_renderer(at.out, at.err, at.env.clock, {}, [] { return 80; });
    live->begin(import);
    live->path_ok(backup, {.path = "/home/last"});
    live->path_skipped(backup, {.path = "/home/skipped"});
    live->phase(backup, "snapshot.vfs.start");
    // A message makes it draw at once.
    live->message(MessageLevel::info, "drawn");
    CHECK(at.out.str().find(" building VFS ") != std::string::npos);
    CHECK(at.out.str().find("nodes=2,") != std::string::npos);
    live->phase(backup, "snapshot.commit.start");
    live->message(MessageLevel::info, "drawn");
    CHECK(at.out.str().find(" committing ") != std::string::npos);
    live->result(backup, {});
    CHECK(at.out.str().find(" completed ") != std::string::npos);
    live->end(import);
    CHECK(at.err.str().empty());
  }

  TEST_CASE("lines tell of no phases, and people of no data") {
    Output at;
    const auto lines = make_line_renderer(at.out, at.err, {});
    lines->begin(import);
    lines->phase(backup, "snapshot.vfs.start");
    lines->path_skipped(backup, {.path = "/home/skipped"});
    lines->event(backup, MessageLevel::error, "packfile.error", nullptr);
    lines->summary(backup, codec::Json::object({{"removed", 1}}));
    lines->end(import);
    lines->finish();
    CHECK(at.out.str().empty());
    CHECK(at.err.str().empty());
  }

  TEST_CASE("as JSON, quiet leaves results and errors, and silent nothing") {
    const auto lines_with = [](const LineOptions& options) {
      Output at;
      const auto json = make_json_renderer(at.out, at.err, at.env.clock, options);
      json->event(backup, MessageLevel::info, "packfile.removed", nullptr);
      json->event(backup, MessageLevel::error, "packfile.error", nullptr);
      json->summary(backup, codec::Json::object({{"removed", 1}}));
      json->finish();
      const std::string text = at.out.str();
      return std::count(text.begin(), text.end(), '\n');
    };
    CHECK(lines_with({}) == 3);
    CHECK(lines_with({.quiet = true}) == 2);
    CHECK(lines_with({.silent = true}) == 0);
  }
}

}  // namespace plakar::cli
