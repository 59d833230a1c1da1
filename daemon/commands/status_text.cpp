// SPDX-License-Identifier: Apache-2.0
// The state of the platform for somebody who was asleep a minute ago: the worst first, one line each.
#include "daemon/commands/render.hpp"

#include <algorithm>

namespace drwatch::commands {

namespace {

struct Page {
  const Json& status;
  const Paint& paint;
  Time now;
  std::string out;

  void section(const std::string& title, const std::string& body) {
    if (!body.empty()) out += "\n" + paint(Ink::bold, title) + "\n" + body;
  }
};

std::string components_in(const Json& status, const char* health) {
  std::string out;
  for (const auto& component : list_at(status, "components")) {
    if (text_at(component, "health") == health) out += (out.empty() ? "" : ", ") + text_at(component, "title");
  }
  return out;
}

void headline(Page& page) {
  const auto line = [&page](Ink ink, const std::string& text) { page.out += page.paint(ink, text) + "\n"; };
  page.out += "drwatch " + text_at(page.status, "version") + ", " + time_text(std::chrono::floor<seconds>(page.now)) + "\n\n";
  if (flag_at(page.status, "blind"))
    line(Ink::bad, "drwatch is BLIND: most witnesses fail, the fault is its own; what is written here is what was last seen");
  if (const auto down = components_in(page.status, "down"); !down.empty()) line(Ink::bad, "DOWN: " + down);
  if (const auto degraded = components_in(page.status, "degraded"); !degraded.empty()) line(Ink::warn, "Degraded: " + degraded);
  if (const auto unknown = components_in(page.status, "unknown"); !unknown.empty()) line(Ink::warn, "Cannot be seen: " + unknown);
  if (!flag_at(page.status, "blind") && text_at(page.status, "health") == "up") line(Ink::good, "All components are up.");
  if (!flag_at(page.status, "durable"))
    line(Ink::bad, "The journal does not keep up with the disk: what happens now may be lost if drwatch stops");
}

void incidents(Page& page) {
  std::string text = incidents_text(list_at(page.status, "incidents"), page.now, page.paint);
  for (const auto& each : list_at(page.status, "incidents")) {
    if (text_at(each, "state") != "open" || !each.contains("projection") || !each["projection"].is_object()) continue;
    text += "  " + text_at(each, "scenario") + ": " + one_line(text_at(each["projection"], "message"));
    if (const auto decide_by = time_at(each, "decide_by"))
      text += (*decide_by < page.now ? "; too late to decide since " : "; decide by ") + clock_text(*decide_by, page.now);
    text += "\n";
  }
  page.section("Incidents", text);
}

void pending(Page& page) {
  Columns columns;
  for (const auto& each : list_at(page.status, "pending")) {
    const auto opens = time_at(each, "opens_at");
    const std::string when = time_at(each, "held_at") ? "held: not all can be seen"
                             : opens                  ? "opens at " + clock_text(*opens, page.now)
                                                      : "";
    columns.row({{text_at(each, "scenario"), Ink::warn}, {when}, {joined(list_at(each, "because"))}});
  }
  page.section("About to open", columns.print(page.paint));
}

void kept_shut(Page& page) {
  Columns columns;
  for (const auto& each : list_at(page.status, "kept_shut")) columns.row({{text_at(each, "scenario"), Ink::warn}, {text_at(each, "why")}});
  page.section("Kept shut, though the trigger holds", columns.print(page.paint));
}

void components(Page& page) {
  Columns columns;
  for (const auto& each : list_at(page.status, "components")) {
    const std::string health = text_at(each, "health");
    std::string more = health == "up" ? "" : one_line(text_at(each, "message"));
    if (const auto first = one_line(text_at(each, "first_message")); !more.empty() && !first.empty()) more += " (at first: " + first + ")";
    if (const auto parent = text_at(each, "explained_by"); !parent.empty()) more += (more.empty() ? "" : "; ") + ("explained by " + parent);
    if (const auto until = time_at(each, "maintenance_until"))
      more += (more.empty() ? "" : "; ") + ("in maintenance until " + clock_text(*until, page.now));
    if (each.contains("seen") && !flag_at(each, "seen")) more += (more.empty() ? "" : "; ") + std::string("not seen since drwatch started");
    const std::string since = ago(time_at(each, "since"), page.now);
    columns.row({{text_at(each, "title")}, {health, page.paint.health(health)}, {since.empty() ? "" : "for " + since, Ink::dim}, {more}});
  }
  page.section("Components", columns.print(page.paint));
}

const Json* objective_for(const Json& component, const std::string& of_class) {
  for (const auto& objective : list_at(component, "objectives")) {
    if (text_at(objective, "objective") == "rpo" && text_at(objective, "class") == of_class) return &objective;
  }
  return nullptr;
}

Columns::Cell loss(const Json& exposure) {
  if (flag_at(exposure, "no_source")) {
    const std::string emptied = text_at(exposure, "emptied");
    return {"everything: " + (emptied.empty() ? "no source survives it" : emptied + " holds nothing"), Ink::bad};
  }
  const auto amount = number_at(exposure, "exposure_seconds");
  if (!amount) return {"not known yet", Ink::warn};
  return {(flag_at(exposure, "estimated") ? "about " : "") + words(*amount), Ink::bold};
}

void exposures(Page& page) {
  Columns columns;
  for (const auto& component : list_at(page.status, "components")) {
    for (const auto& exposure : list_at(component, "exposures")) {
      const std::string of_class = text_at(exposure, "class");
      const Json* objective = objective_for(component, of_class);
      const std::string standing = objective ? text_at(*objective, "standing") : "no objective";
      const auto target = objective ? number_at(*objective, "target_seconds") : std::nullopt;
      std::string point;
      if (const auto at = time_at(exposure, "recovery_point"))
        point = "to " + clock_text(*at, page.now) + " by " + text_at(exposure, "source");
      if (const auto held = time_at(exposure, "held_since"))
        point += ", standing still since " + clock_text(*held, page.now) + " (no writes)";
      if (const auto breach = objective ? time_at(*objective, "breach_at") : std::nullopt) {
        point += (standing == "met" ? ", without a new one breach at " : ", breach at ") + clock_words(*breach, page.now);
      }
      if (objective && flag_at(*objective, "unreachable")) point += ", cannot be met by any source";
      columns.row({{text_at(component, "title")},
                   {of_class},
                   loss(exposure),
                   {target ? "of " + words(*target) : "", Ink::dim},
                   {standing, page.paint.standing(standing)},
                   {point, Ink::dim}});
    }
  }
  page.section("What would be lost, were it struck now", columns.print(page.paint));
}

// "to 14:31 UTC by wal-archive: 42 s lost"; "" where there is no data to restore.
Columns::Cell from_what(const Json& scenario, Time now) {
  if (!scenario.contains("recovery_point") || !scenario["recovery_point"].is_object()) return {"", Ink::dim};
  const Json& point = scenario["recovery_point"];
  const std::string of = text_at(point, "component");
  if (flag_at(point, "no_source"))
    return {"from nothing: no source of " + of + " survives a " + text_at(point, "class") + " loss", Ink::bad};
  const auto at = time_at(point, "at");
  const auto lost = number_at(point, "exposure_seconds");
  if (!at || !lost) return {"from what is not known: no recovery point of " + of + " has been read", Ink::warn};
  return {of + " to " + clock_text(*at, now) + " by " + text_at(point, "source") + ": " + (flag_at(point, "estimated") ? "about " : "") +
              words(*lost) + " lost" + (text_at(point, "class") == "logical" ? ", and what is written until it is noticed" : ""),
          Ink::plain};
}

// "2 met, 11 unproven, 1 breached": the worst first.
std::string standings(const Json& scenarios) {
  std::string text;
  for (const char* standing : {"breached", "at-risk", "unproven", "met"}) {
    const auto count =
        std::count_if(scenarios.begin(), scenarios.end(), [&](const Json& each) { return text_at(each, "standing") == standing; });
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + standing;
  }
  return text;
}

// How far what is projected has come true.
std::string calibration(const Json& status) {
  if (!status.contains("projections") || !status["projections"].is_object()) return "";
  const double scored = number_at(status["projections"], "scored").value_or(0);
  if (scored < 1) return "";
  return "  Of " + std::to_string(static_cast<int>(scored)) + " projected recoveries " +
         std::to_string(static_cast<int>(number_at(status["projections"], "within_p90").value_or(0))) +
         " were over within what nine in ten should be.\n";
}

// The question that a manager asks: could we recover, from what, in how long, and how do we know?
void recovery_times(Page& page) {
  Columns columns;
  for (const auto& scenario : list_at(page.status, "scenarios")) {
    const std::string standing = text_at(scenario, "standing");
    const auto target = number_at(scenario, "rto_seconds");
    std::string why = one_line(text_at(scenario, "message"));
    if (why.empty() && standing == "unproven") why = "no drill has shown it";
    columns.row({{text_at(scenario, "scenario")},
                 {target ? "within " + words(*target) : ""},
                 {standing, page.paint.standing(standing)},
                 from_what(scenario, page.now),
                 {why, Ink::dim}});
  }
  const std::string rows = columns.print(page.paint);
  page.section("Could we recover: " + standings(list_at(page.status, "scenarios")), rows.empty() ? rows : rows + calibration(page.status));
}

void drills(Page& page) {
  Columns columns;
  for (const auto& scenario : list_at(page.status, "scenarios")) {
    if (!scenario.contains("drill") || !scenario["drill"].is_object()) continue;
    const Json& drill = scenario["drill"];
    const auto due = time_at(drill, "due_at");
    if (!due || (*due > page.now && !flag_at(drill, "overdue"))) continue;
    columns.row({{text_at(scenario, "scenario")},
                 {flag_at(drill, "overdue") ? "overdue" : "due", Ink::warn},
                 {"since " + clock_text(*due, page.now), Ink::dim}});
  }
  page.section("Drills", columns.print(page.paint));
}

void the_rest(Page& page) {
  Columns findings;
  for (const auto& each : list_at(page.status, "findings")) findings.row({{one_line(text_at(each, "message"))}});
  page.section("Findings", findings.print(page.paint));
  page.section("Maintenance", maintenance_text(list_at(page.status, "maintenance"), page.now, page.paint));
  Columns signals;
  for (const auto& each : list_at(page.status, "signals")) {
    if (text_at(each, "state") != "raised") continue;
    const std::string by = text_at(each, "by"), note = one_line(text_at(each, "note"));
    signals.row({{text_at(each, "signal"), Ink::warn},
                 {"raised " + ago(time_at(each, "since"), page.now) + " ago"},
                 {by.empty() ? "" : "by " + by},
                 {note}});
  }
  page.section("Signals", signals.print(page.paint));
}

void alerts(Page& page) {
  if (!page.status.contains("alerts") || !page.status["alerts"].is_object()) return;
  const double active = number_at(page.status["alerts"], "active").value_or(0),
               undelivered = number_at(page.status["alerts"], "undelivered").value_or(0);
  if (active == 0 && undelivered == 0) return;
  page.out += "\nAlerts: " + std::to_string(static_cast<int>(active)) + " active";
  if (undelivered > 0)
    page.out +=
        ", " + page.paint(Ink::bad, std::to_string(static_cast<int>(undelivered)) + " undelivered: no Alertmanager is known to have them");
  page.out += "\n";
}

}  // namespace

std::string status_text(const Json& status, const Paint& paint) {
  Page page{status, paint, time_at(status, "now").value_or(Time{}), ""};
  headline(page);
  incidents(page);
  pending(page);
  kept_shut(page);
  components(page);
  exposures(page);
  recovery_times(page);
  drills(page);
  the_rest(page);
  alerts(page);
  return page.out;
}

int status_exit_code(const Json& status) {
  bool bad = flag_at(status, "blind");
  for (const auto& component : list_at(status, "components")) {
    bad |= text_at(component, "health") == "down";
    for (const auto& objective : list_at(component, "objectives")) {
      const auto standing = text_at(objective, "standing");
      bad |= standing == "at-risk" || standing == "breached";
    }
  }
  for (const auto& incident : list_at(status, "incidents")) bad |= text_at(incident, "state") == "open";
  return bad ? 1 : 0;
}

}  // namespace drwatch::commands
