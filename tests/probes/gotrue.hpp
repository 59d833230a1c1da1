// SPDX-License-Identifier: Apache-2.0
// Supabase Auth as it answers behind its gateway, in the shapes of domain.md 4.1, with real signatures. Each way of being broken is a
// member.
#pragma once

#include "probes/seams/world.hpp"

#include <openssl/evp.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace drwatch::testing {

// A key pair of our own; signs as JWS does.
class SigningKey {
 public:
  explicit SigningKey(std::string algorithm, std::string id = "key-1");  // RS256 PS256 ES256 EdDSA HS256
  std::string sign(const std::string& text) const;                       // the signature's bytes
  std::string jwk() const;                                               // the public half, a JSON object
  std::string token(const std::string& claims) const;
  const std::string& algorithm() const { return algorithm_; }

  std::string shared = "super-secret-jwt-token-with-at-least-32-characters-long";  // HS256

 private:
  std::string algorithm_, id_;
  std::shared_ptr<EVP_PKEY> key_;
};

struct GoTrue {
  explicit GoTrue(std::string algorithm);

  std::string base = "https://ref.supabase.co/auth/v1", rest = "https://ref.supabase.co/rest/v1/profiles";
  std::string api_key = "sb_publishable_0123456789", email = "probe@example.org", password = "correct horse battery";
  std::string user_id = "11111111-1111-4111-8111-111111111111";
  Time now;
  SigningKey key, other;

  std::map<std::string, Result<HttpResponse>> broken;  // by "METHOD path" without query, or with
  std::string claims_extra;                            // members that replace those of the claims: "\"iss\":\"x\""
  bool open = false;                                   // any token is taken
  bool signs_with_other = false, keys_late = false, reuses_refresh = false, keeps_sessions = false;
  int rows_of_user = 1, rows_of_anybody = 0;

  Result<HttpResponse> answer(const HttpRequest& request);

  std::vector<std::string> asked;
  std::set<std::string> sessions;              // access tokens in force
  std::map<std::string, bool> refresh_tokens;  // token -> used

 private:
  Result<HttpResponse> routed(const HttpRequest& request, const std::string& route);
  HttpResponse pair();
  HttpResponse user(const std::string& token) const;
  int issued_ = 0;
};

// A JSON answer.
HttpResponse json(int status, std::string body);
std::string header(const HttpRequest& request, const std::string& name);

}  // namespace drwatch::testing
