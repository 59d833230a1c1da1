// SPDX-License-Identifier: Apache-2.0
// What is wanted of a TLS server, and the judgement of what it showed. Pure.
#pragma once

#include "probes/seams/tls_shown.hpp"
#include "probes/seams/world.hpp"

namespace drwatch {

struct TlsDemands {
  std::vector<std::string> pins;     // base64 of SHA-256, without a prefix
  std::vector<std::string> issuers;  // common name, organization or whole subject of who signed the server's own certificate
  std::string min_version = "1.2";
  Duration degraded_below = hours{24 * 21};
  Duration down_below{0};
  friend bool operator==(const TlsDemands&, const TlsDemands&) = default;
};

// The end of the handshake, nullopt: it succeeded. A public key or an issuer that is none of the expected is told before all else, since it
// may be an attack: reason assertion, code `pin` or `issuer`.
Outcome judge_tls(const TlsDemands& demands, const TlsShown& shown, const std::optional<Failure>& failed, Time now);

// "sha256/BASE64=" (or sha256//, or without) as the bare base64; nullopt: not a pin.
std::optional<std::string> pin_of(std::string_view text);

}  // namespace drwatch
