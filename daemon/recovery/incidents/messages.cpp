// SPDX-License-Identifier: Apache-2.0
// Messages drafted from templates; drwatch drafts, a person sends. Mustache over a closed list of names (config/scenario.hpp).
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <kainjow/mustache.hpp>

#include <algorithm>
#include <map>

namespace drwatch {
namespace {

// To the second and in RFC 3339, because the same names are used in the arguments of commands, which machines read.
std::string moment(Time t) { return time_text(std::chrono::floor<seconds>(t)); }
std::string time_or_nothing(const std::optional<Time>& t) { return t ? moment(*t) : ""; }

std::string titles(const Settings& settings, const std::vector<std::string>& components) {
  std::string text;
  for (const std::string& name : components) {
    auto component = settings.components.find(name);
    text += (text.empty() ? "" : ", ") + (component == settings.components.end() ? name : component->second.title);
  }
  return text;
}

// When the next update is due if one is sent now; nullopt: this scenario plans no updates.
std::optional<Time> next_update(const Incident& incident, Time now) {
  for (const Message& plan : incident.message_plans)
    if (plan.when == Message::When::update && plan.every) return now + *plan.every;
  return std::nullopt;
}

std::string url_of(const Settings& settings, const Incident& incident) {
  std::string base = settings.server.public_url.empty() ? "http://" + settings.server.listen : settings.server.public_url;
  return base + "/incidents/" + incident.id;
}

// The closed list of names with their values; an empty value is not known now.
std::map<std::string, std::string> names(const State& state, const Settings& settings, const Incident& i, Time now) {
  std::map<std::string, std::string> n = {
      {"incident", i.id},
      {"scenario", i.scenario},
      {"title", i.title},
      {"summary", i.summary},
      {"severity", std::string(severity_name(i.severity))},
      {"class", i.of_class},
      {"state", std::string(state_name(i.state))},
      {"components", titles(settings, i.affects)},
      {"started_at", moment(i.started_at)},
      {"detected_at", moment(i.detected_at)},
      {"opened_at", moment(i.opened_at)},
      {"acknowledged_at", time_or_nothing(i.acknowledged_at)},
      {"acknowledged_by", i.acknowledged_by},
      {"recovered_at", time_or_nothing(i.recovered_at)},
      {"resolved_at", time_or_nothing(i.resolved_at)},
      {"elapsed", duration_words(i.elapsed(now))},
      {"rto", duration_words(i.rto)},
      {"deadline", moment(i.deadline())},
      {"now", moment(now)},
      {"next_update_at", time_or_nothing(next_update(i, now))},
      {"url", url_of(settings, i)},
      {"bad_change_at", time_or_nothing(i.bad_change_at)},
  };
  if (auto point = restore_point(state, settings, i, now)) {
    n["recovery_point"] = time_text(point->at);
    n["exposure"] = duration_words(point->lost);
    n["recovery_source"] = point->source;
    n["source"] = point->source;
  }
  std::string because;
  for (const Evidence& e : i.because) because += (because.empty() ? "" : "; ") + e.condition + " (" + e.evidence + ")";
  n["because"] = because;
  return n;
}

// The names that a template puts into the text: {{name}}, {{{name}}}, {{&name}}. Those of sections are left out: a section is there to ask
// whether a name is known.
std::vector<std::string> used(const std::string& text) {
  std::vector<std::string> found;
  for (std::size_t at = text.find("{{"); at != std::string::npos; at = text.find("{{", at)) {
    at += 2;
    std::size_t end = text.find("}}", at);
    if (end == std::string::npos) break;
    std::string tag = text.substr(at, end - at);
    std::erase_if(tag, [](char c) { return c == '{' || c == '}' || c == '&' || c == ' '; });
    if (!tag.empty() && std::string("#^/!").find(tag.front()) == std::string::npos) found.push_back(tag);
    at = end;
  }
  return found;
}

}  // namespace

// A name that is not known is put into `missing`, unless the template asks for it in a section.
std::string fill(const State& state, const Settings& settings, const Incident& incident, const std::string& text, Time now,
                 std::vector<std::string>& missing) {
  if (text.find("{{") == std::string::npos) return text;
  auto known = names(state, settings, incident, now);
  kainjow::mustache::data values;
  for (const auto& [name, value] : known) {
    if (value.empty())
      values.set(name, false);
    else
      values.set(name, value);
  }
  kainjow::mustache::mustache whole(text);
  whole.set_custom_escape([](const std::string& s) { return s; });  // plain text, not HTML
  for (const std::string& name : used(text)) {
    auto value = known.find(name);
    bool in_section = text.find("{{#" + name + "}}") != std::string::npos;
    bool unfilled = (value == known.end() || value->second.empty()) && !in_section;
    if (unfilled && std::find(missing.begin(), missing.end(), name) == missing.end()) missing.push_back(name);
  }
  return whole.render(values);
}

namespace {

// Drafts one message. With a name missing it is `failed`, and cannot be approved or sent.
void draft(Deciding& d, const Incident& incident, const Message& plan) {
  std::vector<std::string> missing;
  std::string subject = fill(d.state, d.settings, incident, plan.subject, d.now, missing);
  std::string body = fill(d.state, d.settings, incident, plan.body, d.now, missing);
  d.emit(missing.empty() ? "message.drafted" : "message.failed", d.about(incident),
         missing.empty() ? "message '" + plan.id + "' for " + plan.audience + " is drafted"
                         : "message '" + plan.id + "' cannot be filled: " + missing.front() + " is not known",
         Body{{"message", plan.id},
              {"audience", plan.audience},
              {"when", moment_name(plan.when)},
              {"subject", subject},
              {"body", body},
              {"missing", missing}});
}

const IncidentMessage* newest(const Incident& incident, const std::string& id) {
  for (const IncidentMessage& m : incident.messages)
    if (m.id == id) return &m;
  return nullptr;
}

// An update is due every so often since the last one was sent (or since the opening). A new one is drafted only when the last one was sent:
// two drafts about different moments would confuse.
void judge_update(Deciding& d, const Incident& incident, const Message& plan) {
  const IncidentMessage* last = newest(incident, plan.id);
  if (last && last->state != MessageState::sent) return;  // one is waiting for a person
  Time at = (last && last->sent_at ? *last->sent_at : incident.opened_at) + plan.every.value_or(minutes{30});
  if (d.now < at) return d.wake(at);
  draft(d, incident, plan);
}

}  // namespace

void draft_messages(Deciding& d, const std::string& id, Message::When when) {
  const Incident& incident = d.record().incidents.at(id);
  for (const Message& plan : incident.message_plans)
    if (plan.when == when && !newest(incident, plan.id)) draft(d, incident, plan);
}

void judge_updates(Deciding& d) {
  std::vector<std::string> open;
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open) open.push_back(id);
  for (const std::string& id : open) {
    const Incident& incident = d.record().incidents.at(id);
    for (const Message& plan : incident.message_plans)
      if (plan.when == Message::When::update) judge_update(d, incident, plan);
  }
}

}  // namespace drwatch
