// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/tls_facts.hpp"

#include <cstdio>

namespace drwatch {
namespace {

std::string days(Duration left) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", in_seconds(left) / 86400);
  return text;
}

std::string first_of(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < 12; ++i) text += (i ? between : "") + words[i];
  return words.size() > 12 ? text + between + "..." : text;
}

}  // namespace

const PeerCertificate& first_to_end(const TlsShown& shown) {
  const PeerCertificate* first = &shown.sent.front();
  for (const auto& certificate : shown.path)
    if (certificate.until < first->until) first = &certificate;
  return *first;
}

std::map<std::string, std::string> tls_facts(const TlsShown& shown, Time now) {
  std::map<std::string, std::string> facts;
  const auto note = [&](const char* name, std::string value) {
    if (!value.empty()) facts[name] = std::move(value);
  };
  note("tls_version", shown.sent.empty() ? "" : shown.version);
  note("tls_cipher", shown.sent.empty() || shown.cipher == "(NONE)" ? "" : shown.cipher);
  if (shown.sent.empty()) return facts;
  const PeerCertificate& own = shown.sent.front();
  note("certificate_expires", time_text(own.until));
  note("certificate_days_left", days(own.until - now));
  note("chain_expires", time_text(first_to_end(shown).until));
  note("certificate_subject", own.common_name.empty() ? own.subject : own.common_name);
  note("certificate_issuer", own.issuer);
  note("certificate_names", first_of(own.names, ", "));
  note("certificate_key", "sha256/" + own.key);
  note("certificate_sha256", own.fingerprint);
  std::vector<std::string> faults, chain;
  for (const auto& fault : shown.faults) faults.push_back(fault.code);
  for (const auto& certificate : shown.sent)
    chain.push_back(certificate.common_name.empty() ? certificate.subject : certificate.common_name);
  note("certificate_faults", first_of(faults, ", "));
  note("chain", first_of(chain, " < "));
  return facts;
}

}  // namespace drwatch
