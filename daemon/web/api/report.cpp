// SPDX-License-Identifier: Apache-2.0
// Sections as in the post-mortems of the Google SRE book and Atlassian: what can be drafted is drafted, the rest is named as people's work.
#include "daemon/web/api/report.hpp"

#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// Text that people or targets wrote, on one line and escaped: it must not become a heading, a link or HTML of the report.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == '\t') {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string list_of(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + plain(word);
  return text.empty() ? "none" : text;
}

std::string between(const std::optional<Time>& from, const std::optional<Time>& until) {
  return from && until ? duration_words(*until - *from) : "not yet";
}

std::string at(const std::optional<Time>& t) { return t ? time_text(*t) : "not yet"; }

void heading(std::string& text, const std::string& title) { text += "\n## " + title + "\n\n"; }

// A section that drwatch cannot write: why it happened is not in what it saw.
void for_people(std::string& text, const std::string& title, const std::string& question) {
  heading(text, title);
  text += "_To be written by people._ " + question + "\n";
}

// What else it could have been, as it was seen at the opening.
void second_best(std::string& text, const Incident& incident) {
  if (!incident.second) return;
  std::vector<std::string> because;
  for (const auto& why : incident.second->because) because.push_back(why.condition);
  const ToldApart apart = told_apart(incident);
  text += "- Second best: " + plain(incident.second->title) + ", because " + list_of(because);
  if (!apart.missing.empty()) text += "; missing for it: " + list_of(apart.missing);
  if (!apart.against.empty()) text += "; against it: " + list_of(apart.against);
  text += apart.missing.empty() && apart.against.empty() ? "; nothing told the two apart\n" : "\n";
}

// What happened, how bad, and why it was opened.
void summary(std::string& text, const Seen& seen, const Incident& incident) {
  text += "# " + plain(incident.title) + ": " + incident.id + "\n\n";
  text += "Draft written by drwatch at " + time_text(seen.now) +
          ". What drwatch saw is filled in; the sections marked *to be written by people* are yours.\n";
  heading(text, "Summary");
  if (!incident.summary.empty()) text += plain(incident.summary) + "\n\n";
  text += "- State: " + std::string(state_name(incident.state)) +
          (incident.false_alarm ? ", a false alarm (not counted in any figure)" : "") + "\n";
  text += "- Severity: " + std::string(severity_name(incident.severity)) + "\n";
  text += "- Components: " + list_of(incident.affects) + "\n";
  text += "- Opened by: " + plain(incident.opened_by.empty() ? "drwatch" : incident.opened_by) + "\n";
  for (const auto& why : incident.because)
    text += "- Because: " + plain(why.condition) + " since " + time_text(why.since) + " (" + plain(why.evidence) + ")\n";
  second_best(text, incident);
  if (!incident.explains.empty()) text += "- Explains: " + list_of(incident.explains) + "\n";
  if (!incident.absorbed.empty()) text += "- Absorbed: " + list_of(incident.absorbed) + "\n";
  if (!incident.absorbed_by.empty()) text += "- Goes on in: " + incident.absorbed_by + "\n";
}

// Every clock with how it is known, and the three figures made from them (contract, "The life of an incident").
void clocks(std::string& text, const Incident& incident) {
  heading(text, "Clocks");
  text += "| clock | time (UTC) | how it is known |\n| --- | --- | --- |\n";
  const auto row = [&text](const std::string& name, const std::string& time, const std::string& how) {
    text += "| " + name + " | " + time + " | " + how + " |\n";
  };
  row("started (t0)", at(incident.started_at), plain(incident.started_by));
  if (incident.started_at_found) row("started, as drwatch had found it", at(incident.started_at_found), "corrected by a person since");
  row("detected", at(incident.detected_at), "the change of health was confirmed");
  row("opened", at(incident.opened_at), "the trigger had held for its time");
  row("acknowledged", at(incident.acknowledged_at),
      incident.acknowledged_by.empty() ? "by nobody yet" : "by " + plain(incident.acknowledged_by));
  const std::string recovered = incident.recovery_said ? "**never seen**: somebody called it over, while its exit did not hold"
                                : incident.exit.by == Exit::By::steps ? "the last critical step, and what else the exit asks"
                                                                      : "the first good outcome of the exit";
  row(incident.recovery_said ? "called over" : "recovered", at(incident.recovered_at), recovered);
  row("resolved", at(incident.resolved_at), "the work was done");
  text += "\n- Time to detect (MTTD): " + between(incident.started_at, incident.detected_at) + "\n";
  text += "- Time to acknowledge (MTTA), from opening: " + between(incident.opened_at, incident.acknowledged_at) + "\n";
  text +=
      "- Time to recover (MTTR), from t0: " + (incident.recovery_said ? "not known" : between(incident.started_at, incident.recovered_at)) +
      "\n";
}

// The first and the last projection against what the recovery really took.
void projections(std::string& text, const Incident& incident) {
  const auto words = [](const Event& e, const char* key) {
    return duration_words(Duration{static_cast<std::int64_t>(e.body.number(key).value_or(0) * 1000)});
  };
  const Event* first = nullptr;
  const Event* last = nullptr;
  std::size_t count = 0;
  for (const Event& e : incident.timeline) {
    if (e.kind != "incident.projected" || e.incident != incident.id) continue;
    if (!first) first = &e;
    last = &e;
    ++count;
  }
  if (!first) return;
  text += "- Projected at its opening: " + words(*first, "p50_seconds") + ", nine in ten within " + words(*first, "p90_seconds");
  if (incident.recovered_at && !incident.recovery_said) {
    const double actual = in_seconds(*incident.recovered_at - incident.started_at);
    text += "; it took " + duration_words(*incident.recovered_at - incident.started_at) +
            (actual <= first->body.number("p90_seconds").value_or(0) ? ", within that" : ", longer than that");
  }
  text += ". Of " + std::to_string(count) + " projections the last, at " + time_text(last->at) + ", said " + words(*last, "p50_seconds") +
          ", nine in ten within " + words(*last, "p90_seconds") + ".\n";
}

void data_loss(std::string& text, const Incident& incident, const Loss& loss) {
  text += "- Bad change: ";
  text += incident.bad_change_at
              ? time_text(*incident.bad_change_at) + ", as " + plain(incident.bad_change_by) + " says" +
                    (incident.bad_change_note.empty() ? "" : " (" + plain(incident.bad_change_note) + ")")
              : std::string("nobody said when it was made; what follows is estimated by the first thing that drwatch saw wrong");
  if (loss.noticed_after) text += "; noticed after " + duration_words(*loss.noticed_after);
  text += "\n- Data lost: ";
  text += loss.from ? "what was written from " + time_text(*loss.from) + " (" + plain(loss.source) + ") to " + time_text(loss.until) +
                          ": " + duration_words(loss.lost.value_or(Duration{0})) + (loss.estimated ? " (estimated)" : "")
                    : std::string("no source could be restored to a moment before the change");
  text += "\n";
}

// The objectives against what happened. Exposures are those at the time of the draft, and say so.
void impact(std::string& text, const Seen& seen, const Incident& incident) {
  heading(text, "Impact and objectives");
  const bool over = incident.elapsed(seen.now) > incident.rto;
  const bool absorbed = incident.state == IncidentState::absorbed;
  text += "- RTO: target " + duration_words(incident.rto) + ", actual " + duration_words(incident.elapsed(seen.now)) +
          (incident.recovered_at || absorbed ? "" : " and running") + ": " +
          (over                     ? "missed"
           : incident.recovery_said ? "**not shown**: it was called over before it was seen to recover"
           : incident.recovered_at  ? "kept"
           : absorbed               ? "not missed up to then; its clock goes on in " + incident.absorbed_by
                                    : "not missed so far") +
          ". Measured from the start above to " + (absorbed ? "its absorption" : "the first good outcome of the exit") + ".\n";
  for (const IncidentStep& step : incident.steps)
    if (step.against_evidence && step.plan.critical)
      text += "- **" + plain(step.plan.title) + "** was " + plain(against_words(step)) + ". It counts for nothing above.\n";
  if (const auto loss = loss_of(seen.state, seen.settings, incident, seen.now)) data_loss(text, incident, *loss);
  const auto of_class = parse_class(incident.of_class).value_or(DisasterClass::host);
  for (const auto& component : incident.affects) {
    const auto found = seen.settings.components.find(component);
    if (found == seen.settings.components.end() || (found->second.protected_by.empty() && found->second.rpo.empty())) continue;
    const auto exposure = exposure_of(seen.state, seen.settings, component, of_class, seen.now);
    text += "- Recovery point of " + plain(component) + " (class " + std::string(class_name(of_class)) +
            "), as it stands at the time of this draft: ";
    if (exposure.no_source)
      text += exposure.emptied.empty() ? "no source survives this class"
                                       : "nothing is left: " + plain(loss_words(seen.state, exposure.emptied).value_or(""));
    else if (!exposure.recovery_point)
      text += "not known";
    else
      text += time_text(*exposure.recovery_point) + " from " + plain(exposure.source);
    if (exposure.exposure)
      text += "; what a loss would have cost: " + duration_words(*exposure.exposure) + (exposure.estimated ? " (estimated)" : "");
    if (const auto target = seen.settings.rpo_of(component, of_class)) text += "; RPO " + duration_words(*target);
    text += "\n";
  }
  projections(text, incident);
  for (const auto& [from, until] : incident.looked_well)
    text += "- Looked well from " + time_text(from) + " to " + time_text(until) + " (" + duration_words(until - from) + "), and was not.\n";
}

std::string step_line(const IncidentStep& step) {
  std::string line = "- [" + std::string(step.state == StepState::done && step.counts() ? "x" : " ") + "] **" + plain(step.plan.title) +
                     "** (" + step.plan.id + (step.plan.critical ? ", critical" : "") + "): " + std::string(state_name(step.state));
  if (step.started_at) line += ", started " + time_text(*step.started_at);
  if (step.ended_at) line += ", ended " + time_text(*step.ended_at);
  if (step.started_at && step.ended_at) line += " (" + duration_words(*step.ended_at - *step.started_at) + ")";
  if (!step.by.empty()) line += (step.against_evidence ? ", said by " : ", by ") + plain(step.by);
  if (step.against_evidence) line += ", **against what drwatch saw**";
  line += "\n";
  if (!step.evidence.empty()) line += "  - Evidence: " + plain(step.evidence) + "\n";
  if (step.proves && !*step.proves) line += "  - Proves nothing: it held already when the incident opened.\n";
  if (step.broke_at) line += "  - Failed again at " + time_text(*step.broke_at) + "\n";
  if (step.state == StepState::skipped)
    line += "  - Skipped because: " + (step.note.empty() ? "no reason was given" : plain(step.note)) + "\n";
  else if (!step.note.empty())
    line += "  - Note: " + plain(step.note) + "\n";
  return line;
}

void steps_and_messages(std::string& text, const Incident& incident) {
  heading(text, "Steps");
  for (const auto& step : incident.steps) text += step_line(step);
  if (incident.steps.empty()) text += "This scenario has none.\n";
  heading(text, "Messages");
  for (const auto& message : incident.messages) {
    text += "- " + message.id + " to " + plain(message.audience) + ": " + std::string(state_name(message.state));
    text += message.sent_at ? ", sent " + time_text(*message.sent_at) + (message.by.empty() ? "" : " by " + plain(message.by)) : "";
    text += ". Drafted " + time_text(message.drafted_at) + ": " + plain(message.subject) + "\n";
  }
  if (incident.messages.empty()) text += "None was drafted.\n";
}

// All that happened, by time. Projections are left out here, and corrections by people are listed once more.
void timeline(std::string& text, const Incident& incident) {
  heading(text, "Timeline (UTC)");
  auto events = incident.timeline;
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  text += "- " + time_text(incident.started_at) + " it began (" + plain(incident.started_by) + ")\n";
  for (const auto& event : events) {
    if (event.kind == "incident.projected") continue;  // they stand together above
    text += "- " + time_text(event.at) + " " + event.kind + (event.by == "drwatch" ? "" : " by " + plain(event.by)) + ": " +
            plain(event.message) + "\n";
  }
  bool corrected = false;
  for (const auto& event : events) {
    if (event.kind != "incident.corrected" && event.kind != "incident.refiled") continue;
    if (!corrected) heading(text, "Corrections");
    corrected = true;
    text += "- " + time_text(event.at) + " by " + plain(event.by) + ": " + plain(event.message) + "\n";
  }
}

}  // namespace

std::string report(const Seen& seen, const Incident& incident) {
  std::string text;
  summary(text, seen, incident);
  impact(text, seen, incident);
  clocks(text, incident);
  timeline(text, incident);
  steps_and_messages(text, incident);
  for_people(text, "Data loss", "What was really lost or restored, and how it was checked; which recovery point was chosen and why.");
  for_people(text, "Causes", "What made this possible. Avoid the one root cause; ask how each step made sense to those who took it.");
  for_people(text, "Contributing factors", "What made it worse, longer or harder to see. Which probe would have seen it earlier?");
  for_people(text, "What went well", "");
  for_people(text, "Where we were lucky", "");
  for_people(
      text, "Action items",
      "Each with an owner, a date and a type: prevent, mitigate, detect, process. Changes to this runbook; the drill that proves them.");
  text += "\n| action | type | owner | due |\n| --- | --- | --- | --- |\n| | | | |\n";
  return text;
}

}  // namespace drwatch::web
