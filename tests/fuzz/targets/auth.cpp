// SPDX-License-Identifier: Apache-2.0
// What an auth service answers: a key set, and a refusal. First line: a token; the rest: the body.
#include "probes/auth/json.hpp"
#include "probes/auth/jwks.hpp"
#include "probes/auth/refusal.hpp"
#include "probes/seams/redaction.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace auth_target {

using namespace drwatch;
using namespace drwatch::fuzz;

FUZZ_TARGET(auth)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  const auto token = parse_jwt(take_line(text));
  if (const auto keys = KeySet::parse(text)) {
    must(keys->key_ids().size() <= 100, "a key set is bounded");
    if (token) {
      // The seeds hold no pair of token and key that fit, and signatures are not found by chance.
      must(keys->check(*token).verdict != SignatureVerdict::good, "a signature that nobody made is not good");
      must(check_shared_secret(*token, "not-this-one").verdict != SignatureVerdict::good, "nor by another secret");
    }
  }
  for (const int status : {200, 400, 401, 429, 503}) {
    HttpResponse answer;
    answer.status = status;
    answer.body = text;
    Outcome outcome = outcome_of(refusal_of(answer, status == 400), "login");
    static const Redaction secrets = Redaction().and_also({"hunter22"});
    hide_secrets(outcome, secrets);
    must(outcome.outcome != Health::up, "a refusal is never well");
    must(outcome.message.find("hunter22") == std::string::npos, "a secret is not repeated");
    must(outcome.message.size() < 2000 && !has_control(outcome.message), "what is said is short and clean");
    if (const auto object = object_of(answer)) text_at(*object, "access_token"), whole_in(*object, "expires_in");
    elements_of(answer);
  }
  return 0;
}

}  // namespace auth_target
