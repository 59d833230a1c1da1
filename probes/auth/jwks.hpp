// SPDX-License-Identifier: Apache-2.0
// JSON Web Key Sets (RFC 7517) and the signatures that their keys verify (RFC 7518, RFC 8037), by OpenSSL.
#pragma once

#include "probes/auth/jwt.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

enum class SignatureVerdict { good, bad, unknown_key, refused_algorithm };

struct SignatureCheck {
  SignatureVerdict verdict = SignatureVerdict::bad;
  std::string why;  // a sentence; empty when good
};

// RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA (Ed25519). `none` and every other name are refused, and so is HS* as long as
// the set has keys at all: who may choose the algorithm could sign with the public key (RFC 8725 3.1).
class KeySet {
 public:
  // Fails with protocol when it isn't `{"keys": [...]}`. Keys of kinds that are not understood stay in the set, as keys that verify
  // nothing. At most 100 keys are read.
  static Result<KeySet> parse(std::string_view json);

  bool empty() const { return keys_.empty(); }
  std::vector<std::string> key_ids() const;  // "" for a key without one
  bool symmetric(const Jwt& token) const;    // signed with a shared secret, by a set that lists no keys: a matter of the secret
  SignatureCheck check(const Jwt& token) const;

 private:
  struct Key;
  std::vector<std::shared_ptr<const Key>> keys_;
};

// HS256, HS384 and HS512 against the shared secret.
SignatureCheck check_shared_secret(const Jwt& token, const std::string& secret);

}  // namespace drwatch
