// SPDX-License-Identifier: Apache-2.0
// What the command line can do: one plain function a command, its options as plain values. main.cpp reads the words. Each returns the exit
// code: 0 good, 1 the answer is bad news; what cannot run or is refused throws CommandRefused (exit code 2).
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace drwatch::commands {

struct CommandRefused : std::runtime_error {
  // "what; what to do". `problem`: the API's problem document, for --json.
  explicit CommandRefused(const std::string& line, std::string problem_document = {})
      : std::runtime_error(line), problem(std::move(problem_document)) {}
  std::string problem;
  bool told = false;  // what was printed as JSON says it already
};

// For --json: what the API answered, or a problem document (RFC 9457) of this line where there was no answer.
std::string refused_document(const CommandRefused& refused);

inline constexpr const char* default_server = "http://127.0.0.1:9780";

// How to reach a running daemon.
struct ClientOptions {
  std::string server = default_server;  // or "unix:PATH", the socket that needs no token from root and drwatch's own user
  std::string token_file;               // empty: the token in DRWATCH_TOKEN, if any
  std::string ca_file;                  // https: empty: the system's trust store
  bool json = false;                    // print what the API answered
};

struct ServeOptions {
  std::string config, credentials = {};
};
int serve(const ServeOptions& options);

// Has the running daemon read its configuration again, and waits for what becomes of it: a configuration that is refused throws.
int reload(ClientOptions options);
// Where it asks: the unit's `socket`, which needs no token, where no other address was given and this user may open it; else `server`.
std::string reload_server(const std::string& server, const std::string& socket);

struct TestOptions {
  std::vector<std::string> files;
  bool json = false;
};
int test(const TestOptions& options);

struct CheckOptions {
  std::string config;
  bool strict = false, json = false;
  std::string credentials = {};   // the folder in which { credential = "NAME" } is looked for; empty: see use_credentials
  std::string alertmanager = {};  // a configuration of Alertmanager: whom each alert would reach by it
};
int check(const CheckOptions& options);

struct ProbeOptions {
  ClientOptions client;
  std::string config;  // empty: through the daemon
  std::vector<std::string> names;
  bool acknowledge = false;  // what they have latched; nothing is run
  std::string note;
  std::string credentials = {};
};
int probe(const ProbeOptions& options);

struct StatusOptions {
  ClientOptions client;
  bool watch = false;
};
int status(const StatusOptions& options);

struct IncidentOptions {
  ClientOptions client;
  std::vector<std::string> words;  // an ID, which may be left out, and what else the command takes (incident_words.hpp)
  std::string scenario, note, state, file;
  bool yes = false, no_wait = false, force = false, false_alarm = false;
};
int incident_list(const IncidentOptions& options);
int incident_show(const IncidentOptions& options);
int incident_open(const IncidentOptions& options);
int incident_ack(const IncidentOptions& options);
int incident_step(const IncidentOptions& options);
int incident_note(const IncidentOptions& options);
int incident_message(const IncidentOptions& options);
int incident_handover(const IncidentOptions& options);
int incident_take(const IncidentOptions& options);
int incident_export(const IncidentOptions& options);
int incident_refile(const IncidentOptions& options);
int incident_start_time(const IncidentOptions& options);
int incident_bad_change(const IncidentOptions& options);
int incident_resolve(const IncidentOptions& options);
int incident_reopen(const IncidentOptions& options);
int incident_report(const IncidentOptions& options);

struct RunbookOptions {
  ClientOptions client;
  std::string config;  // empty: through the daemon
  std::string scenario, folder;
};
int runbook_list(const RunbookOptions& options);
int runbook_show(const RunbookOptions& options);
int runbook_export(const RunbookOptions& options);

struct SignalOptions {
  ClientOptions client;
  std::string name, note;
  bool force = false;
};
int signal_raise(const SignalOptions& options);
int signal_clear(const SignalOptions& options);

struct MaintenanceOptions {
  ClientOptions client;
  std::vector<std::string> components;
  std::string lasts, id, note;
};
int maintenance_list(const MaintenanceOptions& options);
int maintenance_start(const MaintenanceOptions& options);
int maintenance_end(const MaintenanceOptions& options);

struct DrillOptions {
  ClientOptions client;
  std::string scenario, took, lost, note;
  bool failed = false;
  std::string id, type, evidence;  // id: of a drill, or what stands for it; evidence: a file
};
int drill_list(const DrillOptions& options);
int drill_record(const DrillOptions& options);
int drill_start(const DrillOptions& options);
int drill_finish(const DrillOptions& options);
int drill_abort(const DrillOptions& options);
int drill_report(const DrillOptions& options);
int drill_hold(const DrillOptions& options);
int drill_release(const DrillOptions& options);

int alert_list(const ClientOptions& options);
int alert_test(const ClientOptions& options);

struct JournalOptions {
  std::string file, incident;
  std::string config, journal = "/var/lib/drwatch/journal.db";  // backup: whose journal; the configuration names it
  bool json = false;
  ClientOptions client;
  bool through_daemon = false;  // backup: the daemon that client names copies its own
};
int journal_backup(const JournalOptions& options);
int journal_verify(const JournalOptions& options);
int journal_show(const JournalOptions& options);

struct CronOptions {
  std::string expression, zone = "UTC";
  bool json = false;
};
int cron(const CronOptions& options);

int sql();  // prints what prepares a database

// A small configuration from a few answers.
struct InitOptions {
  std::string site, endpoint, supabase, alertmanager, backup, public_url;
  std::string postgres, pager, deadman;  // files that hold the secret
  std::vector<std::string> jobs;
  std::string rto = "4h", rpo = "1h";
  std::string to, drop_in;  // empty: where the unit looks
  bool force = false, json = false;
};
int init(const InitOptions& options);

struct DoctorOptions {
  ClientOptions client;
  std::string config, credentials;
  bool send = false;  // a test alert as well
};
int doctor(const DoctorOptions& options);

}  // namespace drwatch::commands
