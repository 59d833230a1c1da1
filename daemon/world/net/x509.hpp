// SPDX-License-Identifier: Apache-2.0
// OpenSSL's certificates as plain values, and its verdicts as codes and sentences.
#pragma once

#include "probes/seams/tls_shown.hpp"

#include <openssl/x509.h>

namespace drwatch {

// Never fails: what a certificate does not have, or what cannot be read, is empty. Every text is bounded; the certificate comes from
// outside.
PeerCertificate peer_certificate(const X509* certificate);

// A fault (X509_V_ERR_...) found at `certificate` (null: none in particular), `depth` steps from the server's own, when `address` was
// verified as `name`.
TlsFault tls_fault(int number, int depth, const X509* certificate, const std::string& name, const std::string& address);

}  // namespace drwatch
