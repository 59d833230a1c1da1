// SPDX-License-Identifier: Apache-2.0
#include "config/message_names.hpp"

#include "config/rows/text.hpp"
#include "config/scenario.hpp"

#include <algorithm>

namespace drwatch {

const std::vector<MessageName>& message_names() {
  static const std::vector<MessageName> names = {
      {"incident", "the incident's id, `20260301-0211-database-outage`"},
      {"scenario", "the scenario's id"},
      {"title", "the scenario's title"},
      {"summary", "the scenario's summary"},
      {"severity", "`critical` or `warning`"},
      {"class", "what the disaster takes: `host`, `logical`, `region` or `account`"},
      {"state", "`open`, `recovered`, `resolved` or `absorbed`"},
      {"components", "the titles of the affected components, with commas"},
      {"because", "the conditions that opened it, with what was seen"},
      {"started_at", "when it began: the last good outcome before the failure"},
      {"detected_at", "when it was confirmed"},
      {"opened_at", "when the incident opened"},
      {"acknowledged_at", "when somebody took it; unfilled until then"},
      {"acknowledged_by", "who took it; unfilled until then"},
      {"elapsed", "how long it has lasted, in words: `1 h 30 min`"},
      {"rto", "its recovery time objective, in words"},
      {"deadline", "`started_at` and the objective"},
      {"recovery_point",
       "the newest moment to which data could be restored (class `logical`: before the bad change); unfilled while none is known"},
      {"bad_change_at", "class `logical`: when the change was made that has to be undone; unfilled until somebody says it"},
      {"exposure", "how much data that would cost, in words; unfilled while it is not known"},
      {"recovery_source", "the probe that read the recovery point; unfilled while none is known"},
      {"recovered_at", "since when the platform is back; unfilled until then"},
      {"resolved_at", "when the work was done; unfilled until then"},
      {"next_update_at", "when the next update is due; unfilled where no message has `when = \"update\"`"},
      {"now", "when the message was drafted"},
      {"url", "the page of the incident"},
  };
  return names;
}

NamesAsked names_asked(std::string_view text, const std::function<bool(const std::string&)>& known) {
  NamesAsked asked;
  std::vector<bool> shown;  // the sections that are open, and whether each is
  const auto add = [](std::vector<std::string>& names, std::string name) {
    if (!has(names, name)) names.push_back(std::move(name));
  };
  for (std::size_t at = text.find("{{"); at != text.npos; at = text.find("{{", at)) {
    at += 2;
    const std::size_t end = text.find("}}", at);
    if (end == text.npos) break;
    std::string tag(text.substr(at, end - at));
    at = end;
    std::erase_if(tag, [](char c) { return c == '{' || c == '}' || c == '&' || c == ' '; });
    if (tag.empty() || tag.front() == '!') continue;
    const char sigil = tag.front();
    if (sigil == '#' || sigil == '^') {
      tag.erase(0, 1);
      shown.push_back(known(tag) == (sigil == '#'));
      add(asked.sections, std::move(tag));
    } else if (sigil == '/') {
      if (!shown.empty()) shown.pop_back();
    } else if (std::all_of(shown.begin(), shown.end(), [](bool is) { return is; })) {
      add(asked.put_in, std::move(tag));
    }
  }
  return asked;
}

}  // namespace drwatch
