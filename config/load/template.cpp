// SPDX-License-Identifier: Apache-2.0
#include "config/load/template.hpp"

#include "config/rows/document.hpp"
#include "config/rows/text.hpp"
#include "config/scenario.hpp"

#include <algorithm>

namespace drwatch::config {
namespace {

bool known_name(std::string_view name) {
  const auto& names = message_names();
  return std::any_of(names.begin(), names.end(), [&](const MessageName& n) { return n.name == name; });
}

Misfit unknown_name(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& n : message_names()) names.emplace_back(n.name);
  const auto close = nearest(name, names);
  return {"nothing fills {{" + std::string(name.substr(0, 60)) + "}}",
          close ? "did you mean {{" + *close + "}}?" : "the names are listed in docs/configuration.md"};
}

// One pass over the text: checks each tag and keeps the sections that are open.
class Scan {
 public:
  explicit Scan(std::string_view text) : rest_(text) {}

  std::vector<Misfit> run() {
    for (auto open = rest_.find("{{"); open != rest_.npos; open = rest_.find("{{"))
      // An unclosed tag ends the scan: nothing behind it can be understood.
      if (!read_tag(open)) return std::move(wrong_);
    for (const auto name : sections_)
      wrong_.push_back({"the section {{#" + std::string(name) + "}} is not closed", "add {{/" + std::string(name) + "}}"});
    return std::move(wrong_);
  }

 private:
  // Reads the tag that opens at `open` and moves behind it; false when it has no end.
  bool read_tag(std::size_t open) {
    // {{{name}}} is Mustache's unescaped form.
    const bool triple = rest_.substr(open).starts_with("{{{");
    const std::string_view end = triple ? "}}}" : "}}";
    const auto start = open + (triple ? 3 : 2);
    const auto close = rest_.find(end, start);
    if (close == rest_.npos) {
      wrong_.push_back({"a '{{' is not closed", "write names like {{components}}"});
      return false;
    }
    understand(rest_.substr(start, close - start), triple);
    rest_.remove_prefix(close + end.size());
    return true;
  }

  void understand(std::string_view tag, bool triple) {
    const auto text = trimmed(tag);
    const char sigil = text.empty() || triple ? ' ' : text[0];
    const auto name = std::string_view("#^/&!>=").find(sigil) == std::string_view::npos ? text : trimmed(text.substr(1));
    // A comment.
    if (sigil == '!') return;
    // Partials and changed delimiters.
    if (sigil == '>' || sigil == '=') {
      wrong_.push_back({"{{" + std::string(text.substr(0, 60)) + "}} is not supported", "use names and sections only"});
    } else if (sigil == '/') {
      if (sections_.empty() || sections_.back() != name)
        wrong_.push_back({"{{/" + std::string(name.substr(0, 60)) + "}} closes no section that is open",
                          "open it with {{#...}}, and close the last one first"});
      else
        sections_.pop_back();
    } else {
      if (sigil == '#' || sigil == '^') sections_.push_back(name);
      if (!known_name(name)) wrong_.push_back(unknown_name(name));
    }
  }

  std::string_view rest_;
  std::vector<std::string_view> sections_;
  std::vector<Misfit> wrong_;
};

}  // namespace

std::vector<Misfit> template_misfits(std::string_view text) { return Scan(text).run(); }

}  // namespace drwatch::config
