// SPDX-License-Identifier: Apache-2.0
// docs/configuration.md, written from the rows that also parse and check, so that it cannot say anything else.
#include "config/tables/tables.hpp"

namespace drwatch::config {
namespace {

// Conditions are rows about names; the reference has no use for any.
struct NoNames : Names {
  std::optional<Condition::Subject> what(std::string_view) const override { return {}; }
};

constexpr std::string_view introduction = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
# Configuration

<!-- Written from the rows in config/ and probes/: change it there, then DRWATCH_WRITE_REFERENCE=1 build/dev/tests/test_config writes it anew. -->

drwatch reads one TOML file, and one file a scenario in a folder beside it. `drwatch check --config FILE` reports every problem at once, each
with its file, line and column and what to do. *Errors* cannot be understood or would lie; `serve` and a reload refuse them. *Warnings* run, and an
operator should know of them; they stand as findings.

**Durations** are text: `500ms`, `30s`, `5m`, `1h30m`, `90d`. **Times** are RFC 3339, with their offset: `2026-03-01T02:00:00Z`.
**Names** are made of `a-z`, `0-9` and `-` and begin with a letter; components, probes, signals, sets and places share one set of names.
**Paths** are relative to the file that names them.

**A secret** never stands in the file. Wherever one is taken, write where it is:

| | |
| --- | --- |
| `{ env = "NAME" }` | an environment variable |
| `{ file = "PATH" }` | a file; one newline at its end is not part of it |
| `{ credential = "NAME" }` | a credential that systemd hands over (`LoadCredential=`) |

It is read at the start and again at every reload, and appears in no log, page, metric, error or answer, however the other side writes it when it
repeats it: as it is, escaped for a URL, a form, JSON or HTML, in base64 or hexadecimal, also as a part of a longer text. Of a connection string the
password is hidden by itself, of a URL its path, its query and the parts of them, of a form or a JSON document its values. **Give a secret at least 6
bytes**: a shorter one can't be told from ordinary text. One of 4 or 5 is hidden where no letter or digit stands beside it, one of fewer nowhere;
`drwatch check` warns of both. A setting of the type *secret, or text without one* also takes plain text as long as no password stands in it.
)";

constexpr std::string_view conditions = R"(
## Conditions

```
condition = subject "is" [ "not" ] state [ "by" WHY ] [ "for" DURATION ]
subject   = NAME | ( "all" | "most" ) "of" PLACE | NAME "rpo" [ CLASS ] | NAME "rto" | "any" ( "component" | "rpo" | "rto" )
```

| state | of | true when it is |
| --- | --- | --- |
| `up` | component, probe | up, nothing less |
| `degraded` | component, probe | degraded or down |
| `down`, `unknown` | component, probe | down; unknown |
| `met`, `at-risk`, `breached`, `unproven` | objective | met; at-risk or breached; breached; unproven |
| `raised`, `clear` | signal | raised; not raised |
| `up`, `down` | place, set | all in it are up; all are down |
| `degraded`, `unknown` | place, set | one in it is degraded or down; it cannot be told |
| `up`, `degraded`, `down` | `all of`, `most of` a place or set | all of its members are, or more than half of them |

A place is what components say that they lie in (`lies_in`); `[set.NAME]` names other things that are spoken of as one. What happens to either is
explained only by a parent that lies outside of it, or by announced work on a parent. Nothing is true of a set while a probe that it
names with `not` is degraded or down. `by` says why: a reason (`assertion`, `connect`, `timeout` ...) or a
code as the newest bad run had it (`primary is down by 3D000`); of a component, as many of its probes as make it down. `for` asks that it has held for so
long by itself, beside the trigger's own `for` (`all of serving is degraded for 5m`).

Worse includes: what is true stays true as things get worse. An RPO without a class is the worst of its classes that have an objective. Of
something `unknown` every sentence but `is unknown` is not known: it opens nothing and recovers nothing.
)";

// A row of a Markdown table must not be broken by what stands in it.
std::string cell(std::string_view text) {
  std::string safe;
  for (char c : text) {
    if (c == '|') safe += '\\';
    safe += c == '\n' ? ' ' : c;
  }
  return safe;
}

std::string default_cell(const Row& row) {
  if (row.required) return "*required*";
  if (row.fallback.empty()) return "";
  return row.fallback.find_first_of("` ") == std::string::npos ? "`" + cell(row.fallback) + "`" : cell(row.fallback);
}

std::string table(const std::vector<Row>& rows) {
  if (rows.empty()) return "";
  std::string text = "\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& row : rows)
    text += "| `" + row.key + "` | " + cell(row.type) + " | " + default_cell(row) + " | " + cell(row.doc) + " |\n";
  return text;
}

std::string chapter(std::string_view mark, const Section& section, std::vector<Row> more = {}) {
  std::vector<Row> rows = section.rows;
  for (auto& row : more) rows.push_back(std::move(row));
  const bool is_table = section.heading.starts_with('[');
  const std::string heading = is_table ? "`" + section.heading + "`" : section.heading;
  return "\n" + std::string(mark) + " " + heading + "\n\n" + section.doc + "\n" + table(rows);
}

// What config itself reads for a kind, before the kind's own rows.
std::vector<Row> rows_of(const KindSchema& kind) {
  std::vector<Row> rows;
  if (kind.traits.calls_in) rows = called_job_section().rows;
  if (kind.traits.reads_jobs) rows = read_job_section().rows;
  if (kind.traits.reads_recovery_points) rows = recovery_points_section().rows;
  rows.insert(rows.end(), kind.rows.begin(), kind.rows.end());
  return rows;
}

// "`a`, `b` and `c`"
std::string names_that_confirm_themselves(std::span<const KindSchema> kinds) {
  std::vector<std::string> names;
  for (const auto& kind : kinds)
    if (kind.traits.confirms_itself) names.push_back("`" + kind.name + "`");
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  return text;
}

std::string with_names(std::string text, std::span<const KindSchema> kinds) {
  const std::string names = names_that_confirm_themselves(kinds);
  for (auto at = text.find(kinds_that_confirm_themselves); at != text.npos; at = text.find(kinds_that_confirm_themselves, at))
    text.replace(at, kinds_that_confirm_themselves.size(), names);
  return text;
}

std::string message_table() {
  std::string text =
      "\n## Names in messages and arguments\n\nMustache: `{{name}}`, and `{{#name}} ... {{/name}}` for what is only said when the name is "
      "filled. "
      "A message with an unfilled name is never sent.\n\n| name | meaning |\n| --- | --- |\n";
  for (const auto& name : message_names()) text += "| `" + std::string(name.name) + "` | " + cell(name.doc) + " |\n";
  return text;
}

}  // namespace

std::string reference(std::span<const KindSchema> kinds) {
  const NoNames nothing;
  std::string text(introduction);
  text += "\n## The main file\n" + chapter("###", server_section(), workers_section().rows);
  for (const auto* section : {&token_section(), &journal_section(), &recovery_section(), &alertmanager_section(), &channel_section(),
                              &deadman_section(), &defaults_section(), &witness_section(), &component_section(), &set_section()})
    text += chapter("###", *section);
  text += with_names(chapter("###", probe_section(), run_section().rows), kinds);
  for (const auto* section : {&maintenance_section(), &signal_section(), &scenarios_section()}) text += chapter("###", *section);
  text += "\n## Kinds of probes\n";
  for (const auto& kind : kinds) text += "\n### `" + kind.name + "`\n\n" + kind.doc + "\n" + table(rows_of(kind));
  text += "\n## Scenarios\n";
  for (const auto& section :
       {scenario_section(), trigger_section(nothing), exit_section(nothing), step_section(nothing), message_section(), drill_section()})
    text += chapter("###", section);
  return text + std::string(conditions) + message_table();
}

}  // namespace drwatch::config
