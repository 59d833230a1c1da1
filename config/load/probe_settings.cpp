// SPDX-License-Identifier: Apache-2.0
// The [probe.NAME] tables: what all probes have, what drwatch itself knows of jobs and backups, and the kind's own rows.
#include "config/load/digest.hpp"
#include "config/load/loading.hpp"

#include <algorithm>

namespace drwatch::config {
namespace {

// What reading one probe's table needs; `error` points at the key if it is written, else at the table.
struct ReadProbe {
  const Table& table;
  Place place;
  const Reading& reading;
  const Settings& settings;
  const KindSchema* kind = nullptr;  // null: not known, and reported

  void error(std::string_view key, std::string message, std::string hint) const {
    const auto* entry = find(table, key);
    reading.problems.error(entry ? entry->value.place : place, entry ? reading.at(key).key : reading.key, std::move(message),
                           std::move(hint));
  }
};

const KindSchema* find_kind(std::string_view name, std::span<const KindSchema> kinds) {
  const auto at = std::find_if(kinds.begin(), kinds.end(), [&](const KindSchema& k) { return k.name == name; });
  return at == kinds.end() ? nullptr : &*at;
}

void append(std::vector<std::string>& keys, const std::vector<Row>& rows) {
  for (const auto& row : rows) keys.push_back(row.key);
}

// Before the rows: what holds where the probe says nothing.
void set_defaults(ProbeSettings& probe, const ReadProbe& from) {
  const auto& defaults = from.settings.defaults;
  probe.interval = defaults.interval;
  probe.retry = defaults.retry;
  probe.timeout = defaults.timeout;
  // What reports is certain already; confirming it again would only delay the alarm.
  const bool confirms_itself = from.kind && from.kind->traits.confirms_itself;
  probe.fall = confirms_itself ? 1 : defaults.fall;
  probe.rise = confirms_itself ? 1 : defaults.rise;
  probe.window = defaults.window;
  probe.failed_share = defaults.failed_share;
}

// A timeout that was written and is longer than the interval is an error; one that is only drwatch's default is shortened silently.
void check_timeout(ProbeSettings& probe, const Table& root, const ReadProbe& from) {
  if (probe.timeout <= probe.interval) return;
  const auto* defaults = find(root, "defaults");
  const bool written = find(from.table, "timeout") || (defaults && defaults->value.table() && find(*defaults->value.table(), "timeout"));
  if (!written) {
    probe.timeout = probe.interval;
    return;
  }
  from.error(find(from.table, "timeout") ? "timeout" : "interval",
             "the timeout (" + duration_text(probe.timeout) + ") is longer than the interval (" + duration_text(probe.interval) + ")",
             "a run must end before the next begins: shorten the timeout");
}

void check_key(const JobSettings& job, const ReadProbe& from) {
  if (!job.key.present()) return;
  const auto& key = job.key.reveal();
  const bool fits =
      key.size() <= 200 && std::all_of(key.begin(), key.end(), [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
  if (!fits) from.error("key", "the key cannot stand in an address", "use letters, digits, '-' and '_', at most 200");
}

void read_called_job(ProbeSettings& probe, const ReadProbe& from) {
  JobDraft draft;
  read_rows(from.table, from.place, called_job_section().rows, &draft, from.reading);
  const bool schedule = find(from.table, "schedule"), period = find(from.table, "period");
  if (schedule && period) from.error("period", "a job has a schedule or a period, not both", "leave one of them out");
  if (!schedule && !period) from.error("", "a heartbeat needs a 'schedule' or a 'period'", "say when the job is due");
  if (!schedule && find(from.table, "timezone")) from.error("timezone", "a time zone is for a schedule", "leave it out");
  if (schedule) draft.job.schedule = read_schedule(draft.when, from.table, from.place, from.reading);
  if (draft.job.period && draft.job.max_success_age && *draft.job.max_success_age < *draft.job.period)
    from.error("max_success_age", "is shorter than the period: the job would always be down",
               "make it at least " + duration_text(*draft.job.period));
  check_key(draft.job, from);
  probe.job = draft.job;
}

// A job whose schedule and runs are where it is scheduled.
void read_read_job(ProbeSettings& probe, const ReadProbe& from) {
  JobDraft draft;
  read_rows(from.table, from.place, read_job_section().rows, &draft, from.reading);
  draft.job.read = true;
  probe.job = draft.job;
}

void read_backup_role(ProbeSettings& probe, const ReadProbe& from) {
  BackupRole role;
  read_rows(from.table, from.place, recovery_points_section().rows, &role, from.reading);
  probe.backup = role;
}

bool has_row(const std::vector<Row>& rows, const std::string& key) {
  return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return row.key == key; });
}

void read_kind_settings(ProbeSettings& probe, const ReadProbe& from) {
  const auto own = from.kind->fresh();
  const auto errors_before = from.reading.problems.error_count();
  read_rows(from.table, from.place, from.kind->rows, own.get(), from.reading);
  for (const auto& entry : from.table)
    if (has_row(from.kind->rows, entry.key)) probe.written.emplace_back(entry.key, toml_text(entry.value));
  // A check between settings would only repeat what its parts already said.
  if (from.kind->check && from.reading.problems.error_count() == errors_before) from.kind->check(own.get(), from.place, from.reading);
  if (from.kind->points_apart && probe.backup) probe.backup->by_nature = from.kind->points_apart(own.get());
  probe.own = own;
}

// All keys that a probe of this kind may have, for the refusal of unknown ones.
std::vector<std::string> known_keys(const KindSchema& kind) {
  std::vector<std::string> keys;
  append(keys, probe_section().rows);
  append(keys, kind.traits.calls_in ? called_job_section().rows : run_section().rows);
  if (kind.traits.reads_jobs) append(keys, read_job_section().rows);
  if (kind.traits.reads_recovery_points) append(keys, recovery_points_section().rows);
  append(keys, kind.rows);
  return keys;
}

void read_probe(ProbeSettings& probe, const Table& root, std::span<const KindSchema> kinds, ReadProbe from) {
  const auto* kind = find(from.table, "kind");
  const std::string* kind_name = kind ? kind->value.text() : nullptr;
  from.kind = kind_name ? find_kind(*kind_name, kinds) : nullptr;
  set_defaults(probe, from);
  read_rows(from.table, from.place, probe_section().rows, &probe, from.reading);
  if (!from.kind) {
    std::vector<std::string> known;
    for (const auto& k : kinds) known.push_back(k.name);
    const auto close = kind_name ? nearest(*kind_name, known) : std::nullopt;
    if (kind_name)
      from.error("kind", "there is no kind " + shown(*kind_name),
                 close ? "did you mean '" + *close + "'?" : "kinds are " + list_text(known));
    return;
  }
  refuse_unknown(from.table, known_keys(*from.kind), from.reading);
  probe.traits = from.kind->traits;
  if (probe.traits.calls_in) {
    read_called_job(probe, from);
  } else {
    read_rows(from.table, from.place, run_section().rows, &probe, from.reading);
    check_timeout(probe, root, from);
  }
  if (probe.traits.reads_jobs) read_read_job(probe, from);
  if (probe.traits.reads_recovery_points) read_backup_role(probe, from);
  read_kind_settings(probe, from);
}

}  // namespace

void read_probes(const Document& main, std::span<const KindSchema> kinds, Settings& settings, const Reading& reading) {
  const auto& witnesses = settings.witness.probes;
  each_named(main.table(), "probe", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    auto& probe = settings.probes[name];
    probe.name = name;
    probe.witness = std::find(witnesses.begin(), witnesses.end(), name) != witnesses.end();
    Reading collecting = at;
    collecting.secrets = &probe.secrets;
    read_probe(probe, main.table(), kinds, ReadProbe{table, place, collecting, settings});
    // Last: it covers what was read above.
    probe.fingerprint = fingerprint(probe, table, reading);
  });
}

}  // namespace drwatch::config
