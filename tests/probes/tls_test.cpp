// SPDX-License-Identifier: Apache-2.0
// tls: what is made of what a server showed.
#include "probes/tls/verdict.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace tls_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string key_a = std::string(42, 'A') + "A=", key_b = std::string(42, 'B') + "A=", key_root = std::string(42, 'C') + "A=";

PeerCertificate certificate(const std::string& name, const std::string& issuer, const std::string& key, const std::string& until) {
  PeerCertificate made;
  made.subject = "CN=" + name;
  made.common_name = name;
  made.issuer = "CN=" + issuer + ",O=Trusty";
  made.issuer_name = issuer;
  made.issuer_organization = "Trusty";
  made.names = {name};
  made.until = *parse_time(until);
  made.key = key;
  made.fingerprint = "f0";
  return made;
}

// Now is 2026-03-01T02:00:00Z.
void show(FakeWorld& world, const std::string& until = "2026-06-01T00:00:00Z") {
  world.net.shows = {};
  world.net.distrusted.reset();
  world.net.shows.version = "TLSv1.3";
  world.net.shows.cipher = "TLS_AES_256_GCM_SHA384";
  world.net.shows.sent = {certificate("api.example.org", "R10", key_a, until), certificate("R10", "Root", key_b, "2027-01-01T00:00:00Z")};
  world.net.shows.path = world.net.shows.sent;
  world.net.shows.path.push_back(certificate("Root", "Root", key_root, "2035-01-01T00:00:00Z"));
}

void fault(FakeWorld& world, const std::string& code) {
  world.net.shows.faults = {{code, "the certificate is bad"}};
  world.net.distrusted = failure(Reason::tls, code, "the certificate is bad");
}

Outcome run(FakeWorld& world, const std::string& keys = "") {
  return world.run(*probe_of("tls", "target = \"api.example.org:443\"\n" + keys));
}

bool judged(const Outcome& outcome, Health health, Reason reason, const std::string& code) {
  if (outcome.outcome == health && outcome.reason == reason && outcome.code == code) return true;
  MESSAGE(health_name(outcome.outcome), " ", reason_name(outcome.reason), " ", outcome.code, ": ", outcome.message);
  return false;
}

}  // namespace

TEST_CASE("tls: a good server, with all that is known of it") {
  FakeWorld world;
  show(world);
  const Outcome good = run(world, "server_name = \"db.example.org\"\nca = \"ca.pem\"");
  CHECK(judged(good, Health::up, Reason::none, ""));
  CHECK(world.net.host == "api.example.org");
  CHECK(world.net.name == "db.example.org");
  CHECK(world.net.tls->ca_file == "/etc/drwatch/ca.pem");
  CHECK(good.facts.at("certificate_expires") == "2026-06-01T00:00:00Z");
  CHECK(good.facts.at("certificate_days_left") == "91.9");
  CHECK(good.facts.at("certificate_key") == "sha256/" + key_a);
  CHECK(good.facts.at("certificate_issuer") == "CN=R10,O=Trusty");
  CHECK(good.facts.at("chain") == "api.example.org < R10");
  CHECK(good.facts.at("tls_version") == "TLSv1.3");
  CHECK(good.phases[Phase::connect]);
  CHECK(good.phases[Phase::tls]);
}

TEST_CASE("tls: an expiry that comes near is degraded, then down; the whole verified chain counts") {
  FakeWorld world;
  show(world, "2026-03-10T00:00:00Z");
  const Outcome soon = run(world);
  CHECK(judged(soon, Health::degraded, Reason::tls, "EXPIRES_SOON"));
  CHECK(soon.message.find("8 d 22 h") != std::string::npos);
  CHECK(judged(run(world, "degraded_below = \"8d\""), Health::up, Reason::none, ""));
  CHECK(judged(run(world, "down_below = \"9d\""), Health::down, Reason::tls, "EXPIRES_SOON"));
  show(world);
  world.net.shows.path[1].until = *parse_time("2026-03-02T00:00:00Z");
  const Outcome above = run(world);
  CHECK(judged(above, Health::degraded, Reason::tls, "EXPIRES_SOON"));
  CHECK(above.message.find("'R10'") != std::string::npos);
  CHECK(above.facts.at("chain_expires") == "2026-03-02T00:00:00Z");
}

TEST_CASE("tls: facts stay when the certificate has expired or is not believed") {
  FakeWorld world;
  show(world, "2026-02-27T02:00:00Z");
  fault(world, "CERT_HAS_EXPIRED");
  const Outcome expired = run(world);
  CHECK(judged(expired, Health::down, Reason::tls, "CERT_HAS_EXPIRED"));
  CHECK(expired.facts.at("certificate_expires") == "2026-02-27T02:00:00Z");
  CHECK(expired.facts.at("certificate_days_left") == "-2.0");
  CHECK(expired.facts.at("certificate_faults") == "CERT_HAS_EXPIRED");
  // Without verification it still ends.
  show(world, "2026-02-27T02:00:00Z");
  world.net.shows.path.clear();
  CHECK(judged(run(world, "verify = false"), Health::down, Reason::tls, "CERT_HAS_EXPIRED"));
}

TEST_CASE("tls: another key or another issuer is a security signal, told before all else") {
  FakeWorld world;
  show(world);
  const std::string pin_a = "pins = [\"sha256/" + key_a + "\"]", pin_b = "pins = [\"sha256//" + key_b + "\"]",
                    pin_other = "pins = [\"" + std::string(42, 'D') + "A=\"]";
  CHECK(judged(run(world, pin_a), Health::up, Reason::none, ""));
  CHECK(judged(run(world, pin_b), Health::up, Reason::none, ""));
  CHECK(judged(run(world, "pins = [\"" + key_root + "\"]"), Health::up, Reason::none, ""));
  const Outcome changed = run(world, pin_other);
  CHECK(judged(changed, Health::down, Reason::assertion, "pin"));
  CHECK(changed.message.find(key_a) != std::string::npos);
  CHECK(judged(run(world, "issuers = [\"R10\"]"), Health::up, Reason::none, ""));
  CHECK(judged(run(world, "issuers = [\"Someone\", \"Trusty\"]"), Health::up, Reason::none, ""));
  CHECK(judged(run(world, "issuers = [\"R11\"]"), Health::down, Reason::assertion, "issuer"));

  // Somebody in between shows a certificate of his own with the genuine ones behind it: he has read them, he can't prove them.
  show(world);
  world.net.shows.sent.front() = certificate("api.example.org", "R10", key_root, "2026-06-01T00:00:00Z");
  fault(world, "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const Outcome between = run(world, pin_b);
  CHECK(judged(between, Health::down, Reason::assertion, "pin"));
  CHECK(between.message.find("the certificate is bad") != std::string::npos);
  CHECK(judged(run(world), Health::down, Reason::tls, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"));
}

TEST_CASE("tls: an old version, no certificate, no connection") {
  FakeWorld world;
  show(world);
  world.net.shows.version = "TLSv1.2";
  CHECK(judged(run(world), Health::up, Reason::none, ""));
  CHECK(judged(run(world, "min_version = \"1.3\""), Health::down, Reason::tls, "PROTOCOL_VERSION"));
  world.net.shows = {};
  CHECK(judged(run(world, "pins = [\"" + key_a + "\"]"), Health::down, Reason::tls, ""));
  world.net.distrusted = failure(Reason::own_fault, "", "CA file cannot be used");
  CHECK(judged(run(world), Health::unknown, Reason::own_fault, ""));
  world.net.refuses = failure(Reason::connect, "ECONNREFUSED", "refused");
  const Outcome refused = run(world);
  CHECK(judged(refused, Health::unknown, Reason::connect, "ECONNREFUSED"));
  CHECK_FALSE(refused.facts.contains("certificate_expires"));
}

TEST_CASE("tls: a server that can't be reached is not its certificate's fault") {
  struct Row {
    Failure failure;
    Health health;
  };
  const Row handshake[] = {
      {failure(Reason::tls, "CLOSED", "closed the connection during the TLS handshake"), Health::unknown},
      {failure(Reason::tls, "ECONNRESET", "connection reset"), Health::unknown},
      {failure(Reason::tls, "NOT_TLS", "speaks no TLS"), Health::down},
      {failure(Reason::tls, "HANDSHAKE_FAILURE", "handshake failure"), Health::down},
      {failure(Reason::tls, "UNRECOGNIZED_NAME", "no such name"), Health::down},
      {failure(Reason::tls, "", "some other alert"), Health::down},
  };
  for (const Row& row : handshake) {
    CAPTURE(row.failure.code);
    FakeWorld world;
    world.net.distrusted = row.failure;
    const Outcome outcome = run(world, "pins = [\"" + key_a + "\"]");
    CHECK(judged(outcome, row.health, Reason::tls, row.failure.code));
  }
  for (const Failure& away : {failure(Reason::dns, "NXDOMAIN", "no such name"), failure(Reason::connect, "ETIMEDOUT", "no answer"),
                              failure(Reason::connect, "EHOSTUNREACH", "no route to host")}) {
    FakeWorld world;
    world.net.refuses = away;
    CHECK(judged(run(world), Health::unknown, away.reason, away.code));
  }
  CHECK(probe_of("tls", "target = \"api.example.org:443\"\n")->when_late() == Health::unknown);
  // What was shown before it broke off is judged.
  FakeWorld world;
  show(world, "2026-02-27T02:00:00Z");
  world.net.distrusted = failure(Reason::tls, "CLOSED", "closed");
  CHECK(judged(run(world, "pins = [\"" + std::string(42, 'D') + "A=\"]"), Health::down, Reason::assertion, "pin"));
  CHECK(judged(run(world), Health::down, Reason::tls, "CLOSED"));
}

TEST_CASE("tls: STARTTLS with a mail server and with PostgreSQL, and without") {
  FakeWorld world;
  show(world);
  world.net.says = {"220-mail.example.org\r\n220 re", "ady\r\n", "250-mail\r\n250-SIZE 1\r\n250 starttls\r\n", "220 go\r\n"};
  CHECK(judged(run(world, "starttls = \"smtp\""), Health::up, Reason::none, ""));
  CHECK(world.net.heard == "EHLO drwatch\r\nSTARTTLS\r\nQUIT\r\n");
  CHECK(world.net.says.empty());

  const auto smtp = [&](std::deque<std::string> says) {
    world.net.says = std::move(says);
    world.net.secured = false;
    const Outcome outcome = run(world, "starttls = \"smtp\"");
    CHECK_FALSE(world.net.secured);
    return outcome;
  };
  CHECK(judged(smtp({"220 x\r\n", "250-STARTTLSX\r\n250 8BITMIME\r\n"}), Health::down, Reason::tls, "NO_TLS"));
  CHECK(judged(smtp({"220 x\r\n", "250-a\r\n250 STARTTLS\r\n", "454 not now\r\n"}), Health::unknown, Reason::protocol, "454"));
  CHECK(judged(smtp({"554 go away\r\n"}), Health::unknown, Reason::protocol, "554"));
  CHECK(judged(smtp({"\r\n"}), Health::unknown, Reason::protocol, "\r\n"));
  CHECK(judged(smtp({"220-" + std::string(100000, 'x')}), Health::unknown, Reason::protocol, ""));
  CHECK(judged(smtp({}), Health::unknown, Reason::protocol, ""));

  world.net.heard.clear();
  world.net.says = {"S"};
  CHECK(judged(run(world, "starttls = \"postgres\""), Health::up, Reason::none, ""));
  CHECK(world.net.heard == std::string("\x00\x00\x00\x08\x04\xd2\x16\x2f", 8));
  world.net.says = {"N"};
  CHECK(judged(run(world, "starttls = \"postgres\""), Health::down, Reason::tls, "NO_TLS"));
  world.net.says = {"HTTP/1.1 400"};
  CHECK(judged(run(world, "starttls = \"postgres\""), Health::unknown, Reason::protocol, ""));
}

TEST_CASE("tls: what the configuration must not say") {
  const std::string target = "target = \"x:443\"\n";
  const std::vector<std::string> all = {"pins = [\"sha256/abc\"]", "pins = [\"sha256/" + std::string(44, 'A') + "\"]",
                                        "certificate = \"c.pem\"", "down_below = \"30d\"",
                                        "starttls = \"imap\"",     "min_version = \"1.0\""};
  for (const std::string& bad : all) {
    CAPTURE(bad);
    CHECK(problems_of("tls", target + bad).size() == 1);
  }
  CHECK(problems_of("tls", "").size() == 1);
}

}  // namespace tls_test
