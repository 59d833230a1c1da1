// SPDX-License-Identifier: Apache-2.0
// dns: asks for a name. It proves what the servers asked say, each of them; it can't prove what other resolvers still hold in their caches.
// Down means: the name does not lead to the platform, or leads elsewhere. As a witness it shows that drwatch's own network and resolver
// work.
#include "probes/probe.hpp"
#include "config/rows/pattern.hpp"
#include "probes/dns/verdict.hpp"
#include "probes/dns/zone.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace drwatch::kinds::dns {
namespace {

using config::Reading;

constexpr const char* doc = R"(Asks for a name, each of `servers` by itself, and compares the records with `expect`, `contains` and `among`.

Proves that the servers asked know the name. Cannot prove what other resolvers still hold in their caches. Without `servers`, addresses are
looked up as any program on this machine does it, and other records are asked from this machine's name servers.

`down` (`dns`, code: `NXDOMAIN`, `SERVFAIL`, `REFUSED`, `NODATA`, `TIMEOUT`, `BADRESP`, ...) when no server gives a good answer; `degraded`
with the same code when only some fail: the message and the facts `server ADDRESS` tell them apart. Another answer than pinned from any of
them is `down` (`assertion`, code `pin`), other name servers of the zone than pinned `down` (`assertion`, code `name-servers`): it may be an
attack. `unknown` when a record is pinned and nobody whom it was asked of answers at all: it was not seen; that the name does not resolve is
asked by a probe without pins. `TRUNCATED`: the answer does not fit a datagram, and the server takes no connection for the rest of it, so
that some clients get it and others do not.

With `authoritative = true` the zone's own name servers are asked instead, at each of their addresses: one that is no authority is
`degraded` (`dns`, `LAME`), different answers are `degraded` (`assertion`, `disagree`), different versions of the zone `degraded` (`stale`,
`serial`).)";

struct DnsSettings {
  DnsDemands demands;
  std::vector<std::string> servers, name_servers;
  bool authoritative = false;
  std::optional<bool> agree;
  friend bool operator==(const DnsSettings&, const DnsSettings&) = default;
};

std::optional<boost::asio::ip::address> address(const std::string& text) {
  boost::system::error_code error;
  const auto made = boost::asio::ip::make_address(text, error);
  return error ? std::nullopt : std::optional(made);
}

std::vector<config::Row> rows() {
  using S = DnsSettings;
  using D = DnsDemands;  // the first member: their rows read into it
  return {
      config::row<D>("name", &D::name, {.doc = "The name to ask for.", .required = true, .pattern_name = "host"}),
      config::row<D>("type", &D::type,
                     {.doc = "Which records.",
                      .fallback = "A",
                      .one_of = {"A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "CAA", "DS", "PTR", "SRV"}}),
      config::row<S>("servers", &S::servers,
                     {.doc = "Whom to ask, `192.0.2.53:53`, all of them; `system` stands for each name server of this machine."}),
      config::row<D>("rcode", &D::rcode,
                     {.doc = "The answer that is good. `NXDOMAIN`: the name must not exist.",
                      .fallback = "NOERROR",
                      .one_of = {"NOERROR", "NXDOMAIN", "REFUSED", "SERVFAIL"}}),
      config::row<D>(
          "expect", &D::expect,
          {.doc = "Exactly these records must come, in any order, written as in a zone file: `192.0.2.1`, `10 mail.example.org`, "
                  "`0 issue \"letsencrypt.org\"`; a TXT record without quotes."}),
      config::row<D>("contains", &D::contains, {.doc = "At least these records must come."}),
      config::row<D>(
          "among", &D::among,
          {.doc = "No records but these may come, and not all of them need to; of addresses also networks, `192.0.2.0/24`: for a "
                  "name behind a content network."}),
      config::row<S>("authoritative", &S::authoritative,
                     {.doc = "Ask the zone's own name servers, at every address, without recursion.", .fallback = "false"}),
      config::row<S>(
          "agree", &S::agree,
          {.doc = "Whether all servers asked must answer the same; by default with `authoritative` only, since resolvers rightly give "
                  "different addresses of a content network."}),
      config::row<S>("name_servers", &S::name_servers,
                     {.doc = "Exactly these name servers, by name, must the zone have, as the resolvers tell it."}),
  };
}

bool is_server(const std::string& text) {
  if (text == "system" || address(text)) return true;  // an address alone, IPv6 too: port 53
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || config::misfit("host:port", text)) return false;
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return address(host).has_value();
}

void check(const DnsSettings& s, config::Place place, const Reading& reading) {
  const auto error = [&](const char* key, std::string what, std::string hint) {
    reading.problems.error(place, reading.at(key).key, std::move(what), std::move(hint));
  };
  const bool addresses = s.demands.type == "A" || s.demands.type == "AAAA";
  if (address(s.demands.name)) error("name", "is an address: no server is asked about it", "give a name");
  for (const std::string& server : s.servers)
    if (!is_server(server)) error("servers", config::shown(server) + " is not a server's address", "write 192.0.2.53 or 192.0.2.53:53");
  const bool v6 = s.demands.type == "AAAA";
  for (const std::string& one : s.demands.among) {
    const auto parsed = address(one);
    if (addresses && !is_network(one, v6) && (!parsed || parsed->is_v6() != v6))
      error("among", config::shown(one) + " is neither an address of type " + s.demands.type + " nor a network of such",
            v6 ? "write 2001:db8::1 or 2001:db8::/32" : "write 192.0.2.1 or 192.0.2.0/24");
  }
  if (!s.demands.among.empty() && !s.demands.expect.empty()) error("among", "says less than expect, which stands beside it", "keep one");
  for (const auto* list : {&s.demands.expect, &s.demands.contains})
    for (const std::string& expected : *list) {
      const auto parsed = address(expected);
      if (addresses && (!parsed || parsed->is_v6() != v6))
        error(list == &s.demands.expect ? "expect" : "contains", config::shown(expected) + " is not an address of type " + s.demands.type,
              "write addresses of that type");
    }
  if (s.demands.rcode != "NOERROR" && s.demands.pins())
    error("rcode", "an answer " + s.demands.rcode + " has no records", "leave out rcode, or expect, contains and among");
}

DnsDemands canonical(const DnsSettings& settings) {
  DnsDemands demands = settings.demands;
  demands.name = canonical_name(demands.name);
  demands.agree = settings.agree.value_or(settings.authoritative);
  for (auto* list : {&demands.expect, &demands.contains, &demands.among}) {
    for (std::string& text : *list) text = canonical_record(demands.type, text);
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  return demands;
}

class DnsProbe : public Probe {
 public:
  explicit DnsProbe(const DnsSettings& settings) : settings_(settings), demands_(canonical(settings)) {
    for (const std::string& name : settings.name_servers) name_servers_.push_back(canonical_name(name));
    std::sort(name_servers_.begin(), name_servers_.end());
  }

  Task<Outcome> run(World& world) override {
    const auto began = world.clock.boottime();
    const bool addresses = demands_.type == "A" || demands_.type == "AAAA";
    const bool as_programs = settings_.servers.empty() && addresses && demands_.rcode == "NOERROR" && !of_zone();
    Outcome outcome;
    if (as_programs)
      outcome = co_await look_up(&world);
    else if (of_zone())
      outcome = co_await ask_zone(&world);
    else
      outcome = co_await ask_each(&world, servers(world));
    outcome.phases[Phase::resolve] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    co_return outcome;
  }

 private:
  bool of_zone() const { return settings_.authoritative || !name_servers_.empty(); }

  std::vector<std::string> servers(World& world) const {
    std::vector<std::string> all;
    const auto own = world.resolver.system_servers();
    for (const std::string& server : settings_.servers)
      if (server == "system")
        all.insert(all.end(), own.begin(), own.end());
      else
        all.push_back(server);
    return settings_.servers.empty() ? own : all;
  }

  Task<Outcome> look_up(World* world) {
    const Family family = demands_.type == "A" ? Family::v4 : Family::v6;
    std::vector<std::string> nobody_else;
    const auto resolved = co_await world->resolver.resolve(demands_.name, family, std::move(nobody_else));
    if (!resolved) co_return unseen(demands_, outcome_of(resolved.error()));
    DnsAnswer answer;
    answer.rcode = "NOERROR";
    for (const std::string& text : resolved->addresses)
      answer.answers.push_back({demands_.name, demands_.type, static_cast<std::uint32_t>(resolved->ttl.count()), text});
    std::vector<DnsReply> replies;
    replies.push_back({"this machine's resolver", std::move(answer), std::nullopt});
    co_return judge_dns(demands_, replies);
  }

  Task<Outcome> ask_each(World* world, std::vector<std::string> whom) {
    std::vector<DnsQuestion> questions;
    for (const std::string& server : whom) questions.push_back({demands_.name, demands_.type, server, true});
    auto answers = co_await world->resolver.ask(std::move(questions));
    std::vector<DnsReply> replies;
    for (std::size_t i = 0; i < answers.size(); ++i) replies.push_back({whom[i], std::move(answers[i]), std::nullopt});
    co_return unseen(demands_, judge_dns(demands_, replies));
  }

  Task<Outcome> ask_zone(World* world) {
    const auto resolvers = servers(*world);
    if (resolvers.empty()) co_return judge_dns(demands_, {});
    auto zone = co_await find_zone(&world->resolver, demands_.name, resolvers);
    if (!zone) co_return outcome_of(zone.error());
    std::vector<std::string> names;
    for (const auto& server : zone->servers) names.push_back(server.name);
    Outcome outcome;
    if (!name_servers_.empty() && names != name_servers_)
      outcome = outcome_of(Health::down, Reason::assertion, "name-servers",
                           "the zone " + zone->name + " is in the hands of " + listed(names) + ", expected " + listed(name_servers_));
    else if (settings_.authoritative)
      outcome = co_await ask_authorities(world, *zone);
    else
      outcome = co_await ask_each(world, resolvers);
    outcome.facts["zone"] = zone->name;
    outcome.facts["name_servers"] = listed(names);
    co_return outcome;
  }

  Task<Outcome> ask_authorities(World* world, Zone zone) {
    std::vector<DnsReply> replies;
    std::vector<DnsQuestion> questions;
    for (const auto& server : zone.servers) {
      if (server.addresses.empty())
        replies.push_back({server.name, Failure{Reason::dns, "NXDOMAIN", server.name + " has no address"}, std::nullopt});
      for (const std::string& address : server.addresses) {
        const std::string at = address.find(':') == std::string::npos ? address + ":53" : "[" + address + "]:53";
        questions.push_back({demands_.name, demands_.type, at, false});
        questions.push_back({zone.name, "SOA", at, false});
        replies.push_back({server.name + " (" + address + ")", Failure{}, std::nullopt});
      }
    }
    auto answers = co_await world->resolver.ask(std::move(questions));
    std::size_t next = 0;
    for (auto& reply : replies) {
      if (reply.answer || !reply.answer.error().code.empty()) continue;
      reply.answer = std::move(answers[next]);
      reply.soa = std::move(answers[next + 1]);
      next += 2;
    }
    leave_out_unreachable(replies);
    co_return judge_dns(demands_, replies);
  }

  // A machine without IPv6 can't ask at such addresses: nothing was learnt there, as long as others answer.
  static void leave_out_unreachable(std::vector<DnsReply>& replies) {
    const bool any = std::any_of(replies.begin(), replies.end(), [](const DnsReply& r) { return r.answer.has_value(); });
    const auto mute = [](const DnsReply& r) {
      return !r.answer && r.answer.error().code == "ECONNREFUSED" && r.server.find(':') != std::string::npos;
    };
    if (any) std::erase_if(replies, mute);
  }

  DnsSettings settings_;
  DnsDemands demands_;
  std::vector<std::string> name_servers_;
};

}  // namespace

Kind kind() { return kind_of<DnsSettings, DnsProbe>({.name = "dns", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::dns
