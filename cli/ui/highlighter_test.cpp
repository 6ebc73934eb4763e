#include "cli/ui/highlighter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>

namespace plakar::cli {
namespace {

std::string coloured(std::string_view name, std::string_view text) {
  auto highlighter = Highlighter::for_name(name);
  REQUIRE(highlighter);
  std::string out;
  highlighter->add(text, out);
  highlighter->finish(out);
  return out;
}

// With the colours as letters: c(omment), t(ext), n(umber), k(eyword).
std::string marked(std::string_view name, std::string_view text) {
  std::string out = coloured(name, text);
  for (const auto& [from, to] :
       {std::pair("\033[36m", "<c:"), std::pair("\033[32m", "<t:"), std::pair("\033[35m", "<n:"),
        std::pair("\033[33m", "<k:"), std::pair("\033[0m", ">")}) {
    for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from)) {
      out.replace(at, std::string_view(from).size(), to);
    }
  }
  return out;
}

std::string without_colours(std::string text) {
  for (std::size_t at = text.find("\033["); at != std::string::npos; at = text.find("\033[", at)) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  return text;
}

}  // namespace

TEST_SUITE("highlighter") {
  TEST_CASE("a language is told by the name, and other files have none") {
    for (const char* name : {"a.cpp", "/x.y/b.py", "Makefile", "a.tar.json", ".env", "x.sql"}) {
      CAPTURE(name);
      CHECK(Highlighter::for_name(name));
    }
    for (const char* name : {"", "a", "a.txt", "a.py/b", "cpp", "a.", "a.c h"}) {
      CAPTURE(name);
      CHECK_FALSE(Highlighter::for_name(name));
    }
  }

  TEST_CASE("comments, texts, numbers and keywords have colours, and the rest has none") {
    CHECK(marked("a.c", "return x1 + 12; // 3 \"a\"") == "<k:return> x1 + <n:12>; <c:// 3 \"a\">");
    CHECK(marked("a.c", "\"a\\\"b\" 'c' d") == "<t:\"a\\\"b\"> <t:'c'> d");
    CHECK(marked("a.py", "def f(): # x") == "<k:def> f(): <c:# x>");
    CHECK(marked("a.json", "{\"a\": [true, null]}") == "{<t:\"a\">: [<k:true>, <k:null>]}");
    CHECK(marked("a.sql", "SELECT 'it' -- x") == "<k:SELECT> <t:'it'> <c:-- x>");
  }

  TEST_CASE("what goes over lines is coloured on each of them") {
    CHECK(marked("a.c", "a /* b\nif\nc */ if\n") == "a <c:/* b>\n<c:if>\n<c:c */> <k:if>\n");
    CHECK(marked("a.py", "\"\"\"a\nif\"\"\" if") == "<t:\"\"\"a>\n<t:if\"\"\"> <k:if>");
    // A text that does not end does not colour the rest of the file.
    CHECK(marked("a.c", "'a\nb") == "<t:'a>\nb");
  }

  TEST_CASE("without colours it is what it was, in whatever pieces it comes") {
    const unsigned seed = std::random_device()();
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string_view letters = "ab1 \"'`\\/*#-\n\r\xc3";
    for (int round = 0; round < 300; ++round) {
      std::string text(random() % 200, 'x');
      for (char& c : text) c = letters[random() % letters.size()];
      if (round % 50 == 0) text.insert(0, 200'000, 'y');
      for (const char* name : {"a.c", "a.py", "a.yml", "a.json", "a.sql"}) {
        auto highlighter = Highlighter::for_name(name);
        std::string out;
        for (std::string_view rest = text; !rest.empty();) {
          const std::size_t size = std::min<std::size_t>(rest.size(), 1 + random() % 70'000);
          highlighter->add(rest.substr(0, size), out);
          rest.remove_prefix(size);
        }
        highlighter->finish(out);
        CHECK(without_colours(out) == text);
      }
    }
  }
}

}  // namespace plakar::cli
