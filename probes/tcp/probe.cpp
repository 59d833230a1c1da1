// SPDX-License-Identifier: Apache-2.0
// tcp: connect, perhaps say something, perhaps expect something. It proves that a port is reached and, with `expect`, that what listens
// there talks; without, not even that: a load balancer with nothing behind it accepts as well. Down means: nobody can connect, or the wrong
// thing answers.
#include "probes/probe.hpp"
#include "config/rows/pattern.hpp"
#include "probes/parts/connection_rows.hpp"
#include "probes/seams/excerpt.hpp"
#include "probes/tcp/script.hpp"

#include <re2/re2.h>

#include <algorithm>

namespace drwatch::kinds::tcp {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(Connects, with TLS if asked, sends `send` and waits until what came matches `expect`; or follows a `script`, line by line, with TLS
in the middle if need be.

Proves that the port is reached from here and, with `expect`, that the right thing listens there. Without it a load balancer with nothing
behind it looks well too.

A script for a mail server that must offer TLS:

```toml
script = [
  { expect = "^220 " },
  { send = "EHLO drwatch\r\n" },
  { expect = "^250[ -]STARTTLS", fail = "^250 " },
  { expect = "^250 " },
  { send = "STARTTLS\r\n" },
  { expect = "^220 " },
  { starttls = true },
  { send = "QUIT\r\n", expect = "^221 " },
]
```

A step says `send`, then passes over lines until one matches `expect`; one that matches `fail` ends the run. `\1` in `send` is what the
last `expect` found in its first parentheses. The fact `step` tells where it failed.)";

constexpr std::size_t longest_answer = 64 * 1024;

struct TcpSettings {
  std::string target;
  std::string send;
  std::string expect;
  std::vector<TcpStep> script;
  std::optional<TlsSettings> tls;
  std::string family = "any";
  friend bool operator==(const TcpSettings&, const TcpSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = TcpSettings;
  return {
      config::row<S>("target", &S::target, {.doc = "Where: `host:port`, `[::1]:443`.", .required = true, .pattern_name = "host:port"}),
      config::row<S>("send", &S::send, {.doc = "What to say after connecting; TOML escapes such as `\\r\\n` work."}),
      config::row<S>("expect", &S::expect,
                     {.doc = "A regex (RE2) that what comes back matches somewhere within its first 64 KiB.", .pattern_name = "regex"}),
      config::row_with<S>(
          "script", "list of tables: send, expect, fail, starttls",
          {.doc = "A conversation instead of `send` and `expect`: at most 100 steps, 8 KiB a line, 64 KiB in all. With `starttls` in "
                  "it the connection begins without TLS and `tls` says how it is verified then."},
          [](S& s, const Value& v, const Reading& r) { read_script(s.script, v, r); }),
      config::row_with<S>("tls", tls_type, {.doc = tls_doc},
                          [](S& s, const Value& v, const Reading& r) { read_tls(s.tls.emplace(), v, r); }),
      config::row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

void check(const TcpSettings& s, config::Place place, const Reading& reading) {
  if (!s.script.empty() && !(s.send.empty() && s.expect.empty()))
    reading.problems.error(place, reading.at("script").key, "stands beside send or expect", "put them into the script");
}

class TcpProbe : public Probe {
 public:
  explicit TcpProbe(const TcpSettings& settings)
      : settings_(settings), at_(host_port(settings.target)), expect_(settings.expect, RE2::Quiet) {}

  Task<Outcome> run(World& world) override {
    Phases phases;
    const bool later = std::any_of(settings_.script.begin(), settings_.script.end(), [](const TcpStep& s) { return s.starttls; });
    const std::optional<TlsSettings> tls = later ? std::nullopt : settings_.tls;
    auto connected = co_await world.net.connect(at_.host, at_.port, family_of(settings_.family), tls, phases);
    Outcome outcome;
    if (!connected) {
      outcome = outcome_of(connected.error());
    } else if (!settings_.script.empty()) {
      TlsSettings trust = settings_.tls.value_or(TlsSettings{});
      outcome = co_await follow_script(&world, settings_.script, std::move(*connected), std::move(trust), at_.host, &phases);
    } else {
      outcome = co_await talk(connected->stream.get(), connected->address);
      outcome.facts.insert(connected->facts.begin(), connected->facts.end());
      outcome.facts["address"] = connected->address;
    }
    outcome.phases = phases;
    co_return outcome;
  }

 private:
  Task<Outcome> talk(Stream* stream, std::string address) {
    if (!settings_.send.empty()) {
      const auto sent = co_await stream->write_all(settings_.send);
      if (!sent) co_return outcome_of(sent.error());
    }
    if (settings_.expect.empty()) co_return outcome_of(Health::up, Reason::none, "", "connected to " + address);
    std::string answer;
    char part[4096];
    while (answer.size() < longest_answer) {
      const auto got = co_await stream->read_some(std::span<char>(part));
      if (!got) co_return outcome_of(got.error());
      if (*got == 0) co_return unmatched(answer, " and the end");
      answer.append(part, *got);
      if (RE2::PartialMatch(answer, expect_)) co_return outcome_of(Health::up, Reason::none, "", address + " answered " + quote(answer));
    }
    co_return unmatched(answer, " and more");
  }

  Outcome unmatched(const std::string& answer, const char* then) const {
    return outcome_of(Health::down, Reason::assertion, "", "expected " + quote(settings_.expect) + ", got " + quote(answer) + then);
  }

  TcpSettings settings_;
  HostPort at_;
  RE2 expect_;
};

}  // namespace

Kind kind() { return kind_of<TcpSettings, TcpProbe>({.name = "tcp", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::tcp
