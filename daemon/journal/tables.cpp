// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/tables.hpp"

#include <charconv>
#include <stdexcept>
#include <vector>

namespace drwatch::journal {

namespace {

// Each read ends its transaction, see each_row.
constexpr int rows_per_read = 1000;

// nullopt: there is no such key.
std::optional<std::string> meta(Database& db, std::string_view key) {
  auto find = db.prepare("SELECT value FROM meta WHERE key = ?");
  find.bind(1, key);
  if (!find.step()) return std::nullopt;
  return find.text(0);
}

void set_meta(Database& db, std::string_view key, const std::string& value) {
  auto set = db.prepare("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
  set.bind(1, key);
  set.bind(2, value);
  set.step();
}

// "42 HASH"
std::optional<Link> parse_link(const std::string& text) {
  Link link;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), link.seq);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || text.size() != used + 65 || text[used] != ' ') return std::nullopt;
  link.hash = text.substr(used + 1);
  return link;
}
std::string link_text(const Link& link) { return std::to_string(link.seq) + " " + link.hash; }

}  // namespace

void make_tables(Database& db) {
  db.run(R"sql(
    BEGIN IMMEDIATE;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE events (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL, hash TEXT NOT NULL);
    CREATE TABLE kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE snapshot (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, text TEXT NOT NULL, chain TEXT NOT NULL, digest TEXT NOT NULL);
  )sql");
  set_meta(db, "schema", std::to_string(schema_version));
  set_anchor(db, Link{});
  db.run("COMMIT");
}

void refuse_newer_schema(Database& db, const std::string& path) {
  std::string found;
  try {
    found = meta(db, "schema").value_or("");
  } catch (const StoreError&) {
    return;  // it does not say any more who wrote it: walking its chain tells that
  }
  int version = 0;
  std::from_chars(found.data(), found.data() + found.size(), version);
  if (version <= schema_version) return;
  throw std::runtime_error("journal " + path + " was written by a newer drwatch (schema " + found + ", this one knows " +
                           std::to_string(schema_version) + "); run that release, or give another [journal] path");
}

// WAL: readers do not stop the writer. synchronous FULL: each commit is synced; NORMAL would lose the last ones in a power cut. The log is
// cut back to 16 MiB after it had to grow.
void make_durable(Database& db) { db.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;"); }

std::optional<Link> anchor_of(Database& db) {
  const auto text = meta(db, "anchor");
  return text ? parse_link(*text) : std::nullopt;
}
void set_anchor(Database& db, const Link& anchor) { set_meta(db, "anchor", link_text(anchor)); }

std::optional<Link> head_of(Database& db) {
  const auto text = meta(db, "head");
  return text ? parse_link(*text) : std::nullopt;
}
void set_head(Database& db, const Link& head) { set_meta(db, "head", link_text(head)); }

std::optional<Snapshot> snapshot_of(Database& db) {
  auto find = db.prepare("SELECT seq, text, chain, digest FROM snapshot");
  if (!find.step()) return std::nullopt;
  return Snapshot{static_cast<std::uint64_t>(find.number(0)), find.text(1), find.text(2), find.text(3)};
}

void set_snapshot(Database& db, const Snapshot& snapshot) {
  auto set = db.prepare("INSERT OR REPLACE INTO snapshot (one, seq, text, chain, digest) VALUES (1, ?, ?, ?, ?)");
  set.bind(1, static_cast<std::int64_t>(snapshot.seq));
  set.bind(2, snapshot.text);
  set.bind(3, snapshot.chain);
  set.bind(4, snapshot.digest);
  set.step();
}

std::string hash_at(Database& db, std::uint64_t seq) {
  auto find = db.prepare("SELECT hash FROM events WHERE seq = ?");
  find.bind(1, static_cast<std::int64_t>(seq));
  return find.step() ? find.text(0) : "";
}

Link newest_row(Database& db) {
  auto find = db.prepare("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1");
  return find.step() ? Link{static_cast<std::uint64_t>(find.number(0)), find.text(1)} : anchor_of(db).value_or(Link{});
}

void read_kept(Database& db, std::map<std::string, std::string>& kept) {
  auto rows = db.prepare("SELECT key, value FROM kept ORDER BY key");
  while (rows.step()) kept[rows.text(0)] = rows.text(1);
}

Inserts::Inserts(Database& db)
    : event_(db.prepare("INSERT INTO events (seq, at, kind, version, json, hash) VALUES (?, ?, ?, ?, ?, ?)")),
      keep_(db.prepare("INSERT INTO kept (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")),
      forget_(db.prepare("DELETE FROM kept WHERE key = ?")) {}

void Inserts::event(const Row& row) {
  event_.reset();
  event_.bind(1, static_cast<std::int64_t>(row.seq));
  event_.bind(2, row.at_ms);
  event_.bind(3, row.kind);
  event_.bind(4, static_cast<std::int64_t>(row.version));
  event_.bind(5, row.json);
  event_.bind(6, row.hash);
  event_.step();
  event_.reset();
}

void Inserts::kept(const std::string& key, const std::string& value) {
  Statement& statement = value.empty() ? forget_ : keep_;
  statement.reset();
  statement.bind(1, key);
  if (!value.empty()) statement.bind(2, value);
  statement.step();
  statement.reset();
}

void each_row(Database& db, std::uint64_t after, const std::function<bool(const Row&)>& each) {
  for (;;) {
    auto rows = db.prepare("SELECT seq, at, kind, version, json, hash FROM events WHERE seq > ? ORDER BY seq LIMIT " +
                           std::to_string(rows_per_read));
    rows.bind(1, static_cast<std::int64_t>(after));
    int taken = 0;
    for (; rows.step(); ++taken) {
      const Row row{static_cast<std::uint64_t>(rows.number(0)), rows.number(1), rows.text(2),
                    static_cast<int>(rows.number(3)),           rows.text(4),   rows.text(5)};
      if (!each(row)) return;
      after = row.seq;
    }
    if (taken < rows_per_read) return;
  }
}

std::string quick_check(Database& db) {
  auto check = db.prepare("PRAGMA quick_check(1)");
  return check.step() ? check.text(0) : "no answer";
}

}  // namespace drwatch::journal
