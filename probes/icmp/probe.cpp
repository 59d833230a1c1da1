// SPDX-License-Identifier: Apache-2.0
// icmp: a few echoes. It proves that a host's network stack is reached; nothing of what runs on it. Down means: no echo comes back, which a
// firewall may do as well as an outage. Best as a witness, or beside a probe that asks the service itself.
#include "probes/probe.hpp"
#include "probes/parts/connection_rows.hpp"

#include <algorithm>

namespace drwatch::kinds::icmp {
namespace {

using config::Reading;

constexpr const char* doc = R"(Sends ICMP echoes, one after the other.

Proves that the host is reached and how long it takes; nothing of what runs on it. Some networks drop echoes: try before you rely on it.

`down` (`timeout`, or `connect` with an errno name such as `EHOSTUNREACH`) when none comes back; `degraded` (`timeout`) when more than
`degraded_loss` per cent are lost, or (`timeout`, code `slow`) when the mean takes longer than `degraded_above`. `unknown` (`own-fault`,
`EACCES`) where the system lets drwatch send none: the sysctl `net.ipv4.ping_group_range` must include its group.)";

struct IcmpSettings {
  std::string target, family = "any";
  int count = 3, size = 56;
  double degraded_loss = 50;
  Duration wait = seconds{1};
  std::optional<Duration> degraded_above;
  friend bool operator==(const IcmpSettings&, const IcmpSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = IcmpSettings;
  return {
      config::row<S>("target", &S::target, {.doc = "Whom to reach: a name or an address.", .required = true, .pattern_name = "host"}),
      config::row<S>("count", &S::count, {.doc = "How many echoes.", .fallback = "3", .min = 1, .max = 20}),
      config::row<S>("wait", &S::wait,
                     {.doc = "How long to wait for each; all of them must fit into `timeout`.", .fallback = "1s", .min = 0.01, .max = 10}),
      config::row<S>("size", &S::size, {.doc = "Bytes that each carries.", .fallback = "56", .min = 0, .max = 1400}),
      config::row<S>("degraded_loss", &S::degraded_loss,
                     {.doc = "With more of them lost, in per cent, it is degraded.", .fallback = "50", .min = 0, .max = 100}),
      config::row<S>("degraded_above", &S::degraded_above, {.doc = "With a longer mean time there and back, it is degraded."}),
      config::row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

struct Echoes {
  int sent = 0;
  std::vector<std::chrono::microseconds> took;
  std::optional<Failure> last;
};

std::string in_ms(std::chrono::microseconds d) {
  std::string text = std::to_string(d.count() / 1000) + "." + std::to_string(d.count() % 1000 / 100);
  return text;
}

std::chrono::microseconds mean(const Echoes& echoes) {
  std::chrono::microseconds sum{0};
  for (const auto took : echoes.took) sum += took;
  return sum / static_cast<std::int64_t>(echoes.took.size());
}

Outcome judge(const IcmpSettings& s, const Echoes& echoes, const std::string& address) {
  if (echoes.took.empty()) {
    Failure failure = *echoes.last;
    if (failure.reason == Reason::timeout) failure.message = "none of " + std::to_string(s.count) + " echoes came back from " + address;
    return outcome_of(failure);
  }
  const auto lost = echoes.sent - static_cast<int>(echoes.took.size());
  const std::string came = std::to_string(echoes.took.size()) + " of " + std::to_string(echoes.sent) + " echoes came back from " + address +
                           ", in " + in_ms(mean(echoes)) + " ms";
  if (100.0 * lost / echoes.sent > s.degraded_loss) return outcome_of(Health::degraded, Reason::timeout, "", "only " + came);
  if (s.degraded_above && mean(echoes) > *s.degraded_above)
    return outcome_of(Health::degraded, Reason::timeout, "slow", came + ", longer than " + duration_words(*s.degraded_above));
  return outcome_of(Health::up, Reason::none, "", came);
}

void note_facts(const Echoes& echoes, Outcome& outcome) {
  if (echoes.sent == 0) return;
  outcome.facts["loss_percent"] = std::to_string(100 - 100 * static_cast<int>(echoes.took.size()) / echoes.sent);
  if (echoes.took.empty()) return;
  const auto [least, most] = std::minmax_element(echoes.took.begin(), echoes.took.end());
  outcome.facts["rtt_min_ms"] = in_ms(*least);
  outcome.facts["rtt_max_ms"] = in_ms(*most);
  outcome.phases[Phase::response] = mean(echoes);
}

class IcmpProbe : public Probe {
 public:
  explicit IcmpProbe(const IcmpSettings& settings) : settings_(settings) {}

  Task<Outcome> run(World& world) override {
    const auto began = world.clock.boottime();
    std::vector<std::string> system_servers;
    const auto resolved = co_await world.resolver.resolve(settings_.target, family_of(settings_.family), std::move(system_servers));
    const auto found = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    Outcome outcome;
    if (!resolved) {
      outcome = outcome_of(resolved.error());
    } else if (resolved->addresses.empty()) {
      outcome = outcome_of(Health::down, Reason::dns, "NODATA", settings_.target + " has no address");
    } else {
      const std::string address = resolved->addresses.front();
      const Echoes echoes = co_await send_all(&world, address);
      outcome = judge(settings_, echoes, address);
      outcome.facts["address"] = address;
      note_facts(echoes, outcome);
    }
    outcome.phases[Phase::resolve] = found;
    co_return outcome;
  }

 private:
  Task<Echoes> send_all(World* world, std::string address) {
    Echoes echoes;
    for (int i = 0; i < settings_.count; ++i) {
      const auto took = co_await world->net.echo(address, static_cast<std::size_t>(settings_.size), settings_.wait);
      if (took) {
        ++echoes.sent;
        echoes.took.push_back(*took);
        continue;
      }
      echoes.last = took.error();
      const bool ours = took.error().reason == Reason::own_fault || took.error().reason == Reason::internal;
      if (ours) break;  // nothing is sent: neither lost nor come back
      ++echoes.sent;
    }
    co_return echoes;
  }

  IcmpSettings settings_;
};

}  // namespace

Kind kind() { return kind_of<IcmpSettings, IcmpProbe>({.name = "icmp", .doc = doc, .rows = rows()}); }

}  // namespace drwatch::kinds::icmp
