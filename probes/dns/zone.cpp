// SPDX-License-Identifier: Apache-2.0
#include "probes/dns/zone.hpp"

#include "probes/dns/verdict.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t most_servers = 13;  // what the root has
constexpr int most_labels = 12;

// Asks all resolvers at once. The first answer with NOERROR or NXDOMAIN is returned; if there is none, the first failure, or the first
// rcode.
Task<Result<DnsAnswer>> ask_any(Resolver* resolver, std::string name, std::string type, std::vector<std::string> resolvers) {
  std::vector<DnsQuestion> questions;
  for (const std::string& server : resolvers) questions.push_back({name, type, server, true});
  auto answers = co_await resolver->ask(std::move(questions));
  for (auto& answer : answers)
    // NXDOMAIN is an answer too: its authority section names the zone.
    if (answer && (answer->rcode == "NOERROR" || answer->rcode == "NXDOMAIN")) co_return std::move(answer);
  for (auto& answer : answers)
    if (!answer) co_return answer.error();
  co_return Failure{Reason::dns, answers.front()->rcode, "no resolver finds the zone of " + name + ": " + answers.front()->rcode};
}

bool within_zone(const std::string& name, const std::string& zone) { return name == zone || name.ends_with("." + zone); }

// The SOA stands in the answer of the zone's own name, and behind a denial for a name in it. An alias leads into another zone: then the
// label above is asked.
std::optional<std::string> apex_in(const DnsAnswer& answer, const std::string& name) {
  for (const auto& record : answer.answers)
    if (record.type == "CNAME" && record.name == name) return std::nullopt;
  for (const auto* section : {&answer.answers, &answer.authority})
    for (const auto& record : *section)
      if (record.type == "SOA" && within_zone(name, record.name)) return record.name;
  return std::nullopt;
}

Task<Result<std::vector<NameServer>>> addresses_of(Resolver* resolver, std::vector<std::string> names, std::vector<std::string> resolvers) {
  std::vector<DnsQuestion> questions;
  for (const std::string& name : names)
    for (const char* type : {"A", "AAAA"}) questions.push_back({name, type, resolvers.front(), true});
  const auto asked = questions;
  const auto answers = co_await resolver->ask(std::move(questions));
  std::vector<NameServer> servers;
  for (const std::string& name : names) servers.push_back({name, {}});
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    auto& addresses = servers[i / 2].addresses;
    for (const auto& address : records_of(*answers[i], asked[i].name, asked[i].type)) addresses.push_back(address);
  }
  co_return servers;
}

}  // namespace

Task<Result<Zone>> find_zone(Resolver* resolver, std::string name, std::vector<std::string> resolvers) {
  std::string at = canonical_name(std::move(name));
  std::optional<std::string> apex;
  // Upwards, label by label, until a server names the zone.
  for (int i = 0; i < most_labels && !apex; ++i) {
    auto soa = co_await ask_any(resolver, at, "SOA", resolvers);
    if (!soa) co_return soa.error();
    apex = apex_in(*soa, at);
    const auto dot = at.find('.');
    if (!apex && dot == std::string::npos) break;
    if (!apex) at = at.substr(dot + 1);
  }
  if (!apex) co_return Failure{Reason::dns, "NODATA", "nobody knows of a zone of " + at};
  Zone zone;
  zone.name = *apex;
  auto servers = co_await ask_any(resolver, zone.name, "NS", resolvers);
  if (!servers) co_return servers.error();
  auto names = records_of(*servers, zone.name, "NS");
  if (names.empty()) co_return Failure{Reason::dns, "NODATA", "the zone " + zone.name + " has no name servers"};
  names.resize(std::min(names.size(), most_servers));
  auto found = co_await addresses_of(resolver, std::move(names), std::move(resolvers));
  if (!found) co_return found.error();
  zone.servers = std::move(*found);
  co_return zone;
}

}  // namespace drwatch
