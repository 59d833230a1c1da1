// SPDX-License-Identifier: Apache-2.0
// An incident goes from one person to the next: handed with what is open, and theirs when they take it.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/rto.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t notes_told = 3, steps_told = 10;

void steps_left(const Incident& i, std::vector<std::string>& lines) {
  std::size_t more = 0;
  for (const IncidentStep& step : i.steps) {
    if (step.counts() || (i.chosen() && !i.needed(step))) continue;
    const bool touched = step.state != StepState::open;
    if (!step.plan.critical && !touched) continue;
    if (lines.size() >= steps_told + 1) {
      ++more;
      continue;
    }
    std::string line = "- " + step.plan.title + " (" + step.plan.id + "): ";
    if (step.against_evidence)
      line += against_words(step);
    else
      line += std::string(state_name(step.state)) + (step.by.empty() || !touched ? "" : ", " + step.by);
    if (step.started_at && !step.ended_at) line += ", since " + time_words(*step.started_at);
    if (step.plan.verify) line += ", drwatch verifies: " + step.plan.verify->text;
    lines.push_back(line);
  }
  if (more > 0) lines.push_back("- and " + std::to_string(more) + " more");
}

// What who takes it has to know, in the order in which they would ask.
std::string summary_of(const Deciding& d, const Incident& i) {
  std::string text = i.title + ", " + std::string(state_name(i.state)) + ", began " + time_words(i.started_at) + ", " +
                     duration_words(i.elapsed(d.now)) + " of " + duration_words(i.rto) + " (RTO " +
                     std::string(standing_name(judge_rto(i, d.now).standing)) + ")";
  for (const Evidence& e : because_now(d.state, d.settings, i, d.now)) text += "\nBecause: " + e.condition + " (" + e.evidence + ")";
  if (i.state == IncidentState::open) {
    text += "\nBack by: " + time_words(i.deadline());
    if (i.projection) text += "; decide by " + time_words(i.projection->decide_by);
  }
  std::vector<std::string> left;
  steps_left(i, left);
  text += left.empty() ? "\nNo critical step is open." : "\nOpen steps:";
  for (const std::string& line : left) text += "\n" + line;
  for (const IncidentMessage& m : i.messages)
    if (m.state != MessageState::sent)
      text += "\nMessage '" + m.id + "' to " + m.audience + ": " + std::string(state_name(m.state)) + ", not sent";
  std::vector<std::string> notes;
  for (auto e = i.timeline.rbegin(); e != i.timeline.rend() && notes.size() < notes_told; ++e)
    if (e->kind == "incident.noted") notes.push_back("\nNote, " + time_words(e->at) + ": " + e->message);
  for (auto note = notes.rbegin(); note != notes.rend(); ++note) text += *note;
  return text;
}

}  // namespace

// To the same person twice is once; to who has it already changes nothing.
void order(Deciding& d, const HandOver& o) {
  const auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  if (o.to.find_first_not_of(" \t\r\n") == std::string::npos) return d.refuse(422, "handed to nobody", "say to whom");
  if (i->handed_to == o.to || (i->handed_to.empty() && i->owner() == o.to)) return;
  d.emit("incident.handed", d.about(*i, o.by),
         i->title + " was handed to " + o.to + " by " + o.by + (o.note.empty() ? "" : ": " + o.note) + "; " +
             (i->owner().empty() ? "nobody has it" : i->owner() + " has it") + " until it is taken",
         Body{{"to", o.to}, {"from", null_if_empty(i->owner())}, {"note", o.note}, {"summary", summary_of(d, *i)}});
}

// By whom it was handed to, or by anybody else who sees that it has to be done.
void order(Deciding& d, const TakeOver& o) {
  const auto i = find_incident(d, o.incident);
  if (!i || refuse_final(d, *i)) return;
  const std::string to = i->handed_to, from = i->owner();
  if (to.empty() && from == o.by) return;
  std::string words = i->title + (from == o.by ? " stays with " + o.by : " was taken by " + o.by);
  if (!from.empty() && from != o.by) words += " from " + from;
  if (!to.empty() && to != o.by) words += "; it had been handed to " + to;
  d.emit("incident.taken", d.about(*i, o.by), words + (o.note.empty() ? "" : ": " + o.note),
         Body{{"from", null_if_empty(from)}, {"handed_to", null_if_empty(to)}, {"note", o.note}});
  if (!i->acknowledged_at) d.emit("incident.acknowledged", d.about(*i, o.by), i->title + " was taken by " + o.by, Body{{"note", o.note}});
}

}  // namespace drwatch
