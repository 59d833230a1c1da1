// SPDX-License-Identifier: Apache-2.0
// backup: how far back a disaster would throw the platform. It reads the newest recovery point that a source proves; what that is, is said
// where the source is read. Down means: the source fails, is off, has a gap or lies; how old the point is, is the objective's affair.
#include "probes/probe.hpp"
#include "probes/backup/readers.hpp"

#include <algorithm>

namespace drwatch::kinds::backup {
namespace {

using config::Reading;
using config::Row;
using config::Value;

// The visible table of readers.
const std::vector<Kind>& readers() {
  static const std::vector<Kind> all = {archiver::reader(), pgbackrest::reader(), standby::reader(), supabase::reader(), dump::reader()};
  return all;
}

constexpr const char* doc =
    R"(Reads the newest recovery point of a component that it `protects` and says which classes of disaster it `survives`.

`down` when the source says that it fails, is off, has a gap, or claims what is not there; `degraded` when it works but is behind its
normal; `unknown` when it could not be read: the last proven point stands. A store that was read to its end and holds less than it proved,
or nothing, has lost it: when the next run that reads it sees the same, the point goes back or there is none, the exposure is everything,
the finding `points-lost` says what is gone, and the RPO pages. Age alone never makes it `down`: that is the objective's work. No reader can
prove that what is there can be restored: a restore drill does.)";

struct BackupSettings {
  const Kind* reader = nullptr;  // a row of the table; null: `reads` is missing or wrong
  std::shared_ptr<void> own;     // the reader's
  std::vector<std::string> given;
  friend bool operator==(const BackupSettings& a, const BackupSettings& b) {
    return a.reader == b.reader && (!a.reader || a.reader->schema.same(a.own.get(), b.own.get()));
  }
};

const Kind* find_reader(const std::string& name) {
  const auto at = std::find_if(readers().begin(), readers().end(), [&](const Kind& k) { return k.schema.name == name; });
  return at == readers().end() ? nullptr : &*at;
}

const Row* find_row(const Kind& reader, const std::string& key) {
  const auto& rows = reader.schema.rows;
  const auto at = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.key == key; });
  return at == rows.end() ? nullptr : &*at;
}

std::vector<std::string> reader_names() {
  std::vector<std::string> names;
  for (const Kind& reader : readers()) names.push_back(reader.schema.name);
  return names;
}

void read_reads(BackupSettings& into, const Value& value, const Reading& reading) {
  std::string name;
  config::read_value(name, value, {.required = true, .one_of = reader_names()}, reading);
  into.reader = find_reader(name);
  if (into.reader) into.own = into.reader->schema.fresh();
}

// Rows are read in their order, `reads` first: by now the reader is known.
void read_for_reader(BackupSettings& into, const std::string& key, const Value& value, const Reading& reading) {
  if (!into.reader) return;
  const Row* row = find_row(*into.reader, key);
  if (!row) {
    reading.problems.error(value.place, reading.key, "is not a key of reads = \"" + into.reader->schema.name + "\"", "remove it");
    return;
  }
  into.given.push_back(key);
  row->read(into.own.get(), value, reading);
}

// One row for each key of any reader; what it means to each stands in its documentation.
std::vector<Row> rows() {
  std::vector<Row> all = {config::row_with<BackupSettings>(
      "reads", "string", {.doc = "What the recovery point is read from.", .required = true, .one_of = reader_names()}, read_reads)};
  for (const Kind& reader : readers())
    for (const Row& own : reader.schema.rows) {
      const std::string told = "`" + reader.schema.name + "`" + (own.required ? " (required)" : "") + ": " + own.doc;
      const auto shared = std::find_if(all.begin(), all.end(), [&](const Row& r) { return r.key == own.key; });
      if (shared != all.end()) {
        shared->doc += " " + told;
        continue;
      }
      Row row = own;
      row.required = false;
      row.doc = told;
      row.read = [key = own.key](void* into, const Value& value, const Reading& reading) {
        read_for_reader(*static_cast<BackupSettings*>(into), key, value, reading);
      };
      all.push_back(std::move(row));
    }
  return all;
}

void check(const BackupSettings& s, config::Place place, const Reading& reading) {
  if (!s.reader) return;
  const auto errors_before = reading.problems.error_count();
  for (const Row& row : s.reader->schema.rows)
    if (row.required && std::find(s.given.begin(), s.given.end(), row.key) == s.given.end())
      reading.problems.error(place, reading.key, "reads = \"" + s.reader->schema.name + "\" needs '" + row.key + "'", "add it");
  if (s.reader->schema.check && reading.problems.error_count() == errors_before) s.reader->schema.check(s.own.get(), place, reading);
}

std::optional<config::PointsApart> points_apart(const BackupSettings& s) {
  return s.reader && s.reader->schema.points_apart ? s.reader->schema.points_apart(s.own.get()) : std::nullopt;
}

std::string whole_doc() {
  std::string text = doc;
  for (const Kind& reader : readers()) text += "\n\n**`reads = \"" + reader.schema.name + "\"`**: " + reader.schema.doc;
  return text;
}

}  // namespace

Kind kind() {
  Kind kind = kind_of<BackupSettings, void>({.name = "backup",
                                             .doc = whole_doc(),
                                             .traits = {.reads_recovery_points = true, .tells_size = true, .confirms_itself = true},
                                             .rows = rows(),
                                             .check = check,
                                             .points_apart = points_apart});
  // What runs is the reader's probe, made of the reader's settings.
  kind.make = [](const ProbeSettings& settings) {
    const auto& chosen = own_of<BackupSettings>(settings);
    ProbeSettings of_reader = settings;
    of_reader.own = chosen.own;
    return chosen.reader->make(of_reader);
  };
  return kind;
}

}  // namespace drwatch::kinds::backup
