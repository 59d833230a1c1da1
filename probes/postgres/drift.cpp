// SPDX-License-Identifier: Apache-2.0
// Rows deleted, tables emptied or gone, told from the statistics, which cost nothing and need no right to the table. n_tup_del counts
// deleted rows. TRUNCATE does not raise it, but gives the table another file, as dropping and creating it does. The number of live rows and
// the planner's number are both estimates, so they are only used to say what part of the table was lost.
#include "probes/parts/pg_answer.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/postgres/checks.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace drwatch {
namespace {

std::string drift_sql(const std::vector<std::string>& tables) {
  // The epoch: statistics begin anew when the server starts after a crash, or when somebody resets them.
  return "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint, pg_catalog.pg_postmaster_start_time()::text || ' ' || "
         "coalesce((SELECT stats_reset::text FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()), ''), "
         "w.name, c.oid, pg_catalog.pg_relation_filenode(c.oid), c.reltuples::bigint, s.n_tup_del, s.n_live_tup, "
         "c.relkind = 'p' "
         "FROM pg_catalog.unnest(" +
         sql_array(tables) +
         ") AS w(name) LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
         "AND c.relkind IN ('r', 'p', 'm')) ON n.nspname || '.' || c.relname = w.name "
         "LEFT JOIN pg_catalog.pg_stat_all_tables s ON s.relid = c.oid ORDER BY w.name";
}

// When drwatch did not look for longer than this (and longer than the window), it cannot tell a sudden deletion from the usual ones of a
// day: the samples from before are dropped.
constexpr Duration longest_gap = hours{1};
// A server process tells what it did to a table up to ten seconds later (PGSTAT_IDLE_INTERVAL).
constexpr Duration counted_within = minutes{1};
// How many samples of a table are kept over a restart: at most eight, spread over the window, and all tables together within 48 KiB. When
// the oldest falls out of the window, at most an eighth of it is lost.
constexpr std::size_t most_samples = 8, room = 48 * 1024, sample_room = 48;

std::string percent(double part) { return std::to_string(static_cast<int>(part * 100 + 0.5)) + " %"; }

}  // namespace

std::string Drift::memory() const {
  const std::size_t most = std::clamp<std::size_t>(room / sample_room / std::max<std::size_t>(seen_.size(), 1), 2, most_samples);
  nlohmann::json tables = nlohmann::json::object();
  for (const auto& [name, seen] : seen_) {
    nlohmann::json samples = nlohmann::json::array();
    const std::size_t last = seen.samples.empty() ? 0 : seen.samples.size() - 1,
                      step = std::max<std::size_t>((last + most - 2) / (most - 1), 1);
    for (std::size_t i = 0; i < seen.samples.size(); i += i < last ? std::min(step, last - i) : 1) {
      const Sample& s = seen.samples[i];
      samples.push_back({s.at.time_since_epoch().count(), s.deleted, s.rows});
    }
    tables[name] = {seen.file, std::move(samples), seen.rows};
  }
  return nlohmann::json{{"epoch", epoch_}, {"tables", std::move(tables)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void Drift::recall(const std::string& memory) try {
  const auto told = nlohmann::json::parse(memory);
  std::map<std::string, Seen> seen;
  for (const auto& [name, table] : told.at("tables").items()) {
    Seen& of = seen[name];
    of.file = table.at(0).get<std::string>();
    of.rows = table.at(2).get<std::int64_t>();
    for (const auto& s : table.at(1))
      of.samples.push_back({Time{Duration{s.at(0).get<std::int64_t>()}}, s.at(1).get<std::int64_t>(), s.at(2).get<std::int64_t>()});
  }
  epoch_ = told.at("epoch").get<std::string>();
  seen_ = std::move(seen);
  recalled_ = true;
} catch (const nlohmann::json::exception&) {  // half a memory is none
}

Task<Outcome> Drift::look(PgConnection& connection) {
  const auto answer = co_await connection.query(drift_sql(bounds_.tables));
  if (!answer) co_return database_outcome(answer.error());
  Outcome outcome = outcome_of(Health::up, Reason::none, "", std::to_string(answer->rows.size()) + " tables keep their rows");
  for (const auto& row : answer->rows) {
    const auto now = database_time(cell(row, 0));
    if (!now) co_return outcome_of(Health::unknown, Reason::protocol, "", "the database's clock could not be read");
    if (std::exchange(recalled_, false))
      for (auto& [name, seen] : seen_)
        if (!seen.samples.empty() && seen.samples.back().at + std::max(bounds_.within, longest_gap) < *now) seen.samples.clear();
    if (epoch_ != text_of(row, 1)) {
      if (!epoch_.empty()) outcome.facts["counters_reset"] = time_text(*now);
      for (auto& [name, seen] : seen_) seen.samples.clear();  // the files stay: they are no statistics
      epoch_ = text_of(row, 1);
    }
    outcome = worse(std::move(outcome), judge(text_of(row, 2), row, *now));
  }
  co_return outcome;
}

Outcome Drift::judge(const std::string& table, const PgRow& row, Time now) {
  if (!cell(row, 3)) return outcome_of(Health::down, Reason::absent, "", "the table " + quote(table) + " is gone");
  // What is deleted in a partition is counted there, and the table above it always looks well.
  if (text_of(row, 8) == "t")
    return outcome_of(Health::unknown, Reason::absent, "", "the table " + quote(table) + " is partitioned: name its partitions instead");
  Seen& seen = seen_[table];
  // The planner's count first: right after rows were loaded and analyzed, the statistics may count them twice.
  const auto planned = whole(cell(row, 5)).value_or(0);
  const Sample sample{now, whole(cell(row, 6)).value_or(0), planned > 0 ? planned : whole(cell(row, 7)).value_or(0)};
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "");
  compare_files(table, seen, row, now, outcome);
  return worse(std::move(outcome), count(table, seen, sample));
}

// VACUUM FULL, CLUSTER and some ALTER TABLE write a new file as well, but keep its rows and their count. What was emptied, or made anew,
// has only what came in since; some rows may have, before anybody looks. It is not seen when one session empties the table, and then fills
// it in another transaction before it reports: PostgreSQL 15 then forgets that it was emptied, and counts the old rows on.
void Drift::compare_files(const std::string& table, Seen& seen, const PgRow& row, Time now, Outcome& outcome) {
  const auto planned = whole(cell(row, 5)).value_or(0), live = whole(cell(row, 7)).value_or(0);
  const std::string file = text_of(row, 4);
  const bool changed = !seen.file.empty() && file != seen.file;
  if (changed) {
    seen.before = seen.rows;
    seen.uncounted = now + counted_within;
    seen.samples.clear();
  }
  // -1: neither vacuumed nor analyzed since it was emptied.
  const bool may_be_uncounted = seen.before > 0 && now <= seen.uncounted && planned < 0;
  const auto has = std::max({planned, live, std::int64_t{0}});
  if (changed && has == 0) {
    outcome.latches.push_back({"truncated " + table, now, "the table " + quote(table) + " was emptied (truncated)"});
    seen.before = 0;
  } else if ((changed || may_be_uncounted) && has < seen.before / 2 + seen.before % 2) {
    outcome.latches.push_back({"truncated " + table, now,
                               "the table " + quote(table) + " has " + std::to_string(has) + " rows in a new file, and had " +
                                   std::to_string(seen.before) + ": it was emptied (truncated), or dropped and made anew"});
    seen.before = 0;
  }
  const auto deleted = whole(cell(row, 6)).value_or(0);
  if (planned != seen.planned)
    seen.gone = 0;
  else if (seen.deleted)
    seen.gone += deleted < *seen.deleted ? deleted : deleted - *seen.deleted;  // less: the statistics began anew
  seen.planned = planned;
  seen.deleted = deleted;
  // The lesser of two counts: the planner's may be of long ago, that of the statistics may have begun anew, or count twice.
  const auto left = std::max<std::int64_t>(planned - seen.gone, 0);
  const auto rows = planned <= 0 ? std::max<std::int64_t>(live, 0) : live <= 0 ? left : std::min(live, left);
  // After a crash the statistics may count nothing, and what the planner counted may be of before a deletion that was seen.
  if (changed || live > 0 || seen.rows == 0)
    seen.rows = rows;
  else if (rows > 0)
    seen.rows = std::min(seen.rows, rows);
  seen.file = file;
}

Outcome Drift::count(const std::string& table, Seen& seen, Sample now) const {
  Outcome outcome = outcome_of(Health::up, Reason::none, "", "");
  if (!seen.samples.empty() && now.deleted < seen.samples.back().deleted) seen.samples.clear();
  while (seen.samples.size() > 1 && seen.samples.front().at + bounds_.within < now.at) seen.samples.pop_front();
  seen.samples.push_back(now);
  if (seen.samples.size() > 1000) seen.samples.erase(seen.samples.begin() + 1);
  const Sample& then = seen.samples.front();
  const auto lost = now.deleted - then.deleted;
  const auto had = std::max({then.rows, now.rows, lost});
  outcome.facts["deleted " + table] = std::to_string(lost);
  if (lost <= 0 || had <= 0) return outcome;
  const double part = static_cast<double>(lost) / static_cast<double>(had);
  const std::string words = std::to_string(lost) + " rows of " + quote(table) + " (" + percent(part) + ") were deleted within " +
                            duration_words(std::max<Duration>(now.at - then.at, seconds{1}));
  if (part >= bounds_.down)
    outcome.latches.push_back({"rows " + table, now.at, words});
  else if (part >= bounds_.degraded)
    return worse(std::move(outcome), outcome_of(Health::degraded, Reason::assertion, "", words));
  return outcome;
}

}  // namespace drwatch
