// SPDX-License-Identifier: Apache-2.0
// tls against OpenSSL's server: chains, names, versions, client certificates, and servers that are unkind in each phase.
#include "daemon/world/real.hpp"
#include "probes/seams/within.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/world/certificates.hpp"
#include "tests/world/loop.hpp"

#include <openssl/ssl.h>

namespace real_tls_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  testing::TempFolder folder;
  testing::Certificate ca = testing::make_certificate("test CA", "", -1, 300, nullptr, true);
  std::string ca_file = folder.file("ca.pem", ca.certificate);

  std::string keys(const testing::TcpServer& server) const {
    return "target = \"127.0.0.1:" + std::to_string(server.port()) + "\"\nca = \"" + ca_file + "\"\n";
  }
  Outcome run(const std::string& toml, const std::string& kind = "tls") {
    const auto probe = testing::probe_of(kind, toml);
    return testing::result_of(loop, probe->run(world));
  }
  Outcome run(const testing::TcpServer& server, const std::string& more = "") { return run(keys(server) + more); }
  testing::Certificate leaf(const std::string& names = "IP:127.0.0.1", int from = -1, int until = 60) const {
    return testing::make_certificate("db", names, from, until, &ca);
  }
};

bool judged(const Outcome& outcome, Health health, Reason reason, const std::string& code) {
  if (outcome.outcome == health && outcome.reason == reason && outcome.code == code) return true;
  MESSAGE(health_name(outcome.outcome), " ", reason_name(outcome.reason), " ", outcome.code, ": ", outcome.message);
  return false;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "tls, real: facts of a good server are those to pin it with") {
  const auto server = testing::tls_server(leaf());
  const Outcome good = run(*server);
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(good.facts.at("tls_version") == "TLSv1.3");
  CHECK(good.facts.at("certificate_names") == "127.0.0.1");
  CHECK(good.facts.at("certificate_issuer") == "CN=test CA");
  CHECK(good.facts.at("certificate_sha256").size() == 64);
  CHECK(good.phases[Phase::tls]);
  const std::string pin = "pins = [\"" + good.facts.at("certificate_key") + "\"]\n";
  CHECK(judged(run(*server, pin + "issuers = [\"test CA\"]"), Health::up, Reason::none, ""));
  const auto other = testing::tls_server(leaf());
  CHECK(judged(run(*other, pin), Health::down, Reason::assertion, "pin"));
  CHECK(judged(run(*other, "issuers = [\"another CA\"]"), Health::down, Reason::assertion, "issuer"));
}

TEST_CASE_FIXTURE(Fixture, "tls, real: what must not be believed, with its expiry and key all the same") {
  const auto stranger = testing::make_certificate("another CA", "", -1, 30, nullptr, true);
  const auto check = [&](const testing::Certificate& shown, const std::string& code, const std::string& faults) {
    const auto server = testing::tls_server(shown);
    const Outcome outcome = run(*server);
    CHECK(judged(outcome, Health::down, Reason::tls, code));
    CHECK(outcome.facts.at("certificate_faults") == faults);
    CHECK(outcome.facts.contains("certificate_expires"));
    CHECK(outcome.facts.contains("certificate_key"));
    CHECK(outcome.facts.at("tls_version") == "TLSv1.3");
  };
  check(leaf("IP:127.0.0.1", -10, -1), "CERT_HAS_EXPIRED", "CERT_HAS_EXPIRED");
  check(leaf("IP:127.0.0.1", 1, 10), "CERT_NOT_YET_VALID", "CERT_NOT_YET_VALID");
  check(leaf("IP:127.0.0.2"), "IP_ADDRESS_MISMATCH", "IP_ADDRESS_MISMATCH");
  check(leaf("IP:127.0.0.2", -10, -1), "IP_ADDRESS_MISMATCH", "IP_ADDRESS_MISMATCH, CERT_HAS_EXPIRED");
  check(testing::make_certificate("db", "IP:127.0.0.1", -1, 60, nullptr), "DEPTH_ZERO_SELF_SIGNED_CERT", "DEPTH_ZERO_SELF_SIGNED_CERT");
  check(testing::make_certificate("db", "IP:127.0.0.1", -1, 60, &stranger), "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
        "UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

TEST_CASE_FIXTURE(Fixture, "tls, real: the chain is looked at as a client sees it") {
  const auto middle = testing::make_certificate("middle CA", "", -1, 5, &ca, true);
  const auto own = testing::make_certificate("db", "IP:127.0.0.1", -1, 200, &middle);
  testing::TlsManners whole;
  whole.above = {middle};
  const auto server = testing::tls_server(own, whole);
  const Outcome soon = run(*server);
  CHECK(judged(soon, Health::degraded, Reason::tls, "EXPIRES_SOON"));  // the one above ends first
  CHECK(soon.message.find("'middle CA'") != std::string::npos);
  CHECK(soon.facts.at("chain") == "db < middle CA");
  CHECK(judged(run(*server, "degraded_below = \"1d\""), Health::up, Reason::none, ""));
  const auto incomplete = testing::tls_server(own);
  CHECK(judged(run(*incomplete), Health::down, Reason::tls, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"));

  const auto gone = testing::make_certificate("gone CA", "", -10, -1, &ca, true);
  testing::TlsManners above;
  above.above = {gone};
  const Outcome expired = run(*testing::tls_server(testing::make_certificate("db", "IP:127.0.0.1", -1, 200, &gone), above));
  CHECK(judged(expired, Health::down, Reason::tls, "CERT_HAS_EXPIRED"));
  CHECK(expired.message.find("'gone CA', above") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "tls, real: a client certificate, also where TLS 1.3 refuses it only after the handshake") {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    testing::TlsManners manners;
    manners.client_ca = &ca;
    manners.newest = version;
    const auto server = testing::tls_server(leaf(), manners);
    const Outcome without = run(*server);
    CHECK(judged(without, Health::down, Reason::tls, version == TLS1_3_VERSION ? "CERTIFICATE_REQUIRED" : "HANDSHAKE_FAILURE"));
    CHECK(without.facts.contains("certificate_expires"));
    const auto write = [&](const testing::Certificate& client) {
      return "certificate = \"" + folder.file("client.pem", client.certificate) + "\"\nkey = \"" + folder.file("client.key", client.key) +
             "\"\n";
    };
    CHECK(judged(run(*server, write(testing::make_certificate("drwatch", "", -1, 10, &ca))), Health::up, Reason::none, ""));
    real.forget_tls();
    const auto stranger = testing::make_certificate("another CA", "", -1, 30, nullptr, true);
    const Outcome refused = run(*server, write(testing::make_certificate("drwatch", "", -1, 10, &stranger)));
    CHECK(judged(refused, Health::down, Reason::tls, "UNKNOWN_CA"));
    real.forget_tls();
  }
}

TEST_CASE_FIXTURE(Fixture, "tls, real: versions") {
  testing::TlsManners manners;
  manners.newest = TLS1_2_VERSION;
  const auto server = testing::tls_server(leaf(), manners);
  CHECK(judged(run(*server), Health::up, Reason::none, ""));
  CHECK(judged(run(*server, "min_version = \"1.3\""), Health::down, Reason::tls, "PROTOCOL_VERSION"));
}

TEST_CASE_FIXTURE(Fixture, "tls, real: STARTTLS, and what is slipped in before TLS begins") {
  testing::TlsManners manners;
  manners.before = [](testing::Peer& peer) {
    peer.send("220 mail\r\n");
    peer.receive_until("\r\n");
    peer.send("250-mail\r\n250 STARTTLS\r\n");
    peer.receive_until("\r\n");
    return peer.send("220 go\r\n");
  };
  CHECK(judged(run(*testing::tls_server(leaf(), manners), "starttls = \"smtp\""), Health::up, Reason::none, ""));
  manners.before = [](testing::Peer& peer) {
    peer.receive_until("\x2f");
    return peer.send("S");
  };
  CHECK(judged(run(*testing::tls_server(leaf(), manners), "starttls = \"postgres\""), Health::up, Reason::none, ""));
  manners.before = [](testing::Peer& peer) {
    peer.receive_until("\x2f");
    return peer.send("SR\x00\x00\x00\x08");
  };
  const Outcome slipped = run(*testing::tls_server(leaf(), manners), "starttls = \"postgres\"");
  CHECK(slipped.outcome == Health::down);
  CHECK(slipped.reason == Reason::tls);
}

TEST_CASE_FIXTURE(Fixture, "tls, real: unkind servers end the run in its time, whatever they do") {
  const auto result = [&](const char* what, std::function<void(testing::Peer)> behave, const std::string& more,
                          std::chrono::milliseconds most) {
    CAPTURE(what);
    testing::TcpServer server(std::move(behave));
    const auto probe = testing::probe_of("tls", keys(server) + more);
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = testing::result_of(loop, within(world.clock, most, probe->run(world)));
    CHECK(testing::elapsed_since(begin) < most + 3s);
    // Nothing is ever well there; unknown where it ended before anything was shown.
    if (outcome) CHECK((outcome->outcome == Health::down || outcome->outcome == Health::unknown));
    return outcome;
  };
  // Who ends the run by what it sends does so at once, however busy the machine is; who does not is left after a moment.
  const auto ends = [&](const char* what, std::function<void(testing::Peer)> behave, const std::string& more = "") {
    return result(what, std::move(behave), more, 20s).value();
  };
  const auto is_left = [&](const char* what, std::function<void(testing::Peer)> behave, const std::string& more = "") {
    return result(what, std::move(behave), more, 400ms);
  };
  const auto flood = [](testing::Peer peer) {
    while (peer.send(std::string(16384, 'x'))) {
    }
  };
  const auto drip = [](testing::Peer peer) {
    const std::string hello("\x16\x03\x03\x40\x00\x02", 6);
    for (std::size_t i = 0; peer.wait(5ms); ++i)
      if (!peer.send(std::string(1, hello[i % hello.size()]))) return;
  };
  CHECK_FALSE(is_left("silent", [](testing::Peer peer) { peer.wait_for_close(); }));
  ends("closes", [](testing::Peer peer) { peer.wait(2ms); });
  CHECK(ends("floods", flood).code == "NOT_TLS");
  is_left("drips", drip);
  is_left("random bytes", [](testing::Peer peer) {
    std::string noise = "\x16\x03\x03";
    for (unsigned i = 0, x = 1; i < 4000; ++i) noise += static_cast<char>((x = x * 1103515245 + 12345) >> 16);
    peer.send(noise);
    peer.wait_for_close();
  });
  CHECK_FALSE(is_left("silent before STARTTLS", [](testing::Peer peer) { peer.wait_for_close(); }, "starttls = \"smtp\""));
  CHECK(ends("floods before STARTTLS", flood, "starttls = \"smtp\"").reason == Reason::protocol);
  CHECK_FALSE(is_left(
      "drips before STARTTLS",
      [](testing::Peer peer) {
        while (peer.wait(5ms) && peer.send("2")) {
        }
      },
      "starttls = \"smtp\""));
  CHECK_FALSE(is_left(
      "agrees, then is silent",
      [](testing::Peer peer) {
        peer.send("S");
        peer.wait_for_close();
      },
      "starttls = \"postgres\""));
}

TEST_CASE_FIXTURE(Fixture, "tls, real: one of several servers by its address, and a name with its dot") {
  const auto server = testing::tls_server(leaf("DNS:api.example.org"));
  const std::string at = "127.0.0.1:" + std::to_string(server->port());
  const auto asked = [&](const std::string& kind, const std::string& name) {
    const std::string trust = "ca = \"" + ca_file + "\"" + (name.empty() ? "" : ", server_name = \"" + name + "\"");
    if (kind == "http") return run("target = \"https://" + at + "/\"\ntls = { " + trust + " }\n", "http");
    return run("target = \"" + at + "\"\ntls = { " + trust + " }\n", "tcp");
  };
  for (const char* kind : {"http", "tcp"}) {
    CAPTURE(kind);
    CHECK(asked(kind, "").code == "IP_ADDRESS_MISMATCH");
    CHECK(asked(kind, "api.example.org").outcome == Health::up);
    CHECK(asked(kind, "api.example.org.").outcome == Health::up);
    CHECK(asked(kind, "other.example.org").code == "HOSTNAME_MISMATCH");
  }
  CHECK(judged(run(*server, "server_name = \"api.example.org.\""), Health::up, Reason::none, ""));
  CHECK(judged(run(*server, "server_name = \"other.example.org\""), Health::down, Reason::tls, "HOSTNAME_MISMATCH"));
}

TEST_CASE_FIXTURE(Fixture, "tls, real: what each address showed is told of an http target, too") {
  const auto server = testing::tls_server(leaf("DNS:localhost"));
  const std::string target = "target = \"https://localhost:" + std::to_string(server->port()) + "/\"\ntls = { ca = \"" + ca_file + "\" }\n";
  for (const char* which : {"family = \"v4\"", "addresses = \"all\"\nfamily = \"v4\""}) {
    CAPTURE(which);
    const Outcome outcome = run(target + which, "http");
    CHECK(outcome.outcome == Health::up);
    CHECK(outcome.facts.count("certificate_expires") == 1);
    CHECK(outcome.facts.count("tls_version") == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "tls, real: nobody listens, or goes away before it has shown anything: its certificate was not seen") {
  CHECK(judged(run("target = \"127.0.0.1:" + std::to_string(testing::unused_port()) + "\"\n"), Health::unknown, Reason::connect,
               "ECONNREFUSED"));
  testing::TcpServer leaves([](testing::Peer peer) { peer.receive_until("\x01"); });
  CHECK(run(keys(leaves)).outcome == Health::unknown);
  testing::TcpServer plain([](testing::Peer peer) { peer.send("HTTP/1.1 400 no\r\n\r\n"); });
  CHECK(judged(run(keys(plain)), Health::down, Reason::tls, "NOT_TLS"));
}

}  // namespace real_tls_test
