#include "cli/man/page.h"

#include <algorithm>
#include <array>

namespace plakar::cli::man {
namespace {

struct Page {
  std::string_view name;
  std::string_view text;
};

constexpr auto pages = std::to_array<Page>({
#include "cli/man/pages.inc"
});

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view faint_blue = "\x1b[36m";
constexpr std::string_view reset = "\x1b[0m";

// Takes the marks of bold and code out of one line, or turns them into attributes.
std::string render_line(std::string_view line, bool attributes) {
  std::string out;
  bool in_bold = false;
  bool in_code = false;
  const auto toggle = [&](bool& state, std::string_view on) {
    state = !state;
    if (attributes) out += state ? on : reset;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '`') {
      toggle(in_code, faint_blue);
    } else if (!in_code && line.substr(i, 2) == "**") {
      toggle(in_bold, bold);
      ++i;
    } else {
      out += line[i];
    }
  }
  if (attributes && (in_bold || in_code)) out += reset;
  return out;
}

}  // namespace

std::optional<std::string_view> find_page(std::string_view name) {
  const auto* page = std::find_if(pages.begin(), pages.end(),
                                  [&](const Page& candidate) { return candidate.name == name; });
  if (page == pages.end()) return std::nullopt;
  return page->text;
}

std::string render(std::string_view markdown, Style style) {
  if (style == Style::markdown) return std::string(markdown);
  const bool attributes = style == Style::terminal;
  std::string out;
  bool in_block = false;
  while (!markdown.empty()) {
    const std::size_t end = std::min(markdown.find('\n'), markdown.size() - 1);
    std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(end + 1);
    if (line.starts_with("```")) {
      in_block = !in_block;
      continue;
    }
    if (in_block) {
      out.append("    ").append(line);
    } else if (line.starts_with("#")) {
      line.remove_prefix(std::min(line.find_first_not_of("# "), line.size()));
      if (attributes) out += bold;
      out += render_line(line, false);
      if (attributes) out += reset;
    } else {
      out += render_line(line, attributes);
    }
    out += '\n';
  }
  return out;
}

}  // namespace plakar::cli::man
