// SPDX-License-Identifier: Apache-2.0
// The tables of probes, jobs, backups, maintenance and signals.
#include "config/tables/shared_rows.hpp"

namespace drwatch::config {
namespace {

void read_survives(BackupRole& into, const Value& value, const Reading& reading) {
  std::vector<std::string> names;
  read_value(names, value, {.doc = "", .required = true}, reading);
  const std::vector<std::string> classes = {"host", "logical", "region", "account"};
  for (const auto& name : names) {
    const auto of_class = parse_class(name);
    if (of_class) {
      into.survives.push_back(*of_class);
    } else if (!name.empty()) {
      const auto close = nearest(name, classes);
      reading.problems.error(value.place, reading.key, shown(name) + " is not a class",
                             close ? "did you mean '" + *close + "'?" : "a class is host, logical, region or account");
    }
  }
}

template <class T>
Row job_row(std::string key, T JobSettings::* member, Meta meta) {
  const std::string type(type_text<T>);
  return row_with<JobDraft>(std::move(key), type, meta, [member, meta](JobDraft& into, const Value& value, const Reading& reading) {
    read_value(into.job.*member, value, meta, reading);
  });
}

// What is borne with a job, wherever its runs are known from.
std::vector<Row> tolerance_rows(const std::string& about_runtime) {
  return {job_row("start_grace", &JobSettings::start_grace,
                  {.doc = "After its due time the job is late; when this is over as well, it is missed.", .fallback = "5m"}),
          job_row("max_runtime", &JobSettings::max_runtime,
                  {.doc = "A run that takes longer is `degraded`, one of twice this is `down`." + about_runtime, .min = 1}),
          job_row("max_success_age", &JobSettings::max_success_age, {.doc = "Without a success for so long the job is `down`.", .min = 1})};
}

std::string one_by_nature() { return "`[defaults]`; " + std::string(kinds_that_confirm_themselves) + ": 1"; }

}  // namespace

const Section& probe_section() {
  static const Section section{
      "[probe.NAME]",
      "Asks one question of one target, again and again. These keys are the same for all kinds; each kind adds its own, below.",
      {row("kind", &ProbeSettings::kind, {.doc = "What asks the question.", .required = true}),
       row("component", &ProbeSettings::component, {.doc = "Whose health it shows. Only a witness may have none."}),
       row("fall", &ProbeSettings::fall,
           {.doc = "Health worsens after so many worse runs in a row.", .fallback = one_by_nature(), .min = 1, .max = 100}),
       row("rise", &ProbeSettings::rise,
           {.doc = "Health improves after so many better runs in a row.", .fallback = one_by_nature(), .min = 1, .max = 100})}};
  return section;
}

const Section& run_section() {
  static const Section section{
      "[probe.NAME]",
      "",
      {row("interval", &ProbeSettings::interval,
           {.doc = "From the start of a run to the start of the next.", .fallback = "`[defaults]`", .min = 0.1}),
       row("retry", &ProbeSettings::retry,
           {.doc = "The same while a change of health is being confirmed.", .fallback = "`[defaults]`", .min = 0.1}),
       row("timeout", &ProbeSettings::timeout,
           {.doc = "One deadline over all phases of a run; not longer than the interval.", .fallback = "`[defaults]`", .min = 0.05}),
       row("window", &ProbeSettings::window,
           {.doc = "So many of the newest runs since it was last well are judged together; fewer judge nothing.",
            .fallback = "`[defaults]`",
            .min = 2,
            .max = 1000}),
       row("failed_share", &ProbeSettings::failed_share,
           {.doc =
                "With this share of them down, though never `fall` in a row, it is `degraded` until the share is under half of this: one "
                "dead backend behind a balancer. 1: only when all are.",
            .fallback = "`[defaults]`",
            .min = 0.01,
            .max = 1})}};
  return section;
}

const Section& read_job_section() {
  static const Section section{"", "", tolerance_rows("")};
  return section;
}

const Section& called_job_section() {
  auto more = tolerance_rows(" Needs a job that also calls `/start`.");
  more.insert(more.begin(),
              job_row("period", &JobSettings::period, {.doc = "The longest time between two calls. Either this or `schedule`.", .min = 1}));
  more.push_back(
      job_row("key", &JobSettings::key,
              {.doc = "The last part of the address that the job calls, `/ping/KEY`. Whoever knows it can call.", .required = true}));
  static const Section section{"", "", schedule_rows(&JobDraft::when, "When the job is due. Either this or `period`.", std::move(more))};
  return section;
}

const Section& recovery_points_section() {
  static const Section section{
      "",
      "",
      {row("protects", &BackupRole::protects, {.doc = "The component whose recovery points it reads.", .required = true}),
       row_with<BackupRole>(
           "survives", "list of classes",
           {.doc = "The disasters after which this copy is still there: `host` (machine, disk), `logical` (bad migration, deletion), "
                   "`region`, `account`.",
            .required = true},
           read_survives),
       row("every", &BackupRole::every,
           {.doc = "How often a new recovery point is expected, where points come by a schedule (a daily dump: `24h`). An RPO shorter than "
                   "this "
                   "cannot be met, and is said so.",
            .fallback = "as it is learned",
            .min = 1}),
       row("confirmed_by", &BackupRole::confirmed_by,
           {.doc =
                "Another backup probe that protects the same component and sees the repository itself: what this one claims is believed no "
                "further than that one has shown."})}};
  return section;
}

const Section& maintenance_section() {
  static const Section section{
      "[maintenance.NAME]", "A window in which scenarios about its components stay shut. Watching goes on, and an RPO is never hushed.",
      schedule_rows(&MaintenanceDraft::when, "When it begins, again and again. Either this or `from`.",
                    {row("components", &MaintenanceDraft::components,
                         {.doc = "What is worked on: components, or places and sets for all components in them.", .required = true}),
                     row("from", &MaintenanceDraft::from, {.doc = "When it begins, once: `2026-03-01T02:00:00Z`."}),
                     row("until", &MaintenanceDraft::until, {.doc = "When it ends; with `from`, instead of `lasts`."}),
                     row("lasts", &MaintenanceDraft::lasts,
                         {.doc = "How long it is; it ends by itself.", .fallback = "1h", .min = 1, .max = 86400})})};
  return section;
}

const Section& signal_section() {
  static const Section section{
      "[signal.NAME]",
      "A fact raised from outside, by the API, the command line or an Alertmanager webhook. Conditions may only name declared ones.",
      {row("expires", &SignalSettings::expires, {.doc = "It clears by itself after this; without it, somebody must clear it.", .min = 1})}};
  return section;
}

}  // namespace drwatch::config
