#include "core/base/log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <thread>

#include "core/base/fd.h"
#include "core/base/files.h"
#include "core/base/secret.h"
#include "core/base/testing/captured_log.h"
#include "core/base/testing/seeded_random.h"
#include "core/base/text.h"
#include "tests/support/temp_dir.h"

namespace plakar {

static_assert(!std::is_convertible_v<const Secret&, log::Value>);
static_assert(!std::is_constructible_v<log::Value, Secret>);

TEST_SUITE("log") {
  TEST_CASE("people get a line of message and fields") {
    testing::CapturedLog captured;
    log::info("pack sealed", {{"mac", "3fa1c2d4"}, {"blobs", 12u}, {"new", true}});
    log::warn("slow", {{"path", "/a b"}, {"ratio", 0.25}, {"offset", -3}, {"empty", ""}});
    log::error("odd", {{"value", "a=b"}, {"quote", "say \"hi\""}, {"slash", "\\"}});
    log::debug("nothing");
    CHECK(captured.text() ==
          "info: pack sealed mac=3fa1c2d4 blobs=12 new=true\n"
          "warn: slow path=\"/a b\" ratio=0.25 offset=-3 empty=\"\"\n"
          "error: odd value=\"a=b\" quote=\"say \\\"hi\\\"\" slash=\\\\\n"
          "debug: nothing\n");
  }

  TEST_CASE("machines get a JSON object") {
    testing::CapturedLog captured;
    captured.clock().advance(std::chrono::milliseconds(500));
    log::info("pack sealed", {{"mac", "3f\"a"},
                              {"blobs", std::numeric_limits<std::uint64_t>::max()},
                              {"ratio", std::numeric_limits<double>::infinity()},
                              {"ok", false}});
    log::warn("bare");
    const auto records = captured.records();
    CHECK(log::render_json(records[0]) ==
          R"({"time":"2026-01-14T06:45:32.5Z","level":"info","message":"pack sealed",)"
          R"("fields":{"mac":"3f\"a","blobs":18446744073709551615,"ratio":null,"ok":false}})");
    CHECK(log::render_json(records[1]) ==
          R"({"time":"2026-01-14T06:45:32.5Z","level":"warn","message":"bare"})");
  }

  TEST_CASE("no name forges a line, in either form") {
    testing::CapturedLog captured;
    log::info("saw\nerror: fire", {{"path", "x\nerror: fire\x1b[2J\xff\u2028"}, {"a\nb", 1}});
    const auto records = captured.records();
    for (const std::string& line : {log::render_text(records[0]), log::render_json(records[0])}) {
      CAPTURE(line);
      CHECK(is_utf8(line));
      CHECK(std::none_of(line.begin(), line.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
      CHECK(line.find("\u2028") == std::string::npos);
    }
  }

  TEST_CASE("secrets reach no renderer, whatever form they come in") {
    const std::uint64_t seed = testing::test_seed();
    CAPTURE(seed);
    testing::SeededRandom random(seed);
    for (int i = 0; i < 200; ++i) {
      testing::CapturedLog captured;
      std::string secret = "S3" + to_text(random.bytes(12));
      const auto registration = captured.redactor().add(secret);
      log::error("cannot log in with " + secret,
                 {{"plain", secret},
                  {"json", "{\"password\":\"" + escape_json(secret) + "\"}"},
                  {"name", escape(secret)},
                  {"url", "https://user:" + secret + "@host/"},
                  {secret, 1}});
      const auto records = captured.records();
      const std::string all = log::render_text(records[0]) + log::render_json(records[0]);
      CHECK(all.find(secret) == std::string::npos);
      CHECK(all.find(escape(secret)) == std::string::npos);
      CHECK(all.find(escape_json(secret)) == std::string::npos);
      CHECK(all.find("S3") == std::string::npos);
    }
  }

  TEST_CASE("what is too detailed costs nothing, and nothing is said without a logger") {
    log::error("nobody listens");
    CHECK_FALSE(log::is_enabled(log::Level::error));
    testing::CapturedLog outer;
    {
      struct Count final : log::Sink {
        int records = 0;
        void write(const log::Record&) noexcept override { ++records; }
      } count;
      const Redactor redactor;
      const testing::SteppedClock clock;
      const log::Logger logger(count, redactor, clock, log::Level::warn);
      const log::Installed installed(logger);
      CHECK(log::is_enabled(log::Level::warn));
      CHECK_FALSE(log::is_enabled(log::Level::info));
      log::info("not said");
      log::warn("said");
      log::error("said");
      CHECK(count.records == 2);
    }
    log::info("said again");
    CHECK(outer.records().size() == 1);
  }

  TEST_CASE("lines of many threads stay whole, and go where their level belongs") {
    const testing::TempDir dir;
    const Fd out(::open((dir / "out").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    const Fd err(::open((dir / "err").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600));
    log::DescriptorSink sink({.quiet_descriptor = out.get(), .loud_descriptor = err.get()});
    const Redactor redactor;
    const log::Logger logger(sink, redactor, system_clock(), log::Level::debug);
    const log::Installed installed(logger);
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([] {
          for (int i = 0; i < 200; ++i) {
            log::info("i", {{"text", std::string(100, 'x')}});
            log::warn("w");
          }
        });
      }
    }
    std::string expected_out;
    std::string expected_err;
    for (int i = 0; i < 800; ++i) {
      expected_out += "info: i text=" + std::string(100, 'x') + "\n";
      expected_err += "warn: w\n";
    }
    CHECK(as_text(read_file(system_files(), dir / "out", 1 << 20).value()) == expected_out);
    CHECK(as_text(read_file(system_files(), dir / "err", 1 << 20).value()) == expected_err);
  }

  TEST_CASE("what cannot be written is dropped") {
    log::DescriptorSink sink({.format = log::Format::json, .quiet_descriptor = -1});
    sink.write({.level = log::Level::info, .time = {}, .message = "m", .fields = {}});
  }
}

}  // namespace plakar
