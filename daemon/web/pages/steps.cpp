// SPDX-License-Identifier: Apache-2.0
// The work on an incident: which step is next, and the forms that each step has as things stand.
#include "config/rows/encoding.hpp"
#include "daemon/recovery/record/held.hpp"
#include "daemon/web/pages/incident.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

std::string tick(const std::string& state, bool against) {
  if (against) return "?";
  if (state == "done") return "✓";
  if (state == "skipped") return "–";
  if (state == "failed" || state == "interrupted") return "!";
  return state == "open" ? "" : "…";
}

std::string kind_words(const std::string& kind) {
  return kind == "verified" ? "drwatch verifies it" : kind == "command" ? "a command" : "a person does it";
}

bool is_closed(const View& step) { return step["closed"] == true; }
bool in_hand(const View& step) { return step["state"] == "started" || step["state"] == "running"; }
bool stuck(const View& step) { return step["state"] == "failed" || step["state"] == "interrupted"; }
bool is_peoples(const View& step) { return step["peoples"] == true; }

// The step that a person should look at first: what failed under their hands, what they have begun, what may begin, and last what drwatch
// is waiting to see. nullptr: nothing is left. A step of an option that was not chosen is nobody's.
const View* next_of(const View& steps) {
  const auto first = [&steps](auto&& is) -> const View* {
    for (const auto& step : steps)
      if (!is_closed(step) && step["passed_over"] == false && is(step)) return &step;
    return nullptr;
  };
  if (const auto* found = first([](const View& s) { return stuck(s) && is_peoples(s); })) return found;
  if (const auto* found = first([](const View& s) { return in_hand(s) && is_peoples(s); })) return found;
  if (const auto* found = first([](const View& s) { return s["ready"] == true && is_peoples(s); })) return found;
  return first([](const View& s) { return s["critical"] == true || !is_peoples(s); });
}

// The first steps of ways that exclude each other, when one has to be chosen and nothing critical comes before that. Empty: nothing has to.
std::vector<std::size_t> ways_of(const View& steps, const Incident& incident, const View* next) {
  if (incident.chosen() || (next && (*next)["critical"] == true && (*next)["option"].is_null() && is_peoples(*next))) return {};
  std::vector<std::size_t> ways;
  for (std::size_t n = 0; n < steps.size(); ++n) {
    const View& step = steps[n];
    if (is_closed(step) || step["option"].is_null() || step["ready"] == false || !is_peoples(step)) continue;
    if (std::none_of(ways.begin(), ways.end(), [&](std::size_t way) { return steps[way]["option"] == step["option"]; })) ways.push_back(n);
  }
  return ways.size() < 2 ? std::vector<std::size_t>{} : ways;
}

// A command that a person may have run now.
struct Offered {
  FilledCommand filled;
  std::string confirm;
};

// Which forms a step has now. All of them can be sent by mistake, or twice: the heart refuses what does not fit.
View forms_of(const View& step, const Offered* command, const std::string& place) {
  const bool closed = is_closed(step), running = step["state"] == "running", verified = !is_peoples(step);
  const bool starts = step["kind"] != "verified";
  View forms;
  forms["place"] = place;
  forms["id"] = step["id"];
  forms["title"] = step["title"];
  forms["can_cancel"] = running;
  forms["can_start"] = !closed && !running && starts && step["state"] != "started";
  forms["can_done"] = !closed && !running && !verified;
  forms["can_tick"] = !closed && verified;
  forms["can_skip"] = !closed && !running;
  forms["can_undo"] = step["state"] != "open" && !running;
  forms["critical"] = step["critical"];
  forms["verified"] = verified;
  forms["started"] = step["state"] == "started";
  forms["run"] = nullptr;
  if (command && !closed && !running) {
    View argv = View::array();
    for (const auto& word : command->filled.argv) argv.push_back(View{{"exactly", word}});
    forms["run"] = {{"argv", std::move(argv)},
                    {"confirm", command->confirm},
                    {"missing_words", text_or_null(words_of(View(command->filled.missing)))},
                    {"again", stuck(step)},
                    {"waits", step["ready"] == false}};
    forms["can_start"] = false;  // to run it is to start it
  }
  return forms;
}

}  // namespace

std::string confirm_of(const IncidentStep& step, const FilledCommand& filled) {
  std::string asked;
  for (std::size_t n = 0; n < step.plan.run.size(); ++n) {
    const std::string& word = step.plan.run[n];
    // What goes on with the clock is no other command.
    const bool runs_on = word.find("{{now}}") != std::string::npos || word.find("{{elapsed}}") != std::string::npos ||
                         word.find("{{exposure}}") != std::string::npos;
    asked += (runs_on ? word : filled.argv[n]) + '\n';
  }
  return sha256_hex(asked).substr(0, 16);
}

void word_step(View& step, bool drill) {
  const std::string state = step["state"];
  const bool closed = state == "done" || state == "skipped";
  step["closed"] = closed;
  const bool against = step["against_evidence"] == true;
  step["tick"] = tick(state, against);
  step["tick_class"] = against ? "failed" : state;  // as what does not hold
  step["waits"] = state == "open" && step["ready"] == false && step["kind"] != "verified";
  step["after_words"] = words_of(step["after"]);
  // In a drill nothing is verified, for production is well: a person says it of the copy.
  step["peoples"] = drill || step["kind"] != "verified";
  step["kind_words"] = kind_words(drill && step["kind"] == "verified" ? "person" : step["kind"]);
  step["expect_words"] = text_or_null(seconds_words(step["expect_seconds"]));
  step["guide_html"] = step["guide"].is_null() ? View(nullptr) : View(markdown_html(step["guide"]));
  step["guide_open"] = state == "started" || state == "running" || stuck(step);
  std::string done;
  if (closed && !step["ended_at"].is_null())
    done = state + " at " + moment_words(step["ended_at"]);
  else if (!step["started_at"].is_null())
    done = "started at " + moment_words(step["started_at"]);
  // Who closed it; of one that goes on, or has failed, who began.
  const View& who = closed || step["started_by"].is_null() ? step["by"] : step["started_by"];
  if (!done.empty() && !who.is_null())
    done += against ? ", said by " + who.get<std::string>() + ", against what drwatch sees" : " by " + who.get<std::string>();
  if (stuck(step) && step["run"].is_object() && !step["run"]["exit_code"].is_null())
    done += "; failed with exit code " + std::to_string(step["run"]["exit_code"].get<int>()) + " at " + moment_words(step["ended_at"]);
  step["done_sentence"] = text_or_null(std::move(done));
  if (View& verify = step["verify"]; !verify.is_null()) {
    verify["hold_words"] = seconds_words(verify["hold_seconds"]);
    verify["proves_nothing"] = verify["proves"] == false && !drill;
    verify["in_drill"] = drill;
  }
  if (View& run = step["run"]; !run.is_null()) run["argv_words"] = words_of(run["argv"], " ");
}

namespace {

// The same for as long as nothing has happened in the incident: sent twice, a form is done once.
std::string key_of(const Call& call, const Incident& incident) {
  const std::string last = incident.timeline.empty() ? "" : std::to_string(incident.timeline.back().seq);
  return sha256_hex(call.caller.session + "\n" + incident.id + "\n", last).substr(0, 24);
}

// A drill's own command is begun with the drill: a person can but cancel it.
bool is_drills_own(const Incident& incident, const IncidentStep& step) { return incident.drill && step.plan.id == drill_command; }

void add_forms(View& step, const View& shared, const Offered* command, const std::string& place) {
  View forms = forms_of(step, command, place);
  forms.update(shared);
  step["forms_html"] = fragment("step_forms", forms);
}

// What stands at the lower edge of a phone: the one thing to press, or the ways to choose from. What asks for more than a press is a link.
View thumb_of(const View& next, const Incident& incident) {
  View thumb{{"words", next["words"]}, {"press", View::array()}, {"links", View::array()}};
  if (next["take"] == true) {
    thumb["press"].push_back({{"do", "ack"}, {"label", "I take it"}, {"step", nullptr}});
  } else if (next["resolve"] == true) {
    thumb["links"].push_back(
        {{"to", incident.drill ? "#finish-here" : "#resolve-here"}, {"label", incident.drill ? "Finish…" : "Resolve…"}});
  } else {
    const bool several = next["several"] == true;
    for (const View& step : next["steps"]) {
      const bool started = step["state"] == "started";
      if (step["kind"] == "person")
        thumb["press"].push_back({{"do", started ? "done" : "start"},
                                  {"label", several ? step["title"] : View(started ? "Done" : "Start")},
                                  {"step", step["id"]}});
      else if (several)
        thumb["links"].push_back({{"to", "#way-" + step["id"].get<std::string>()}, {"label", step["title"]}});
    }
  }
  return thumb;
}

// "Choose how to go on: Wait for the provider, or Fail over to the standby"
std::string choice_words(const View& ways) {
  std::string words = "Choose how to go on: ";
  for (std::size_t n = 0; n < ways.size(); ++n)
    words += (n == 0 ? "" : n + 1 == ways.size() ? ", or " : ", ") + ways[n]["title"].get<std::string>();
  return words;
}

}  // namespace

void word_work(View& view, const Moment& now, const Incident& incident, const Call& call) {
  const bool may = !call.caller.session.empty() && call.caller.role != Role::viewer;
  const View shared{{"form_token", call.caller.form_token}, {"key", key_of(call, incident)}};
  View& steps = view["steps"];
  for (std::size_t n = 0; n < steps.size(); ++n) {
    const IncidentStep& step = incident.steps[n];
    steps[n]["passed_over"] =
        (!incident.needed(step) && incident.chosen()) || (is_drills_own(incident, step) && step.state != StepState::running);
  }
  const View* found = incident.live() ? next_of(steps) : nullptr;
  std::vector<std::size_t> now_due;
  if (found) now_due = ways_of(steps, incident, found);
  if (found && now_due.empty()) now_due.push_back(static_cast<std::size_t>(found - steps.get_ptr<const View::array_t*>()->data()));
  View next;
  next["live"] = incident.live();
  next["take"] = incident.live() && !incident.acknowledged_at;
  next["over"] = !incident.live();
  next["resolve"] = incident.live() && !found;
  next["several"] = now_due.size() > 1;
  next["steps"] = View::array();
  for (std::size_t n = 0; n < steps.size(); ++n) {
    View& step = steps[n];
    const bool is_next = std::find(now_due.begin(), now_due.end(), n) != now_due.end();
    step["is_next"] = is_next;
    step["forms_html"] = nullptr;
    const IncidentStep& its = incident.steps[n];
    const bool own = is_drills_own(incident, its);
    const bool offered = may && (step["state"] == "running" || (incident.live() && !own));
    std::optional<Offered> command;
    if (offered && !its.plan.run.empty() && !incident.drill) {
      FilledCommand filled = filled_command(now.seen.state, now.seen.settings, incident, its, now.seen.now);
      const std::string confirm = confirm_of(its, filled);
      command = Offered{std::move(filled), confirm};
    }
    View shown = step;
    if (offered) add_forms(is_next ? shown : step, shared, command ? &*command : nullptr, is_next ? "next" : "list");
    if (!is_next) continue;
    shown["named"] = next["take"] == true || now_due.size() > 1;
    next["steps"].push_back(std::move(shown));
  }
  next["words"] = !incident.acknowledged_at && incident.live() ? std::string("Somebody has to take it")
                  : now_due.size() > 1                         ? choice_words(next["steps"])
                  : found                                      ? next["steps"][0]["title"].get<std::string>()
                          : std::string("Nothing is left to do: ") + (incident.drill ? "finish the drill" : "resolve it");
  view["key"] = shared["key"];
  view["thumb"] = may && incident.live() ? thumb_of(next, incident) : View(nullptr);
  view["next"] = std::move(next);
}

}  // namespace drwatch::web
