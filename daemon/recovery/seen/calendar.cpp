// SPDX-License-Identifier: Apache-2.0
// What begins and ends by the clock: maintenance and the expiry of signals.
#include "config/components.hpp"
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/seen/signals.hpp"

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

// The components that the names stand for, each once: a place is all that lies in it.
std::vector<std::string> worked_on(const Settings& settings, const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names)
    for (const std::string& component : components_in(settings, name))
      if (std::find(all.begin(), all.end(), component) == all.end()) all.push_back(component);
  return all;
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
         Body{{"id", id}, {"components", worked_on(d.settings, plan.components)}, {"until", window->until}});
}

}  // namespace

// Ends the windows that are over, then begins those that are due.
void judge_maintenance(Deciding& d) {
  if (d.dates_wait()) return;
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
    if (components_in(d.settings, name).empty())
      return d.refuse(404, "no component or place '" + name + "'", "components are listed by 'drwatch status'");
  if (o.lasts <= Duration{0} || o.lasts > longest_maintenance)
    return d.refuse(422, "maintenance lasts more than nothing and at most 24h", "give a duration such as 1h");
  std::string id = "by-hand-" + std::to_string(d.record().seq + 1);
  Time until = d.wall + o.lasts;
  d.emit("maintenance.began", {.by = o.by},
         "maintenance of " + joined(o.components) + " until " + time_words(until) + (o.note.empty() ? "" : ": " + o.note),
         Body{{"id", id}, {"components", worked_on(d.settings, o.components)}, {"until", until}, {"note", o.note}});
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

namespace {

// One of those who raise the signal does so no more. It is cleared when nobody is left.
void no_more(Deciding& d, const std::string& signal, const std::string& alert, const char* kind, const std::string& by,
             const std::string& words, const std::string& note) {
  const auto& raisings = d.record().signals.at(signal).raisings;
  Body body{{"signal", signal}, {"alert", null_if_empty(alert)}, {"note", note}};
  if (raisings.size() == 1) return d.emit(kind, {.by = by}, "signal " + signal + words, body);
  body.set("raised", false);
  d.emit("signal.changed", {.by = by}, "signal " + signal + words + "; still raised by " + who_raises(d.record().signals.at(signal), alert),
         body);
}

}  // namespace

std::string who_raises(const SignalRecord& signal, std::optional<std::string_view> but) {
  std::vector<std::string> who;
  std::size_t alerts = 0;
  for (const auto& [alert, raising] : signal.raisings) {
    if (alert == but) continue;
    if (alert.empty())
      who.push_back(raising.by);
    else
      ++alerts;
  }
  if (alerts > 0) who.push_back(alerts == 1 ? "an alert" : std::to_string(alerts) + " alerts");
  return in_a_sentence(who);
}

// What was raised with an expiry ends by itself, each raising at its own time.
void judge_signals(Deciding& d) {
  if (d.dates_wait()) return;
  std::vector<std::pair<std::string, std::string>> expired;
  for (const auto& [name, signal] : d.record().signals)
    for (const auto& [alert, raising] : signal.raisings) {
      if (!raising.expires_at) continue;
      if (d.now >= *raising.expires_at)
        expired.emplace_back(name, alert);
      else
        d.wake(*raising.expires_at);
    }
  for (const auto& [name, alert] : expired)
    no_more(d, name, alert, "signal.expired", "drwatch", alert.empty() ? " expired" : " expired: an alert did not renew it", "");
}

namespace {

void raise_signal(Deciding& d, const SetSignal& o, const SignalSettings& plan) {
  const auto was = d.record().signals.find(o.signal);
  const bool raised = was != d.record().signals.end() && was->second.raised;
  const SignalRaising* own = nullptr;
  if (raised)
    if (auto found = was->second.raisings.find(o.alert); found != was->second.raisings.end()) own = &found->second;
  // A person who says it again says something new, and so does an alert that started again. What still fires is only repeated.
  const bool again = own && (o.alert.empty() || (o.starts_at != Time{} && own->starts_at != Time{} && o.starts_at > own->starts_at));
  if (own && !plan.expires && !again) return;  // it is already so
  // It is raised already, and a storm of alerts must not fill the record. Those beyond the bound are not waited for when it is cleared.
  constexpr std::size_t most_raisings = 500;
  if (raised && !own && !o.alert.empty() && was->second.raisings.size() >= most_raisings) return;
  // An Alertmanager repeats what still fires every few minutes; a tenth of the time is renewal enough.
  if (own && !again && own->expires_at && *own->expires_at > d.now + *plan.expires / 10 * 9) return;
  Body body{{"signal", o.signal}, {"alert", null_if_empty(o.alert)}, {"note", o.note}};
  if (plan.expires) body.set("expires_at", d.now + *plan.expires);
  if (o.starts_at != Time{}) body.set("starts_at", o.starts_at);
  if (own) body.set("renewed", true);
  if (!own || again) body.set("anew", true);
  const std::string words = "signal " + o.signal +
                            (again ? " raised again by "
                             : own ? " renewed by "
                                   : " raised by ") +
                            o.by + (o.note.empty() ? "" : ": " + o.note);
  if (!raised || (own && o.alert.empty())) return d.emit("signal.raised", {.by = o.by}, words, body);
  body.set("raised", true);
  d.emit("signal.changed", {.by = o.by}, words + (own ? "" : "; it was raised already"), body);
}

void clear_signal(Deciding& d, const SetSignal& o) {
  const auto was = d.record().signals.find(o.signal);
  if (was == d.record().signals.end() || !was->second.raised) return;
  const std::string note = o.note.empty() ? "" : ": " + o.note;
  if (o.force) {
    const std::string others = was->second.raisings.size() > 1 || !was->second.raisings.count(o.alert)
                                   ? ", though raised by " + who_raises(was->second, o.alert)
                                   : "";
    return d.emit("signal.cleared", {.by = o.by}, "signal " + o.signal + " cleared by " + o.by + others + note,
                  Body{{"signal", o.signal}, {"forced", true}, {"note", o.note}});
  }
  if (was->second.raisings.count(o.alert))
    return no_more(d, o.signal, o.alert, "signal.cleared", o.by, (o.alert.empty() ? " cleared by " : " taken back by ") + o.by + note,
                   o.note);
  if (!o.alert.empty()) return;  // that alert never raised it, or it has expired
  d.refuse(409, "signal " + o.signal + " is raised by " + who_raises(was->second),
           "it clears when the alert is resolved; if that was missed, clear it with force");
}

}  // namespace

// A person and each alert raise and take back for themselves: two instances of which one is resolved still raise it, and a person who
// clears what a person raised does not silence an alert. Raising again what expires renews its time.
void order(Deciding& d, const SetSignal& o) {
  auto plan = d.settings.signals.find(o.signal);
  if (plan == d.settings.signals.end()) {
    std::vector<std::string> names;
    for (const auto& [name, signal] : d.settings.signals) names.push_back(name);
    return d.refuse(404, "no signal '" + o.signal + "'", "declare it as [signal." + o.signal + "] in the configuration", names);
  }
  d.decision.subject = o.signal;
  if (o.raised)
    raise_signal(d, o, plan->second);
  else
    clear_signal(d, o);
}

}  // namespace drwatch
