// SPDX-License-Identifier: Apache-2.0
// What a TLS server showed of itself. Plain values, so that a judgement can be tested without a server.
#pragma once

#include "config/rows/time.hpp"

#include <string>
#include <vector>

namespace drwatch {

struct PeerCertificate {
  std::string subject, issuer;                   // as RFC 2253 writes them: "CN=api.example.org,O=Example"
  std::string common_name;                       // of the subject
  std::string issuer_name, issuer_organization;  // common name and organization of the issuer; empty: it has none
  std::vector<std::string> names;                // DNS names and addresses it is for, at most 100
  Time from{}, until{};
  std::string key;          // SHA-256 of the SubjectPublicKeyInfo, base64: what pins are compared with (RFC 7469, 2.4)
  std::string fingerprint;  // SHA-256 of the certificate, hex
};

struct TlsFault {
  std::string code;     // as OpenSSL names it: "CERT_HAS_EXPIRED"
  std::string message;  // a sentence
};

// Filled as far as the handshake came.
struct TlsShown {
  std::string version, cipher;        // "TLSv1.3"
  std::vector<PeerCertificate> sent;  // the server's own first; at most 20
  // From its own towards a trusted root, as far as a path could be built; empty when nothing was verified. Only without faults does it
  // prove anything.
  std::vector<PeerCertificate> path;
  std::vector<TlsFault> faults;    // each different one, the first is what a client would refuse it for
  bool wants_certificate = false;  // it asked for the client's
};

}  // namespace drwatch
