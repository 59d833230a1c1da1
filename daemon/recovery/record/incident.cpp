// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/record/incident.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {

std::string_view state_name(IncidentState s) {
  switch (s) {
    case IncidentState::open:
      return "open";
    case IncidentState::recovered:
      return "recovered";
    case IncidentState::resolved:
      return "resolved";
    case IncidentState::absorbed:
      return "absorbed";
    case IncidentState::aborted:
      return "aborted";
  }
  return "";
}

std::string_view state_name(StepState s) {
  switch (s) {
    case StepState::open:
      return "open";
    case StepState::started:
      return "started";
    case StepState::running:
      return "running";
    case StepState::done:
      return "done";
    case StepState::skipped:
      return "skipped";
    case StepState::failed:
      return "failed";
    case StepState::interrupted:
      return "interrupted";
  }
  return "";
}

std::string_view state_name(MessageState s) {
  switch (s) {
    case MessageState::draft:
      return "draft";
    case MessageState::approved:
      return "approved";
    case MessageState::sent:
      return "sent";
    case MessageState::failed:
      return "failed";
  }
  return "";
}

std::string_view severity_name(Severity s) { return s == Severity::critical ? "critical" : "warning"; }

std::string_view moment_name(Message::When moment) {
  switch (moment) {
    case Message::When::opened:
      return "opened";
    case Message::When::update:
      return "update";
    case Message::When::recovered:
      return "recovered";
    case Message::When::resolved:
      return "resolved";
  }
  return "";
}

namespace {
template <class T>
std::optional<T> named(std::string_view name, std::string_view (*name_of)(T), std::initializer_list<T> all) {
  for (T each : all)
    if (name_of(each) == name) return each;
  return std::nullopt;
}
}  // namespace

std::optional<IncidentState> parse_incident_state(std::string_view name) {
  using enum IncidentState;
  return named<IncidentState>(name, state_name, {open, recovered, resolved, absorbed, aborted});
}
std::optional<StepState> parse_step_state(std::string_view name) {
  using enum StepState;
  return named<StepState>(name, state_name, {open, started, running, done, skipped, failed, interrupted});
}
std::optional<MessageState> parse_message_state(std::string_view name) {
  using enum MessageState;
  return named<MessageState>(name, state_name, {draft, approved, sent, failed});
}
std::optional<Severity> parse_severity(std::string_view name) {
  return named<Severity>(name, severity_name, {Severity::critical, Severity::warning});
}
std::optional<Message::When> parse_moment(std::string_view name) {
  using enum Message::When;
  return named<Message::When>(name, moment_name, {opened, update, recovered, resolved});
}

const IncidentStep* Incident::step(std::string_view id_) const {
  auto it = std::find_if(steps.begin(), steps.end(), [&](const IncidentStep& s) { return s.plan.id == id_; });
  return it == steps.end() ? nullptr : &*it;
}
IncidentStep* Incident::step(std::string_view id_) {
  auto it = std::find_if(steps.begin(), steps.end(), [&](const IncidentStep& s) { return s.plan.id == id_; });
  return it == steps.end() ? nullptr : &*it;
}

// The clock of an incident that is not open has stopped: at its recovery, when it was resolved without one, or when it went on in another.
Duration Incident::elapsed(Time now) const {
  Time until = state == IncidentState::open ? now : recovered_at.value_or(resolved_at.value_or(absorbed_at.value_or(now)));
  return std::max(until - started_at, Duration{0});
}

bool Incident::chosen(std::string_view option) const {
  return std::any_of(steps.begin(), steps.end(), [&](const IncidentStep& s) {
    return s.plan.option == option && s.state != StepState::open && s.state != StepState::skipped;
  });
}
bool Incident::chosen() const {
  return std::any_of(steps.begin(), steps.end(), [&](const IncidentStep& s) { return !s.plan.option.empty() && chosen(s.plan.option); });
}

std::string against_words(const IncidentStep& step) {
  return (step.state == StepState::skipped ? "skipped, says " : "said to be done by ") + step.by + ", against what drwatch sees" +
         (step.evidence.empty() ? "" : ": " + step.evidence);
}

ToldApart told_apart(const Incident& incident) {
  ToldApart apart;
  if (!incident.second) return apart;
  for (const std::string& condition : incident.second->tells_apart) {
    const bool holds =
        std::any_of(incident.because.begin(), incident.because.end(), [&](const Evidence& e) { return e.condition == condition; });
    (holds ? apart.against : apart.missing).push_back(condition);
  }
  return apart;
}

// A step before it that belongs to an option nobody took is not waited for, once another option was chosen.
bool Incident::ready(const IncidentStep& s) const { return waits_for(s).empty(); }

std::string for_incident(std::string guide, const std::string& id) {
  constexpr std::string_view command = "drwatch incident ", placeholder = " ID";
  for (std::size_t at = guide.find(command); at != std::string::npos; at = guide.find(command, at)) {
    at += command.size();
    const std::size_t word = guide.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
    if (word == std::string::npos || word == at || guide.compare(word, placeholder.size(), placeholder) != 0) continue;
    const std::size_t end = word + placeholder.size();
    const auto goes_on = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
    if (end < guide.size() && goes_on(static_cast<unsigned char>(guide[end]))) continue;  // another word
    guide.replace(word + 1, placeholder.size() - 1, id);
    at = word;
  }
  return guide;
}

std::optional<Time> Incident::update_due() const {
  std::optional<Time> due;
  for (const Message& plan : message_plans) {
    if (plan.when != Message::When::update) continue;
    const auto last = std::find_if(messages.begin(), messages.end(), [&](const IncidentMessage& m) { return m.id == plan.id; });
    Time at = opened_at + plan.every.value_or(usual_update);
    if (last != messages.end()) at = last->sent_at ? *last->sent_at + plan.every.value_or(usual_update) : last->drafted_at;
    due = due ? std::min(*due, at) : at;
  }
  return due;
}

std::vector<std::string> Incident::waits_for(const IncidentStep& s) const {
  std::vector<std::string> open;
  for (const std::string& before : s.plan.after) {
    const IncidentStep* other = step(before);
    if (other && !other->closed() && (needed(*other) || !chosen())) open.push_back(before);
  }
  return open;
}

}  // namespace drwatch
