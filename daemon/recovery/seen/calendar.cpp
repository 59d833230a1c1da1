// SPDX-License-Identifier: Apache-2.0
// What begins and ends by the clock: maintenance and the expiry of signals.
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// A window that somebody forgets to end must not silence a platform for ever.
constexpr Duration longest_maintenance = hours{24};

// The window of a planned maintenance in which `now` lies; nullopt: it is not one.
std::optional<Span> window_now(const MaintenanceSettings& plan, Time now) {
  if (plan.from && plan.until) return *plan.from <= now && now < *plan.until ? std::optional(Span{*plan.from, *plan.until}) : std::nullopt;
  if (!plan.schedule) return std::nullopt;
  auto began = plan.schedule->last_until(now);
  if (!began || now >= *began + plan.lasts) return std::nullopt;
  return Span{*began, *began + plan.lasts};
}

// When its next window begins; nullopt: never again.
std::optional<Time> next_window(const MaintenanceSettings& plan, Time now) {
  if (plan.from) return *plan.from > now ? plan.from : std::nullopt;
  if (!plan.schedule) return std::nullopt;
  Time next = plan.schedule->next_after(now);
  return next == Time::max() ? std::nullopt : std::optional(next);
}

// Begins the window of a plan once. Its id holds its start, so that a restart within the window does not begin it again.
void begin_planned(Deciding& d, const MaintenanceSettings& plan) {
  if (auto next = next_window(plan, d.wall)) d.wake(d.own_at(*next));
  auto window = window_now(plan, d.wall);
  if (!window) return;
  std::string id = plan.name + "-" + time_text(window->from).substr(0, 16);
  if (d.record().maintenance.count(id)) return;
  // A person ended this window early: it does not begin again.
  if (auto ended = d.record().first_seen.find("maintenance-ended/" + id); ended != d.record().first_seen.end()) return;
  d.emit("maintenance.began", {.by = "schedule"},
         "maintenance " + plan.name + " of " + joined(plan.components) + " until " + time_words(window->until),
         Body{{"id", id}, {"components", plan.components}, {"until", window->until}});
}

}  // namespace

// Ends the windows that are over, then begins those that are due.
void judge_maintenance(Deciding& d) {
  std::vector<std::string> over;
  for (const auto& [id, window] : d.record().maintenance) {
    if (d.wall >= window.until)
      over.push_back(id);
    else
      d.wake(d.own_at(window.until));
  }
  for (const std::string& id : over) d.emit("maintenance.ended", {}, "maintenance " + id + " ended", Body{{"id", id}});
  for (const auto& [name, plan] : d.settings.maintenance) begin_planned(d, plan);
}

// Contract, "Opening": a scenario that is only about components in maintenance does not open.
bool in_maintenance(const Record& record, const std::string& component) {
  return std::any_of(record.maintenance.begin(), record.maintenance.end(), [&](const auto& entry) {
    const auto& names = entry.second.components;
    return std::find(names.begin(), names.end(), component) != names.end();
  });
}

void order(Deciding& d, const StartMaintenance& o) {
  if (o.components.empty()) return d.refuse(422, "no component", "name at least one component");
  for (const std::string& name : o.components)
    if (!d.settings.components.count(name))
      return d.refuse(404, "no component '" + name + "'", "components are listed by 'drwatch status'");
  if (o.lasts <= Duration{0} || o.lasts > longest_maintenance)
    return d.refuse(422, "maintenance lasts more than nothing and at most 24h", "give a duration such as 1h");
  std::string id = "by-hand-" + std::to_string(d.record().seq + 1);
  Time until = d.wall + o.lasts;
  d.emit("maintenance.began", {.by = o.by},
         "maintenance of " + joined(o.components) + " until " + time_words(until) + (o.note.empty() ? "" : ": " + o.note),
         Body{{"id", id}, {"components", o.components}, {"until", until}, {"note", o.note}});
  d.decision.subject = id;
}

void order(Deciding& d, const EndMaintenance& o) {
  d.decision.subject = o.id;
  if (!d.record().maintenance.count(o.id)) {
    if (d.record().first_seen.count("maintenance-ended/" + o.id)) return;  // it is already so
    return d.refuse(404, "no maintenance '" + o.id + "' is running", "'drwatch maintenance list' shows those that are");
  }
  d.emit("maintenance.ended", {.by = o.by}, "maintenance " + o.id + " ended by " + o.by, Body{{"id", o.id}});
}

// ---- signals

// A signal that was raised with an expiry clears itself.
void judge_signals(Deciding& d) {
  std::vector<std::string> expired;
  for (const auto& [name, signal] : d.record().signals) {
    if (!signal.raised || !signal.expires_at) continue;
    if (d.now >= *signal.expires_at)
      expired.push_back(name);
    else
      d.wake(*signal.expires_at);
  }
  for (const std::string& name : expired) d.emit("signal.expired", {}, "signal " + name + " expired", Body{{"signal", name}});
}

// Raises or clears a signal. Raising one again that expires renews its time; without an expiry it is already so.
void order(Deciding& d, const SetSignal& o) {
  auto plan = d.settings.signals.find(o.signal);
  if (plan == d.settings.signals.end()) {
    std::vector<std::string> names;
    for (const auto& [name, signal] : d.settings.signals) names.push_back(name);
    return d.refuse(404, "no signal '" + o.signal + "'", "declare it as [signal." + o.signal + "] in the configuration", names);
  }
  d.decision.subject = o.signal;
  auto was = d.record().signals.find(o.signal);
  bool raised = was != d.record().signals.end() && was->second.raised;
  if (!o.raised && !raised) return;
  Body body{{"signal", o.signal}, {"note", o.note}};
  if (!o.raised) return d.emit("signal.cleared", {.by = o.by}, "signal " + o.signal + " cleared by " + o.by, body);
  if (raised && !plan->second.expires) return;  // it is already so
  if (plan->second.expires) body.set("expires_at", d.now + *plan->second.expires);
  if (raised) body.set("renewed", true);
  d.emit("signal.raised", {.by = o.by},
         "signal " + o.signal + (raised ? " renewed by " : " raised by ") + o.by + (o.note.empty() ? "" : ": " + o.note), body);
}

}  // namespace drwatch
