// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/refusal.hpp"

#include "probes/parts/asked_to_wait.hpp"
#include "probes/parts/bounded_json.hpp"
#include "probes/parts/http_expectation.hpp"
#include "probes/probe.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>
#include <cctype>

namespace drwatch {
namespace {

using Json = nlohmann::json;

// Codes from supabase/auth's errorcode.go and RFC 6749, 5.2: these mean drwatch's own account or credentials (or, below, too many
// requests). A code that is in neither list is the service's own failure.
constexpr std::string_view account_codes[] = {
    "invalid_credentials", "user_banned",          "email_not_confirmed", "phone_not_confirmed",     "captcha_failed",
    "insufficient_aal",    "user_not_found",       "invalid_grant",       "invalid_client",          "unauthorized_client",
    "invalid_scope",       "no_authorization",     "validation_failed",   "reauthentication_needed", "mfa_verification_rejected",
    "access_denied",       "interaction_required",
};
constexpr std::string_view eager_codes[] = {"over_request_rate_limit", "over_email_send_rate_limit", "over_sms_send_rate_limit",
                                            "slow_down", "too_many_attempts"};

template <std::size_t n>
bool among(const std::string_view (&codes)[n], std::string_view code) {
  return std::find(std::begin(codes), std::end(codes), code) != std::end(codes);
}

std::string first_text(const Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (auto text = text_at(object, key); !text.empty()) return text;
  return "";
}

// A single word of at most 60 characters. Anything else may repeat what was sent (a password in a message), and codes are shown everywhere.
bool is_code(std::string_view text) {
  const auto in_code = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; };
  return !text.empty() && text.size() <= 60 && std::all_of(text.begin(), text.end(), in_code);
}

// What drwatch's account being refused means, and where a person can do something about it, what.
std::string advice(const std::string& code) {
  if (code == "captcha_failed")
    return "a captcha stands before every password login, so drwatch cannot log in. Nothing is known of other users. Watch without a login "
           "(no "
           "`user`: gateway, health, keys and forged tokens), and log in against a second project with the same settings and no captcha, "
           "or "
           "with the captcha provider's test keys";
  if (code == "email_not_confirmed" || code == "phone_not_confirmed")
    return "confirm drwatch's own account; it says nothing of other users";
  if (code == "insufficient_aal") return "drwatch's own account must not be asked for a second factor; it says nothing of other users";
  return "drwatch's own key or account is refused, which says nothing of other users";
}

}  // namespace

AuthRefusal refusal_of(const HttpResponse& answer, bool logging_in) {
  AuthRefusal made;
  made.code = std::to_string(answer.status);
  // A date is compared with the answer's own; without one, an age ago will do: it is bounded.
  made.wait = asked_to_wait(answer, Time{});
  const Json document = bounded_json(answer.body);
  std::string named;
  if (document.is_object()) {
    named = first_text(document, {"error_code", "code", "error"});
    made.says = first_text(document, {"msg", "message", "error_description"});
  }
  const bool refused = answer.status == 401 || answer.status == 403;
  const bool challenged = !header_values(answer, "cf-mitigated").empty();  // a firewall's challenge page, not the service
  // GoTrue always names a code. A 401 or 403 without one, or an answer that is no JSON, comes from what stands before it.
  made.by_gateway = challenged || (named.empty() && (refused || !document.is_object()));
  if (is_code(named)) made.code = named;
  if (challenged) made.code = "challenge";
  // In this order: a rate limit may come with any code; a firewall's challenge is about us, not about the users.
  if (answer.status == 429 || among(eager_codes, named))
    made.blame = Blame::eagerness;
  else if (challenged || (refused && made.by_gateway && document.is_object()) ||
           (logging_in && answer.status < 500 && among(account_codes, named)))
    made.blame = Blame::account;
  return made;
}

Outcome outcome_of(const AuthRefusal& refusal, const std::string& what) {
  const std::string& code = refusal.code;
  std::string says = refusal.says.empty() ? "" : ": " + quote(without_tokens(refusal.says));
  const std::string by = refusal.by_gateway ? "the gateway answered " : "answered ";
  switch (refusal.blame) {
    case Blame::eagerness: {
      Outcome turned = outcome_of(Health::unknown, Reason::own_fault, code,
                                  what + ": the rate limit turns drwatch away (" + code + says + "); lengthen the probe's interval");
      turned.rate_limited = true;
      turned.wait = refusal.wait;
      return turned;
    }
    case Blame::account:
      return outcome_of(Health::degraded, Reason::auth, code, what + ": " + by + code + says + "; " + advice(code));
    case Blame::service:
      break;
  }
  Outcome down = outcome_of(Health::down, Reason::assertion, code, what + ": " + by + code + says);
  down.wait = refusal.wait;
  return down;
}

}  // namespace drwatch
