#include "core/config/internal/yaml_style.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace plakar::config {

TEST_SUITE("yaml style") {
  TEST_CASE("scalars are spelled as genuine Plakar's writer spells them") {
    struct Case {
      std::string value;
      std::string written;
    };
    // Written by the reference, in block style with values of several lines indented by 4.
    const std::vector<Case> cases = {
        {"", R"("")"},
        {"a", "a"},
        {"a b", "a b"},
        {"true", R"("true")"},
        {"yes", R"("yes")"},
        {"oN", "oN"},
        {"n", R"("n")"},
        {"null", R"("null")"},
        {"~", R"("~")"},
        {"0", R"("0")"},
        {"-1", R"("-1")"},
        {"+1", R"("+1")"},
        {"1.5", R"("1.5")"},
        {".5", R"(".5")"},
        {"5.", R"("5.")"},
        {"1e3", R"("1e3")"},
        {"1e", "1e"},
        {"08", R"("08")"},
        {"0x1F", R"("0x1F")"},
        {"0xg", "0xg"},
        {"-0x1f", R"("-0x1f")"},
        {"0x123456789012345678901", "0x123456789012345678901"},
        {"123456789012345678901234567890", R"("123456789012345678901234567890")"},
        {"0o17", R"("0o17")"},
        {"0o8", "0o8"},
        {"0b11", R"("0b11")"},
        {"1_000", R"("1_000")"},
        {"_1", "_1"},
        {"190:20:30", R"("190:20:30")"},
        {"1:20", R"("1:20")"},
        {"1:60", "1:60"},
        {".inf", R"(".inf")"},
        {"-.INF", R"("-.INF")"},
        {".nan", R"(".nan")"},
        {"nan", "nan"},
        {"2001-01-01", R"("2001-01-01")"},
        {"2001-1-1", R"("2001-1-1")"},
        {"2001-13-01", "2001-13-01"},
        {"2021-02-30", "2021-02-30"},
        {"2001-12-14t21:59:43.10-05:00", R"("2001-12-14t21:59:43.10-05:00")"},
        {"2001-12-14 21:59:43.10 -5", "2001-12-14 21:59:43.10 -5"},
        {"2001-12-15 2:59:43.10", R"("2001-12-15 2:59:43.10")"},
        {"1.2.3", "1.2.3"},
        {"1,000", "1,000"},
        {"********", "'********'"},
        {"&a", "'&a'"},
        {"!x", "'!x'"},
        {"|x", "'|x'"},
        {"%x", "'%x'"},
        {"@x", "'@x'"},
        {"`x", "'`x'"},
        {"#x", "'#x'"},
        {"a #b", "'a #b'"},
        {"a#b", "a#b"},
        {"a: b", "'a: b'"},
        {"a:b", "a:b"},
        {":a", ":a"},
        {"a:", "'a:'"},
        {"-", "'-'"},
        {"- a", "'- a'"},
        {"-a", "-a"},
        {"---", "'---'"},
        {"?a", "?a"},
        {"? a", "'? a'"},
        {"[a", "'[a'"},
        {"a[b", "a[b"},
        {"'a'", "'''a'''"},
        {"\"a\"", "'\"a\"'"},
        {"a\"b\\", "a\"b\\"},
        {" a", "' a'"},
        {"a ", "'a '"},
        {"a  b", "a  b"},
        {"\ta", R"("\ta")"},
        {"a\nb", "|-\n    a\n    b"},
        {"a\nb\n", "|\n    a\n    b"},
        {"a\n\nb", "|-\n    a\n\n    b"},
        {"a\n\n", "|+\n    a\n"},
        {"a\n b", "|-\n    a\n     b"},
        {"a \nb", R"("a \nb")"},
        {"\ta\nb", "|-\n    \ta\n    b"},
        {"a\r\nb", R"("a\r\nb")"},
        {"a\x01\nb", R"("a\x01\nb")"},
        {"\xc3\xa9", "\xc3\xa9"},
        {"\xc2\x85", R"("\N")"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"\xef\xbb\xbf", R"("\uFEFF")"},
        {"\xf0\x9f\x98\x80", R"("\U0001F600")"},
        {std::string(1, '\0'), R"("\0")"},
        {"\x7f", R"("\x7F")"},
        {"\xff", "!!binary /w=="},
        {"a\xe9"
         "b",
         "!!binary Yeli"},
        {"s3://h/b", "s3://h/b"},
        {"C:\\x", "C:\\x"},
    };
    for (const Case& c : cases) {
      CAPTURE(c.value);
      CHECK(yaml_scalar(c.value) == c.written);
    }
  }

  TEST_CASE("where the genuine writer loses data, double quotes keep it") {
    CHECK(yaml_scalar("\na") == R"("\na")");
    CHECK(yaml_scalar(" a\nb") == R"(" a\nb")");
    CHECK(yaml_scalar("a\xe2\x80\xa8"
                      "b") == R"("a\Lb")");
    CHECK(yaml_scalar("<<") == R"("<<")");
  }

  TEST_CASE("inside brackets more is quoted, and nothing takes several lines") {
    const YamlStyle flow{.place = YamlPlace::flow};
    CHECK(yaml_scalar("a,b", flow) == "'a,b'");
    CHECK(yaml_scalar("a:b", flow) == "'a:b'");
    CHECK(yaml_scalar("a}", flow) == "'a}'");
    CHECK(yaml_scalar("a\nb", flow) == R"("a\nb")");
    CHECK(yaml_scalar("ab", flow) == "ab");
  }

  TEST_CASE("keys are ordered with numbers as numbers") {
    const std::vector<std::string> ordered = {"",   "-a",  "_",   "1",   "2",       "10", "A",
                                              "a",  "a-",  "a0",  "a00", "a1",      "a2", "a10",
                                              "ab", "b_1", "b1c", "b12", "\xc3\xa9"};
    for (std::size_t i = 0; i + 1 < ordered.size(); ++i) {
      CAPTURE(ordered[i]);
      CHECK(natural_less(ordered[i], ordered[i + 1]));
      CHECK_FALSE(natural_less(ordered[i + 1], ordered[i]));
      CHECK_FALSE(natural_less(ordered[i], ordered[i]));
    }
  }

  TEST_CASE("base64 comes back, and what is not base64 is refused") {
    std::string octets;
    for (const char* text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
      REQUIRE(decode_base64(encode_base64(text), octets));
      CHECK(octets == text);
    }
    CHECK(decode_base64(" Z m\n9v ", octets));
    CHECK(octets == "foo");
    for (const char* text : {"Z", "Zg", "Zg=", "Z===", "====", "Zg==x", "Zm9v!", "Zg=x"}) {
      CAPTURE(text);
      CHECK_FALSE(decode_base64(text, octets));
    }
  }
}

}  // namespace plakar::config
