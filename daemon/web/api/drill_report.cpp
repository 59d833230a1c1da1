// SPDX-License-Identifier: Apache-2.0
// What a drill's record has to hold for an auditor (SOC 2 A1.3, ISO 22301 8.5): who, what, when, on which data, against which objectives,
// step by step, what was measured and how it was checked. What people have to say stands there as blanks.
#include "daemon/web/api/drill_report.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

// What others wrote, on one line: it must not become a heading, a link or HTML of the report.
std::string quoted_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string said(const View& in, const char* key, const char* otherwise = "not said") {
  const auto found = in.find(key);
  if (found == in.end() || found->is_null()) return otherwise;
  return quoted_text(found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, View::error_handler_t::replace));
}

std::string seconds_text(const std::optional<double>& seconds) { return seconds ? duration_words(of_seconds(*seconds)) : "not measured"; }
std::string seconds_of(const View& in, const char* key) {
  const auto found = in.find(key);
  return found != in.end() && found->is_number() ? duration_words(of_seconds(found->get<double>())) : "not measured";
}

void section(std::string& text, const char* title) { text += "\n## " + std::string(title) + "\n\n"; }
void line(std::string& text, const char* name, const std::string& value) { text += "- " + std::string(name) + ": " + value + "\n"; }

std::string moment_text(const std::optional<Time>& at, const char* otherwise = "not said") { return at ? time_text(*at) : otherwise; }

std::string trigger_words(const HeldDrill& drill) {
  if (drill.recorded) return "held elsewhere, and written down";
  return drill.by_calendar ? "scheduled: drwatch began it by its calendar" : drill.planned_at ? "scheduled, begun by a person" : "ad hoc";
}

std::vector<std::string> participants(const HeldDrill& drill) {
  std::vector<std::string> names;
  for (const Event& e : drill.work.timeline)
    if (e.by != "drwatch" && std::find(names.begin(), names.end(), e.by) == names.end()) names.push_back(e.by);
  return names;
}

std::string people(const HeldDrill& drill) {
  std::string text;
  for (const auto& name : participants(drill)) text += (text.empty() ? "" : ", ") + quoted_text(name);
  return text.empty() ? "none but drwatch" : text;
}

void identity(std::string& text, const Seen& seen, const HeldDrill& drill) {
  const Incident& work = drill.work;
  text += "# DRILL: " + quoted_text(work.title) + ": " + work.id + "\n\nWritten by drwatch at " + time_text(seen.now) +
          ". What drwatch saw is filled in; blanks are for people.\n";
  section(text, "The drill");
  line(text, "Result",
       drill.verdict.empty() ? "it goes on" : "**" + drill.verdict + "**" + (drill.reason.empty() ? "" : ": " + quoted_text(drill.reason)));
  line(text, "Type", drill.type + (drill.type == "tabletop" ? " (proves the plan, not the recovery)" : ""));
  line(text, "Scenario", work.scenario + ", runbook " + (work.scenario_hash.empty() ? "not hashed" : work.scenario_hash.substr(0, 16)));
  std::string affects;
  for (const auto& component : work.affects) affects += (affects.empty() ? "" : ", ") + component;
  line(text, "Systems", (affects.empty() ? "none named" : affects) + " (class " + work.of_class + ")");
  line(text, "Planned for", moment_text(drill.planned_at, "no date: it was not due"));
  line(text, "Began", time_text(work.started_at));
  line(text, "Ended", moment_text(work.resolved_at, "not yet"));
  line(text, "Trigger", trigger_words(drill));
  line(text, "Begun by", quoted_text(work.opened_by));
  line(text, "Led by", work.acknowledged_by.empty() ? "________" : quoted_text(work.acknowledged_by));
  line(text, "Participants, as drwatch knows them", people(drill));
  line(text, "Observer, and who approves", "________");
}

// The time of the recovery and what was lost, each with the objective of that time and how it is known.
void figures(std::string& text, const HeldDrill& drill, const View& evidence) {
  section(text, "Objectives and what was measured");
  const double rto = in_seconds(drill.work.rto);
  text += "| | objective | actual | |\n| --- | --- | --- | --- |\n";
  text += "| RTO | " + duration_words(drill.work.rto) + " | " + seconds_text(drill.recovery_seconds) + " | " +
          (!drill.recovery_seconds         ? ""
           : *drill.recovery_seconds > rto ? "missed"
                                           : "kept") +
          " |\n";
  text += "| RPO | " + (drill.rpo_seconds ? duration_words(of_seconds(*drill.rpo_seconds)) : "none") + " | " +
          seconds_text(drill.data_loss_seconds) + " | " +
          (!drill.data_loss_seconds || !drill.rpo_seconds  ? ""
           : *drill.data_loss_seconds > *drill.rpo_seconds ? "missed"
                                                           : "kept") +
          " |\n\n";
  line(text, "How the time was measured",
       evidence.is_object() ? "by the drill's command, phase by phase (below)"
       : drill.recorded     ? "as " + quoted_text(drill.work.opened_by) + " reports it"
                            : "from the beginning to the end of the last critical step");
  if (evidence.is_object())
    line(text, "How the loss was measured",
         "from the disaster at " + said(evidence, "disaster_at") + " back to the newest beat that was restored, " +
             said(evidence, "restored_to"));
  if (drill.claim)
    line(text, "What drwatch had claimed",
         "restorable to " + time_text(drill.claim->at) + " by " + quoted_text(drill.claim->source) +
             (drill.claim->exposure_seconds ? ", a loss of " + seconds_text(drill.claim->exposure_seconds) : ""));
  std::string proves;
  for (const auto& each : drill.proves) proves += (proves.empty() ? "" : "; ") + quoted_text(each);
  line(text, "What it proves", proves.empty() ? "nothing" : "recovery after a disaster of class " + proves);
}

void data_set(std::string& text, const View& evidence) {
  section(text, "Environment and data");
  if (!evidence.is_object()) {
    text += "No evidence was handed in. Environment (scratch or production), backup, its age and size: ________\n";
    return;
  }
  const View none = View::object();
  const auto part = [&](const char* key) -> const View& {
    const auto found = evidence.find(key);
    return found != evidence.end() && found->is_object() ? *found : none;
  };
  const View& copy = part("copy");
  line(text, "Environment", "a scratch copy");
  line(text, "Copy",
       said(copy, "reads") + " " + said(copy, "label", "") + ", taken " + said(copy, "taken_at") + ", chosen: " + said(copy, "chosen"));
  for (const char* key : {"machine", "postgresql"})
    for (const auto& [name, value] : part(key).items())
      line(text, (std::string(key) + ", " + quoted_text(name)).c_str(), said(part(key), name.c_str()));
  const View& measured = part("measured");
  const auto phases = measured.find("phases");
  if (phases == measured.end() || !phases->is_array() || phases->empty()) return;
  text += "\n| phase | took | bytes |\n| --- | --- | --- |\n";
  for (const auto& phase : *phases)
    text += "| " + said(phase, "name") + " | " + seconds_of(phase, "seconds") + " | " + said(phase, "bytes", "") + " |\n";
}

void checks(std::string& text, const View& evidence) {
  section(text, "Verification");
  const auto list = evidence.is_object() ? evidence.find("checks") : evidence.end();
  if (list == evidence.end() || !list->is_array() || list->empty()) {
    text += "No checks were handed in. What was verified, with what was expected and what was found: ________\n";
    return;
  }
  text += "| check | must | verdict | |\n| --- | --- | --- | --- |\n";
  for (const auto& check : *list)
    text += "| " + said(check, "name") + " | " + (check.value("mandatory", false) ? "yes" : "no") + " | " + said(check, "verdict") + " | " +
            said(check, "detail", "") + " |\n";
}

void steps(std::string& text, const HeldDrill& drill) {
  section(text, "Steps");
  if (drill.recorded) text += "The drill was held elsewhere; its steps were not followed here.\n";
  std::string deviations;
  for (const IncidentStep& step : drill.work.steps) {
    if (drill.recorded) break;
    text += "- [" + std::string(step.state == StepState::done ? "x" : " ") + "] **" + quoted_text(step.plan.title) + "** (" + step.plan.id +
            (step.plan.critical ? ", critical" : "") + "): " + std::string(state_name(step.state));
    if (step.started_at) text += ", started " + time_text(*step.started_at);
    if (step.ended_at) text += ", ended " + time_text(*step.ended_at);
    if (!step.by.empty()) text += ", by " + quoted_text(step.by);
    text += "\n";
    if (!step.evidence.empty()) text += "  - Evidence: " + quoted_text(step.evidence) + "\n";
    if (!step.note.empty()) text += "  - Note: " + quoted_text(step.note) + "\n";
    if (step.plan.critical && step.state != StepState::done)
      deviations += "- " + quoted_text(step.plan.title) + ": " + std::string(state_name(step.state)) +
                    (step.note.empty() ? "" : " (" + quoted_text(step.note) + ")") + "\n";
  }
  section(text, "Deviations from the runbook");
  text += deviations.empty() ? "None that drwatch saw.\n" : deviations;
}

void communication(std::string& text, const HeldDrill& drill) {
  section(text, "Messages, all marked DRILL");
  for (const IncidentMessage& message : drill.work.messages)
    text += "- " + message.id + " to " + quoted_text(message.audience) + ": " + std::string(state_name(message.state)) + "\n";
  if (drill.work.messages.empty()) text += "None.\n";
  section(text, "Timeline (UTC)");
  for (const Event& event : drill.work.timeline)
    text += "- " + time_text(event.at) + " " + event.kind + " (" + std::to_string(event.seq) + ")" +
            (event.by == "drwatch" ? "" : " by " + quoted_text(event.by)) + ": " + quoted_text(event.message) + "\n";
}

}  // namespace

std::string drill_report(const Seen& seen, const HeldDrill& drill) {
  const View evidence = View::parse(drill.evidence, nullptr, false);
  std::string text;
  identity(text, seen, drill);
  figures(text, drill, evidence);
  data_set(text, evidence);
  checks(text, evidence);
  steps(text, drill);
  communication(text, drill);
  section(text, "Findings and follow-up");
  text +=
      "Each with an owner and a date; a drill that failed counts as evidence when it is followed up.\n\n| finding | owner | due | ticket | "
      "closed |\n"
      "| --- | --- | --- | --- | --- |\n| | | | | |\n";
  section(text, "Revision of the plan, and sign-off");
  text +=
      "Changes to the runbook: ________\n\nSigned off by ________ on ________\n\nThe events above are in drwatch's journal under their "
      "numbers, each chained to the one before: `drwatch journal verify FILE`.\n";
  return text;
}

View drill_report_view(const Seen& seen, const HeldDrill& drill) {
  View view{{"drafted_at", time_view(seen.now)}, {"trigger", trigger_words(drill)}, {"participants", participants(drill)}};
  view.update(held_drill_view(seen, drill, true));
  View& deviations = view["deviations"] = View::array();
  for (const IncidentStep& step : drill.work.steps)
    if (!drill.recorded && step.plan.critical && step.state != StepState::done) deviations.push_back(step.plan.id);
  for (const char* theirs : {"observer", "findings", "revision", "signed_off_by"}) view[theirs] = nullptr;
  return view;
}

}  // namespace drwatch::web
