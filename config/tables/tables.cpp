// SPDX-License-Identifier: Apache-2.0
// The tables of the main file, but for probes and what stands by the clock.
#include "config/tables/tables.hpp"

#include "config/rows/pattern.hpp"
#include "config/tables/http_access.hpp"
#include "config/tables/shared_rows.hpp"

namespace drwatch::config {
namespace {

struct Tls {
  std::string certificate, key;
};

void read_tls(ServerSettings& into, const Value& value, const Reading& reading) {
  static const std::vector<Row> rows = {path_row("certificate", &Tls::certificate, {.doc = "", .required = true}),
                                        path_row("key", &Tls::key, {.doc = "", .required = true})};
  if (!value.table())
    return reading.problems.error(value.place, reading.key, "expected a table, found " + std::string(value.type_name()),
                                  "write { certificate = \"PATH\", key = \"PATH\" }");
  Tls tls;
  read_table(*value.table(), value.place, rows, &tls, reading);
  into.tls_certificate = tls.certificate;
  into.tls_key = tls.key;
}

void read_public_url(ServerSettings& into, const Value& value, const Reading& reading) {
  read_value(into.public_url, value, {.doc = "", .pattern_name = "http-url"}, reading);
  while (into.public_url.ends_with('/')) into.public_url.pop_back();
}

// "1h" (host and logical), or { host = "5m", region = "24h" }.
void read_rpo(RpoByClass& into, const Value& value, const Reading& reading) {
  const Meta meta{.doc = "", .min = 1};
  RpoByClass rpo;
  if (!value.table()) {
    Duration both{0};
    read_value(both, value, meta, reading);
    rpo = {{DisasterClass::host, both}, {DisasterClass::logical, both}};
  } else {
    refuse_unknown(*value.table(), {"host", "logical", "region", "account"}, reading);
    for (const auto& [key, place, element] : *value.table())
      if (const auto of_class = parse_class(key)) read_value(rpo[*of_class], element, meta, reading.at(key));
  }
  into = std::move(rpo);
}

void read_down_when(ComponentSettings& into, const Value& value, const Reading& reading) {
  if (const auto* count = std::get_if<std::int64_t>(&value.is); count && *count >= 1 && *count <= 1000)
    into.down_when = {DownWhen::Rule::count, static_cast<int>(*count)};
  else if (value.text() && *value.text() == "any")
    into.down_when = {DownWhen::Rule::any, 1};
  else if (value.text() && *value.text() == "all")
    into.down_when = {DownWhen::Rule::all, 1};
  else
    reading.problems.error(value.place, reading.key, "not understood", "use \"any\", \"all\" or a number of its probes");
}

constexpr const char* one_alertmanager =
    "write \"https://alertmanager.example.org\", or { url = \"https://alertmanager.example.org\", basic = { user = \"drwatch\", password = "
    "{ "
    "credential = \"NAME\" } } }";

struct AlertmanagerEntry : HttpAccess {  // first base: its rows read into it
  std::string url;
};

// A URL, or a table of it and how drwatch shows itself there.
void read_alertmanagers(AlertmanagerSettings& into, const Value& value, const Reading& reading) {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all = access_rows();
    all.push_back(row("url", &AlertmanagerEntry::url, {.doc = "Its address.", .required = true, .pattern_name = "http-url"}));
    return all;
  }();
  if (!value.array()) return reading.problems.error(value.place, reading.key, "must be a list", one_alertmanager);
  for (const Value& one : *value.array()) {
    AlertmanagerEntry entry;
    const auto before = reading.problems.error_count();
    if (const std::string* text = one.text()) {
      if (const auto wrong = misfit("http-url", *text))
        reading.problems.error(one.place, reading.key, (holds_a_secret(*text) ? "" : shown(*text) + ": ") + wrong->message,
                               holds_a_secret(*text) ? one_alertmanager : wrong->hint);
      entry.url = *text;
    } else if (one.table()) {
      read_table(*one.table(), one.place, rows, &entry, reading);
      check_access(entry, one.place, reading);
      if (reading.problems.error_count() == before) into.access[entry.url] = entry;
    } else {
      reading.problems.error(one.place, reading.key, "must be URLs or tables", one_alertmanager);
    }
    if (reading.problems.error_count() == before) into.urls.push_back(entry.url);
  }
}

// The address of who is called mostly is the secret itself, so it may stand in the file only where nobody else can use it.
Secret read_receiver(const Value& value, const Reading& reading) {
  bool loopback = false;
  if (value.text())
    for (std::string_view start : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) loopback |= value.text()->starts_with(start);
  return read_secret(value, reading, loopback);
}

template <class S>
Row receiver_row(Secret S::* member, Meta meta) {
  return row_with<S>("url", "secret, or a URL on this machine", std::move(meta),
                     [member](S& into, const Value& value, const Reading& reading) { into.*member = read_receiver(value, reading); });
}

}  // namespace

std::vector<std::string> keys_of(const Section& section) {
  std::vector<std::string> keys;
  for (const auto& row : section.rows) keys.push_back(row.key);
  return keys;
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

const Section& server_section() {
  static const Section section{
      "[server]",
      "Where drwatch serves metrics, its API and its pages.",
      {row("listen", &ServerSettings::listen,
           {.doc = "Address and port. A change needs a restart.", .fallback = "127.0.0.1:9780", .pattern_name = "host:port"}),
       row_with<ServerSettings>(
           "public_url", "http or https URL",
           {.doc = "How links in alerts and messages begin. With it, reading needs a token unless `open_reading` is true."},
           read_public_url),
       row_with<ServerSettings>("tls", "table",
                                {.doc = "`{ certificate = \"PATH\", key = \"PATH\" }`, both PEM, the key without a passphrase: serve "
                                        "HTTPS. Read again at every reload."},
                                read_tls),
       row("open_reading", &ServerSettings::open_reading,
           {.doc = "Let everybody who reaches the address read without a token.", .fallback = "false"})}};
  return section;
}

const Section& workers_section() {
  static const Section section{
      "[server]",
      "",
      {row("workers", &Settings::workers,
           {.doc = "Threads for what would block the loop (name look-ups, disk, large answers). A change needs a restart.",
            .fallback = "2",
            .min = 1,
            .max = 64})}};
  return section;
}

const Section& token_section() {
  static const Section section{
      "[server.tokens.NAME]",
      "Who may do what: one table for each person or system; its name is recorded with everything done with the token.",
      {row("role", &TokenSettings::role,
           {.doc = "`viewer` reads; `responder` acts on incidents, drills, signals and maintenance; `admin` also reloads.",
            .fallback = "viewer",
            .one_of = {"viewer", "responder", "admin"}}),
       row("secret", &TokenSettings::secret, {.doc = "The token.", .required = true})}};
  return section;
}

const Section& journal_section() {
  static const Section section{
      "[journal]",
      "drwatch's durable record.",
      {path_row("path", &JournalSettings::path,
                {.doc = "The SQLite file; its folder must exist. A change needs a restart.", .fallback = "/var/lib/drwatch/journal.db"}),
       row("patience", &JournalSettings::patience,
           {.doc = "How long an alert or an answer waits for the disk before it goes out marked as not durable.",
            .fallback = "2s",
            .min = 0.1,
            .max = 60})}};
  return section;
}

const Section& recovery_section() {
  const auto of = [](Row row) { return inner(&RecoveryDraft::recovery, std::move(row)); };
  static const Section section{
      "[recovery]",
      "The objectives, and when one is at risk.",
      {of(row("rto", &RecoverySettings::rto,
              {.doc = "Recovery time objective of every scenario that has none of its own.", .fallback = "4h", .min = 1})),
       of(row_with<RecoverySettings>(
           "rpo", "duration, or table of durations by class",
           {.doc = "Recovery point objective of every component that some backup probe `protects`. One duration holds for the "
                   "classes `host` and `logical`; or `{ host = \"5m\", logical = \"1h\", region = \"24h\" }`.",
            .fallback = "1h"},
           [](RecoverySettings& into, const Value& value, const Reading& reading) { read_rpo(into.rpo, value, reading); })),
       of(row("at_risk", &RecoverySettings::at_risk,
              {.doc = "An RPO is at risk when this fraction of it is used up; half of it while the source says that it fails.",
               .fallback = "0.5",
               .min = 0.01,
               .max = 1})),
       of(row("time_to_fix", &RecoverySettings::time_to_fix,
              {.doc = "How long a broken backup takes to repair: an RPO is at risk when less is left. Without meaning where the RPO is "
                      "shorter than "
                      "twice this.",
               .fallback = "30m"})),
       schedule_row(&RecoveryDraft::working_hours, &ScheduleText::schedule, "working_hours", "cron expression",
                    {.doc = "The minutes in which people are at work: `\"* 9-17 * * mon-fri\"` is from 9:00 to 18:00. What people took "
                            "in them and what they took at other hours is told apart, as soon as five of either kind are known. Without it "
                            "all hours are alike."}),
       schedule_row(&RecoveryDraft::working_hours, &ScheduleText::timezone, "timezone", "time zone",
                    {.doc = "The time zone of `working_hours`, by its IANA name.", .fallback = "UTC"})}};
  return section;
}

const Section& alertmanager_section() {
  static const Section section{
      "[alertmanager]",
      "Where alerts go.",
      {row_with<AlertmanagerSettings>(
           "urls", "list of URLs, or tables: url, headers, basic, bearer, tls",
           {.doc =
                "Every Alertmanager; each gets every alert. One that asks for a login, a token or a client certificate, or has a CA of its "
                "own, is a table; its keys are those of an `http` probe."},
           read_alertmanagers),
       row("resend", &AlertmanagerSettings::resend,
           {.doc = "How often a standing alert is sent again; it ends by itself after four times this.",
            .fallback = "1m",
            .min = 1,
            .max = 3600}),
       row("fallback", &AlertmanagerSettings::fallback, {.doc = "Channels that get an alert that no Alertmanager has taken."}),
       row("fallback_after", &AlertmanagerSettings::fallback_after,
           {.doc = "How long to wait for an Alertmanager before `fallback`.", .fallback = "1m", .min = 1})}};
  return section;
}

const Section& channel_section() {
  static const Section section{
      "[channel.NAME]",
      "A way to reach people without an Alertmanager.",
      {row("kind", &ChannelSettings::kind,
           {.doc = "`webhook` posts the alerts to `url`; `command` runs `command`. Both get them as JSON.",
            .required = true,
            .one_of = {"webhook", "command"}}),
       receiver_row(&ChannelSettings::url, {.doc = "Of a webhook."}),
       row("command", &ChannelSettings::command,
           {.doc = "Of a command: the program and its arguments; no shell. The alerts arrive on standard input.", .program = true}),
       row("timeout", &ChannelSettings::timeout, {.doc = "A bound on one call.", .fallback = "10s", .min = 0.1, .max = 300})}};
  return section;
}

const Section& deadman_section() {
  static const Section section{"[deadman]",
                               "drwatch's own call to an outside receiver, made while probes meet their schedule; its absence pages.",
                               {receiver_row(&DeadmanSettings::url, {.doc = "Called with GET.", .required = true}),
                                row("interval", &DeadmanSettings::interval, {.doc = "How often.", .fallback = "1m", .min = 1})}};
  return section;
}

const Section& defaults_section() {
  static const Section section{
      "[defaults]",
      "Of every probe; any probe may override them.",
      {row("interval", &DefaultSettings::interval,
           {.doc = "From the start of a run to the start of the next.", .fallback = "30s", .min = 0.1}),
       row("retry", &DefaultSettings::retry,
           {.doc = "The same while a change of health is being confirmed.", .fallback = "10s", .min = 0.1}),
       row("timeout", &DefaultSettings::timeout,
           {.doc = "One deadline over all phases of a run; not longer than the interval. Where nothing is said, a shorter interval is the "
                   "deadline.",
            .fallback = "10s",
            .min = 0.05}),
       row("fall", &DefaultSettings::fall,
           {.doc = "Health worsens after so many worse runs in a row.", .fallback = "3", .min = 1, .max = 100}),
       row("rise", &DefaultSettings::rise,
           {.doc = "Health improves after so many better runs in a row.", .fallback = "2", .min = 1, .max = 100}),
       row("window", &DefaultSettings::window,
           {.doc = "So many of the newest runs since it was last well are judged together; fewer judge nothing.",
            .fallback = "20",
            .min = 2,
            .max = 1000}),
       row("failed_share", &DefaultSettings::failed_share,
           {.doc =
                "With this share of them down, though never `fall` in a row, a probe is `degraded` until the share is under half of this.",
            .fallback = "0.3",
            .min = 0.01,
            .max = 1})}};
  return section;
}

const Section& witness_section() {
  static const Section section{
      "[witness]",
      "Probes of something outside the platform. While most of them fail, the fault is drwatch's own and nothing is called down.",
      {row("probes", &WitnessSettings::probes, {.doc = "Their names. They need no component.", .required = true}),
       row("for", &WitnessSettings::hold_for, {.doc = "Blind for so long fires `DrwatchBlind`.", .fallback = "1m"})}};
  return section;
}

const Section& component_section() {
  static const Section section{
      "[component.NAME]",
      "A part of the platform that fails and is recovered as one.",
      {row("title", &ComponentSettings::title, {.doc = "For people; its name, where nothing is said."}),
       row_with<ComponentSettings>("down_when", "\"any\", \"all\" or a number",
                                   {.doc = "How many of its probes must be down for it to be down.", .fallback = "any"}, read_down_when),
       row("depends_on", &ComponentSettings::depends_on,
           {.doc = "Components without which this one cannot work: while one of them is down it explains this one, and no incident opens "
                   "for it."}),
       row_with<ComponentSettings>(
           "rpo", "duration, or table of durations by class",
           {.doc = "Its own recovery point objective, instead of `[recovery]`'s.",
            .fallback = "`[recovery] rpo`, when a backup probe protects it"},
           [](ComponentSettings& into, const Value& value, const Reading& reading) { read_rpo(into.rpo, value, reading); })}};
  return section;
}

const Section& scenarios_section() {
  static const Section section{
      "[scenarios]",
      "The runbook: one file a scenario.",
      {path_row("path", &ScenariosFolder::path,
                {.doc = "The folder of the scenarios' files; shared steps stand in its folder `shared`.", .fallback = "scenarios"})}};
  return section;
}

}  // namespace drwatch::config
