// SPDX-License-Identifier: Apache-2.0
// Two lines: the answer about backups, the one about the project.
#include "probes/backup/supabase/backups.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace supabase_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(supabase)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const auto about_backups = take_line(text);
  const auto status = parse_supabase_status(text);
  must(!status || status->size() <= size, "a status is a part of what came");
  const auto backups = parse_supabase_backups(about_backups);
  if (!backups) return 0;
  for (std::size_t i = 1; i < backups->dailies.size(); ++i) must(backups->dailies[i - 1].at >= backups->dailies[i].at, "newest first");
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  const Outcome outcome = judge_supabase(*backups, status, {false, hours{24}, {}}, now);
  const bool point = outcome.recovery && outcome.recovery->time;
  must(outcome.outcome != Health::up || point, "nothing is well without a recovery point");
  must(!point || *outcome.recovery->time <= now, "a recovery point is never in the future");
  must(outcome.message.size() < 5000, "what is said is short");
  return 0;
}

}  // namespace supabase_target
