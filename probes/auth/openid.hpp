// SPDX-License-Identifier: Apache-2.0
// Any OpenID provider, found by discovery (OpenID Connect Discovery 1.0): its document, its keys and, with a grant, its tokens.
#pragma once

#include "probes/auth/visit.hpp"

namespace drwatch {

class OpenIdVisit : public AuthVisit {
 public:
  using AuthVisit::AuthVisit;
  Task<Outcome> run();

 private:
  Task<Ended> through_stages();
  Task<Ended> discovery();
  Task<Ended> keys();
  Ended nowhere_to_try();
  Task<Ended> login();
  Task<Ended> signature();
  Ended claims();
  Task<Ended> user();
  Task<Ended> forged();
  Task<Ended> refresh();
  Task<Ended> logout();

  Task<Result<HttpResponse>> ask_token(std::string at, std::string form);
  Headers as_client(Headers headers) const;

  struct Endpoints {
    std::string keys, token, user, revocation;  // empty: the document names none
  };
  Endpoints at_;
  std::string access_, id_token_, refresh_;
  std::optional<std::int64_t> lifetime_;
};

}  // namespace drwatch
