// SPDX-License-Identifier: Apache-2.0
// Messages drafted from templates; drwatch drafts, a person sends. Mustache over a closed list of names (config/scenario.hpp).
#include "config/message_names.hpp"
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/commands.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <kainjow/mustache.hpp>

#include <algorithm>
#include <map>
#include <utility>

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
  return base + (incident.drill ? "/drills/" : "/incidents/") + incident.id;
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
  for (const Evidence& e : because_now(state, settings, i, now))
    because += (because.empty() ? "" : "; ") + e.condition + " (" + e.evidence + ")";
  n["because"] = because;
  return n;
}

void add(std::vector<std::string>& names, const std::string& name) {
  if (!has(names, name)) names.push_back(name);
}

}  // namespace

std::string in_a_sentence(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

std::string not_known(const std::vector<std::string>& names) {
  return in_a_sentence(names) + (names.size() == 1 ? " is" : " are") + " not known";
}

// A name that is not known is put into `missing`, unless it stands in a section that is left out.
std::string fill(const State& state, const Settings& settings, const Incident& incident, const std::string& text, Time now,
                 std::vector<std::string>& missing, std::vector<std::string>* unknown) {
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
  const auto is_known = [&](const std::string& name) {
    auto value = known.find(name);
    return value != known.end() && !value->second.empty();
  };
  const NamesAsked asked = names_asked(text, is_known);
  for (const std::string& name : asked.put_in)
    if (!is_known(name)) add(missing, name);
  if (unknown)
    for (const std::vector<std::string>* names : {&std::as_const(missing), &asked.sections})
      for (const std::string& name : *names)
        if (!is_known(name)) add(*unknown, name);
  return whole.render(values);
}

namespace {

struct Filled {
  std::string subject, body;
  std::vector<std::string> missing, unknown;
};
Filled filled(const Deciding& d, const Incident& incident, const Message& plan) {
  Filled f;
  f.subject = fill(d.state, d.settings, incident, plan.subject, d.now, f.missing, &f.unknown);
  f.body = fill(d.state, d.settings, incident, plan.body, d.now, f.missing, &f.unknown);
  if (incident.drill) {
    f.subject = "[DRILL] " + f.subject;
    f.body = "[DRILL] This is an exercise. Nothing has happened.\n\n" + f.body;
  }
  return f;
}

// Drafts one message. With a name missing it is `failed`, and cannot be approved or sent.
void draft(Deciding& d, const Incident& incident, const Message& plan, const Filled& f, bool anew = false) {
  d.emit(f.missing.empty() ? "message.drafted" : "message.failed", d.about(incident),
         f.missing.empty() ? "message '" + plan.id + "' for " + plan.audience + " is drafted" + (anew ? " anew" : "")
                           : "message '" + plan.id + "' cannot be filled: " + not_known(f.missing),
         Body{{"message", plan.id},
              {"audience", plan.audience},
              {"when", moment_name(plan.when)},
              {"subject", f.subject},
              {"body", f.body},
              {"missing", f.missing},
              {"unknown", f.unknown}});
}
void draft(Deciding& d, const Incident& incident, const Message& plan) { draft(d, incident, plan, filled(d, incident, plan)); }

const IncidentMessage* newest(const Incident& incident, const std::string& id) {
  for (const IncidentMessage& m : incident.messages)
    if (m.id == id) return &m;
  return nullptr;
}

// An update is due every so often since the last one was sent (or since the opening). A new one is drafted only when the last one was sent:
// two drafts about different moments would confuse.
void judge_update(Deciding& d, const Incident& incident, const Message& plan) {
  const IncidentMessage* last = newest(incident, plan.id);
  if (last && last->state != MessageState::sent) return;  // one is waiting for a person, or for a name (draft_anew)
  Time at = (last && last->sent_at ? *last->sent_at : incident.opened_at) + plan.every.value_or(usual_update);
  if (d.now < at) return d.wake(at);
  draft(d, incident, plan);
}

// The template of a message: the incident's own, or of one that went on in it. nullptr: it was filed anew, and its old plan is gone.
const Message* plan_of(const Record& record, const Incident& incident, const std::string& id) {
  for (const Incident* part : with_absorbed(record, incident))
    for (const Message& plan : part->message_plans)
      if (plan.id == id) return &plan;
  return nullptr;
}

// Whether one of the names is known now, without composing any text: this is asked at every decision of an open incident. Names that are
// not here are known from the beginning, or never.
bool any_known(const Deciding& d, const Incident& i, const std::vector<std::string>& names) {
  std::optional<bool> point;  // looked for once at most: it is the only costly one
  const auto restorable = [&] {
    if (!point) point = restore_point(d.state, d.settings, i, d.now).has_value();
    return *point;
  };
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name == "acknowledged_at" || name == "acknowledged_by") return i.acknowledged_at.has_value();
    if (name == "recovered_at") return i.recovered_at.has_value();
    if (name == "resolved_at") return i.resolved_at.has_value();
    if (name == "bad_change_at") return i.bad_change_at.has_value();
    if (name == "because") return !i.because.empty();
    if (name == "recovery_point" || name == "exposure" || name == "recovery_source" || name == "source") return restorable();
    return false;
  });
}

// When a draft promises news for a time that passes: it is drafted anew then, with what is known by that time. nullopt: it names none.
std::optional<Time> promised_until(const Incident& incident, const IncidentMessage& m, const Message& plan) {
  const auto names_it = [](const std::string& text) { return text.find("next_update_at") != std::string::npos; };
  if (!names_it(plan.subject) && !names_it(plan.body)) return std::nullopt;
  return next_update(incident, m.drafted_at);
}

// A message that was drafted while something was not known is drafted anew when it is, until somebody has approved it: what a person has
// read and agreed to is not changed behind their back. So is one that promises news for a time that has passed.
void draft_anew(Deciding& d, const std::string& incident_id) {
  std::vector<std::string> waiting, passed;
  const Incident& incident = d.record().incidents.at(incident_id);
  for (const IncidentMessage& m : incident.messages) {
    if (m.state != MessageState::draft || incident.state != IncidentState::open) continue;
    const Message* plan = plan_of(d.record(), incident, m.id);
    const auto until = plan ? promised_until(incident, m, *plan) : std::nullopt;
    if (until && d.now < *until) d.wake(*until);
    if (until && d.now >= *until) passed.push_back(m.id);
  }
  for (const std::string& id : passed)
    if (const Message* plan = plan_of(d.record(), incident, id))
      if (const Filled now = filled(d, incident, *plan); now.missing.empty()) draft(d, incident, *plan, now, true);
  for (const IncidentMessage& m : incident.messages)
    if ((m.state == MessageState::draft || m.state == MessageState::failed) && any_known(d, incident, m.unknown)) waiting.push_back(m.id);
  for (const std::string& id : waiting) {
    const Message* plan = plan_of(d.record(), incident, id);
    const IncidentMessage* was = newest(incident, id);
    if (!plan || !was) continue;
    const Filled now = filled(d, incident, *plan);
    const auto was_unknown = was->unknown;
    // Only when something came to be known: a name that is lost again takes nothing back that was said already.
    if (std::all_of(was_unknown.begin(), was_unknown.end(), [&](const std::string& name) { return has(now.unknown, name); })) continue;
    if (was->state == MessageState::draft && !now.missing.empty()) continue;  // what can be sent stays so
    draft(d, incident, *plan, now, true);
  }
}

// Drafted at an earlier recovery, and told to nobody: this one has a time of its own.
bool spoke_of_before(const Deciding& d, const Incident& incident, const IncidentMessage& m) {
  return incident.state == IncidentState::recovered && m.when == Message::When::recovered && m.drafted_at < d.now &&
         (m.state == MessageState::draft || m.state == MessageState::failed);
}

}  // namespace

void draft_messages(Deciding& d, const std::string& id, Message::When when) {
  const Incident* of = worked(d.record(), id);
  if (!of) return;
  const Incident& incident = *of;
  for (const Message& plan : incident.message_plans)
    if (const IncidentMessage* was = newest(incident, plan.id); plan.when == when && (!was || spoke_of_before(d, incident, *was)))
      draft(d, incident, plan, filled(d, incident, plan), was != nullptr);
  // The last time: what is not known of an incident that is over stays so.
  if (incident.state == IncidentState::resolved && !incident.drill) draft_anew(d, id);
}

std::string out_of_date(const Incident& incident, const IncidentMessage& message) {
  if (message.state != MessageState::draft && message.state != MessageState::approved) return "";
  const bool while_open = message.when == Message::When::opened || message.when == Message::When::update;
  if (while_open && incident.state != IncidentState::open)
    return "it was written while the incident was open, and that is " + std::string(state_name(incident.state)) + " now";
  if (message.when == Message::When::recovered && incident.state == IncidentState::open)
    return "it says that the incident has recovered, and that is open again";
  return "";
}

void judge_messages(Deciding& d) {
  std::vector<std::string> live;
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.live()) live.push_back(id);
  for (const std::string& id : live) {
    draft_anew(d, id);
    const Incident& incident = d.record().incidents.at(id);
    if (incident.state != IncidentState::open) continue;
    for (const Message& plan : incident.message_plans)
      if (plan.when == Message::When::update) judge_update(d, incident, plan);
  }
}

}  // namespace drwatch
