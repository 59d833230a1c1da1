// SPDX-License-Identifier: Apache-2.0
#include "probes/auth/jwks.hpp"

#include "config/rows/encoding.hpp"
#include "probes/parts/bounded_json.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

namespace drwatch {
namespace {

using Json = nlohmann::json;

template <class T, void (*release)(T*)>
// OpenSSL's objects, each with the function that frees it.
struct Released {
  void operator()(T* it) const { release(it); }
};
template <class T, void (*release)(T*)>
using Owned = std::unique_ptr<T, Released<T, release>>;
using PKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using PKeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Digesting = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using Number = Owned<BIGNUM, BN_free>;
using Building = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using EcSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

constexpr std::size_t most_keys = 100;
constexpr std::size_t longest_part = 2048;  // bytes of a key's number: RSA with 16384 bits

enum class Padding { none, pkcs1, pss };
struct Algorithm {
  std::string_view name, key_type, curve;
  const EVP_MD* (*digest)();
  Padding padding;
  std::size_t coordinate;  // bytes of r and of s, for ECDSA
};
// RFC 7518, 3.1 and RFC 8037, 3.1. `none` and HS* are not here, so check() can never accept them.
constexpr Algorithm algorithms[] = {
    {"RS256", "RSA", "", EVP_sha256, Padding::pkcs1, 0},     {"RS384", "RSA", "", EVP_sha384, Padding::pkcs1, 0},
    {"RS512", "RSA", "", EVP_sha512, Padding::pkcs1, 0},     {"PS256", "RSA", "", EVP_sha256, Padding::pss, 0},
    {"PS384", "RSA", "", EVP_sha384, Padding::pss, 0},       {"PS512", "RSA", "", EVP_sha512, Padding::pss, 0},
    {"ES256", "EC", "P-256", EVP_sha256, Padding::none, 32}, {"ES384", "EC", "P-384", EVP_sha384, Padding::none, 48},
    {"ES512", "EC", "P-521", EVP_sha512, Padding::none, 66}, {"EdDSA", "OKP", "Ed25519", nullptr, Padding::none, 0},
};

const Algorithm* find_algorithm(std::string_view name) {
  const auto at = std::find_if(std::begin(algorithms), std::end(algorithms), [&](const Algorithm& a) { return a.name == name; });
  return at == std::end(algorithms) ? nullptr : at;
}

const unsigned char* bytes(const std::string& text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// A key's part as bytes; empty: it isn't there, or too long.
std::string part(const Json& jwk, const char* key) {
  const auto text = from_base64url(text_at(jwk, key));
  return text && text->size() <= longest_part ? *text : std::string{};
}

PKey from_parameters(const char* type, OSSL_PARAM_BLD* building) {
  Parameters parameters(OSSL_PARAM_BLD_to_param(building));
  PKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) <= 0 ||
      EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) <= 0)
    return {};
  return PKey(made);
}

PKey rsa_key(const Json& jwk) {
  const std::string n = part(jwk, "n"), e = part(jwk, "e");
  if (n.size() < 256 || e.empty() || e.size() > 8) return {};  // RFC 7518 3.3: 2048 bits or more
  Number modulus(BN_bin2bn(bytes(n), static_cast<int>(n.size()), nullptr)),
      exponent(BN_bin2bn(bytes(e), static_cast<int>(e.size()), nullptr));
  Building building(OSSL_PARAM_BLD_new());
  if (!building || !modulus || !exponent || !OSSL_PARAM_BLD_push_BN(building.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) ||
      !OSSL_PARAM_BLD_push_BN(building.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()))
    return {};
  return from_parameters("RSA", building.get());
}

PKey ec_key(const Json& jwk, const std::string& curve) {
  // SEC 1, 2.3.3: 4 means that both coordinates follow, uncompressed. OpenSSL refuses a point of the wrong length or off the curve.
  const std::string point = "\x04" + part(jwk, "x") + part(jwk, "y");
  Building building(OSSL_PARAM_BLD_new());
  if (!building || !OSSL_PARAM_BLD_push_utf8_string(building.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), curve.size()) ||
      !OSSL_PARAM_BLD_push_octet_string(building.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()))
    return {};
  return from_parameters("EC", building.get());
}

PKey ed25519_key(const Json& jwk) {
  const std::string x = part(jwk, "x");
  if (x.size() != 32) return {};
  return PKey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size()));
}

// JWTs carry r and s side by side (RFC 7518 3.4), OpenSSL wants them in DER. Empty: not of the right length.
std::string as_der(const std::string& raw, std::size_t coordinate) {
  if (raw.size() != 2 * coordinate) return "";
  const int size = static_cast<int>(coordinate);
  Number r(BN_bin2bn(bytes(raw), size, nullptr)), s(BN_bin2bn(bytes(raw) + size, size, nullptr));
  EcSignature signature(ECDSA_SIG_new());
  if (!r || !s || !signature || !ECDSA_SIG_set0(signature.get(), r.get(), s.get())) return "";
  static_cast<void>(r.release());  // the signature's now
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  if (length <= 0) return "";
  std::string made(reinterpret_cast<char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return made;
}

bool verifies(EVP_PKEY* key, const Algorithm& algorithm, const Jwt& token) {
  const std::string signature = algorithm.coordinate ? as_der(token.signature, algorithm.coordinate) : token.signature;
  Digesting digesting(EVP_MD_CTX_new());
  EVP_PKEY_CTX* how = nullptr;  // the digesting's
  if (signature.empty() || !digesting) return false;
  if (EVP_DigestVerifyInit(digesting.get(), &how, algorithm.digest ? algorithm.digest() : nullptr, nullptr, key) <= 0) return false;
  // RFC 7518, 3.5: the salt is as long as the digest.
  if (algorithm.padding == Padding::pss &&
      (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) <= 0 || EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) <= 0))
    return false;
  return EVP_DigestVerify(digesting.get(), bytes(signature), signature.size(), bytes(token.signed_text), token.signed_text.size()) == 1;
}

const EVP_MD* shared_digest(std::string_view algorithm) {
  return algorithm == "HS256" ? EVP_sha256() : algorithm == "HS384" ? EVP_sha384() : algorithm == "HS512" ? EVP_sha512() : nullptr;
}

}  // namespace

struct KeySet::Key {
  std::string id, type, curve, algorithm;
  bool for_signatures = true;
  PKey key;  // null: of a kind that is not understood

  // RFC 7517, 4.2 and 4.4: a key may say what it is for and for which algorithm; then it counts for nothing else.
  bool fits(const Algorithm& wanted) const {
    return key && for_signatures && type == wanted.key_type && (wanted.curve.empty() || curve == wanted.curve) &&
           (algorithm.empty() || algorithm == wanted.name);
  }
};

Result<KeySet> KeySet::parse(std::string_view json) {
  const Json document = bounded_json(json);
  const auto listed = document.is_object() ? document.find("keys") : document.end();
  if (!document.is_object() || listed == document.end() || !listed->is_array())
    return Failure{Reason::protocol, "malformed-keys", "the key set is not {\"keys\": [...]}"};
  KeySet set;
  for (const Json& jwk : *listed) {
    if (!jwk.is_object() || set.keys_.size() >= most_keys) continue;
    auto key = std::make_shared<Key>();
    key->id = text_at(jwk, "kid");
    key->type = text_at(jwk, "kty");
    key->curve = text_at(jwk, "crv");
    key->algorithm = text_at(jwk, "alg");
    key->for_signatures = !jwk.contains("use") || text_at(jwk, "use") == "sig";
    if (key->type == "RSA") key->key = rsa_key(jwk);
    if (key->type == "EC") key->key = ec_key(jwk, key->curve);
    if (key->type == "OKP" && key->curve == "Ed25519") key->key = ed25519_key(jwk);
    set.keys_.push_back(std::move(key));
  }
  ERR_clear_error();
  return set;
}

std::vector<std::string> KeySet::key_ids() const {
  std::vector<std::string> ids;
  for (const auto& key : keys_) ids.push_back(key->id);
  return ids;
}

bool KeySet::symmetric(const Jwt& token) const { return keys_.empty() && shared_digest(token.algorithm); }

SignatureCheck KeySet::check(const Jwt& token) const {
  const Algorithm* algorithm = find_algorithm(token.algorithm);
  if (!algorithm) return {SignatureVerdict::refused_algorithm, "the token's algorithm is one that is never accepted here"};
  bool known = false, fits = false, good = false;
  for (const auto& key : keys_) {
    // A token without a key id may be signed with any of the keys.
    if (!token.key_id.empty() && key->id != token.key_id) continue;
    known = true;
    if (!key->fits(*algorithm)) continue;
    fits = true;
    // Several keys may share an id; one that verifies is enough.
    good = good || verifies(key->key.get(), *algorithm, token);
  }
  ERR_clear_error();
  if (good) return {SignatureVerdict::good, ""};
  if (!known) return {SignatureVerdict::unknown_key, "the token is signed with a key that the key set does not list"};
  if (!fits)
    return {SignatureVerdict::refused_algorithm, "the token's algorithm " + token.algorithm + " does not fit the key that it names"};
  return {SignatureVerdict::bad, "the token's signature does not verify with the published key"};
}

SignatureCheck check_shared_secret(const Jwt& token, const std::string& secret) {
  const EVP_MD* digest = shared_digest(token.algorithm);
  if (!digest) return {SignatureVerdict::refused_algorithm, "the token's algorithm is not one of a shared secret"};
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!HMAC(digest, secret.data(), static_cast<int>(secret.size()), bytes(token.signed_text), token.signed_text.size(), mac, &size))
    return {SignatureVerdict::bad, "the token's signature could not be computed"};
  if (size == token.signature.size() && CRYPTO_memcmp(mac, token.signature.data(), size) == 0) return {SignatureVerdict::good, ""};
  return {SignatureVerdict::bad, "the token's signature does not verify with the shared secret"};
}

}  // namespace drwatch
