// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/supabase/backups.hpp"

#include "probes/parts/bounded_json.hpp"
#include "probes/parts/complaint.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace drwatch {
namespace {

using Json = nlohmann::json;
using Daily = SupabaseBackups::Daily;

constexpr std::size_t most_backups = 10'000;
constexpr Duration usual_every = hours{24};

const Json* member(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::string text(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value && value->is_string() ? value->get<std::string>() : "";
}

std::string with_case(std::string text, int (*convert)(int)) {
  std::transform(text.begin(), text.end(), text.begin(), [convert](unsigned char c) { return static_cast<char>(convert(c)); });
  return text;
}

// Seconds since 1970 as a number or as its text; what is no moment of a backup's life (before 2015, after 2200) is nothing.
std::optional<Time> unix_time(const Json& object, const char* key) {
  constexpr double earliest = 1'420'070'400, latest = 7'258'118'400;
  const Json* value = member(object, key);
  double seconds_since = 0;
  if (value && value->is_number()) {
    seconds_since = value->get<double>();
  } else if (value && value->is_string()) {
    const auto& digits = value->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), seconds_since);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  }
  if (!(seconds_since >= earliest && seconds_since <= latest)) return std::nullopt;
  return Time{Duration{std::llround(seconds_since * 1000)}};
}

std::optional<Daily> parse_daily(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  const auto at = parse_time(text(entry, "inserted_at"));
  Daily daily;
  daily.status = with_case(text(entry, "status"), std::tolower);
  if (!at || daily.status.empty()) return std::nullopt;
  daily.at = *at;
  // Only this one word says that there is something to restore.
  if (daily.status == "completed") daily.state = Daily::State::completed;
  if (daily.status == "failed") daily.state = Daily::State::failed;
  return daily;
}

void read_dailies(SupabaseBackups& into, const Json& document) {
  const Json* list = member(document, "backups");
  if (!list || !list->is_array()) return;
  into.listed = true;
  for (const Json& entry : *list) {
    if (into.dailies.size() == most_backups) break;
    if (auto daily = parse_daily(entry))
      into.dailies.push_back(std::move(*daily));
    else
      ++into.not_understood;
  }
  std::stable_sort(into.dailies.begin(), into.dailies.end(), [](const Daily& a, const Daily& b) { return a.at > b.at; });
}

const Daily* newest_completed(const SupabaseBackups& b) {
  const auto at = std::find_if(b.dailies.begin(), b.dailies.end(), [](const Daily& d) { return d.state == Daily::State::completed; });
  return at == b.dailies.end() ? nullptr : &*at;
}

// The newest that came to an end, one way or the other: a running one says nothing yet.
bool newest_failed(const SupabaseBackups& b) {
  const auto at = std::find_if(b.dailies.begin(), b.dailies.end(), [](const Daily& d) { return d.state != Daily::State::other; });
  return at != b.dailies.end() && at->state == Daily::State::failed;
}

// Not said: then the daily backups are what there is.
bool uses_pitr(const SupabaseBackups& b) { return b.pitr.value_or(false); }

void complain_of_status(const std::string& status, Complaints& complaints) {
  // Supabase's project statuses (Management API) in which no database runs.
  constexpr std::string_view off[] = {"INACTIVE", "PAUSING", "PAUSED", "GOING_DOWN", "REMOVED", "INIT_FAILED"};
  if (std::find(std::begin(off), std::end(off), status) != std::end(off))
    complaints.push_back({Health::down, Reason::assertion, "the project is " + status + ": nothing is backed up"});
  if (status == "RESTORE_FAILED") complaints.push_back({Health::down, Reason::assertion, "restoring the project failed (RESTORE_FAILED)"});
  if (status == "RESTORING")
    complaints.push_back({Health::degraded, Reason::assertion, "the project is being restored: nothing is backed up meanwhile"});
}

void complain_of_window(const SupabaseBackups& b, const SupabaseWanted& wanted, Time now, Complaints& complaints) {
  if (!b.latest) {
    complaints.push_back({Health::degraded, Reason::absent,
                          "point-in-time recovery is on, but there is no window yet: it begins with the first base backup"});
    return;
  }
  if (wanted.window && b.earliest && *b.earliest > now - *wanted.window)
    complaints.push_back({Health::degraded, Reason::assertion,
                          "point-in-time recovery reaches back only " + duration_words(now - *b.earliest) + ", " +
                              duration_words(*wanted.window) + " are wanted"});
  if (newest_failed(b)) complaints.push_back({Health::degraded, Reason::assertion, "the newest base backup failed"});
}

void complain_of_dailies(const SupabaseBackups& b, const SupabaseWanted& wanted, Time now, Complaints& complaints) {
  const Daily* newest = newest_completed(b);
  if (newest_failed(b)) complaints.push_back({Health::down, Reason::assertion, "the newest backup failed"});
  if (b.listed && b.dailies.empty() && b.not_understood == 0) {
    complaints.push_back({Health::down, Reason::absent, "there is no backup at all, and point-in-time recovery is off"});
  } else if (!newest && !b.dailies.empty()) {
    complaints.push_back(
        {Health::degraded, Reason::absent, "no backup is completed yet, the newest is " + quote(b.dailies.front().status, 40)});
  } else if (newest && now - newest->at > wanted.every.value_or(usual_every) * 5 / 4) {  // a quarter for one that is late
    complaints.push_back({Health::degraded, Reason::stale,
                          "the newest daily backup is " + duration_words(now - newest->at) + " old (" + time_words(newest->at) + ")"});
  }
}

// Why nothing can be concluded; nullopt: something can.
std::optional<std::string> unreadable(const SupabaseBackups& b, Time now) {
  if (b.latest && is_future(*b.latest, now)) return "the window ends in the future (" + time_words(*b.latest) + ")";
  if (b.latest && b.earliest && *b.earliest > *b.latest) return "the window ends before it begins";
  const Daily* newest = newest_completed(b);
  if (newest && is_future(newest->at, now)) return "the newest backup is from the future (" + time_words(newest->at) + ")";
  if (b.pitr == true || b.latest) return std::nullopt;
  if (!b.listed) return "neither a list of backups nor a window of point-in-time recovery is in the answer";
  if (b.dailies.empty() && b.not_understood > 0) return "none of the backups in the list is understood";
  return std::nullopt;
}

std::optional<Time> point(const SupabaseBackups& b, Time now) {
  std::optional<Time> at;
  if (const Daily* newest = newest_completed(b)) at = newest->at;
  // Without point-in-time recovery the window says only of which moment the newest physical backup is.
  if (b.latest && (uses_pitr(b) || !at)) at = b.latest;
  return at ? std::optional(std::min(*at, now)) : at;
}

std::optional<Time> oldest(const SupabaseBackups& b) {
  if (uses_pitr(b) && b.latest) return b.earliest;
  std::optional<Time> first;
  for (const Daily& daily : b.dailies)
    if (daily.state == Daily::State::completed) first = daily.at;  // newest first
  return first;
}

// Whether the answer says all that there is: what may be a newer backup is not understood, or a part is missing that is there otherwise.
bool says_all(const SupabaseBackups& b) {
  if (b.not_understood > 0 || !b.listed) return false;
  return !uses_pitr(b) || b.latest || b.window_told;
}

std::map<std::string, std::string> facts_of(const SupabaseBackups& b, const std::optional<std::string>& status) {
  std::map<std::string, std::string> facts;
  facts["point_in_time_recovery"] = b.pitr ? (*b.pitr ? "on" : "off") : "not said";
  if (b.earliest) facts["window_begins"] = time_text(*b.earliest);
  if (b.latest) facts["window_ends"] = time_text(*b.latest);
  if (const Daily* newest = newest_completed(b)) facts["newest_backup"] = time_text(newest->at);
  facts["backups_completed"] =
      std::to_string(std::count_if(b.dailies.begin(), b.dailies.end(), [](const Daily& d) { return d.state == Daily::State::completed; }));
  if (b.not_understood > 0) facts["backups_not_understood"] = std::to_string(b.not_understood);
  if (!b.region.empty()) facts["region"] = excerpt(b.region, 40);
  facts["project_status"] = status ? excerpt(*status, 40) : "not said";
  return facts;
}

std::string good_text(const SupabaseBackups& b, const std::optional<Time>& at) {
  if (!at) return "there is nothing to restore yet";
  return (uses_pitr(b) ? "point-in-time recovery reaches up to " : "the newest daily backup is of ") + time_words(*at);
}

}  // namespace

std::optional<SupabaseBackups> parse_supabase_backups(std::string_view body) {
  const Json document = bounded_json(body);
  if (!document.is_object()) return std::nullopt;
  SupabaseBackups backups;
  if (const Json* pitr = member(document, "pitr_enabled"); pitr && pitr->is_boolean()) backups.pitr = pitr->get<bool>();
  backups.region = text(document, "region");
  // Plainly none: null, or without an end. Anything else that is no window is not understood.
  const auto told = document.find("physical_backup_data");
  backups.window_told =
      told != document.end() && (told->is_null() || (told->is_object() && !member(*told, "latest_physical_backup_date_unix")));
  if (const Json* window = member(document, "physical_backup_data"); window && window->is_object()) {
    backups.earliest = unix_time(*window, "earliest_physical_backup_date_unix");
    backups.latest = unix_time(*window, "latest_physical_backup_date_unix");
  }
  read_dailies(backups, document);
  return backups;
}

std::optional<std::string> parse_supabase_status(std::string_view body) {
  const Json document = bounded_json(body);
  if (!document.is_object()) return std::nullopt;
  const std::string status = text(document, "status");
  return status.empty() ? std::nullopt : std::optional(with_case(status, std::toupper));
}

Outcome judge_supabase(const SupabaseBackups& backups, const std::optional<std::string>& project_status, const SupabaseWanted& wanted,
                       Time now) {
  Complaints complaints;
  const auto why_not = unreadable(backups, now);
  if (project_status) complain_of_status(*project_status, complaints);
  if (wanted.pitr && backups.pitr == false) complaints.push_back({Health::down, Reason::assertion, "point-in-time recovery is off"});
  if (why_not)
    complaints.push_back({Health::unknown, Reason::protocol, *why_not});
  else if (uses_pitr(backups))
    complain_of_window(backups, wanted, now, complaints);
  else
    complain_of_dailies(backups, wanted, now, complaints);

  const auto at = why_not ? std::nullopt : point(backups, now);
  Outcome outcome = verdict(std::move(complaints), good_text(backups, at));
  const bool failing = outcome.outcome == Health::down;
  const bool whole = !why_not && says_all(backups);
  if (at || failing || whole) {
    outcome.recovery.emplace();
    outcome.recovery->whole = whole;
    outcome.recovery->time = at;
    outcome.recovery->failing = failing;
    outcome.recovery->continuous = uses_pitr(backups);
    outcome.recovery->oldest = why_not ? std::nullopt : oldest(backups);
    if (uses_pitr(backups)) outcome.recovery->oldest = backups.earliest;
  }
  outcome.facts = facts_of(backups, project_status);
  return outcome;
}

}  // namespace drwatch
