// The pages of `plakar help`: the Markdown files beside this header, embedded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace plakar::cli::man {

// The text of NAME.md ("version", "pkg-add").
std::optional<std::string_view> find_page(std::string_view name);

enum class Style { plain, terminal, markdown };

// A page for reading: `markdown` as it is, `plain` without the marks, `terminal` with
// headings and code set off by attributes. Knows what our pages use: headings, bold, code,
// fenced and indented blocks.
std::string render(std::string_view markdown, Style style);

}  // namespace plakar::cli::man
