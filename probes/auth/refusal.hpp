// SPDX-License-Identifier: Apache-2.0
// What an auth service (or the gateway before it) says when it does not do as asked, told apart: its own failure, drwatch's account,
// drwatch's eagerness. Shapes: GoTrue's {"code", "message"} and its older {"error_code", "msg"}; OAuth's {"error", "error_description"}
// (RFC 6749, 5.2).
#pragma once

#include "probes/seams/world.hpp"

#include <optional>
#include <string>
#include <vector>

namespace drwatch {

enum class Blame {
  service,    // it fails: users are turned away as well
  account,    // what drwatch logs in with is refused: its key, password, account, a captcha
  eagerness,  // asked too often
};

struct AuthRefusal {
  Blame blame = Blame::service;
  std::string code;  // "invalid_credentials"; the HTTP status when the answer names none
  std::string says;  // the service's own words; may be empty; not yet freed of secrets
  bool by_gateway = false;
  std::optional<Duration> wait;  // it asks for, at most Outcome::longest_wait
};

// Of an answer that is not the one wanted. `logging_in`: the request carried drwatch's account, so that refusing it says nothing of others.
AuthRefusal refusal_of(const HttpResponse& answer, bool logging_in);

// The outcome that it means, said as "`what`: ...".
Outcome outcome_of(const AuthRefusal& refusal, const std::string& what);

}  // namespace drwatch
