// SPDX-License-Identifier: Apache-2.0
// Probes before what means them no good: servers that stall, flood, drip, reset, lie and make noise; programs and files of that sort. A run
// must end in time, leave the loop to others, keep within its memory, leave no descriptor open, and never find such a thing well.
#pragma once

#include "tests/world/servers.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace drwatch::testing {

struct Unkind {
  std::string kind, what;
  std::string toml;                                                           // {port} is the server's, {folder} one that goes with the run
  std::function<void(Peer)> behave;                                           // of a TCP server; null: there is none
  std::function<std::optional<std::string>(const std::string&)> datagrams;    // of a name server at the same port; null: there is none
  std::function<void(const TempFolder&)> furnish = [](const TempFolder&) {};  // puts files into {folder}
  std::size_t memory = 64 << 20;                                              // that the process may grow by meanwhile
};

// One list for each sort of outside; together they hold every kind of the catalog.
std::vector<Unkind> unkind_http();
std::vector<Unkind> unkind_postgres();
std::vector<Unkind> unkind_dns();
std::vector<Unkind> unkind_streams();   // tls, tcp, icmp
std::vector<Unkind> unkind_programs();  // command, and what backups are read with

// Runs each of them and checks all of the above.
void survive(const std::vector<Unkind>& rows);

// ---- how to misbehave
void send_on_and_on(Peer& peer, const std::string& text, std::chrono::milliseconds pause = std::chrono::milliseconds{0});
void reset(Peer& peer);  // what follows the end of the behaviour is a RST
std::string noise(std::size_t size, unsigned seed = 99);
std::string nested(std::size_t depth);  // "[[[["

}  // namespace drwatch::testing
