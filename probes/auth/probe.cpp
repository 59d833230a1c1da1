// SPDX-License-Identifier: Apache-2.0
// auth: logs in as a user of its own, stage by stage, and tries what must be refused. It proves that this account can log in from here; it
// can't prove that everybody can. Down means: users can't log in, or what they get is worth nothing; the fact `stage` says how far it came.
#include "probes/probe.hpp"
#include "config/rows/pattern.hpp"
#include "probes/auth/openid.hpp"
#include "probes/auth/supabase.hpp"
#include "probes/parts/connection_rows.hpp"

namespace drwatch::kinds::auth {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(Logs in as a user of its own and follows the token through its life. The stages, for Supabase Auth (`provider = "supabase"`): `dns`
`tcp` `tls` `gateway` `health` `keys` (without a `user`) `login` `signature` (against the published keys; with a shared secret `jwt_secret`,
or by the service alone) `claims` `user` `forged` (a tampered token and one without a signature must be refused) `rls` (`read`) `refresh`
`logout`. For any OpenID provider (`provider = "openid"`): `discovery` `keys` `login` `signature` `claims` `user` `forged` `refresh`
`logout`, as far as the `grant` and the provider's endpoints go. Where it ended stands in the fact `stage`; the code is the service's own
(`unexpected_failure`), or `bad-signature`, `unknown-key`, `claim-iss`, `forged-token-accepted`, ...

Proves that this account can log in from here and that its tokens hold. Cannot prove that every account can.

`down` (`assertion`) when the service fails; `degraded` (`auth`) when drwatch's own key, password or account is refused or a captcha stands
before it; `unknown` (`own-fault`) when the rate limit turns it away: neither says anything of other users. A refused login is not repeated
for 20 s, doubling to 5 min. `degraded` (`timeout`) when logging in took longer than `slower_than`.

Behind a captcha nobody logs in with a password alone, drwatch neither: leave `user` out (gateway, health, keys and forged tokens are still
watched) and log in against a second project of the same settings without the captcha, or with the captcha provider's test keys. drwatch
keeps no session alive for this: its newest refresh token would be a secret in the journal, and a missed rotation would end it.

What is accepted and must not be (a forged token, a used refresh token an hour later, rows seen without logging in) is no outage but a
security signal: `degraded`, with a code of its own. To page for it alone, add a second probe with `asks = "intrusion"`: it is `down` when
something is accepted, and `unknown`, never `down`, when the service can't be reached or no forged token could be tried (an OpenID provider
without a userinfo endpoint).

Give it an account without rights, and an interval of a minute or more: Supabase's rate limit is a bucket of 30 an address.)";

void read_target(AuthSettings& into, const Value& value, const Reading& reading) {
  config::read_value(into.target, value, config::Meta{.doc = "", .pattern_name = "http-url"}, reading);
  while (into.target.ends_with('/')) into.target.pop_back();
}

void read_guarded(AuthSettings& into, const Value& value, const Reading& reading) {
  static const std::vector<config::Row> rows = {
      config::row<GuardedRead>("target", &GuardedRead::target, {.doc = "URL of the read.", .required = true, .pattern_name = "http-url"}),
      config::row<GuardedRead>("rows", &GuardedRead::rows, {.doc = "Rows that the account sees.", .fallback = "1", .min = 0, .max = 1000}),
  };
  if (!value.table())
    return reading.problems.error(value.place, reading.key, "must be a table", "write { target = \"https://...\", rows = 1 }");
  config::read_table(*value.table(), value.place, rows, &into.read.emplace(), reading);
}

std::vector<config::Row> rows() {
  using S = AuthSettings;
  using config::row;
  using config::row_with;
  return {
      row_with<S>("target", "http or https URL",
                  {.doc = "Supabase: `https://REF.supabase.co/auth/v1`; OpenID: the issuer.", .required = true}, read_target),
      row<S>("provider", &S::provider, {.doc = "What answers there.", .fallback = "supabase", .one_of = {"supabase", "openid"}}),
      row<S>("asks", &S::asks,
             {.doc = "`login`: can users log in; `intrusion`: is refused what must be.",
              .fallback = "login",
              .one_of = {"login", "intrusion"}}),
      config::secret_or_text_row<S>("api_key", &S::api_key, {.doc = "Supabase's publishable (anon) key, sent as header `apikey`."}),
      row<S>("user", &S::user, {.doc = "The account's e-mail address or name. Without one nothing logs in."}),
      row<S>("password", &S::password, {.doc = "Its password."}),
      row<S>("grant", &S::grant,
             {.doc = "OpenID: how to log in; `none` reads discovery and keys only.",
              .fallback = "none",
              .one_of = {"none", "client_credentials", "password"}}),
      row<S>("client_id", &S::client_id, {.doc = "OpenID: the client."}),
      row<S>("client_secret", &S::client_secret, {.doc = "OpenID: its secret."}),
      row<S>("scope", &S::scope, {.doc = "OpenID: the scopes to ask for, `openid email`."}),
      row<S>("issuer", &S::issuer, {.doc = "The claim `iss`, exactly; `target` when not given."}),
      row<S>("audience", &S::audience,
             {.doc = "What the claim `aud` names: `authenticated` for Supabase, the client for an ID token, when not given."}),
      row<S>("subject", &S::subject, {.doc = "The claim `sub`: the account's id."}),
      row<S>("role", &S::role, {.doc = "The claim `role`: `authenticated` for Supabase when not given."}),
      row<S>("jwt_secret", &S::jwt_secret,
             {.doc = "The shared secret of a project that signs with HS256. Better none: the service verifies as well."}),
      row<S>("key_ids", &S::key_ids,
             {.doc = "The ids of the published keys. Another one is a security signal; when none is left, it is `down`. Empty: any."}),
      row_with<S>(
          "read", "table: target, rows",
          {.doc = "A read that row-level security guards: the account sees exactly `rows` (1) rows, nobody who is not logged in sees any."},
          read_guarded),
      row<S>("forged", &S::forged, {.doc = "Try forged tokens and, hourly, a used refresh token.", .fallback = "true"}),
      row<S>("slower_than", &S::slower_than, {.doc = "A login that took longer is `degraded`.", .min = 0.001}),
      row_with<S>("tls", tls_type, {.doc = tls_doc}, [](S& s, const Value& v, const Reading& r) { read_tls(s.tls, v, r); }),
      row<S>("family", &S::family, {.doc = "Which addresses to use.", .fallback = "any", .one_of = {"any", "v4", "v6"}}),
  };
}

void check(const AuthSettings& s, config::Place place, const Reading& reading) {
  const auto error = [&](std::string message, std::string hint) {
    reading.problems.error(place, reading.key, std::move(message), std::move(hint));
  };
  const bool openid = s.provider == "openid";
  if (s.user.empty() == s.password.configured()) error("user and password belong together", "give both or none");
  if (openid && s.grant == "password" && s.user.empty()) error("the grant 'password' needs a user", "give user and password");
  if (openid && s.grant != "password" && !s.user.empty())
    error("a user, but the grant is not 'password'", "write grant = \"password\", or drop the user");
  if (openid && s.grant != "none" && s.client_id.empty()) error("a grant needs client_id", "give the client's id");
  if (openid && s.read) error("read is for Supabase", "use an http probe");
  if (!openid && (s.grant != "none" || !s.client_id.empty() || s.client_secret.configured()))
    error("grant, client_id and client_secret are for OpenID", "write provider = \"openid\", or drop them");
  if (s.intrusion() && !s.forged) error("asks = \"intrusion\" with forged = false asks nothing", "drop one of them");
}

class AuthProbe : public Probe {
 public:
  explicit AuthProbe(const AuthSettings& settings) : settings_(settings) {}

  Task<Outcome> run(World& world) override {
    for (const Secret* secret : {&settings_.api_key, &settings_.password, &settings_.client_secret, &settings_.jwt_secret})
      if (secret->configured() && !secret->present())
        co_return outcome_of(Health::unknown, Reason::internal, "", "the secret " + secret->name() + " is missing");
    if (settings_.provider == "openid") {
      OpenIdVisit visit(settings_, world, memory_);
      co_return co_await visit.run();
    }
    SupabaseVisit visit(settings_, world, memory_);
    co_return co_await visit.run();
  }

  Health when_late() const override { return settings_.intrusion() ? Health::unknown : Health::down; }

 private:
  AuthSettings settings_;
  AuthMemory memory_;
};

}  // namespace

Kind kind() { return kind_of<AuthSettings, AuthProbe>({.name = "auth", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::auth
