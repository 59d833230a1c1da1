// SPDX-License-Identifier: Apache-2.0
// drwatch init: from a few answers to a small configuration that passes `check`. What is written is made here without touching the disk.
#pragma once

#include "config/rows/document.hpp"
#include "daemon/commands/commands.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace drwatch::commands {

// What there is, as far as somebody said so; an empty text: there is none.
struct InitAnswers {
  std::string site;                        // the address of a page
  std::string endpoint;                    // the address of an endpoint
  std::string dsn;                         // the database: a secret
  std::string supabase;                    // the project's reference
  std::string alertmanager;                // its address
  std::string backup;                      // archiver[:FOLDER] | pgbackrest:STANZA | file:FOLDER | supabase | supabase-pitr
  std::vector<std::string> jobs;           // NAME, NAME=PERIOD or NAME=CRON
  std::string pager, deadman, public_url;  // addresses; the first two are secrets
  std::string rto = "4h", rpo = "1h";
};

struct InitFile {
  std::string name;  // below the folder: "drwatch.toml", "credentials/primary-dsn"
  std::string text;
  bool secret = false;  // mode 0600, and never overwritten with a value that was only made up
  bool given = false;   // a secret that somebody gave now; otherwise made up, or left empty
  std::string what;     // of a secret that is empty: what belongs into it
};

struct LeftOut {
  std::string scenario, because;
};

struct InitPlan {
  std::vector<InitFile> files;  // but the drop-in
  std::string drop_in;
  std::vector<std::string> scenarios;
  std::vector<LeftOut> left_out;
};

// What is wrong with the answers: "what; what to do". Empty: nothing.
std::string init_misfit(const InitAnswers& answers);
// Whether anything is there to be watched.
bool nothing_to_watch(const InitAnswers& answers);

// The main file.
std::string init_configuration(const InitAnswers& answers);
// Every secret that it names, in order of its names.
std::vector<InitFile> init_credentials(const InitAnswers& answers);
// The unit's drop-in for a configuration in `folder`, an absolute path.
std::string init_drop_in(const std::vector<InitFile>& credentials, const std::string& folder);

// The runbook's files by their name below the folder of scenarios.
using Texts = std::map<std::string, std::string>;
// Which shared files a scenario's text includes.
std::set<std::string> included(std::string_view text);
// Of a critical step that asks for an objective that nothing here has: it would never be ticked.
bool never_ticked(const config::Problem& problem);
// Takes out of the files below `folder` what these warnings say is left out or never ticked.
void cut_what_is_left_out(std::vector<config::Problem> problems, const std::string& folder, Texts& texts);

// Those of the shipped scenarios that are whole beside this main file, and why the others are not. It loads them in a temporary folder.
InitPlan init_plan(const InitAnswers& answers, const std::string& folder);

// Asks on the terminal for what was not said.
InitAnswers ask_on_terminal(InitAnswers answers);

}  // namespace drwatch::commands
