// SPDX-License-Identifier: Apache-2.0
// What a TLS server showed, for people: every kind that speaks TLS by itself tells it in the same words.
#pragma once

#include "config/rows/time.hpp"
#include "probes/seams/tls_shown.hpp"

#include <map>
#include <string>

namespace drwatch {

// certificate_expires, certificate_days_left, chain_expires, certificate_subject, certificate_issuer, certificate_names, certificate_key
// (as a pin is written), certificate_sha256, certificate_faults, chain, tls_version, tls_cipher: those that are known.
std::map<std::string, std::string> tls_facts(const TlsShown& shown, Time now);

// The first certificate to end of those that a client needs. The server must have sent one.
const PeerCertificate& first_to_end(const TlsShown& shown);

}  // namespace drwatch
