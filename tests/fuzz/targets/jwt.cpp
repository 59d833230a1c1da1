// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/jwt.hpp"
#include "config/rows/encoding.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace jwt_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(jwt)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  if (const auto bytes = from_base64url(text)) must(base64url(*bytes) == text, "base64url has one spelling");
  must(from_base64url(base64url(text)) == std::string(text), "bytes survive base64url");
  const auto token = parse_jwt(text);
  if (!token) {
    must(token.error().message.size() < 200, "what is wrong is said, and nothing of the token");
    must(with_more_rights(text).empty() && without_signature(text).empty(), "no token, no forgery");
    return 0;
  }
  must(text.starts_with(token->signed_text), "what is signed is the token's own beginning");
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  must(!claims_fault(*token, {}, now) || !claims_fault(*token, {}, now)->message.empty(), "a fault has words");
  WantedClaims wanted;
  wanted.issuer = "https://nobody.example";
  must(claims_fault(*token, wanted, now).has_value() || claim(*token, "iss") == wanted.issuer, "an issuer that is not named is missed");
  const auto forged = parse_jwt(with_more_rights(text)), bare = parse_jwt(without_signature(text));
  must(forged && claim(*forged, "role") == "service_role", "a forged token claims more rights");
  must(bare && bare->algorithm == "none" && bare->signature.empty(), "one without a signature has none");
  return 0;
}

}  // namespace jwt_target
