// SPDX-License-Identifier: Apache-2.0
#include "probes/tls/verdict.hpp"

#include "probes/parts/tls_facts.hpp"
#include "probes/probe.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

using Words = std::vector<std::string>;

bool any_of(const Words& words, const std::string& word) {
  return !word.empty() && std::find(words.begin(), words.end(), word) != words.end();
}

// The server proves that it holds the key of its own certificate (the handshake is signed with it). The other certificates it may have
// copied from anywhere: their keys count only as part of a path that was verified without a fault.
bool pinned(const Words& pins, const TlsShown& shown) {
  if (any_of(pins, shown.sent.front().key)) return true;
  return shown.faults.empty() && std::any_of(shown.path.begin(), shown.path.end(), [&](const auto& c) { return any_of(pins, c.key); });
}

bool issued_by(const Words& issuers, const PeerCertificate& own) {
  return any_of(issuers, own.issuer_name) || any_of(issuers, own.issuer_organization) || any_of(issuers, own.issuer);
}

std::string issuer_words(const PeerCertificate& own) { return quote(own.issuer_name.empty() ? own.issuer : own.issuer_name); }

std::string fault_words(const TlsShown& shown) { return shown.faults.empty() ? "" : "; also, " + shown.faults.front().message; }

Outcome security(const char* code, std::string message) { return outcome_of(Health::down, Reason::assertion, code, std::move(message)); }

std::optional<Outcome> judge_identity(const TlsDemands& demands, const TlsShown& shown) {
  if (shown.sent.empty()) return std::nullopt;
  const PeerCertificate& own = shown.sent.front();
  if (!demands.pins.empty() && !pinned(demands.pins, shown))
    return security("pin", "the server's public key sha256/" + own.key + ", issued by " + issuer_words(own) +
                               ", is none of the pinned ones: it was changed without notice here, or somebody is in between" +
                               fault_words(shown));
  if (!demands.issuers.empty() && !issued_by(demands.issuers, own))
    return security("issuer", "the certificate was issued by " + issuer_words(own) + ", whom the configuration does not name: " +
                                  "another authority was chosen without notice here, or somebody is in between" + fault_words(shown));
  return std::nullopt;
}

Outcome judge_expiry(const TlsDemands& demands, const TlsShown& shown, Time now) {
  const PeerCertificate& first = first_to_end(shown);
  const bool own = &first == &shown.sent.front();
  const std::string name = first.common_name.empty() ? first.subject : first.common_name;
  const std::string whose = own ? "the certificate" : "the certificate of " + quote(name) + ", above the server's own,";
  const Duration left = first.until - now;
  if (left <= Duration{0} && demands.down_below >= Duration{0})
    return outcome_of(Health::down, Reason::tls, "CERT_HAS_EXPIRED", whose + " has expired; it ended " + time_text(first.until));
  // A client that verifies has met it as a fault before.
  if (shown.sent.front().from > now)
    return outcome_of(Health::down, Reason::tls, "CERT_NOT_YET_VALID",
                      "the certificate is not valid yet; it begins " + time_text(shown.sent.front().from));
  const std::string ends = whose + " ends in " + duration_words(left) + ", at " + time_text(first.until);
  if (left < demands.down_below) return outcome_of(Health::down, Reason::tls, "EXPIRES_SOON", ends);
  if (left < demands.degraded_below) return outcome_of(Health::degraded, Reason::tls, "EXPIRES_SOON", ends);
  return outcome_of(Health::up, Reason::none, "", shown.version + ", " + ends + ", issued by " + issuer_words(shown.sent.front()));
}

}  // namespace

std::optional<std::string> pin_of(std::string_view text) {
  constexpr std::size_t length = 44;  // of 32 bytes in base64, which may begin with a slash of its own
  for (const std::string_view prefix : {"sha256//", "sha256/"})
    if (text.size() == prefix.size() + length && text.starts_with(prefix)) {
      text.remove_prefix(prefix.size());
      break;
    }
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() != length || text.back() != '=' || text.substr(0, 43).find_first_not_of(alphabet) != std::string_view::npos)
    return std::nullopt;
  return std::string(text);
}

namespace {

// The server was not reached, went away before it had shown anything, or talked of something else: that is not its certificate's fault.
// What TLS itself says (it is off, another version, a client certificate is wanted) is, even without one.
bool not_seen(const TlsShown& shown, const Failure& failed) {
  if (!shown.sent.empty()) return false;
  const bool broke_off = failed.code == "CLOSED" || (failed.code.starts_with('E') && failed.code.find('_') == std::string::npos);
  return failed.reason != Reason::tls || broke_off;
}

}  // namespace

Outcome judge_tls(const TlsDemands& demands, const TlsShown& shown, const std::optional<Failure>& failed, Time now) {
  if (auto stranger = judge_identity(demands, shown)) return *stranger;
  if (failed) {
    Outcome outcome = outcome_of(*failed);
    if (outcome.outcome == Health::down && not_seen(shown, *failed)) {
      outcome.outcome = Health::unknown;
      outcome.message += "; its certificate was not seen";
    }
    return outcome;
  }
  if (shown.sent.empty()) return outcome_of(Health::down, Reason::tls, "", "the server showed no certificate");
  // 1.2 is what the handshake itself demands.
  if (demands.min_version == "1.3" && shown.version != "TLSv1.3")
    return outcome_of(Health::down, Reason::tls, "PROTOCOL_VERSION", "the server speaks " + shown.version + ", TLSv1.3 is wanted");
  return judge_expiry(demands, shown, now);
}

}  // namespace drwatch
