// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/jwt.hpp"

#include "config/rows/encoding.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

using Json = nlohmann::json;

constexpr std::size_t longest_token = 16 * 1024;

Failure not_a_token(std::string what) { return {Reason::protocol, "malformed-token", "the token is not a JWT: " + std::move(what)}; }

std::string dumped(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The JSON object that a part of a token holds; nullopt: it holds none.
std::optional<Json> object_in(std::string_view part) {
  const auto text = from_base64url(part);
  if (!text) return std::nullopt;
  Json json = bounded_json(*text);
  if (!json.is_object()) return std::nullopt;
  return json;
}

// Seconds since 1970. Nothing outside the years that a clock can show.
std::optional<double> date_at(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double date = found->get<double>();
  if (!std::isfinite(date) || date < 0 || date > 1e11) return std::nullopt;
  return date;
}

// RFC 7519, 4.1.3: one string, or a list of them.
bool names_audience(const Json& claims, const std::string& wanted) {
  const auto found = claims.find("aud");
  if (found == claims.end()) return false;
  if (found->is_string()) return found->get<std::string>() == wanted;
  return found->is_array() && std::find(found->begin(), found->end(), Json(wanted)) != found->end();
}

std::string seconds_text(double amount) { return std::to_string(static_cast<std::int64_t>(std::llround(amount))) + " s"; }

Failure wrong(std::string claim_name, std::string message) {
  return {Reason::assertion, "claim-" + claim_name, "the token's " + std::move(claim_name) + " " + std::move(message)};
}

std::optional<Failure> text_fault(const Json& claims, const std::string& key, const std::string& wanted) {
  if (wanted.empty() || text_at(claims, key) == wanted) return std::nullopt;
  const std::string got = text_at(claims, key);
  return wrong(key, got.empty() ? "is missing, expected '" + wanted + "'" : "is " + quote(got) + ", expected '" + wanted + "'");
}

}  // namespace

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > longest_token) return not_a_token("it is longer than 16 KiB");
  const auto first = token.find('.');
  const auto second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return not_a_token("it has not three parts");
  const auto header = object_in(token.substr(0, first));
  if (!header) return not_a_token("its header is not a JSON object");
  const auto claims = object_in(token.substr(first + 1, second - first - 1));
  if (!claims) return not_a_token("its claims are not a JSON object");
  const auto signature = from_base64url(token.substr(second + 1));
  if (!signature) return not_a_token("its signature is not base64url");
  Jwt made;
  made.algorithm = text_at(*header, "alg");
  if (made.algorithm.empty()) return not_a_token("its header names no algorithm");
  if (header->contains("crit")) return not_a_token("its header demands extensions ('crit') that are not understood");
  made.key_id = text_at(*header, "kid");
  made.claims = dumped(*claims);
  made.signed_text = std::string(token.substr(0, second));
  made.signature = *signature;
  return made;
}

std::string with_more_rights(std::string_view token) {
  const auto parsed = parse_jwt(token);
  if (!parsed) return "";
  Json claims = bounded_json(parsed->claims);
  // Supabase's role with all rights; for another issuer any change will do.
  claims["role"] = "service_role";
  claims["forged_by"] = "drwatch";  // a change in any case
  const auto dot = parsed->signed_text.find('.');
  return parsed->signed_text.substr(0, dot) + "." + base64url(dumped(claims)) + "." + base64url(parsed->signature);
}

std::string without_signature(std::string_view token) {
  const auto parsed = parse_jwt(token);
  if (!parsed) return "";
  return base64url(R"({"alg":"none","typ":"JWT"})") + "." + base64url(parsed->claims) + ".";
}

std::string invented_token(const std::string& issuer, Time now, std::uint64_t random) {
  const auto at = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const Json claims = {
      {"iss", issuer}, {"aud", "authenticated"}, {"role", "authenticated"}, {"sub", "00000000-0000-4000-8000-00000000dead"},
      {"iat", at},     {"exp", at + 3600}};
  std::string signature;
  for (int i = 0; i < 32; ++i) signature += static_cast<char>((random >> (i % 8 * 8)) ^ static_cast<std::uint64_t>(i * 37));
  return base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(dumped(claims)) + "." + base64url(signature);
}

std::optional<Failure> claims_fault(const Jwt& token, const WantedClaims& wanted, Time now) {
  const Json claims = bounded_json(token.claims);
  if (!claims.is_object()) return wrong("sub", "can't be read");
  if (auto fault = text_fault(claims, "iss", wanted.issuer)) return fault;
  if (!wanted.audience.empty() && !names_audience(claims, wanted.audience)) return wrong("aud", "does not name '" + wanted.audience + "'");
  if (auto fault = text_fault(claims, "sub", wanted.subject)) return fault;
  if (auto fault = text_fault(claims, "role", wanted.role)) return fault;
  const auto expires = date_at(claims, "exp"), issued = date_at(claims, "iat");
  const double at = std::chrono::duration<double>(now.time_since_epoch()).count();
  if (!expires) return wrong("exp", "is missing: it would never end");
  if (*expires <= at + 30) {
    const double left = *expires - at;
    return wrong("exp", left > 0 ? "is only " + seconds_text(left) + " ahead" : "passed " + seconds_text(-left) + " ago");
  }
  if (issued && *issued > at + 5) return wrong("iat", "is " + seconds_text(*issued - at) + " ahead of the issuer's own clock");
  if (issued && wanted.lifetime && std::abs(*expires - *issued - static_cast<double>(*wanted.lifetime)) > 10)
    return wrong("exp",
                 "is " + seconds_text(*expires - *issued) + " after iat, but expires_in said " + std::to_string(*wanted.lifetime) + " s");
  return std::nullopt;
}

std::string claim(const Jwt& token, const std::string& name) {
  const Json claims = bounded_json(token.claims);
  return claims.is_object() ? text_at(claims, name) : std::string{};
}

}  // namespace drwatch
