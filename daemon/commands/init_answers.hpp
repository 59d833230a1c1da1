// SPDX-License-Identifier: Apache-2.0
// What the answers to init mean: addresses, jobs, sources of backups.
#pragma once

#include <string>

namespace drwatch::commands {

struct Target {
  std::string host, port;
  bool tls = false;
};
Target target_of(const std::string& url);   // of an http or https URL
bool is_dns_name(const std::string& host);  // of the DNS; not an address, and not a name of this machine alone

struct Job {
  std::string name, period, schedule;  // one of the two
};
Job job_of(const std::string& said);  // NAME, NAME=PERIOD or NAME=CRON

// "pgbackrest:main": the source, and what is said about it.
std::string before_colon(const std::string& text);
std::string behind_colon(const std::string& text);

}  // namespace drwatch::commands
