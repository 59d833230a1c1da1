// SPDX-License-Identifier: Apache-2.0
#include "probes/status_page.hpp"

#include "probes/excerpt.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

bool word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Whether `text` holds `words` as words of their own, capitals aside.
bool mentions(const std::string& text, const std::string& words) {
  const std::string hay = lower(text), needle = lower(words);
  if (needle.empty()) return false;
  for (auto at = hay.find(needle); at != hay.npos; at = hay.find(needle, at + 1)) {
    const auto end = at + needle.size();
    if ((at == 0 || !word_character(hay[at - 1])) && (end == hay.size() || !word_character(hay[end]))) return true;
  }
  return false;
}

bool mentions_any(const std::string& text, const std::vector<std::string>& list) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& words) { return mentions(text, words); });
}

// A region's code: AWS ("eu-central-1"), Vercel ("fra1").
bool names_a_region(const std::string& text) {
  static const RE2 code(R"((?i)\b([a-z]{2}(-[a-z]+)+-\d|[a-z]{3}\d)\b)");
  return RE2::PartialMatch(text, code);
}

bool elsewhere(const std::string& text, const PageInterest& interest) {
  return !interest.regions.empty() && names_a_region(text) && !mentions_any(text, interest.regions);
}

bool ours(const PageComponent& component, const std::string& wanted) {
  const std::string name = lower(component.name), group = lower(component.group), text = lower(wanted);
  return name == text || group == text || (!group.empty() && group + " / " + name == text);
}

bool concerns(const PageComponent& component, const PageInterest& interest) {
  if (elsewhere(component.name + " " + component.group, interest)) return false;
  return interest.components.empty() || std::any_of(interest.components.begin(), interest.components.end(),
                                                    [&](const std::string& wanted) { return ours(component, wanted); });
}

bool concerns(const PageIncident& incident, const PageInterest& interest) {
  std::string all = incident.name + "\n" + incident.text;
  for (const std::string& name : incident.components) all += "\n" + name;
  if (elsewhere(all, interest)) return false;
  if (interest.components.empty() || incident.components.empty()) return true;
  for (const std::string& wanted : interest.components)
    for (const std::string& name : incident.components)
      if (lower(name) == lower(wanted) || lower(wanted).ends_with(" / " + lower(name))) return true;
  return mentions_any(incident.name + "\n" + incident.text, interest.components);
}

}  // namespace

std::string_view trouble_name(Trouble t) {
  constexpr std::string_view names[] = {"operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage"};
  return names[static_cast<int>(t)];
}

PageVerdict judge(const PageReport& report, const PageInterest& interest) {
  PageVerdict verdict;
  const auto add = [&](Trouble trouble, const std::string& name, const std::string& words) {
    if (trouble == Trouble::none) return;
    verdict.message += (verdict.message.empty() ? "" : "; ") + words;
    verdict.affected.push_back(excerpt(name, 80));
    verdict.worst = std::max(verdict.worst, trouble);
  };
  Trouble worst_incident = Trouble::none;
  for (const PageIncident& incident : report.incidents) {
    if (!concerns(incident, interest)) continue;
    add(incident.trouble, incident.name, quote(incident.name, 80) + " (" + excerpt(incident.status, 30) + ")");
    if (incident.trouble > worst_incident) verdict.url = excerpt(incident.url, 200);
    worst_incident = std::max(worst_incident, incident.trouble);
  }
  for (const PageComponent& component : report.components)
    if (concerns(component, interest))
      add(component.trouble, component.name, excerpt(component.name, 80) + " " + std::string(trouble_name(component.trouble)));
  // An incident.io page lists only what is in trouble. A real Statuspage listed nothing at all beside an open incident: then that is told;
  // but where nothing is open either, the page says nothing of what we asked for.
  if (report.shape == "statuspage")
    for (const std::string& wanted : interest.components)
      if (std::none_of(report.components.begin(), report.components.end(), [&](const PageComponent& c) { return ours(c, wanted); }))
        verdict.missing.push_back(wanted);
  return verdict;
}

}  // namespace drwatch
