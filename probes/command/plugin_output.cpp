// SPDX-License-Identifier: Apache-2.0
#include "probes/command/plugin_output.hpp"
#include "config/rows/text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace drwatch {
namespace {

bool space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// 'a label'=..., or label=...; two quotes inside quotes mean one. What was read is taken off `text`; empty: there is no label.
std::string take_label(std::string_view& text) {
  std::string label;
  if (text.starts_with('\'')) {
    std::size_t at = 1;
    for (; at < text.size(); ++at) {
      if (text[at] != '\'') {
        label += text[at];
      } else if (at + 1 < text.size() && text[at + 1] == '\'') {
        label += text[at++];
      } else {
        break;
      }
    }
    text.remove_prefix(std::min(at + 1, text.size()));
  } else {
    const auto end = std::find_if(text.begin(), text.end(), [](char c) { return c == '=' || space(c); });
    label.assign(text.begin(), end);
    text.remove_prefix(label.size());
  }
  if (!text.starts_with('=')) return "";
  text.remove_prefix(1);
  return label;
}

// value[UOM];warn;crit;min;max
std::optional<PluginValue> measured(std::string label, std::string_view rest) {
  PluginValue made;
  made.label = std::move(label);
  const auto field = rest.substr(0, rest.find(';'));
  // Guidelines, Performance data: the value could not be determined.
  if (field == "U") return made;
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  made.value = value;
  made.unit = std::string(end, field.data() + field.size());
  const bool letters = std::all_of(made.unit.begin(), made.unit.end(), [](unsigned char c) { return std::isalpha(c) || c == '%'; });
  if (made.unit.size() > 8 || !letters) return std::nullopt;
  return made;
}

void add_measured(std::vector<PluginValue>& into, std::string_view text, std::size_t most) {
  for (text = trimmed(text); !text.empty() && into.size() < most; text = trimmed(text)) {
    std::string label = take_label(text);
    const auto size = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), space) - text.begin());
    if (!label.empty())
      if (auto one = measured(std::move(label), text.substr(0, size))) into.push_back(std::move(*one));
    text.remove_prefix(size);
  }
}

}  // namespace

PluginOutput read_plugin_output(std::string_view output, std::size_t most) {
  PluginOutput made;
  const auto line_end = std::min(output.find('\n'), output.size());
  const std::string_view first = output.substr(0, line_end), rest = output.substr(line_end);
  const auto bar = first.find('|');
  made.text = std::string(trimmed(first.substr(0, bar)));
  if (bar != first.npos) add_measured(made.measured, first.substr(bar + 1), most);
  // Behind a '|' in the longer text, all that follows is performance data.
  if (const auto later = rest.find('|'); later != rest.npos) add_measured(made.measured, rest.substr(later + 1), most);
  return made;
}

}  // namespace drwatch
