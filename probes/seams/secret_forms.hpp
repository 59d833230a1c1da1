// SPDX-License-Identifier: Apache-2.0
// As what a secret may stand in a text, escapes aside (probes/seams/plainer.hpp takes those away).
#pragma once

#include <string>
#include <vector>

namespace drwatch {

struct SecretForm {
  std::string text;
  // Counts only where no letter or digit stands beside it: the secret is a short one.
  bool alone = false;
  // In base64, where letters do not end where bytes do: the letter before it, and the one behind it, hold some bits of the secret too.
  bool begins_within = false, ends_within = false;
};

// The secret itself; of a connection string or a URL the password in it, of a URL also its path, its query and the parts of them, of a form
// or a JSON document its values; and each of these in base64 and base64url, wherever in a longer encoded text it may begin, and in
// hexadecimal. None for what is shorter than `least_secret`.
std::vector<SecretForm> secret_forms(const std::string& secret);

// A regex of what the name of a field says whose value must not be shown. "code" is not in it, although OAuth has secret codes: services
// name their errors so, and a person needs those.
inline constexpr const char* secret_field =
    "(?i:token|secret|passw|pwd|api[_-]?key|[_-]key|credential|authorization|cookie|session|signature|jwt|otp)";

}  // namespace drwatch
