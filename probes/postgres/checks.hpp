// SPDX-License-Identifier: Apache-2.0
// What the postgres kind looks at beyond logging in and its canary; each is a question of its own with an outcome of its own. All of them
// need only the catalogs and statistics that any role may read, but the sentinel, whose table is drwatch's.
#pragma once

#include "probes/probe.hpp"

#include <deque>

namespace drwatch {

// The worse of two looks at one server. Both say what is wrong; facts, canary and latches are kept in any case.
Outcome worse(Outcome first, Outcome second);

// Corrupt pages that the server met, in any database, since its statistics began: latched until acknowledged. Unknown when checksums are
// off (no coverage). It can't see a page that nobody reads from disk.
Task<Outcome> look_at_checksums(PgConnection& connection);

// Reads every row of drwatch.sentinel from the heap and hashes it anew: what vanished or changed without any error. It sees what the
// server reads: a page in its cache hides the one on disk.
Task<Outcome> read_sentinel(PgConnection& connection);
inline constexpr int sentinel_rows = 1000;  // as prepare_sql() writes them

// Who may do anything, and who may log in, against lists that a person made. An absent list asks nothing.
Task<Outcome> look_at_roles(PgConnection& connection, std::optional<std::vector<std::string>> superusers,
                            std::optional<std::vector<std::string>> logins);

// Tables ("public.orders", or "public.*" for all of a schema) whose row level security must be on.
Task<Outcome> look_at_row_security(PgConnection& connection, std::vector<std::string> tables);

// Connections in use against what clients that are no superusers may have (0 to 1).
struct ConnectionBounds {
  std::optional<double> degraded, down;
  friend bool operator==(const ConnectionBounds&, const ConnectionBounds&) = default;
};
Task<Outcome> look_at_connections(PgConnection& connection, ConnectionBounds bounds);

// How much data a restore would have to bring back; the server looks at each of its files for it.
Task<Outcome> look_at_size(PgConnection& connection);

// Rows deleted, tables emptied or gone, from statistics alone; it remembers what it saw, and forgets it when the server forgot its own. Its
// memory lets a restart of drwatch in the middle of a deletion go on counting where it was.
struct DriftBounds {
  std::vector<std::string> tables;     // "public.orders"
  double degraded = 0.05, down = 0.2;  // of the rows, within `within`
  Duration within = minutes{10};
  friend bool operator==(const DriftBounds&, const DriftBounds&) = default;
};
class Drift {
 public:
  explicit Drift(DriftBounds bounds) : bounds_(std::move(bounds)) {}
  // Compares with what was seen before; the first look only notes. Down: a table is gone, or more than `down` of its rows (latched).
  Task<Outcome> look(PgConnection& connection);
  std::string memory() const;
  void recall(const std::string& memory);

 private:
  struct Sample {
    Time at{};                 // by the database's clock
    std::int64_t deleted = 0;  // rows, since the statistics began
    std::int64_t rows = 0;     // the server's estimate
  };
  struct Seen {
    std::string file;  // in which its rows are; truncating gives it another one
    std::deque<Sample> samples;
    std::int64_t rows = 0;  // at least so many, when it was last looked at; 0: not known
    // As the planner last counted them, and how many of those were deleted since.
    std::int64_t planned = 0, gone = 0;
    std::optional<std::int64_t> deleted;  // as the statistics last said
    // Since its file changed: what the old one had, and until when the new one's rows may not have been counted yet.
    std::int64_t before = 0;
    Time uncounted{};
  };
  static void compare_files(const std::string& table, Seen& seen, const std::vector<std::optional<std::string>>& row, Time now,
                            Outcome& outcome);
  Outcome judge(const std::string& table, const std::vector<std::optional<std::string>>& row, Time now);
  Outcome count(const std::string& table, Seen& seen, Sample now) const;

  DriftBounds bounds_;
  std::string epoch_;      // of the statistics
  bool recalled_ = false;  // and not looked yet
  std::map<std::string, Seen> seen_;
};

// Text of a list as SQL: ARRAY['a','b']::text[].
std::string sql_array(const std::vector<std::string>& words);

}  // namespace drwatch
