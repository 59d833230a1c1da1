// SPDX-License-Identifier: Apache-2.0
// JSON Web Tokens (RFC 7519) in compact form: taken apart, forged, and their claims judged. Signatures: probes/auth/jwks.hpp.
#pragma once

#include "config/rows/time.hpp"
#include "probes/seams/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// Taken apart, not verified.
struct Jwt {
  std::string algorithm, key_id;  // of the header; key_id may be empty
  std::string claims;             // a JSON object's text
  std::string signed_text;        // what the signature is of: the first two parts with their dot
  std::string signature;          // bytes; may be empty
};

// Fails with protocol: not three parts, not base64url, not JSON objects, no `alg`, a `crit` header (RFC 7515 4.1.11: not understood is
// refused), over 16 KiB. The message never holds a part of the token.
Result<Jwt> parse_jwt(std::string_view token);

// Two tokens that must be refused: the same signature under more rights, and no signature at all (`alg: none`). Both of the same account,
// so that a service which only looks the account up answers them. Empty when `token` is no JWT.
std::string with_more_rights(std::string_view token);
std::string without_signature(std::string_view token);
// One that nobody issued, for when there's no real one to tamper with: well formed, of `issuer`, signed with a random key.
std::string invented_token(const std::string& issuer, Time now, std::uint64_t random);

struct WantedClaims {
  std::string issuer, audience, subject, role;  // empty: any
  std::optional<std::int64_t> lifetime;         // seconds; what the token endpoint called `expires_in`
};

// What is wrong with the claims at `now` (the issuer's clock): which claim as code ("claim-exp"), and a sentence; nullopt: nothing. exp
// must be at least 30 s ahead, iat at most 5 s ahead, and exp - iat within 10 s of `lifetime`.
std::optional<Failure> claims_fault(const Jwt& token, const WantedClaims& wanted, Time now);

// A claim that is a string; empty: it isn't there, or is something else.
std::string claim(const Jwt& token, const std::string& name);

}  // namespace drwatch
