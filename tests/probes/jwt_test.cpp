// SPDX-License-Identifier: Apache-2.0
#include "config/rows/encoding.hpp"
#include "probes/auth/jwks.hpp"
#include "tests/probes/gotrue.hpp"

#include <doctest/doctest.h>

#include <random>

namespace jwt_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Jwt parsed(const std::string& token) {
  const auto made = parse_jwt(token);
  REQUIRE(made.has_value());
  return *made;
}
KeySet keys_of(const std::string& keys) {
  auto made = KeySet::parse(R"({"keys":[)" + keys + "]}");
  REQUIRE(made.has_value());
  return *made;
}

}  // namespace

TEST_CASE("jwt: base64url, strictly") {
  for (const std::string text : {"", "f", "fo", "foo", "\xff\xfe\x00?"}) CHECK(from_base64url(base64url(text)) == text);
  CHECK(base64url("\xfb\xff") == "-_8");
  for (const char* wrong : {"a", "ab==", "a+b/", "a b", "AAAAA", "-_9", "-_8\n"}) CHECK_FALSE(from_base64url(wrong));
}

// RFC 7515 A.1: signed with a shared secret.
TEST_CASE("jwt: the RFC's own example") {
  const Jwt token = parsed(
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  CHECK(claim(token, "iss") == "joe");
  const auto secret = from_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  REQUIRE(secret);
  CHECK(check_shared_secret(token, *secret).verdict == SignatureVerdict::good);
  CHECK(check_shared_secret(token, *secret + "x").verdict == SignatureVerdict::bad);
}

TEST_CASE("jwt: what a token must not be") {
  const std::string header = base64url(R"({"alg":"ES256"})"), claims = base64url("{}");
  CHECK(parse_jwt(header + "." + claims + ".").has_value());
  for (const std::string& wrong :
       {std::string(), std::string("."), std::string(".."), header + "." + claims, header + "." + claims + ".x.y",
        header + "." + claims + ".!", base64url("[]") + "." + claims + ".", base64url("{}") + "." + claims + ".",
        base64url(R"({"alg":7})") + "." + claims + ".", base64url(R"({"alg":"ES256","crit":["x"]})") + "." + claims + ".",
        header + "." + base64url("7") + ".", header + "." + base64url("{") + ".", std::string(20000, 'a')}) {
    CAPTURE(wrong.substr(0, 80));
    const auto made = parse_jwt(wrong);
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().code == "malformed-token");
  }
}

TEST_CASE("jwt: only the published key's signature, only with its own algorithm") {
  for (const char* algorithm : {"ES256", "RS256", "PS256", "EdDSA"}) {
    CAPTURE(algorithm);
    const SigningKey key(algorithm, "a"), other(algorithm, "a"), elsewhere(algorithm, "b");
    const KeySet keys = keys_of(key.jwk());
    CHECK(keys.key_ids() == std::vector<std::string>{"a"});
    const std::string token = key.token(R"({"sub":"u"})");
    CHECK(keys.check(parsed(token)).verdict == SignatureVerdict::good);
    CHECK(keys.check(parsed(other.token(R"({"sub":"u"})"))).verdict == SignatureVerdict::bad);
    CHECK(keys.check(parsed(elsewhere.token(R"({"sub":"u"})"))).verdict == SignatureVerdict::unknown_key);
    CHECK(keys.check(parsed(with_more_rights(token))).verdict == SignatureVerdict::bad);
    CHECK(keys.check(parsed(without_signature(token))).verdict == SignatureVerdict::refused_algorithm);
    CHECK(keys.check(parsed(invented_token("i", Time{}, 7))).verdict == SignatureVerdict::refused_algorithm);
    Jwt cut = parsed(token);
    cut.signature.pop_back();
    CHECK(keys.check(cut).verdict == SignatureVerdict::bad);
    cut.signature.clear();
    CHECK(keys.check(cut).verdict == SignatureVerdict::bad);
  }
  // Signed with the public key as if it were a shared secret.
  const SigningKey rsa("RS256", "a");
  SigningKey confused("HS256", "a");
  confused.shared = rsa.jwk();
  CHECK(keys_of(rsa.jwk()).check(parsed(confused.token("{}"))).verdict == SignatureVerdict::refused_algorithm);
  CHECK_FALSE(keys_of(rsa.jwk()).symmetric(parsed(confused.token("{}"))));
  CHECK(keys_of("").symmetric(parsed(confused.token("{}"))));
}

TEST_CASE("jwt: keys that verify nothing") {
  const SigningKey key("RS256", "a");
  const Jwt token = parsed(key.token("{}"));
  std::string for_encryption = key.jwk(), of_another = key.jwk();
  for_encryption.replace(for_encryption.find("\"sig\""), 5, "\"enc\"");
  of_another.replace(of_another.find("RS256"), 5, "RS512");
  for (const std::string& jwk :
       {for_encryption, of_another, std::string(R"({"kid":"a","kty":"oct","k":"AAAA"})"), std::string(R"({"kid":"a"})"),
        std::string(R"({"kid":"a","kty":"RSA","n":"AQAB","e":"AQAB"})"), std::string(R"({"kid":"a","kty":"EC","crv":"P-256"})"),
        std::string(R"({"kid":"a","kty":"EC","crv":"nonsense","x":"AA","y":"AA"})"),
        std::string(R"({"kid":"a","kty":"OKP","crv":"Ed25519","x":"AA"})")}) {
    CAPTURE(jwk.substr(0, 60));
    CHECK(keys_of(jwk).check(token).verdict == SignatureVerdict::refused_algorithm);
  }
  for (const char* wrong : {"", "[]", "{}", R"({"keys":7})", "<html>"}) CHECK_FALSE(KeySet::parse(wrong).has_value());
  CHECK(keys_of("1,null,{}").key_ids() == std::vector<std::string>{""});
}

TEST_CASE("jwt: no bytes upset it") {
  std::mt19937 dice(20260301);
  const SigningKey key("ES256");
  const std::string token = key.token(R"({"iss":"i","aud":["a"],"exp":1e9,"iat":-1})"), set = R"({"keys":[)" + key.jwk() + "]}";
  const KeySet keys = keys_of(key.jwk());
  int good = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bent = token, listed = set;
    for (std::string* text : {&bent, &listed}) {
      for (int changes = 1 + static_cast<int>(dice() % 4); changes > 0; --changes) {
        const auto at = dice() % text->size();
        switch (dice() % 3) {
          case 0:
            (*text)[at] = static_cast<char>(dice());
            break;
          case 1:
            text->erase(at, dice() % 20);
            break;
          default:
            text->insert(at, std::string(dice() % 5, static_cast<char>(dice())));
        }
        if (text->empty()) *text = "x";
      }
    }
    if (const auto made = parse_jwt(bent)) {
      static_cast<void>(claims_fault(*made, {"i", "a", "s", "r", 3600}, Time{seconds{1000}}));
      if (bent != token && keys.check(*made).verdict == SignatureVerdict::good) ++good;
    }
    if (const auto made = KeySet::parse(listed)) static_cast<void>(made->check(parsed(token)));
  }
  CHECK(good == 0);
}

}  // namespace jwt_test
