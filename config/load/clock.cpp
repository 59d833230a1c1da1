// SPDX-License-Identifier: Apache-2.0
// What stands by the clock: schedules, maintenance windows, signals that expire.
#include "config/load/loading.hpp"

namespace drwatch::config {
namespace {

struct ReadWindow {
  const Table& table;
  Place place;
  const Reading& reading;

  bool has(std::string_view key) const { return find(table, key) != nullptr; }
  void error(std::string_view key, std::string message, std::string hint) const {
    const auto* entry = find(table, key);
    reading.problems.error(entry ? entry->value.place : place, entry ? reading.at(key).key : reading.key, std::move(message),
                           std::move(hint));
  }
};

// A single window: from `from` until `until`, or for as long as it `lasts` (an hour when nothing is said).
void read_single(MaintenanceSettings& into, const MaintenanceDraft& draft, const ReadWindow& from) {
  if (from.has("until") && from.has("lasts")) from.error("lasts", "a window has an end or a length, not both", "leave one of them out");
  if (!draft.from) return;
  into.from = draft.from;
  into.until = draft.until ? draft.until : std::optional(*draft.from + draft.lasts.value_or(hours{1}));
  into.lasts = *into.until - *into.from;
  if (into.lasts <= Duration{0}) from.error("until", "the window ends before it begins", "set it after 'from'");
  if (into.lasts > hours{24}) from.error("until", "the window is longer than 24h", "make it at most 24h; it can be started again");
}

// The longest time without a break that windows of this length make, when one begins no later than the one before it ends. Looked at over a
// leap year, 10,000 windows at the most, and no further than `enough`.
Duration longest_unbroken(const Cron& schedule, Duration lasts, Duration enough) {
  constexpr int most_windows = 10'000;
  Time began = schedule.next_after(Time{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}}), first = began;
  Duration longest = lasts;
  if (began == Time::max()) return longest;
  const Time end = began + hours{24 * 366};
  for (int i = 0; i < most_windows && began < end && longest <= enough; ++i) {
    const Time next = schedule.next_after(began);
    if (next == Time::max()) break;
    if (next > began + lasts) first = next;
    began = next;
    longest = std::max(longest, began + lasts - first);
  }
  return longest;
}

// A maintenance window keeps scenarios shut, so it must end by itself within a day. Windows that follow each other without a break would
// keep them shut for ever, which is an error; overlapping ones that stay within a day are warned of, since they may be a slip.
void check_breaks(const MaintenanceSettings& window, const ReadWindow& from) {
  constexpr Duration shortest_period = minutes{1}, most = hours{24};
  if (!window.schedule || window.lasts < shortest_period) return;
  const Duration longest = longest_unbroken(*window.schedule, window.lasts, most);
  const auto& place = find(from.table, "schedule")->value.place;
  const std::string key = from.reading.at("schedule").key;
  if (longest > most)
    from.reading.problems.error(
        place, key,
        "each window lasts " + duration_text(window.lasts) + " and the next begins before that is over: together they are longer than 24h",
        "let it last shorter, or begin less often");
  else if (longest > window.lasts)
    from.reading.problems.warning(place, key,
                                  "each window lasts " + duration_text(window.lasts) +
                                      " and the next may begin before that is over: up to " + duration_text(longest) + " without a break",
                                  "let it last shorter, or begin less often, unless that is meant");
}

void read_window(MaintenanceSettings& into, const ReadWindow& from) {
  MaintenanceDraft draft;
  read_table(from.table, from.place, maintenance_section().rows, &draft, from.reading);
  into.components = draft.components;
  if (from.has("schedule")) {
    for (const char* key : {"from", "until"})
      if (from.has(key)) from.error(key, "a window has a schedule or a time, not both", "leave one of them out");
    into.schedule = read_schedule(draft.when, from.table, from.place, from.reading);
    into.lasts = draft.lasts.value_or(hours{1});
    check_breaks(into, from);
  } else if (from.has("from")) {
    read_single(into, draft, from);
  } else {
    from.error("", "a window needs a 'schedule' or a 'from'", "say when it begins");
  }
  if (!from.has("schedule") && from.has("timezone")) from.error("timezone", "a time zone is for a schedule", "leave it out");
}

}  // namespace

std::optional<Cron> read_schedule(const ScheduleText& when, const Table& table, Place place, const Reading& reading, std::string_view key) {
  const auto* schedule = find(table, key);
  const auto* timezone = find(table, "timezone");
  // What is no text was reported by its row.
  if ((schedule && !schedule->value.text()) || (timezone && !timezone->value.text()) || when.schedule.empty()) return {};
  // Both are looked at, so that all problems are told at once.
  const bool zone_known = known_zone(when.timezone);
  if (!zone_known) {
    const auto close = nearest(when.timezone, zone_names());
    reading.problems.error(timezone ? timezone->value.place : place, reading.at("timezone").key,
                           shown(when.timezone) + " is not a time zone",
                           close ? "did you mean '" + *close + "'?" : "use a name of the IANA data base, like UTC or Europe/Berlin");
  }
  // The expression is looked at all the same: every problem at once.
  std::string error;
  auto cron = Cron::parse(when.schedule, zone_known ? when.timezone : "UTC", &error);
  const Place where = schedule ? schedule->value.place : place;
  if (!cron) {
    reading.problems.error(where, reading.at(key).key, "not a cron expression: " + error, "write it like \"0 2 * * *\" or @daily");
    return {};
  }
  // 29 February is the rarest day: what is not due within eight years never is.
  if (cron->next_after(Time{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}}) == Time::max())
    reading.problems.error(where, reading.at(key).key, shown(when.schedule) + " is never due", "there is no such day");
  return zone_known ? cron : std::nullopt;
}

void read_clock(const Document& main, Settings& settings, const Reading& reading) {
  each_named(main.table(), "maintenance", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    auto& window = settings.maintenance[name];
    window.name = name;
    read_window(window, ReadWindow{table, place, at});
  });
  each_named(main.table(), "signal", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    auto& signal = settings.signals[name];
    signal.name = name;
    read_table(table, place, signal_section().rows, &signal, at);
  });
}

}  // namespace drwatch::config
