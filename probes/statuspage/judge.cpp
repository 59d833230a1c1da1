// SPDX-License-Identifier: Apache-2.0
#include "probes/statuspage/page.hpp"

#include "config/rows/text.hpp"
#include "probes/seams/excerpt.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

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

// The codes of regions in `text`, in small letters and without the letter of a zone (us-east-1a is in us-east-1). Only what is one by its
// form (AWS, Google) or by Vercel's list: a "SEV1" taken for a region would make a global outage somebody else's.
std::vector<std::string> regions_in(const std::string& text) {
  static const RE2 code(
      R"re((?i)\b((?:us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[a-z]?|europe|asia|australia|africa|northamerica|southamerica))re"
      R"re(-(?:north|south|east|west|central)(?:east|west)?-?\d{1,2})(?:-?[a-z])?\b)re"
      R"re(|\b((?:arn|bom|cdg|cle|cpt|dub|dxb|fra|gru|hkg|hnd|iad|icn|kix|lhr|pdx|sfo|sin|syd|yul)1)\b)re");
  std::vector<std::string> all;
  re2::StringPiece rest(text);
  std::string cloud, vercel;
  while (RE2::FindAndConsume(&rest, code, &cloud, &vercel)) all.push_back(lower(cloud.empty() ? vercel : cloud));
  return all;
}

// The text says that all or many regions are affected. A single place that it names as well then only says where it began.
bool everywhere(const std::string& text) {
  static const RE2 words(
      R"re((?i)\b(?:all|every|each|most|many|multiple|several)\s+(?:of\s+)?(?:the\s+|our\s+)?regions?\b)re"
      R"re(|\b(?:globally|worldwide|everywhere)\b|\bglobal\s+(?:outage|incident|impact|issue|problem|disruption|degradation)\b)re");
  return RE2::PartialMatch(text, words);
}

bool elsewhere(const std::string& text, const PageInterest& interest) {
  const auto named = regions_in(text);
  if (interest.regions.empty() || named.empty() || mentions_any(text, interest.regions) || everywhere(text)) return false;
  for (const std::string& wanted : interest.regions)
    for (const std::string& region : regions_in(wanted))
      if (std::find(named.begin(), named.end(), region) != named.end()) return false;
  return true;
}

// "Group / Name", the name alone, or a whole group.
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
  verdict.unread = report.unread;
  for (const PageComponent& component : report.components) {
    if (!concerns(component, interest)) continue;
    if (component.trouble)
      add(*component.trouble, component.name, excerpt(component.name, 80) + " " + std::string(trouble_name(*component.trouble)));
    else if (verdict.unread.empty())
      verdict.unread = "it does not say how " + quote(component.name, 80) + " is";
  }
  // An incident.io page lists only what is in trouble. A real Statuspage listed nothing at all beside an open incident: then that is told;
  // but where nothing is open either, the page says nothing of what we asked for.
  if (report.shape == "statuspage")
    for (const std::string& wanted : interest.components)
      if (std::none_of(report.components.begin(), report.components.end(), [&](const PageComponent& c) { return ours(c, wanted); }))
        verdict.missing.push_back(wanted);
  return verdict;
}

}  // namespace drwatch
