// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/incidents/drill_ends.hpp"

#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/measured.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// How far ahead of drwatch's clock that of the machine that held the drill may be.
constexpr Duration clocks_apart = minutes{5};

const char* kind_of(const std::string& verdict) {
  return verdict == "passed"    ? "drill.passed"
         : verdict == "failed"  ? "drill.failed"
         : verdict == "partial" ? "drill.partial"
                                : "drill.aborted";
}

// What people's steps took in the drill. One that was ticked without having been begun could have begun when those before it were done.
Body step_durations(const HeldDrill& drill, const DrillEnd& end) {
  Body steps;
  for (const IncidentStep& step : drill.work.steps) {
    if (step.state != StepState::done || !step.ended_at || step.plan.id == drill_command || drill.recorded) continue;
    const auto begun = step.started_at ? step.started_at : could_begin(drill.work, step);
    if (begun && *begun <= *step.ended_at) steps.set(step.plan.id, in_seconds(*step.ended_at - *begun));
  }
  for (const auto& [id, took] : end.steps) steps.set(id, took);
  return steps;
}

std::string words_of(const HeldDrill& drill, const DrillEnd& end) {
  std::string text = "drill of " + drill.work.title + " " +
                     (end.verdict == "partial"   ? "is partial"
                      : end.verdict == "aborted" ? "was aborted"
                                                 : end.verdict);
  if (end.took) text += ": back in " + duration_words(of_seconds(*end.took)) + " of " + duration_words(drill.work.rto);
  if (end.lost) text += ", " + duration_words(of_seconds(*end.lost)) + " of data lost";
  if (!end.reason.empty()) text += "; " + end.reason;
  return text + (end.note.empty() ? "" : ": " + end.note);
}

// The classes of disaster that it shows a recovery from. A person who says nothing else speaks of the scenario's own.
std::vector<std::string> classes_of(const HeldDrill& drill, const DrillEnd& end) {
  return end.evidence ? end.evidence->classes : std::vector<std::string>{drill.work.of_class};
}

}  // namespace

void end_drill(Deciding& d, const HeldDrill& drill, const DrillEnd& end, const std::string& by) {
  const auto scenario = d.settings.scenarios.find(drill.work.scenario);
  const bool configured = scenario != d.settings.scenarios.end();
  const auto classes = classes_of(drill, end);
  const bool of_its_class = has(classes, drill.work.of_class), tabletop = drill.type == "tabletop";
  const std::string source = end.evidence ? end.evidence->source : "";
  std::vector<std::string> proven;
  if (end.verdict == "passed" && !tabletop)
    for (const std::string& each : classes) proven.push_back(each + (source.empty() ? "" : " from " + source));
  std::string words = words_of(drill, end);
  if (end.verdict == "passed" && tabletop) words += "; a tabletop proves the plan, not the recovery";
  if (end.verdict == "passed" && !tabletop && !of_its_class)
    words += "; it shows nothing of the class " + drill.work.of_class + ", which the scenario is about";
  Body body{{"type", drill.type},
            {"reason", end.reason},
            {"recovery_seconds", end.took},
            {"data_loss_seconds", end.lost},
            {"steps", step_durations(drill, end)},
            {"data_bytes", data_bytes(d.state, d.settings, drill.work.affects)},
            {"note", end.note},
            {"classes", classes},
            {"source", source},
            {"reads", end.evidence ? end.evidence->reads : ""},
            {"proven", proven},
            {"critical_hash", drill.critical_hash},
            {"rto_seconds", in_seconds(drill.work.rto)},
            {"rpo_seconds", drill.rpo_seconds},
            {"shows_rto", of_its_class},
            {"on_date", of_its_class && (!configured || counts_for_date(scenario->second, drill.type))}};
  if (end.evidence) {
    if (drill.recorded) body.set("held_at", end.evidence->ended_at);
    body.set("document", evidence_body(end.evidence->text));
  }
  if (drill.recorded) body.set("drill", drill);
  d.emit(kind_of(end.verdict), {.incident = drill.work.id, .scenario = drill.work.scenario, .by = by}, words, body);
  d.decision.subject = drill.work.id;
}

namespace {

DrillEnd end_by(const DrillEvidence& evidence) {
  DrillEnd end;
  const EvidenceVerdict judged = verdict_of(evidence);
  end.verdict = judged.verdict;
  end.reason = judged.reason;
  end.took = evidence.took_seconds;
  end.lost = evidence.lost_seconds;
  end.evidence = evidence;
  return end;
}

// Steps of the checklist by the name of a check that passed.
void tick_by_checks(Deciding& d, const HeldDrill& drill, const DrillEvidence& evidence) {
  for (const DrillCheck& check : evidence.checks) {
    const IncidentStep* step = drill.work.step(check.name);
    if (!step || step->closed() || check.verdict != "passed") continue;
    d.emit("step.done", d.about(drill.work), "'" + step->plan.title + "' was done by the drill's command",
           Body{{"step", check.name}, {"evidence", check.detail.empty() ? "checked by the drill's command" : check.detail}});
  }
}

// How a drill ends whose command left nothing that can be read.
DrillEnd end_without(const CommandEnded& ended, const std::string& wrong) {
  constexpr int timed_out = 124, could_not_run = 2, cannot_be_started = 127, by_a_signal = 128;
  DrillEnd end;
  const std::string why = wrong.empty() ? "it left no evidence" : "its evidence is not understood: " + wrong;
  if (ended.exit_code == 0) {
    end.verdict = "partial";
    end.reason = "its command ran to its end, but " + why;
  } else if (ended.exit_code == could_not_run || ended.exit_code == cannot_be_started) {
    end.verdict = "aborted";
    end.reason = "its command could not run: " + end_of_output(ended.output);
  } else if (ended.exit_code > by_a_signal) {  // somebody ended it: of the copy that says nothing
    end.verdict = "aborted";
    end.reason = "its command was ended by signal " + std::to_string(ended.exit_code - by_a_signal) + ", and " + why;
  } else {
    end.verdict = "failed";
    end.reason = ended.exit_code == timed_out ? "its command did not end within its timeout"
                                              : "its command ended with exit code " + std::to_string(ended.exit_code) + ", and " + why;
  }
  return end;
}

DrillEnd end_by_command(const Deciding& d, const HeldDrill& drill, const CommandEnded& ended) {
  const EvidenceRead read = ended.evidence.empty() ? EvidenceRead{std::nullopt, ended.evidence_wrong} : read_evidence(ended.evidence);
  if (!read.evidence) return end_without(ended, read.wrong);
  // A file of another day would tell of another drill.
  if (read.evidence->began_at < drill.wall_at.value_or(drill.work.started_at) - clocks_apart ||
      read.evidence->ended_at > d.wall + clocks_apart)
    return end_without(ended, "it is of " + time_words(read.evidence->began_at) + " and not of this drill");
  DrillEnd end = end_by(*read.evidence);
  if (end.verdict == "passed" && ended.exit_code != 0) {
    end.verdict = "failed";
    end.reason = "its command ended with exit code " + std::to_string(ended.exit_code) + " although its evidence says that it passed";
  }
  if (!drill.measures.empty() && end.took && end.verdict == "passed") end.steps[drill.measures] = *end.took;
  return end;
}

}  // namespace

// A drill whose command is all of it ends with the command. In a full one people go on, unless the command has shown that it failed.
void drill_command_ended(Deciding& d, const HeldDrill& drill, const CommandEnded& ended) {
  const Incident& work = drill.work;
  const IncidentStep* step = work.step(ended.step);
  if (!step || step->state != StepState::running) return;
  const std::string title = "'" + step->plan.title + "'", tail = end_of_output(ended.output);
  Body body{{"step", ended.step}, {"exit_code", ended.exit_code}, {"evidence", tail}};
  if (!ended.cancelled_by.empty()) {
    body.set("cancelled_by", ended.cancelled_by);
    d.emit("step.failed", d.about(work, ended.cancelled_by), title + " was cancelled by " + ended.cancelled_by, body);
    if (work.live()) abort_drill(d, work.id, ended.cancelled_by, "its command was cancelled");
    return;
  }
  const DrillEnd end = end_by_command(d, drill, ended);
  if (end.evidence && work.live()) body.set("document", evidence_body(end.evidence->text));
  d.emit(ended.exit_code == 0 ? "step.done" : "step.failed", d.about(work),
         title + (ended.exit_code == 0 ? " ran to its end" : " failed with exit code " + std::to_string(ended.exit_code)), body);
  if (!work.live()) return;
  if (end.evidence) tick_by_checks(d, drill, *end.evidence);
  const HeldDrill now = d.record().drilling.held.at(work.id);
  const auto open = [&](const IncidentStep& each) { return now.work.gates(each) && !each.closed(); };
  if (now.type == "full" && end.verdict == "passed" && std::any_of(now.work.steps.begin(), now.work.steps.end(), open)) return;
  end_drill(d, now, end, "drwatch");
}

namespace {

// True: what is handed in cannot be taken, and the refusal is written.
bool refuse_record(Deciding& d, const RecordDrill& o, const Scenario& scenario) {
  if (!o.evidence.empty()) return false;
  if (o.passed && !o.took && o.type != "tabletop") {
    d.refuse(422, "what the drill took is not said", "without it a drill shows nothing; give the time to recover");
    return true;
  }
  if (o.took && *o.took < seconds{1}) {
    d.refuse(422, "no recovery takes less than a second", "give the time to recover, as in 25m, or leave it out");
    return true;
  }
  for (const auto& [id, took] : o.steps)
    if (std::none_of(scenario.steps.begin(), scenario.steps.end(), [&](const Step& s) { return s.id == id; })) {
      d.refuse(422, "no step '" + id + "' in " + o.scenario, "'drwatch runbook show " + o.scenario + "' lists them");
      return true;
    }
  return false;
}

// The end that the document stands for; nullopt: refused.
std::optional<DrillEnd> end_by_document(Deciding& d, const RecordDrill& o) {
  EvidenceRead read = read_evidence(o.evidence);
  if (!read.evidence) {
    d.refuse(422, "the evidence is not understood",
             read.wrong + "; hand in the file that drwatch-restore-drill --evidence wrote, as it is");
    return std::nullopt;
  }
  if (read.evidence->ended_at > d.wall + clocks_apart) {
    d.refuse(422, "the drill lies in the future", "its evidence says that it ended at " + time_words(read.evidence->ended_at));
    return std::nullopt;
  }
  // The same document again is the same drill.
  for (const auto& [id, held] : d.record().drilling.held)
    if (held.work.scenario == o.scenario && held.evidence == read.evidence->text) {
      d.decision.subject = id;
      return std::nullopt;
    }
  return end_by(*read.evidence);
}

}  // namespace

// A drill that people held, as they report it, or by the document that it left. One that passed shows the RTO for a time; its steps are
// samples for projections.
void order(Deciding& d, const RecordDrill& o) {
  d.decision.subject = o.scenario;
  auto scenario = d.settings.scenarios.find(o.scenario);
  if (scenario == d.settings.scenarios.end()) {
    std::vector<std::string> names;
    for (const auto& [name, each] : d.settings.scenarios) names.push_back(name);
    auto near = config::nearest(o.scenario, names);
    return d.refuse(404, "no scenario '" + o.scenario + "'", near ? "did you mean '" + *near + "'?" : "'drwatch runbook list' shows them",
                    names);
  }
  if (refuse_record(d, o, scenario->second)) return;
  DrillEnd end;
  if (!o.evidence.empty()) {
    auto by_document = end_by_document(d, o);
    if (!by_document) return;
    end = std::move(*by_document);
  } else {
    end.verdict = o.passed ? "passed" : "failed";
    if (o.took) end.took = in_seconds(*o.took);
    if (o.lost) end.lost = in_seconds(*o.lost);
    for (const auto& [id, took] : o.steps) end.steps[id] = in_seconds(took);
  }
  end.note = o.note;
  HeldDrill drill = new_drill(d, scenario->second, o.by, o.type.empty() ? (o.evidence.empty() ? "full" : "restore") : o.type);
  drill.recorded = true;
  drill.claim.reset();  // of the moment of writing it down, which says nothing about the drill
  drill.work.started_by = "written down afterwards";
  if (end.evidence) {
    drill.work.started_at = end.evidence->began_at;
    if (end.evidence->claimed) drill.claim = DrillClaim{*end.evidence->claimed, end.evidence->source, std::nullopt};
  } else if (end.took) {
    drill.work.started_at = d.now - of_seconds(*end.took);
  }
  end_drill(d, drill, end, o.by);
}

}  // namespace drwatch
