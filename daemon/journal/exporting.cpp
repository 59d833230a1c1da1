// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/exporting.hpp"

#include "daemon/journal/tables.hpp"

#include <stdexcept>

namespace drwatch {
namespace {

using journal::Database;
using journal::Link;

std::int64_t ms_of(Time t) { return t.time_since_epoch().count(); }

// The last event before the part.
Link before(Database& db, const JournalPart& part) {
  const Link anchor = journal::anchor_of(db).value_or(Link{});
  if (part.first <= anchor.seq)
    throw std::runtime_error("event " + std::to_string(part.first) +
                             " was cut off behind an anchor; it is in the file to which the events before " +
                             std::to_string(anchor.seq + 1) + " were exported");
  auto older = db.prepare("SELECT seq FROM events WHERE seq < ? AND at < ? ORDER BY seq DESC LIMIT 1");
  older.bind(1, static_cast<std::int64_t>(part.first));
  older.bind(2, ms_of(part.since));
  if (!older.step()) return anchor;
  const auto seq = static_cast<std::uint64_t>(older.number(0));
  return {seq, journal::hash_at(db, seq)};
}

void copy_part(Database& from, const JournalPart& part, const std::string& file) {
  const Link begin = before(from, part);
  Database to(file, Database::Mode::create);  // without a write-ahead log: one file
  journal::make_tables(to);
  to.run("BEGIN IMMEDIATE");
  journal::Inserts inserts(to);
  Link end = begin;
  journal::each_row(from, begin.seq, [&](const journal::Row& row) {
    if (row.seq > part.last) return false;
    inserts.event(row);
    end = {row.seq, row.hash};
    return row.seq < part.last;
  });
  journal::set_anchor(to, begin);
  journal::set_head(to, end);
  to.run("COMMIT");
  if (end.seq < part.last)
    throw std::runtime_error("event " + std::to_string(part.last) + " is not in the journal yet; try again in a moment");
}

}  // namespace

JournalVerdict export_journal(const std::string& path, const std::optional<JournalPart>& part, const std::string& file) {
  try {
    Database from(path, Database::Mode::read);
    if (part) {
      copy_part(from, *part, file);
    } else {
      auto vacuum = from.prepare("VACUUM INTO ?");
      vacuum.bind(1, std::string_view(file));
      vacuum.step();
    }
  } catch (const journal::StoreError& error) {
    throw std::runtime_error("cannot copy the journal " + path + ": " + error.what() + "; make room, or run drwatch journal verify " +
                             path);
  }
  const JournalVerdict verdict = verify_journal(file);
  if (verdict.broken)
    throw std::runtime_error("the copy of journal " + path + " is broken at event " + std::to_string(verdict.broken->seq) + ": " +
                             verdict.broken->message + "; run drwatch journal verify " + path);
  return verdict;
}

}  // namespace drwatch
