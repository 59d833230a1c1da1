// SPDX-License-Identifier: Apache-2.0
// tls: a full handshake, at once or after STARTTLS, and a look at what was shown. It proves that a client which trusts the same authorities
// gets through today, that nothing about the certificate changed that should not have, and how long it will last. It can't prove that the
// service behind answers. Down means: clients refuse the server, or it is not the server that it was; that it can't be reached is not its
// certificate's fault.
#include "probes/probe.hpp"
#include "config/rows/pattern.hpp"
#include "probes/parts/connection_rows.hpp"
#include "probes/parts/tls_facts.hpp"
#include "probes/tls/starttls.hpp"
#include "probes/tls/verdict.hpp"

#include <algorithm>

namespace drwatch::kinds::tls {
namespace {

using config::Reading;

constexpr const char* doc =
    R"(Makes a full TLS handshake, at once or after STARTTLS, verifies chain and name, and looks at what the server showed.

Proves that a client which trusts the same authorities gets through, that the certificate lasts, and, with `pins` or `issuers`, that it is
still the expected one. Cannot prove that the service behind answers: that is the work of `http`, `postgres` or a `tcp` script.

`down` (`tls`, code: the certificate's first fault, such as `CERT_HAS_EXPIRED`, `HOSTNAME_MISMATCH`, `DEPTH_ZERO_SELF_SIGNED_CERT`;
`PROTOCOL_VERSION`, `NOT_TLS`, `NO_TLS`, `CERTIFICATE_REQUIRED` and the like for the handshake; `EXPIRES_SOON` under `down_below`).
`degraded` (`tls`, `EXPIRES_SOON`) under `degraded_below`; the first to end of the whole verified chain counts. A public key that is none of
`pins`, or an issuer that is none of `issuers`, is `down` (`assertion`, code `pin` or `issuer`), told before any other fault: it may be an
attack.

`unknown` when no certificate was seen: the name does not resolve, nobody listens, the connection ends or stays silent, a mail server or
PostgreSQL does not get as far as TLS. Whether the server is reached is asked by another probe (`tcp`, `http`, `postgres`).

The facts (`certificate_expires`, `certificate_days_left`, `chain_expires`, `certificate_names`, `certificate_key`, ...) are there whenever
a certificate was shown, also when it was not believed.)";

struct TlsProbeSettings : TlsSettings {
  std::string target, starttls = "none", family = "any";
  TlsDemands demands;
  friend bool operator==(const TlsProbeSettings&, const TlsProbeSettings&) = default;
};

void read_pins(TlsProbeSettings& s, const config::Value& value, const Reading& reading) {
  std::vector<std::string> texts;
  config::read_value(texts, value, {}, reading);
  for (const std::string& text : texts) {
    if (auto pin = pin_of(text))
      s.demands.pins.push_back(std::move(*pin));
    else
      reading.problems.error(value.place, reading.key, config::shown(text) + " is not a pin",
                             "write sha256/ and the base64 of the public key's SHA-256, as the fact certificate_key shows it");
  }
}

template <class T>
config::Row demand(std::string key, T TlsDemands::* member, config::Meta meta) {
  config::Row made = config::row<TlsDemands>(std::move(key), member, std::move(meta));
  made.read = [inner = std::move(made.read)](void* into, const config::Value& value, const Reading& reading) {
    inner(&static_cast<TlsProbeSettings*>(into)->demands, value, reading);
  };
  return made;
}

std::vector<config::Row> rows() {
  using S = TlsProbeSettings;
  std::vector<config::Row> all = {
      config::row<S>("target", &S::target,
                     {.doc = "Where: `api.example.org:443`, `[2001:db8::1]:443`.", .required = true, .pattern_name = "host:port"}),
      config::row<S>(
          "starttls", &S::starttls,
          {.doc = "The protocol in which TLS is agreed upon first.", .fallback = "none", .one_of = {"none", "postgres", "smtp"}}),
  };
  all.insert(all.end(), tls_rows().begin(), tls_rows().end());
  all.push_back(config::row_with<S>("pins", "list of strings",
                                    {.doc = "Public keys, `sha256/BASE64=` each (the fact `certificate_key` shows the present one). The "
                                            "server's own, or one of the verified chain "
                                            "above it, must be among them. Pin the next key as well before changing keys."},
                                    read_pins));
  all.push_back(demand("issuers", &TlsDemands::issuers,
                       {.doc = "Who may have signed the certificate: common names, organizations (`Let's Encrypt`) or whole subjects."}));
  all.push_back(demand(
      "min_version", &TlsDemands::min_version,
      {.doc = "The oldest version that is good; nothing older than 1.2 is ever spoken.", .fallback = "1.2", .one_of = {"1.2", "1.3"}}));
  all.push_back(
      demand("degraded_below", &TlsDemands::degraded_below, {.doc = "With less than this left, it is degraded.", .fallback = "21d"}));
  all.push_back(demand("down_below", &TlsDemands::down_below,
                       {.doc = "With less than this left, it is down; by default, only when it has expired.", .fallback = "0s"}));
  all.push_back(config::row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}));
  return all;
}

void check(const TlsProbeSettings& s, config::Place place, const Reading& reading) {
  if (s.certificate_file.empty() != s.key_file.empty())
    reading.problems.error(place, reading.at("certificate").key, "a client certificate needs both certificate and key",
                           "give both or none");
  if (!s.verify && !s.demands.issuers.empty())
    reading.problems.warning(place, reading.at("issuers").key, "names prove nothing without verification: anybody can write them",
                             "verify, or give pins");
  if (s.demands.down_below > s.demands.degraded_below)
    reading.problems.error(place, reading.at("down_below").key, "is longer than degraded_below",
                           "make it shorter, or degraded_below longer");
}

class TlsProbe : public Probe {
 public:
  explicit TlsProbe(const TlsProbeSettings& settings) : settings_(settings), at_(host_port(settings.target)) {}

  Task<Outcome> run(World& world) override {
    Phases phases;
    TlsShown shown;
    std::string address;
    auto failed = co_await shake_hands(&world, &phases, &shown, &address);
    Outcome outcome = judge_tls(settings_.demands, shown, failed, world.clock.now());
    outcome.facts = tls_facts(shown, world.clock.now());
    if (!address.empty()) outcome.facts["address"] = address;
    outcome.phases = phases;
    co_return outcome;
  }

  // What had been shown until then is not known any more.
  Health when_late() const override { return Health::unknown; }

 private:
  // What kept the handshake from its good end.
  Task<std::optional<Failure>> shake_hands(World* world, Phases* phases, TlsShown* shown, std::string* address) {
    auto connected = co_await world->net.connect(at_.host, at_.port, family_of(settings_.family), std::nullopt, *phases);
    if (!connected) co_return connected.error();
    *address = connected->address;
    if (settings_.starttls != "none") {
      const auto began = world->clock.boottime();
      const auto agreed = co_await agree_on_tls(connected->stream.get(), settings_.starttls, connected->address);
      (*phases)[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world->clock.boottime() - began);
      if (!agreed) co_return agreed.error();
    }
    const std::string name = settings_.server_name.empty() ? at_.host : settings_.server_name;
    const TlsSettings& tls = settings_;
    auto secured = co_await world->net.secure(std::move(connected->stream), tls, name, *shown, *phases);
    if (!secured) co_return secured.error();
    co_return co_await part(std::move(*secured), shown->wants_certificate);
  }

  Task<std::optional<Failure>> part(std::unique_ptr<Stream> stream, bool wants_certificate) {
    if (settings_.starttls == "smtp") {  // a mail server complains in its log about who just goes away
      const auto said = co_await stream->write_all("QUIT\r\n");
      if (!said && said.error().reason == Reason::tls) co_return said.error();
    }
    if (!wants_certificate) co_return std::nullopt;
    // Only now it is known whether ours was taken.
    const auto finished = co_await stream->finish();
    if (!finished) co_return finished.error();
    co_return std::nullopt;
  }

  TlsProbeSettings settings_;
  HostPort at_;
};

}  // namespace

Kind kind() { return kind_of<TlsProbeSettings, TlsProbe>({.name = "tls", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::tls
