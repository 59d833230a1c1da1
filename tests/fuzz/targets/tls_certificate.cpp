// SPDX-License-Identifier: Apache-2.0
// A certificate as a server sends it, in DER.
#include "daemon/world/net/x509.hpp"
#include "probes/parts/tls_facts.hpp"
#include "probes/tls/verdict.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <memory>

namespace tls_certificate_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(tls_certificate)(const std::uint8_t* data, std::size_t size) {
  const unsigned char* at = data;
  const std::unique_ptr<X509, void (*)(X509*)> certificate(d2i_X509(nullptr, &at, static_cast<long>(size)), &X509_free);
  if (!certificate) return 0;
  const PeerCertificate shown = peer_certificate(certificate.get());
  must(shown.names.size() <= 100, "names are bounded");
  tls_fault(X509_V_ERR_CERT_HAS_EXPIRED, 0, certificate.get(), "example.org", "192.0.2.1:443");
  tls_fault(X509_V_ERR_HOSTNAME_MISMATCH, 0, certificate.get(), "example.org", "192.0.2.1:443");
  TlsShown all;
  all.version = "TLSv1.3";
  all.sent = {shown};
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  tls_facts(all, now);
  TlsDemands demands;
  const Outcome outcome = judge_tls(demands, all, std::nullopt, now);
  must(outcome.outcome != Health::up || (shown.until > now && shown.from <= now), "a certificate is well only while it is valid");
  must(outcome.message.size() < 4000 && !has_control(outcome.message), "what is said is short and clean");
  demands.pins = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
  must(judge_tls(demands, all, std::nullopt, now).code == "pin", "a key that is not pinned is told first");
  return 0;
}

}  // namespace tls_certificate_target
