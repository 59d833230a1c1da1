// SPDX-License-Identifier: Apache-2.0
// What an `auth` probe is told.
#pragma once

#include "config/rows/secret.hpp"
#include "config/rows/time.hpp"
#include "probes/seams/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drwatch {

// A read through the platform's API that row-level security guards.
struct GuardedRead {
  std::string target;
  std::int64_t rows = 1;  // what the account sees
  friend bool operator==(const GuardedRead&, const GuardedRead&) = default;
};

// The defaults of the rows in probe.cpp; empty strings mean "not given".
struct AuthSettings {
  std::string target;                 // without a trailing slash
  std::string provider = "supabase";  // supabase | openid
  std::string asks = "login";         // login | intrusion
  Secret api_key;
  std::string user;
  Secret password;
  std::string client_id;
  Secret client_secret;
  std::string grant = "none";  // openid: none | client_credentials | password
  std::string scope;
  std::string issuer, audience, subject, role;  // empty: the default of the provider
  Secret jwt_secret;
  std::vector<std::string> key_ids;
  std::optional<GuardedRead> read;
  bool forged = true;
  std::optional<Duration> slower_than;
  TlsSettings tls;
  std::string family = "any";
  friend bool operator==(const AuthSettings&, const AuthSettings&) = default;

  // Whether there is an account to log in with.
  bool logs_in() const { return !user.empty() || grant == "client_credentials"; }
  // Asked for intrusion: only whether forged tokens are let in counts, not whether the service works.
  bool intrusion() const { return asks == "intrusion"; }
};

}  // namespace drwatch
