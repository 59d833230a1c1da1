// SPDX-License-Identifier: Apache-2.0
// Settings as rows: a row is the key, its type, its default, its bounds and its documentation at once. From the same rows
// a table is read (all problems at once, each with its place), and the reference page is written; so they can't drift apart.
#pragma once

#include "config/rows/document.hpp"
#include "config/rows/secret.hpp"
#include "config/rows/time.hpp"

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch::config {

// A file, a folder or a program that the configuration names.
struct NamedPath {
  std::string key;  // dotted
  Place place;
  std::string path;
  bool program = false;  // to be run: looked for as a command's first word is
};

// What reading a value needs besides the value.
struct Reading {
  Problems& problems;
  std::string key;                          // dotted path of the table being read
  std::string folder;                       // relative paths are relative to it
  bool secrets_must_exist = false;          // a missing secret: error (serve) or warning (check, test)
  std::vector<Secret>* secrets = nullptr;   // collects what is read; null: nobody wants to know
  std::vector<NamedPath>* paths = nullptr;  // the same

  Reading at(std::string_view child) const;  // the same, one level further down
};

struct Row {
  std::string key;
  std::string type;      // as the reference prints it: "duration", "string", "list of strings", "secret", ...
  std::string fallback;  // the default as a person would write it; empty: none
  std::string doc;       // one or two sentences, Markdown
  bool required = false;
  std::function<void(void* into, const Value&, const Reading&)> read;  // sets the member; reports what is wrong
};

// Extra bounds and words of a row; all optional.
struct Meta {
  std::string doc;
  std::string fallback = {};  // what the reference shows; the member's initializer is what counts
  bool required = false;
  std::optional<double> min = {};  // for numbers; durations in seconds
  std::optional<double> max = {};
  bool program = false;                  // a list of strings that is a command: its first word is a program
  std::vector<std::string> one_of = {};  // for strings
  std::string pattern_name =
      {};  // "name", "url", "regex", "json-pointer", "path", "header", "host:port", "method", "network": checked, for strings
};

// A row for a member of S. Types: bool, int64_t, double, std::string, Duration, std::optional of these, Secret,
// std::vector<std::string>, std::vector<std::int64_t>, std::map<std::string, std::string>,
// std::map<std::string, Secret>; anything else gives its own reader with row_with.
template <class S, class T>
Row row(std::string key, T S::* member, Meta meta);
template <class S>
Row row_with(std::string key, std::string type, Meta meta, std::function<void(S&, const Value&, const Reading&)> read);
// A path: made absolute against Reading::folder.
template <class S>
Row path_row(std::string key, std::string S::* member, Meta meta);
// A secret that may also be plain text when nothing in it is secret (a DSN or URL without a password).
template <class S>
Row secret_or_text_row(std::string key, Secret S::* member, Meta meta);

// Reads every key of `table` by its row into `*into`. Unknown keys (with the nearest known one), wrong types, values out of bounds and
// missing required keys are problems. Keys in `also_known` are left to the caller.
void read_table(const Table& table, Place place, std::span<const Row> rows, void* into, const Reading& reading,
                std::span<const std::string_view> also_known = {});

// The two halves of read_table, for a table that several lists of rows share: reads what has a row; refuses what none of `known` names.
void read_rows(const Table& table, Place place, std::span<const Row> rows, void* into, const Reading& reading);
void refuse_unknown(const Table& table, const std::vector<std::string>& known, const Reading& reading);

// { env = "NAME" } | { file = "PATH" } | { credential = "NAME" }, and its value now.
Secret read_secret(const Value& value, const Reading& reading, bool plain_text_allowed);

// What a kind is, as far as others must know: they ask for a trait and never for a kind's name.
struct Traits {
  // A job calls drwatch. Nothing is run, so there is no interval, no timeout and nothing to ask at once: the job is judged by the clock.
  bool calls_in = false;
  // A run reads a scheduler's own record of a job. That job is judged by the clock too, by the schedule that stands there.
  bool reads_jobs = false;
  // A run reads what a component could be restored to. It `protects` that component, whose RPOs stand on it, and says nothing of its
  // health.
  bool reads_recovery_points = false;
  // A run logs in and queries as the database's own clients do. While one of them is up, writes are taken; rows that came back wrong are
  // damage, which no parent that is down explains.
  bool answers_queries = false;
  // A run may tell how much data there is: what a step's `per_gib` grows with.
  bool tells_size = false;
  // One run is enough to believe it: `fall` and `rise` are 1 where the file says nothing.
  bool confirms_itself = false;
  // It repeats what a provider says of itself: evidence beside what drwatch sees, and no proof. Where it makes the health of a component
  // together with others, or opens a scenario alone, the operator is warned.
  bool attributes_only = false;
};

// A source whose points come no oftener than this by its nature, whatever RPO stands on it. In a problem the words make "... by WHAT:
// PROBE WHY, the RPO is 1h"; `remedy` is what to do about it.
struct PointsApart {
  Duration apart{0};
  std::string what, why, remedy;
  friend bool operator==(const PointsApart&, const PointsApart&) = default;
};

// The kinds of probes as configuration sees them: probes/catalog hands these to load().
struct KindSchema {
  std::string name;
  std::string doc;  // Markdown: what it proves, what it cannot prove
  Traits traits;
  std::vector<Row> rows;
  std::function<std::shared_ptr<void>()> fresh;  // default settings of the kind; rows read into them
  // Problems between settings (both `body` and `body_file`, ...). May be null.
  std::function<void(const void* settings, Place place, const Reading&)> check;
  std::function<bool(const void*, const void*)> same;  // unchanged over a reload?
  // Of a source with these settings; nullopt, or no function: its points come as its schedule has them. Only of what reads recovery points.
  std::function<std::optional<PointsApart>(const void* settings)> points_apart;
};

}  // namespace drwatch::config

#include "config/rows/schema_rows.hpp"  // the templates
