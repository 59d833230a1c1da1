// SPDX-License-Identifier: Apache-2.0
// What is wanted of a name, and the judgement of what each server answered. Pure.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

struct DnsDemands {
  std::string name, type = "A";
  std::string rcode = "NOERROR";
  std::vector<std::string> expect;    // exactly these records
  std::vector<std::string> contains;  // at least these
  std::vector<std::string> among;     // none but these, of addresses also whole networks ("192.0.2.0/24")
  bool agree = false;                 // all servers must answer the same
  friend bool operator==(const DnsDemands&, const DnsDemands&) = default;

  bool pins() const { return !expect.empty() || !contains.empty() || !among.empty(); }
};

// What one server said.
struct DnsReply {
  std::string server;  // "192.0.2.53:53", or with its name: "ns1.example.org (192.0.2.53:53)"
  Result<DnsAnswer> answer;
  std::optional<Result<DnsAnswer>> soa;  // of the zone, from a server that should be its authority
};

// Of an outcome that is down since nobody answered at all: a pinned record was not seen, so it is unknown.
Outcome unseen(const DnsDemands& demands, Outcome outcome);
// Whether the record is one of them, or lies in one of the networks among them.
bool lies_among(const std::vector<std::string>& among, const std::string& record);
// "192.0.2.0/24", "2001:db8::/32": a network of that family.
bool is_network(const std::string& text, bool v6);

// A record as a person wrote it, in the one spelling in which records are compared.
std::string canonical_record(const std::string& type, const std::string& text);
// A name in lower case without the dot at the end.
std::string canonical_name(std::string name);

// The records of `type` that an answer gives for `name`, over aliases; others in it are not believed. In order, each once.
std::vector<std::string> records_of(const DnsAnswer& answer, const std::string& name, const std::string& type);
// The zone's serial; nullopt: the answer has no SOA of it.
std::optional<std::string> serial_of(const DnsAnswer& answer);

// Down: every server fails, or one says other than `expect`, `contains` or `among` (assertion, `pin`). Degraded: some fail, some are no
// authority
// (`LAME`), they differ (assertion, `disagree`) or hold different serials (stale, `serial`). The facts: records, ttl_seconds, serial, and
// what each server said when there are several.
Outcome judge_dns(const DnsDemands& demands, const std::vector<DnsReply>& replies);

// At most eight, separated by commas.
std::string listed(const std::vector<std::string>& texts);

}  // namespace drwatch
