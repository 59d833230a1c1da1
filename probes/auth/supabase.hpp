// SPDX-License-Identifier: Apache-2.0
// Supabase Auth (GoTrue) behind its gateway, stage by stage, in the order of `through_stages`. A stage ends the run or lets the next one
// begin.
#pragma once

#include "probes/auth/visit.hpp"

namespace drwatch {

class SupabaseVisit : public AuthVisit {
 public:
  using AuthVisit::AuthVisit;
  Task<Outcome> run();

 private:
  using Stage = Task<Ended> (SupabaseVisit::*)();

  Task<Ended> through_stages();
  Task<Ended> health();
  Task<Ended> old_refresh_token();
  Task<Ended> keys();
  Task<Ended> login();
  Task<Ended> signature();
  Task<Ended> claims();
  Task<Ended> user();
  Task<Ended> forged();
  Task<Ended> read();
  Task<Ended> refresh();
  Task<Ended> logout();

  std::string done() const;  // what was, when all went well
  Ended take_tokens(const HttpResponse& answer);
  Task<Ended> refuse_forged(std::string token, std::string what);
  Task<Result<std::int64_t>> rows_seen(Headers headers, std::optional<HttpResponse>* refused_by);

  std::string access_, refresh_;
  std::optional<std::int64_t> lifetime_;
  bool keys_listed_ = false;
  bool leave_open_ = false;  // this session stays, so that its old refresh token can be tried later
};

}  // namespace drwatch
