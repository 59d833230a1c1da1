// SPDX-License-Identifier: Apache-2.0
// Sections as in the post-mortems of the Google SRE book and Atlassian: what can be drafted is drafted, the rest is named as people's work.
#include "daemon/web/api/report.hpp"

#include "config/rows/encoding.hpp"
#include "daemon/recovery/points/loss.hpp"
#include "daemon/web/api/report_facts.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// Text that people or targets wrote, on one line and escaped: it must not become a heading, a link or HTML of the report, nor move the
// cursor of a terminal on which the report is read.
std::string plain(std::string_view text) {
  std::string out;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const auto c = static_cast<unsigned char>(text[n]);
    // U+0080 to U+009F, control characters as well, are two bytes.
    const bool second_set = c == 0xc2 && n + 1 < text.size() && static_cast<unsigned char>(text[n + 1]) >= 0x80 &&
                            static_cast<unsigned char>(text[n + 1]) < 0xa0;
    if (c < 0x20 || c == 0x7f || second_set) {
      out += ' ';
      n += second_set;
      continue;
    }
    if (c == '<') {  // also where what shows it knows nothing of Markdown
      out += "&lt;";
      continue;
    }
    if (std::string_view("\\`*_[]>|#&~").find(text[n]) != std::string_view::npos) out += '\\';
    out += text[n];
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

// By what the recovery is known; of one that looked well before, what was seen then.
std::string how_recovered(const Incident& incident) {
  const bool again = !incident.looked_well.empty();
  const std::string before = again ? "; it had looked well from " + time_text(incident.looked_well.back().first) + " to " +
                                         time_text(incident.looked_well.back().second) + ", when it was opened again"
                                   : "";
  if (incident.recovery_said)
    return (again ? "**not seen again**" : "**never seen**") + std::string(": somebody called it over, while its exit did not hold") +
           before;
  if (!incident.recovered_at) return again ? "not seen again" + before : "not seen yet";
  return (incident.exit.by == Exit::By::steps ? "the last critical step, and what else the exit asks"
                                              : "the first good outcome of the exit") +
         before;
}

// Every clock with how it is known, and the three figures made from them (contract, "The life of an incident").
void clocks(std::string& text, const Incident& incident, const ReportFacts& facts) {
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
  row(incident.recovery_said ? "called over" : "recovered", at(incident.recovered_at), how_recovered(incident));
  row("resolved", at(incident.resolved_at), "the work was done");
  const std::optional<Time> recovered_at = incident.recovery_said ? std::nullopt : incident.recovered_at;
  text += "\n- Time to detect (MTTD): " + between(incident.started_at, incident.detected_at) + "\n";
  text += "- Time to acknowledge (MTTA), from opening: " + between(incident.opened_at, incident.acknowledged_at) + "\n";
  text +=
      "- Time to mitigate, from t0 to the first step that people or a command closed: " +
      (facts.mitigated_at ? between(incident.started_at, facts.mitigated_at) + " (" + facts.mitigated_by_step + ")" : "none was closed") +
      "\n";
  text +=
      "- Time to recover (MTTR), from t0: " + (incident.recovery_said ? "not known" : between(incident.started_at, recovered_at)) + "\n";
  text += "- Time to resolve, from t0: " + between(incident.started_at, incident.resolved_at) + "\n";
  for (const Event* event : facts.hands) text += "- " + time_text(event->at) + " " + plain(event->message) + "\n";
}

// The first and the last projection against what the recovery really took.
void projections(std::string& text, const Incident& incident, const ReportFacts& facts) {
  const auto words = [](const Event& e, const char* key) {
    return duration_words(Duration{static_cast<std::int64_t>(e.body.number(key).value_or(0) * 1000)});
  };
  if (facts.projections.empty()) return;
  const Event& first = *facts.projections.front();
  const Event& last = *facts.projections.back();
  text += "- Projected at its opening: " + words(first, "p50_seconds") + ", nine in ten within " + words(first, "p90_seconds");
  if (incident.recovered_at && !incident.recovery_said) {
    const double actual = in_seconds(*incident.recovered_at - incident.started_at);
    text += "; it took " + duration_words(*incident.recovered_at - incident.started_at) +
            (actual <= first.body.number("p90_seconds").value_or(0) ? ", within that" : ", longer than that");
  }
  text += ". Of " + std::to_string(facts.projections.size()) + " projections the last, at " + time_text(last.at) + ", said " +
          words(last, "p50_seconds") + ", nine in ten within " + words(last, "p90_seconds") + ".\n";
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
void impact(std::string& text, const Seen& seen, const Incident& incident, const ReportFacts& facts) {
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
  for (const KeptObjective& point : facts.points) {
    text += "- Recovery point of " + plain(point.component) + " (class " + std::string(class_name(point.of_class)) +
            "), as it stands at the time of this draft: ";
    text += point.why_none.empty() ? time_text(*point.recovery_point) + " from " + plain(point.source) : plain(point.why_none);
    if (point.actual)
      text +=
          "; what a loss would have cost: " + duration_words(*point.actual) +
          (point.estimated ? " (estimated: the source cannot be read, or nobody knows whether writes go on)" : " (read from the source)");
    if (point.target) text += "; RPO " + duration_words(*point.target);
    text += "\n";
  }
  projections(text, incident, facts);
  for (const auto& [from, until] : incident.looked_well)
    text += "- Looked well from " + time_text(from) + " to " + time_text(until) + " (" + duration_words(until - from) + "), and was not.\n";
}

// What nobody saw is no good time: it is told as what it is.
void gaps(std::string& text, const ReportFacts& facts) {
  heading(text, "Gaps in observation");
  for (const auto& [from, until] : facts.unwatched)
    text += "- " + time_text(from) + " to " + time_text(until) + " (" + duration_words(until - from) +
            "): drwatch was blind or did not run. What happened then is not in this report.\n";
  if (facts.unwatched.empty()) text += "None is known: drwatch watched from its start to its end.\n";
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

void steps_and_messages(std::string& text, const Incident& incident, const ReportFacts& facts) {
  heading(text, "Steps");
  for (const auto& step : incident.steps) text += step_line(step);
  if (incident.steps.empty()) text += "This scenario has none.\n";
  heading(text, "Steps that went otherwise");
  for (const Event* event : facts.deviations) text += "- " + time_text(event->at) + " " + plain(event->message) + "\n";
  if (facts.deviations.empty()) text += "None was skipped, failed, taken back, begun early or said against what drwatch saw.\n";
  heading(text, "Messages");
  for (const auto& message : incident.messages) {
    text += "- " + message.id + " to " + plain(message.audience) + ": " + std::string(state_name(message.state));
    text += message.sent_at ? ", sent " + time_text(*message.sent_at) + (message.by.empty() ? "" : " by " + plain(message.by)) : "";
    text += ". Drafted " + time_text(message.drafted_at) + ": " + plain(message.subject) + " (SHA-256 of subject and text " +
            sha256_hex(message.subject + "\n" + message.body) + ")\n";
  }
  if (incident.messages.empty()) text += "None was drafted.\n";
}

// By what it can be shown later that nothing of it was changed.
void evidence(std::string& text, const Incident& incident) {
  heading(text, "Evidence");
  for (const IncidentStep& step : incident.steps)
    if (!step.evidence.empty()) text += "- " + step.plan.id + ": SHA-256 " + sha256_hex(step.evidence) + "\n";
  if (!incident.timeline.empty())
    text += "- Events " + std::to_string(incident.timeline.front().seq) + " to " + std::to_string(incident.timeline.back().seq) +
            " of the journal, each chained to the one before: `drwatch incident export " + incident.id +
            "` writes them into a file that `drwatch journal verify` follows.\n";
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
  const ReportFacts facts = report_facts(seen, incident);
  impact(text, seen, incident, facts);
  clocks(text, incident, facts);
  gaps(text, facts);
  timeline(text, incident);
  steps_and_messages(text, incident, facts);
  evidence(text, incident);
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
