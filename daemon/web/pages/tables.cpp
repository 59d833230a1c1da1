// SPDX-License-Identifier: Apache-2.0
// Tables in Markdown, which cmark does not know: each row becomes an item of a list, which a phone shows better than a table anyway.
#include "config/rows/text.hpp"
#include "daemon/web/pages/rendering.hpp"

#include <string_view>
#include <vector>

namespace drwatch::web {
namespace {

// The cells of "| a | `b|c` |": a bar in code, or behind a backslash, parts nothing. Empty: it is no row.
std::vector<std::string> cells_of(std::string_view line) {
  line = trimmed(line);
  if (line.size() < 3 || line.front() != '|') return {};
  std::vector<std::string> cells;
  std::string cell;
  bool code = false;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '`') code = !code;
    const bool escaped = line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|';
    if (escaped) {
      cell += line[++i];
    } else if (line[i] == '|' && !code) {
      cells.emplace_back(trimmed(cell));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  if (const auto rest = trimmed(cell); !rest.empty()) cells.emplace_back(rest);
  return cells;
}

// "| --- | :---: |"
bool is_rule(std::string_view line) {
  const auto cells = cells_of(line);
  for (const auto& cell : cells)
    if (cell.find_first_not_of("-: ") != std::string::npos || cell.find('-') == std::string::npos) return false;
  return !cells.empty();
}

// The first cell is what the others are about.
std::string item_of(const std::vector<std::string>& cells) {
  std::string item = "- **" + cells[0] + "**";
  const char* between = ": ";
  for (std::size_t n = 1; n < cells.size(); ++n) {
    if (cells[n].empty()) continue;
    item += between + cells[n];
    between = "; ";
  }
  return item + "\n";
}

}  // namespace

std::string tables_as_lists(const std::string& markdown) {
  std::vector<std::string_view> lines;
  for (std::string_view rest = markdown; !rest.empty();) {
    const auto end = rest.find('\n');
    lines.push_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  std::string out;
  bool fenced = false, in_table = false;
  for (std::size_t n = 0; n < lines.size(); ++n) {
    if (trimmed(lines[n]).starts_with("```")) fenced = !fenced;
    const bool begins = !fenced && n + 1 < lines.size() && !cells_of(lines[n]).empty() && is_rule(lines[n + 1]);
    if (begins) {
      out += "\n";
      in_table = true;
      ++n;  // and over the rule
      continue;
    }
    const auto cells = in_table ? cells_of(lines[n]) : std::vector<std::string>{};
    if (cells.empty()) {
      if (in_table) out += "\n";
      in_table = false;
      out += std::string(lines[n]) + "\n";
    } else {
      out += item_of(cells);
    }
  }
  return out;
}

}  // namespace drwatch::web
