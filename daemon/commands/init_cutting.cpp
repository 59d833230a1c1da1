// SPDX-License-Identifier: Apache-2.0
// What init takes out of a scenario so that the rest of it holds: what check would say is left out, or never holds.
#include "daemon/commands/init.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <tuple>

namespace drwatch::commands {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

std::string joined_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

// The texts of a list in one line: after = ["a", "b"].
std::vector<std::string> names_in(const std::string& line) {
  std::vector<std::string> names;
  for (auto from = line.find('"'); from != line.npos;) {
    const auto to = line.find('"', from + 1);
    if (to == line.npos) break;
    names.push_back(line.substr(from + 1, to - from - 1));
    from = line.find('"', to + 1);
  }
  return names;
}

bool is_key(const std::string& line, const std::string& key) {
  return line.starts_with(key) && line.find_first_not_of(' ', key.size()) != line.npos &&
         line[line.find_first_not_of(' ', key.size())] == '=';
}

// An element of a list, and the comma with it.
bool cut_element(std::string& line, std::size_t at) {
  if (at >= line.size() || line[at] != '"') return false;
  auto end = line.find('"', at + 1);
  if (end == line.npos) return false;
  ++end;
  if (const auto comma = line.find_first_not_of(' ', end); comma != line.npos && line[comma] == ',') {
    end = std::min(line.find_first_not_of(' ', comma + 1), line.size());
  } else if (const auto before = at == 0 ? line.npos : line.find_last_not_of(' ', at - 1); before != line.npos && line[before] == ',') {
    at = before;
  }
  line.erase(at, end - at);
  return true;
}

// The lines of one [[step]], from its head to the next head; brackets in a guide are no head.
struct Block {
  std::size_t from = 0, to = 0;
  std::string id;
  std::optional<std::vector<std::string>> after;
};

std::vector<Block> steps_of(const std::vector<std::string>& lines) {
  std::vector<Block> blocks;
  bool in_text = false, in_step = false;
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const auto& line = lines[n];
    if (!in_text && line.starts_with("[")) {
      if (in_step) blocks.back().to = n;
      in_step = line.starts_with("[[step]]");
      if (in_step) blocks.push_back({n, lines.size(), "", {}});
    } else if (!in_text && in_step && is_key(line, "id") && !names_in(line).empty()) {
      blocks.back().id = names_in(line).front();
    } else if (!in_text && in_step && is_key(line, "after")) {
      blocks.back().after = names_in(line);
    }
    for (auto at = line.find("\"\"\""); at != line.npos; at = line.find("\"\"\"", at + 3)) in_text = !in_text;
  }
  return blocks;
}

// Who waited for the step waits for what it waited for.
void wait_instead(std::string& text, const std::string& id, const std::vector<std::string>& instead) {
  auto lines = lines_of(text);
  for (auto& line : lines) {
    if (!is_key(line, "after")) continue;
    auto names = names_in(line);
    const auto at = std::find(names.begin(), names.end(), id);
    if (at == names.end()) continue;
    names.insert(names.erase(at), instead.begin(), instead.end());
    std::string list;
    std::set<std::string> told;
    for (const auto& name : names)
      if (told.insert(name).second) list += (list.empty() ? "\"" : ", \"") + name + "\"";
    line = line.substr(0, line.find('[')) + "[" + list + "]";
  }
  text = joined_lines(lines);
}

void cut_step(Texts& texts, const std::string& file, const std::function<bool(const Block&)>& is_it) {
  auto lines = lines_of(texts.at(file));
  const auto blocks = steps_of(lines);
  const auto block = std::find_if(blocks.begin(), blocks.end(), is_it);
  if (block == blocks.end() || !block->after) return;
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(block->from), lines.begin() + static_cast<std::ptrdiff_t>(block->to));
  texts[file] = joined_lines(lines);
  // Shared steps are waited for from other shared files as well.
  const auto has_its_own = [&](const std::string& text) {
    const auto steps = steps_of(lines_of(text));
    return std::any_of(steps.begin(), steps.end(), [&](const Block& step) { return step.id == block->id; });
  };
  for (auto& [name, text] : texts)
    if (name == file || (file.starts_with("shared/") && !has_its_own(text))) wait_instead(text, block->id, *block->after);
}

void cut(const config::Problem& problem, const std::string& file, Texts& texts) {
  if (never_ticked(problem)) {
    const std::string id = problem.key.substr(5, problem.key.rfind('.') - 5);
    return cut_step(texts, file, [&](const Block& block) { return block.id == id; });
  }
  if (problem.place.line < 1 || problem.message.find("is left out: ") == std::string::npos) return;
  const auto line = static_cast<std::size_t>(problem.place.line) - 1;
  if (problem.message.starts_with("the step is left out: "))
    return cut_step(texts, file, [&](const Block& block) { return block.from <= line && line < block.to; });
  auto lines = lines_of(texts.at(file));
  if (line >= lines.size() || problem.place.column < 1 || !cut_element(lines[line], static_cast<std::size_t>(problem.place.column) - 1))
    return;
  texts[file] = joined_lines(lines);
}

}  // namespace

// Which shared files a scenario's text includes.
std::set<std::string> included(std::string_view text) {
  std::set<std::string> names;
  const auto line = text.find("\ninclude");
  const auto end = line == text.npos ? line : text.find(']', line);
  if (end == text.npos) return names;
  const std::string_view list = text.substr(line, end - line);
  for (std::size_t from = list.find('"'); from != list.npos;) {
    const auto to = list.find('"', from + 1);
    if (to == list.npos) break;
    names.insert("shared/" + std::string(list.substr(from + 1, to - from - 1)) + ".toml");
    from = list.find('"', to + 1);
  }
  return names;
}

bool never_ticked(const config::Problem& problem) {
  return problem.key.starts_with("step.") && problem.message.ends_with("never holds: there is no such objective");
}

void cut_what_is_left_out(std::vector<config::Problem> problems, const std::string& folder, Texts& texts) {
  // From the last place to the first, so that no cut moves what another one speaks of. Steps that are only named come last of all.
  std::stable_sort(problems.begin(), problems.end(), [](const config::Problem& a, const config::Problem& b) {
    return std::tuple(never_ticked(a), b.place.line, b.place.column) < std::tuple(never_ticked(b), a.place.line, a.place.column);
  });
  std::set<std::tuple<std::string, int, int, std::string>> done;  // of a shared file each scenario that includes it says the same
  for (const auto& problem : problems) {
    if (problem.level == config::Problem::Level::error || !problem.place.file.starts_with(folder)) continue;
    const std::string file = problem.place.file.substr(folder.size());
    if (!texts.contains(file) || !done.emplace(file, problem.place.line, problem.place.column, problem.key).second) continue;
    cut(problem, file, texts);
  }
}

}  // namespace drwatch::commands
