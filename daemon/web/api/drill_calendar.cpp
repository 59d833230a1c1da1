// SPDX-License-Identifier: Apache-2.0
// RFC 5545: lines of at most 75 octets, ended by CR LF; text with its commas, semicolons and backslashes escaped.
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/web/api/drill_report.hpp"

#include <algorithm>

namespace drwatch::web {
namespace {

constexpr std::size_t most_octets = 75, most_dates = 6;
constexpr Duration looks_ahead = hours{24 * 400};

// Long lines go on in the next one behind a blank; never in the middle of a character.
void put(std::string& out, const std::string& content) {
  std::size_t room = most_octets, at = 0;
  while (content.size() - at > room) {
    std::size_t cut = at + room;
    while (cut > at + 1 && (static_cast<unsigned char>(content[cut]) & 0xC0) == 0x80) --cut;
    out += content.substr(at, cut - at) + "\r\n ";
    at = cut;
    room = most_octets - 1;  // the blank is one
  }
  out += content.substr(at) + "\r\n";
}

// Control characters have no place in a TEXT, and a line end is written as \n.
std::string escaped_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n')
      out += "\\n";
    else if (c == ',' || c == ';' || c == '\\')
      out += std::string("\\") + c;
    else if (byte >= 0x20 && byte != 0x7f)
      out += c;
  }
  return out;
}

// 20260301T021000Z
std::string stamp(Time at) {
  std::string out;
  for (const char c : time_text(std::chrono::floor<seconds>(at)))
    if (c != '-' && c != ':') out += c;
  return out;
}

// The date that is due, and those after it, were each held on its date (one that is past: now). The first may lie between two dates of the
// plan, and the one soon after it is not another drill.
std::vector<Time> dates_of(const Scenario& scenario, const DrillDates& dates, Time now) {
  std::vector<Time> all{*dates.due_at};
  for (auto next = drill_due_after(*scenario.drill->schedule, std::max(*dates.due_at, now));
       next && all.size() < most_dates && *next < now + looks_ahead; next = drill_due_after(*scenario.drill->schedule, *next))
    all.push_back(*next);
  return all;
}

void event_of(std::string& out, const Seen& seen, const Scenario& scenario, Time at, Time stamped) {
  put(out, "BEGIN:VEVENT");
  // One date of one scenario, whenever it is asked for.
  put(out, "UID:drill-" + scenario.id + "-" + stamp(at) + "@drwatch");
  put(out, "DTSTAMP:" + stamp(stamped));
  put(out, "DTSTART:" + stamp(at));
  put(out, "DURATION:PT1H");
  put(out, "SUMMARY:" + escaped_text("Drill: " + scenario.title));
  put(out,
      "DESCRIPTION:" +
          escaped_text("Type " + scenario.drill->type + "; overdue after " + time_words(at + scenario.drill->grace) + ".\n" +
                       (scenario.drill->automatic ? "drwatch begins it by itself." : "Begin it with: drwatch drill start " + scenario.id)));
  put(out, "CATEGORIES:DRILL");
  put(out, "TRANSP:TRANSPARENT");
  put(out, "URL:" + seen.base_url + "/drills");
  put(out, "END:VEVENT");
}

}  // namespace

std::string drill_calendar(const Seen& seen) {
  std::string out;
  for (const char* line :
       {"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//drwatch//drills//EN", "CALSCALE:GREGORIAN", "X-WR-CALNAME:Recovery drills"})
    put(out, line);
  const Record& record = seen.state.record;
  for (const auto& [id, scenario] : seen.settings.scenarios) {
    const DrillDates dates = drill_dates(record, scenario);
    if (!dates.due_at || !scenario.drill || !scenario.drill->schedule) continue;
    // When this was last known otherwise: it does not change because somebody asks.
    const auto first = record.first_seen.find("scenario/" + id);
    std::optional<Time> stamped = std::max(dates.last_success_at, dates.changed_at);
    if (!stamped && first != record.first_seen.end()) stamped = first->second;
    for (const Time at : dates_of(scenario, dates, seen.now)) event_of(out, seen, scenario, at, stamped.value_or(*dates.due_at));
  }
  put(out, "END:VCALENDAR");
  return out;
}

}  // namespace drwatch::web
