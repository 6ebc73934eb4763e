#include "core/codec/semver.h"

#include <doctest/doctest.h>

#include <iterator>
#include <string>

namespace plakar::codec {
namespace {

Version version(std::string_view text) {
  const auto parsed = parse_version(text, VersionForm::lenient);
  REQUIRE(parsed);
  return *parsed;
}

bool in_range(std::string_view range, std::string_view of,
              Prereleases prereleases = Prereleases::named) {
  CAPTURE(range);
  const auto parsed = VersionRange::parse(range);
  REQUIRE(parsed);
  return parsed->contains(version(of), prereleases);
}

}  // namespace

TEST_SUITE("semver") {
  TEST_CASE("precedence is that of semver.org") {
    const char* const ascending[] = {"0.0.0-0",
                                     "0.0.0",
                                     "0.0.1",
                                     "1.0.0-0",
                                     "1.0.0-1",
                                     "1.0.0-2",
                                     "1.0.0-10",
                                     "1.0.0-18446744073709551616",
                                     "1.0.0--",
                                     "1.0.0-0a",
                                     "1.0.0-A",
                                     "1.0.0-a",
                                     "1.0.0-alpha",
                                     "1.0.0-alpha.1",
                                     "1.0.0-alpha.beta",
                                     "1.0.0-beta",
                                     "1.0.0-beta.2",
                                     "1.0.0-beta.11",
                                     "1.0.0-rc.1",
                                     "1.0.0",
                                     "1.0.1",
                                     "1.2.0",
                                     "1.10.0",
                                     "2.0.0",
                                     "2.1.0",
                                     "2.1.1",
                                     "9223372036854775807.0.0"};
    const std::size_t count = std::size(ascending);
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b) {
        CAPTURE(ascending[a]);
        CAPTURE(ascending[b]);
        CHECK((version(ascending[a]) <=> version(ascending[b])) == (a <=> b));
      }
    }
  }

  TEST_CASE("build metadata says nothing about order") {
    CHECK(version("1.0.0+a") == version("1.0.0+b"));
    CHECK(version("1.0.0-rc.1+z") < version("1.0.0+a"));
  }

  TEST_CASE("a version is written as it was read") {
    for (const char* text :
         {"0.0.0", "1.2.3", "1.0.0-alpha.1", "1.0.0-x.7.z.92", "1.0.0-x-y-z.--",
          "1.0.0+20130313144700", "1.0.0-beta+exp.sha.5114f85", "1.0.0+21AF26D3----117B344092BD",
          "1.0.0+0.build.1-rc.10000aaa-kk-0.1", "1.0.0-0A.is.legal", "99999999999999999.0.0"}) {
      CAPTURE(text);
      const auto parsed = parse_version(text);
      REQUIRE(parsed);
      CHECK(parsed->text() == text);
    }
    const Version parts = version("v1.2.3-beta.4+c0ffee");
    CHECK(parts.major == 1);
    CHECK(parts.minor == 2);
    CHECK(parts.patch == 3);
    CHECK(parts.prerelease == "beta.4");
    CHECK(parts.build == "c0ffee");
    CHECK(parts.is_prerelease());
  }

  TEST_CASE("what semver.org calls invalid is refused in every form") {
    for (const char* text : {"",
                             "v",
                             "1.2.3-0123",
                             "1.2.3-0123.0123",
                             "1.1.2+.123",
                             "+invalid",
                             "-invalid",
                             "-invalid+invalid",
                             "alpha",
                             "alpha.beta",
                             "alpha+beta",
                             "1.0.0-alpha_beta",
                             "1.0.0-alpha.",
                             "1.0.0-alpha..",
                             "1.0.0-.",
                             "1.0.0-",
                             "1.0.0+",
                             "01.1.1",
                             "1.01.1",
                             "1.1.01",
                             "1.2.3.DEV",
                             "1.2-SNAPSHOT",
                             "1.2+build",
                             "1-rc.1",
                             "1.2.31.2.3----RC",
                             "1.2.3.4",
                             "1.2.",
                             "1..2",
                             ".1.2",
                             "1.2.3 ",
                             " 1.2.3",
                             "vv1.2.3",
                             "V1.2.3",
                             "-1.0.0",
                             "1.0.0-\xc3\xa9",
                             "1.0.0+a+b",
                             "9223372036854775808.0.0",
                             "99999999999999999999999.999999999999999999.99999999999999999"}) {
      CAPTURE(text);
      for (const VersionForm form :
           {VersionForm::full, VersionForm::with_v, VersionForm::lenient}) {
        const auto parsed = parse_version(text, form);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code() == Errc::invalid_argument);
      }
      CHECK_FALSE(parse_version("v" + std::string(text), VersionForm::with_v));
    }
    CHECK_FALSE(parse_version("1.0.0-" + std::string(300, 'a')));
  }

  TEST_CASE("the v and the shortened forms belong to some forms only") {
    CHECK(parse_version("1.2.3", VersionForm::full));
    CHECK_FALSE(parse_version("v1.2.3", VersionForm::full));
    CHECK_FALSE(parse_version("1.2", VersionForm::full));
    CHECK(parse_version("v1.2.3-beta.4", VersionForm::with_v));
    CHECK_FALSE(parse_version("1.2.3", VersionForm::with_v));
    CHECK_FALSE(parse_version("1.0", VersionForm::with_v));
    CHECK(parse_version("v1", VersionForm::with_v)->text() == "1.0.0");
    CHECK(parse_version("v1.2", VersionForm::with_v)->text() == "1.2.0");
    CHECK(parse_version("1.2", VersionForm::lenient)->text() == "1.2.0");
    CHECK(parse_version("v1.2", VersionForm::lenient)->text() == "1.2.0");
  }
}

TEST_SUITE("version ranges") {
  TEST_CASE("a caret holds the leftmost part that is not zero") {
    CHECK(in_range("^1.2.3", "1.2.3"));
    CHECK(in_range("^1.2.3", "1.99.0"));
    CHECK_FALSE(in_range("^1.2.3", "1.2.2"));
    CHECK_FALSE(in_range("^1.2.3", "2.0.0"));
    CHECK(in_range("^1.2", "1.2.0"));
    CHECK(in_range("^1", "1.99.99"));
    CHECK(in_range("^0.2.3", "0.2.9"));
    CHECK_FALSE(in_range("^0.2.3", "0.3.0"));
    CHECK(in_range("^0.0.3", "0.0.3"));
    CHECK_FALSE(in_range("^0.0.3", "0.0.4"));
    CHECK(in_range("^0.0", "0.0.9"));
    CHECK_FALSE(in_range("^0.0", "0.1.0"));
    CHECK(in_range("^0", "0.9.0"));
    CHECK_FALSE(in_range("^0", "1.0.0"));
  }

  TEST_CASE("a tilde holds the minor part, if there is one") {
    CHECK(in_range("~1.2.3", "1.2.9"));
    CHECK_FALSE(in_range("~1.2.3", "1.2.2"));
    CHECK_FALSE(in_range("~1.2.3", "1.3.0"));
    CHECK(in_range("~1.2", "1.2.0"));
    CHECK_FALSE(in_range("~1.2", "1.3.0"));
    CHECK(in_range("~1", "1.9.0"));
    CHECK_FALSE(in_range("~1", "2.0.0"));
  }

  TEST_CASE("parts that a version lacks are free") {
    CHECK(in_range("=1.4.2", "1.4.2"));
    CHECK(in_range("1.4.2", "1.4.2"));
    CHECK(in_range("=1.4.2", "1.4.2+build"));
    CHECK_FALSE(in_range("=1.4.2", "1.4.3"));
    CHECK(in_range("=1.4", "1.4.9"));
    CHECK_FALSE(in_range("=1.4", "1.5.0"));
    CHECK(in_range("v1", "1.5.0"));
    CHECK(in_range("<=1.2", "1.2.9"));
    CHECK_FALSE(in_range("<=1.2", "1.3.0"));
    CHECK_FALSE(in_range(">1.2", "1.2.9"));
    CHECK(in_range(">1.2", "1.3.0"));
    CHECK(in_range(">1.2.3", "1.2.4"));
    CHECK_FALSE(in_range(">1.2.3", "1.2.3"));
    CHECK(in_range(">=1.2", "1.2.0"));
    CHECK_FALSE(in_range("<1.2", "1.2.0"));
    CHECK(in_range("<1.2", "1.1.9"));
  }

  TEST_CASE("commas join conditions, bars join ranges, blanks are free") {
    CHECK(in_range(">=2,<3", "2.9.9"));
    CHECK_FALSE(in_range(">=2,<3", "3.0.0"));
    CHECK_FALSE(in_range(">=2,<3", "1.9.9"));
    CHECK(in_range(" ^1.2 || >= 3.0 , < 3.1 ", "1.3.0"));
    CHECK(in_range(" ^1.2 || >= 3.0 , < 3.1 ", "3.0.5"));
    CHECK_FALSE(in_range(" ^1.2 || >= 3.0 , < 3.1 ", "2.0.0"));
    CHECK_FALSE(in_range("<1,>2", "1.5.0"));
  }

  TEST_CASE("a pre-release needs one of the same numbers in its own clause") {
    CHECK_FALSE(in_range("^1.2", "1.3.0-rc.1"));
    CHECK_FALSE(in_range(">=1.2", "1.3.0-rc.1"));
    CHECK_FALSE(in_range("^1.2", "1.2.0-rc.1"));
    CHECK(in_range(">=1.3.0-beta", "1.3.0-rc.1"));
    CHECK_FALSE(in_range(">=1.3.0-rc.2", "1.3.0-rc.1"));
    CHECK_FALSE(in_range(">=1.3.0-beta", "1.4.0-rc.1"));
    CHECK(in_range(">=1.3.0-beta", "1.4.0"));
    CHECK(in_range("=1.0.0-rc.1", "1.0.0-rc.1"));
    CHECK_FALSE(in_range("=1.0.0-rc.1", "1.0.0"));
    CHECK(in_range("^1.0.0-rc.1", "1.0.0-rc.2"));
    CHECK(in_range("^1.0.0-rc.1", "1.5.0"));
    CHECK(in_range("<1.0.0-rc.1", "1.0.0-beta"));
    CHECK_FALSE(in_range("^2 || =1.0.0-rc.1", "2.1.0-rc.1"));
  }

  TEST_CASE("with all pre-releases order decides, but upper ends keep theirs out") {
    CHECK(in_range("^1.2", "1.3.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range("^1.2", "1.2.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range("^1.2", "2.0.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range("~1.2", "1.3.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range("=1.2", "1.3.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range(">=2,<3", "3.0.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range("<3.0.0", "3.0.0-rc.1", Prereleases::all));
    CHECK(in_range("<=3.0.0", "3.0.0-rc.1", Prereleases::all));
    CHECK(in_range(">1.2", "1.3.0-rc.1", Prereleases::all));
    CHECK_FALSE(in_range(">1.2", "1.2.9-rc.1", Prereleases::all));
  }

  TEST_CASE("a range not parsed from text holds every release") {
    CHECK(VersionRange().contains(version("0.0.1")));
    CHECK_FALSE(VersionRange().contains(version("0.0.1-rc.1")));
    CHECK(VersionRange().contains(version("0.0.1-rc.1"), Prereleases::all));
  }

  TEST_CASE("text that is not a range is refused, with the part that is wrong") {
    for (const char* text : {"", " ", "||", "1.0 ||", ",", ">=1,", ">=1 <2", "*", "1.x", "=>1",
                             "==1", "^", "^^1", "!1", "~>1.2", "1.2.3.4", "latest"}) {
      CAPTURE(text);
      const auto range = VersionRange::parse(text);
      REQUIRE_FALSE(range);
      CHECK(range.error().code() == Errc::invalid_argument);
    }
    CHECK(VersionRange::parse(">=1, banana").error().message() ==
          "\"banana\" is not a comparison with a semantic version");
    CHECK_FALSE(VersionRange::parse("=1" + std::string(2'000, ' ')));
    CHECK(in_range("^9223372036854775807", "9223372036854775807.1.0"));
  }
}

}  // namespace plakar::codec
