// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/gotrue.hpp"

#include "config/rows/encoding.hpp"
#include "probes/auth/jwt.hpp"
#include "tests/probes/fake_world.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <stdexcept>

namespace drwatch::testing {
namespace {

const unsigned char* bytes(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string number(const EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* value = nullptr;
  if (!EVP_PKEY_get_bn_param(key, name, &value)) throw std::runtime_error("no such part");
  std::string made(static_cast<std::size_t>(size ? size : BN_num_bytes(value)), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(made.data()), static_cast<int>(made.size()));
  BN_free(value);
  return made;
}

std::string from_der(const std::string& der) {
  const unsigned char* at = bytes(der);
  ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  std::string raw(64, '\0');
  auto* into = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), into, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), into + 32, 32);
  ECDSA_SIG_free(signature);
  return raw;
}

EVP_PKEY* generated(const std::string& algorithm) {
  if (algorithm == "HS256") return nullptr;
  if (algorithm == "ES256") return EVP_EC_gen("P-256");
  if (algorithm == "EdDSA") return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  return EVP_RSA_gen(2048);
}

}  // namespace

SigningKey::SigningKey(std::string algorithm, std::string id)
    : algorithm_(std::move(algorithm)), id_(std::move(id)), key_(generated(algorithm_), EVP_PKEY_free) {}

std::string SigningKey::sign(const std::string& text) const {
  if (!key_) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), shared.data(), static_cast<int>(shared.size()), bytes(text), text.size(), mac, &size);
    return {reinterpret_cast<char*>(mac), size};
  }
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* how = nullptr;
  EVP_DigestSignInit(context, &how, algorithm_ == "EdDSA" ? nullptr : EVP_sha256(), nullptr, key_.get());
  if (algorithm_ == "PS256") {
    EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
  }
  std::size_t size = 0;
  EVP_DigestSign(context, nullptr, &size, bytes(text), text.size());
  std::string made(size, '\0');
  EVP_DigestSign(context, reinterpret_cast<unsigned char*>(made.data()), &size, bytes(text), text.size());
  EVP_MD_CTX_free(context);
  made.resize(size);
  return algorithm_ == "ES256" ? from_der(made) : made;
}

std::string SigningKey::jwk() const {
  const std::string head = R"({"kid":")" + id_ + R"(","use":"sig","alg":")" + algorithm_ + "\",";
  if (algorithm_ == "ES256")
    return head + R"("kty":"EC","crv":"P-256","x":")" + base64url(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32)) + R"(","y":")" +
           base64url(number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + "\"}";
  if (algorithm_ == "EdDSA") {
    std::string raw(32, '\0');
    std::size_t size = 32;
    EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
    return head + R"("kty":"OKP","crv":"Ed25519","x":")" + base64url(raw) + "\"}";
  }
  return head + R"("kty":"RSA","n":")" + base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_N)) + R"(","e":")" +
         base64url(number(key_.get(), OSSL_PKEY_PARAM_RSA_E)) + "\"}";
}

std::string SigningKey::token(const std::string& claims) const {
  const std::string header = R"({"alg":")" + algorithm_ + R"(","kid":")" + id_ + R"(","typ":"JWT"})";
  const std::string text = base64url(header) + "." + base64url(claims);
  return text + "." + base64url(sign(text));
}

HttpResponse json(int status, std::string body) { return response(status, std::move(body), {{"Content-Type", "application/json"}}); }

std::string header(const HttpRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return "";
}

GoTrue::GoTrue(std::string algorithm) : now(FakeClock{}.wall), key(algorithm), other(algorithm) {}

Result<HttpResponse> GoTrue::answer(const HttpRequest& request) {
  const std::string route = request.method + " " + request.url.substr(std::string("https://ref.supabase.co").size());
  asked.push_back(route);
  const std::string short_route = route.substr(0, route.find('?'));
  for (const auto& [where, how] : broken)
    if (where == route || where == short_route) return how;
  if (header(request, "apikey").empty()) return json(401, R"({"message":"No API key found in request"})");
  if (header(request, "apikey") != api_key) return json(401, R"({"message":"Invalid API key"})");
  return routed(request, route);
}

Result<HttpResponse> GoTrue::routed(const HttpRequest& request, const std::string& route) {
  const std::string bearer = header(request, "Authorization"), token = bearer.empty() ? "" : bearer.substr(7);
  const bool known = sessions.count(token) > 0 || (open && !token.empty());
  if (route == "GET /auth/v1/health")
    return json(200, R"({"version":"v2.170.0","name":"GoTrue","description":"GoTrue is a user registration and authentication API"})");
  if (route == "GET /auth/v1/.well-known/jwks.json") {
    const bool late = std::exchange(keys_late, false);
    return json(200, key.algorithm() == "HS256" || late ? R"({"keys":[]})" : R"({"keys":[)" + key.jwk() + "]}");
  }
  if (route == "POST /auth/v1/token?grant_type=password") {
    if (request.body != R"({"email":")" + email + R"(","password":")" + password + "\"}")
      return json(400, R"({"code":"invalid_credentials","message":"Invalid login credentials"})");
    return pair();
  }
  if (route == "POST /auth/v1/token?grant_type=refresh_token") {
    for (auto& [refresh, used] : refresh_tokens) {
      if (request.body != R"({"refresh_token":")" + refresh + "\"}") continue;
      if (used && !reuses_refresh)
        return json(400, R"({"code":"refresh_token_already_used","message":"Invalid Refresh Token: Already Used"})");
      used = true;
      return pair();
    }
    return json(400, R"({"code":"refresh_token_not_found","message":"Invalid Refresh Token: Refresh Token Not Found"})");
  }
  if (route == "GET /auth/v1/user") return known ? user(token) : json(403, R"({"code":"bad_jwt","message":"invalid JWT"})");
  if (route == "POST /auth/v1/logout?scope=local") {
    if (!known) return json(403, R"({"code":"session_not_found","message":"Session not found"})");
    if (!keeps_sessions) sessions.erase(token);
    return response(204);
  }
  if (request.url == rest) {
    std::string rows;
    for (int i = 0; i < (known ? rows_of_user : rows_of_anybody); ++i)
      rows += (i ? "," : "") + std::string(R"({"id":)") + std::to_string(i) + "}";
    return json(200, "[" + rows + "]");
  }
  return json(404, R"({"message":"no Route matched with those values"})");
}

HttpResponse GoTrue::pair() {
  const auto at = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
  ++issued_;
  std::string claims = R"({"iss":")" + base + R"(","aud":"authenticated","role":"authenticated","sub":")" + user_id + R"(","iat":)" +
                       std::to_string(at) + R"(,"exp":)" + std::to_string(at + 3600) + R"(,"session_id":")" + std::to_string(issued_) +
                       "\"";
  claims += (claims_extra.empty() ? "" : "," + claims_extra) + "}";
  const std::string access = (signs_with_other ? other : key).token(claims), refresh = "r" + std::to_string(issued_) + "-k3jd92ks";
  sessions.insert(access);
  refresh_tokens[refresh] = false;
  return json(200, R"({"access_token":")" + access + R"(","token_type":"bearer","expires_in":3600,"expires_at":)" +
                       std::to_string(at + 3600) + R"(,"refresh_token":")" + refresh + R"(","user":{"id":")" + user_id + "\"}}");
}

HttpResponse GoTrue::user(const std::string& token) const {
  const auto parsed = parse_jwt(token);
  return json(200, R"({"id":")" + (parsed ? claim(*parsed, "sub") : user_id) + R"(","aud":"authenticated"})");
}

}  // namespace drwatch::testing
