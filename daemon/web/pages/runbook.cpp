// SPDX-License-Identifier: Apache-2.0
// The runbook as it is configured, and one page a probe.
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/drill_form.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

namespace drwatch::web {
namespace {

void word_scenario(View& scenario) {
  scenario["rto_words"] = seconds_words(scenario["rto_seconds"]);
  scenario["ack_words"] = seconds_words(scenario["ack_within_seconds"]);
  scenario["standing_sign"] = sign(scenario["standing"].get<std::string>());
  scenario["affects_words"] = scenario["affects"].empty() ? std::string("none named") : words_of(scenario["affects"]);
}

void word_plan(View& step, int number) {
  const std::string kind = step["kind"];
  step["number"] = number;
  step["kind_words"] = kind == "verified" ? "drwatch verifies it" : kind == "command" ? "a command" : "a person does it";
  step["expect_words"] = text_or_null(seconds_words(step["expect_seconds"]));
  step["guide_html"] = step["guide"].is_null() ? View(nullptr) : View(markdown_html(step["guide"]));
  if (View& verify = step["verify"]; !verify.is_null()) verify["hold_words"] = seconds_words(verify["hold_seconds"]);
  if (View& run = step["run"]; !run.is_null()) run["argv_words"] = words_of(run["argv"], " ");
}

std::string fact_words(const View& facts) {
  std::string text;
  for (const auto& [name, value] : facts.items()) text += (text.empty() ? "" : ", ") + name + " " + value.get<std::string>();
  return text;
}

// What a run asked and what came back, in words; null stays null.
void word_trace(View& trace) {
  if (trace.is_null()) return;
  for (auto& exchange : trace["exchanges"]) {
    const bool ended = !exchange["took_seconds"].is_null();
    const std::string answered = exchange["answered"].is_null() ? "nothing" : exchange["answered"].get<std::string>();
    exchange["answer_words"] = answered + (ended ? "" : ", and no more until the run ended");
    exchange["took_words"] = !ended                             ? ""
                             : exchange["took_seconds"] < 0.001 ? "within 1 ms"
                                                                : "after " + seconds_words(exchange["took_seconds"]);
    exchange["sign"] = exchange["failed"] == true || !ended ? "failed" : "soft";
  }
  const auto left_off = trace["left_off"].get<std::size_t>();
  trace["left_off_words"] = left_off == 0 ? View(nullptr) : View(std::to_string(left_off) + " in their middle were left off");
}

}  // namespace

Response page_runbook(const Moment& now, const Call& call) {
  View view;
  view["scenarios"] = View::array();
  for (const auto& [name, scenario] : now.settings->scenarios) {
    View row = scenario_view(now.seen, scenario, true);
    word_scenario(row);
    view["scenarios"].push_back(std::move(row));
  }
  return page(frame_of(now, call, false), "runbook", "Runbook · drwatch", std::move(view));
}

namespace {

void word_exit(View& view, const Exit& exit) {
  const std::string steps = "every critical step is done, or skipped with a reason";
  const std::string health =
      "what opened it no longer holds, all that it affects is up, and every critical step that verifies itself is done";
  view["end_words"] = exit.by == Exit::By::steps    ? steps
                      : exit.by == Exit::By::health ? health
                                                    : health + "; opened by a signal or a person, when " + steps;
  view["end_all_words"] = text_or_null(words_of(view["exit"]["all"], "; "));
  view["end_for_words"] = seconds_words(view["exit"]["for_seconds"]);
}

}  // namespace

Response page_scenario(const Moment& now, const Call& call) {
  const auto& scenarios = now.settings->scenarios;
  const auto found = scenarios.find(call.at.at("scenario"));
  if (found == scenarios.end()) return not_found("scenario", call.at.at("scenario"), keys_of(scenarios));
  View view = scenario_view(now.seen, found->second, true);
  word_scenario(view);
  const View trigger = view["trigger"];  // a copy: a key that is added moves all the others
  const bool people_only = found->second.trigger.empty();
  view["people_only"] = people_only;
  view["any_words"] = text_or_null(words_of(trigger["any"], "; "));
  view["all_words"] = text_or_null(words_of(trigger["all"], "; "));
  view["none_words"] = text_or_null(words_of(trigger["none"], "; "));
  view["for_words"] = people_only || trigger["for_seconds"] == 0 ? View(nullptr) : View(seconds_words(trigger["for_seconds"]));
  word_exit(view, found->second.exit);
  int number = 0;
  for (auto& step : view["steps"]) word_plan(step, ++number);
  view["has_messages"] = !view["messages"].empty();
  const HeldDrill* running = running_drill(now.seen.state.record, found->first);
  view["running"] = running ? View(running->work.id) : View(nullptr);
  view["begin_html"] = running ? View(nullptr) : text_or_null(drill_form(now, call, &found->second, found->first));
  return page(frame_of(now, call, false), "scenario", found->second.title + " · runbook", std::move(view));
}

Response page_probe(const Moment& now, const Call& call) {
  const auto& probes = now.settings->probes;
  const auto found = probes.find(call.at.at("name"));
  if (found == probes.end()) return not_found("probe", call.at.at("name"), keys_of(probes));
  View view = probe_view(now.seen, found->second, now.next_runs.at(found->first), true);
  const auto next = now.next_runs.at(found->first);
  view["health_sign"] = sign(view["health"].get<std::string>());
  view["not_seen"] = view["seen"] == false;
  view["since_words"] = view["since"].is_null() ? "not known" : ago_words(now.seen, view["since"]);
  view["last_good_words"] = view["last_good_at"].is_null() ? "never" : ago_words(now.seen, view["last_good_at"]);
  view["next_words"] = next                       ? "in " + duration_words(*next - now.seen.now)
                       : found->second.calls_in() ? std::string("when the job calls")
                                                  : std::string("running now");
  view["interval_words"] = duration_words(found->second.interval);
  for (const char* list : {"recent", "failures"}) {
    for (auto& outcome : view[list]) {
      const View& phases = outcome["phases_seconds"];
      outcome["took_words"] = phases.contains("total") ? seconds_words(phases["total"]) : "";
      outcome["fact_words"] = fact_words(outcome["facts"]);
      word_trace(outcome["trace"]);
    }
  }
  if (!view["last"].is_null()) word_trace(view["last"]["trace"]);
  view["has_configured"] = !view["configured"].empty();
  view["written"] = View::array();
  for (const auto& [key, value] : view["configured"].items()) view["written"].push_back({{"key", key}, {"value", value}});
  view["has_failures"] = !view["failures"].empty();
  return page(frame_of(now, call, true), "probe", found->first + " · drwatch", std::move(view));
}

}  // namespace drwatch::web
