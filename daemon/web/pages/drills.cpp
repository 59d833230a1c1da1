// SPDX-License-Identifier: Apache-2.0
// What proves that recovery works: the drills of each scenario, and projections held against what happened. A drill is begun here.
#include "daemon/web/api/reading.hpp"
#include "daemon/web/pages/drill_form.hpp"
#include "daemon/web/pages/rendering.hpp"
#include "daemon/web/pages/wording.hpp"

namespace drwatch::web {
namespace {

std::string day_of(const View& time, const char* otherwise) { return time.is_null() ? otherwise : time.get<std::string>().substr(0, 10); }

std::string took_words(std::optional<double> took) {
  return took ? duration_words(Duration{static_cast<std::int64_t>(*took * 1000)}) : "not measured";
}

View row_of(const Seen& seen, const Scenario& scenario) {
  View row = scenario_view(seen, scenario, false);
  const auto drill = seen.state.record.drills.find(scenario.id);
  const bool drilled = drill != seen.state.record.drills.end();
  row["rto_words"] = seconds_words(row["rto_seconds"]);
  row["standing_sign"] = sign(row["standing"].get<std::string>());
  row["last_words"] = day_of(row["drill"]["last_success_at"], "never");
  if (const View& failed = row["drill"]["failed_at"]; !failed.is_null())
    row["last_words"] = row["last_words"].get<std::string>() + ", failed " + day_of(failed, "");
  row["took_words"] = drilled ? took_words(drill->second.recovery_seconds) : "";
  row["lost_words"] = drilled ? took_words(drill->second.data_loss_seconds) : "";
  row["due_words"] = day_of(row["drill"]["due_at"], "none planned") + (row["drill"]["overdue"] == true ? ", overdue" : "");
  row["proven_words"] = day_of(row["drill"]["proven_until"], "");
  return row;
}

constexpr std::size_t most_runs = 100;  // a page; the API has all

View run_of(const HeldDrill& drill) {
  const bool goes_on = drill.work.live();
  const std::string verdict = goes_on ? "running" : drill.verdict;
  View row;
  row["id"] = drill.work.id;
  row["title"] = drill.work.title;
  row["type"] = drill.type;
  row["verdict"] = verdict;
  row["verdict_class"] = verdict == "passed" ? "met" : verdict == "partial" ? "at-risk" : verdict == "aborted" ? "resolved" : verdict;
  row["began_words"] = moment_words(time_view(drill.work.started_at));
  row["took_words"] = goes_on ? "" : took_words(drill.recovery_seconds);
  row["lost_words"] = goes_on ? "" : took_words(drill.data_loss_seconds);
  row["reason"] = text_or_null(drill.reason);
  return row;
}

// Those that go on, then those that were, the newest first.
View runs_of(const Record& record) {
  View runs = View::array();
  const auto& held = record.drilling.held;
  for (const bool going_on : {true, false})
    for (auto drill = held.rbegin(); drill != held.rend() && runs.size() < most_runs; ++drill)
      if (drill->second.work.live() == going_on) runs.push_back(run_of(drill->second));
  return runs;
}

View score_of(const Score& score) {
  View row;
  row["incident"] = score.incident;
  row["p50_words"] = took_words(score.p50_seconds);
  row["p90_words"] = took_words(score.p90_seconds);
  row["actual_words"] = took_words(score.actual_seconds);
  row["result_words"] = score.actual_seconds <= score.p90_seconds ? "within" : "longer than nine in ten";
  return row;
}

std::string calibration_words(const Measured& measured) {
  if (measured.scored == 0) return "No recovery has been projected and measured yet.";
  return "Of " + std::to_string(measured.scored) + (measured.scored == 1 ? " recovery " : " recoveries ") +
         std::to_string(measured.within_p90) + (measured.within_p90 == 1 ? " was" : " were") + " over within what nine in ten should be, " +
         std::to_string(measured.within_p50) + " within what half should be.";
}

}  // namespace

Response drills_page(const Moment& now, const Call& call, const NotDone& not_done, const std::string& chosen) {
  const Measured& measured = now.seen.state.record.measured;
  View view;
  view["not_done"] = text_or_null(not_done.why);
  view["wrote"] = text_or_null(not_done.wrote);
  view["begin_html"] = text_or_null(drill_form(now, call, nullptr, chosen));
  const auto& hold = now.seen.state.record.drilling.hold;
  view["hold_words"] =
      hold ? View(hold->by + ", since " + moment_words(time_view(hold->since)) + (hold->note.empty() ? "" : ": " + hold->note))
           : View(nullptr);
  view["scenarios"] = View::array();
  for (const auto& [name, scenario] : now.settings->scenarios) view["scenarios"].push_back(row_of(now.seen, scenario));
  view["has_scenarios"] = !view["scenarios"].empty();
  view["runs"] = runs_of(now.seen.state.record);
  view["has_runs"] = !view["runs"].empty();
  view["calibration_words"] = calibration_words(measured);
  view["scores"] = View::array();
  for (auto score = measured.scores.rbegin(); score != measured.scores.rend(); ++score) view["scores"].push_back(score_of(*score));
  view["has_scores"] = !view["scores"].empty();
  Response response = page(frame_of(now, call, false), "drills", "Drills · drwatch", std::move(view));
  response.status = not_done.status;
  return response;
}

Response page_drills(const Moment& now, const Call& call) { return drills_page(now, call, {}, ""); }

}  // namespace drwatch::web
