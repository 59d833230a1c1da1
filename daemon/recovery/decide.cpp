// SPDX-License-Identifier: Apache-2.0
// One input in, the events that follow from it out.
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/record/back.hpp"

#include <algorithm>

namespace drwatch {

namespace {
// Notes which components have to be judged again after the event.
void touch(Sight& sight, const Event& e) {
  constexpr std::string_view everything[] = {"daemon.started", "configuration.loaded", "probe.removed", "blind.began", "blind.ended"};
  if (e.kind == "probe.changed")
    sight.touched.insert(e.component);
  else if (std::find(std::begin(everything), std::end(everything), e.kind) != std::end(everything))
    sight.all_touched = true;
}
}  // namespace

void Deciding::emit(const char* kind, About about, std::string message, Body body) {
  Event e;
  e.seq = record().seq + 1;
  e.at = now;
  e.kind = kind;
  e.by = about.by;
  e.incident = about.incident;
  e.scenario = about.scenario;
  e.component = about.component;
  e.probe = about.probe;
  e.message = std::move(message);
  e.body = std::move(body);
  apply(record(), e);
  touch(state.sight, e);
  decision.events.push_back(std::move(e));
  settle_needed = true;
}

// Never now: a decision that asked for the same moment again would turn for ever.
void Deciding::wake(Time at) {
  Time t = std::max(at, now + Duration{1});
  if (!wake_at || t < *wake_at) wake_at = t;
}

Time Deciding::own_at(Time wall_time) const { return wall_time + ahead_after(now - wall, wall_time - wall); }

void Deciding::refuse(int status, std::string title, std::string detail, std::vector<std::string> list) {
  decision.refused = Refusal{status, std::move(title), std::move(detail), std::move(list)};
}

bool Deciding::dates_wait() {
  const std::optional<Time> until = state.sight.dates_wait_until;
  if (!until || now >= *until) return false;
  wake(*until);
  return true;
}

About Deciding::about(const Incident& incident, std::string by) const {
  return {.incident = incident.id, .scenario = incident.scenario, .by = std::move(by)};
}

namespace {

constexpr int most_passes = 64;  // no real chain of consequences comes near to this
// Below this the clock was only corrected; above it the machine slept or the wall clock was set.
constexpr Duration a_real_jump = minutes{1};
constexpr Duration believed_after = minutes{1};

// ---- inputs

// What the probe wants to be told at its next run, also after a restart. A text that is too long is dropped and not cut: half a memory
// would be misread.
void keep_memory(Deciding& d, const std::string& probe, const std::string& text) {
  const MemoryKept now{short_fingerprint(d.settings.probes.at(probe)), text.size() <= Outcome::most_memory ? text : ""};
  auto& memories = d.state.kept.memories;
  const auto was = memories.find(probe);
  if (was != memories.end() && was->second.of == now.of && was->second.text == now.text) return;
  memories[probe] = now;
  d.keep("memory/" + probe);
}

void forget_memory(Deciding& d, const std::string& probe) {
  if (d.state.kept.memories.erase(probe) > 0) d.keep("memory/" + probe);
}

// One run, in this order: what it says about writes and recovery points first, because the verdict on the source (held against its
// confirmer) and the objectives rest on it; then the health.
void take(Deciding& d, const Ran& input) {
  if (!d.settings.probes.count(input.probe)) return;
  if (input.outcome.memory) keep_memory(d, input.probe, *input.outcome.memory);
  if (input.late > Duration{0} && input.outcome.bad())
    return see_run(d, input.probe, std::make_shared<const Outcome>(seen_late(input.outcome, input.late)));
  see_writes(d, input.probe, input.outcome);
  see_recovery_point(d, input.probe, input.outcome, input.ahead);
  // What was latched, what a confirmer has shown and how a job has run may make the outcome worse than this run saw it.
  const auto& settings = d.settings.probes.at(input.probe);
  Outcome seen = settings.job && input.outcome.job
                     ? see_job_reading(d, input.probe, *settings.job, input.outcome)
                     : see_latches(d, input.probe, held_against_confirmer(d.state, d.settings, input.probe, input.outcome));
  seen.memory.reset();  // nobody else needs it
  see_run(d, input.probe, std::make_shared<const Outcome>(std::move(seen)));
  see_step_looked_at(d, input.probe);
  if (d.state.sight.ask_again.count(input.probe)) d.settle_needed = true;
  if (settings.backup) see_objectives(d, settings.backup->protects);
}

void take(Deciding& d, const Pinged& input) { see_ping(d, input); }

// Nothing has been seen since this start. The time since the process was last alive is noted in the event as time in which nobody watched:
// since it last said so, or decided anything.
void take(Deciding& d, const DaemonStarted& input) {
  std::optional<Time> alive = d.state.kept.alive_at;
  if (d.record().seq > 0) alive = std::max(alive.value_or(d.record().at), d.record().at);
  d.state.sight = {};
  d.state.sight.started_at = d.now;
  Body body{{"version", input.version}, {"alive_at", alive}};
  d.emit("daemon.started", {},
         "drwatch " + input.version + " started" + (alive ? "; nobody watched for " + duration_words(d.now - *alive) : ""), body);
  interrupt_commands(d);
}

void take(Deciding& d, const DaemonStopped& input) { d.emit("daemon.stopped", {}, "drwatch stopped: " + input.reason); }

template <class T>
std::vector<std::string> names_of(const std::map<std::string, T>& values) {
  std::vector<std::string> names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

// Probes that the new configuration does not have: what is recorded of them would stand for ever.
void forget_removed(Deciding& d) {
  std::vector<std::string> removed;
  for (const auto& [name, probe] : d.record().probes)
    if (!d.settings.probes.count(name)) removed.push_back(name);
  for (const std::string& name : removed) {
    d.emit("probe.removed", {.probe = name}, name + " is no longer configured");
    d.state.sight.probes.erase(name);
    forget_memory(d, name);
  }
}

void take(Deciding& d, const ConfigurationLoaded& input) {
  forget_removed(d);
  for (const std::string& name : input.changed_probes) {
    d.state.sight.probes[name] = {};  // its recorded health stands, but counts only when it has run with the new settings
    forget_memory(d, name);           // its memory is about what it looked at before
  }
  // The event carries the names of everything, so that a replay can drop what is configured no more without knowing the settings.
  std::vector<std::string> objectives, jobs;
  for (const auto& [name, component] : d.settings.components)
    for (DisasterClass c : all_classes)
      if (d.settings.rpo_of(name, c)) objectives.push_back(objective_key(name, c));
  for (const auto& [name, probe] : d.settings.probes)
    if (probe.job) jobs.push_back(name);
  d.emit("configuration.loaded", {},
         "configuration loaded: " + std::to_string(d.settings.probes.size()) + " probes of " +
             std::to_string(d.settings.components.size()) + " components, " + std::to_string(d.settings.scenarios.size()) + " scenarios",
         Body{{"hash", d.settings.hash},
              {"probes", names_of(d.settings.probes)},
              {"components", names_of(d.settings.components)},
              {"scenarios", names_of(d.settings.scenarios)},
              {"signals", names_of(d.settings.signals)},
              {"objectives", objectives},
              {"jobs", jobs},
              {"changed", input.changed_probes}});
}

void take(Deciding& d, const ConfigurationRefused& input) {
  d.emit("configuration.refused", {},
         "the new configuration was refused, the old one runs on: " +
             (input.problems.empty() ? std::string("no reason known") : input.problems.front()),
         Body{{"problems", input.problems}});
}

std::string words_of(const ClockJumped& input) {
  if (input.pause) return "drwatch did not run for " + duration_words(input.by);
  if (input.back > Duration{0})
    return "the clock was set back by " + duration_words(-input.by) + ", and drwatch goes on by it: later events have earlier times";
  return "the clock moved by " + std::string(input.by < Duration{0} ? "-" : "") + duration_words(std::chrono::abs(input.by));
}

// Own time is again what the wall's clock shows, which is what it was long ago. What was noted meanwhile is dated anew, as far back as own
// time goes (apply() does the same with the record), and everything is looked at anew.
void turn_back(Deciding& d, const ClockJumped& input) {
  for (const std::string& key : bring_back(d.state.kept, {.now = d.now, .was = input.from, .by = input.back})) d.keep(key);
  begin_looking_again(d);
  d.state.sight = {};
  d.state.sight.started_at = d.now;
}

// What was noted of the jobs that call in is by the wall's clock, which will tell these times again.
void turn_jobs_back(Deciding& d, Duration by) {
  for (const auto& [name, probe] : d.settings.probes)
    if (probe.calls_in() && bring_back(d.state.kept, "job/" + name, {.now = d.wall, .was = d.wall + by, .by = by})) d.keep("job/" + name);
}

// A jump forward and a pause mean that nobody watched meanwhile (the machine slept): that time is blind. If it is a minute or more,
// everything is looked at anew, and a clock that was set has to stand for a while before anything is done by its date.
void take(Deciding& d, const ClockJumped& input) {
  Body body{{"by_seconds", in_seconds(input.by)}};
  if (input.by > Duration{0}) body.set("blind_from", input.from);
  if (input.by < Duration{0}) body.set("wall", d.wall);
  if (input.back > Duration{0}) body.set("back_ms", static_cast<std::int64_t>(input.back.count())), body.set("was", input.from);
  d.emit("clock.jumped", {}, words_of(input), body);
  if (input.by < Duration{0}) turn_jobs_back(d, -input.by);
  if (input.back > Duration{0}) return turn_back(d, input);
  if (input.by < a_real_jump) return;
  begin_looking_again(d);
  if (!input.pause) d.state.sight.dates_wait_until = d.now + believed_after;
}

// Remembered in the record, so that it does not end with the witnesses, which see well again by the first run that was on time.
void take(Deciding& d, const LoopLate& input) {
  const bool known = late_loop(d.record());
  if (input.late == known) return;
  if (!input.late) {
    d.emit("blind.ended", {}, "drwatch can see again: it is on time", Body{{"since", d.record().blind_since}});
    return begin_looking_again(d);
  }
  const Time since = d.record().blind_since.value_or(input.since);
  d.emit("blind.began", {},
         "drwatch is blind: it is late itself, at every turn for " + duration_words(d.now - input.since) + "; nothing is called down",
         Body{{"since", since}, {"late_since", input.since}});
}

void take(Deciding& d, const JournalHealth& input) {
  if (input.failing == d.record().journal_failing) return;
  if (input.failing)
    d.emit("journal.failing", {}, "the journal cannot be written: " + input.message, Body{{"error", input.message}});
  else
    d.emit("journal.mended", {}, "the journal is written again");
}

void take(Deciding& d, const JournalResumed& input) {
  d.emit("journal.resumed", {},
         "the journal is written again; " + std::to_string(input.left_out) + (input.left_out == 1 ? " event was" : " events were") +
             " not written one by one since " + time_words(input.since) + ": what they led to is in this event",
         Body{{"left_out", input.left_out}, {"since", input.since}, {"record", body_of(d.record())}});
}

void take(Deciding& d, const CommandEnded& input) { command_ended(d, input); }
void take(Deciding& d, const Tick&) { d.settle_needed = true; }

template <class Order>
void take(Deciding& d, const Order& input) {
  order(d, input);
}

// ---- consequences

std::string kinds_of(const std::vector<Event>& events, std::size_t from) {
  std::string kinds;
  for (; from < events.size(); ++from) kinds += (kinds.empty() ? "" : ", ") + events[from].kind;
  return kinds;
}

// Judges everything in the order in which causes lead to effects, and again while any event follows, since an effect may be the cause of
// another. Two judgements that undo each other would go on for ever: after 64 passes it ends, the last kinds of events are reported in
// `endless`, and the next input goes on from there.
void settle(Deciding& d) {
  for (int pass = 0; pass < most_passes; ++pass) {
    std::size_t before = d.decision.events.size();
    d.wake_at.reset();
    judge_blindness(d);
    judge_jobs(d);
    judge_maintenance(d);
    judge_signals(d);
    judge_components(d);
    judge_objectives(d);
    judge_findings(d);
    judge_scenarios(d);
    judge_triggers(d);
    judge_steps(d);
    judge_exits(d);
    judge_messages(d);
    judge_drills(d);
    judge_projections(d);
    judge_alerts(d);
    if (d.decision.events.size() == before) return;
    if (pass + 1 == most_passes) d.decision.endless = kinds_of(d.decision.events, before);
  }
}

// `more`: other inputs of this instant follow, and their consequences are judged together, at the Tick after them. Otherwise a decision
// falls when the input asked for one or its time has come.
Decision decide(State& state, const Settings& settings, const Input& input, Time now, Duration ahead, bool more) {
  const auto* jumped = std::get_if<ClockJumped>(&input);
  const bool back = jumped && jumped->back > Duration{0};
  Deciding d{state, settings, back ? now : std::max(now, state.record.at), {}, {}, false, now - ahead};
  bool time_is_up = state.sight.due && d.now >= *state.sight.due;
  std::visit([&](const auto& i) { take(d, i); }, input);
  if (more) {
    if (d.settle_needed) state.sight.due = now;  // the Tick that is to come
    d.decision.due = state.sight.due;
    return std::move(d.decision);
  }
  if (d.settle_needed || time_is_up) {
    settle(d);
    state.sight.due = d.wake_at;
  }
  d.decision.due = state.sight.due;
  return std::move(d.decision);
}

}  // namespace

Decision decide(State& state, const Settings& settings, const Input& input, Time now, Duration ahead) {
  return decide(state, settings, input, now, ahead, false);
}

Decision decide_later(State& state, const Settings& settings, const Input& input, Time now, Duration ahead) {
  return decide(state, settings, input, now, ahead, true);
}

}  // namespace drwatch
