// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/target.hpp"

#include "config/rows/text.hpp"

#include <libpq-fe.h>
#include <algorithm>
#include <cstdlib>
#include <memory>

namespace drwatch {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// libpq's own reading of a connection string, of either form (PostgreSQL documentation, libpq, Connection Strings). nullopt: it can't be
// read. Empty values are left out, as libpq takes them for absent.
std::optional<std::map<std::string, std::string>> parse(const std::string& dsn) {
  char* complaint = nullptr;  // not shown: it quotes the string, and the password with it
  std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> list(PQconninfoParse(dsn.c_str(), &complaint), &PQconninfoFree);
  PQfreemem(complaint);
  if (!list) return std::nullopt;
  std::map<std::string, std::string> options;
  for (auto* option = list.get(); option->keyword; ++option) {
    if (option->val && *option->val) options[option->keyword] = option->val;
  }
  return options;
}

// As libpq does: the connection string, then the environment, then the default (PostgreSQL documentation, libpq, Environment Variables).
std::string value_or(const std::map<std::string, std::string>& options, const std::string& key, const char* variable,
                     const char* otherwise) {
  auto found = options.find(key);
  if (found != options.end()) return found->second;
  const char* set = std::getenv(variable);
  return set && *set ? set : otherwise;
}

// A Unix-domain socket: none given, a folder, or an abstract socket (@).
bool local(const std::string& host) { return host.empty() || host.front() == '/' || host.front() == '@'; }

std::string with_port(const std::string& host, const std::string& port) {
  if (local(host)) return (host.empty() ? "the local socket" : host) + ":" + port;
  return (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" + port;
}

// The failure of a connection string in which a part of the password seems to stand in the wrong place; nullopt: no sign of it. In a URL,
// an "@", ":" or "/" of the password must be written %40, %3A, %2F. Otherwise libpq takes what follows for the host, the port or the
// database, and a part of the password would be looked up in the DNS and shown in messages.
std::optional<Failure> misplaced(const std::string& dsn, const std::map<std::string, std::string>& options) {
  const auto value = [&](const char* key) {
    const auto found = options.find(key);
    return found == options.end() ? std::string() : found->second;
  };
  const bool url = dsn.starts_with("postgresql://") || dsn.starts_with("postgres://");
  const auto is_odd = [](const std::string& host) { return !local(host) && host.find('@') != std::string::npos; };
  const auto no_number = [](const std::string& port) {
    return !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  const auto hosts = split(value("host")), addresses = split(value("hostaddr")), ports = split(value("port"));
  const bool odd_host = std::any_of(hosts.begin(), hosts.end(), is_odd) || std::any_of(addresses.begin(), addresses.end(), is_odd);
  const bool odd_database = url && !local(value("host")) && value("dbname").find('@') != std::string::npos;
  if (!odd_host && !odd_database && std::none_of(ports.begin(), ports.end(), no_number)) return std::nullopt;
  return Failure{Reason::own_fault, "",
                 "the connection string cannot be read: its host, port or database can't be one; in a URL write %40 for an @ of the "
                 "password, %3A for a : and %2F for a /"};
}

// libpq's host, hostaddr and port: comma-separated lists of the same length, the n-th of each belong together.
struct Places {
  std::vector<std::string> hosts, addresses, ports;
  void add(const std::string& host, const std::string& address, const std::string& port) {
    hosts.push_back(host);
    addresses.push_back(address);
    ports.push_back(port);
  }
};

// One place for each address of each host. A host whose name cannot be resolved is left out, as libpq would go on to the next; when none
// can be, the first failure is returned.
Task<Result<Places>> resolve_places(std::vector<std::string> hosts, std::vector<std::string> ports, Resolver& resolver) {
  Places places;
  std::optional<Failure> first;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto& port = ports.size() == 1 ? ports[0] : ports[i];
    if (local(hosts[i])) {
      places.add(hosts[i], "", port);
      continue;
    }
    std::vector<std::string> system_servers;
    auto resolved = co_await resolver.resolve(hosts[i], Family::any, std::move(system_servers));
    if (!resolved) {
      if (!first) first = resolved.error();
      continue;
    }
    for (const auto& address : resolved->addresses) places.add(hosts[i], address, port);
  }
  if (places.hosts.empty()) co_return first.value_or(Failure{Reason::dns, "NODATA", "no address to connect to"});
  co_return std::move(places);
}

}  // namespace

Task<Result<PgTarget>> resolve_target(Secret dsn, Resolver& resolver) {
  auto options = parse(dsn.reveal());
  if (!options) {
    co_return Failure{Reason::own_fault, "",
                      "the connection string cannot be read: write postgresql://USER@HOST/DATABASE or host=... user=..."};
  }
  // libpq would read the host from a file (pg_service.conf) only inside PQconnectStart, and block on its name there.
  if (options->contains("service")) {
    co_return Failure{Reason::own_fault, "", "the connection string names a service: write its host, port and user instead"};
  }
  if (auto problem = misplaced(dsn.reveal(), *options)) co_return std::move(*problem);
  PgTarget target;
  const auto port = value_or(*options, "port", "PGPORT", "5432");
  if (!options->contains("hostaddr")) {
    auto hosts = split(value_or(*options, "host", "PGHOST", ""));
    auto ports = split(port);
    if (ports.size() != 1 && ports.size() != hosts.size()) {
      co_return Failure{
          Reason::own_fault, "",
          "the connection string has " + std::to_string(hosts.size()) + " hosts but " + std::to_string(ports.size()) + " ports"};
    }
    auto places = co_await resolve_places(std::move(hosts), std::move(ports), resolver);
    if (!places) co_return places.error();
    // The names stay beside the addresses: certificates are verified against `host` (PostgreSQL documentation, libpq, Parameter Key Words).
    (*options)["host"] = joined(places->hosts, ",");
    (*options)["hostaddr"] = joined(places->addresses, ",");
    (*options)["port"] = joined(places->ports, ",");
    target.address = with_port(places->addresses[0].empty() ? places->hosts[0] : places->addresses[0], places->ports[0]);
  } else {
    target.address = with_port(split((*options)["hostaddr"])[0], split(port)[0]);
  }
  options->try_emplace("gssencmode", "disable");  // looking for Kerberos tickets would read files and ask servers
  options->try_emplace("fallback_application_name", "drwatch");
  options->try_emplace("tcp_user_timeout", "10000");  // ms: bounds how long a cancel request can hang
  target.options = std::move(*options);
  co_return std::move(target);
}

}  // namespace drwatch
