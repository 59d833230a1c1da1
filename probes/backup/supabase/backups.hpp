// SPDX-License-Identifier: Apache-2.0
// What Supabase's Management API says of a project's backups, and what that means. Pure: the bodies of two answers in, an outcome out.
// Shapes: GET /v1/projects/{ref}/database/backups and GET /v1/projects/{ref}. Any field may be missing, null or of another type; what is
// not understood counts as not there, and never as a backup.
#pragma once

#include "probes/outcome.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

struct SupabaseBackups {
  struct Daily {
    enum class State { completed, failed, other };
    Time at;
    State state = State::other;
    std::string status;  // as it was sent, lower case
  };
  std::optional<bool> pitr;              // nullopt: not said
  std::optional<Time> earliest, latest;  // the window that point-in-time recovery reaches
  bool listed = false;                   // there was a list of backups, if only an empty one
  bool window_told = false;              // there was a word on the window, if only that there is none
  std::vector<Daily> dailies;            // newest first
  std::size_t not_understood = 0;        // entries of that list
  std::string region;
};
std::optional<SupabaseBackups> parse_supabase_backups(std::string_view body);  // nullopt: not an object

// The project's status, upper case ("ACTIVE_HEALTHY"); nullopt: not said.
std::optional<std::string> parse_supabase_status(std::string_view body);

struct SupabaseWanted {
  bool pitr = false;               // point-in-time recovery must be on
  std::optional<Duration> window;  // and reach back so far
  std::optional<Duration> every;   // how often a daily backup comes; nullopt: daily
};
// `project_status`: as parse_supabase_status gives it; nullopt: it was not asked for, or not said.
Outcome judge_supabase(const SupabaseBackups& backups, const std::optional<std::string>& project_status, const SupabaseWanted& wanted,
                       Time now);

}  // namespace drwatch
