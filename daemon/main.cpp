// SPDX-License-Identifier: Apache-2.0
// The words of the command line; what they do is in commands/. The only file that knows CLI11.
#include "config/rows/document.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/recovery/actions.hpp"
#include "daemon/version.hpp"

#include <sys/prctl.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace drwatch::commands;

// Everything that the words fill in, and what they mean in the end.
struct Given {
  ClientOptions client;
  ServeOptions serve;
  TestOptions test;
  CheckOptions check;
  ProbeOptions probe;
  StatusOptions status;
  IncidentOptions incident;
  RunbookOptions runbook;
  SignalOptions signal;
  MaintenanceOptions maintenance;
  DrillOptions drill;
  JournalOptions journal;
  CronOptions cron;
  InitOptions init;
  DoctorOptions doctor;
  std::function<int()> run;
};

CLI::App* command(CLI::App& parent, const std::string& name, const std::string& what, const std::string& example, Given& given,
                  std::function<int()> run) {
  CLI::App* added = parent.add_subcommand(name, what);
  added->footer("Example:\n  " + example);
  if (run) {
    added->callback([&given, run = std::move(run)] { given.run = run; });
  } else {
    added->require_subcommand(1);
  }
  return added;
}

CLI::Option* takes_credentials(CLI::App* added, std::string& folder) {
  return added->add_option("--credentials", folder,
                           "The folder that holds what { credential = \"NAME\" } names; without it the folder 'credentials' beside the "
                           "configuration, if there is one");
}

void add_daemon_commands(CLI::App& app, Given& g) {
  auto* serve_it = command(app, "serve", "Run the daemon in the foreground", "drwatch serve --config /etc/drwatch/drwatch.toml", g,
                           [&g] { return serve(g.serve); });
  serve_it->add_option("--config", g.serve.config, "The configuration file")->required();
  takes_credentials(serve_it, g.serve.credentials);

  command(app, "reload", "Have the daemon read its configuration again; say what it refuses", "drwatch reload", g,
          [&g] { return reload(g.client); });

  auto* check_it = command(app, "check", "Validate configuration, scenarios and messages; every problem at once",
                           "drwatch check --config drwatch.toml --strict", g, [&g] {
                             g.check.json = g.client.json;
                             return check(g.check);
                           });
  check_it->add_option("--config", g.check.config, "The configuration file")->required();
  takes_credentials(check_it, g.check.credentials);
  check_it->add_option("--alertmanager", g.check.alertmanager,
                       "A configuration of Alertmanager: say whom each alert would reach by it; one that reaches nobody is an error");
  check_it->add_flag("--strict", g.check.strict, "Exit with 1 on warnings as well");

  auto* probe_it =
      command(app, "probe", "Run probes once, now; print what they saw", "drwatch probe --config drwatch.toml primary", g, [&g] {
        g.probe.client = g.client;
        return probe(g.probe);
      });
  probe_it->add_option("NAME", g.probe.names, "Probes; all when none is named");
  auto* from_here =
      probe_it->add_option("--config", g.probe.config, "Run them from here with this configuration; without it: through the daemon");
  takes_credentials(probe_it, g.probe.credentials)->needs(from_here);
  auto* acknowledge = probe_it->add_flag("--acknowledge", g.probe.acknowledge,
                                         "Run nothing: say that somebody has looked at what they have latched (corrupt data, lost rows)");
  acknowledge->excludes(from_here);
  probe_it->add_option("--note", g.probe.note, "With --acknowledge: what was found")->needs(acknowledge);

  auto* test_it = command(app, "test", "Run scenario tests in virtual time", "drwatch test tests/stories/*.toml", g, [&g] {
    g.test.json = g.client.json;
    return test(g.test);
  });
  test_it->add_option("FILE", g.test.files, "Scenario tests")->required();

  auto* status_it = command(app, "status", "What would be lost, what cannot be seen, what is down; objectives, incidents, drills due",
                            "drwatch status --watch", g, [&g] {
                              g.status.client = g.client;
                              return status(g.status);
                            });
  status_it->add_flag("--watch", g.status.watch, "Draw it again every 2 seconds, as much as fits; keys move it, q ends");
}

// A command on one incident. `after`: the words behind the ID.
CLI::App* on_incident(CLI::App& parent, const std::string& name, const std::string& after, const std::string& what,
                      const std::string& example, Given& g, int (*run)(const IncidentOptions&)) {
  auto* added = command(parent, name, what, example, g, [&g, run] {
    g.incident.client = g.client;
    return run(g.incident);
  });
  added->add_option("WORD", g.incident.words,
                    "[ID]" + (after.empty() ? "" : " " + after) +
                        ". The incident: its id, a beginning of it that no other has, its scenario, or nothing where only one is open");
  return added;
}
void takes_note(CLI::App* added, Given& g) { added->add_option("--note", g.incident.note, "A reason or remark for the timeline"); }

void add_incident_reading(CLI::App& group, Given& g) {
  auto* list = command(group, "list", "The incidents, newest first", "drwatch incident list --state open", g, [&g] {
    g.incident.client = g.client;
    return incident_list(g.incident);
  });
  list->add_option("--state", g.incident.state, "Only these")->check(CLI::IsMember({"open", "recovered", "resolved", "absorbed"}));
  on_incident(group, "show", "", "One incident: its clock, why it opened, what to do next, the checklist, messages, timeline",
              "drwatch incident show 20260301-0211-database-outage", g, incident_show);
  on_incident(group, "report", "", "The draft of its post-mortem, in Markdown",
              "drwatch incident report 20260301-0211-database-outage > report.md", g, incident_report);
  auto* give = on_incident(group, "export", "", "Its events, with their chain, as a file that verifies by itself",
                           "drwatch incident export 20260301-0211-database-outage --to evidence.journal", g, incident_export);
  give->add_option("--to", g.incident.file, "The file, which is made; ID.journal without it");
}

void add_incident_work(CLI::App& group, Given& g) {
  auto* open = command(group, "open", "Open an incident by hand", "drwatch incident open security-breach --note \"tokens on a paste site\"",
                       g, [&g] {
                         g.incident.client = g.client;
                         return incident_open(g.incident);
                       });
  open->add_option("SCENARIO", g.incident.scenario, "The scenario, as drwatch runbook list prints it")->required();
  takes_note(open, g);
  takes_note(on_incident(group, "ack", "", "Take an incident: somebody is on it", "drwatch incident ack 20260301-0211-database-outage", g,
                         incident_ack),
             g);

  auto* step = on_incident(group, "step", "STEP ACTION",
                           "Work on a step of the checklist: start, done, skip (with a reason), undo, run (its command) or cancel",
                           "drwatch incident step 20260301-0211-database-outage scope done --note \"one table\"", g, incident_step);
  step->add_flag("--yes", g.incident.yes, "Run the command without asking");
  step->add_flag("--no-wait", g.incident.no_wait, "Do not stay and print what the command prints");
  step->add_flag(
      "--force", g.incident.force,
      "Close a verified step although drwatch does not see what it asks; say why with --note. It counts for the checklist alone");
  takes_note(step, g);

  on_incident(group, "note", "TEXT", "Add a note to the timeline; in quotes where no ID stands before it",
              "drwatch incident note 20260301-0211-database-outage \"vendor called\"", g, incident_note);
  on_incident(group, "message", "MESSAGE ACTION", "Read a message (show), approve it, or say that it was sent",
              "drwatch incident message 20260301-0211-database-outage customers show", g, incident_message);
  takes_note(on_incident(group, "handover", "TO", "Hand it to another person, with a summary of what is open",
                         "drwatch incident handover lena", g, incident_handover),
             g);
  takes_note(on_incident(group, "take", "", "Take what was handed over", "drwatch incident take", g, incident_take), g);
}

void add_incident_record(CLI::App& group, Given& g) {
  auto* refile = on_incident(group, "refile", "SCENARIO", "File it under another scenario",
                             "drwatch incident refile 20260301-0211-database-outage database-corruption", g, incident_refile);
  takes_note(refile, g);
  auto* start = on_incident(group, "start-time", "TIME", "Correct when it began; both times are kept",
                            "drwatch incident start-time 20260301-0211-database-outage 2026-03-01T02:05:00Z", g, incident_start_time);
  takes_note(start, g);
  auto* change =
      on_incident(group, "bad-change", "TIME", "Say when the change was made that has to be undone; the moment to restore to follows",
                  "drwatch incident bad-change 20260301-0211-database-corruption 2026-03-01T01:47:00Z", g, incident_bad_change);
  takes_note(change, g);
  auto* resolve = on_incident(group, "resolve", "", "The work is done, or it was none",
                              "drwatch incident resolve 20260301-0211-database-outage --note \"restored\"", g, incident_resolve);
  resolve->add_flag("--false-alarm", g.incident.false_alarm, "Keep the record, leave it out of the figures");
  resolve->add_flag("--force", g.incident.force, "Although critical steps are open; say why with --note");
  takes_note(resolve, g);
  takes_note(on_incident(group, "reopen", "", "It was not over: go on with the same incident",
                         "drwatch incident reopen 20260301-0211-database-outage", g, incident_reopen),
             g);
}

void add_runbook(CLI::App& app, Given& g) {
  auto* group = command(app, "runbook", "Read the runbook; with --config FILE no daemon is needed",
                        "drwatch runbook export /srv/paper --config drwatch.toml", g, {});
  const auto with = [&g](int (*run)(const RunbookOptions&)) {
    return [&g, run] {
      g.runbook.client = g.client;
      return run(g.runbook);
    };
  };
  auto* list = command(*group, "list", "The scenarios", "drwatch runbook list", g, with(runbook_list));
  auto* show =
      command(*group, "show", "One scenario as a page of Markdown", "drwatch runbook show database-corruption", g, with(runbook_show));
  show->add_option("SCENARIO", g.runbook.scenario, "The scenario")->required();
  auto* write = command(*group, "export", "Every scenario as a page that can be printed", "drwatch runbook export ./runbook", g,
                        with(runbook_export));
  write->add_option("DIR", g.runbook.folder, "The folder; made when it is not there")->required();
  for (auto* each : {list, show, write})
    each->add_option("--config", g.runbook.config, "Read this configuration instead of asking the daemon");
}

void add_signal_and_maintenance(CLI::App& app, Given& g) {
  auto* signals =
      command(app, "signal", "Raise or clear a declared signal", "drwatch signal raise breach-suspected --note \"odd logins\"", g, {});
  for (const bool raise : {true, false}) {
    auto* each = command(*signals, raise ? "raise" : "clear", raise ? "It is so" : "It is no longer so",
                         std::string("drwatch signal ") + (raise ? "raise" : "clear") + " breach-suspected", g, [&g, raise] {
                           g.signal.client = g.client;
                           return raise ? signal_raise(g.signal) : signal_clear(g.signal);
                         });
    each->add_option("NAME", g.signal.name, "The signal, as the configuration declares it")->required();
    each->add_option("--note", g.signal.note, "Why");
    if (!raise) each->add_flag("--force", g.signal.force, "Also what alerts raise: when they were resolved and nobody said so");
  }

  auto* group = command(app, "maintenance", "Keep scenarios shut while somebody works on a component; watching goes on",
                        "drwatch maintenance start database --for 30m", g, {});
  const auto with = [&g](int (*run)(const MaintenanceOptions&)) {
    return [&g, run] {
      g.maintenance.client = g.client;
      return run(g.maintenance);
    };
  };
  command(*group, "list", "What runs now", "drwatch maintenance list", g, with(maintenance_list));
  auto* start = command(*group, "start", "Begin; it ends by itself",
                        "drwatch maintenance start database --for 30m --note \"minor upgrade\"", g, with(maintenance_start));
  start->add_option("COMPONENT", g.maintenance.components, "Components, or places for all in them")->required();
  start->add_option("--for", g.maintenance.lasts, "How long, as 30m or 1h30m; at most 24h")->required();
  start->add_option("--note", g.maintenance.note, "Why");
  auto* end = command(*group, "end", "End it now", "drwatch maintenance end ID", g, with(maintenance_end));
  end->add_option("ID", g.maintenance.id, "As drwatch maintenance list prints it")->required();
}

void add_drills(CLI::App& app, Given& g) {
  auto* group =
      command(app, "drill", "What shows that recovery works: drills, when they are due, what they took", "drwatch drill list", g, {});
  const auto with = [&g](int (*run)(const DrillOptions&)) {
    return [&g, run] {
      g.drill.client = g.client;
      return run(g.drill);
    };
  };
  command(*group, "list", "Every scenario: last drill, next one, and what is proven", "drwatch drill list", g, with(drill_list));
  auto* record = command(*group, "record", "Write down a drill that took place",
                         "drwatch drill record database-outage --took 50m --lost 20s", g, with(drill_record));
  record->add_option("SCENARIO", g.drill.scenario, "Which page of the runbook was drilled")->required();
  record->add_option("--took", g.drill.took, "From its start to recovery, as 50m");
  record->add_option("--lost", g.drill.lost, "Data lost, as 20s");
  record->add_flag("--failed", g.drill.failed, "It did not recover");
  record->add_option("--type", g.drill.type, "tabletop (proves the plan alone), restore or full");
  record->add_option("--evidence", g.drill.evidence, "The document that drwatch-restore-drill --evidence wrote; it decides");
  record->add_option("--note", g.drill.note, "Where its record is, who held it");
  auto* start = command(*group, "start", "Begin a drill: the scenario's steps, on purpose; its command, if it has one, begins with it",
                        "drwatch drill start database-outage", g, with(drill_start));
  start->add_option("SCENARIO", g.drill.scenario, "Which page of the runbook is drilled")->required();
  start->add_option("--type", g.drill.type, "tabletop, restore or full; without it as the scenario says");
  start->add_option("--note", g.drill.note, "Who leads it, on what");
  auto* finish = command(*group, "finish", "It is over: what it took is measured, up to its last critical step",
                         "drwatch drill finish database-outage --lost 20s", g, with(drill_finish));
  finish->add_option("--lost", g.drill.lost, "Data lost, as 20s");
  finish->add_flag("--failed", g.drill.failed, "It did not recover");
  auto* abort = command(*group, "abort", "End it at once; it proves nothing", "drwatch drill abort database-outage --note \"a real one\"",
                        g, with(drill_abort));
  auto* report = command(*group, "report", "Its record, in Markdown: what an auditor asks for",
                         "drwatch drill report drill-20260301-1000-database-outage > drill.md", g, with(drill_report));
  for (auto* each : {finish, abort, report})
    each->add_option("ID", g.drill.id,
                     "The drill: its id, a beginning of it that fits no other, or its scenario; may be left out where only one is held");
  auto* hold = command(*group, "hold", "Stop all drills at once, and let none begin", "drwatch drill hold --note \"release day\"", g,
                       with(drill_hold));
  auto* release = command(*group, "release", "Let drills begin again", "drwatch drill release", g, with(drill_release));
  for (auto* each : {finish, abort, hold, release}) each->add_option("--note", g.drill.note, "A reason or remark for the record");
}

void add_alert_and_journal(CLI::App& app, Given& g) {
  auto* alerts = command(app, "alert", "The alerts as they should stand, and whether they arrive", "drwatch alert list", g, {});
  command(*alerts, "list", "What fires, and what was resolved lately", "drwatch alert list", g, [&g] { return alert_list(g.client); });
  command(*alerts, "test", "Send a test alert through every Alertmanager and the fallback, and read it back", "drwatch alert test", g,
          [&g] { return alert_test(g.client); });

  auto* journal = command(app, "journal", "The durable record itself; no daemon is needed",
                          "drwatch journal verify /var/lib/drwatch/journal.db", g, {});
  const auto with = [&g](int (*run)(const JournalOptions&)) {
    return [&g, run] {
      g.journal.json = g.client.json;
      g.journal.client = g.client;
      return run(g.journal);
    };
  };
  auto* backup =
      command(*journal, "backup", "Write a consistent copy of the journal, also of one that a daemon writes; with --server: that daemon's",
              "drwatch journal backup /backup/journal.db --config drwatch.toml", g, [&app, &g] {
                const auto given = [](const CLI::App& of, const char* option) { return of.get_option(option)->count() > 0; };
                const CLI::App& own = *app.get_subcommand("journal")->get_subcommand("backup");
                g.journal.json = g.client.json;
                g.journal.client = g.client;
                g.journal.through_daemon = given(app, "--server") && !given(own, "--config") && !given(own, "--journal");
                return journal_backup(g.journal);
              });
  backup->add_option("FILE", g.journal.file, "The copy: a new file")->required();
  auto* by_config = backup->add_option("--config", g.journal.config, "The configuration whose [journal] path is copied");
  backup->add_option("--journal", g.journal.journal, "The journal itself, without a configuration")
      ->capture_default_str()
      ->excludes(by_config);
  auto* verify = command(*journal, "verify", "Follow the chain of hashes; name the first event that cannot be trusted",
                         "drwatch journal verify journal.db", g, with(journal_verify));
  auto* show = command(*journal, "show", "Print the events", "drwatch journal show journal.db --incident 20260301-0211-database-outage", g,
                       with(journal_show));
  for (auto* each : {verify, show}) each->add_option("FILE", g.journal.file, "The journal, also while a daemon writes it")->required();
  show->add_option("--incident", g.journal.incident, "Only this incident's");
}

void add_beginning(CLI::App& app, Given& g) {
  auto* begin = command(
      app, "init", "Write a small configuration, its credentials' files and the unit's drop-in, from flags or a few answers",
      "drwatch init --site https://app.example.org/ --postgres dsn --backup archiver --alertmanager http://127.0.0.1:9093", g, [&g] {
        g.init.json = g.client.json;
        return init(g.init);
      });
  begin->add_option("--site", g.init.site, "The address of a page");
  begin->add_option("--endpoint", g.init.endpoint, "The address of an endpoint");
  begin->add_option("--postgres", g.init.postgres, "A file that holds the database's connection string");
  begin->add_option("--supabase", g.init.supabase, "A Supabase project: PROJECT in PROJECT.supabase.co");
  begin->add_option("--backup", g.init.backup,
                    "How the database is backed up: archiver[:FOLDER], pgbackrest:STANZA, file:FOLDER, supabase or supabase-pitr");
  begin->add_option("--heartbeat", g.init.jobs, "A job that calls in: NAME=15m or NAME=\"0 2 * * *\"; may be given again");
  begin->add_option("--alertmanager", g.init.alertmanager, "Its address");
  begin->add_option("--pager", g.init.pager, "A file that holds the address that takes alerts when no Alertmanager does");
  begin->add_option("--deadman", g.init.deadman, "A file that holds the address that is called every minute");
  begin->add_option("--public-url", g.init.public_url, "How links in alerts begin");
  begin->add_option("--rto", g.init.rto, "So long recovery may take")->capture_default_str();
  begin->add_option("--rpo", g.init.rpo, "So much may be lost")->capture_default_str();
  begin->add_option("--to", g.init.to, "The folder; /etc/drwatch, where nothing is said");
  begin->add_option("--drop-in", g.init.drop_in, "The unit's drop-in; below the folder, if that is not /etc/drwatch");
  begin->add_flag("--force", g.init.force, "Overwrite what is there");

  auto* look = command(app, "doctor", "Say what is still missing for each claim, with the line to type", "drwatch doctor", g, [&g] {
    g.doctor.client = g.client;
    return doctor(g.doctor);
  });
  look->add_option("--config", g.doctor.config, "The configuration; without it, that of the running daemon");
  takes_credentials(look, g.doctor.credentials);
  look->add_flag("--send", g.doctor.send, "Send a test alert as well (needs a responder's token)");
}

void add_preparation(CLI::App& app, Given& g) {
  command(app, "sql", "Print the SQL that prepares a database to be watched", "drwatch sql | psql", g, [] { return sql(); });
  auto* cron_it =
      command(app, "cron", "Print the next five times of a schedule", "drwatch cron \"0 2 * * *\" --zone America/Asuncion", g, [&g] {
        g.cron.json = g.client.json;
        return cron(g.cron);
      });
  cron_it->add_option("EXPRESSION", g.cron.expression, "Five fields, or @daily and the like; in quotes")->required();
  cron_it->add_option("--zone", g.cron.zone, "The time zone")->capture_default_str();
}

void add_all(CLI::App& app, Given& g) {
  app.fallthrough();  // the options below may stand before or after the command's words
  app.require_subcommand(1);
  app.set_version_flag("--version", drwatch::version_line);
  app.add_option("--server", g.client.server, "The running daemon's address")->envname("DRWATCH_SERVER")->capture_default_str();
  app.add_option("--token-file", g.client.token_file, "A file with the token; or the token itself in the environment: DRWATCH_TOKEN");
  app.add_option("--ca-file", g.client.ca_file, "Certificates to trust when the daemon's address is https");
  app.add_flag("--json", g.client.json, "Print JSON, as the API answers it");
  app.footer(
      "drwatch COMMAND --help says more. Exit codes: 0 good; 1 bad news; 2 it could not be run, with one line that says what to do.");
  add_daemon_commands(app, g);
  auto* incidents =
      command(app, "incident", "Read incidents and work on them", "drwatch incident show 20260301-0211-database-outage", g, {});
  add_incident_reading(*incidents, g);
  add_incident_work(*incidents, g);
  add_incident_record(*incidents, g);
  add_runbook(app, g);
  add_signal_and_maintenance(app, g);
  add_drills(app, g);
  add_alert_and_journal(app, g);
  add_beginning(app, g);
  add_preparation(app, g);
}

// What is wrong with the words: an unknown one gets the nearest, a missing one the list.
std::string word_problem(const CLI::App& app, const std::vector<std::string>& words, const std::string& otherwise) {
  const CLI::App* deepest = &app;
  std::string so_far = "drwatch";
  while (!deepest->get_subcommands().empty()) {
    deepest = deepest->get_subcommands().front();
    so_far += " " + deepest->get_name();
  }
  std::vector<std::string> known;
  std::string list;
  for (const auto* each : deepest->get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(each->get_name());
    list += (list.empty() ? "" : ", ") + each->get_name();
  }
  auto at = words.begin();
  if (deepest != &app) at = std::find(words.begin(), words.end(), deepest->get_name()) + 1;
  const auto word = std::find_if(at, words.end(), [](const std::string& each) { return !each.starts_with('-'); });
  if (known.empty()) return otherwise + "; " + so_far + " --help says how";
  if (word == words.end()) return so_far + " needs one more word; one of " + list;
  const auto near = drwatch::config::nearest(*word, known);
  return so_far + " knows no '" + *word + "'; " + (near ? "did you mean '" + *near + "'?" : "one of " + list);
}

int refuse(const std::string& line) {
  std::fprintf(stderr, "drwatch: %s\n", line.c_str());
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  // A plugin or a step's command runs as the same user. It must read neither the environment (/proc/PPID/environ), in which passwords may
  // stand, nor the memory; and no core of it is to be left on a disk. What is started is not affected: exec() sets it anew.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  Given given;
  CLI::App app("drwatch knows, at every moment, whether a platform could be recovered in time.", "drwatch");
  add_all(app, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const CommandRefused refused(word_problem(app, words, error.what()));
    // Whether --json was parsed before the word that is wrong depends on their order.
    if (std::find(words.begin(), words.end(), "--json") != words.end()) std::printf("%s\n", refused_document(refused).c_str());
    return refuse(refused.what());
  }
  try {
    return given.run();
  } catch (const CommandRefused& refused) {
    if (given.client.json && !refused.told) std::printf("%s\n", refused_document(refused).c_str());
    return refuse(refused.what());
  } catch (const std::exception& error) {
    return refuse(std::string(error.what()) + "; this should not happen: please report it");
  }
}
