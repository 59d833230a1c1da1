// SPDX-License-Identifier: Apache-2.0
// dns: asks for the addresses of a name. It proves that the servers asked answer; it can't prove what other resolvers say. Down means: the
// name does not lead to the platform. As a witness it shows that drwatch's own network and resolver work.
#include "config/pattern.hpp"
#include "probes/kinds.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace drwatch {
namespace {

using config::Reading;

constexpr const char* doc = R"(Asks for the addresses of a name and, with `expect`, compares them.

Proves that the servers asked know the name. Cannot prove what other resolvers still hold in their caches.

`down` (`dns`, code: `NXDOMAIN`, `SERVFAIL`, `NODATA`, `TIMEOUT`) without an answer, `down` (`assertion`) with another one than `expect`.)";

struct DnsSettings {
  std::string name;
  std::string type = "A";
  std::vector<std::string> servers;
  std::vector<std::string> expect;
  friend bool operator==(const DnsSettings&, const DnsSettings&) = default;
};

std::optional<boost::asio::ip::address> address(const std::string& text) {
  boost::system::error_code error;
  const auto made = boost::asio::ip::make_address(text, error);
  return error ? std::nullopt : std::optional(made);
}

std::vector<config::Row> rows() {
  using S = DnsSettings;
  return {
      config::row<S>("name", &S::name, {.doc = "The name to ask for.", .required = true}),
      config::row<S>("type", &S::type, {.doc = "IPv4 or IPv6 addresses.", .fallback = "A", .one_of = {"A", "AAAA"}}),
      config::row<S>("servers", &S::servers, {.doc = "Whom to ask, `127.0.0.1:53`; default: this machine's resolver."}),
      config::row<S>("expect", &S::expect, {.doc = "Exactly these addresses must come, in any order."}),
  };
}

bool is_server(const std::string& text) {
  if (address(text)) return true;  // an address alone, IPv6 too: port 53
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || config::misfit("host:port", text)) return false;
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return address(host).has_value();
}

void check(const void* own, config::Place place, const Reading& reading) {
  const auto& s = *static_cast<const DnsSettings*>(own);
  if (address(s.name)) reading.problems.error(place, reading.at("name").key, "is an address: no server is asked about it", "give a name");
  for (const std::string& server : s.servers)
    if (!is_server(server))
      reading.problems.error(place, reading.at("servers").key, config::shown(server) + " is not a server's address",
                             "write 192.0.2.53 or 192.0.2.53:53");
  for (const std::string& expected : s.expect) {
    const auto parsed = address(expected);
    if (!parsed || parsed->is_v6() != (s.type == "AAAA"))
      reading.problems.error(place, reading.at("expect").key, config::shown(expected) + " is not an address of type " + s.type,
                             "write addresses of that type");
  }
}

// In one spelling and order, so that sets can be compared.
std::vector<std::string> canonical(const std::vector<std::string>& addresses) {
  std::vector<std::string> all;
  for (const std::string& text : addresses) {
    const auto parsed = address(text);
    all.push_back(parsed ? parsed->to_string() : text);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

std::string listed(const std::vector<std::string>& addresses) {
  std::string text;
  for (std::size_t i = 0; i < addresses.size() && i < 8; ++i) text += (i ? ", " : "") + addresses[i];
  return addresses.size() > 8 ? text + ", ..." : text;
}

class DnsProbe : public Probe {
 public:
  explicit DnsProbe(const DnsSettings& settings) : settings_(settings), expected_(canonical(settings.expect)) {}

  Task<Outcome> run(World& world) override {
    const auto began = world.clock.boottime();
    const Family family = settings_.type == "A" ? Family::v4 : Family::v6;
    const auto resolved = co_await world.resolver.resolve(settings_.name, family, settings_.servers);
    Outcome outcome = resolved ? judged(*resolved) : outcome_of(resolved.error());
    outcome.phases[Phase::resolve] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    co_return outcome;
  }

 private:
  Outcome judged(const Resolved& resolved) const {
    const auto got = canonical(resolved.addresses);
    Outcome outcome;
    if (got.empty())
      outcome = outcome_of(Health::down, Reason::dns, "NODATA", settings_.name + " has no " + settings_.type + " address");
    else if (!expected_.empty() && got != expected_)
      outcome =
          outcome_of(Health::down, Reason::assertion, "", settings_.name + ": expected " + listed(expected_) + ", got " + listed(got));
    else
      outcome = outcome_of(Health::up, Reason::none, "", settings_.name + ": " + listed(got));
    outcome.facts["addresses"] = listed(got);
    outcome.facts["ttl_seconds"] = std::to_string(resolved.ttl.count());
    return outcome;
  }

  DnsSettings settings_;
  std::vector<std::string> expected_;
};

}  // namespace

Kind dns_kind() {
  Kind kind;
  kind.schema.name = "dns";
  kind.schema.doc = doc;
  kind.schema.rows = rows();
  kind.schema.fresh = [] { return std::make_shared<DnsSettings>(); };
  kind.schema.check = check;
  kind.schema.same = [](const void* a, const void* b) {
    return *static_cast<const DnsSettings*>(a) == *static_cast<const DnsSettings*>(b);
  };
  kind.make = [](const ProbeSettings& s) -> std::unique_ptr<Probe> {
    return std::make_unique<DnsProbe>(*static_cast<const DnsSettings*>(s.own.get()));
  };
  return kind;
}

}  // namespace drwatch
