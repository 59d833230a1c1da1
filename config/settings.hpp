// SPDX-License-Identifier: Apache-2.0
// The whole configuration as plain, immutable values, and how it is loaded. Knows nothing of the rest of drwatch.
#pragma once

#include "config/http_access.hpp"
#include "config/rows/document.hpp"
#include "config/rows/schema.hpp"
#include "config/rows/secret.hpp"
#include "config/rows/time.hpp"
#include "config/scenario.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace drwatch {

struct TokenSettings {
  std::string role = "viewer";  // viewer | responder | admin
  Secret secret;
};
struct ServerSettings {
  std::string listen = "127.0.0.1:9780";
  std::string public_url;                // without a trailing slash; empty: none
  std::string tls_certificate, tls_key;  // paths; both or none
  bool open_reading = false;
  std::map<std::string, TokenSettings> tokens;  // by the person's or system's name
};
struct JournalSettings {
  std::string path = "/var/lib/drwatch/journal.db";
  Duration patience = seconds{2};
};
using RpoByClass = std::map<DisasterClass, Duration>;
struct RecoverySettings {
  Duration rto = hours{4};
  RpoByClass rpo;  // resolved; one duration means host and logical
  double at_risk = 0.5;
  Duration time_to_fix = minutes{30};
  std::optional<Cron> working_hours;  // the minutes in which it is due; nullopt: people are as quick at any hour
};
struct AlertmanagerSettings {
  std::vector<std::string> urls;
  std::map<std::string, HttpAccess> access;  // by URL, of those that were given more than that
  Duration resend = minutes{1};
  std::vector<std::string> fallback;  // channels
  Duration fallback_after = minutes{1};
};
struct ChannelSettings {
  std::string kind;                  // webhook | command
  Secret url;                        // webhook
  std::vector<std::string> command;  // command: argv; the alerts arrive as JSON on standard input
  Duration timeout = seconds{10};
};
struct DeadmanSettings {
  Secret url;
  Duration interval = minutes{1};
};
struct DefaultSettings {
  Duration interval = seconds{30}, retry = seconds{10}, timeout = seconds{10};
  int fall = 3, rise = 2;
  int window = 20;
  double failed_share = 0.3;
};
struct WitnessSettings {
  std::vector<std::string> probes;
  Duration hold_for = minutes{1};  // `for`
};

struct DownWhen {
  enum class Rule { any, all, count };
  Rule rule = Rule::any;
  int count = 1;
  friend bool operator==(const DownWhen&, const DownWhen&) = default;
};
struct ComponentSettings {
  std::string name, title;  // title: the name, when the file gives none
  DownWhen down_when;
  std::vector<std::string> depends_on;
  RpoByClass rpo;  // resolved against [recovery] and what protects it; empty: never judged
  // Derived, in configuration order: the probes that make its health. A backup probe that `protects` its own component is not among
  // them (that an archive fails does not mean that the database is down).
  std::vector<std::string> probes;
  std::vector<std::string> protected_by;  // backup probes
};

// A job, judged by the heart against the clock: from its pings, or from its scheduler's own record of runs.
struct JobSettings {
  bool read = false;  // its runs are read by a probe, and its schedule with them; false: it calls in
  std::optional<Cron> schedule;
  std::optional<Duration> period;  // one of the two
  Duration start_grace = minutes{5};
  std::optional<Duration> max_runtime, max_success_age;
  Secret key;  // the path element of its ping URL
  friend bool operator==(const JobSettings&, const JobSettings&) = default;
};
// What the heart knows of a probe that reads recovery points.
struct BackupRole {
  std::string protects;  // component
  std::vector<DisasterClass> survives;
  std::optional<Duration> every;  // how often a new point is expected; nullopt: as it learns
  std::string confirmed_by;       // another backup probe of the same component, that sees what this one only claims; empty: none
  std::optional<config::PointsApart> by_nature;  // what its settings mean for how often points can come; nullopt: nothing
  friend bool operator==(const BackupRole&, const BackupRole&) = default;
};
struct ProbeSettings {
  std::string name, kind;
  config::Traits traits;  // of its kind
  std::string component;  // empty: only a witness may have none
  Duration interval{0}, retry{0}, timeout{0};
  int fall = 3, rise = 2;
  int window = 20;            // so many of the newest runs are judged together ...
  double failed_share = 0.3;  // ... and with this share of them down it is degraded
  bool witness = false;
  std::optional<JobSettings> job;
  std::optional<BackupRole> backup;
  std::shared_ptr<const void> own;  // the kind's own settings
  std::string fingerprint;          // changes when anything of this probe changes (secrets enter by hash only)
  std::vector<Secret> secrets;      // all that its table names: never to be shown
  // The keys of its kind as the file has them, for people: {"status", "200"}. Of a secret the place where it is.
  std::vector<std::pair<std::string, std::string>> written;

  bool calls_in() const { return traits.calls_in; }
};

struct MaintenanceSettings {
  std::string name;
  std::vector<std::string> components;
  std::optional<Cron> schedule;
  std::optional<Time> from, until;  // or these
  Duration lasts = hours{1};
};
struct SignalSettings {
  std::string name;
  std::optional<Duration> expires;
};

struct Settings {
  std::string file;  // of the main configuration
  std::string hash;  // sha256 over everything that was read, hex
  ServerSettings server;
  JournalSettings journal;
  RecoverySettings recovery;
  AlertmanagerSettings alertmanager;
  std::map<std::string, ChannelSettings> channels;
  std::optional<DeadmanSettings> deadman;
  DefaultSettings defaults;
  WitnessSettings witness;
  int workers = 2;
  std::map<std::string, ComponentSettings> components;
  std::map<std::string, ProbeSettings> probes;
  std::map<std::string, MaintenanceSettings> maintenance;
  std::map<std::string, SignalSettings> signals;
  std::map<std::string, Scenario> scenarios;
  std::vector<config::Problem> warnings;  // they run on as findings

  // The most specific name's RPO for a class; nullopt: not judged.
  std::optional<Duration> rpo_of(const std::string& component, DisasterClass c) const;
};

namespace config {

struct LoadOptions {
  bool secrets_must_exist = false;  // serve: true
  bool look_at_machine = false;     // serve and check: whether the paths and programs that are named are there
  // What is wrong with a certificate and its key, as files; "" when they can be used. Empty: they are not looked at.
  std::function<std::string(const std::string& certificate, const std::string& key)> identity_problem = {};
};

// Reads the main file and the scenario files beside it. Every problem is in `problems`; nullptr when one of them is an error.
std::shared_ptr<const Settings> load(const std::string& file, std::span<const KindSchema> kinds, const LoadOptions& options,
                                     Problems& problems);

// docs/configuration.md, written from the rows.
std::string reference(std::span<const KindSchema> kinds);

}  // namespace config
}  // namespace drwatch
